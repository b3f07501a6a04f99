#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/learn/cholesky.h"
#include "tests/support/test.h"

static void test_solves_by_hand(void **state)
{
    (void)state;
    /* [4 2; 2 3] x = [10 8]: x = [7/4 3/2]. The upper triangle is never read. */
    double a[] = {4, 1e99, 2, 3}, x[] = {10, 8}, inverse[4];
    uint32_t column;
    assert_int_equal(qn_cholesky_factor(a, 2, 1e-10, &column), QN_OK);
    qn_cholesky_solve(a, 2, x);
    assert_true(fabs(x[0] - 1.75) < 1e-15 && fabs(x[1] - 1.5) < 1e-15);
    qn_cholesky_inverse(a, 2, inverse); /* 1/8 [3 -2; -2 4] */
    assert_true(fabs(inverse[0] - 0.375) < 1e-15 && fabs(inverse[2] + 0.25) < 1e-15);
    assert_true(fabs(inverse[3] - 0.5) < 1e-15);
}

static void test_solves_a_larger_one(void **state)
{
    (void)state;
    enum { N = 40 };
    double a[N * N], l[N * N], x[N], inverse[N * N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            a[i * N + j] = 1.0 / (1 + abs(i - j)) + (i == j ? 2 : 0);
    memcpy(l, a, sizeof a);
    for (int i = 0; i < N; i++) {
        x[i] = 0;
        for (int j = 0; j < N; j++)
            x[i] += a[i * N + j] * (j - 7);
    }
    uint32_t column;
    assert_int_equal(qn_cholesky_factor(l, N, 1e-10, &column), QN_OK);
    qn_cholesky_solve(l, N, x);
    for (int i = 0; i < N; i++)
        assert_true(fabs(x[i] - (i - 7)) < 1e-11);
    qn_cholesky_inverse(l, N, inverse);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < N; k++)
                sum += a[i * N + k] * (k >= j ? inverse[k * N + j] : inverse[j * N + k]);
            assert_true(fabs(sum - (i == j)) < 1e-12);
        }
}

static void test_names_the_aliased_column(void **state)
{
    (void)state;
    /* Gram matrix of columns u, v, u + v. */
    double a[] = {2, 0, 0, 1, 3, 0, 3, 4, 7};
    uint32_t column = 99;
    assert_int_equal(qn_cholesky_factor(a, 3, 1e-10, &column), QN_EINPUT);
    assert_int_equal(column, 2);
    double zero[] = {1, 0, 0, 0};
    assert_int_equal(qn_cholesky_factor(zero, 2, 1e-10, &column), QN_EINPUT);
    assert_int_equal(column, 1);
    double nan[] = {(double)NAN};
    assert_int_equal(qn_cholesky_factor(nan, 1, 1e-10, &column), QN_EINPUT);
    assert_int_equal(column, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_solves_by_hand),
        cmocka_unit_test(test_solves_a_larger_one),
        cmocka_unit_test(test_names_the_aliased_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
