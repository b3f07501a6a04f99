#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/exact_sum.h"
#include "tests/support/test.h"

__extension__ typedef __float128 quad;

static uint64_t stream = 7;
static uint64_t next_bits(void)
{
    stream ^= stream << 13;
    stream ^= stream >> 7;
    stream ^= stream << 17;
    return stream;
}

static double next_unit(void)
{
    return (double)(next_bits() >> 11) * 0x1p-53;
}

static double sum_of(const double *values, uint32_t n)
{
    struct qn_exact_sum sum;
    qn_exact_init(&sum);
    for (uint32_t i = 0; i < n; i++)
        qn_exact_add(&sum, values[i]);
    return qn_exact_round(&sum);
}

static void test_rounds_once(void **state)
{
    (void)state;
    assert_true(sum_of((double[]){1e100, 1.0, -1e100}, 3) == 1.0);
    assert_true(sum_of((double[]){1.0, 0x1p-53}, 2) == 1.0); /* tie to even */
    assert_true(sum_of((double[]){1.0, 0x1p-53, 0x1p-200}, 3) == 1.0 + 0x1p-52);
    assert_true(sum_of((double[]){1.0 + 0x1p-52, 0x1p-53}, 2) == 1.0 + 0x1p-51);
    assert_true(sum_of((double[]){-1.0, -0x1p-53, -0x1p-1074}, 3) == -1.0 - 0x1p-52);
    assert_true(sum_of((double[]){0x1p-1074, 0x1p-1074}, 2) == 0x1p-1073);
    assert_true(sum_of((double[]){0x1p-1022, -0x1p-1074}, 2) == 0x1p-1022 - 0x1p-1074);
    assert_true(sum_of((double[]){1e308, 1e308, -1e308}, 3) == 1e308);
    assert_true(isinf(sum_of((double[]){1.7e308, 1.7e308}, 2)));
    assert_true(isinf(sum_of((double[]){0x1.fffffffffffffp1023, 0x1p970}, 2)));
    assert_true(isnan(sum_of((double[]){1, HUGE_VAL}, 2)));
    assert_true(sum_of(NULL, 0) == 0);
    for (int i = 0; i < 100000; i++) { /* one value is itself, whatever its bits */
        uint64_t bits = next_bits();
        double x;
        memcpy(&x, &bits, sizeof x);
        if (isfinite(x) && x != 0)
            assert_true(sum_of(&x, 1) == x);
    }
}

/* 100 values of like size: a 113-bit sum is exact, so the roundings must agree. */
static void test_agrees_with_quad(void **state)
{
    (void)state;
    for (int trial = 0; trial < 3000; trial++) {
        double values[100];
        quad want = 0;
        for (int i = 0; i < 100; i++) {
            values[i] = ldexp(next_unit() - 0.5, (int)(next_bits() % 40));
            want += (quad)values[i];
        }
        assert_true(sum_of(values, 100) == (double)want);
    }
}

static void test_order_and_grouping_do_not_matter(void **state)
{
    (void)state;
    enum { N = 5000 };
    double *values = malloc(N * sizeof *values);
    for (int i = 0; i < N; i++)
        values[i] = ldexp(next_unit() - 0.5, (int)(next_bits() % 1800) - 900);
    double want = sum_of(values, N);
    for (int trial = 0; trial < 30; trial++) {
        for (uint32_t i = N - 1; i > 0; i--) {
            uint32_t j = (uint32_t)(next_bits() % (i + 1));
            double keep = values[i];
            values[i] = values[j];
            values[j] = keep;
        }
        struct qn_exact_sum total, part;
        qn_exact_init(&total);
        for (uint32_t at = 0; at < N;) {
            uint32_t n = (uint32_t)(next_bits() % 900) + 1;
            qn_exact_init(&part);
            for (uint32_t k = 0; k < n && at < N; k++)
                qn_exact_add(&part, values[at++]);
            qn_exact_merge(&total, &part);
        }
        assert_true(qn_exact_round(&total) == want);
    }
    free(values);
}

static void test_variance(void **state)
{
    (void)state;
    /* Far from zero, where the textbook formula in doubles gives rubbish. */
    struct qn_exact_sum sum, squares;
    qn_exact_init(&sum);
    qn_exact_init(&squares);
    for (int i = 0; i < 1000; i++) {
        double x = 1e9 + i % 5;
        qn_exact_add(&sum, x);
        qn_exact_add_product(&squares, x, x);
    }
    assert_true(qn_exact_variance(&sum, &squares, 1000) == 2.0);
    /* A constant column has variance 0 exactly. */
    qn_exact_init(&sum);
    qn_exact_init(&squares);
    for (int i = 0; i < 777; i++) {
        qn_exact_add(&sum, 0.1);
        qn_exact_add_product(&squares, 0.1, 0.1);
    }
    assert_true(qn_exact_variance(&sum, &squares, 777) == 0);
    assert_true(qn_exact_variance(&sum, &squares, 0) == 0);
}

static void test_pack_round_trips_and_is_checked(void **state)
{
    (void)state;
    struct qn_exact_sum sum, back;
    qn_exact_init(&sum);
    for (int i = 0; i < 1000; i++)
        qn_exact_add(&sum, ldexp(next_unit() - 0.7, (int)(next_bits() % 300) - 100));
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_exact_pack(&buf, &sum);
    struct qn_unpack in = qn_unpack_from(qn_buf_strv(&buf));
    qn_exact_unpack(&in, &back);
    struct qn_err err;
    assert_ok(qn_unpack_end(&in, "sum", &err), &err);
    assert_true(qn_exact_round(&back) == qn_exact_round(&sum));
    for (size_t cut = 0; cut < buf.len; cut++) {
        in = qn_unpack_from((struct qn_strv){(const char *)buf.data, cut});
        qn_exact_unpack(&in, &back);
        assert_true(in.failed);
    }
    for (int i = 0; i < 20000; i++) { /* nothing a peer sends may lead out of bounds */
        uint8_t noise[40];
        for (size_t k = 0; k < sizeof noise; k++)
            noise[k] = (uint8_t)next_bits();
        noise[0] &= 1;
        in = qn_unpack_from((struct qn_strv){(const char *)noise, sizeof noise});
        qn_exact_unpack(&in, &back);
        (void)qn_exact_round(&back);
    }
    qn_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_once),
        cmocka_unit_test(test_agrees_with_quad),
        cmocka_unit_test(test_order_and_grouping_do_not_matter),
        cmocka_unit_test(test_variance),
        cmocka_unit_test(test_pack_round_trips_and_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
