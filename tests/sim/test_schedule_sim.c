/* The scheduler among many virtual workers that join, leave, die, fall silent, drain, answer late,
 * answer twice, fail, give tasks back and have their results refused, in an order that one seed
 * decides. Beside it runs a plain model of what has to hold, and every action is held against it.
 *
 * QUERN_SIM_SECONDS: how long to try new seeds (default 8); QUERN_SIM_SEED: one seed only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/hash.h"
#include "coordinator/schedule.h"
#include "tests/sim/notes.h"

enum {
    LEASE_MS = 1000,
    EPOCH = 7,
    MAX_SESSIONS = 512,
    MAX_HELD = 64,
    MAX_JOBS = 3,
    MAX_STAGES = 12,
    MAX_UNITS = 64,
    MAX_STEPS = 400000
};

/* --- what the model knows ------------------------------------------------------------------- */

struct unit {
    uint32_t attempt;             /* highest ever sent, or given at the start */
    uint64_t worker;              /* has the live lease; 0: nobody */
    bool started, recalled, warm; /* of the live lease; warm: sent to where its cache is */
    bool held, committed, dead;
    bool failed_before; /* may avoid a worker */
    uint32_t crashes, failures;
};

struct stage {
    struct qn_schedule_stage spec;
    struct unit units[MAX_UNITS];
    uint32_t base; /* first uncommitted */
    bool committing, done, abandoned, doomed;
};

/* A worker: `known` and below is the scheduler's view, `process` what really is. */
struct worker {
    uint32_t slots;
    bool known, draining;
    uint32_t held;
    int64_t heard_ms;
    struct {
        bool alive, leaving;
        int64_t mute_until_ms;
        struct qn_token queue[MAX_HELD], running[MAX_HELD];
        uint32_t n_queue, n_running;
    } process;
};

struct world {
    uint64_t seed, drawn;
    int64_t now_ms;
    struct qn_schedule *schedule;
    struct qn_schedule_options options;
    struct stage stages[MAX_STAGES];
    uint32_t n_stages;
    struct worker workers[MAX_SESSIONS]; /* session is index + 1 */
    uint32_t n_sessions;
    uint64_t homes[MAX_JOBS][MAX_UNITS]; /* who ran the unit last; 0: nobody */
    struct notes notes;
    uint64_t steps;
    /* In percent: how wild this world is. */
    uint32_t p_die, p_mute, p_drain, p_fail, p_fatal, p_return, p_twice, p_redo, p_abandon;
};

static uint64_t seed_now; /* for messages */

#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            fail_msg("seed %llu: does not hold: %s", (unsigned long long)seed_now, #condition);    \
    } while (0)

static uint32_t draw(struct world *w, uint32_t below)
{
    return (uint32_t)(qn_mix64(w->seed * UINT64_C(0x9e3779b97f4a7c15) + ++w->drawn) % below);
}

static bool chance(struct world *w, uint32_t percent)
{
    return draw(w, 100) < percent;
}

/* --- the model against the scheduler's actions ----------------------------------------------- */

static struct stage *stage_of(struct world *w, const struct qn_token *token)
{
    for (uint32_t i = 0; i < w->n_stages; i++) {
        const struct qn_schedule_stage *spec = &w->stages[i].spec;
        if (spec->job == token->job && spec->stage == token->stage && spec->round == token->round)
            return &w->stages[i];
    }
    fail_msg("seed %llu: a token of no stage", (unsigned long long)seed_now);
    return w->stages;
}

static struct unit *unit_of(struct world *w, const struct qn_token *token)
{
    struct stage *stage = stage_of(w, token);
    HOLDS(token->unit < stage->spec.n_units);
    return &stage->units[token->unit];
}

static struct worker *worker_of(struct world *w, uint64_t session)
{
    HOLDS(session >= 1 && session <= w->n_sessions);
    return &w->workers[session - 1];
}

/* True when the token is the unit's live lease at this worker. */
static bool has_lease(struct world *w, const struct qn_token *token, uint64_t session)
{
    const struct unit *unit = unit_of(w, token);
    return !stage_of(w, token)->abandoned && unit->worker == session &&
           unit->attempt == token->attempt;
}

static void end_lease(struct world *w, struct unit *unit)
{
    worker_of(w, unit->worker)->held--;
    unit->worker = 0;
    unit->started = unit->recalled = false;
}

