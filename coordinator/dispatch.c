#include "coordinator/dispatch.h"

#include <assert.h>

void qn_dispatch_init(struct qn_dispatch *dispatch, uint32_t prefetch)
{
    *dispatch = (struct qn_dispatch){.in_state = {0}};
    qn_worker_table_init(&dispatch->workers, prefetch);
    qn_link_init(&dispatch->stages);
}

void qn_dispatch_fini(struct qn_dispatch *dispatch)
{
    qn_worker_table_fini(&dispatch->workers);
}

void qn_dispatch_set_state(struct qn_dispatch *dispatch, struct qn_task *task,
                           enum qn_task_state state)
{
    dispatch->in_state[task->state]--;
    dispatch->in_state[state]++;
    task->state = state;
}

/* The worker that has the unit's cache and could run it one day; NULL when there is none. */
static struct qn_worker *worker_at(const struct qn_dispatch *dispatch,
                                   const struct qn_task_homes *homes, uint32_t unit)
{
    uint64_t session = homes->sessions[unit];
    struct qn_worker *worker = session ? qn_worker_table_find(&dispatch->workers, session) : NULL;
    return worker && !worker->draining ? worker : NULL;
}

static struct qn_worker *home_of(const struct qn_dispatch *dispatch, const struct qn_task *task)
{
    const struct qn_task_homes *homes = task->stage->homes;
    return homes && !task->avoid ? worker_at(dispatch, homes, task->unit) : NULL;
}

/* --- homes ----------------------------------------------------------------------------------- */

static uint32_t share_of(const struct qn_dispatch *dispatch, const struct qn_worker *worker,
                         uint32_t n_units)
{
    uint64_t slots = dispatch->workers.slots - dispatch->workers.draining_slots;
    return (uint32_t)(((uint64_t)n_units * worker->slots + slots - 1) / slots);
}

bool qn_dispatch_deal_homes(struct qn_dispatch *dispatch, struct qn_task_homes *homes,
                            uint32_t n_units)
{
    for (uint32_t unit = 0; unit < n_units; unit++) {
        struct qn_worker *worker = worker_at(dispatch, homes, unit);
        if (worker)
            worker->n_dealt = 0;
    }
    bool alone = n_units > 0;
    for (uint32_t unit = 0; unit < n_units; unit++) {
        struct qn_worker *worker = worker_at(dispatch, homes, unit);
        if (!worker || worker->n_dealt == share_of(dispatch, worker, n_units))
            homes->sessions[unit] = 0;
        else
            worker->n_dealt++;
        alone = alone && homes->sessions[unit] && homes->sessions[unit] == homes->sessions[0];
    }
    if (alone)
        homes->sessions[n_units] = homes->sessions[0];
    return alone;
}

/* --- tasks ----------------------------------------------------------------------------------- */

void qn_dispatch_wait(struct qn_dispatch *dispatch, struct qn_task *task)
{
    struct qn_task_stage *stage = task->stage;
    assert(!task->queue && !task->worker);
    if (stage->resting) {
        qn_dispatch_set_state(dispatch, task, QN_TASK_RESTING);
        return;
    }
    qn_dispatch_set_state(dispatch, task, QN_TASK_READY);
    task->home = home_of(dispatch, task);
    task->queue = task->home ? &stage->homed : task->avoid ? &stage->shunned : &stage->open;
    qn_task_queue_push(task->queue, &task->in_stage);
    if (task->home) {
        qn_task_queue_push(&task->home->homed, &task->in_home);
        qn_worker_table_settle(&dispatch->workers, task->home);
    }
}

static void leave_queue(struct qn_dispatch *dispatch, struct qn_task *task)
{
    qn_task_queue_remove(task->queue, &task->in_stage);
    task->queue = NULL;
    if (!task->home)
        return;
    qn_task_queue_remove(&task->home->homed, &task->in_home);
    qn_worker_table_settle(&dispatch->workers, task->home);
    task->home = NULL;
}

/* From the worker's stealable tasks to those that stay with it until they end. */
static void bind_task(struct qn_task *task)
{
    if (!task->stealable)
        return;
    task->stealable = false;
    task->worker->n_stealable--;
    qn_link_put_before(&task->in_worker, &task->worker->bound);
}

static void forget_recall(struct qn_dispatch *dispatch, struct qn_task *task)
{
    if (!task->recalled)
        return;
    task->recalled = false;
    task->worker->recalled--;
    dispatch->workers.recalled--;
}

static void leave_worker(struct qn_dispatch *dispatch, struct qn_task *task)
{
    struct qn_worker *worker = task->worker;
    bind_task(task);
    forget_recall(dispatch, task);
    qn_link_remove(&task->in_worker);
    task->worker = NULL;
    worker->held--;
    qn_worker_table_settle(&dispatch->workers, worker);
}

