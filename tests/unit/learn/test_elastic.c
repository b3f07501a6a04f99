/* The elastic step holds to its conditions, also where columns are combinations of others. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/elastic.h"
#include "tests/support/test.h"

enum { GROUPS = 4, OF_GROUP = 6, N = 1 + GROUPS * OF_GROUP, ROWS = 3000 };

static double draw(uint64_t what)
{
    return (double)(qn_mix64(what) >> 11) * 0x1p-53;
}

/* The intercept, and every category of several features: in each group they add up to it. */
static void make(double *hessian, double *gradient, double ridge)
{
    memset(hessian, 0, N * N * sizeof *hessian);
    memset(gradient, 0, N * sizeof *gradient);
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t set[1 + GROUPS] = {0};
        double weight = 0.05 + 0.2 * draw(row + 1);
        for (uint32_t g = 0; g < GROUPS; g++)
            set[1 + g] = 1 + g * OF_GROUP + (uint32_t)(draw(row * 7 + g + 100) * OF_GROUP);
        for (uint32_t i = 0; i <= GROUPS; i++) {
            gradient[set[i]] += draw(row + 5000) - 0.3 - 0.05 * (set[1] % 3);
            for (uint32_t j = 0; j <= i; j++)
                hessian[set[i] * N + set[j]] += weight;
        }
    }
    for (uint32_t j = 1; j < N; j++)
        hessian[j * N + j] += ridge;
}

static double slope_at(const struct qn_elastic *problem, const double *at, uint32_t j)
{
    double slope = problem->gradient[j];
    for (uint32_t k = 0; k < N; k++) {
        uint32_t row = j > k ? j : k, column = j > k ? k : j;
        slope += problem->hessian[row * N + column] * (at[k] - problem->from[k]);
    }
    return slope;
}

/* Returns how many coefficients the penalty holds at 0. */
static uint32_t check(double ridge, double l1)
{
    static double hessian[N * N], gradient[N], from[N], to[N];
    struct qn_err err = {0};
    uint32_t n_zero = 0;
    make(hessian, gradient, ridge);
    for (uint32_t j = 0; j < N; j++)
        from[j] = draw(j + 9) - 0.5;
    const struct qn_elastic problem = {.n = N,
                                       .hessian = hessian,
                                       .gradient = gradient,
                                       .from = from,
                                       .l1 = l1,
                                       .tolerance = 1e-11};
    assert_ok(qn_elastic_solve(&problem, to, &err), &err);
    for (uint32_t j = 0; j < N; j++) {
        double slope = slope_at(&problem, to, j), sign = to[j] > 0 ? 1 : -1;
        if (j == 0)
            assert_true(fabs(slope) < 1e-7);
        else if (to[j] != 0)
            assert_true(fabs(slope + l1 * sign) < 1e-7);
        else
            assert_true(fabs(slope) <= l1 + 1e-7);
        n_zero += to[j] == 0;
    }
    return n_zero;
}

static void conditions_hold(void **state)
{
    (void)state;
    static const double ridges[] = {1, 1e-2, 1e-5, 0};
    uint32_t zeros = 0;
    for (int i = 0; i < 4; i++)
        zeros += check(ridges[i], 0.1) + check(ridges[i], 3) + check(ridges[i], 20);
    assert_in_range(zeros, 1, 4 * 3 * (N - 1) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(conditions_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
