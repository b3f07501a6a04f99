/* psi and js against sums by hand, and where a baseline's bins are cut. */
#include <math.h>

#include "base/hash.h"
#include "jobs/learn/baseline.h"
#include "jobs/learn/drift.h"
#include "tests/support/test.h"

static void assert_near(double a, double b)
{
    if (fabs(a - b) > 1e-12)
        fail_msg("%.17g is not %.17g", a, b);
}

static void psi_by_hand(void **state)
{
    (void)state;
    /* -0.1 ln 0.8 + 0.1 ln (4/3) */
    const uint64_t before[] = {50, 30, 20}, now[] = {400, 400, 200};
    assert_near(qn_drift_measure(QN_DRIFT_PSI, before, now, 3), 0.051082562376599074);
    assert_near(qn_drift_measure(QN_DRIFT_PSI, now, before, 3), 0.051082562376599074);
    /* An empty bin is half a row: shares 1 and 1/20 beside 1/2 and 1/2. 0.5 ln 2 + 0.45 ln 10 */
    const uint64_t one[] = {10, 0, 0}, two[] = {5, 5, 0};
    assert_near(qn_drift_measure(QN_DRIFT_PSI, one, two, 3), 1.3827368821276932);
    assert_near(qn_drift_measure(QN_DRIFT_PSI, one, one, 3), 0);
}

static void js_by_hand(void **state)
{
    (void)state;
    const uint64_t left[] = {7, 0}, right[] = {0, 9}, both[] = {1, 1};
    assert_near(qn_drift_measure(QN_DRIFT_JS, left, right, 2), 1);
    assert_near(qn_drift_measure(QN_DRIFT_JS, left, left, 2), 0);
    /* log2(4/3) / 2 + (log2(2/3) + log2(2)) / 4 */
    assert_near(qn_drift_measure(QN_DRIFT_JS, left, both, 2), 0.31127812445913283);
}

static void no_rows_say_nothing(void **state)
{
    (void)state;
    const uint64_t some[] = {1, 2}, none[] = {0, 0};
    for (int metric = 0; metric < QN_N_DRIFT_METRICS; metric++) {
        assert_true(isnan(qn_drift_measure((enum qn_drift_metric)metric, some, none, 2)));
        assert_true(isnan(qn_drift_measure((enum qn_drift_metric)metric, none, some, 2)));
    }
}

/* --- bins ------------------------------------------------------------------------------------- */

static void assert_edges(const double *values, uint32_t n, const double *want, uint32_t n_want)
{
    double edges[QN_BASELINE_EDGES];
    assert_int_equal(qn_baseline_cut(values, n, edges), n_want);
    for (uint32_t i = 0; i < n_want; i++)
        assert_true(edges[i] == want[i]);
}

static void few_values_are_alone(void **state)
{
    (void)state;
    const double values[] = {-1, -1, 0, 0, 0, 7}, same[] = {3, 3};
    assert_edges(values, 6, (const double[]){-1, 0, 7, nextafter(7, 8)}, 4);
    assert_edges(same, 2, (const double[]){3, nextafter(3, 4)}, 2);
    assert_edges(values, 0, NULL, 0);
}

static void many_values_go_by_tenths(void **state)
{
    (void)state;
    double values[1000];
    for (int i = 0; i < 1000; i++)
        values[i] = i;
    assert_edges(values, 1000, (const double[]){100, 200, 300, 400, 500, 600, 700, 800, 900}, 9);
    /* A value with a fifth of the rows is cut off on both sides. */
    for (int i = 250; i < 450; i++)
        values[i] = 250;
    assert_edges(values, 1000, (const double[]){100, 200, 250, 350, 500, 600, 700, 800, 900}, 9);
    for (int i = 0; i < 300; i++) /* and a tenth or more at an end from what may come there */
        values[i] = 0, values[999 - i] = 999;
    assert_edges(values, 1000,
                 (const double[]){0, 125, 250, 350, 500, 600, 999, nextafter(999, 1000)}, 8);
}

/* --- counting --------------------------------------------------------------------------------- */

enum { N = 700 };

struct table {
    double numbers[N];
    uint64_t valid[N / 64 + 1];
    uint32_t offsets[N + 1];
    char bytes[4 * N];
    struct qn_column columns[2];
};

