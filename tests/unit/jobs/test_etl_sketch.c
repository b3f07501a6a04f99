/* Counting distinct values, sampling, exact ratios: against what they stand for. */
#include <math.h>
#include <stdlib.h>

#include "jobs/etl/bottom.h"
#include "jobs/etl/number.h"
#include "jobs/etl/values.h"
#include "tests/support/test.h"

static struct qn_err err;

static uint64_t count_of(uint64_t n, uint64_t repeats, bool *exact)
{
    struct qn_sketch sketch = {0};
    for (uint64_t r = 0; r < repeats; r++)
        for (uint64_t i = 0; i < n; i++)
            assert_ok(qn_sketch_add(&sketch, i ? qn_hash_u64(i) : 0, 1, &err), &err);
    uint64_t count = qn_sketch_count(&sketch);
    *exact = qn_sketch_is_exact(&sketch);
    qn_sketch_fini(&sketch);
    return count;
}

static void test_counts(void **state)
{
    (void)state;
    bool exact;
    for (uint64_t n = 0; n <= QN_SKETCH_EXACT; n += 37) {
        assert_int_equal(count_of(n, 3, &exact), n);
        assert_true(exact);
    }
    for (uint64_t n = QN_SKETCH_EXACT + 1; n < 2000000; n = n * 3) {
        double count = (double)count_of(n, 2, &exact);
        assert_false(exact);
        assert_true(fabs(count / (double)n - 1) < 0.06); /* nearly four standard errors */
    }
}

static void add(struct qn_values *values, int64_t value)
{
    struct qn_cell cell = {.valid = true, .i64 = value};
    assert_ok(qn_values_add(values, qn_hash_u64((uint64_t)value), 1, cell, &err), &err);
}

static void merge(struct qn_values *into, const struct qn_values *from)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_values_pack(from, &buf);
    struct qn_unpack in = qn_unpack_from(qn_buf_strv(&buf));
    assert_ok(qn_values_merge(into, &in, &err), &err);
    assert_ok(qn_unpack_end(&in, "values", &err), &err);
    qn_buf_fini(&buf);
}

/* Any way to cut and any order give the same sketch, and the same counts up to `most` values: of
 * 1,000, some parts have more than that and some do not. */
static void test_values_merge(void **state)
{
    (void)state;
    enum { MOST = 600 };
    const int64_t sizes[] = {0, 1, 599, 600, 601, 1000, 1024, 1025, 5000, 45000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int64_t n = sizes[s];
        struct qn_values whole, merged, parts[3];
        qn_values_init(&whole, (struct qn_type){.id = QN_INT64}, MOST);
        qn_values_init(&merged, (struct qn_type){.id = QN_INT64}, MOST);
        for (int p = 0; p < 3; p++)
            qn_values_init(&parts[p], (struct qn_type){.id = QN_INT64}, MOST);
        for (int64_t i = 0; i < 2 * n; i++) {
            add(&whole, i % n);
            add(&parts[i % 7 % 3], i % n);
        }
        for (int p = 2; p >= 0; p--) {
            merge(&merged, &parts[p]);
            qn_values_fini(&parts[p]);
        }
        assert_int_equal(qn_sketch_is_exact(&whole.sketch), n <= QN_SKETCH_EXACT);
        assert_int_equal(qn_sketch_is_exact(&merged.sketch), n <= QN_SKETCH_EXACT);
        assert_int_equal(qn_sketch_count(&merged.sketch), qn_sketch_count(&whole.sketch));
        assert_int_equal(qn_values_are_counted(&merged), n <= MOST);
        assert_int_equal(merged.kept.n, n <= MOST ? n : 0);
        for (uint32_t i = 0; i < merged.kept.n; i++) {
            uint64_t value = (uint64_t)merged.kept.column.i64[i];
            assert_int_equal(merged.sketch.entries[i].hash, qn_hash_u64(value));
            assert_int_equal(merged.sketch.entries[i].count, 2);
        }
        qn_values_fini(&merged);
        qn_values_fini(&whole);
    }
}

static int compare_u64(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void test_bottom_is_the_smallest(void **state)
{
    (void)state;
    enum { N = 5000, K = 100 };
    static uint64_t hashes[N];
    struct qn_bottom bottom;
    qn_bottom_init(&bottom, K);
    for (uint64_t i = 0; i < N; i++) {
        struct qn_row_id id = {.file = (uint32_t)(i % 3), .position = i};
        hashes[i] = qn_row_hash(5, id);
        assert_ok(qn_bottom_add(&bottom, hashes[i], i, &err), &err);
    }
    qsort(hashes, N, sizeof hashes[0], compare_u64);
    qn_bottom_sort(&bottom);
    assert_int_equal(bottom.n, K);
    for (uint32_t i = 0; i < K; i++)
        assert_int_equal(bottom.entries[i].hash, hashes[i]);
    assert_false(qn_bottom_wants(&bottom, hashes[K]));
    qn_bottom_fini(&bottom);
}

static void test_ratios(void **state)
{
    (void)state;
    for (uint64_t i = 1; i < 20000; i++) {
        /* Both fit a double exactly, so its division is the nearest one. */
        int64_t n = (int64_t)(qn_mix64(i) >> (12 + i % 50)), d = 1 + (int64_t)(qn_mix64(~i) >> 13);
        n = i % 2 ? -n : n;
        assert_true(qn_ratio_f64(n, d) == (double)n / (double)d);
    }
    assert_true(qn_ratio_f64(((qn_i128)1 << 100) + 1, (qn_i128)1 << 60) == 0x1p40);
    assert_true(qn_ratio_f64(1, 3) == 1.0 / 3 && qn_ratio_f64(0, 7) == 0);
    assert_true(qn_ratio_round(5, 2) == 3 && qn_ratio_round(-5, 2) == -3);
    assert_true(qn_ratio_round(7, 3) == 2 && qn_ratio_round(-8, 3) == -3);
    assert_true(qn_round_f64(2.5, 0) == 3 && qn_round_f64(-1.25, 1) == -1.3);
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_i128 wide = -(((qn_i128)1 << 90) + 12345);
    qn_put_i128(&buf, wide);
    struct qn_unpack in = qn_unpack_from(qn_buf_strv(&buf));
    assert_true(qn_unpack_i128(&in) == wide);
    qn_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_values_merge),
        cmocka_unit_test(test_bottom_is_the_smallest),
        cmocka_unit_test(test_ratios),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
