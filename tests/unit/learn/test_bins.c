/* Bins: that they merge, that bounds stand where they must, and that bytes come out as codes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/bins.h"
#include "tests/support/test.h"

enum { ROWS = 3000 };

static double numbers[ROWS];
static int64_t counts[ROWS];
static uint64_t valid[ROWS / 64 + 1];
static char texts[ROWS];
static uint32_t offsets[ROWS + 1], all[ROWS];
static uint8_t labels[ROWS];
static uint64_t hashes[ROWS];

static const struct qn_prepare_feature features[] = {
    {"spend", {.id = QN_DOUBLE}, false},
    {"visits", {.id = QN_INT64}, false},
    {"plan", {.id = QN_TEXT}, true},
};
static const struct qn_prepare_plan plan = {
    .features = features, .n_features = 3, .numeric_impute = QN_FILL_MEDIAN, .only_samples = true};
static struct qn_column columns[3];
static const struct qn_column *const by_feature[] = {&columns[0], &columns[1], &columns[2]};

static int make_rows(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t draw = qn_mix64(i + 1);
        numbers[i] = i % 5 == 0 ? 7.25 : (double)(draw % 100000) / 7; /* one value in five rows */
        counts[i] = (int64_t)(qn_mix64(draw) % 6);
        texts[i] = (char)('a' + qn_mix64(draw + 9) % 4);
        labels[i] = draw % 3 == 0;
        hashes[i] = qn_mix64(i + 1000000);
        offsets[i + 1] = i + 1;
        all[i] = i;
        if (i % 11)
            valid[i / 64] |= UINT64_C(1) << (i % 64);
    }
    columns[0] = (struct qn_column){.type = features[0].type, .f64 = numbers, .validity = valid};
    columns[1] = (struct qn_column){.type = features[1].type, .i64 = counts};
    columns[2] = (struct qn_column){
        .type = features[2].type, .bytes = texts, .offsets = offsets, .validity = valid};
    return 0;
}

/* Bins of rows gathered in parts of `step`, the last part first where `backwards`. */
static void fit(uint32_t step, bool backwards, uint32_t max_bins, struct qn_buf *out)
{
    struct qn_err err = {0};
    struct qn_fit *total;
    struct qn_bins bins;
    const struct qn_bin_params params = {.max_bins = max_bins, .min_data_in_bin = 3};
    uint32_t n_parts = (ROWS + step - 1) / step;
    assert_ok(qn_fit_new(&plan, &total, &err), &err);
    for (uint32_t p = 0; p < n_parts; p++) {
        uint32_t at = (backwards ? n_parts - 1 - p : p) * step;
        uint32_t n = ROWS - at < step ? ROWS - at : step;
        struct qn_fit *part;
        struct qn_buf bytes;
        qn_buf_init(&bytes);
        assert_ok(qn_fit_new(&plan, &part, &err), &err);
        assert_ok(qn_fit_add(part, by_feature, all + at, n, labels + at, hashes + at, &err), &err);
        uint32_t next = 0;
        qn_fit_pack(&bytes, part, &next, SIZE_MAX);
        assert_ok(qn_fit_merge(total, qn_buf_strv(&bytes), &err), &err);
        qn_fit_free(part);
        qn_buf_fini(&bytes);
    }
    qn_bins_init(&bins);
    assert_ok(qn_bins_fit(total, &params, &bins, &err), &err);
    qn_buf_clear(out);
    qn_bins_pack(out, &bins);
    qn_bins_fini(&bins);
    qn_fit_free(total);
}

static void parts_and_their_order_do_not_show(void **state)
{
    (void)state;
    struct qn_buf whole, parts;
    qn_buf_init(&whole);
    qn_buf_init(&parts);
    fit(ROWS, false, 63, &whole);
    for (uint32_t step = 100; step < 2000; step = step * 2 + 7)
        for (int backwards = 0; backwards < 2; backwards++) {
            fit(step, backwards, 63, &parts);
            assert_true(qn_strv_eq(qn_buf_strv(&whole), qn_buf_strv(&parts)));
        }
    qn_buf_fini(&whole);
    qn_buf_fini(&parts);
}

