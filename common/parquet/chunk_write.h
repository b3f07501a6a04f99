/* chunk_write: the gathered values of a column as a column chunk: pages with headers, and what the
 * footer says of them. */
#ifndef QN_PARQUET_CHUNK_WRITE_H
#define QN_PARQUET_CHUNK_WRITE_H

#include "base/arena.h"
#include "parquet/choose.h"

/* Kept from chunk to chunk. */
struct qn_pq_chunk_writer {
    const struct qn_pq_write_options *options;
    struct qn_block_state blocks;
    struct qn_pq_chooser chooser;
    struct qn_buf page, packed; /* a page before and after compression */
    struct qn_buf entries;      /* of a dictionary: texts and their offsets, or numbers */
    struct qn_buf offsets;
    struct qn_buf blooms; /* filters of the row group so far */
};

void qn_pq_chunk_writer_init(struct qn_pq_chunk_writer *writer,
                             const struct qn_pq_write_options *options);
void qn_pq_chunk_writer_fini(struct qn_pq_chunk_writer *writer);

/* Appends the chunk, which begins `offset` bytes after where offsets count from. What `out` says
 * lives in the arena; its path is left to the caller. `bloom`: its filter goes to writer->blooms,
 * and bloom_offset counts from there. */
QN_CHECK qn_code qn_pq_chunk_write(struct qn_pq_chunk_writer *writer, struct qn_pq_gather *gather,
                                   uint64_t offset, bool bloom, struct qn_buf *to,
                                   struct qn_arena *arena, struct qn_pq_column_chunk *out,
                                   struct qn_err *err);

#endif
