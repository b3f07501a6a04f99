/* Bins and points against counting row by row, and thresholds by cost and budget. */
#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "jobs/learn/curves.h"
#include "jobs/learn/threshold.h"
#include "tests/support/test.h"

enum { N = 1000 };

static struct qn_scores scores;
static uint64_t positives;

static int setup(void **state)
{
    struct qn_err err;
    (void)state;
    qn_scores_init(&scores);
    for (uint64_t i = 0; i < N; i++) {
        uint64_t draw = qn_mix64(i);
        double score = (double)(draw % 211) / 210; /* ties */
        bool positive = (draw >> 32) % 210 < draw % 211 / 2;
        positives += positive;
        if (qn_scores_add(&scores, score, positive, &err) != QN_OK)
            return -1;
    }
    return qn_scores_sort(&scores, &err) == QN_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    qn_scores_fini(&scores);
    return 0;
}

/* Rows and positives with low <= score < high (<= 1 in the last bin). */
static void count(double low, double high, uint64_t *rows, uint64_t *hits, double *sum)
{
    *rows = *hits = 0;
    *sum = 0;
    for (uint64_t i = 0; i < N; i++) {
        double score = qn_scores_score(&scores, i);
        if (score < low || (score >= high && !(high == 1 && score == 1)))
            continue;
        (*rows)++;
        *hits += qn_scores_label(&scores, i);
        *sum += score;
    }
}

static void bins_of_equal_width(void **state)
{
    (void)state;
    for (int kind = QN_BINS_WIDTH; kind <= QN_BINS_HISTOGRAM; kind += QN_BINS_HISTOGRAM) {
        struct qn_bin bins[QN_MOST_BINS];
        uint32_t n = qn_bins_of(&scores, (enum qn_bin_kind)kind, bins);
        assert_int_equal(n, kind == QN_BINS_WIDTH ? 10 : 50);
        for (uint32_t b = 0; b < n; b++) {
            uint64_t rows, hits, above_rows, above;
            double sum, rest;
            count(bins[b].low, bins[b].high, &rows, &hits, &sum);
            count(bins[b].low, 2, &above_rows, &above, &rest);
            assert_int_equal(bins[b].number, b + 1);
            assert_int_equal(bins[b].rows, rows);
            assert_int_equal(bins[b].positives, hits);
            assert_true(fabs(bins[b].mean_score - sum / (double)rows) < 1e-12);
            assert_true(fabs(bins[b].gain - (double)above / (double)positives) < 1e-12);
            assert_true(fabs(bins[b].lift - (double)hits / (double)rows * N / (double)positives) <
                        1e-12);
        }
    }
}

static void tenths_from_the_top(void **state)
{
    (void)state;
    struct qn_bin bins[QN_MOST_BINS];
    uint32_t n = qn_bins_of(&scores, QN_BINS_DECILE, bins);
    uint64_t rows = 0, hits = 0;
    assert_int_equal(n, 10);
    for (uint32_t b = 0; b < n; b++) {
        assert_int_equal(bins[b].number, b + 1);
        assert_in_range(bins[b].rows, 90, 110); /* ties move borders a little */
        assert_true(b == 0 || bins[b].high < bins[b - 1].low);
        rows += bins[b].rows;
        hits += bins[b].positives;
        assert_true(fabs(bins[b].gain - (double)hits / (double)positives) < 1e-12);
    }
    assert_true(rows == N && hits == positives && bins[9].gain == 1);
}

static void points_are_true(void **state)
{
    (void)state;
    struct qn_curve_point points[QN_MOST_POINTS];
    uint32_t n = qn_curve_of(&scores, points);
    assert_in_range(n, 90, QN_MOST_POINTS);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t rows, hits;
        double sum;
        count(points[i].threshold, 2, &rows, &hits, &sum);
        assert_int_equal(points[i].true_positives, hits);
        assert_int_equal(points[i].false_positives, rows - hits);
        assert_true(i == 0 || points[i].threshold < points[i - 1].threshold);
    }
    assert_int_equal(points[n - 1].true_positives, positives);
    assert_int_equal(points[n - 1].false_positives, N - positives);
}

static void many_scores_keep_to_their_room(void **state)
{
    (void)state;
    struct qn_scores many;
    struct qn_err err;
    struct qn_curve_point points[QN_MOST_POINTS];
    struct qn_bin bins[QN_MOST_BINS];
    qn_scores_init(&many);
    for (uint64_t i = 0; i < 5000; i++)
        assert_ok(qn_scores_add(&many, (double)i / 5000, qn_mix64(i) % 3 == 0, &err), &err);
    assert_int_equal(qn_bins_of(&many, QN_BINS_DECILE, bins), 10);
    for (int b = 0; b < 10; b++)
        assert_int_equal(bins[b].rows, 500);
    assert_true(qn_curve_of(&many, points) <= QN_MOST_POINTS);
    qn_scores_fini(&many);
    assert_int_equal(qn_curve_of(&many, points), 0); /* no rows */
    assert_int_equal(qn_bins_of(&many, QN_BINS_WIDTH, bins), 0);
}

static void the_least_cost_is_found(void **state)
{
    (void)state;
    const double costs[][2] = {{1, 1}, {1, 5}, {5, 1}, {1, 0}, {0, 1}};
    for (size_t c = 0; c < sizeof costs / sizeof costs[0]; c++) {
        struct qn_threshold_plan plan = {QN_THRESHOLD_COST, costs[c][0], costs[c][1], 0, 0};
        struct qn_threshold_result best, other;
        double threshold = qn_threshold_choose(&plan, &scores, N);
        qn_threshold_try(&plan, &scores, threshold, &best);
        for (int i = 0; i <= 211; i++) {
            qn_threshold_try(&plan, &scores, i == 211 ? QN_THRESHOLD_NOBODY : i / 210.0, &other);
            assert_true(best.cost <= other.cost);
            assert_true(best.cost < other.cost || other.threshold <= best.threshold);
        }
    }
}

static void a_budget_is_kept(void **state)
{
    (void)state;
    struct qn_threshold_result result;
    for (int percent = 1; percent < 100; percent += 7) {
        struct qn_threshold_plan plan = {QN_THRESHOLD_BUDGET, 0, 0, percent / 100.0, 0};
        double threshold = qn_threshold_choose(&plan, &scores, N);
        qn_threshold_try(&plan, &scores, threshold, &result);
        assert_true(result.share <= plan.share && isnan(result.cost));
        qn_threshold_try(&plan, &scores, threshold - 1.5 / 210, &result);
        assert_true(result.share > plan.share); /* one score more is too many */
        plan = (struct qn_threshold_plan){QN_THRESHOLD_BUDGET, 0, 0, 0, (uint64_t)percent * 20};
        assert_true(qn_threshold_choose(&plan, &scores, 2000) == threshold);
    }
    struct qn_threshold_plan plan = {QN_THRESHOLD_BUDGET, 0, 0, 1e-9, 0};
    assert_true(qn_threshold_choose(&plan, &scores, N) == QN_THRESHOLD_NOBODY);
    plan.rows = 1 << 20;
    qn_threshold_try(&plan, &scores, qn_threshold_choose(&plan, &scores, N), &result);
    assert_true(result.share == 1 && result.recall == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bins_of_equal_width),     cmocka_unit_test(tenths_from_the_top),
        cmocka_unit_test(points_are_true),         cmocka_unit_test(many_scores_keep_to_their_room),
        cmocka_unit_test(the_least_cost_is_found), cmocka_unit_test(a_budget_is_kept),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
