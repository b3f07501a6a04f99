/* Two models on the same rows: DeLong against its definition, how often noise wins, what order
 * changes (nothing). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/math.h"
#include "jobs/learn/metrics.h"
#include "jobs/learn/paired.h"
#include "tests/support/test.h"

static double uniform(uint64_t seed, uint64_t row, uint64_t what)
{
    return ((double)(qn_mix64(qn_mix64(seed * 1000003 + row) + what) >> 11) + 0.5) * 0x1p-53;
}

static double normal(uint64_t seed, uint64_t row, uint64_t what)
{
    return sqrt(-2 * log(uniform(seed, row, what))) *
           cos(6.283185307179586 * uniform(seed, row, what + 100));
}

/* Labels follow a hidden margin; each model sees it through noise of its own. */
static void simulate(struct qn_paired *rows, uint64_t seed, uint32_t n, const double noise[2])
{
    struct qn_err err;
    qn_paired_init(rows);
    for (uint32_t i = 0; i < n; i++) {
        double margin = 1.2 * normal(seed, i, 1) - 1;
        bool positive = uniform(seed, i, 2) < qn_expit(margin);
        double first = qn_expit(margin + noise[0] * normal(seed, i, 3));
        double other = qn_expit(margin + noise[1] * normal(seed, i, 4));
        assert_ok(qn_paired_add(rows, first, other, positive, qn_mix64(seed + i), &err), &err);
    }
}

static struct qn_paired_result compare(const struct qn_paired *rows, const char *metric)
{
    struct qn_paired_result out;
    struct qn_err err;
    assert_ok(qn_paired_compare(rows, metric, &out, &err), &err);
    return out;
}

/* --- DeLong by its definition ---------------------------------------------------------------- */

static double kernel(double positive, double negative)
{
    return positive > negative ? 1 : positive == negative ? 0.5 : 0;
}

/* Row i's placement among the rows of the other class. */
static double placement(const struct qn_paired *rows, int model, uint32_t i)
{
    double sum = 0, n = 0;
    const double *s = rows->scores[model];
    for (uint32_t j = 0; j < rows->n; j++) {
        if (rows->labels[j] == rows->labels[i])
            continue;
        sum += rows->labels[i] ? kernel(s[i], s[j]) : kernel(s[j], s[i]);
        n++;
    }
    return sum / n;
}

static void brute_force(const struct qn_paired *rows, double *difference, double *std_error)
{
    double variance = 0;
    for (int class = 0; class < 2; class ++) {
        double n = 0, sum = 0, squares = 0, mean;
        for (uint32_t i = 0; i < rows->n; i++)
            if (rows->labels[i] == class) {
                sum += placement(rows, 0, i) - placement(rows, 1, i);
                n++;
            }
        mean = sum / n;
        for (uint32_t i = 0; i < rows->n; i++)
            if (rows->labels[i] == class) {
                double d = placement(rows, 0, i) - placement(rows, 1, i) - mean;
                squares += d * d;
            }
        variance += squares / (n - 1) / n;
        *difference = mean;
    }
    *std_error = sqrt(variance);
}

static void delong_is_its_definition(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        struct qn_paired rows;
        double difference, std_error;
        simulate(&rows, seed, 300, (const double[]){0.5, 1.5});
        for (uint32_t i = 0; seed % 2 && i < rows.n; i++) /* many ties */
            for (int model = 0; model < 2; model++)
                rows.scores[model][i] = floor(rows.scores[model][i] * 8) / 8;
        brute_force(&rows, &difference, &std_error);
        struct qn_paired_result got = compare(&rows, "roc_auc");
        assert_true(fabs(got.difference - difference) < 1e-14);
        assert_true(fabs(got.std_error - std_error) < 1e-14);
        assert_true(fabs(got.value[0] - got.value[1] - got.difference) < 1e-15);
        qn_paired_fini(&rows);
    }
}

/* --- each metric's value is that of the metric ------------------------------------------------ */

static void values_are_those_of_the_metrics(void **state)
{
    (void)state;
    struct qn_paired rows;
    simulate(&rows, 3, 800, (const double[]){0.5, 1.5});
    for (int model = 0; model < 2; model++) {
        struct qn_scores scores;
        struct qn_metrics m;
        struct qn_err err;
        qn_scores_init(&scores);
        for (uint32_t i = 0; i < rows.n; i++)
            assert_ok(qn_scores_add(&scores, rows.scores[model][i], rows.labels[i], &err), &err);
        assert_ok(qn_metrics_of(&scores, &m, &err), &err);
        assert_true(compare(&rows, "roc_auc").value[model] == m.roc_auc);
        assert_true(compare(&rows, "log_loss").value[model] == m.log_loss);
        assert_true(compare(&rows, "brier").value[model] == m.brier);
        assert_true(fabs(compare(&rows, "average_precision").value[model] - m.average_precision) <
                    1e-14);
        qn_scores_fini(&scores);
    }
    qn_paired_fini(&rows);
}

