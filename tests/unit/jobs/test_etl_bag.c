/* A bag beside counts kept in a plain array: groups, values in order, counts past 32 bits. */
#include <stdlib.h>

#include "base/hash.h"
#include "jobs/etl/bag.h"
#include "tests/support/test.h"

enum { GROUPS = 9, VALUES = 1000, ADDS = 200 };

static void add_one(struct qn_bag *bag, uint32_t group, int64_t value, int64_t count)
{
    struct qn_err err;
    assert_ok(qn_bag_add(bag, &group, &value, &count, 1, NULL, &err), &err);
}

static void test_counts(void **state)
{
    (void)state;
    static uint64_t expected[GROUPS][VALUES];
    struct qn_bag bag;
    struct qn_err err;
    qn_bag_init(&bag);
    for (int round = 0; round < 2; round++) {
        memset(expected, 0, sizeof expected);
        for (uint64_t i = 0; i < ADDS; i++) {
            uint32_t groups[QN_BAG_BLOCK];
            int64_t values[QN_BAG_BLOCK];
            bool fresh[QN_BAG_BLOCK];
            for (uint32_t r = 0; r < QN_BAG_BLOCK; r++) {
                uint64_t h = qn_mix64(i * QN_BAG_BLOCK + r);
                groups[r] = (uint32_t)(h % (GROUPS - 1)); /* the last one stays empty */
                values[r] = (int64_t)(h >> 20) % VALUES;
            }
            assert_ok(qn_bag_add(&bag, groups, values, NULL, QN_BAG_BLOCK, fresh, &err), &err);
            for (uint32_t r = 0; r < QN_BAG_BLOCK; r++)
                assert_int_equal(fresh[r], expected[groups[r]][values[r]]++ == 0);
        }
        assert_ok(qn_bag_seal(&bag, GROUPS, true, &err), &err);
        for (uint32_t g = 0; g < GROUPS; g++) {
            const struct qn_bag_entry *entry = qn_bag_at(&bag, g);
            for (int v = 0; v < VALUES; v++)
                if (expected[g][v]) {
                    assert_int_equal(entry->value, v);
                    assert_int_equal(qn_bag_count(&bag, entry++), expected[g][v]);
                }
            assert_int_equal(entry - qn_bag_at(&bag, g), qn_bag_pairs(&bag, g));
        }
        qn_bag_clear(&bag);
    }
    qn_bag_fini(&bag);
}

static void test_values_of_all_sizes_are_sorted(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    struct qn_bag bag;
    struct qn_err err;
    qn_bag_init(&bag);
    for (uint64_t i = 0; i < MANY; i++)
        add_one(&bag, 0, (int64_t)qn_mix64(i) >> (i % 64), 1);
    add_one(&bag, 0, INT64_MIN, 1);
    add_one(&bag, 0, INT64_MAX, 1);
    assert_ok(qn_bag_seal(&bag, 1, true, &err), &err);
    for (uint32_t i = 1; i < qn_bag_pairs(&bag, 0); i++)
        assert_true(qn_bag_at(&bag, 0)[i - 1].value < qn_bag_at(&bag, 0)[i].value);
    qn_bag_fini(&bag);
}

static void test_counts_past_32_bits(void **state)
{
    (void)state;
    struct qn_bag bag;
    struct qn_err err;
    qn_bag_init(&bag);
    add_one(&bag, 1, 5, INT64_C(3000000000));
    add_one(&bag, 1, 6, UINT32_MAX);
    add_one(&bag, 1, 5, INT64_C(3000000000));
    add_one(&bag, 2, 5, INT64_C(1) << 40);
    add_one(&bag, 2, 5, 1);
    assert_int_equal(bag.n, 3);
    assert_ok(qn_bag_seal(&bag, 3, true, &err), &err);
    assert_int_equal(qn_bag_count(&bag, qn_bag_at(&bag, 1)), INT64_C(6000000000));
    assert_int_equal(qn_bag_count(&bag, qn_bag_at(&bag, 1) + 1), UINT32_MAX);
    assert_int_equal(qn_bag_count(&bag, qn_bag_at(&bag, 2)), (INT64_C(1) << 40) + 1);
    qn_bag_fini(&bag);
}

static void test_doubles_order_as_keys(void **state)
{
    (void)state;
    static const double values[] = {-1e308, -2, -1e-300, 0, 5e-324, 1, 1.5, 1e308};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(qn_bag_f64(qn_bag_key_f64(values[i])) == values[i]);
        if (i)
            assert_true(qn_bag_key_f64(values[i - 1]) < qn_bag_key_f64(values[i]));
    }
    assert_int_equal(qn_bag_key_f64(-0.0), qn_bag_key_f64(0.0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_values_of_all_sizes_are_sorted),
        cmocka_unit_test(test_counts_past_32_bits),
        cmocka_unit_test(test_doubles_order_as_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
