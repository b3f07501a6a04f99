/* part: everything one task gave out, as one run of bytes: in memory on a worker, on the wire as
 * DATA frames, at rest as a file of the coordinator's state folder.
 *
 *     magic "QNPART1\n", then records:  u8 kind | u32 partition | u32 length | payload
 *
 * Payloads of ROWS, PARTITION and REJECTS are batches (codec.h), of PARTIAL the job's own bytes. */
#ifndef QN_WIRE_PART_H
#define QN_WIRE_PART_H

#include "base/buf.h"
#include "base/hash.h"
#include "flow/batch.h"
#include "flow/source.h"

enum qn_part_kind { QN_PART_ROWS = 1, QN_PART_PARTITION, QN_PART_REJECTS, QN_PART_PARTIAL };

void qn_part_begin(struct qn_buf *out);
/* A batch of any size, cut into records of at most QN_BATCH_ROWS rows; none of no rows. */
QN_CHECK qn_code qn_part_put_batch(struct qn_buf *out, enum qn_part_kind kind, uint32_t partition,
                                   const struct qn_batch *batch, struct qn_err *err);
void qn_part_put_partial(struct qn_buf *out, struct qn_strv bytes);

/* Walks the records of part files in order; only records of `kind` (and `partition`) are decoded,
 * the others are skipped by their length. A qn_reader whose origins count rows from 0 per file and
 * whose file_index is the current file's place in `paths`.
 * locate() takes rows of the current batch and gives the row as JSON; its line is the ordinal.
 * `schema` is borrowed until close, `paths` and `wanted` are not. */
QN_CHECK qn_code qn_part_open(const char *const *paths, uint32_t n_paths, enum qn_part_kind kind,
                              uint32_t partition, const struct qn_schema *schema,
                              const bool *wanted, struct qn_reader **out, struct qn_err *err);

/* The PARTIAL of a part file, appended to out; QN_ENOTFOUND when it has none. */
QN_CHECK qn_code qn_part_read_partial(const char *path, struct qn_buf *out, struct qn_err *err);

/* Size and XXH3-128 of a whole file: what the ledger says of a part. */
QN_CHECK qn_code qn_part_digest(const char *path, uint64_t *bytes, struct qn_hash128 *digest,
                                struct qn_err *err);

#endif
