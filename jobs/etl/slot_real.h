/* slot_real: states that hold exact sums of doubles, and how such a sum travels. */
#ifndef QN_JOBS_ETL_SLOT_REAL_H
#define QN_JOBS_ETL_SLOT_REAL_H

#include "base/sum.h"
#include "jobs/etl/slot.h"

struct qn_slot_real_state {
    int64_t n;
    struct qn_sum sum;
};

struct qn_slot_spread_state { /* for variance and stddev */
    int64_t n;
    struct qn_sum sum, squares;
};

/* Columns of one sum: its form, the number's halves, the wide form as hex digits. */
enum { QN_SUM_FIELDS = 4 };
void qn_slot_sum_fields(struct qn_type out[QN_SUM_FIELDS]);
/* Room for one sum a row; put() fills it, finish() ends the texts. */
QN_CHECK qn_code qn_slot_sum_columns(const struct qn_slot_view *view,
                                     struct qn_column out[QN_SUM_FIELDS], struct qn_err *err);
void qn_slot_sum_put(struct qn_column out[QN_SUM_FIELDS], uint32_t row, const struct qn_sum *sum,
                     struct qn_buf *wide);
QN_CHECK qn_code qn_slot_sum_finish(const struct qn_slot_view *view,
                                    struct qn_column out[QN_SUM_FIELDS], const struct qn_buf *wide,
                                    struct qn_err *err);
/* Adds the sum of a row to one in the states. QN_EWIRE when it is none. */
QN_CHECK qn_code qn_slot_sum_take(struct qn_sum *sum, const struct qn_column in[QN_SUM_FIELDS],
                                  uint32_t row, struct qn_arena *arena, struct qn_err *err);

#endif
