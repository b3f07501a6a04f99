#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/logistic.h"
#include "jobs/learn/math.h"
#include "tests/support/test.h"

enum { MAX_ROWS = 64 };

/* A design made by hand: two numeric columns and one categorical feature of three columns. */
struct fixture {
    double dense[MAX_ROWS * 3];
    uint16_t codes[MAX_ROWS];
    uint8_t labels[MAX_ROWS], sides[MAX_ROWS];
    struct qn_design design;
};

static void add_row(struct fixture *fixture, double a, double b, uint16_t code, uint8_t label)
{
    struct qn_design *design = &fixture->design;
    uint32_t row = design->n_rows++;
    const double x[] = {1, a, b};
    memcpy(design->dense + (size_t)row * design->n_dense, x, design->n_dense * sizeof *x);
    fixture->codes[row] = code;
    fixture->labels[row] = label;
}

static void start(struct fixture *fixture, uint32_t n_dense, uint32_t n_codes)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->design = (struct qn_design){.n_dense = n_dense,
                                         .n_codes = n_codes,
                                         .n_columns = n_dense + 3 * n_codes,
                                         .dense = fixture->dense,
                                         .codes = fixture->codes,
                                         .labels = fixture->labels,
                                         .sides = fixture->sides};
}

/* Rounds until the end; the state goes through its bytes each time, as between processes. */
static qn_code fit(const struct fixture *fixture, const struct qn_logistic_params *params,
                   struct qn_logistic_state *state, enum qn_logistic_trouble *trouble,
                   uint32_t *column)
{
    struct qn_err err = {0};
    uint32_t n = fixture->design.n_columns;
    assert_ok(qn_logistic_state_init(state, n, &err), &err);
    for (;;) {
        struct qn_logistic_sums sums;
        struct qn_buf bytes;
        assert_ok(qn_logistic_sums_init(&sums, n, &err), &err);
        qn_logistic_add(&sums, &fixture->design, state->at);
        qn_code code = qn_logistic_step(state, &sums, params, NULL, trouble, column, &err);
        qn_logistic_sums_fini(&sums);
        if (code != QN_OK || state->converged)
            return code;
        qn_buf_init(&bytes);
        qn_logistic_state_pack(&bytes, state);
        assert_ok(qn_logistic_state_unpack(qn_buf_strv(&bytes), n, state, &err), &err);
        qn_buf_fini(&bytes);
    }
}

static const struct qn_logistic_params plain = {.l2 = 0, .tol = 1e-10, .max_iter = 100};

static void the_intercept_is_the_log_odds(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_logistic_state fitted;
    enum qn_logistic_trouble trouble;
    uint32_t column;
    start(&fixture, 1, 0);
    for (int i = 0; i < 7; i++)
        add_row(&fixture, 0, 0, 0, i < 2);
    assert_int_equal(fit(&fixture, &plain, &fitted, &trouble, &column), QN_OK);
    assert_true(fabs(fitted.at[0] - log(2.0 / 5.0)) < 1e-12);
    /* variance 1 / (n p (1 - p)) */
    assert_true(fabs(fitted.covariance[0] - 7.0 / 10.0) < 1e-12);
    qn_logistic_state_fini(&fitted);
}

static void a_two_by_two_table_gives_its_odds_ratio(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_logistic_state fitted;
    enum qn_logistic_trouble trouble;
    uint32_t column;
    start(&fixture, 2, 0);
    for (int i = 0; i < 10; i++)
        add_row(&fixture, 0, 0, 0, i < 3); /* 3 of 10 */
    for (int i = 0; i < 12; i++)
        add_row(&fixture, 1, 0, 0, i < 8); /* 8 of 12 */
    assert_int_equal(fit(&fixture, &plain, &fitted, &trouble, &column), QN_OK);
    assert_true(fabs(fitted.at[1] - log((8.0 / 4.0) / (3.0 / 7.0))) < 1e-12);
    /* Woolf: 1/3 + 1/7 + 1/8 + 1/4 */
    assert_true(fabs(fitted.covariance[3] - (1.0 / 3 + 1.0 / 7 + 1.0 / 8 + 1.0 / 4)) < 1e-11);
    qn_logistic_state_fini(&fitted);
}

