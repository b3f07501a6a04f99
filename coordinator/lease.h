/* lease: the tasks that the schedule hands out in one step, on their way: first their attempts go
 * to the journal, then to each worker one message of all that it gets, behind what it needs. */
#ifndef QN_COORDINATOR_LEASE_H
#define QN_COORDINATOR_LEASE_H

#include "coordinator/post.h"
#include "coordinator/run.h"

struct qn_lease_room {
    struct qn_run *run;
    struct qn_sessions *sessions;
    struct qn_post *post;
    struct qn_arena *arena; /* of the turn */
};

/* Carries out the SEND actions. */
QN_CHECK qn_code qn_lease_all(const struct qn_lease_room *room, const struct qn_action *actions,
                              uint32_t n, struct qn_err *err);

#endif
