/* Which worker has the units of a job from round to round, and when one has them all. */
#include "tests/support/test.h"

#include "coordinator/schedule.h"

enum { UNITS = 8, EPOCH = 3 };

static struct qn_err err;
static struct qn_schedule *schedule;
static uint64_t at[UNITS + 1]; /* who ran each unit in the last round */

static void open_schedule(void)
{
    const struct qn_schedule_options options = {6, 256, 3, 4, 1000, EPOCH};
    assert_ok(qn_schedule_new(&options, &schedule, &err), &err);
}

static uint32_t step(struct qn_event event, struct qn_action sent[static UNITS + 1])
{
    const struct qn_action *actions;
    uint32_t n, n_sent = 0;
    assert_ok(qn_schedule_step(schedule, &event, 0, &actions, &n, &err), &err);
    for (uint32_t i = 0; i < n; i++)
        if (actions[i].kind == QN_ACTION_SEND)
            sent[n_sent++] = actions[i];
    return n_sent;
}

static void say(enum qn_event_kind kind, uint64_t worker, uint32_t slots)
{
    struct qn_action sent[UNITS + 1];
    step((struct qn_event){.kind = kind, .worker = worker, .slots = slots}, sent);
}

static bool deal(void)
{
    bool alone;
    assert_ok(qn_schedule_deal_homes(schedule, 0, UNITS, &alone, &err), &err);
    return alone;
}

/* Units first..n - 1 of a round, each to its end. */
static void run(uint32_t round, uint32_t first, uint32_t n)
{
    struct qn_action sent[UNITS + 1];
    const struct qn_schedule_stage stage = {
        .round = round, .n_units = n, .first_unit = first, .prefer_same_worker = true};
    assert_ok(qn_schedule_add_stage(schedule, &stage, &err), &err);
    uint32_t n_sent = step((struct qn_event){.kind = QN_EVENT_TICK}, sent);
    assert_int_equal(n_sent, n - first);
    for (uint32_t i = 0; i < n_sent; i++) {
        struct qn_action none[UNITS + 1];
        at[sent[i].token.unit] = sent[i].worker;
        step((struct qn_event){.kind = QN_EVENT_RESULT,
                               .worker = sent[i].worker,
                               .token = sent[i].token},
             none);
    }
    for (uint32_t unit = first; unit < n; unit++) {
        struct qn_action none[UNITS + 1];
        const struct qn_token token = {.round = round, .unit = unit, .attempt = 1, .epoch = EPOCH};
        step((struct qn_event){.kind = QN_EVENT_COMMITTED, .token = token}, none);
    }
}

static uint32_t count_at(uint64_t worker)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < UNITS; i++)
        n += at[i] == worker;
    return n;
}

static void who_is_alone_has_all(void **state)
{
    (void)state;
    open_schedule();
    assert_false(deal());
    say(QN_EVENT_JOINED, 1, 2);
    run(0, 0, UNITS);
    assert_true(deal());
    run(1, UNITS, UNITS + 1); /* what stands for all of them goes there too */
    assert_int_equal(at[UNITS], 1);
    assert_true(deal());
    say(QN_EVENT_DRAINING, 1, 0);
    assert_false(deal());
    qn_schedule_free(schedule);
}

static void who_joins_gets_a_share_by_slots(void **state)
{
    (void)state;
    open_schedule();
    say(QN_EVENT_JOINED, 1, 2);
    run(0, 0, UNITS);
    say(QN_EVENT_JOINED, 2, 1);
    assert_false(deal());
    run(1, 0, UNITS);
    assert_int_equal(count_at(1), 6); /* 16 / 3 and what is left over */
    assert_int_equal(count_at(2), 2);
    uint64_t before[UNITS + 1];
    memcpy(before, at, sizeof at);
    for (uint32_t round = 2; round < 5; round++) { /* and that is that */
        assert_false(deal());
        run(round, 0, UNITS);
        assert_memory_equal(before, at, UNITS * sizeof *at);
    }
    say(QN_EVENT_LEFT, 2, 0);
    assert_false(deal()); /* its units are nowhere */
    run(5, 0, UNITS);
    assert_int_equal(count_at(1), UNITS);
    assert_true(deal());
    qn_schedule_free(schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_alone_has_all),
        cmocka_unit_test(who_joins_gets_a_share_by_slots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
