#include "coordinator/schedule.h"

#include <assert.h>
#include <stdlib.h>

#include "coordinator/dispatch.h"

/* What a stage's name must fit, so that it packs into one id. */
enum { STAGE_BITS = 8, ROUND_BITS = 24 };

struct qn_schedule {
    struct qn_schedule_options options;
    struct qn_dispatch dispatch;
    struct qn_id_map stages; /* by key_of */
    uint32_t n_stages, n_fresh, n_abandoned;
    uint64_t n_added;           /* stages ever: gives each its order */
    uint64_t n_open;            /* units to commit of the stages under way */
    uint64_t n_committed;       /* units committed since the start */
    struct qn_home_table homes; /* of jobs that were not abandoned */
    int64_t now_ms;             /* never goes back */
    struct qn_action *actions;
    uint32_t n_actions, capacity;
};

static bool key_of(uint32_t job, uint32_t stage, uint32_t round, uint64_t *key)
{
    *key = (uint64_t)job << (STAGE_BITS + ROUND_BITS) | (uint64_t)stage << ROUND_BITS | round;
    return stage < 1u << STAGE_BITS && round < 1u << ROUND_BITS;
}

/* Room for the most that one step can say, so that only joining and adding stages allocate:
 * every lease may be cancelled or lost to a dead task, and given out again, and asked back. */
static qn_code reserve_actions(struct qn_schedule *s, uint64_t capacity, uint64_t workers,
                               uint64_t stages, struct qn_err *err)
{
    uint64_t wanted = 4 * capacity + workers + 2 * stages + 8;
    if (wanted <= s->capacity)
        return QN_OK;
    wanted += wanted / 2;
    if (wanted > UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_COORDINATOR, "too many slots to schedule");
    struct qn_action *wider = realloc(s->actions, wanted * sizeof *wider);
    if (!wider)
        return qn_err_nomem(err, "the scheduler's actions");
    s->actions = wider;
    s->capacity = (uint32_t)wanted;
    return QN_OK;
}

qn_code qn_schedule_new(const struct qn_schedule_options *options, struct qn_schedule **out,
                        struct qn_err *err)
{
    if (options->prefetch > QN_MAX_PREFETCH)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "a prefetch of %u is more than %d",
                          options->prefetch, QN_MAX_PREFETCH);
    if (!options->window || !options->max_crashes || !options->max_failures ||
        options->lease_ms <= 0)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                          "window, crashes, failures and lease of a schedule must be above zero");
    struct qn_schedule *s = calloc(1, sizeof *s);
    if (!s)
        return qn_err_nomem(err, "a schedule");
    s->options = *options;
    s->now_ms = INT64_MIN;
    qn_dispatch_init(&s->dispatch, options->prefetch);
    qn_id_map_init(&s->stages);
    qn_home_table_init(&s->homes);
    qn_code code = reserve_actions(s, 0, 0, 0, err);
    if (code != QN_OK) {
        qn_schedule_free(s);
        return code;
    }
    *out = s;
    return QN_OK;
}

static struct qn_task_stage *stage_at(struct qn_link *link)
{
    return QN_LINK_OWNER(link, struct qn_task_stage, link);
}

void qn_schedule_free(struct qn_schedule *schedule)
{
    if (!schedule)
        return;
    struct qn_link *stages = &schedule->dispatch.stages;
    while (!qn_link_alone(stages))
        qn_task_stage_free(stage_at(stages->next));
    qn_dispatch_fini(&schedule->dispatch);
    qn_id_map_fini(&schedule->stages);
    qn_home_table_fini(&schedule->homes);
    free(schedule->actions);
    free(schedule);
}

