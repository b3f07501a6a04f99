/* slot_value: one value of any type, kept in a state: an extreme, the pick of a row. */
#ifndef QN_JOBS_ETL_SLOT_VALUE_H
#define QN_JOBS_ETL_SLOT_VALUE_H

#include "jobs/etl/slot.h"

struct qn_slot_text {
    char *data; /* in the groups' arena */
    uint32_t len, capacity;
};

union qn_slot_value {
    int64_t i64; /* BOOL and all that is kept as an integer; the bits of a double */
    double f64;
    struct qn_slot_text text;
};

/* Value `row` of the column, which has one there. A text goes where the last one was if it fits, so
 * that values that are replaced again and again do not fill the arena. */
QN_CHECK qn_code qn_slot_value_set(union qn_slot_value *value, const struct qn_column *from,
                                   uint32_t row, struct qn_arena *arena, struct qn_err *err);

/* Value `row` of the column beside the one kept: -1, 0, 1. */
static inline int qn_slot_value_cmp(const struct qn_column *column, uint32_t row,
                                    const union qn_slot_value *kept)
{
    switch (column->type.id) {
    case QN_DOUBLE: return (column->f64[row] > kept->f64) - (column->f64[row] < kept->f64);
    case QN_TEXT:
        return qn_strv_cmp(qn_text_at(column, row),
                           (struct qn_strv){kept->text.data, kept->text.len});
    default: {
        int64_t value = qn_slot_i64(column, row);
        return (value > kept->i64) - (value < kept->i64);
    }
    }
}

/* Values that lie `offset` bytes into the states, as a column of the type; NULL in groups whose
 * state has no value. */
QN_CHECK qn_code qn_slot_value_column(const struct qn_slot *slot, const struct qn_slot_view *view,
                                      struct qn_type type, size_t offset, struct qn_column *out,
                                      struct qn_err *err);

#endif