static void the_gradient_vanishes_at_the_solution(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_logistic_state fitted;
    enum qn_logistic_trouble trouble;
    uint32_t column;
    struct qn_err err = {0};
    const struct qn_logistic_params ridge = {.l2 = 0.7, .tol = 1e-10, .max_iter = 100};
    start(&fixture, 3, 1);
    for (uint32_t i = 0; i < MAX_ROWS - 3; i++) { /* a number of rows that 4 does not divide */
        double a = (double)(qn_mix64(i) % 100) / 20, b = (double)(qn_mix64(i + 500) % 100) / 50;
        uint16_t code = qn_mix64(i + 9) % 5 ? (uint16_t)(3 + qn_mix64(i + 9) % 3) : QN_CODE_NONE;
        add_row(&fixture, a, b, code, (double)(qn_mix64(i + 70) % 4) + a > 3);
    }
    assert_int_equal(fit(&fixture, &ridge, &fitted, &trouble, &column), QN_OK);
    /* Gradient and objective by definition, with the whole matrix written out. */
    double gradient[6] = {0}, objective = 0;
    for (uint32_t row = 0; row < fixture.design.n_rows; row++) {
        double x[6] = {1, fixture.dense[row * 3 + 1], fixture.dense[row * 3 + 2]}, eta = 0;
        if (fixture.codes[row] != QN_CODE_NONE)
            x[fixture.codes[row]] = 1;
        for (int j = 0; j < 6; j++)
            eta += x[j] * fitted.at[j];
        double p = 1 / (1 + exp(-eta));
        for (int j = 0; j < 6; j++)
            gradient[j] += (p - fixture.labels[row]) * x[j];
        objective -= fixture.labels[row] ? log(p) : log(1 - p);
    }
    for (int j = 0; j < 6; j++) {
        gradient[j] += j ? 0.7 * fitted.at[j] : 0;
        objective += j ? 0.35 * fitted.at[j] * fitted.at[j] : 0;
        assert_true(fabs(gradient[j]) < 1e-8);
    }
    assert_true(fabs(objective - fitted.objective) < 1e-10);
    /* Parts in any cut add up to the same numbers, but for rounding. */
    struct qn_logistic_sums whole, parts;
    struct qn_buf bytes;
    qn_buf_init(&bytes);
    assert_ok(qn_logistic_sums_init(&whole, 6, &err), &err);
    assert_ok(qn_logistic_sums_init(&parts, 6, &err), &err);
    qn_logistic_add(&whole, &fixture.design, fitted.at);
    for (uint32_t at = 0; at < fixture.design.n_rows; at += 7) {
        struct qn_design part = fixture.design;
        struct qn_logistic_sums some;
        part.n_rows = fixture.design.n_rows - at < 7 ? fixture.design.n_rows - at : 7;
        part.dense += (size_t)at * 3;
        part.codes += at;
        part.labels += at;
        assert_ok(qn_logistic_sums_init(&some, 6, &err), &err);
        qn_logistic_add(&some, &part, fitted.at);
        qn_buf_clear(&bytes);
        qn_logistic_sums_pack(&bytes, &some);
        assert_ok(qn_logistic_sums_merge(&parts, qn_buf_strv(&bytes), &err), &err);
        qn_logistic_sums_fini(&some);
    }
    assert_int_equal(parts.rows, whole.rows);
    assert_true(fabs(parts.loss - whole.loss) < 1e-12);
    for (int i = 0; i < 6; i++)
        for (int j = 0; j <= i; j++)
            assert_true(fabs(parts.hessian[i * 6 + j] - whole.hessian[i * 6 + j]) < 1e-11);
    bytes.len--;
    assert_int_equal(qn_logistic_sums_merge(&parts, qn_buf_strv(&bytes), &err), QN_EWIRE);
    qn_buf_fini(&bytes);
    qn_logistic_sums_fini(&whole);
    qn_logistic_sums_fini(&parts);
    qn_logistic_state_fini(&fitted);
}