static const char *const names[] = {"roc_auc", "average_precision", "log_loss", "brier"};

static void order_changes_nothing(void **state)
{
    (void)state;
    struct qn_paired rows, other;
    struct qn_err err;
    simulate(&rows, 5, 500, (const double[]){0.5, 1.5});
    qn_paired_init(&other);
    for (uint32_t i = 0; i < rows.n; i++) {
        uint32_t at = (i * 7) % rows.n; /* 500 and 7 have no divisor in common */
        assert_ok(qn_paired_add(&other, rows.scores[0][at], rows.scores[1][at], rows.labels[at],
                                rows.hashes[at], &err),
                  &err);
    }
    for (int i = 0; i < 4; i++) {
        struct qn_paired_result a = compare(&rows, names[i]), b = compare(&other, names[i]);
        assert_memory_equal(&a, &b, sizeof a);
    }
    qn_paired_fini(&rows);
    qn_paired_fini(&other);
}

/* --- who wins -------------------------------------------------------------------------------- */

/* Of some challengers, those whose lower bound is above 0 at 95 % and at 80 %. */
static void count_winners(const char *metric, const double noise[2], uint64_t trials, int won[2])
{
    won[0] = won[1] = 0;
    for (uint64_t trial = 0; trial < trials; trial++) {
        struct qn_paired rows;
        simulate(&rows, 1000 + trial, 800, noise);
        struct qn_paired_result result = compare(&rows, metric);
        won[0] += qn_paired_low(&result, 0.95) > 0;
        won[1] += qn_paired_low(&result, 0.80) > 0;
        qn_paired_fini(&rows);
    }
}

/* As good as the champion, but for noise: of 200 at 95 % about 10 win, at 80 % about 40 (within
 * three standard deviations of the binomial). */
static void noise_wins_as_often_as_said(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        int won[2];
        count_winners(names[i], (const double[]){1, 1}, 200, won);
        printf("%-18s of 200 noise challengers %d won at 95 %%, %d at 80 %%\n", names[i], won[0],
               won[1]);
        assert_true(won[0] >= 1 && won[0] <= 19);
        assert_true(won[1] >= 23 && won[1] <= 57);
    }
}

static void the_better_one_wins_and_the_worse_one_does_not(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        int won[2];
        count_winners(names[i], (const double[]){0.3, 1.8}, 40, won);
        assert_true(won[0] >= 38);
        count_winners(names[i], (const double[]){1.8, 0.3}, 40, won);
        assert_int_equal(won[0], 0);
    }
}

static void the_same_model_does_not_win(void **state)
{
    (void)state;
    struct qn_paired rows;
    simulate(&rows, 9, 400, (const double[]){1, 1});
    memcpy(rows.scores[1], rows.scores[0], rows.n * sizeof *rows.scores[0]);
    for (int i = 0; i < 4; i++) {
        struct qn_paired_result result = compare(&rows, names[i]);
        assert_true(result.difference == 0 && result.std_error == 0);
        assert_true(qn_paired_low(&result, 0.95) == 0);
    }
    qn_paired_fini(&rows);
}

static void rows_are_checked(void **state)
{
    (void)state;
    struct qn_paired rows;
    struct qn_err err;
    qn_paired_init(&rows);
    assert_int_equal(qn_paired_add(&rows, 1.5, 0.5, true, 1, &err), QN_EWIRE);
    assert_int_equal(qn_paired_add(&rows, 0.5, (double)NAN, true, 1, &err), QN_EWIRE);
    assert_int_equal(qn_paired_add(&rows, -0.5, 0, true, 1, &err), QN_EWIRE);
    assert_int_equal(rows.n, 0);
    for (int i = 0; i < 4; i++)
        assert_true(qn_paired_knows(names[i]) && strstr(qn_paired_metrics(), names[i]));
    assert_false(qn_paired_knows("f1"));
    qn_paired_fini(&rows);
}

static void quantiles_are_those_of_the_normal(void **state)
{
    (void)state;
    assert_true(fabs(qn_normal_quantile(0.95) - 1.6448536269514722) < 1e-13);
    assert_true(fabs(qn_normal_quantile(0.975) - 1.959963984540054) < 1e-13);
    assert_true(fabs(qn_normal_quantile(0.5)) < 1e-13);
    assert_true(fabs(qn_normal_quantile(0.001) + 3.090232306167813) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delong_is_its_definition),
        cmocka_unit_test(values_are_those_of_the_metrics),
        cmocka_unit_test(order_changes_nothing),
        cmocka_unit_test(noise_wins_as_often_as_said),
        cmocka_unit_test(the_better_one_wins_and_the_worse_one_does_not),
        cmocka_unit_test(the_same_model_does_not_win),
        cmocka_unit_test(rows_are_checked),
        cmocka_unit_test(quantiles_are_those_of_the_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
