/* What the scheduler holds depends on what is under way, not on what has happened. */
#include <malloc.h>

#include "coordinator/schedule.h"
#include "tests/support/test.h"

enum { LEASE_MS = 1000, EPOCH = 7 };

/* A stage that never gets on (its first unit is returned for ever) costs no memory. */
static void memory_does_not_grow_with_events(void **state)
{
    (void)state;
    struct qn_schedule_options options = {2, 8, 3, 3, LEASE_MS, EPOCH};
    struct qn_schedule *s;
    struct qn_err err;
    assert_int_equal(qn_schedule_new(&options, &s, &err), QN_OK);
    struct qn_schedule_stage stage = {.n_units = 100, .prefer_same_worker = true};
    assert_int_equal(qn_schedule_add_stage(s, &stage, &err), QN_OK);
    size_t before = 0;
    for (uint64_t i = 0; i < 200000; i++) {
        const struct qn_action *actions;
        uint32_t n;
        struct qn_event event = {.kind = QN_EVENT_JOINED, .worker = i + 1, .slots = 2};
        assert_int_equal(qn_schedule_step(s, &event, (int64_t)i, &actions, &n, &err), QN_OK);
        struct qn_event back = {.kind = QN_EVENT_RETURNED, .worker = i + 1};
        if (n && actions[0].kind == QN_ACTION_SEND) {
            back.token = actions[0].token;
            assert_int_equal(qn_schedule_step(s, &back, (int64_t)i, &actions, &n, &err), QN_OK);
        }
        event.kind = i % 2 ? QN_EVENT_LEFT : QN_EVENT_TICK;
        assert_int_equal(qn_schedule_step(s, &event, (int64_t)i, &actions, &n, &err), QN_OK);
        if (i == 10000)
            before = mallinfo2().uordblks;
    }
    assert_true(mallinfo2().uordblks <= before + 4096);
    qn_schedule_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_does_not_grow_with_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
