/* Samples, dictionaries, the fitted preparation and the design it makes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/design.h"
#include "jobs/learn/dict.h"
#include "jobs/learn/fit.h"
#include "jobs/learn/sample.h"
#include "tests/support/test.h"

static double median_of(struct qn_sample *sample)
{
    struct qn_err err = {0};
    double median;
    assert_ok(qn_sample_median(sample, &median, &err), &err);
    return median;
}

static void samples_do_not_depend_on_order(void **state)
{
    (void)state;
    enum { ROWS = 5000, K = 300 };
    struct qn_err err = {0};
    double want = 0;
    for (uint64_t trial = 0; trial < 6; trial++) {
        struct qn_sample total, part;
        struct qn_buf bytes;
        qn_sample_init(&total, K);
        qn_sample_init(&part, K);
        qn_buf_init(&bytes);
        for (uint64_t i = 0; i < ROWS; i++) {
            uint64_t row = trial ? (i * 2003 + trial) % ROWS : i; /* another order each time */
            assert_ok(qn_sample_add(&part, qn_mix64(row / 2), (double)(row * row % 977), &err),
                      &err);
            if (i % (400 + 90 * trial) == 0 || i + 1 == ROWS) {
                qn_buf_clear(&bytes);
                qn_sample_pack(&bytes, &part);
                struct qn_unpack in = qn_unpack_from(qn_buf_strv(&bytes));
                assert_ok(qn_sample_merge(&total, &in, &err), &err);
                assert_ok(qn_unpack_end(&in, "sample", &err), &err);
                qn_sample_fini(&part);
            }
        }
        double median = median_of(&total);
        assert_int_equal(total.n, K);
        assert_true(trial == 0 || median == want);
        want = median;
        qn_sample_fini(&total);
        qn_buf_fini(&bytes);
    }
    assert_true(fabs(want - 488) < 80); /* of values spread over 0..976 */
}

static void medians_are_exact_below_k(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_sample sample;
    qn_sample_init(&sample, 100);
    assert_true(isnan(median_of(&sample)));
    const double values[] = {5, -1, 3, 100};
    for (uint64_t i = 0; i < 4; i++)
        assert_ok(qn_sample_add(&sample, i, values[i], &err), &err);
    assert_true(median_of(&sample) == 4);
    assert_ok(qn_sample_add(&sample, 9, 3.5, &err), &err);
    assert_true(median_of(&sample) == 3.5);
    qn_sample_fini(&sample);
}

static void dictionaries_count_and_merge(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_dict dict, other;
    struct qn_buf bytes;
    uint32_t at;
    qn_dict_init(&dict);
    qn_dict_init(&other);
    qn_buf_init(&bytes);
    assert_int_equal(qn_dict_find(&dict, QN_STRV_LIT("a")), QN_DICT_NONE);
    assert_null(qn_dict_top(&dict));
    for (int i = 0; i < 1000; i++) {
        char text[8];
        int n = snprintf(text, sizeof text, "%d", i % 250);
        assert_ok(qn_dict_add(&dict, (struct qn_strv){text, (size_t)n}, 250, &at, &err), &err);
        dict.entries[at].rows[i & 1]++;
    }
    assert_int_equal(dict.n, 250);
    assert_int_equal(qn_dict_add(&dict, QN_STRV_LIT("new"), 250, &at, &err), QN_ELIMIT);
    assert_true(qn_strv_is(qn_dict_top(&dict)->text, "0"));
    qn_dict_pack(&bytes, &dict);
    for (int twice = 0; twice < 2; twice++) {
        struct qn_unpack in = qn_unpack_from(qn_buf_strv(&bytes));
        assert_ok(qn_dict_merge(&other, &in, 250, &err), &err);
        assert_ok(qn_unpack_end(&in, "dict", &err), &err);
    }
    qn_dict_sort(&other);
    assert_true(qn_strv_is(other.entries[1].text, "1") && qn_strv_is(other.entries[2].text, "10"));
    at = qn_dict_find(&other, QN_STRV_LIT("77"));
    assert_int_equal(other.entries[at].rows[1], 8);
    qn_buf_fini(&bytes);
    qn_dict_fini(&dict);
    qn_dict_fini(&other);
}

/* --- the preparation ------------------------------------------------------------------------- */

enum { ROWS = 7 };
static double amounts[ROWS] = {1, 2, 3, 4, 10, 0, 0};
static uint64_t amount_valid = 0x1f; /* the last two are missing */
static int64_t constants[ROWS] = {500, 500, 500, 500, 500, 500, 500};
static char plan_bytes[] = "bacbcb";
static uint32_t plan_offsets[ROWS + 1] = {0, 1, 2, 3, 4, 5, 6, 6};
static uint64_t plan_valid = 0x3f;
static const uint32_t rows[ROWS] = {0, 1, 2, 3, 4, 5, 6};
static const uint8_t labels[ROWS] = {0, 1, 0, 1, 0, 1, 0};
static const uint64_t hashes[ROWS] = {11, 22, 33, 44, 55, 66, 77};

