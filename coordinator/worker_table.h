/* worker_table: who is there, how much each one holds, and who comes next. Four questions are
 * answered in O(1): who has been silent longest, who has room and holds least, who has room for a
 * task of its own, and who has most to give back. */
#ifndef QN_COORDINATOR_WORKER_TABLE_H
#define QN_COORDINATOR_WORKER_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "coordinator/id_map.h"
#include "coordinator/link.h"
#include "coordinator/task_queue.h"

/* One bit a level in a 64-bit word. */
enum { QN_MAX_PREFETCH = 62, QN_MAX_SLOTS = 1024 };

struct qn_worker {
    uint64_t session;
    uint32_t slots;
    bool draining;
    int64_t heard_ms;
    struct qn_link silence; /* in the table: longest silent first */

    struct qn_link stealable;   /* leased tasks that may be recalled, in the order sent */
    struct qn_link bound;       /* its other leased and executing tasks */
    uint32_t n_stealable;       /* length of the list */
    uint32_t held;              /* length of both lists */
    uint32_t recalled;          /* tasks of `bound` that were asked back */
    struct qn_task_queue homed; /* waiting tasks whose cache it has */
    uint32_t n_dealt;           /* units that stay with it: qn_dispatch_deal_homes() */

    /* Kept by qn_worker_table_settle. */
    struct {
        struct qn_link room, willing, surplus;
        int level;         /* -1: no room */
        uint32_t n_excess; /* tasks beyond its slots that may be recalled */
        uint32_t idle;     /* slots without a task */
    } place;
};

struct qn_worker_table {
    struct qn_id_map by_session;
    uint32_t prefetch;
    struct qn_link silence;
    /* Workers with room, by held / slots: level 0 has idle slots, later levels are prefetch. */
    struct qn_link levels[QN_MAX_PREFETCH + 1];
    uint64_t level_bits;
    struct qn_link willing; /* with room and a waiting task whose cache they have */
    struct qn_link surplus[QN_MAX_PREFETCH + 1]; /* by n_excess */
    uint64_t surplus_bits;
    uint32_t n, n_draining;
    uint64_t slots, draining_slots, idle_slots, recalled, capacity; /* sums over workers */
};

void qn_worker_table_init(struct qn_worker_table *table, uint32_t prefetch);
void qn_worker_table_fini(struct qn_worker_table *table);

struct qn_worker *qn_worker_table_find(const struct qn_worker_table *table, uint64_t session);

/* A worker that is not there yet, with 1..QN_MAX_SLOTS slots. */
QN_CHECK qn_code qn_worker_table_add(struct qn_worker_table *table, uint64_t session,
                                     uint32_t slots, int64_t now_ms, struct qn_err *err);
/* It holds no task any more. */
void qn_worker_table_remove(struct qn_worker_table *table, struct qn_worker *worker);
void qn_worker_table_drain(struct qn_worker_table *table, struct qn_worker *worker);
void qn_worker_table_heard(struct qn_worker_table *table, struct qn_worker *worker, int64_t now_ms);

/* To be called after every change of what the worker holds or could take. */
void qn_worker_table_settle(struct qn_worker_table *table, struct qn_worker *worker);
/* Like settle, and the worker queues behind its equals: it just got a task. */
void qn_worker_table_rotate(struct qn_worker_table *table, struct qn_worker *worker);

/* All of these give NULL when there is none. */
struct qn_worker *qn_worker_table_silent(const struct qn_worker_table *table);
struct qn_worker *qn_worker_table_roomiest(const struct qn_worker_table *table);
struct qn_worker *qn_worker_table_next_room(const struct qn_worker_table *table,
                                            const struct qn_worker *worker);
struct qn_worker *qn_worker_table_willing(const struct qn_worker_table *table);
struct qn_worker *qn_worker_table_fullest(const struct qn_worker_table *table);

#endif