static int64_t soon(struct world *w)
{
    return w->now_ms + draw(w, chance(w, 5) ? 400 : 20);
}

/* A unit goes where its cache is, unless that worker has no room while the other one is idle. */
static void check_home(struct world *w, const struct qn_action *action)
{
    struct unit *unit = unit_of(w, &action->token);
    uint64_t session = w->homes[action->token.job][action->token.unit];
    unit->warm = false;
    if (!stage_of(w, &action->token)->spec.prefer_same_worker || !session || unit->failed_before)
        return;
    const struct worker *home = worker_of(w, session), *taker = worker_of(w, action->worker);
    unit->warm = session == action->worker;
    HOLDS(unit->warm || !home->known || home->draining ||
          (home->held == home->slots + w->options.prefetch && taker->held < taker->slots));
}

static void on_send(struct world *w, const struct qn_action *action)
{
    struct stage *stage = stage_of(w, &action->token);
    struct unit *unit = unit_of(w, &action->token);
    struct worker *worker = worker_of(w, action->worker);
    HOLDS(worker->known && !worker->draining);
    HOLDS(!stage->abandoned && !stage->done);
    HOLDS(!unit->worker && !unit->held && !unit->committed && !unit->dead);
    HOLDS(action->token.attempt > unit->attempt);
    HOLDS(action->token.unit < stage->base + w->options.window);
    check_home(w, action);
    unit->attempt = action->token.attempt;
    unit->worker = action->worker;
    worker->held++;
    HOLDS(worker->held <= worker->slots + w->options.prefetch);
    note_put(&w->notes, soon(w), TASK_ARRIVES,
             (struct qn_event){.worker = action->worker, .token = action->token});
}

static void on_commit(struct world *w, const struct qn_action *action)
{
    struct stage *stage = stage_of(w, &action->token);
    struct unit *unit = unit_of(w, &action->token);
    HOLDS(!stage->committing && !stage->abandoned);
    HOLDS(action->token.unit == stage->base);
    HOLDS(unit->held && !unit->committed && unit->attempt == action->token.attempt);
    stage->committing = true;
    bool redo = chance(w, w->p_redo);
    note_put(&w->notes, soon(w), TO_SCHEDULER,
             (struct qn_event){.kind = redo ? QN_EVENT_REDO : QN_EVENT_COMMITTED,
                               .token = action->token});
}

static void on_dead(struct world *w, const struct qn_action *action)
{
    struct unit *unit = unit_of(w, &action->token);
    HOLDS(!unit->worker && !unit->dead && !unit->committed);
    HOLDS(!stage_of(w, &action->token)->doomed); /* said once */
    stage_of(w, &action->token)->doomed = true;
    if (action->blame == QN_BLAME_WORKER)
        HOLDS(unit->crashes == w->options.max_crashes || unit->failures == w->options.max_failures);
    unit->dead = true;
}

/* What a coordinator does about a dead task; the leases end with the next step. */
static void abandon(struct world *w, uint32_t job)
{
    qn_schedule_abandon_job(w->schedule, job);
    memset(w->homes[job], 0, sizeof w->homes[job]);
    for (uint32_t i = 0; i < w->n_stages; i++)
        if (w->stages[i].spec.job == job)
            w->stages[i].abandoned = true;
}

/* The model's own account of a worker that is gone: only what was executing is charged. */
static void forget_worker(struct world *w, uint64_t session)
{
    struct worker *worker = worker_of(w, session);
    worker->known = false;
    for (uint32_t i = 0; i < w->n_stages; i++)
        for (uint32_t u = 0; u < w->stages[i].spec.n_units; u++) {
            struct unit *unit = &w->stages[i].units[u];
            if (unit->worker != session || w->stages[i].abandoned) /* those are cancelled */
                continue;
            unit->crashes += unit->started;
            end_lease(w, unit);
        }
}

static void on_recall(struct world *w, const struct qn_action *action)
{
    struct unit *unit = unit_of(w, &action->token);
    HOLDS(has_lease(w, &action->token, action->worker));
    HOLDS(!unit->started && !unit->recalled);
    HOLDS(!unit->warm || worker_of(w, action->worker)->draining); /* not stolen from its cache */
    unit->recalled = true;
    note_put(&w->notes, soon(w), RECALL_ARRIVES,
             (struct qn_event){.worker = action->worker, .token = action->token});
}

