/* Each rule of the scheduler by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "coordinator/schedule.h"

enum { EPOCH = 3, MAX_ACTIONS = 256 };

struct fixture {
    struct qn_schedule *schedule;
    struct qn_action actions[MAX_ACTIONS]; /* of the last step */
    uint32_t n;
    int64_t now_ms;
};

static struct fixture open_schedule(uint32_t prefetch, uint32_t window)
{
    struct fixture f = {.n = 0};
    struct qn_schedule_options options = {prefetch, window, 3, 4, 1000, EPOCH};
    struct qn_err err;
    assert_int_equal(qn_schedule_new(&options, &f.schedule, &err), QN_OK);
    return f;
}

static void step(struct fixture *f, struct qn_event event)
{
    const struct qn_action *actions;
    struct qn_err err;
    assert_int_equal(qn_schedule_step(f->schedule, &event, f->now_ms, &actions, &f->n, &err),
                     QN_OK);
    assert_true(f->n <= MAX_ACTIONS);
    memcpy(f->actions, actions, f->n * sizeof *actions);
}

static void tick(struct fixture *f)
{
    step(f, (struct qn_event){.kind = QN_EVENT_TICK});
}

static void join(struct fixture *f, uint64_t worker, uint32_t slots)
{
    step(f, (struct qn_event){.kind = QN_EVENT_JOINED, .worker = worker, .slots = slots});
}

static void say(struct fixture *f, enum qn_event_kind kind, uint64_t worker, struct qn_token token)
{
    step(f, (struct qn_event){.kind = kind, .worker = worker, .token = token});
}

static void report_failure(struct fixture *f, uint64_t worker, struct qn_token token,
                           enum qn_blame blame)
{
    step(f, (struct qn_event){
                .kind = QN_EVENT_FAILED, .worker = worker, .token = token, .blame = blame});
}

static void add(struct fixture *f, struct qn_schedule_stage stage)
{
    struct qn_err err;
    assert_int_equal(qn_schedule_add_stage(f->schedule, &stage, &err), QN_OK);
}

static uint32_t count(const struct fixture *f, enum qn_action_kind kind, uint64_t worker)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n; i++)
        n += f->actions[i].kind == kind && (!worker || f->actions[i].worker == worker);
    return n;
}

/* The only action of a kind in the last step. */
static struct qn_action the(const struct fixture *f, enum qn_action_kind kind)
{
    assert_int_equal(count(f, kind, 0), 1);
    for (uint32_t i = 0; i < f->n; i++)
        if (f->actions[i].kind == kind)
            return f->actions[i];
    return f->actions[0];
}

static struct qn_token token(uint32_t unit, uint32_t attempt)
{
    return (struct qn_token){.unit = unit, .attempt = attempt, .epoch = EPOCH};
}

static void commit(struct fixture *f, struct qn_token of)
{
    step(f, (struct qn_event){.kind = QN_EVENT_COMMITTED, .token = of});
}

/* --------------------------------------------------------------------------------------------- */

static void a_small_stage_spreads_over_all_workers(void **state)
{
    (void)state;
    struct fixture f = open_schedule(2, 100);
    join(&f, 1, 4);
    join(&f, 2, 4);
    add(&f, (struct qn_schedule_stage){.n_units = 4});
    tick(&f);
    assert_int_equal(count(&f, QN_ACTION_SEND, 1), 2);
    assert_int_equal(count(&f, QN_ACTION_SEND, 2), 2);
    qn_schedule_free(f.schedule);
}

static void a_worker_holds_its_slots_and_the_prefetch(void **state)
{
    (void)state;
    struct fixture f = open_schedule(2, 100);
    add(&f, (struct qn_schedule_stage){.n_units = 50});
    join(&f, 1, 3);
    assert_int_equal(count(&f, QN_ACTION_SEND, 1), 5);
    for (uint32_t i = 0; i < f.n; i++) /* lowest first */
        assert_int_equal(f.actions[i].token.unit, i);
    say(&f, QN_EVENT_STARTED, 1, token(0, 1));
    assert_int_equal(f.n, 0);
    say(&f, QN_EVENT_RESULT, 1, token(0, 1));
    assert_int_equal(the(&f, QN_ACTION_SEND).token.unit, 5);
    qn_schedule_free(f.schedule);
}

