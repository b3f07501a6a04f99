/* slot_bag: what count(distinct x), quantiles and mode are told from. */
#ifndef QN_JOBS_ETL_SLOT_BAG_H
#define QN_JOBS_ETL_SLOT_BAG_H

#include "jobs/etl/bag.h"
#include "jobs/etl/slot.h"

struct qn_slot_bag_state {
    int64_t n; /* the values themselves lie in the slot's bag */
};

/* Those of rows [first, first + QN_BAG_BLOCK) that count, into rows. */
static inline uint32_t qn_slot_rows(const struct qn_slot_fold *fold, uint32_t first, uint32_t *rows)
{
    uint32_t n = 0, left = fold->n_rows - first;
    uint32_t end = first + (left < QN_BAG_BLOCK ? left : QN_BAG_BLOCK);
    for (uint32_t row = first; row < end; row++) {
        rows[n] = row;
        n += qn_slot_counts(fold, row);
    }
    return n;
}

/* The entry that each row of the view stands for, NULL where its group has no such piece; in the
 * view's arena. */
QN_CHECK qn_code qn_slot_bag_entries(const struct qn_slot_view *view,
                                     const struct qn_bag_entry ***out, struct qn_err *err);

#endif
