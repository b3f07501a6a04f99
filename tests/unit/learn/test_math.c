#include <math.h>

#include "jobs/learn/math.h"
#include "tests/support/test.h"

/* A fixed stream of doubles in [low, high]. */
static uint64_t stream = 1;
static double next_in(double low, double high)
{
    stream = stream * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return low + (high - low) * (double)(stream >> 11) * 0x1p-53;
}

static double ulps(double got, long double want)
{
    double nearest = (double)want;
    double gap = nextafter(fabs(nearest), HUGE_VAL) - fabs(nearest);
    return (double)(fabsl((long double)got - want) / (long double)gap);
}

static void worst(const char *name, double (*f)(double), long double (*want)(long double),
                  double low, double high, double allowed)
{
    double most = 0, at = 0;
    for (int i = 0; i < 400000; i++) {
        double x = next_in(low, high), u = ulps(f(x), want((long double)x));
        if (u > most)
            most = u, at = x;
    }
    if (most > allowed)
        fail_msg("%s: %.3f ulp at %a", name, most, at);
}

static long double expit_want(long double x)
{
    return 1.0L / (1.0L + expl(-x));
}

static void test_within_two_ulp(void **state)
{
    (void)state;
    worst("exp", qn_exp, expl, -700, 700, 1.0);
    worst("exp near 0", qn_exp, expl, -1, 1, 1.0);
    worst("log", qn_ln, logl, 1e-300, 1e300, 1.0);
    worst("log near 1", qn_ln, logl, 0.4, 2.5, 1.0);
    worst("log1p", qn_log1p, log1pl, -0.999, 10, 1.5);
    worst("log1p small", qn_log1p, log1pl, -1e-5, 1e-5, 1.0);
    worst("log1p unit", qn_log1p, log1pl, 0, 1, 1.5);
    worst("expit", qn_expit, expit_want, -40, 40, 2.0);
}

static void test_log_over_all_exponents(void **state)
{
    (void)state;
    for (int e = -1074; e < 1024; e++)
        for (int i = 0; i < 20; i++) {
            double x = ldexp(next_in(1, 2), e);
            if (x > 0 && x < HUGE_VAL)
                assert_true(ulps(qn_ln(x), logl((long double)x)) <= 1.0);
        }
}

static void test_edges(void **state)
{
    (void)state;
    assert_true(qn_exp(0) == 1 && qn_ln(1) == 0 && qn_log1p(0) == 0 && qn_expit(0) == 0.5);
    assert_true(qn_exp(1000) == HUGE_VAL && qn_exp(-1000) == 0);
    assert_true(qn_exp(HUGE_VAL) == HUGE_VAL && qn_exp(-HUGE_VAL) == 0);
    assert_true(qn_ln(0) == -HUGE_VAL && isnan(qn_ln(-1)) && qn_ln(HUGE_VAL) == HUGE_VAL);
    assert_true(isnan(qn_exp((double)NAN)) && isnan(qn_ln((double)NAN)) &&
                isnan(qn_log1p((double)NAN)));
    assert_true(isnan(qn_expit((double)NAN)) && isnan(qn_erfc((double)NAN)));
    assert_true(qn_log1p(-1) == -HUGE_VAL && isnan(qn_log1p(-2)));
    assert_true(qn_expit(1000) == 1 && qn_expit(-1000) == 0);
    assert_true(qn_exp(-745.0) > 0 && ulps(qn_exp(-720), expl(-720)) <= 1);
    assert_true(ulps(qn_exp(709.7), expl(709.7L)) <= 2000); /* the decimal is not the double */
    assert_true(qn_exp(709.7) < HUGE_VAL);
}

static void test_erfc(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        double x = next_in(-6, 26);
        long double want = erfcl((long double)x);
        if (fabsl(((long double)qn_erfc(x) - want) / want) > 2e-13L)
            fail_msg("erfc(%a): %.20g, want %.20Lg", x, qn_erfc(x), want);
    }
    assert_true(fabs(qn_normal_p_value(1.959963984540054) - 0.05) < 1e-14);
    assert_true(fabs(qn_normal_p_value(-1.959963984540054) - 0.05) < 1e-14);
    assert_true(qn_normal_p_value(0) == 1);
}

/* The same bits everywhere: a digest of many values, taken once. */
static void test_bits_are_fixed(void **state)
{
    (void)state;
    uint64_t digest = 0, bits;
    for (int i = -2000; i <= 2000; i++) {
        double x = i * 0.0137;
        double all[] = {qn_exp(x), qn_ln(fabs(x) + 1e-3), qn_log1p(fabs(x)), qn_expit(x),
                        qn_erfc(x)};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
            memcpy(&bits, &all[k], sizeof bits);
            digest = (digest ^ bits) * UINT64_C(0x9e3779b97f4a7c15);
            digest ^= digest >> 29;
        }
    }
    assert_int_equal(digest, UINT64_C(0x7c099863693966ee));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_within_two_ulp), cmocka_unit_test(test_log_over_all_exponents),
        cmocka_unit_test(test_edges),          cmocka_unit_test(test_erfc),
        cmocka_unit_test(test_bits_are_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