static void on_cancel(struct world *w, const struct qn_action *action)
{
    struct stage *stage = stage_of(w, &action->token);
    struct unit *unit = unit_of(w, &action->token);
    HOLDS(stage->abandoned && unit->worker == action->worker);
    end_lease(w, unit);
    note_put(&w->notes, soon(w), CANCEL_ARRIVES,
             (struct qn_event){.worker = action->worker, .token = action->token});
}

static void on_action(struct world *w, const struct qn_action *action, bool result_is_live)
{
    switch (action->kind) {
    case QN_ACTION_SEND: on_send(w, action); break;
    case QN_ACTION_RECALL: on_recall(w, action); break;
    case QN_ACTION_CANCEL: on_cancel(w, action); break;
    case QN_ACTION_DROP: HOLDS(!result_is_live); break;
    case QN_ACTION_COMMIT: on_commit(w, action); break;
    case QN_ACTION_STAGE_DONE: {
        struct stage *stage = stage_of(w, &action->token);
        HOLDS(!stage->done && !stage->abandoned && stage->base == stage->spec.n_units);
        stage->done = true;
        break;
    }
    case QN_ACTION_TASK_DEAD: on_dead(w, action); break;
    case QN_ACTION_LOST:
        HOLDS(w->now_ms - worker_of(w, action->worker)->heard_ms >= LEASE_MS);
        forget_worker(w, action->worker);
        break;
    }
}

/* --- what an event means to the model -------------------------------------------------------- */

static void skip_committed(struct stage *stage)
{
    while (stage->base < stage->spec.n_units && stage->units[stage->base].committed)
        stage->base++;
}

static void model_task_event(struct world *w, const struct qn_event *event)
{
    struct unit *unit = unit_of(w, &event->token);
    bool asked = unit->recalled || worker_of(w, event->worker)->draining;
    if (event->kind == QN_EVENT_STARTED || event->kind == QN_EVENT_RESULT)
        w->homes[event->token.job][event->token.unit] = event->worker;
    if (event->kind == QN_EVENT_STARTED) {
        unit->started = true;
        unit->recalled = false;
        return;
    }
    end_lease(w, unit);
    if (event->kind == QN_EVENT_RESULT)
        unit->held = true;
    else if (event->kind == QN_EVENT_FAILED)
        unit->failures += event->blame == QN_BLAME_WORKER;
    unit->failed_before |= event->kind == QN_EVENT_FAILED || !asked;
}

static void model_commit_event(struct world *w, const struct qn_event *event)
{
    struct stage *stage = stage_of(w, &event->token);
    if (stage->abandoned)
        return;
    struct unit *unit = unit_of(w, &event->token);
    stage->committing = false;
    unit->held = false;
    unit->committed = event->kind == QN_EVENT_COMMITTED;
    skip_committed(stage);
}

static void model_event(struct world *w, const struct qn_event *event)
{
    struct worker *worker = event->worker ? worker_of(w, event->worker) : NULL;
    if (worker && event->kind == QN_EVENT_JOINED)
        worker->known = true;
    if (worker && worker->known)
        worker->heard_ms = w->now_ms;
    switch (event->kind) {
    case QN_EVENT_DRAINING:
        if (worker)
            worker->draining = true;
        break;
    case QN_EVENT_LEFT:
        if (worker && worker->known)
            forget_worker(w, event->worker);
        break;
    case QN_EVENT_STARTED:
    case QN_EVENT_RETURNED:
    case QN_EVENT_RESULT:
    case QN_EVENT_FAILED:
        if (worker && worker->known && has_lease(w, &event->token, event->worker))
            model_task_event(w, event);
        break;
    case QN_EVENT_COMMITTED:
    case QN_EVENT_REDO: model_commit_event(w, event); break;
    default: break;
    }
}

/* --- invariants after every step -------------------------------------------------------------- */

static bool any_idle(const struct world *w)
{
    for (uint32_t i = 0; i < w->n_sessions; i++) {
        const struct worker *worker = &w->workers[i];
        if (worker->known && !worker->draining && worker->held < worker->slots)
            return true;
    }
    return false;
}

