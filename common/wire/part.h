/* part: everything one task gave out, as one run of bytes: on a worker as it is made
 * (part_writer.h), in a file of the state folder, on the wire as DATA frames where worker and
 * coordinator share no folder.
 *
 *     magic "QNPART3\n" | records: u8 kind, u32 partition, u32 length, u64 check, payload
 *     index: a run per row of records of one kind and partition: u8 kind, u32 partition, u64 bytes,
 *            u64 rows | u32 runs | u64 offset of the index | u64 check of all that | magic
 *
 * Checks are XXH3-64, so that nobody works with a part whose disk forgot a bit: reading a file that
 * is gone, cut short or damaged is QN_ELOST, and the error's file its path.
 *
 * Payloads of ROWS, PARTITION, RAW and REJECTS are batches (codec.h), of PARTIAL the job's own
 * bytes, a record a piece; SEGMENT and SEGMENTS: see segments.h. */
#ifndef QN_WIRE_PART_H
#define QN_WIRE_PART_H

#include "base/buf.h"
#include "base/hash.h"
#include "flow/batch.h"
#include "flow/source.h"
#include "wire/message.h"

enum qn_part_kind {
    QN_PART_ROWS = 1,
    QN_PART_PARTITION, /* rows of a partition, of the stage's partition_schema */
    QN_PART_REJECTS,
    QN_PART_PARTIAL,
    QN_PART_RAW,      /* rows of a partition, of the stage's raw_schema */
    QN_PART_SEGMENT,  /* bytes of a segment of a file: the partition is its number */
    QN_PART_SEGMENTS, /* the table of the part's segments, at most one (segments.h) */
};

/* The file name of an attempt's part: both sides make it from the token. */
enum { QN_PART_NAME = 80 };
const char *qn_part_name(const struct qn_token *token, char out[QN_PART_NAME]);

struct qn_part_want {
    enum qn_part_kind kind;
    uint32_t first, n;              /* PARTITION: which of them; else 0 */
    const struct qn_schema *schema; /* borrowed until close */
    const struct qn_schema *raw;    /* PARTITION: RAW records are read too, in their place, and have
                                       this schema; a batch says which it has. NULL: none */
    const bool *wanted;             /* columns to decode; NULL: all. Not with raw */
};

/* Walks the wanted records of part files in order. A qn_reader whose origins count rows from 0 per
 * file and whose file_index is the current file's place in `paths`.
 * locate() takes rows of the current batch and gives the row as JSON; its line is the ordinal. */
QN_CHECK qn_code qn_part_open(const char *const *paths, uint32_t n_paths,
                              const struct qn_part_want *want, struct qn_reader **out,
                              struct qn_err *err);

/* Hands the pieces of a part file's PARTIAL to `take`, one after another, until one is refused; a
 * piece is borrowed for the call. QN_ENOTFOUND when there are none. QN_ELOST only before the first:
 * a file that is found damaged later on is QN_EIO, for what was taken cannot be taken back. */
typedef qn_code (*qn_part_take_fn)(void *context, struct qn_strv piece, struct qn_err *err);
QN_CHECK qn_code qn_part_partial(const char *path, qn_part_take_fn take, void *context,
                                 struct qn_err *err);
/* The same of a part in memory. */
QN_CHECK qn_code qn_part_partial_in(struct qn_strv part, qn_part_take_fn take, void *context,
                                    struct qn_err *err);

/* Rows of all partitions of a part file, in either form. */
QN_CHECK qn_code qn_part_count_shuffled(const char *path, uint64_t *rows, struct qn_err *err);
/* The same of a part in memory. */
QN_CHECK qn_code qn_part_count_shuffled_in(struct qn_strv part, uint64_t *rows, struct qn_err *err);

/* Size and XXH3-128 of a whole file: what the ledger says of a part. */
QN_CHECK qn_code qn_part_digest(const char *path, uint64_t *bytes, struct qn_hash128 *digest,
                                struct qn_err *err);

#endif
