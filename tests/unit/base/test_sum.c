/* The narrow sum is the exact sum, in any order, cut in any way. */
#include "base/sum.h"

#include <math.h>

#include "base/hash.h"
#include "tests/support/arena.h"
#include "tests/support/test.h"

enum { MOST = 400, SEEDS = 300 };

static struct qn_err err;

/* Values of a few kinds: prices, wide ranges, whole numbers, things that cancel. */
static double draw(uint64_t seed, uint64_t i)
{
    uint64_t h = qn_mix64(seed * 1000003 + i);
    double unit = (double)(h >> 11) * 0x1p-53 - 0.5;
    switch (seed % 5) {
    case 0: return floor(unit * 1e6) / 100;
    case 1: return ldexp(unit, (int)(h % 400) - 200);
    case 2: return (double)(int64_t)h;
    case 3: return i % 2 ? 1e16 * unit : unit;
    default: return ldexp(unit, (int)(h % 2000) - 1050);
    }
}

static double exactly(uint64_t seed, uint32_t n)
{
    struct qn_exact_sum sum;
    qn_exact_init(&sum);
    for (uint32_t i = 0; i < n; i++)
        qn_exact_add(&sum, draw(seed, i));
    return qn_exact_round(&sum);
}

static void add(struct qn_sum *sum, double value)
{
    assert_ok(qn_sum_add(sum, value, &arena, &err), &err);
}

static void assert_same_bits(double a, double b)
{
    assert_memory_equal(&a, &b, sizeof a);
}

static void order_does_not_matter(void **state)
{
    (void)state;
    uint32_t wide = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        uint32_t n = 1 + (uint32_t)(qn_mix64(seed) % MOST);
        struct qn_sum up = {0}, down = {0};
        for (uint32_t i = 0; i < n; i++) {
            add(&up, draw(seed, i));
            add(&down, draw(seed, n - 1 - i));
        }
        assert_same_bits(qn_sum_round(&up), exactly(seed, n));
        assert_same_bits(qn_sum_round(&down), exactly(seed, n));
        wide += up.wide != NULL;
    }
    assert_in_range(wide, 1, SEEDS - 1); /* both forms were seen */
}

static void sums_merge(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct qn_sum parts[3] = {0}, whole = {0};
        for (uint32_t i = 0; i < MOST; i++)
            add(&parts[qn_mix64(seed + i) % 3], draw(seed, i));
        for (int i = 2; i >= 0; i--)
            assert_ok(qn_sum_merge(&whole, &parts[i], &arena, &err), &err);
        assert_same_bits(qn_sum_round(&whole), exactly(seed, MOST));
        struct qn_exact_sum wide;
        qn_sum_widen(&whole, &wide);
        assert_same_bits(qn_exact_round(&wide), exactly(seed, MOST));
    }
}

static void squares_are_exact(void **state)
{
    (void)state;
    struct qn_sum sum = {0};
    struct qn_exact_sum exact;
    qn_exact_init(&exact);
    for (uint32_t i = 0; i < MOST; i++) {
        double value = draw(0, i) + 1e7;
        assert_ok(qn_sum_add_square(&sum, value, &arena, &err), &err);
        qn_exact_add_product(&exact, value, value);
    }
    assert_same_bits(qn_sum_round(&sum), qn_exact_round(&exact));
    struct qn_sum whole = {0}; /* the square of a 63-bit number */
    qn_i128 big = (qn_i128)INT64_MIN * INT64_MIN;
    for (int i = 0; i < 4; i++)
        assert_ok(qn_sum_add_number(&whole, big, 0, &arena, &err), &err);
    assert_true(qn_sum_round(&whole) == 0x1p128);
}

static void infinities_act_as_ever(void **state)
{
    (void)state;
    struct qn_sum sum = {0};
    add(&sum, 0);
    assert_same_bits(qn_sum_round(&sum), 0.0);
    add(&sum, 12.5);
    add(&sum, HUGE_VAL);
    assert_true(isinf(qn_sum_round(&sum)) && qn_sum_round(&sum) > 0);
    add(&sum, -HUGE_VAL);
    assert_true(isnan(qn_sum_round(&sum)));
    struct qn_sum not = {0};
    add(&not, (double)NAN);
    assert_true(isnan(qn_sum_round(&not )));
    struct qn_sum large = {0};
    add(&large, 0x1.fffffffffffffp1023);
    add(&large, 0x1.fffffffffffffp1023);
    assert_true(isinf(qn_sum_round(&large)));
    add(&large, -0x1.fffffffffffffp1023); /* on the way it was past doubles */
    assert_same_bits(qn_sum_round(&large), 0x1.fffffffffffffp1023);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(order_does_not_matter, setup, teardown),
        cmocka_unit_test_setup_teardown(sums_merge, setup, teardown),
        cmocka_unit_test_setup_teardown(squares_are_exact, setup, teardown),
        cmocka_unit_test_setup_teardown(infinities_act_as_ever, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