static void check_stage(struct world *w, const struct stage *stage, bool idle,
                        struct qn_schedule_counts *sum)
{
    uint32_t held = 0;
    for (uint32_t u = stage->base; u < stage->spec.n_units; u++) {
        const struct unit *unit = &stage->units[u];
        held += unit->held;
        sum->leased += unit->worker && !unit->started;
        sum->executing += unit->worker && unit->started;
        bool waits = !unit->worker && !unit->held && !unit->committed && !unit->dead;
        sum->waiting += waits;
        /* Nobody idles while a task that anyone may have is waiting. */
        HOLDS(!(idle && waits && u < stage->base + w->options.window && !unit->failed_before));
    }
    HOLDS(held <= w->options.window);
    sum->held += held;
}

static void check(struct world *w)
{
    struct qn_schedule_counts sum = {0}, told;
    bool idle = any_idle(w);
    bool abandoned_now = false;
    for (uint32_t i = 0; i < w->n_stages; i++) {
        const struct stage *stage = &w->stages[i];
        bool given_up = stage->abandoned || stage->doomed;
        abandoned_now |= given_up && !stage->done;
        if (!given_up && !stage->done)
            check_stage(w, stage, idle, &sum);
    }
    qn_schedule_count(w->schedule, &told);
    if (abandoned_now) /* until the next step the scheduler still counts those */
        return;
    HOLDS(told.waiting == sum.waiting && told.leased == sum.leased);
    HOLDS(told.executing == sum.executing && told.held == sum.held);
}

static void deliver(struct world *w, const struct qn_event *event)
{
    bool live = event->kind == QN_EVENT_RESULT && worker_of(w, event->worker)->known &&
                has_lease(w, &event->token, event->worker);
    model_event(w, event);
    const struct qn_action *actions;
    uint32_t n;
    struct qn_err err;
    assert_int_equal(qn_schedule_step(w->schedule, event, w->now_ms, &actions, &n, &err), QN_OK);
    HOLDS(++w->steps < MAX_STEPS);
    for (uint32_t i = 0; i < n; i++)
        on_action(w, &actions[i], live);
    check(w);
    for (uint32_t i = 0; i < n; i++)
        if (actions[i].kind == QN_ACTION_TASK_DEAD)
            abandon(w, actions[i].token.job);
}

/* --- the virtual workers --------------------------------------------------------------------- */

/* From a worker to the scheduler. A mute one's messages arrive when it finds its voice. */
static void say(struct world *w, struct qn_event event)
{
    const struct worker *worker = worker_of(w, event.worker);
    int64_t at = soon(w);
    if (at < worker->process.mute_until_ms)
        at = worker->process.mute_until_ms;
    note_put(&w->notes, at, TO_SCHEDULER, event);
}

static void spawn(struct world *w)
{
    if (w->n_sessions == MAX_SESSIONS)
        return;
    struct worker *worker = &w->workers[w->n_sessions++];
    worker->slots = 1 + draw(w, 4);
    worker->process.alive = true;
    struct qn_event event = {.worker = w->n_sessions, .slots = worker->slots};
    event.kind = QN_EVENT_JOINED;
    deliver(w, &event);
    note_put(&w->notes, w->now_ms + LEASE_MS / 3, PULSE, event);
}

static bool remove_token(struct qn_token *list, uint32_t *n, const struct qn_token *token)
{
    for (uint32_t i = 0; i < *n; i++)
        if (qn_token_eq(&list[i], token)) {
            memmove(&list[i], &list[i + 1], (*n - i - 1) * sizeof *list);
            --*n;
            return true;
        }
    return false;
}

static void start_tasks(struct world *w, uint64_t session)
{
    struct worker *worker = worker_of(w, session);
    while (worker->process.n_queue && worker->process.n_running < worker->slots) {
        struct qn_token token = worker->process.queue[0];
        remove_token(worker->process.queue, &worker->process.n_queue, &token);
        worker->process.running[worker->process.n_running++] = token;
        struct qn_event event = {.kind = QN_EVENT_STARTED, .worker = session, .token = token};
        say(w, event);
        note_put(&w->notes, w->now_ms + 1 + draw(w, 60), TASK_ENDS, event);
    }
    if (worker->process.leaving && !worker->process.n_queue && !worker->process.n_running) {
        worker->process.alive = false;
        say(w, (struct qn_event){.kind = QN_EVENT_LEFT, .worker = session});
    }
}

