/* How long one Newton round, one fit of the preparation and the metrics take, on one core.
 *
 *     build/bench.learn [rows] */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/exact_sum.h"
#include "base/hash.h"
#include "jobs/learn/logistic.h"
#include "jobs/learn/metrics.h"

static double draw(uint64_t row, uint64_t what)
{
    return (double)(qn_mix64(row * 64 + what) >> 11) * 0x1p-53;
}

static void check(qn_code code)
{
    if (code == QN_OK)
        return;
    fprintf(stderr, "failed: %s\n", qn_code_name(code));
    abort();
}

/* Numeric columns, and categorical features of five categories each. */
static void measure_round(uint32_t rows, uint32_t numeric, uint32_t categorical)
{
    struct qn_design design = qn_design_of(numeric + 1, categorical, 1 + numeric + 5 * categorical);
    check(qn_design_reserve(&design, rows, NULL));
    design.n_rows = rows;
    const struct qn_logistic_want want = {.hessian = true, .class_weights = {1, 1}};
    struct qn_logistic_sums sums;
    double *weights = calloc(design.n_columns, sizeof(double));
    if (!weights)
        abort();
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t j = 0; j < design.n_dense; j++)
            *qn_design_at(&design, row, j) = j ? draw(row, j) * 2 - 1 : 1;
        for (uint32_t j = 0; j < categorical; j++)
            qn_design_codes(&design, row)[j] =
                (uint16_t)(design.n_dense + 5 * j + (uint32_t)(5 * draw(row, 40 + j)));
        *qn_design_label(&design, row) = draw(row, 63) < 0.3;
    }
    for (uint32_t j = 0; j < design.n_columns; j++)
        weights[j] = draw(j, 5) - 0.5;
    check(qn_logistic_sums_init(&sums, design.n_columns, true, NULL));
    int64_t best = INT64_MAX;
    for (int trial = 0; trial < 5; trial++) {
        int64_t started = qn_clock_us();
        qn_logistic_add(&sums, &design, weights, &want);
        int64_t took = qn_clock_us() - started;
        best = took < best ? took : best;
    }
    printf("round: %u rows, %u numeric + %u categorical features (%u columns): %.0f ms\n", rows,
           numeric, categorical, design.n_columns, (double)best / 1000);
    qn_logistic_sums_fini(&sums);
    qn_design_fini(&design);
    free(weights);
}

static void measure_sums(uint32_t rows)
{
    struct qn_exact_sum sum, squares;
    qn_exact_init(&sum);
    qn_exact_init(&squares);
    double *values = malloc(rows * sizeof *values);
    if (!values)
        abort();
    for (uint32_t row = 0; row < rows; row++)
        values[row] = draw(row, 1) * 1000;
    int64_t started = qn_clock_us();
    for (uint32_t row = 0; row < rows; row++) {
        qn_exact_add(&sum, values[row]);
        qn_exact_add_product(&squares, values[row], values[row]);
    }
    printf("exact sum and sum of squares: %u values: %.1f ms (variance %.3f)\n", rows,
           (double)(qn_clock_us() - started) / 1000, qn_exact_variance(&sum, &squares, rows));
    free(values);
}

static void measure_metrics(uint32_t rows)
{
    struct qn_scores scores;
    struct qn_metrics metrics;
    qn_scores_init(&scores);
    for (uint32_t row = 0; row < rows; row++)
        check(qn_scores_add(&scores, draw(row, 2), draw(row, 3) < draw(row, 2), NULL));
    int64_t started = qn_clock_us();
    check(qn_metrics_of(&scores, &metrics, NULL));
    printf("metrics: %u scores: %.0f ms (roc_auc %.4f)\n", rows,
           (double)(qn_clock_us() - started) / 1000, metrics.roc_auc);
    qn_scores_fini(&scores);
}

int main(int argc, char **argv)
{
    uint32_t rows = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000000;
    measure_round(rows, 6, 4);
    measure_round(rows, 30, 0);
    measure_round(rows, 10, 10);
    measure_round(rows, 4, 16);
    measure_sums(rows);
    measure_metrics(rows);
    return 0;
}