static void units_past_the_window_wait(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 3);
    add(&f, (struct qn_schedule_stage){.n_units = 50});
    join(&f, 1, 8);
    assert_int_equal(count(&f, QN_ACTION_SEND, 1), 3);
    say(&f, QN_EVENT_RESULT, 1, token(1, 1)); /* held: the window does not move */
    assert_int_equal(f.n, 0);
    say(&f, QN_EVENT_RESULT, 1, token(0, 1));
    assert_int_equal(the(&f, QN_ACTION_COMMIT).token.unit, 0);
    commit(&f, token(0, 1));
    assert_int_equal(the(&f, QN_ACTION_COMMIT).token.unit, 1);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.unit, 3);
    qn_schedule_free(f.schedule);
}

static void commits_are_in_order_one_at_a_time(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 10);
    add(&f, (struct qn_schedule_stage){.n_units = 3});
    join(&f, 1, 3);
    say(&f, QN_EVENT_RESULT, 1, token(2, 1));
    say(&f, QN_EVENT_RESULT, 1, token(0, 1));
    assert_int_equal(the(&f, QN_ACTION_COMMIT).token.unit, 0);
    say(&f, QN_EVENT_RESULT, 1, token(1, 1));
    assert_int_equal(count(&f, QN_ACTION_COMMIT, 0), 0);
    commit(&f, token(0, 1));
    assert_int_equal(the(&f, QN_ACTION_COMMIT).token.unit, 1);
    commit(&f, token(1, 1));
    assert_int_equal(count(&f, QN_ACTION_STAGE_DONE, 0), 0);
    commit(&f, token(2, 1));
    assert_int_equal(the(&f, QN_ACTION_STAGE_DONE).token.stage, 0);
    say(&f, QN_EVENT_RESULT, 1, token(2, 1)); /* late: its ACK was lost */
    the(&f, QN_ACTION_DROP);
    qn_schedule_free(f.schedule);
}

static void a_resumed_stage_goes_on_where_it_was(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 10);
    add(&f, (struct qn_schedule_stage){.n_units = 3,
                                       .committed = (const bool[]){true, false, true},
                                       .attempts = (const uint32_t[]){1, 6, 2}});
    join(&f, 1, 3);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.unit, 1);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.attempt, 7);
    say(&f, QN_EVENT_RESULT, 1, token(1, 7));
    commit(&f, token(1, 7));
    the(&f, QN_ACTION_STAGE_DONE);
    add(&f, (struct qn_schedule_stage){
                .stage = 1, .n_units = 2, .committed = (const bool[]){true, true}});
    add(&f, (struct qn_schedule_stage){.stage = 2, .n_units = 0});
    tick(&f);
    assert_int_equal(count(&f, QN_ACTION_STAGE_DONE, 0), 2);
    qn_schedule_free(f.schedule);
}

static void silence_costs_the_lease(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 10);
    assert_true(qn_schedule_deadline_ms(f.schedule) == INT64_MAX);
    join(&f, 1, 1);
    add(&f, (struct qn_schedule_stage){.n_units = 1});
    tick(&f);
    assert_true(qn_schedule_deadline_ms(f.schedule) == 1000);
    f.now_ms = 900;
    step(&f, (struct qn_event){.kind = QN_EVENT_HEARD, .worker = 1});
    f.now_ms = 1899;
    tick(&f);
    assert_int_equal(f.n, 0);
    f.now_ms = 1900;
    tick(&f);
    assert_int_equal(the(&f, QN_ACTION_LOST).worker, 1);
    join(&f, 2, 1);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.attempt, 2);
    say(&f, QN_EVENT_RESULT, 1, token(0, 1)); /* from beyond */
    the(&f, QN_ACTION_DROP);
    qn_schedule_free(f.schedule);
}