static void end_task(struct world *w, const struct qn_event *about)
{
    struct worker *worker = worker_of(w, about->worker);
    if (!remove_token(worker->process.running, &worker->process.n_running, &about->token))
        return;
    struct qn_event event = *about;
    event.kind = chance(w, w->p_fail) ? QN_EVENT_FAILED : QN_EVENT_RESULT;
    event.blame = QN_BLAME_NONE;
    if (event.kind == QN_EVENT_FAILED)
        event.blame = chance(w, w->p_fatal) ? QN_BLAME_INPUT : QN_BLAME_WORKER;
    say(w, event);
    if (chance(w, w->p_twice))
        say(w, event);
    start_tasks(w, about->worker);
}

static void receive_task(struct world *w, const struct qn_event *about)
{
    struct worker *worker = worker_of(w, about->worker);
    if (worker->process.leaving || chance(w, w->p_return)) {
        struct qn_event event = *about;
        event.kind = QN_EVENT_RETURNED;
        say(w, event);
        return;
    }
    assert_true(worker->process.n_queue < MAX_HELD);
    worker->process.queue[worker->process.n_queue++] = about->token;
    start_tasks(w, about->worker);
}

static void receive_recall(struct world *w, const struct qn_event *about)
{
    struct worker *worker = worker_of(w, about->worker);
    struct qn_event event = *about;
    event.kind = QN_EVENT_RETURNED;
    if (remove_token(worker->process.queue, &worker->process.n_queue, &about->token))
        say(w, event);
    start_tasks(w, about->worker);
}

/* Now and then something befalls a worker. */
static void pulse(struct world *w, const struct qn_event *about)
{
    struct worker *worker = worker_of(w, about->worker);
    struct qn_event event = {.kind = QN_EVENT_HEARD, .worker = about->worker};
    if (!worker->known) { /* the scheduler gave it up: a real one would say HELLO anew */
        worker->process.alive = false;
        return;
    }
    if (chance(w, w->p_die)) {
        worker->process.alive = false;
        event.kind = QN_EVENT_LEFT;
        if (chance(w, 50)) /* else found out by silence */
            say(w, event);
        return;
    }
    if (chance(w, w->p_mute))
        worker->process.mute_until_ms = w->now_ms + draw(w, 3 * LEASE_MS);
    if (!worker->process.leaving && chance(w, w->p_drain)) {
        worker->process.leaving = true;
        event.kind = QN_EVENT_DRAINING;
    }
    say(w, event);
    start_tasks(w, about->worker);
    note_put(&w->notes, w->now_ms + LEASE_MS / 3, PULSE, *about);
}

static void happen(struct world *w, const struct note *note)
{
    if (note->kind == TO_SCHEDULER) {
        deliver(w, &note->event);
        return;
    }
    struct worker *worker = worker_of(w, note->event.worker);
    if (!worker->process.alive)
        return;
    switch (note->kind) {
    case TASK_ARRIVES: receive_task(w, &note->event); break;
    case RECALL_ARRIVES: receive_recall(w, &note->event); break;
    case CANCEL_ARRIVES:
        remove_token(worker->process.queue, &worker->process.n_queue, &note->event.token);
        remove_token(worker->process.running, &worker->process.n_running, &note->event.token);
        start_tasks(w, note->event.worker);
        break;
    case TASK_ENDS: end_task(w, &note->event); break;
    case PULSE: pulse(w, &note->event); break;
    default: break;
    }
}

/* --- one world ------------------------------------------------------------------------------- */

static void add_stage(struct world *w, uint32_t job, uint32_t round)
{
    if (w->n_stages == MAX_STAGES)
        return;
    struct stage *stage = &w->stages[w->n_stages++];
    bool committed[MAX_UNITS] = {false};
    uint32_t attempts[MAX_UNITS] = {0};
    stage->spec = (struct qn_schedule_stage){
        .job = job, .stage = 1, .round = round, .n_units = draw(w, MAX_UNITS)};
    stage->spec.prefer_same_worker = job % 2;
    if (chance(w, 30)) { /* goes on where an earlier life stopped */
        for (uint32_t u = 0; u < stage->spec.n_units; u++) {
            stage->units[u].committed = committed[u] = chance(w, 40);
            stage->units[u].attempt = attempts[u] = draw(w, 5);
        }
        stage->spec.committed = committed;
        stage->spec.attempts = attempts;
    }
    skip_committed(stage);
    struct qn_err err;
    assert_int_equal(qn_schedule_add_stage(w->schedule, &stage->spec, &err), QN_OK);
    stage->spec.committed = NULL;
    stage->spec.attempts = NULL;
    deliver(w, &(struct qn_event){.kind = QN_EVENT_TICK});
}

