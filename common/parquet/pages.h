/* pages: the pages of one column chunk, in order, checked and decompressed. */
#ifndef QN_PARQUET_PAGES_H
#define QN_PARQUET_PAGES_H

#include "codec/block.h"
#include "parquet/file.h"
#include "parquet/page_header.h"
#include "parquet/rle.h"

struct qn_pq_page {
    struct qn_pq_page_header header;
    struct qn_pq_rle repetition, definition; /* of a data page; width 0: all are 0 */
    struct qn_strv values; /* QN_PQ_SLACK readable bytes follow; good until the next page */
};

struct qn_pq_pages {
    const struct qn_pq_file *file;
    const struct qn_pq_column_meta *meta;
    const struct qn_pq_node *leaf;
    struct qn_block_state *blocks; /* borrowed */
    enum qn_block_codec codec;
    uint64_t next;   /* where the next page begins */
    uint64_t likely; /* where the chunk ends, as it says itself: some say too little */
    int64_t left;    /* values that no page has had */
    struct qn_buf window;
    uint64_t window_at; /* place of its first byte */
    size_t window_bytes;
    struct qn_buf plain, dictionary;
    bool has_dictionary;
};

/* Zero it before the first; memory is kept from chunk to chunk. window_bytes: what a read takes. */
QN_CHECK qn_code qn_pq_pages_open(struct qn_pq_pages *pages, const struct qn_pq_file *file,
                                  const struct qn_pq_row_group *group, uint32_t leaf,
                                  struct qn_block_state *blocks, size_t window_bytes,
                                  struct qn_err *err);
void qn_pq_pages_fini(struct qn_pq_pages *pages);

/* The header of the next page that has data or a dictionary; the page is passed over unless
 * qn_pq_pages_take() comes next. False in *found: there is none. */
QN_CHECK qn_code qn_pq_pages_next(struct qn_pq_pages *pages, struct qn_pq_page *page, bool *found,
                                  struct qn_err *err);
QN_CHECK qn_code qn_pq_pages_take(struct qn_pq_pages *pages, struct qn_pq_page *page,
                                  struct qn_err *err);

/* QN_EINPUT that names file and column. */
qn_code qn_pq_pages_complain(const struct qn_pq_pages *pages, struct qn_err *err, const char *why);

/* "a.b" of a leaf. */
void qn_pq_node_path(const struct qn_pq_tree *tree, const struct qn_pq_node *node,
                     struct qn_buf *out);

#endif