static void codes_say_where_values_lie(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_buf packed;
    struct qn_bins bins;
    struct qn_binner binner;
    uint8_t *bytes = malloc((size_t)ROWS * 3);
    qn_buf_init(&packed);
    qn_bins_init(&bins);
    fit(500, false, 100, &packed);
    assert_ok(qn_bins_unpack(qn_buf_strv(&packed), &bins, &err), &err);
    assert_int_equal(bins.rows[0] + bins.rows[1], ROWS);
    assert_int_equal(bins.features[0].n_codes, 101);
    assert_int_equal(bins.features[1].n_codes, 7);
    assert_int_equal(bins.features[2].n_codes, 5);
    assert_int_equal(bins.n_columns, 2); /* visits and plan share one */
    assert_ok(qn_binner_init(&binner, &bins, &err), &err);
    assert_ok(qn_binner_take(&binner, by_feature, all, ROWS, bytes, &err), &err);
    for (uint32_t i = 0; i < ROWS; i++) {
        const uint8_t *row = bytes + (size_t)i * bins.n_columns;
        uint32_t codes[3];
        for (uint32_t f = 0; f < 3; f++)
            codes[f] = qn_bin_code(&bins.features[f], row);
        const double *bounds = bins.features[0].bounds;
        bool missing = i % 11 == 0;
        assert_true((codes[0] == 0) == missing);
        if (!missing && codes[0] < 100)
            assert_true(numbers[i] <= bounds[codes[0] - 1]);
        if (!missing && codes[0] > 1)
            assert_true(numbers[i] > bounds[codes[0] - 2]);
        assert_int_equal(codes[1], counts[i] + 1);
        if (missing)
            assert_int_equal(codes[2], 0);
        else
            assert_true(bins.features[2].categories[codes[2] - 1].data[0] == texts[i]);
    }
    free(bytes);
    qn_binner_fini(&binner);
    qn_bins_fini(&bins);
    qn_buf_fini(&packed);
}

static void bounds_are_floats_between_values(void **state)
{
    (void)state;
    for (uint64_t trial = 0; trial < 300; trial++) {
        double values[400], bounds[255];
        uint32_t rows[400], n = 2 + (uint32_t)(qn_mix64(trial) % 398), total = 0, most = 0;
        struct qn_bin_params params = {.max_bins = 2 + (uint32_t)(qn_mix64(trial + 1) % 254),
                                       .min_data_in_bin = 1 + (uint32_t)(trial % 4)};
        double step = trial % 3 == 0 ? 1e-9 : trial % 3 == 1 ? 0.37 : 1e6;
        for (uint32_t i = 0; i < n; i++) {
            uint64_t draw = qn_mix64(trial * 1000 + i);
            values[i] = (i ? values[i - 1] : -50 * step) + step * (double)(1 + draw % 9);
            rows[i] = 1 + (uint32_t)(draw >> 32) % (draw % 7 ? 3 : 200);
            total += rows[i];
            most = rows[i] > most ? rows[i] : most;
        }
        uint32_t made = qn_bin_bounds(values, rows, n, &params, bounds);
        assert_true(made < params.max_bins);
        for (uint32_t b = 0, i = 0; b < made; b++) {
            uint32_t held = 0;
            assert_true((double)(float)bounds[b] == bounds[b]);
            assert_true(b == 0 || bounds[b] > bounds[b - 1]);
            for (; i < n && values[i] <= bounds[b]; i++)
                held += rows[i];
            assert_true(held >= params.min_data_in_bin && i < n);
        }
        if (n <= params.max_bins && params.min_data_in_bin == 1)
            assert_int_equal(made, n - 1);
        (void)total;
    }
}

/* A value with more than its share of rows is alone in its range. */
static void heavy_values_stand_alone(void **state)
{
    (void)state;
    double values[1000], bounds[255];
    uint32_t rows[1000];
    const struct qn_bin_params params = {.max_bins = 50, .min_data_in_bin = 1};
    for (uint32_t i = 0; i < 1000; i++) {
        values[i] = i;
        rows[i] = i == 400 || i == 777 ? 500 : 1;
    }
    uint32_t made = qn_bin_bounds(values, rows, 1000, &params, bounds), found = 0;
    for (uint32_t b = 0; b + 1 < made; b++)
        found +=
            (bounds[b] > 399 && bounds[b] < 400 && bounds[b + 1] > 400 && bounds[b + 1] < 401) ||
            (bounds[b] > 776 && bounds[b] < 777 && bounds[b + 1] > 777 && bounds[b + 1] < 778);
    assert_int_equal(found, 2);
    assert_true(made > 40);
}

static void damaged_bins_are_refused(void **state)
{
    (void)state;
    struct qn_buf packed;
    qn_buf_init(&packed);
    fit(500, false, 20, &packed);
    for (size_t len = 0; len < packed.len; len += 3) {
        struct qn_err err = {0};
        struct qn_bins bins;
        qn_bins_init(&bins);
        struct qn_strv cut = {(const char *)packed.data, len};
        assert_int_not_equal(qn_bins_unpack(cut, &bins, &err), QN_OK);
        qn_bins_fini(&bins);
    }
    for (size_t at = 0; at < packed.len; at++) { /* whatever comes of it, it is sound */
        struct qn_err err = {0};
        struct qn_bins bins;
        packed.data[at] ^= 0x41;
        qn_bins_init(&bins);
        if (qn_bins_unpack(qn_buf_strv(&packed), &bins, &err) == QN_OK)
            assert_true(qn_bins_are_sound(&bins));
        qn_bins_fini(&bins);
        packed.data[at] ^= 0x41;
    }
    qn_buf_fini(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_and_their_order_do_not_show),
        cmocka_unit_test(codes_say_where_values_lie),
        cmocka_unit_test(bounds_are_floats_between_values),
        cmocka_unit_test(heavy_values_stand_alone),
        cmocka_unit_test(damaged_bins_are_refused),
    };
    return cmocka_run_group_tests(tests, make_rows, NULL);
}