static void make_table(struct table *table)
{
    for (uint32_t i = 0; i < N; i++) {
        uint64_t draw = qn_mix64(i);
        table->numbers[i] = (double)(draw % 997) / 7;
        if (draw >> 20 & 3)
            table->valid[i / 64] |= UINT64_C(1) << i % 64;
        int n = snprintf(table->bytes + table->offsets[i], 4, "%c", (char)('a' + draw % 5));
        table->offsets[i + 1] = table->offsets[i] + (uint32_t)n;
    }
    table->columns[0] = (struct qn_column){
        .type = {.id = QN_DOUBLE}, .f64 = table->numbers, .validity = table->valid};
    table->columns[1] = (struct qn_column){.type = {.id = QN_TEXT},
                                           .offsets = table->offsets,
                                           .bytes = table->bytes,
                                           .validity = table->valid};
}

static double edges[] = {10, 50, 51, 100};
static struct qn_strv letters[] = {{"a", 1}, {"c", 1}, {"d", 1}};
static struct qn_baseline_feature features[] = {
    {.name = "x", .edges = edges, .n = 4, .first = 0, .n_bins = 6},
    {.name = "t", .categorical = true, .categories = letters, .n = 3, .first = 6, .n_bins = 5}};
enum { N_BINS = 11 };

static void rows_are_counted_one_by_one(void **state)
{
    (void)state;
    static struct table table;
    make_table(&table);
    const struct qn_baseline baseline = {.features = features, .n_features = 2, .n_bins = N_BINS};
    const struct qn_column *columns[] = {&table.columns[0], &table.columns[1]};
    uint64_t counts[N_BINS] = {0}, want[N_BINS] = {0};
    uint32_t rows[N];
    struct qn_err err;
    for (uint32_t i = 0; i < N; i++) {
        rows[i] = i;
        bool valid = table.valid[i / 64] >> i % 64 & 1;
        double x = table.numbers[i];
        char letter = table.bytes[table.offsets[i]];
        want[!valid ? 5 : x < 10 ? 0 : x < 50 ? 1 : x < 51 ? 2 : x < 100 ? 3 : 4]++;
        want[6 + (!valid ? 4 : letter == 'a' ? 0 : letter == 'c' ? 1 : letter == 'd' ? 2 : 3)]++;
    }
    for (uint32_t at = 0, n; at < N; at += n) { /* in pieces */
        n = N - at < 333 ? N - at : 333;
        assert_ok(qn_baseline_count(&baseline, columns, rows + at, n, counts, &err), &err);
    }
    assert_memory_equal(counts, want, sizeof counts);
    columns[0] = NULL; /* a column that is gone */
    assert_ok(qn_baseline_count(&baseline, columns, rows, N, counts, &err), &err);
    assert_int_equal(counts[0], want[0]);
    assert_int_equal(counts[6], 2 * want[6]);
}

static void bytes_and_json_come_back(void **state)
{
    (void)state;
    uint64_t rows[N_BINS] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const struct qn_baseline baseline = {
        .features = features, .n_features = 2, .n_bins = N_BINS, .rows = rows};
    struct qn_baseline sum = {0}, read;
    struct qn_buf bytes;
    struct qn_arena arena;
    struct qn_err err;
    qn_arena_init(&arena);
    qn_buf_init(&bytes);
    qn_baseline_pack(&bytes, &baseline);
    for (int i = 0; i < 2; i++) {
        struct qn_unpack in = qn_unpack_from(qn_buf_strv(&bytes));
        assert_ok(qn_baseline_merge(&sum, &in, &arena, &err), &err);
        assert_ok(qn_unpack_end(&in, "a baseline", &err), &err);
    }
    for (uint64_t i = 0; i < N_BINS; i++)
        assert_int_equal(sum.rows[i], 2 * (i + 1));
    for (size_t n = 0; n < bytes.len; n++) { /* cut short anywhere */
        struct qn_unpack in = qn_unpack_from((struct qn_strv){(const char *)bytes.data, n});
        assert_ok(qn_baseline_unpack(&in, &arena, &read, &err), &err);
        assert_true(qn_unpack_end(&in, "a baseline", &err) != QN_OK);
    }
    json_t *json = qn_baseline_to_json(&baseline);
    assert_true(qn_baseline_from_json(json, &arena, &read));
    struct qn_buf again;
    qn_buf_init(&again);
    qn_baseline_pack(&again, &read);
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.data, bytes.data, bytes.len);
    json_array_remove(json_object_get(json_array_get(json, 1), "rows"), 0);
    assert_false(qn_baseline_from_json(json, &arena, &read));
    json_decref(json);
    qn_buf_fini(&again);
    qn_buf_fini(&bytes);
    qn_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(psi_by_hand),
        cmocka_unit_test(js_by_hand),
        cmocka_unit_test(no_rows_say_nothing),
        cmocka_unit_test(few_values_are_alone),
        cmocka_unit_test(many_values_go_by_tenths),
        cmocka_unit_test(rows_are_counted_one_by_one),
        cmocka_unit_test(bytes_and_json_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
