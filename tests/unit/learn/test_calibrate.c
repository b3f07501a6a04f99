/* Calibration: pooling by its definition, Platt's two numbers at their optimum, model files. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/calibrate.h"
#include "jobs/learn/math.h"
#include "tests/support/arena.h"
#include "tests/support/test.h"

enum { N = 600 };

static double uniform(uint64_t row, uint64_t what)
{
    return ((double)(qn_mix64(row * 1009 + what) >> 11) + 0.5) * 0x1p-53;
}

/* A model that is too sure of itself: its scores are the truth's, stretched. */
static void make_scores(struct qn_scores *scores, double stretch, double shift, bool backwards)
{
    struct qn_err err;
    qn_scores_init(scores);
    for (uint64_t i = 0; i < N; i++) {
        uint64_t row = backwards ? N - 1 - i : i;
        double margin = 6 * uniform(row, 1) - 3;
        bool positive = uniform(row, 2) < qn_expit(margin);
        double score = qn_expit(floor(20 * (stretch * margin + shift)) / 20); /* some ties */
        assert_ok(qn_scores_add(scores, score, positive, &err), &err);
    }
}

static struct qn_calibration fit(enum qn_calibration_method method, struct qn_scores *scores)
{
    struct qn_calibration out;
    struct qn_err err;
    assert_ok(qn_calibration_fit(method, scores, &arena, &out, &err), &err);
    assert_int_equal(out.rows, N);
    return out;
}

/* The loss that Platt's method minimises. */
static double platt_loss(const struct qn_scores *scores, double positives, double a, double b)
{
    double loss = 0, high = (positives + 1) / (positives + 2), low = 1 / (N - positives + 2);
    for (uint64_t i = 0; i < scores->n; i++) {
        double p = qn_scores_score(scores, i), q = qn_expit(a * log(p / (1 - p)) + b);
        double t = qn_scores_label(scores, i) ? high : low;
        loss -= t * log(q) + (1 - t) * log(1 - q);
    }
    return loss;
}

static void platt_is_at_its_optimum(void **state)
{
    (void)state;
    struct qn_scores scores;
    make_scores(&scores, 2.5, 0.8, false);
    struct qn_calibration c = fit(QN_CALIBRATE_PLATT, &scores);
    double p = (double)c.positives, least = platt_loss(&scores, p, c.slope, c.intercept);
    for (int i = 0; i < 8; i++) {
        double step = i < 4 ? 1e-3 : 1e-1, angle = i * 1.5707963267948966;
        assert_true(platt_loss(&scores, p, c.slope + step * cos(angle),
                               c.intercept + step * sin(angle)) > least);
    }
    assert_true(fabs(c.slope - 1 / 2.5) < 0.08); /* undoes the stretch, but for noise */
    assert_true(qn_calibration_apply(&c, 0.9) < 0.9);
    qn_scores_fini(&scores);
}

/* The largest mean of rows that end at i among the least of rows that begin before: the min-max
 * form of isotonic regression. */
static double min_max(const struct qn_scores *scores, uint64_t at)
{
    double best = -1;
    for (uint64_t from = 0; from <= at; from++) {
        double least = 2, positives = 0;
        if (from > 0 && qn_scores_score(scores, from) == qn_scores_score(scores, from - 1))
            continue;
        for (uint64_t to = from; to < scores->n; to++) {
            positives += qn_scores_label(scores, to);
            bool ends = to + 1 == scores->n ||
                        qn_scores_score(scores, to + 1) != qn_scores_score(scores, to);
            double mean = positives / (double)(to - from + 1);
            if (to >= at && ends && mean < least)
                least = mean;
        }
        best = least > best ? least : best;
    }
    return best;
}

static void isotonic_is_its_definition(void **state)
{
    (void)state;
    struct qn_scores scores;
    make_scores(&scores, 2.5, 0.8, false);
    struct qn_calibration c = fit(QN_CALIBRATE_ISOTONIC, &scores);
    for (uint64_t i = 0; i < scores.n; i += 7)
        assert_true(fabs(qn_calibration_apply(&c, qn_scores_score(&scores, i)) -
                         min_max(&scores, i)) < 1e-15);
    assert_true(qn_calibration_apply(&c, 0) == c.values[0]);
    assert_true(qn_calibration_apply(&c, 1) == c.values[c.n - 1]);
    double before = -1;
    for (int i = 0; i <= 1000; i++) {
        double value = qn_calibration_apply(&c, i / 1000.0);
        assert_true(value >= before && value >= 0 && value <= 1);
        before = value;
    }
    qn_scores_fini(&scores);
}