qn_code qn_schedule_add_stage(struct qn_schedule *schedule, const struct qn_schedule_stage *spec,
                              struct qn_err *err)
{
    uint64_t key;
    if (!key_of(spec->job, spec->stage, spec->round, &key))
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                          "stage %u, round %u of job %u is more than can be scheduled", spec->stage,
                          spec->round, spec->job);
    if (qn_id_map_get(&schedule->stages, key))
        return qn_err_set(err, QN_EEXISTS, QN_BLAME_COORDINATOR,
                          "stage %u, round %u of job %u is under way already", spec->stage,
                          spec->round, spec->job);
    const struct qn_worker_table *workers = &schedule->dispatch.workers;
    QN_TRY(reserve_actions(schedule, workers->capacity, workers->n, schedule->n_stages + 1, err));
    struct qn_task_homes *homes = NULL;
    if (spec->prefer_same_worker)
        QN_TRY(qn_home_table_get(&schedule->homes, spec->job, spec->n_units, &homes, err));
    struct qn_task_stage *stage;
    QN_TRY(
        qn_task_stage_new(spec, schedule->options.window, schedule->n_added, homes, &stage, err));
    qn_code code = qn_id_map_put(&schedule->stages, key, stage, err);
    if (code != QN_OK) {
        qn_task_stage_free(stage);
        return code;
    }
    if (spec->first)
        qn_link_put_first(&stage->link, &schedule->dispatch.stages);
    else
        qn_link_put_before(&stage->link, &schedule->dispatch.stages);
    schedule->n_added++;
    schedule->n_stages++;
    schedule->n_fresh++;
    schedule->n_open += stage->n_open;
    return QN_OK;
}

qn_code qn_schedule_deal_homes(struct qn_schedule *schedule, uint32_t job, uint32_t n_units,
                               bool *alone, struct qn_err *err)
{
    struct qn_task_homes *homes;
    *alone = false;
    QN_TRY(qn_home_table_get(&schedule->homes, job, n_units + 1, &homes, err));
    *alone = qn_dispatch_deal_homes(&schedule->dispatch, homes, n_units);
    return QN_OK;
}

void qn_schedule_abandon_job(struct qn_schedule *schedule, uint32_t job)
{
    struct qn_link *stages = &schedule->dispatch.stages;
    for (struct qn_link *at = stages->next; at != stages; at = at->next) {
        struct qn_task_stage *stage = stage_at(at);
        if (stage->job != job)
            continue;
        schedule->n_abandoned += !stage->abandoned;
        stage->abandoned = true;
    }
    qn_home_table_forget(&schedule->homes, job);
}

static void act(struct qn_schedule *s, struct qn_action action)
{
    assert(s->n_actions < s->capacity);
    s->actions[s->n_actions++] = action;
}

static void act_on_task(struct qn_schedule *s, enum qn_action_kind kind, uint64_t worker,
                        const struct qn_task *task, enum qn_blame blame)
{
    act(s, (struct qn_action){kind, worker, qn_task_token(task, s->options.epoch), blame});
}

static void forget_stage(struct qn_schedule *s, struct qn_task_stage *stage)
{
    uint64_t key;
    if (key_of(stage->job, stage->stage, stage->round, &key))
        qn_id_map_remove(&s->stages, key);
    s->n_stages--;
    qn_task_stage_free(stage);
}

static void abandon_stage(struct qn_schedule *s, struct qn_task_stage *stage)
{
    struct qn_dispatch *d = &s->dispatch;
    for (uint32_t unit = stage->base; unit < stage->admitted; unit++) {
        struct qn_task *task = &stage->ring[unit % stage->span];
        if (task->state == QN_TASK_ABSENT)
            continue;
        if (task->worker)
            act_on_task(s, QN_ACTION_CANCEL, task->worker->session, task, QN_BLAME_NONE);
        qn_dispatch_release(d, task);
        qn_dispatch_set_state(d, task, QN_TASK_ABSENT);
    }
    s->n_open -= stage->n_open;
    s->n_fresh -= stage->fresh;
    forget_stage(s, stage);
}

static void abandon_marked(struct qn_schedule *s)
{
    struct qn_link *stages = &s->dispatch.stages;
    for (struct qn_link *at = stages->next; s->n_abandoned && at != stages;) {
        struct qn_task_stage *stage = stage_at(at);
        at = at->next;
        if (!stage->abandoned)
            continue;
        s->n_abandoned--;
        abandon_stage(s, stage);
    }
}

/* Commits what is due, lets units into the window, and ends the stage when it is through. */
static void move_stage(struct qn_schedule *s, struct qn_task_stage *stage)
{
    struct qn_task *task;
    while ((task = qn_task_stage_admit(stage)))
        qn_dispatch_wait(&s->dispatch, task);
    if ((task = qn_task_stage_turn(stage))) {
        qn_dispatch_set_state(&s->dispatch, task, QN_TASK_COMMITTING);
        act_on_task(s, QN_ACTION_COMMIT, 0, task, QN_BLAME_NONE);
    }
    if (!qn_task_stage_done(stage))
        return;
    act(s, (struct qn_action){.kind = QN_ACTION_STAGE_DONE,
                              .token = {.job = stage->job,
                                        .stage = stage->stage,
                                        .round = stage->round,
                                        .epoch = s->options.epoch}});
    forget_stage(s, stage);
}

