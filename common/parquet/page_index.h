/* page_index: what the pages of a column chunk hold, as the ColumnIndex and the OffsetIndex say
 * that some writers put between the row groups and the footer. */
#ifndef QN_PARQUET_PAGE_INDEX_H
#define QN_PARQUET_PAGE_INDEX_H

#include "parquet/file.h"

struct qn_pq_page_index {
    uint32_t n;                                /* pages; 0: nothing is known of them */
    const uint64_t *first;                     /* n + 1: first row in the group of each, its end */
    const struct qn_pq_statistics *statistics; /* n */
};

/* Of a leaf that is not repeated, in the arena. An index that is not there, cannot be read, or fits
 * neither itself nor the row group tells nothing. QN_ENOMEM. */
QN_CHECK qn_code qn_pq_page_index_read(const struct qn_pq_file *file, uint32_t group, uint32_t leaf,
                                       struct qn_arena *arena, struct qn_pq_page_index *out,
                                       struct qn_err *err);

#endif