static char *dump(const struct qn_calibration *c)
{
    json_t *json = qn_calibration_to_json(c);
    char *text = json_dumps(json, JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    json_decref(json);
    assert_non_null(text);
    return text;
}

static void order_changes_nothing_and_files_round_trip(void **state)
{
    (void)state;
    for (int m = QN_CALIBRATE_NOT; m <= QN_CALIBRATE_ISOTONIC; m++) {
        struct qn_scores forth, back;
        struct qn_calibration a = {0}, b = {0}, read;
        make_scores(&forth, 0.5, -1, false);
        make_scores(&back, 0.5, -1, true);
        if (m != QN_CALIBRATE_NOT) {
            a = fit((enum qn_calibration_method)m, &forth);
            b = fit((enum qn_calibration_method)m, &back);
        }
        char *first = dump(&a), *second = dump(&b);
        assert_string_equal(first, second);
        json_t *json = json_loads(first, JSON_DECODE_ANY, NULL);
        assert_true(qn_calibration_from_json(json, &arena, &read));
        for (int i = 0; i <= 100; i++)
            assert_true(qn_calibration_apply(&read, i / 100.0) ==
                        qn_calibration_apply(&a, i / 100.0));
        json_decref(json);
        free(first);
        free(second);
        qn_scores_fini(&forth);
        qn_scores_fini(&back);
    }
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"method\":\"platt\"}",
        "{\"method\":\"platt\",\"slope\":1,\"intercept\":\"0\"}",
        "{\"method\":\"isotonic\",\"scores\":[],\"values\":[]}",
        "{\"method\":\"isotonic\",\"scores\":[0,1],\"values\":[0]}",
        "{\"method\":\"isotonic\",\"scores\":[1,0],\"values\":[0,1]}",
        "{\"method\":\"isotonic\",\"scores\":[0,1],\"values\":[1,0]}",
        "{\"method\":\"isotonic\",\"scores\":[0,1],\"values\":[0,1.5]}",
        "{\"method\":\"isotonic\",\"scores\":[0,\"1\"],\"values\":[0,1]}",
        "{\"method\":\"magic\",\"scores\":[0,1],\"values\":[0,1]}",
    };
    struct qn_calibration out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *json = json_loads(bad[i], 0, NULL);
        assert_non_null(json);
        if (qn_calibration_from_json(json, &arena, &out))
            fail_msg("taken: %s", bad[i]);
        json_decref(json);
    }
    struct qn_scores scores;
    struct qn_err err;
    qn_scores_init(&scores);
    for (int i = 0; i < 5; i++)
        assert_ok(qn_scores_add(&scores, 0.5, i == 0, &err), &err);
    assert_int_equal(qn_calibration_fit(QN_CALIBRATE_PLATT, &scores, &arena, &out, &err),
                     QN_EINPUT);
    assert_non_null(strstr(err.message, "two rows of each class"));
    qn_scores_fini(&scores);
}

/* Scores that tell the classes apart, and scores that say nothing. */
static void extremes_end(void **state)
{
    (void)state;
    for (int same = 0; same < 2; same++) {
        struct qn_scores scores;
        struct qn_err err;
        struct qn_calibration c;
        qn_scores_init(&scores);
        for (int i = 0; i < 40; i++)
            assert_ok(qn_scores_add(&scores, same ? 0.3 : i / 39.0, i >= 20, &err), &err);
        assert_ok(qn_calibration_fit(QN_CALIBRATE_PLATT, &scores, &arena, &c, &err), &err);
        assert_true(isfinite(c.slope) && isfinite(c.intercept));
        double low = qn_calibration_apply(&c, 0.3), high = qn_calibration_apply(&c, 0.9);
        assert_true(same ? fabs(low - 0.5) < 1e-6 : low < 0.5 && high > 0.5);
        assert_ok(qn_calibration_fit(QN_CALIBRATE_ISOTONIC, &scores, &arena, &c, &err), &err);
        assert_true(qn_calibration_apply(&c, 0.3) == (same ? 0.5 : 0));
        qn_scores_fini(&scores);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platt_is_at_its_optimum),
        cmocka_unit_test(isotonic_is_its_definition),
        cmocka_unit_test(order_changes_nothing_and_files_round_trip),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(extremes_end),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