void qn_dispatch_release(struct qn_dispatch *dispatch, struct qn_task *task)
{
    if (task->queue)
        leave_queue(dispatch, task);
    if (task->worker)
        leave_worker(dispatch, task);
}

void qn_dispatch_settle_home(struct qn_task *task)
{
    if (task->stage->homes)
        task->stage->homes->sessions[task->unit] = task->worker->session;
}

void qn_dispatch_started(struct qn_dispatch *dispatch, struct qn_task *task)
{
    bind_task(task);
    forget_recall(dispatch, task);
    qn_dispatch_set_state(dispatch, task, QN_TASK_EXECUTING);
    qn_dispatch_settle_home(task);
    qn_worker_table_settle(&dispatch->workers, task->worker);
}

void qn_dispatch_recall(struct qn_dispatch *dispatch, struct qn_task *task)
{
    assert(task->state == QN_TASK_LEASED && !task->recalled);
    bind_task(task);
    task->recalled = true;
    task->worker->recalled++;
    dispatch->workers.recalled++;
    qn_worker_table_settle(&dispatch->workers, task->worker);
}

void qn_dispatch_forget_home(struct qn_dispatch *dispatch, struct qn_worker *worker)
{
    assert(worker->draining);
    struct qn_task *task;
    while ((task = qn_task_queue_first(&worker->homed))) {
        leave_queue(dispatch, task);
        qn_dispatch_wait(dispatch, task);
    }
}

static void lease(struct qn_dispatch *dispatch, struct qn_task *task, struct qn_worker *worker)
{
    /* A task that sits where its cache is, or that another worker failed at, is not stolen: it
     * would be slower elsewhere, or go back and forth. */
    bool warm = task->home == worker;
    leave_queue(dispatch, task);
    qn_dispatch_set_state(dispatch, task, QN_TASK_LEASED);
    task->attempt++;
    task->worker = worker;
    task->stealable = !warm && !task->avoid;
    qn_link_put_before(&task->in_worker, task->stealable ? &worker->stealable : &worker->bound);
    worker->n_stealable += task->stealable;
    worker->held++;
    qn_worker_table_rotate(&dispatch->workers, worker);
}

static struct qn_task *lower(struct qn_task *a, struct qn_task *b)
{
    if (!a || !b)
        return a ? a : b;
    return a->unit < b->unit ? a : b;
}

/* The lowest unit of the stage that this worker may have; NULL when there is none. */
static struct qn_task *choose_from(const struct qn_dispatch *dispatch,
                                   const struct qn_task_stage *stage,
                                   const struct qn_worker *worker)
{
    const struct qn_worker_table *workers = &dispatch->workers;
    struct qn_task *task = qn_task_queue_first(&stage->open);
    struct qn_task *shunned = qn_task_queue_first(&stage->shunned);
    bool only_one = workers->n - workers->n_draining == 1;
    if (shunned && (shunned->avoid != worker->session || only_one))
        task = lower(task, shunned);
    /* Homes with room were served before: whoever is home to a waiting task is full. */
    if (worker->place.idle)
        task = lower(task, qn_task_queue_first(&stage->homed));
    return task;
}

static struct qn_task *choose(const struct qn_dispatch *dispatch, const struct qn_worker *worker)
{
    for (struct qn_link *at = dispatch->stages.next; at != &dispatch->stages; at = at->next) {
        const struct qn_task_stage *stage = QN_LINK_OWNER(at, struct qn_task_stage, link);
        struct qn_task *task = choose_from(dispatch, stage, worker);
        if (task)
            return task;
    }
    return NULL;
}

struct qn_task *qn_dispatch_grant(struct qn_dispatch *dispatch)
{
    struct qn_worker_table *workers = &dispatch->workers;
    struct qn_worker *worker = qn_worker_table_willing(workers);
    struct qn_task *task = worker ? qn_task_queue_first(&worker->homed) : NULL;
    if (!task && dispatch->in_state[QN_TASK_READY]) {
        worker = qn_worker_table_roomiest(workers);
        task = worker ? choose(dispatch, worker) : NULL;
        /* It may be that all that waits shuns this worker; then the next one takes it. When that
         * one finds nothing either, there is nothing for anybody. */
        if (worker && !task) {
            worker = qn_worker_table_next_room(workers, worker);
            task = worker ? choose(dispatch, worker) : NULL;
        }
    }
    if (task)
        lease(dispatch, task, worker);
    return task;
}

struct qn_task *qn_dispatch_steal(struct qn_dispatch *dispatch)
{
    struct qn_worker_table *workers = &dispatch->workers;
    if (workers->idle_slots <= workers->recalled)
        return NULL;
    struct qn_worker *victim = qn_worker_table_fullest(workers);
    if (!victim)
        return NULL;
    /* The one sent last would be started last. */
    struct qn_task *task = QN_LINK_OWNER(victim->stealable.prev, struct qn_task, in_worker);
    qn_dispatch_recall(dispatch, task);
    return task;
}
