/* part_writer: a part as it is made: records gather in memory; past QN_PART_MEMORY_BYTES they go on
 * to a file when there is one to go to, so that a large part never stands in memory as a whole.
 * The writer is reused from task to task: its memory stays. */
#ifndef QN_WIRE_PART_WRITER_H
#define QN_WIRE_PART_WRITER_H

#include "base/buf.h"
#include "base/hash.h"
#include "flow/batch.h"
#include "wire/part.h"

/* A part up to this size travels in messages: a file costs more than it. */
enum { QN_PART_MEMORY_BYTES = 256 << 10 };

struct qn_part_writer {
    struct qn_buf bytes; /* not in the file yet; without a file all of them */
    struct qn_buf index;
    uint64_t flushed; /* bytes in the file */
    struct qn_hash128_stream digest;
    const char *path; /* borrowed; NULL: stays in memory, compressed, for it will travel */
    int fd;           /* -1: no file (yet) */
    struct {
        uint8_t kind;
        uint32_t partition;
        uint64_t offset, rows;
    } run; /* records of one kind and partition in a row: one entry of the index */
    uint32_t n_runs;
};

void qn_part_writer_init(struct qn_part_writer *writer);
void qn_part_writer_fini(struct qn_part_writer *writer);

void qn_part_writer_begin(struct qn_part_writer *writer, const char *path);
/* A batch of any size, cut into records of at most QN_BATCH_ROWS rows; none of no rows. */
QN_CHECK qn_code qn_part_writer_put(struct qn_part_writer *writer, enum qn_part_kind kind,
                                    uint32_t partition, const struct qn_batch *batch,
                                    struct qn_err *err);
QN_CHECK qn_code qn_part_writer_put_partial(struct qn_part_writer *writer, struct qn_strv bytes,
                                            struct qn_err *err);
/* A record of bytes that are no batch: SEGMENT, SEGMENTS. */
QN_CHECK qn_code qn_part_writer_put_bytes(struct qn_part_writer *writer, enum qn_part_kind kind,
                                          uint32_t partition, struct qn_strv bytes,
                                          struct qn_err *err);
/* Completes the part: its size and XXH3-128. Either all of it is in `bytes`, or fd >= 0 said that a
 * file took it, which is closed now. */
QN_CHECK qn_code qn_part_writer_end(struct qn_part_writer *writer, bool *in_file, uint64_t *bytes,
                                    struct qn_hash128 *digest, struct qn_err *err);
/* Forgets the part, and removes its file. */
void qn_part_writer_abandon(struct qn_part_writer *writer);

#endif
