#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/simd.h"
#include "jobs/learn/logistic.h"
#include "jobs/learn/math.h"
#include "tests/support/test.h"

enum { MAX_ROWS = 2 * QN_DESIGN_BLOCK };

/* A design made by hand: two numeric columns and one categorical feature of three columns. */
struct fixture {
    double dense[MAX_ROWS * 3];
    uint16_t codes[MAX_ROWS];
    uint8_t labels[MAX_ROWS];
    struct qn_design_block blocks[MAX_ROWS / QN_DESIGN_BLOCK];
    struct qn_design design;
};

static void add_row(struct fixture *fixture, double a, double b, uint16_t code, uint8_t label)
{
    struct qn_design *design = &fixture->design;
    uint32_t row = design->n_rows++;
    const double x[] = {1, a, b};
    for (uint32_t j = 0; j < design->n_dense; j++)
        *qn_design_at(design, row, j) = x[j];
    fixture->codes[row] = code;
    fixture->labels[row] = label;
}

static void start(struct fixture *fixture, uint32_t n_dense, uint32_t n_codes)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->design = qn_design_of(n_dense, n_codes, n_dense + 3 * n_codes);
    fixture->design.blocks = fixture->blocks;
    for (uint32_t b = 0; b < MAX_ROWS / QN_DESIGN_BLOCK; b++) {
        uint32_t first = b * QN_DESIGN_BLOCK;
        fixture->blocks[b] = (struct qn_design_block){.dense = fixture->dense + first * n_dense,
                                                      .codes = fixture->codes + first * n_codes,
                                                      .labels = fixture->labels + first};
    }
}

static void begin(const struct fixture *fixture, const struct qn_logistic_params *params,
                  struct qn_logistic_state *state)
{
    struct qn_err err = {0};
    uint64_t rows[2] = {0, 0};
    for (uint32_t i = 0; i < fixture->design.n_rows; i++)
        rows[fixture->labels[i]]++;
    assert_ok(qn_logistic_state_init(state, fixture->design.n_columns, rows, params, &err), &err);
}

static qn_code go_on(const struct fixture *fixture, const struct qn_logistic_params *params,
                     struct qn_logistic_state *state, enum qn_logistic_trouble *trouble,
                     uint32_t *column)
{
    struct qn_err err = {0};
    struct qn_logistic_sums sums;
    const struct qn_logistic_want want = qn_logistic_wants(state);
    const struct qn_logistic_round round = {.sums = &sums};
    assert_ok(qn_logistic_sums_init(&sums, state->n, want.hessian, &err), &err);
    qn_logistic_add(&sums, &fixture->design, state->at, &want);
    qn_code code = qn_logistic_step(state, &round, params, trouble, column, &err);
    qn_logistic_sums_fini(&sums);
    return code;
}

/* Rounds until the end; the state goes through its bytes each time, as between processes. */
static qn_code fit(const struct fixture *fixture, const struct qn_logistic_params *params,
                   struct qn_logistic_state *state, enum qn_logistic_trouble *trouble,
                   uint32_t *column)
{
    struct qn_err err = {0};
    uint32_t n = fixture->design.n_columns;
    begin(fixture, params, state);
    for (;;) {
        struct qn_buf bytes;
        qn_code code = go_on(fixture, params, state, trouble, column);
        if (code != QN_OK || state->phase == QN_LOGISTIC_DONE)
            return code;
        qn_buf_init(&bytes);
        qn_logistic_state_pack(&bytes, state);
        assert_ok(qn_logistic_state_unpack(qn_buf_strv(&bytes), n, state, &err), &err);
        qn_buf_fini(&bytes);
    }
}