static const struct qn_prepare_feature features[] = {
    {"plan", {.id = QN_TEXT}, true},
    {"amount", {.id = QN_DOUBLE}, false},
    {"price", {.id = QN_DECIMAL, .precision = 10, .scale = 2}, false},
};
static struct qn_column columns[3];
static const struct qn_column *const by_feature[] = {&columns[0], &columns[1], &columns[2]};

static void make_columns(void)
{
    columns[0] = (struct qn_column){.type = features[0].type,
                                    .bytes = plan_bytes,
                                    .offsets = plan_offsets,
                                    .validity = &plan_valid};
    columns[1] =
        (struct qn_column){.type = features[1].type, .f64 = amounts, .validity = &amount_valid};
    columns[2] = (struct qn_column){.type = features[2].type, .i64 = constants};
}

/* Fits in parts of `step` rows that go through their bytes. */
static void prepare(const struct qn_prepare_plan *plan, uint32_t step, struct qn_prepared *out,
                    uint32_t *n_notes)
{
    struct qn_err err = {0};
    struct qn_fit *total, *part;
    struct qn_buf bytes;
    struct qn_fit_note *notes;
    make_columns();
    qn_buf_init(&bytes);
    assert_ok(qn_fit_new(plan, &total, &err), &err);
    for (uint32_t at = 0; at < ROWS; at += step) {
        uint32_t n = ROWS - at < step ? ROWS - at : step;
        assert_ok(qn_fit_new(plan, &part, &err), &err);
        assert_ok(qn_fit_add(part, by_feature, rows + at, n, labels + at, hashes + at, &err), &err);
        for (uint32_t next = 0; next < plan->n_features;) { /* a piece a feature */
            qn_buf_clear(&bytes);
            qn_fit_pack(&bytes, part, &next, 1);
            assert_ok(qn_fit_merge(total, qn_buf_strv(&bytes), &err), &err);
            assert_int_equal(qn_fit_is_whole(total), next == plan->n_features);
        }
        qn_fit_free(part);
    }
    qn_prepared_init(out);
    assert_ok(qn_fit_finish(total, out, &err), &err);
    bool constant[ROWS];
    for (uint32_t f = 0; f < out->n_features; f++)
        constant[f] = out->features[f].constant;
    assert_ok(qn_fit_notes(total, constant, &out->arena, &notes, n_notes, &err), &err);
    qn_fit_free(total);
    qn_buf_fini(&bytes);
}

