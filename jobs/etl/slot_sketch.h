/* slot_sketch: states of approx_distinct: the hashes of a group's values themselves up to
 * QN_SLOT_SKETCH_EXACT of them, the registers of a sketch past that. Which it is and what it says
 * depend on the set of values alone. */
#ifndef QN_JOBS_ETL_SLOT_SKETCH_H
#define QN_JOBS_ETL_SLOT_SKETCH_H

#include "jobs/etl/sketch.h"
#include "jobs/etl/slot_bag.h"

enum { QN_SLOT_SKETCH_EXACT = 256 };

struct qn_slot_sketch_state {
    int64_t n;
    int64_t few;        /* different hashes in the bag */
    uint8_t *registers; /* in the groups' arena; NULL: the bag holds all hashes. Else the bag has
                           those from before, which are to be added */
};

/* How many different values group `i` of the view has. */
int64_t qn_slot_sketch_count(const struct qn_slot *slot, const struct qn_slot_view *view,
                             uint32_t i);

#endif