static void only_executing_tasks_are_charged_with_a_crash(void **state)
{
    (void)state;
    struct fixture f = open_schedule(1, 10);
    add(&f, (struct qn_schedule_stage){.n_units = 2});
    for (uint64_t worker = 1; worker <= 3; worker++) {
        join(&f, worker, 1);
        assert_int_equal(count(&f, QN_ACTION_SEND, worker), 2);
        say(&f, QN_EVENT_STARTED, worker, token(0, (uint32_t)worker));
        step(&f, (struct qn_event){.kind = QN_EVENT_LEFT, .worker = worker});
        assert_int_equal(count(&f, QN_ACTION_TASK_DEAD, 0), worker == 3);
    }
    assert_int_equal(the(&f, QN_ACTION_TASK_DEAD).token.unit, 0);
    join(&f, 4, 1);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.unit, 1);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.attempt, 4);
    qn_schedule_free(f.schedule);
}

static void blame_decides_about_another_try(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 10);
    add(&f, (struct qn_schedule_stage){.n_units = 2});
    join(&f, 1, 2);
    report_failure(&f, 1, token(0, 1), QN_BLAME_INPUT);
    struct qn_action dead = the(&f, QN_ACTION_TASK_DEAD);
    assert_int_equal(dead.token.unit, 0);
    assert_int_equal(dead.blame, QN_BLAME_INPUT);
    report_failure(&f, 1, token(1, 1), QN_BLAME_JOB);
    assert_int_equal(f.n, 0); /* said once a stage */
    add(&f, (struct qn_schedule_stage){.stage = 1, .n_units = 1});
    tick(&f);
    for (uint32_t attempt = 1; attempt < 4; attempt++) { /* the only worker may try again */
        struct qn_token again = {.stage = 1, .attempt = attempt, .epoch = EPOCH};
        report_failure(&f, 1, again, QN_BLAME_WORKER);
        assert_int_equal(the(&f, QN_ACTION_SEND).token.attempt, attempt + 1);
    }
    struct qn_token last = {.stage = 1, .attempt = 4, .epoch = EPOCH};
    report_failure(&f, 1, last, QN_BLAME_WORKER);
    assert_int_equal(the(&f, QN_ACTION_TASK_DEAD).blame, QN_BLAME_WORKER);
    qn_schedule_free(f.schedule);
}

static void a_failed_task_goes_elsewhere(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 10);
    join(&f, 1, 1);
    join(&f, 2, 1);
    add(&f, (struct qn_schedule_stage){.n_units = 3});
    tick(&f); /* 0 at worker 1, 1 at worker 2 */
    report_failure(&f, 1, token(0, 1), QN_BLAME_WORKER);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.unit, 2); /* worker 1 gets another one */
    say(&f, QN_EVENT_RESULT, 2, token(1, 1));
    assert_int_equal(the(&f, QN_ACTION_SEND).token.unit, 0);
    assert_int_equal(the(&f, QN_ACTION_SEND).worker, 2);
    qn_schedule_free(f.schedule);
}

static void an_idle_worker_steals_what_has_not_started(void **state)
{
    (void)state;
    struct fixture f = open_schedule(2, 10);
    add(&f, (struct qn_schedule_stage){.n_units = 3});
    join(&f, 1, 1);
    assert_int_equal(count(&f, QN_ACTION_SEND, 1), 3);
    say(&f, QN_EVENT_STARTED, 1, token(0, 1));
    join(&f, 2, 1);
    assert_int_equal(the(&f, QN_ACTION_RECALL).token.unit, 2); /* one: it has one slot */
    tick(&f);
    assert_int_equal(f.n, 0); /* asked once */
    say(&f, QN_EVENT_RETURNED, 1, token(2, 1));
    assert_int_equal(the(&f, QN_ACTION_SEND).worker, 2);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.attempt, 2);
    qn_schedule_free(f.schedule);
}

static void a_recall_that_comes_too_late_is_forgotten(void **state)
{
    (void)state;
    struct fixture f = open_schedule(2, 10);
    add(&f, (struct qn_schedule_stage){.n_units = 3});
    join(&f, 1, 1);
    join(&f, 2, 1);
    assert_int_equal(the(&f, QN_ACTION_RECALL).token.unit, 2);
    say(&f, QN_EVENT_STARTED, 1, token(2, 1)); /* in whatever order it liked */
    assert_int_equal(the(&f, QN_ACTION_RECALL).token.unit, 1);
    qn_schedule_free(f.schedule);
}