/* Two numeric columns and a category that tell something of the label, and noise. */
static void draw(struct fixture *fixture, uint32_t rows)
{
    start(fixture, 3, 1);
    for (uint32_t i = 0; i < rows; i++) {
        double a = (double)(qn_mix64(i) % 1000) / 500 - 1;
        double b = (double)(qn_mix64(i + 5000) % 1000) / 500 - 1;
        uint16_t code = (uint16_t)(3 + qn_mix64(i + 90000) % 3);
        double score = 1.5 * a + (code == 4 ? 0.7 : 0) - 0.4;
        add_row(fixture, a, b, code,
                (double)(qn_mix64(i + 700000) % 1000) / 1000 < 1 / (1 + exp(-score)));
    }
}

static const struct qn_logistic_params plain = {
    .tol = 1e-10, .max_iter = 100, .positive_weight = 1};

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
    const struct qn_logistic_params ridge = {
        .l2 = 0.7, .tol = 1e-10, .max_iter = 100, .positive_weight = 1};
    start(&fixture, 3, 1);
    for (uint32_t i = 0; i < MAX_ROWS - 3; i++) { /* the last block is not full */
        double a = (double)(qn_mix64(i) % 100) / 20, b = (double)(qn_mix64(i + 500) % 100) / 50;
        uint16_t code = qn_mix64(i + 9) % 5 ? (uint16_t)(3 + qn_mix64(i + 9) % 3) : QN_CODE_NONE;
        add_row(&fixture, a, b, code, (double)(qn_mix64(i + 70) % 4) + a > 3);
    }
    assert_int_equal(fit(&fixture, &ridge, &fitted, &trouble, &column), QN_OK);
    /* Gradient and objective by definition, with the whole matrix written out. */
    double gradient[6] = {0}, objective = 0;
    for (uint32_t row = 0; row < fixture.design.n_rows; row++) {
        double x[6] = {1, *qn_design_at(&fixture.design, row, 1),
                       *qn_design_at(&fixture.design, row, 2)},
               eta = 0;
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
    qn_logistic_state_fini(&fitted);
}

