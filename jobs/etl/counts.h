/* counts: how often each value of one column occurs, exactly. */
#ifndef QN_JOBS_ETL_COUNTS_H
#define QN_JOBS_ETL_COUNTS_H

#include "jobs/etl/colstore.h"

struct qn_counts {
    struct qn_colstore values;
    uint64_t *counts;
    uint32_t *slots; /* 1 + index of a value, by hash; 0: free */
    uint32_t n_slots, counts_capacity;
    uint32_t limit; /* distinct values at most */
};

void qn_counts_init(struct qn_counts *counts, struct qn_type type, uint32_t limit);
void qn_counts_fini(struct qn_counts *counts);

/* QN_ELIMIT past the limit of distinct values; the caller says of what. */
QN_CHECK qn_code qn_counts_add(struct qn_counts *counts, const struct qn_column *column,
                               uint32_t row, uint64_t times, struct qn_err *err);

/* The value that occurs most; the smallest of several. NULL when there is none. Borrows. */
struct qn_cell qn_counts_top(const struct qn_counts *counts);

void qn_counts_pack(const struct qn_counts *counts, struct qn_buf *buf);
QN_CHECK qn_code qn_counts_merge(struct qn_counts *counts, struct qn_unpack *in,
                                 struct qn_err *err);

#endif
