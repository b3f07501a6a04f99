/* task_stage: one stage under way. Only the units in its window exist as tasks, in a ring, so a
 * stage of a million units costs what its window costs (plus 4 bytes a unit after a resume).
 *
 *     0 ... committed ... | base ... tasks of the window ... | admitted ... not yet ... | n_units
 */
#ifndef QN_COORDINATOR_TASK_STAGE_H
#define QN_COORDINATOR_TASK_STAGE_H

#include "coordinator/link.h"
#include "coordinator/schedule.h"
#include "coordinator/task_homes.h"
#include "coordinator/task_queue.h"

struct qn_worker;
struct qn_task_stage;

enum qn_task_state {
    QN_TASK_ABSENT,  /* not in the window, or committed in an earlier life */
    QN_TASK_READY,   /* in a queue of its stage */
    QN_TASK_RESTING, /* its stage rests: in no queue */
    QN_TASK_LEASED,
    QN_TASK_EXECUTING,
    QN_TASK_HELD,       /* its result is here and its turn has not come */
    QN_TASK_COMMITTING, /* the COMMIT action is out */
    QN_TASK_DEAD,
    QN_TASK_STATES
};

struct qn_task {
    struct qn_task_stage *stage;
    uint32_t unit;
    uint32_t attempt; /* the last one handed out */
    enum qn_task_state state;
    uint32_t crashes, failures;
    uint64_t avoid; /* session that failed at it last or gave it back unasked; 0: none */
    /* READY: where it waits */
    struct qn_task_queue *queue;
    struct qn_worker *home; /* also in this worker's queue; NULL */
    struct qn_task_place in_stage, in_home;
    /* LEASED, EXECUTING: who has it */
    struct qn_worker *worker;
    struct qn_link in_worker;
    bool stealable, recalled;
};

struct qn_task_stage {
    struct qn_link link; /* in the dispatcher's list */
    uint64_t order;      /* grows with every stage added */
    uint32_t job, stage, round, n_units;
    uint32_t base, admitted;
    uint32_t n_open;                           /* units still to be committed */
    uint32_t span;                             /* tasks in the ring: the window */
    struct qn_task *ring;                      /* unit u is at u % span */
    uint8_t *committed;                        /* a bit a unit; NULL: none */
    uint32_t *attempts;                        /* used in an earlier life; NULL: none */
    struct qn_task_homes *homes;               /* NULL: any worker will do */
    struct qn_task_queue open, shunned, homed; /* for anyone; for anyone but task->avoid; for the
                                                   home, and for others while the home is full */
    bool fresh, abandoned;
    bool resting; /* nothing of it is leased */
    bool doomed;  /* has a dead task, and that was said */
};

QN_CHECK qn_code qn_task_stage_new(const struct qn_schedule_stage *spec, uint32_t window,
                                   uint64_t order, struct qn_task_homes *homes,
                                   struct qn_task_stage **out, struct qn_err *err);
void qn_task_stage_free(struct qn_task_stage *stage);

/* The task whose last attempt this token is; NULL when the token is of another attempt or epoch,
 * or the unit is outside the window. */
struct qn_task *qn_task_stage_find(struct qn_task_stage *stage, const struct qn_token *token);
struct qn_token qn_task_token(const struct qn_task *task, uint64_t epoch);

/* The next unit that enters the window, as a task in no state yet; NULL when the window is full. */
struct qn_task *qn_task_stage_admit(struct qn_task_stage *stage);
/* The first uncommitted unit's task when it may be committed now; else NULL. */
struct qn_task *qn_task_stage_turn(struct qn_task_stage *stage);
/* The first uncommitted unit was committed: the window moves on. */
void qn_task_stage_advance(struct qn_task_stage *stage);

static inline bool qn_task_stage_done(const struct qn_task_stage *stage)
{
    return stage->base == stage->n_units;
}

#endif
