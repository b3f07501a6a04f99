/* slot_extreme: states of min and max. */
#ifndef QN_JOBS_ETL_SLOT_EXTREME_H
#define QN_JOBS_ETL_SLOT_EXTREME_H

#include "jobs/etl/slot_value.h"

struct qn_slot_extreme_state {
    int64_t n;
    union {
        int64_t i64; /* all but doubles */
        double f64;
    };
};

struct qn_slot_text_state {
    int64_t n;
    union qn_slot_value value;
};

/* Extremes as a column of their type; groups without any value are NULL. */
QN_CHECK qn_code qn_slot_extreme_column(const struct qn_slot *slot, const struct qn_slot_view *view,
                                        struct qn_column *out, struct qn_err *err);

#endif
