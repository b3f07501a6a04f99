/* footer: what makes segments a file: the magic before them, the metadata of all after them. */
#ifndef QN_PARQUET_FOOTER_H
#define QN_PARQUET_FOOTER_H

#include "base/arena.h"
#include "flow/schema.h"
#include "parquet/meta.h"

/* Everything of a footer but row groups; lives in the arena, borrows the names. */
QN_CHECK qn_code qn_pq_footer_begin(const struct qn_schema *schema, struct qn_arena *arena,
                                    struct qn_pq_file_meta *out, struct qn_err *err);

void qn_pq_file_head(struct qn_buf *out);

struct qn_pq_segment {
    uint64_t bytes;
    struct qn_strv meta; /* as the writer gave it */
};

/* The footer of a file that holds the head, and these segments one after the other. QN_EINPUT: a
 * meta that is of another schema, or damaged. */
QN_CHECK qn_code qn_pq_file_tail(const struct qn_schema *schema,
                                 const struct qn_pq_segment *segments, uint32_t n,
                                 struct qn_buf *out, struct qn_err *err);

/* A whole file of ours as one segment again, which lies at `offset`; its meta is appended.
 * QN_EINPUT: another program wrote it, or it has other columns. */
QN_CHECK qn_code qn_pq_file_unwrap(struct qn_strv file, const struct qn_schema *schema,
                                   uint64_t *offset, uint64_t *bytes, uint64_t *rows,
                                   struct qn_buf *meta, struct qn_err *err);

#endif