/* Stages added since the last step begin. */
static void move_fresh(struct qn_schedule *s)
{
    struct qn_link *stages = &s->dispatch.stages;
    for (struct qn_link *at = stages->prev; s->n_fresh && at != stages;) {
        struct qn_task_stage *stage = stage_at(at);
        at = at->prev;
        if (!stage->fresh)
            continue;
        s->n_fresh--;
        stage->fresh = false;
        move_stage(s, stage);
    }
}

static void bury(struct qn_schedule *s, struct qn_task *task, enum qn_blame blame)
{
    qn_dispatch_set_state(&s->dispatch, task, QN_TASK_DEAD);
    if (task->stage->doomed)
        return;
    task->stage->doomed = true;
    act_on_task(s, QN_ACTION_TASK_DEAD, 0, task, blame);
}

/* Takes a task from a worker that is gone. Only what was executing can have been the cause. */
static void lose_task(struct qn_schedule *s, struct qn_task *task)
{
    bool charged = task->state == QN_TASK_EXECUTING;
    qn_dispatch_release(&s->dispatch, task);
    task->crashes += charged;
    if (task->crashes >= s->options.max_crashes)
        bury(s, task, QN_BLAME_WORKER);
    else
        qn_dispatch_wait(&s->dispatch, task);
}

static void lose_worker(struct qn_schedule *s, struct qn_worker *worker)
{
    struct qn_worker_table *workers = &s->dispatch.workers;
    qn_worker_table_drain(workers, worker); /* so that nothing is homed there again */
    qn_dispatch_forget_home(&s->dispatch, worker);
    while (!qn_link_alone(&worker->bound))
        lose_task(s, QN_LINK_OWNER(worker->bound.next, struct qn_task, in_worker));
    while (!qn_link_alone(&worker->stealable))
        lose_task(s, QN_LINK_OWNER(worker->stealable.next, struct qn_task, in_worker));
    qn_worker_table_remove(workers, worker);
}

static void lose_silent(struct qn_schedule *s)
{
    struct qn_worker *worker;
    while ((worker = qn_worker_table_silent(&s->dispatch.workers)) &&
           s->now_ms - worker->heard_ms >= s->options.lease_ms) {
        act(s, (struct qn_action){.kind = QN_ACTION_LOST, .worker = worker->session});
        lose_worker(s, worker);
    }
}

static qn_code join_worker(struct qn_schedule *s, const struct qn_event *event, struct qn_err *err)
{
    struct qn_worker_table *workers = &s->dispatch.workers;
    if (!event->worker || qn_worker_table_find(workers, event->worker))
        return QN_OK;
    uint32_t slots = event->slots ? event->slots : 1;
    if (slots > QN_MAX_SLOTS)
        slots = QN_MAX_SLOTS;
    QN_TRY(reserve_actions(s, workers->capacity + slots + s->options.prefetch, workers->n + 1,
                           s->n_stages, err));
    return qn_worker_table_add(workers, event->worker, slots, s->now_ms, err);
}

static void drain_worker(struct qn_schedule *s, struct qn_worker *worker)
{
    if (worker->draining)
        return;
    qn_worker_table_drain(&s->dispatch.workers, worker);
    qn_dispatch_forget_home(&s->dispatch, worker);
    while (!qn_link_alone(&worker->stealable)) {
        struct qn_task *task = QN_LINK_OWNER(worker->stealable.next, struct qn_task, in_worker);
        qn_dispatch_recall(&s->dispatch, task);
        act_on_task(s, QN_ACTION_RECALL, worker->session, task, QN_BLAME_NONE);
    }
    struct qn_link *end = &worker->bound;
    for (struct qn_link *at = end->next, *next; at != end; at = next) {
        next = at->next;
        struct qn_task *task = QN_LINK_OWNER(at, struct qn_task, in_worker);
        if (task->state != QN_TASK_LEASED || task->recalled)
            continue;
        qn_dispatch_recall(&s->dispatch, task);
        act_on_task(s, QN_ACTION_RECALL, worker->session, task, QN_BLAME_NONE);
    }
}

