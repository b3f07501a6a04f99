/* schedule: which task runs where, as a pure state machine. No socket, disk, thread or clock in
 * it: events go in with the time, actions come out, and the same events give the same actions.
 *
 * Life of a task:
 *
 *     waiting --SEND--> leased --STARTED--> executing --RESULT--> held --COMMIT--> committed
 *        ^                |                    |                   |
 *        +-- returned ----+-- worker lost -----+-- REDO (chain) ---+
 *        +-- FED -- resting <----- STARVED ----+
 *
 * Invariants (tests/sim/test_schedule_sim.c): every task of a stage is committed once, in unit
 * order; a token is live for at most one worker; an attempt number is never reused; held results
 * never exceed the window; a loss charges only tasks that were executing. */
#ifndef QN_COORDINATOR_SCHEDULE_H
#define QN_COORDINATOR_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/message.h"

struct qn_schedule;

struct qn_schedule_options {
    uint32_t prefetch;     /* tasks a worker holds beyond its slots, at most 62 */
    uint32_t window;       /* a stage's units dispatched past its first uncommitted one */
    uint32_t max_crashes;  /* distinct worker sessions a task may kill before it is dead (3) */
    uint32_t max_failures; /* failures blamed on the worker before a task is dead (4) */
    int64_t lease_ms;      /* silence after which a worker is lost */
    uint64_t epoch;
};

/* A stage (of a round) to be run. Stages are independent of each other; the caller adds one when
 * what it needs is there. */
struct qn_schedule_stage {
    uint32_t job, stage, round;
    uint32_t n_units;
    uint32_t first_unit;      /* those before it are not to be run */
    const bool *committed;    /* n_units flags: done in an earlier life (resume); NULL: none */
    const uint32_t *attempts; /* attempts used in an earlier life, by unit; NULL: none */
    bool prefer_same_worker;  /* a unit goes to the worker that last ran this unit of this job,
                                unless that one has no room and another is idle; such tasks
                                are not stolen */
    bool first;               /* served before the stages that are there already */
};

enum qn_event_kind {
    QN_EVENT_JOINED,    /* worker, slots (clamped to 1..1024) */
    QN_EVENT_LEFT,      /* worker: connection lost or said goodbye */
    QN_EVENT_DRAINING,  /* worker takes no more tasks */
    QN_EVENT_HEARD,     /* worker: any traffic renews its leases */
    QN_EVENT_STARTED,   /* worker, token */
    QN_EVENT_RETURNED,  /* worker, token: given back unstarted */
    QN_EVENT_RESULT,    /* worker, token: its part is whole at the coordinator */
    QN_EVENT_FAILED,    /* worker, token, blame */
    QN_EVENT_COMMITTED, /* token: the COMMIT action was carried out */
    QN_EVENT_REDO,      /* token: its result does not fit the chunk before it: run again */
    QN_EVENT_STARVED,   /* worker, token: what it reads is gone. It goes back uncharged, and its
                           stage rests: what is not started waits */
    QN_EVENT_FED,       /* stages that rest go on; who finds something gone still starves again */
    QN_EVENT_TICK,      /* time passed: leases may have run out */
};

struct qn_event {
    enum qn_event_kind kind;
    uint64_t worker; /* session number: unique for the coordinator's life, not 0 */
    uint32_t slots;
    struct qn_token token;
    enum qn_blame blame;
};

enum qn_action_kind {
    QN_ACTION_SEND,       /* lease token to worker */
    QN_ACTION_RECALL,     /* ask worker to give token back if unstarted */
    QN_ACTION_CANCEL,     /* tell worker to stop token (stage abandoned, or duplicate) */
    QN_ACTION_DROP,       /* result of token is not wanted: ACK and forget it */
    QN_ACTION_COMMIT,     /* commit the held result of token; answer COMMITTED or REDO */
    QN_ACTION_STAGE_DONE, /* every unit of (job, stage, round) is committed */
    QN_ACTION_TASK_DEAD,  /* token's task failed for good; blame says why (input, job: at once).
                             Said once a stage, which will never be done */
    QN_ACTION_LOST,       /* worker's leases ran out: forget it */
};

struct qn_action {
    enum qn_action_kind kind;
    uint64_t worker;
    struct qn_token token;
    enum qn_blame blame;
};

QN_CHECK qn_code qn_schedule_new(const struct qn_schedule_options *options,
                                 struct qn_schedule **out, struct qn_err *err);
void qn_schedule_free(struct qn_schedule *schedule);

/* QN_EEXISTS while that stage (round) is under way. */
QN_CHECK qn_code qn_schedule_add_stage(struct qn_schedule *schedule,
                                       const struct qn_schedule_stage *stage, struct qn_err *err);
/* Deals out a job's units before a round of them: of those whose caches a worker has it keeps its
 * share by slots, others are for whoever has room. *alone: they all stay with one worker; then what
 * is numbered n_units, for all of them, goes there too. */
QN_CHECK qn_code qn_schedule_deal_homes(struct qn_schedule *schedule, uint32_t job,
                                        uint32_t n_units, bool *alone, struct qn_err *err);
/* Forgets a job's stages (their leases are cancelled by the next step's actions) and which workers
 * have its units' caches. To be called for every job that is over, however it ended. */
void qn_schedule_abandon_job(struct qn_schedule *schedule, uint32_t job);

/* One event in, actions out (borrowed until the next call). Stages added since the last step begin,
 * so a TICK follows an add. Events about unknown workers or tokens that are not live are ignored,
 * but for a result, which is answered with DROP; a result said twice while it is held is ignored.
 * Only JOINED can fail (QN_ENOMEM, QN_ELIMIT past QN_MAX_WORKERS): that worker has not joined, and
 * the actions are still to be carried out. */
QN_CHECK qn_code qn_schedule_step(struct qn_schedule *schedule, const struct qn_event *event,
                                  int64_t now_ms, const struct qn_action **actions, uint32_t *n,
                                  struct qn_err *err);

/* Whether the worker has that attempt, and it is the task's last one. */
bool qn_schedule_has(struct qn_schedule *schedule, uint64_t worker, const struct qn_token *token);

/* For progress and status. */
struct qn_schedule_counts {
    uint32_t workers, slots, draining;
    uint64_t waiting, leased, executing, held, dead; /* of stages under way */
    uint64_t committed;                              /* since the start */
};
void qn_schedule_count(const struct qn_schedule *schedule, struct qn_schedule_counts *out);

/* When the next TICK matters: the longest silent worker is lost then. INT64_MAX: no workers. */
int64_t qn_schedule_deadline_ms(const struct qn_schedule *schedule);

#endif
