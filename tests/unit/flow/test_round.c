/* What a round gave, taken apart and put together again, is the state that it left. */
#include "tests/support/test.h"

#include "flow/round.h"

static struct qn_err err;

static void expect_round(const char *state, const char *given, bool appends, const char *expected,
                         uint64_t kept)
{
    struct qn_buf buf, packed;
    qn_buf_init(&buf);
    qn_buf_init(&packed);
    qn_buf_put(&buf, state, strlen(state));
    const struct qn_round round =
        qn_round_of(qn_buf_strv(&buf), qn_strv_from(given), appends, QN_VERDICT_ANEW);
    assert_int_equal(round.kept, kept);
    qn_round_pack(&packed, &round);
    struct qn_unpack in = qn_unpack_from(qn_buf_strv(&packed));
    struct qn_round read;
    qn_round_unpack(&in, &read);
    assert_ok(qn_unpack_end(&in, "a round", &err), &err);
    assert_int_equal(read.verdict, QN_VERDICT_ANEW);
    assert_ok(qn_round_apply(&read, &buf, &err), &err);
    assert_int_equal(buf.len, strlen(expected));
    assert_memory_equal(buf.data, expected, buf.len);
    qn_buf_fini(&buf);
    qn_buf_fini(&packed);
}

static void states_come_whole_or_grow(void **state)
{
    (void)state;
    expect_round("", "abc", false, "abc", 0);
    expect_round("abc", "abd", false, "abd", 2);
    expect_round("abc", "abcd", false, "abcd", 3);
    expect_round("abcd", "ab", false, "ab", 2);
    expect_round("abc", "", false, "", 0);
    expect_round("abc", "abd", true, "abcabd", 3);
    expect_round("abc", "", true, "abc", 3);
}

static void what_does_not_fit_is_refused(void **state)
{
    struct qn_buf buf, packed;
    (void)state;
    qn_buf_init(&buf);
    qn_buf_init(&packed);
    qn_buf_put(&buf, "abc", 3);
    const struct qn_round more = {.kept = 4, .verdict = QN_VERDICT_REPEAT};
    assert_int_equal(qn_round_apply(&more, &buf, &err), QN_EWIRE);
    assert_int_equal(buf.len, 3);
    struct qn_round read;
    for (uint32_t verdict = 0; verdict < 6; verdict++) {
        const struct qn_round round = {.verdict = (enum qn_verdict)verdict};
        qn_buf_clear(&packed);
        qn_round_pack(&packed, &round);
        struct qn_unpack in = qn_unpack_from(qn_buf_strv(&packed));
        qn_round_unpack(&in, &read);
        assert_int_equal(in.failed, verdict == QN_VERDICT_END || verdict > QN_VERDICT_ANEW);
    }
    for (size_t n = 0; n < packed.len; n++) {
        struct qn_unpack in = qn_unpack_from((struct qn_strv){(const char *)packed.data, n});
        qn_round_unpack(&in, &read);
        assert_true(in.failed);
    }
    qn_buf_fini(&buf);
    qn_buf_fini(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_come_whole_or_grow),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
