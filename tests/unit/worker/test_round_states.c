/* States of rounds: what a task holds stays as it was while more comes in. */
#include "tests/support/test.h"

#include "worker/round_states.h"

static struct qn_round_states states;
static struct qn_err err;

static bool take(uint32_t stage, uint32_t round, uint64_t offset, uint64_t total, const char *text)
{
    struct qn_msg msg = {.kind = QN_MSG_STATE};
    bool whole = false;
    msg.state.job = 3;
    msg.state.stage = stage;
    msg.state.round = round;
    msg.state.offset = offset;
    msg.state.total = total;
    msg.state.bytes = qn_strv_from(text);
    assert_ok(qn_round_states_take(&states, &msg, &whole, &err), &err);
    return whole;
}

static void refuse(uint32_t stage, uint64_t offset, uint64_t total, const char *text)
{
    struct qn_msg msg = {.kind = QN_MSG_STATE};
    bool whole;
    msg.state.job = 3;
    msg.state.stage = stage;
    msg.state.round = 9;
    msg.state.offset = offset;
    msg.state.total = total;
    msg.state.bytes = qn_strv_from(text);
    assert_int_equal(qn_round_states_take(&states, &msg, &whole, &err), QN_EWIRE);
}

static qn_code hold(uint32_t stage, uint32_t round, struct qn_held_state **held,
                    struct qn_strv *bytes)
{
    const struct qn_token token = {.job = 3, .stage = stage, .round = round};
    return qn_round_states_hold(&states, &token, held, bytes);
}

static void a_state_that_grows_is_kept_for_who_reads_it(void **state)
{
    (void)state;
    struct qn_held_state *held[20];
    struct qn_strv bytes[20];
    char expected[20 * 500 + 1] = "", piece[501];
    assert_int_equal(hold(1, 0, &held[0], &bytes[0]), QN_OK); /* nothing to read */
    assert_null(held[0]);
    for (uint32_t round = 1; round < 20; round++) {
        memset(piece, 'a' + (int)round, 500);
        piece[500] = '\0';
        size_t before = strlen(expected);
        strcat(expected, piece);
        assert_int_equal(hold(1, round, &held[round], &bytes[round]), QN_ENOTFOUND);
        assert_true(take(1, round, before, before + 500, piece));
        assert_int_equal(hold(1, round, &held[round], &bytes[round]), QN_OK);
    }
    for (uint32_t round = 1; round < 20; round++) {
        assert_int_equal(bytes[round].len, round * 500);
        assert_memory_equal(bytes[round].data, expected, round * 500);
        qn_held_state_release(held[round]);
    }
    qn_round_states_free(&states);
}

static void pieces_must_follow_and_what_is_read_never_changes(void **state)
{
    (void)state;
    struct qn_held_state *old, *held;
    struct qn_strv bytes, again;
    assert_false(take(1, 1, 0, 6, "abc"));
    assert_int_equal(hold(1, 1, &held, &bytes), QN_ENOTFOUND);
    refuse(1, 4, 6, "ef");  /* a gap */
    refuse(1, 3, 5, "def"); /* more than there is */
    refuse(1, 3, 2, "");    /* less than is kept */
    refuse(2, 3, 6, "def"); /* of another stage */
    refuse(1, 0, UINT64_MAX, "a");
    assert_true(take(1, 1, 3, 6, "def"));
    assert_int_equal(hold(1, 1, &old, &bytes), QN_OK);
    assert_true(qn_strv_is(bytes, "abcdef"));
    assert_true(take(1, 2, 4, 7, "xyz")); /* another end behind the first four */
    assert_int_equal(hold(1, 2, &held, &again), QN_OK);
    assert_true(qn_strv_is(again, "abcdxyz"));
    assert_true(qn_strv_is(bytes, "abcdef"));
    qn_held_state_release(held);
    assert_int_equal(hold(1, 1, &held, &again), QN_ESTATE); /* that round is over */
    assert_true(take(1, 3, 2, 3, "c"));                     /* shorter, and nobody reads it */
    assert_true(take(1, 4, 0, 1, "-"));
    assert_int_equal(hold(1, 4, &held, &again), QN_OK);
    assert_true(qn_strv_is(again, "-"));
    assert_true(qn_strv_is(bytes, "abcdef"));
    qn_held_state_release(held);
    qn_held_state_release(old);
    assert_int_equal(hold(2, 1, &held, &bytes), QN_ENOTFOUND); /* that stage is to come */
    assert_true(take(2, 1, 0, 0, ""));                         /* a round that gave nothing */
    assert_int_equal(hold(2, 1, &held, &bytes), QN_OK);
    assert_int_equal(bytes.len, 0);
    qn_held_state_release(held);
    assert_int_equal(hold(1, 4, &held, &bytes), QN_ESTATE);
    qn_round_states_free(&states);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_that_grows_is_kept_for_who_reads_it),
        cmocka_unit_test(pieces_must_follow_and_what_is_read_never_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