static void a_draining_worker_gets_nothing_and_gives_back(void **state)
{
    (void)state;
    struct fixture f = open_schedule(1, 10);
    add(&f, (struct qn_schedule_stage){.n_units = 4});
    join(&f, 1, 1);
    say(&f, QN_EVENT_STARTED, 1, token(0, 1));
    step(&f, (struct qn_event){.kind = QN_EVENT_DRAINING, .worker = 1});
    assert_int_equal(the(&f, QN_ACTION_RECALL).token.unit, 1);
    say(&f, QN_EVENT_RETURNED, 1, token(1, 1));
    assert_int_equal(f.n, 0);
    join(&f, 2, 1);
    assert_int_equal(count(&f, QN_ACTION_SEND, 2), 2);
    say(&f, QN_EVENT_RESULT, 1, token(0, 1)); /* what ran is welcome */
    the(&f, QN_ACTION_COMMIT);
    qn_schedule_free(f.schedule);
}

static void a_refused_result_is_made_again_before_others(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 10);
    add(&f, (struct qn_schedule_stage){.job = 9, .n_units = 10});
    add(&f, (struct qn_schedule_stage){.n_units = 10});
    join(&f, 1, 2);
    struct qn_token first = f.actions[0].token;
    assert_int_equal(first.job, 9);
    join(&f, 2, 10); /* the rest of job 9, and two units of job 0 */
    say(&f, QN_EVENT_RESULT, 2, token(0, 1));
    the(&f, QN_ACTION_COMMIT);
    step(&f, (struct qn_event){.kind = QN_EVENT_REDO, .token = token(0, 1)});
    assert_int_equal(f.n, 0); /* both are full */
    say(&f, QN_EVENT_RESULT, 1, first);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.unit, 0);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.attempt, 2);
    say(&f, QN_EVENT_RESULT, 2, token(0, 1));
    the(&f, QN_ACTION_DROP);
    qn_schedule_free(f.schedule);
}

static void finish_round(struct fixture *f, uint32_t n_units, uint32_t round,
                         uint64_t ran_on[static 8])
{
    add(f,
        (struct qn_schedule_stage){.n_units = n_units, .round = round, .prefer_same_worker = true});
    tick(f);
    struct qn_action sent[8];
    uint32_t n = 0;
    for (uint32_t i = 0; i < f->n; i++)
        if (f->actions[i].kind == QN_ACTION_SEND)
            sent[n++] = f->actions[i];
    assert_int_equal(n, n_units);
    for (uint32_t i = 0; i < n; i++) {
        ran_on[sent[i].token.unit] = sent[i].worker;
        say(f, QN_EVENT_RESULT, sent[i].worker, sent[i].token);
    }
    for (uint32_t i = 0; i < n; i++) {
        struct qn_token done = token(i, 1);
        done.round = round;
        commit(f, done);
    }
    the(f, QN_ACTION_STAGE_DONE);
}

static void a_unit_goes_where_its_cache_is(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 10);
    for (uint64_t worker = 1; worker <= 3; worker++)
        join(&f, worker, 2);
    uint64_t first[8], later[8];
    finish_round(&f, 5, 0, first);
    for (uint32_t round = 1; round < 5; round++) {
        finish_round(&f, 5, round, later);
        assert_memory_equal(first, later, 5 * sizeof *first);
    }
    qn_schedule_abandon_job(f.schedule, 0); /* over: also forgets the caches */
    tick(&f);
    assert_int_equal(f.n, 0);
    qn_schedule_free(f.schedule);
}