/* The task of a token that is live, in any state but waiting, resting or dead; else NULL. */
static struct qn_task *find_task(struct qn_schedule *s, const struct qn_token *token)
{
    uint64_t key;
    if (token->epoch != s->options.epoch || !key_of(token->job, token->stage, token->round, &key))
        return NULL;
    struct qn_task_stage *stage = qn_id_map_get(&s->stages, key);
    struct qn_task *task = stage ? qn_task_stage_find(stage, token) : NULL;
    bool live = task && task->state != QN_TASK_READY && task->state != QN_TASK_RESTING &&
                task->state != QN_TASK_DEAD;
    return live ? task : NULL;
}

static void take_result(struct qn_schedule *s, const struct qn_event *event,
                        struct qn_worker *worker)
{
    struct qn_task *task = find_task(s, &event->token);
    if (task && !task->worker)
        return; /* said twice: the one result is held */
    if (!task || task->worker != worker) {
        act(s, (struct qn_action){
                   .kind = QN_ACTION_DROP, .worker = event->worker, .token = event->token});
        return;
    }
    qn_dispatch_settle_home(task);
    qn_dispatch_release(&s->dispatch, task);
    qn_dispatch_set_state(&s->dispatch, task, QN_TASK_HELD);
    move_stage(s, task->stage);
}

static void take_failure(struct qn_schedule *s, struct qn_task *task, enum qn_blame blame)
{
    uint64_t worker = task->worker->session;
    qn_dispatch_release(&s->dispatch, task);
    if (blame != QN_BLAME_WORKER && blame != QN_BLAME_NONE) {
        bury(s, task, blame);
    } else if (++task->failures >= s->options.max_failures) {
        bury(s, task, QN_BLAME_WORKER);
    } else {
        task->avoid = worker;
        qn_dispatch_wait(&s->dispatch, task);
    }
}

static void take_back(struct qn_schedule *s, struct qn_task *task)
{
    /* One that gives back what nobody asked for should not get it again at once. */
    task->avoid = task->recalled || task->worker->draining ? 0 : task->worker->session;
    qn_dispatch_release(&s->dispatch, task);
    qn_dispatch_wait(&s->dispatch, task);
}

/* Waiting tasks of the stage into its queues, or out of them. */
static void set_resting(struct qn_schedule *s, struct qn_task_stage *stage, bool resting)
{
    enum qn_task_state from = resting ? QN_TASK_READY : QN_TASK_RESTING;
    if (stage->resting == resting)
        return;
    stage->resting = resting;
    for (uint32_t unit = stage->base; unit < stage->admitted; unit++) {
        struct qn_task *task = &stage->ring[unit % stage->span];
        if (task->state != from)
            continue;
        qn_dispatch_release(&s->dispatch, task);
        qn_dispatch_wait(&s->dispatch, task);
    }
}

static void starve(struct qn_schedule *s, struct qn_task *task)
{
    qn_dispatch_release(&s->dispatch, task);
    qn_dispatch_wait(&s->dispatch, task);
    set_resting(s, task->stage, true);
}

static void feed(struct qn_schedule *s)
{
    struct qn_link *stages = &s->dispatch.stages;
    for (struct qn_link *at = stages->next; at != stages; at = at->next)
        set_resting(s, stage_at(at), false);
}

/* Events about a task that its worker has. */
static void step_task(struct qn_schedule *s, const struct qn_event *event, struct qn_worker *worker)
{
    struct qn_task *task = find_task(s, &event->token);
    if (!task || !worker || task->worker != worker)
        return;
    if (event->kind == QN_EVENT_FAILED)
        take_failure(s, task, event->blame);
    else if (event->kind == QN_EVENT_STARVED)
        starve(s, task);
    else if (event->kind == QN_EVENT_RETURNED)
        take_back(s, task);
    else if (task->state == QN_TASK_LEASED)
        qn_dispatch_started(&s->dispatch, task);
}