static void world_open(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    seed_now = w->seed = seed;
    w->options = (struct qn_schedule_options){.prefetch = draw(w, 5),
                                              .window = 1 + draw(w, 40),
                                              .max_crashes = 1 + draw(w, 4),
                                              .max_failures = 1 + draw(w, 5),
                                              .lease_ms = LEASE_MS,
                                              .epoch = EPOCH};
    bool wild = chance(w, 70);
    w->p_die = wild ? draw(w, 15) : 0;
    w->p_mute = wild ? draw(w, 15) : 0;
    w->p_drain = wild ? draw(w, 10) : 0;
    w->p_fail = wild ? draw(w, 12) : 0;
    w->p_fatal = wild && chance(w, 20) ? 5 : 0;
    w->p_return = wild ? draw(w, 5) : 0;
    w->p_twice = wild ? draw(w, 20) : 0;
    w->p_redo = chance(w, 50) ? draw(w, 30) : 0;
    w->p_abandon = chance(w, 10) ? 1 : 0;
    struct qn_err err;
    assert_int_equal(qn_schedule_new(&w->options, &w->schedule, &err), QN_OK);
}

static void world_close(struct world *w)
{
    qn_schedule_free(w->schedule);
    free(w->notes.heap);
}

static uint32_t count_alive(const struct world *w)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->n_sessions; i++)
        n += w->workers[i].process.alive && !w->workers[i].process.leaving;
    return n;
}

/* Adds the next round of jobs whose stage is over; false when nothing is left to do. */
static bool go_on(struct world *w)
{
    bool busy = false;
    uint32_t n = w->n_stages;
    for (uint32_t i = 0; i < n; i++) {
        struct stage *stage = &w->stages[i];
        if (stage->done && stage->spec.round < 2 && !stage->abandoned) {
            stage->abandoned = true; /* of no more interest */
            add_stage(w, stage->spec.job, stage->spec.round + 1);
            busy = true;
        }
        busy |= !stage->done && !stage->abandoned;
    }
    return busy;
}

static void world_run(struct world *w)
{
    uint32_t wanted = 1 + draw(w, 8);
    for (uint32_t job = 0, n = 1 + draw(w, 3); job < n; job++)
        add_stage(w, job, 0);
    while (go_on(w)) {
        if (!count_alive(w) || (count_alive(w) < wanted && chance(w, 10)))
            spawn(w);
        if (w->n_sessions == MAX_SESSIONS) /* calm: one worker that stays must do */
            w->p_die = w->p_drain = w->p_mute = 0;
        if (w->p_abandon && chance(w, w->p_abandon))
            abandon(w, draw(w, 3));
        int64_t deadline = qn_schedule_deadline_ms(w->schedule);
        if (w->notes.n && w->notes.heap[0].at_ms <= deadline) {
            struct note note = note_take(&w->notes);
            if (note.at_ms > w->now_ms)
                w->now_ms = note.at_ms;
            happen(w, &note);
        } else {
            HOLDS(deadline != INT64_MAX);
            w->now_ms = deadline > w->now_ms ? deadline : w->now_ms;
            deliver(w, &(struct qn_event){.kind = QN_EVENT_TICK});
        }
    }
}

static void run_seed(uint64_t seed, uint64_t *steps)
{
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    world_open(w, seed);
    world_run(w);
    *steps += w->steps;
    world_close(w);
    free(w);
}

static void every_order_of_events_ends_well(void **state)
{
    (void)state;
    const char *only = getenv("QUERN_SIM_SEED"), *seconds = getenv("QUERN_SIM_SECONDS");
    uint64_t steps = 0, seed = 1;
    if (only) {
        run_seed(strtoull(only, NULL, 10), &steps);
        return;
    }
    int64_t end = qn_clock_ms() + (seconds ? strtoll(seconds, NULL, 10) : 8) * 1000;
    for (; seed <= 200 || qn_clock_ms() < end; seed++)
        run_seed(seed, &steps);
    printf("%llu seeds, %llu events\n", (unsigned long long)seed - 1, (unsigned long long)steps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_events_ends_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