static void an_idle_worker_takes_what_its_home_has_no_room_for(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 10);
    join(&f, 1, 2);
    uint64_t ran_on[8];
    finish_round(&f, 2, 0, ran_on);
    step(&f, (struct qn_event){.kind = QN_EVENT_LEFT, .worker = 1});
    join(&f, 2, 1); /* the home is gone: anyone will do */
    add(&f, (struct qn_schedule_stage){.n_units = 2, .round = 1, .prefer_same_worker = true});
    tick(&f);
    assert_int_equal(the(&f, QN_ACTION_SEND).token.unit, 0);
    struct qn_token done = the(&f, QN_ACTION_SEND).token;
    say(&f, QN_EVENT_RESULT, 2, done);
    done.unit = 1;
    say(&f, QN_EVENT_RESULT, 2, done);
    done.unit = 0;
    commit(&f, done);
    done.unit = 1;
    commit(&f, done);
    join(&f, 3, 1);
    add(&f, (struct qn_schedule_stage){.n_units = 2, .round = 2, .prefer_same_worker = true});
    tick(&f); /* both are at home at worker 2, which has one slot */
    assert_int_equal(count(&f, QN_ACTION_SEND, 2), 1);
    assert_int_equal(count(&f, QN_ACTION_SEND, 3), 1);
    qn_schedule_free(f.schedule);
}

static void an_abandoned_job_is_cancelled(void **state)
{
    (void)state;
    struct fixture f = open_schedule(1, 10);
    join(&f, 1, 1);
    add(&f, (struct qn_schedule_stage){.n_units = 5});
    tick(&f);
    say(&f, QN_EVENT_STARTED, 1, token(0, 1));
    qn_schedule_abandon_job(f.schedule, 0);
    tick(&f);
    assert_int_equal(count(&f, QN_ACTION_CANCEL, 1), 2);
    say(&f, QN_EVENT_RESULT, 1, token(0, 1));
    the(&f, QN_ACTION_DROP);
    struct qn_schedule_counts counts;
    qn_schedule_count(f.schedule, &counts);
    assert_int_equal(counts.waiting + counts.leased + counts.executing + counts.held, 0);
    qn_schedule_free(f.schedule);
}

static void misuse_changes_nothing(void **state)
{
    (void)state;
    struct qn_schedule *schedule;
    struct qn_err err;
    struct qn_schedule_options no_window = {1, 0, 3, 4, 1000, EPOCH};
    assert_int_equal(qn_schedule_new(&no_window, &schedule, &err), QN_ESTATE);
    struct qn_schedule_options greedy = {1000, 1, 3, 4, 1000, EPOCH};
    assert_int_equal(qn_schedule_new(&greedy, &schedule, &err), QN_ELIMIT);

    struct fixture f = open_schedule(1, 10);
    struct qn_schedule_stage stage = {.n_units = 1};
    add(&f, stage);
    assert_int_equal(qn_schedule_add_stage(f.schedule, &stage, &err), QN_EEXISTS);
    stage.round = UINT32_MAX;
    assert_int_equal(qn_schedule_add_stage(f.schedule, &stage, &err), QN_ELIMIT);
    join(&f, 1, 0); /* at least one slot */
    the(&f, QN_ACTION_SEND);
    join(&f, 1, 7); /* twice */
    assert_int_equal(f.n, 0);
    struct qn_token other = token(0, 1);
    other.epoch++;
    say(&f, QN_EVENT_RESULT, 1, other);
    the(&f, QN_ACTION_DROP);
    say(&f, QN_EVENT_RESULT, 77, token(0, 1));
    the(&f, QN_ACTION_DROP);
    commit(&f, token(0, 1)); /* nothing is held */
    say(&f, QN_EVENT_STARTED, 1, token(UINT32_MAX, 1));
    assert_int_equal(f.n, 0);
    qn_schedule_free(f.schedule);
}

/* --- speed: printed, and only held against a floor that a broken algorithm would miss ------ */

enum { FAST_WORKERS = 1000, FAST_TASKS = 1000000, FAST_QUEUE = 1 << 14 };

