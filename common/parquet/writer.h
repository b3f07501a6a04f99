/* writer: rows as Parquet. Row groups are cut by rows, or by bytes where rows are long; a segment
 * is the row groups of one writer up to an end, with offsets that count from its first byte, and a
 * file is segments in order between the magic and one footer.
 *
 * The bytes depend on schema, options and rows alone, not on how batches were cut nor on which
 * columns came with codes. A writer belongs to one thread. */
#ifndef QN_PARQUET_WRITER_H
#define QN_PARQUET_WRITER_H

#include "codec/block.h"
#include "flow/batch.h"
#include "parquet/meta.h"

/* All zeros but `encoding` is what files are written with by themselves. */
struct qn_pq_write_options {
    enum qn_block_codec codec; /* not QN_BLOCK_LZ4_FRAMED */
    int level;                 /* 0: the codec's usual one */
    int32_t encoding; /* QN_PQ_NONE: chosen; else that one where a type takes it, and PLAIN else */
    bool data_page_v2;
    bool no_crc, no_statistics;
    uint32_t group_rows;      /* 0: QN_PQ_GROUP_ROWS */
    size_t group_bytes;       /* 0: QN_PQ_GROUP_BYTES; looked at every QN_PQ_SLICE_ROWS */
    size_t page_bytes;        /* 0: QN_PQ_PAGE_BYTES; encoded values, before compression */
    uint32_t page_rows;       /* 0: as many as page_bytes allow; multiples of 8 */
    const char *const *bloom; /* n_bloom columns that get bloom filters; borrowed */
    uint32_t n_bloom;
};

enum {
    QN_PQ_GROUP_ROWS = 122880, /* 15 batches: as much as one thread of most readers takes at once */
    QN_PQ_GROUP_BYTES = 128 << 20,
    QN_PQ_SLICE_ROWS = 8192,
    QN_PQ_PAGE_BYTES = 512 << 10,
};

struct qn_pq_writer;

/* QN_ENOTSUP: a codec that is only read. Schema and options are copied. */
QN_CHECK qn_code qn_pq_writer_new(const struct qn_schema *schema,
                                  const struct qn_pq_write_options *options,
                                  struct qn_pq_writer **out, struct qn_err *err);
void qn_pq_writer_free(struct qn_pq_writer *writer);

/* Row groups that are full are appended to `out`, from which the caller may take them. QN_EINPUT: a
 * date or decimal that its physical type does not hold. */
QN_CHECK qn_code qn_pq_writer_put(struct qn_pq_writer *writer, const struct qn_batch *batch,
                                  struct qn_buf *out, struct qn_err *err);
/* Ends the segment; what qn_pq_file_tail() of footer.h needs of it is appended to `meta`. The
 * writer begins another. */
QN_CHECK qn_code qn_pq_writer_end(struct qn_pq_writer *writer, struct qn_buf *out,
                                  struct qn_buf *meta, struct qn_err *err);

#endif
