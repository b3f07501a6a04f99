/* dispatch: the tasks' way between their stages' queues and the workers, and the choice of who
 * gets what. It decides and keeps the books; schedule.c turns its answers into actions.
 *
 * Choice of a worker: the one with room that holds the fewest tasks per slot, in turn among
 * equals, so that a small stage spreads over all workers before any of them prefetches.
 * Choice of a task: first those whose cache a worker with room has; then, stage by stage in the
 * order they were added, the lowest unit that this worker may have. */
#ifndef QN_COORDINATOR_DISPATCH_H
#define QN_COORDINATOR_DISPATCH_H

#include "coordinator/task_stage.h"
#include "coordinator/worker_table.h"

struct qn_dispatch {
    struct qn_worker_table workers;
    struct qn_link stages; /* in the order they are served */
    uint64_t in_state[QN_TASK_STATES];
};

void qn_dispatch_init(struct qn_dispatch *dispatch, uint32_t prefetch);
void qn_dispatch_fini(struct qn_dispatch *dispatch); /* frees workers, not stages */

/* The only way to change a task's state; keeps the counts. */
void qn_dispatch_set_state(struct qn_dispatch *dispatch, struct qn_task *task,
                           enum qn_task_state state);

/* A task in no queue and with no worker waits for one from now on. */
void qn_dispatch_wait(struct qn_dispatch *dispatch, struct qn_task *task);
/* Takes a task out of whatever queue or worker has it. */
void qn_dispatch_release(struct qn_dispatch *dispatch, struct qn_task *task);
/* LEASED becomes EXECUTING. */
void qn_dispatch_started(struct qn_dispatch *dispatch, struct qn_task *task);
/* The unit's cache is at the task's worker from now on. */
void qn_dispatch_settle_home(struct qn_task *task);
/* See qn_schedule_deal_homes. */
bool qn_dispatch_deal_homes(struct qn_dispatch *dispatch, struct qn_task_homes *homes,
                            uint32_t n_units);
/* A leased task was asked back. */
void qn_dispatch_recall(struct qn_dispatch *dispatch, struct qn_task *task);
/* Tasks that wait for this worker may go to any other: it drains or leaves. */
void qn_dispatch_forget_home(struct qn_dispatch *dispatch, struct qn_worker *worker);

/* Leases the next waiting task to a worker (a new attempt); NULL when no more can be leased. */
struct qn_task *qn_dispatch_grant(struct qn_dispatch *dispatch);
/* When grants are over: a task that a full worker should give back because another one is idle
 * (marked as recalled); NULL when there is none. */
struct qn_task *qn_dispatch_steal(struct qn_dispatch *dispatch);

#endif