static void fills_and_scales(void **state)
{
    (void)state;
    static const struct {
        enum qn_fill_rule rule;
        double fill, mean, variance;
    } cases[] = {
        {QN_FILL_MEAN, 4, 4, 50.0 / 7},          /* 1 2 3 4 10 4 4 */
        {QN_FILL_MEDIAN, 3, 26.0 / 7, 0},        /* 1 2 3 4 10 3 3 */
        {QN_FILL_MOST_FREQUENT, 1, 22.0 / 7, 0}, /* all are: the smallest */
        {QN_FILL_CONSTANT, -2.5, 15.0 / 7, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct qn_prepared prepared, again;
        uint32_t n_notes;
        const struct qn_prepare_plan plan = {.features = features,
                                             .n_features = 3,
                                             .numeric_impute = cases[i].rule,
                                             .numeric_fill = -2.5,
                                             .categorical_impute = QN_FILL_MOST_FREQUENT,
                                             .standardise = true};
        prepare(&plan, 100, &prepared, &n_notes);
        const struct qn_prepared_feature *amount = &prepared.features[1];
        assert_int_equal(amount->missing, 2);
        assert_true(amount->fill == cases[i].fill && amount->mean == cases[i].mean);
        if (cases[i].variance > 0)
            assert_true(fabs(amount->scale * amount->scale - cases[i].variance) < 1e-14);
        assert_true(prepared.features[2].constant && prepared.features[2].scale == 1);
        assert_true(prepared.features[2].mean == 5);
        assert_int_equal(n_notes, 1);
        assert_int_equal(prepared.n_columns, 6);
        /* however the rows are cut */
        struct qn_buf a, b;
        qn_buf_init(&a);
        qn_buf_init(&b);
        qn_prepared_pack(&a, &prepared);
        for (uint32_t step = 1; step < 4; step++) {
            prepare(&plan, step, &again, &n_notes);
            qn_buf_clear(&b);
            qn_prepared_pack(&b, &again);
            assert_true(qn_strv_eq(qn_buf_strv(&a), qn_buf_strv(&b)));
            qn_prepared_fini(&again);
        }
        qn_buf_fini(&a);
        qn_buf_fini(&b);
        qn_prepared_fini(&prepared);
    }
}

static void designs_hold_the_encoded_rows(void **state)
{
    (void)state;
    struct qn_err err = {0};
    for (int drop = 0; drop < 2; drop++) {
        struct qn_prepared prepared;
        struct qn_encoder encoder;
        struct qn_design design;
        struct qn_buf name;
        uint32_t n_notes;
        const struct qn_prepare_plan plan = {.features = features,
                                             .n_features = 3,
                                             .numeric_impute = QN_FILL_MEAN,
                                             .categorical_impute = QN_FILL_CONSTANT,
                                             .categorical_fill = "aa",
                                             .drop_first = drop};
        prepare(&plan, 2, &prepared, &n_notes);
        /* columns: intercept, amount, price, then a | aa | b | c */
        assert_int_equal(prepared.n_columns, 7 - drop);
        qn_buf_init(&name);
        qn_prepared_column_name(&prepared, 3, &name);
        assert_true(qn_strv_is(qn_buf_strv(&name), drop ? "plan=aa" : "plan=a"));
        qn_buf_fini(&name);
        assert_ok(qn_encoder_init(&encoder, &prepared, &err), &err);
        design = qn_design_of(prepared.n_dense, prepared.n_categorical, prepared.n_columns);
        const uint32_t picked[] = {6, 1, 0};
        assert_ok(qn_encoder_append(&encoder, by_feature, picked, 3, labels, &design, &err), &err);
        const double want[3][3] = {{1, 4, 5}, {1, 2, 5}, {1, 1, 5}};
        for (uint32_t row = 0; row < 3; row++)
            for (uint32_t j = 0; j < 3; j++)
                assert_true(*qn_design_at(&design, row, j) == want[row][j]);
        const uint16_t *codes = qn_design_codes(&design, 0);
        assert_int_equal(codes[0], drop ? 3 : 4); /* missing: aa */
        assert_int_equal(codes[1], drop ? QN_CODE_NONE : 3);
        assert_int_equal(codes[2], drop ? 4 : 5);
        qn_design_fini(&design);
        qn_encoder_fini(&encoder);
        qn_prepared_fini(&prepared);
    }
}

static void unknown_categories_can_be_refused(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_prepared prepared;
    struct qn_encoder encoder;
    struct qn_design design;
    uint32_t n_notes;
    const struct qn_prepare_plan plan = {.features = features,
                                         .n_features = 1,
                                         .categorical_impute = QN_FILL_MOST_FREQUENT,
                                         .refuse_unknown = true};
    prepare(&plan, 2, &prepared, &n_notes);
    assert_ok(qn_encoder_init(&encoder, &prepared, &err), &err);
    design = qn_design_of(prepared.n_dense, prepared.n_categorical, prepared.n_columns);
    plan_bytes[1] = 'x';
    qn_code code = qn_encoder_append(&encoder, by_feature, rows, 3, NULL, &design, &err);
    plan_bytes[1] = 'a';
    assert_int_equal(code, QN_EINPUT);
    assert_non_null(strstr(err.message, "column 'plan' holds 'x'"));
    qn_design_fini(&design);
    qn_encoder_fini(&encoder);
    qn_prepared_fini(&prepared);
}

static void too_wide_is_named(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_prepared prepared;
    qn_prepared_init(&prepared);
    struct qn_prepared_feature wide[] = {
        {.name = "a", .scale = 1},
        {.name = "city", .categorical = true, .n_categories = 2500},
    };
    prepared.features = wide;
    prepared.n_features = 2;
    assert_int_equal(qn_prepared_lay_out(&prepared, &err), QN_ELIMIT);
    assert_non_null(strstr(err.message, "'city'"));
    qn_prepared_fini(&prepared);
}

static void packed_preparations_are_checked(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_prepared prepared, back;
    struct qn_buf bytes;
    uint32_t n_notes;
    const struct qn_prepare_plan plan = {.features = features, .n_features = 3};
    prepare(&plan, 3, &prepared, &n_notes);
    qn_buf_init(&bytes);
    qn_prepared_pack(&bytes, &prepared);
    for (size_t cut = 0; cut <= bytes.len; cut++) {
        qn_prepared_init(&back);
        qn_code code = qn_prepared_unpack((struct qn_strv){(char *)bytes.data, cut}, &back, &err);
        assert_int_equal(code, cut == bytes.len ? QN_OK : QN_EWIRE);
        qn_prepared_fini(&back);
    }
    for (uint64_t trial = 0; trial < 3000; trial++) {
        size_t at = qn_mix64(trial) % bytes.len;
        uint8_t keep = bytes.data[at];
        bytes.data[at] = (uint8_t)qn_mix64(trial + 5);
        qn_prepared_init(&back);
        qn_code code = qn_prepared_unpack(qn_buf_strv(&bytes), &back, &err);
        assert_true(code != QN_OK || qn_prepared_is_sound(&back));
        qn_prepared_fini(&back);
        bytes.data[at] = keep;
    }
    qn_buf_fini(&bytes);
    qn_prepared_fini(&prepared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_do_not_depend_on_order),
        cmocka_unit_test(medians_are_exact_below_k),
        cmocka_unit_test(dictionaries_count_and_merge),
        cmocka_unit_test(fills_and_scales),
        cmocka_unit_test(designs_hold_the_encoded_rows),
        cmocka_unit_test(unknown_categories_can_be_refused),
        cmocka_unit_test(too_wide_is_named),
        cmocka_unit_test(packed_preparations_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