/* Answers to COMMIT. */
static void step_commit(struct qn_schedule *s, const struct qn_event *event)
{
    struct qn_task *task = find_task(s, &event->token);
    if (!task)
        return;
    struct qn_task_stage *stage = task->stage;
    if (event->kind == QN_EVENT_COMMITTED && task->state == QN_TASK_COMMITTING) {
        qn_dispatch_set_state(&s->dispatch, task, QN_TASK_ABSENT);
        qn_task_stage_advance(stage);
        s->n_open--;
        s->n_committed++;
        move_stage(s, stage);
    } else if (event->kind == QN_EVENT_REDO && !task->worker) {
        /* The whole stage waits for this unit: its stage is served first from now on. */
        qn_link_put_first(&stage->link, &s->dispatch.stages);
        qn_dispatch_wait(&s->dispatch, task);
    }
}

static qn_code step_event(struct qn_schedule *s, const struct qn_event *event, struct qn_err *err)
{
    struct qn_worker *worker = qn_worker_table_find(&s->dispatch.workers, event->worker);
    if (worker)
        qn_worker_table_heard(&s->dispatch.workers, worker, s->now_ms);
    switch (event->kind) {
    case QN_EVENT_JOINED: return join_worker(s, event, err);
    case QN_EVENT_LEFT:
        if (worker)
            lose_worker(s, worker);
        return QN_OK;
    case QN_EVENT_DRAINING:
        if (worker)
            drain_worker(s, worker);
        return QN_OK;
    case QN_EVENT_HEARD: return QN_OK;
    case QN_EVENT_STARTED:
    case QN_EVENT_RETURNED:
    case QN_EVENT_STARVED:
    case QN_EVENT_FAILED: step_task(s, event, worker); return QN_OK;
    case QN_EVENT_RESULT: take_result(s, event, worker); return QN_OK;
    case QN_EVENT_COMMITTED:
    case QN_EVENT_REDO: step_commit(s, event); return QN_OK;
    case QN_EVENT_FED: feed(s); return QN_OK;
    case QN_EVENT_TICK: lose_silent(s); return QN_OK;
    }
    return QN_OK;
}

qn_code qn_schedule_step(struct qn_schedule *schedule, const struct qn_event *event, int64_t now_ms,
                         const struct qn_action **actions, uint32_t *n, struct qn_err *err)
{
    struct qn_schedule *s = schedule;
    if (now_ms > s->now_ms)
        s->now_ms = now_ms;
    s->n_actions = 0;
    abandon_marked(s); /* first: nothing more is done for those jobs */
    qn_code code = step_event(s, event, err);
    move_fresh(s);
    struct qn_task *task;
    while ((task = qn_dispatch_grant(&s->dispatch)))
        act_on_task(s, QN_ACTION_SEND, task->worker->session, task, QN_BLAME_NONE);
    while ((task = qn_dispatch_steal(&s->dispatch)))
        act_on_task(s, QN_ACTION_RECALL, task->worker->session, task, QN_BLAME_NONE);
    *actions = s->actions;
    *n = s->n_actions;
    return code;
}

bool qn_schedule_has(struct qn_schedule *schedule, uint64_t worker, const struct qn_token *token)
{
    const struct qn_task *task = find_task(schedule, token);
    return task && task->worker && task->worker->session == worker;
}

void qn_schedule_count(const struct qn_schedule *schedule, struct qn_schedule_counts *out)
{
    const struct qn_worker_table *workers = &schedule->dispatch.workers;
    const uint64_t *in_state = schedule->dispatch.in_state;
    uint64_t held = in_state[QN_TASK_HELD] + in_state[QN_TASK_COMMITTING];
    uint64_t out_there = in_state[QN_TASK_LEASED] + in_state[QN_TASK_EXECUTING];
    *out = (struct qn_schedule_counts){
        .workers = workers->n,
        .slots = (uint32_t)workers->slots,
        .draining = workers->n_draining,
        .waiting = schedule->n_open - held - out_there - in_state[QN_TASK_DEAD],
        .leased = in_state[QN_TASK_LEASED],
        .executing = in_state[QN_TASK_EXECUTING],
        .held = held,
        .committed = schedule->n_committed,
        .dead = in_state[QN_TASK_DEAD],
    };
}

int64_t qn_schedule_deadline_ms(const struct qn_schedule *schedule)
{
    const struct qn_worker *worker = qn_worker_table_silent(&schedule->dispatch.workers);
    int64_t lease = schedule->options.lease_ms;
    if (!worker || worker->heard_ms > INT64_MAX - lease)
        return INT64_MAX;
    return worker->heard_ms + lease;
}