/* Blocks apart add up to the same numbers, but for rounding. */
static void parts_add_up(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_err err = {0};
    const double point[6] = {0.1, -0.4, 0.3, 0, 0.2, -0.1};
    draw(&fixture, MAX_ROWS - 3);
    const struct qn_logistic_want want = {.hessian = true, .class_weights = {1, 1}};
    struct qn_logistic_sums whole, parts;
    struct qn_buf bytes;
    qn_buf_init(&bytes);
    assert_ok(qn_logistic_sums_init(&whole, 6, true, &err), &err);
    assert_ok(qn_logistic_sums_init(&parts, 6, true, &err), &err);
    qn_logistic_add(&whole, &fixture.design, point, &want);
    for (uint32_t at = 0; at < fixture.design.n_rows; at += QN_DESIGN_BLOCK) {
        struct qn_design part = fixture.design;
        struct qn_logistic_sums some;
        uint32_t left = fixture.design.n_rows - at;
        part.n_rows = left < QN_DESIGN_BLOCK ? left : QN_DESIGN_BLOCK;
        part.blocks += at / QN_DESIGN_BLOCK;
        assert_ok(qn_logistic_sums_init(&some, 6, true, &err), &err);
        qn_logistic_add(&some, &part, point, &want);
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
    const struct qn_logistic_params hasty = {
        .l2 = 1, .tol = 1e-10, .max_iter = 2, .positive_weight = 1};
    assert_int_equal(fit(&fixture, &hasty, &fitted, &trouble, &column), QN_EINPUT);
    assert_int_equal(trouble, QN_LOGISTIC_NOT_CONVERGED);
    qn_logistic_state_fini(&fitted);
}

/* Coefficients are large for other reasons, too: small units, columns nearly alike. */
static void large_coefficients_are_no_trouble(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_logistic_state fitted;
    enum qn_logistic_trouble trouble;
    uint32_t column;
    start(&fixture, 3, 0);
    for (int i = 0; i < 40; i++)
        add_row(&fixture, (i % 9) * 1e-5, 1e-3 * (i % 7), 0, (i % 9 > 4) ^ (i % 5 == 0));
    assert_int_equal(fit(&fixture, &plain, &fitted, &trouble, &column), QN_OK);
    assert_true(fabs(fitted.at[1]) > 1e4);
    qn_logistic_state_fini(&fitted);
    start(&fixture, 3, 0);
    for (int i = 0; i < 40; i++)
        add_row(&fixture, i % 9, i % 9 + 1e-4 * (i % 7), 0, (i % 7 > 3) ^ (i % 5 == 0));
    assert_int_equal(fit(&fixture, &plain, &fitted, &trouble, &column), QN_OK);
    assert_true(fabs(fitted.at[1]) > 50);
    qn_logistic_state_fini(&fitted);
}

/* A wild start: full Newton steps would overshoot, halving brings them back. */
static void steps_are_halved(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_logistic_state search;
    struct qn_err err = {0};
    const struct qn_logistic_params ridge = {
        .l2 = 1e-3, .tol = 1e-10, .max_iter = 1000, .positive_weight = 1};
    start(&fixture, 2, 0);
    for (int i = 0; i < 30; i++)
        add_row(&fixture, i - 15, 0, 0, (i > 15) ^ (i % 7 == 0));
    begin(&fixture, &ridge, &search);
    search.at[1] = -3;
    bool halved = false;
    while (search.phase != QN_LOGISTIC_DONE) {
        enum qn_logistic_trouble trouble;
        uint32_t column;
        assert_ok(go_on(&fixture, &ridge, &search, &trouble, &column), &err);
        halved |= search.fraction < 1;
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

/* Where the penalty holds a column, the slope of the rest is at most l1; elsewhere it is l1. */
static void the_absolute_penalty_meets_its_conditions(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_logistic_state fitted;
    struct qn_logistic_sums sums;
    enum qn_logistic_trouble trouble;
    uint32_t column, held = 0;
    struct qn_err err = {0};
    const struct qn_logistic_params elastic = {
        .l1 = 6, .l2 = 0.5, .tol = 1e-10, .max_iter = 100, .positive_weight = 1};
    draw(&fixture, 200);
    assert_int_equal(fit(&fixture, &elastic, &fitted, &trouble, &column), QN_OK);
    const struct qn_logistic_want want = {.class_weights = {1, 1}};
    assert_ok(qn_logistic_sums_init(&sums, 6, false, &err), &err);
    qn_logistic_add(&sums, &fixture.design, fitted.at, &want);
    assert_true(fabs(sums.gradient[0]) < 1e-7);
    for (int j = 1; j < 6; j++) {
        double slope = sums.gradient[j] + 0.5 * fitted.at[j];
        held += fitted.at[j] == 0;
        if (fitted.at[j] == 0)
            assert_true(fabs(slope) <= 6 + 1e-7);
        else
            assert_true(fabs(slope + (fitted.at[j] > 0 ? 6 : -6)) < 1e-7);
    }
    assert_in_range(held, 1, 4);
    assert_false(fitted.has_covariance);
    qn_logistic_sums_fini(&sums);
    qn_logistic_state_fini(&fitted);
}

/* A row of weight 3 counts as three rows; balanced classes weigh alike. */
static void weights_are_rows_more(void **state)
{
    (void)state;
    struct fixture once, thrice;
    struct qn_logistic_state weighted, repeated, balanced;
    enum qn_logistic_trouble trouble;
    uint32_t column;
    struct qn_logistic_params heavy = {
        .l2 = 1, .tol = 1e-10, .max_iter = 100, .positive_weight = 3};
    struct qn_logistic_params usual = heavy;
    usual.positive_weight = 1;
    draw(&once, 80);
    start(&thrice, 3, 1);
    for (uint32_t i = 0; i < once.design.n_rows; i++)
        for (int k = 0; k < (once.labels[i] ? 3 : 1); k++)
            add_row(&thrice, *qn_design_at(&once.design, i, 1), *qn_design_at(&once.design, i, 2),
                    once.codes[i], once.labels[i]);
    assert_int_equal(fit(&once, &heavy, &weighted, &trouble, &column), QN_OK);
    assert_int_equal(fit(&thrice, &usual, &repeated, &trouble, &column), QN_OK);
    for (int j = 0; j < 6; j++)
        assert_true(fabs(weighted.at[j] - repeated.at[j]) < 1e-9);
    usual.balanced = true;
    assert_int_equal(fit(&once, &usual, &balanced, &trouble, &column), QN_OK);
    uint32_t positives = 0;
    for (uint32_t i = 0; i < once.design.n_rows; i++)
        positives += once.labels[i];
    assert_true(balanced.class_weights[1] == 80 / (2.0 * positives));
    assert_true(balanced.class_weights[0] == 80 / (2.0 * (80 - positives)));
    qn_logistic_state_fini(&weighted);
    qn_logistic_state_fini(&repeated);
    qn_logistic_state_fini(&balanced);
}

/* Every start ends at the same place. */
static void phases_lead_to_one_solution(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_logistic_state direct, started;
    enum qn_logistic_trouble trouble;
    uint32_t column;
    const struct qn_logistic_params ridge = {
        .l2 = 1, .tol = 1e-10, .max_iter = 200, .positive_weight = 1};
    draw(&fixture, 250);
    assert_int_equal(fit(&fixture, &ridge, &direct, &trouble, &column), QN_OK);
    assert_int_equal(direct.phase, QN_LOGISTIC_DONE);
    for (int phase = QN_LOGISTIC_SAMPLE; phase <= QN_LOGISTIC_DESCEND; phase++) {
        uint32_t in_phase = 0;
        begin(&fixture, &ridge, &started);
        started.phase = (enum qn_logistic_phase)phase;
        while (started.phase != QN_LOGISTIC_DONE) {
            in_phase += started.phase == (enum qn_logistic_phase)phase;
            assert_int_equal(go_on(&fixture, &ridge, &started, &trouble, &column), QN_OK);
        }
        assert_true(in_phase > 2);
        assert_true(started.rounds - in_phase < direct.rounds);
        for (int j = 0; j < 6; j++)
            assert_true(fabs(started.at[j] - direct.at[j]) < 1e-9);
        qn_logistic_state_fini(&started);
    }
    qn_logistic_state_fini(&direct);
}

/* The vectors of every processor give the same bits. */
static void instructions_do_not_matter(void **state)
{
    (void)state;
    struct fixture fixture;
    struct qn_logistic_state plain_one, fast;
    struct qn_buf a, b;
    enum qn_logistic_trouble trouble;
    uint32_t column;
    const struct qn_logistic_params ridge = {
        .l2 = 1, .tol = 1e-10, .max_iter = 200, .positive_weight = 1};
    qn_buf_init(&a);
    qn_buf_init(&b);
    draw(&fixture, 250);
    (void)qn_simd_limit(QN_SIMD_SCALAR);
    assert_int_equal(fit(&fixture, &ridge, &plain_one, &trouble, &column), QN_OK);
    (void)qn_simd_limit(QN_SIMD_AVX512);
    assert_int_equal(fit(&fixture, &ridge, &fast, &trouble, &column), QN_OK);
    qn_logistic_state_pack(&a, &plain_one);
    qn_logistic_state_pack(&b, &fast);
    assert_int_equal(qn_strv_cmp(qn_buf_strv(&a), qn_buf_strv(&b)), 0);
    qn_buf_fini(&a);
    qn_buf_fini(&b);
    qn_logistic_state_fini(&plain_one);
    qn_logistic_state_fini(&fast);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_intercept_is_the_log_odds),
        cmocka_unit_test(a_two_by_two_table_gives_its_odds_ratio),
        cmocka_unit_test(the_gradient_vanishes_at_the_solution),
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(trouble_is_told_apart),
        cmocka_unit_test(large_coefficients_are_no_trouble),
        cmocka_unit_test(steps_are_halved),
        cmocka_unit_test(the_absolute_penalty_meets_its_conditions),
        cmocka_unit_test(weights_are_rows_more),
        cmocka_unit_test(phases_lead_to_one_solution),
        cmocka_unit_test(instructions_do_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