static void trouble_is_told_apart(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_logistic_state fitted;
    enum qn_logistic_trouble trouble;
    uint32_t column;
    start(&fixture, 3, 0); /* the third column is twice the second */
    for (int i = 0; i < 20; i++)
        add_row(&fixture, i % 5, 2 * (i % 5), 0, i % 3 == 0);
    assert_int_equal(fit(&fixture, &plain, &fitted, &trouble, &column), QN_EINPUT);
    assert_int_equal(trouble, QN_LOGISTIC_ALIASED);
    assert_int_equal(column, 2);
    qn_logistic_state_fini(&fitted);
    start(&fixture, 3, 0); /* the second column separates */
    for (int i = 0; i < 20; i++)
        add_row(&fixture, i - 9.5, (i * 7) % 5, 0, i > 9);
    assert_int_equal(fit(&fixture, &plain, &fitted, &trouble, &column), QN_EINPUT);
    assert_int_equal(trouble, QN_LOGISTIC_SEPARATED);
    assert_int_equal(column, 1);
    qn_logistic_state_fini(&fitted);
    start(&fixture, 3, 0); /* in part: where the third column is 1, all are positive */
    for (int i = 0; i < 20; i++)
        add_row(&fixture, i % 4, i % 5 == 0, 0, i % 5 == 0 || i % 2);
    assert_int_equal(fit(&fixture, &plain, &fitted, &trouble, &column), QN_EINPUT);
    assert_int_equal(trouble, QN_LOGISTIC_SEPARATED);
    assert_int_equal(column, 2);
    qn_logistic_state_fini(&fitted);
    const struct qn_logistic_params hasty = {.l2 = 1, .tol = 1e-10, .max_iter = 2};
    assert_int_equal(fit(&fixture, &hasty, &fitted, &trouble, &column), QN_EINPUT);
    assert_int_equal(trouble, QN_LOGISTIC_NOT_CONVERGED);
    qn_logistic_state_fini(&fitted);
}

/* A wild start: full Newton steps would overshoot, halving brings them back. */
static void steps_are_halved(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_logistic_state search;
    struct qn_err err = {0};
    const struct qn_logistic_params ridge = {.l2 = 1e-3, .tol = 1e-10, .max_iter = 1000};
    start(&fixture, 2, 0);
    for (int i = 0; i < 30; i++)
        add_row(&fixture, i - 15, 0, 0, (i > 15) ^ (i % 7 == 0));
    assert_ok(qn_logistic_state_init(&search, 2, &err), &err);
    search.at[1] = -3;
    bool halved = false;
    while (!search.converged) {
        struct qn_logistic_sums sums;
        enum qn_logistic_trouble trouble;
        uint32_t column;
        assert_ok(qn_logistic_sums_init(&sums, 2, &err), &err);
        qn_logistic_add(&sums, &fixture.design, search.at);
        assert_ok(qn_logistic_step(&search, &sums, &ridge, NULL, &trouble, &column, &err), &err);
        halved |= search.fraction < 1;
        qn_logistic_sums_fini(&sums);
    }
    assert_true(halved);
    struct qn_logistic_state usual;
    enum qn_logistic_trouble trouble;
    uint32_t column;
    assert_int_equal(fit(&fixture, &ridge, &usual, &trouble, &column), QN_OK);
    assert_true(fabs(usual.at[1] - search.at[1]) < 1e-8);
    qn_logistic_state_fini(&usual);
    qn_logistic_state_fini(&search);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_intercept_is_the_log_odds),
        cmocka_unit_test(a_two_by_two_table_gives_its_odds_ratio),
        cmocka_unit_test(the_gradient_vanishes_at_the_solution),
        cmocka_unit_test(trouble_is_told_apart),
        cmocka_unit_test(steps_are_halved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