static void a_million_tasks_on_a_thousand_workers(void **state)
{
    (void)state;
    static struct qn_event queue[FAST_QUEUE]; /* what workers will say, in order */
    uint32_t head = 0, tail = 0, done = 0;
    uint64_t events = 0;
    struct qn_schedule_options options = {2, 4096, 3, 4, 1000, EPOCH};
    struct qn_schedule *s;
    struct qn_err err;
    assert_int_equal(qn_schedule_new(&options, &s, &err), QN_OK);
    struct qn_schedule_stage stage = {.n_units = FAST_TASKS};
    assert_int_equal(qn_schedule_add_stage(s, &stage, &err), QN_OK);
    for (uint64_t i = 0; i < FAST_WORKERS; i++)
        queue[tail++] = (struct qn_event){.kind = QN_EVENT_JOINED, .worker = i + 1, .slots = 1};
    int64_t start = qn_clock_us();
    while (!done) {
        assert_true(head != tail);
        const struct qn_action *actions;
        uint32_t n;
        struct qn_event event = queue[head++ % FAST_QUEUE];
        assert_int_equal(qn_schedule_step(s, &event, 0, &actions, &n, &err), QN_OK);
        events++;
        for (uint32_t i = 0; i < n; i++) {
            struct qn_event next = {.worker = actions[i].worker, .token = actions[i].token};
            done |= actions[i].kind == QN_ACTION_STAGE_DONE;
            next.kind = QN_EVENT_COMMITTED;
            if (actions[i].kind == QN_ACTION_SEND) {
                next.kind = QN_EVENT_STARTED;
                queue[tail++ % FAST_QUEUE] = next;
                next.kind = QN_EVENT_RESULT;
            } else if (actions[i].kind != QN_ACTION_COMMIT) {
                continue;
            }
            queue[tail++ % FAST_QUEUE] = next;
            assert_true(tail - head < FAST_QUEUE);
        }
    }
    double seconds = (double)(qn_clock_us() - start) / 1e6;
    printf("%d workers, %d tasks: %llu events in %.2f s, %.1f M events/s\n", FAST_WORKERS,
           FAST_TASKS, (unsigned long long)events, seconds, (double)events / seconds / 1e6);
    assert_true(seconds < 100); /* a scan of queues per event would take hours */
    qn_schedule_free(s);
}

/* --- parts that were lost -------------------------------------------------------------------- */

/* What reads a part that is gone: what is started goes on, what is not waits, and nobody is
 * charged; the one task that makes the part again comes first, as its next attempt. */
static void a_starved_stage_rests_until_it_is_fed(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 100);
    const struct qn_schedule_stage reader = {.stage = 1, .n_units = 4};
    const bool whole[] = {true, false, true};
    const uint32_t attempts[] = {1, 2, 1};
    add(&f, reader);
    join(&f, 1, 2);
    assert_int_equal(count(&f, QN_ACTION_SEND, 1), 2);
    struct qn_token first = f.actions[0].token, second = f.actions[1].token;
    say(&f, QN_EVENT_STARTED, 1, first);
    say(&f, QN_EVENT_STARTED, 1, second);
    assert_true(qn_schedule_has(f.schedule, 1, &first));
    assert_false(qn_schedule_has(f.schedule, 2, &first));

    say(&f, QN_EVENT_STARVED, 1, first);
    assert_int_equal(f.n, 0); /* units 2 and 3 rest, too */
    assert_false(qn_schedule_has(f.schedule, 1, &first));
    add(&f, (struct qn_schedule_stage){
                .n_units = 3, .committed = whole, .attempts = attempts, .first = true});
    tick(&f);
    struct qn_token again = the(&f, QN_ACTION_SEND).token;
    assert_int_equal(again.stage, 0);
    assert_int_equal(again.unit, 1);
    assert_int_equal(again.attempt, 3);

    say(&f, QN_EVENT_RESULT, 1, second); /* what was executing goes on, and waits for unit 0 */
    assert_int_equal(count(&f, QN_ACTION_SEND, 0), 0);
    say(&f, QN_EVENT_RESULT, 1, again);
    assert_int_equal(the(&f, QN_ACTION_COMMIT).token.stage, 0);
    commit(&f, again);
    assert_int_equal(the(&f, QN_ACTION_STAGE_DONE).token.stage, 0);
    assert_int_equal(count(&f, QN_ACTION_SEND, 0), 0);

    step(&f, (struct qn_event){.kind = QN_EVENT_FED});
    assert_int_equal(count(&f, QN_ACTION_SEND, 1), 2);
    assert_int_equal(f.actions[0].token.unit, 0);
    assert_int_equal(f.actions[0].token.attempt, 2);
    assert_int_equal(f.actions[1].token.unit, 2);
    qn_schedule_free(f.schedule);
}

