/* slot_pick: states of first, last, arg_min and arg_max: a value of one row, and why that row. */
#ifndef QN_JOBS_ETL_SLOT_PICK_H
#define QN_JOBS_ETL_SLOT_PICK_H

#include "jobs/etl/slot_value.h"
#include "jobs/etl/step.h"

struct qn_slot_pick_state {
    int64_t n;
    struct qn_row_id place;
    union qn_slot_value order, value;
};

/* A row's place as two integers, which is how it stands in batches. */
enum { QN_PLACE_FIELDS = 2 };
static inline void qn_place_put(struct qn_column out[QN_PLACE_FIELDS], uint32_t row,
                                struct qn_row_id place)
{
    out[0].i64[row] = (int64_t)((uint64_t)place.file << 32 | place.copy);
    out[1].i64[row] = (int64_t)place.position;
}
static inline struct qn_row_id qn_place_at(const struct qn_column in[QN_PLACE_FIELDS], uint32_t row)
{
    uint64_t file_copy = (uint64_t)in[0].i64[row];
    return (struct qn_row_id){.file = (uint32_t)(file_copy >> 32),
                              .copy = (uint32_t)file_copy,
                              .position = (uint64_t)in[1].i64[row]};
}

/* Picked values as a column of their type; groups without any row are NULL. */
QN_CHECK qn_code qn_slot_pick_column(const struct qn_slot *slot, const struct qn_slot_view *view,
                                     struct qn_column *out, struct qn_err *err);

#endif
