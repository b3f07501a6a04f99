/* When the sides of a split by shares of time begin: against sorting all times. */
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "jobs/learn/cuts.h"
#include "tests/support/test.h"

enum { N = 300000 };
static int64_t *times;

static int make_times(void **state)
{
    (void)state;
    times = calloc(N, sizeof *times);
    return times ? 0 : -1;
}

static int free_times(void **state)
{
    (void)state;
    free(times);
    return 0;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* One round over times in `n_pieces` pieces, merged in the order of `seed`. */
static bool run_round(struct qn_cuts *cuts, const struct qn_split *shares, uint32_t n,
                      uint32_t n_pieces, uint32_t first)
{
    struct qn_times all, piece;
    struct qn_err err;
    bool done;
    qn_times_init(&all);
    for (uint32_t p = 0; p < n_pieces; p++) {
        uint32_t at = (p + first) % n_pieces;
        uint32_t begin = (uint32_t)((uint64_t)n * at / n_pieces);
        uint32_t end = (uint32_t)((uint64_t)n * (at + 1) / n_pieces);
        struct qn_buf bytes;
        qn_buf_init(&bytes);
        qn_times_init(&piece);
        for (uint32_t i = begin; i < end; i++)
            assert_ok(qn_times_add(&piece, cuts, times[i], &err), &err);
        assert_ok(qn_times_pack(&bytes, &piece, &err), &err);
        struct qn_strv text = qn_buf_strv(&bytes);
        assert_ok(qn_times_merge(&all, text, &err), &err);
        text.len--;
        assert_true(qn_times_merge(&piece, text, &err) == QN_EWIRE);
        qn_times_fini(&piece);
        qn_buf_fini(&bytes);
    }
    assert_ok(qn_cuts_narrow(cuts, shares, &all, &done, &err), &err);
    qn_times_fini(&all);
    return done;
}

static uint32_t find_cuts(struct qn_split *split, uint32_t n, uint32_t n_pieces, uint32_t first)
{
    struct qn_cuts cuts, read;
    struct qn_buf bytes;
    struct qn_err err;
    uint32_t rounds = 1;
    qn_cuts_init(&cuts);
    for (; !run_round(&cuts, split, n, n_pieces, first); rounds++) {
        qn_buf_init(&bytes);
        qn_cuts_pack(&bytes, &cuts);
        assert_ok(qn_cuts_unpack(qn_buf_strv(&bytes), &read, &err), &err);
        assert_memory_equal(&read, &cuts, sizeof cuts);
        qn_buf_fini(&bytes);
        assert_true(rounds < 5);
    }
    qn_cuts_apply(&cuts, split);
    return rounds;
}

/* The time of the row at which the last `share` of n sorted ones begins. */
static int64_t begin_of(const int64_t *sorted, uint32_t n, double share)
{
    double rows = rint(share * n);
    return sorted[n - (uint32_t)(rows < 1 ? 1 : rows)];
}

static void check(uint32_t n, double test, double calibration, double validation, uint32_t rounds)
{
    int64_t *sorted = malloc(n * sizeof *sorted);
    assert_non_null(sorted);
    memcpy(sorted, times, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_time);
    for (uint32_t n_pieces = 1; n_pieces <= 7; n_pieces += 3) {
        struct qn_split split;
        qn_split_init(&split, test, validation, calibration);
        split.method = QN_SPLIT_TIME;
        assert_int_equal(find_cuts(&split, n, n_pieces, n_pieces / 2), rounds);
        assert_true(split.begins[QN_SIDE_TEST] == (test > 0));
        assert_true(split.begins[QN_SIDE_CALIBRATION] == (calibration > 0));
        assert_true(split.begins[QN_SIDE_VALIDATION] == (validation > 0));
        if (test > 0)
            assert_int_equal(split.from[QN_SIDE_TEST], begin_of(sorted, n, test));
        if (calibration > 0)
            assert_int_equal(split.from[QN_SIDE_CALIBRATION],
                             begin_of(sorted, n, test + calibration));
        if (validation > 0)
            assert_int_equal(split.from[QN_SIDE_VALIDATION],
                             begin_of(sorted, n, test + calibration + validation));
    }
    free(sorted);
}

static void days_take_one_round(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < N; i++)
        times[i] = (int64_t)(qn_mix64(i) % 400) - 200; /* before 1970, too */
    check(N, 0.2, 0.1, 0.1, 1);
    check(N, 0, 0, 0.25, 1);
    check(1000, 0.2, 0, 0, 1);
    check(3, 0.1, 0, 0, 1);
    check(1, 0.5, 0, 0.2, 1);
}

static void any_times_take_two(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < N; i++)
        times[i] = (int64_t)qn_mix64(i);
    check(N, 0.2, 0.1, 0.1, 2);
    for (uint32_t i = 0; i < N; i++) /* a year of microseconds */
        times[i] = INT64_C(1767225600000000) + (int64_t)(qn_mix64(i) % 31536000000000);
    check(N, 0.2, 0, 0.1, 2);
    for (uint32_t i = 0; i < N; i++) /* the ends of what there is */
        times[i] = i % 3 == 0 ? INT64_MIN : i % 3 == 1 ? INT64_MAX : 0;
    check(N, 0.2, 0.3, 0.3, 1);
}

static void nothing_to_go_by(void **state)
{
    (void)state;
    struct qn_cuts cuts;
    struct qn_times none;
    struct qn_split split;
    struct qn_err err;
    bool done;
    qn_split_init(&split, 0.2, 0, 0);
    qn_cuts_init(&cuts);
    qn_times_init(&none);
    assert_true(qn_cuts_narrow(&cuts, &split, &none, &done, &err) == QN_EINPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_take_one_round),
        cmocka_unit_test(any_times_take_two),
        cmocka_unit_test(nothing_to_go_by),
    };
    return cmocka_run_group_tests(tests, make_times, free_times);
}