/* Starving is nobody's failure: it may happen more often than a task may fail. */
static void starving_is_not_charged(void **state)
{
    (void)state;
    struct fixture f = open_schedule(0, 100);
    add(&f, (struct qn_schedule_stage){.n_units = 1});
    join(&f, 1, 1);
    for (uint32_t attempt = 1; attempt <= 10; attempt++) {
        struct qn_action sent = the(&f, QN_ACTION_SEND);
        assert_int_equal(sent.token.attempt, attempt);
        say(&f, QN_EVENT_STARTED, 1, sent.token);
        say(&f, QN_EVENT_STARVED, 1, sent.token);
        assert_int_equal(f.n, 0);
        step(&f, (struct qn_event){.kind = QN_EVENT_FED});
    }
    qn_schedule_free(f.schedule);
}

/* A worker that is lost meanwhile takes nothing with it, nor does a job that is given up. */
static void a_resting_stage_survives_its_worker(void **state)
{
    (void)state;
    struct fixture f = open_schedule(1, 100);
    add(&f, (struct qn_schedule_stage){.n_units = 3});
    join(&f, 1, 1);
    assert_int_equal(count(&f, QN_ACTION_SEND, 1), 2);
    struct qn_token first = f.actions[0].token;
    say(&f, QN_EVENT_STARTED, 1, first);
    say(&f, QN_EVENT_STARVED, 1, first);
    step(&f, (struct qn_event){.kind = QN_EVENT_LEFT, .worker = 1});
    join(&f, 2, 4);
    assert_int_equal(f.n, 0);
    step(&f, (struct qn_event){.kind = QN_EVENT_FED});
    assert_int_equal(count(&f, QN_ACTION_SEND, 2), 3);
    say(&f, QN_EVENT_STARVED, 2, f.actions[0].token);
    qn_schedule_abandon_job(f.schedule, 0);
    tick(&f);
    assert_int_equal(count(&f, QN_ACTION_CANCEL, 2), 2);
    step(&f, (struct qn_event){.kind = QN_EVENT_FED});
    assert_int_equal(f.n, 0);
    qn_schedule_free(f.schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_starved_stage_rests_until_it_is_fed),
        cmocka_unit_test(starving_is_not_charged),
        cmocka_unit_test(a_resting_stage_survives_its_worker),
        cmocka_unit_test(a_small_stage_spreads_over_all_workers),
        cmocka_unit_test(a_worker_holds_its_slots_and_the_prefetch),
        cmocka_unit_test(units_past_the_window_wait),
        cmocka_unit_test(commits_are_in_order_one_at_a_time),
        cmocka_unit_test(a_resumed_stage_goes_on_where_it_was),
        cmocka_unit_test(silence_costs_the_lease),
        cmocka_unit_test(only_executing_tasks_are_charged_with_a_crash),
        cmocka_unit_test(blame_decides_about_another_try),
        cmocka_unit_test(a_failed_task_goes_elsewhere),
        cmocka_unit_test(an_idle_worker_steals_what_has_not_started),
        cmocka_unit_test(a_recall_that_comes_too_late_is_forgotten),
        cmocka_unit_test(a_draining_worker_gets_nothing_and_gives_back),
        cmocka_unit_test(a_refused_result_is_made_again_before_others),
        cmocka_unit_test(a_unit_goes_where_its_cache_is),
        cmocka_unit_test(an_idle_worker_takes_what_its_home_has_no_room_for),
        cmocka_unit_test(an_abandoned_job_is_cancelled),
        cmocka_unit_test(misuse_changes_nothing),
        cmocka_unit_test(a_million_tasks_on_a_thousand_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
