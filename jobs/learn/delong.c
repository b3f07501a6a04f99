#include "jobs/learn/delong.h"

#include <math.h>
#include <stdlib.h>

#include "base/int128.h"
#include "jobs/learn/rank.h"

/* Adds sign times each row's doubled placement, and gives the sum of the positives' unsigned. */
static qn_code place(const struct qn_paired *rows, int model, int64_t sign, int64_t *placements,
                     qn_u128 *sum, struct qn_err *err)
{
    const double *scores = rows->scores[model];
    uint32_t *order = malloc((rows->n + (size_t)1) * sizeof *order);
    if (!order)
        return qn_err_nomem(err, "comparing models");
    qn_code code = qn_rank_order(scores, rows->n, order, err);
    uint64_t below[2] = {0, 0}, of_class[2] = {0, 0};
    for (uint32_t i = 0; i < rows->n; i++)
        of_class[rows->labels[i]]++;
    *sum = 0;
    for (uint32_t i = 0, end; code == QN_OK && i < rows->n; i = end) {
        uint64_t tied[2] = {0, 0};
        for (end = i; end < rows->n && scores[order[end]] == scores[order[i]]; end++)
            tied[rows->labels[order[end]]]++;
        uint64_t of_positive = 2 * below[0] + tied[0];
        uint64_t of_negative = 2 * (of_class[1] - below[1] - tied[1]) + tied[1];
        for (uint32_t k = i; k < end; k++)
            placements[order[k]] +=
                sign * (int64_t)(rows->labels[order[k]] ? of_positive : of_negative);
        *sum += (qn_u128)of_positive * tied[1];
        below[0] += tied[0];
        below[1] += tied[1];
    }
    free(order);
    return code;
}

/* The variance of a mean of n placements, of which each is out of `others` of the other class. */
static double variance_of_mean(qn_i128 sum, qn_u128 squares, uint64_t n, uint64_t others)
{
    qn_u128 size = sum < 0 ? (qn_u128)-sum : (qn_u128)sum;
    double spread = (double)(n * squares - size * size); /* n^2 times the population variance */
    double rows = (double)n, scale = 2.0 * (double)others;
    return spread / (rows * (rows - 1)) / (scale * scale) / rows;
}

qn_code qn_delong_compare(const struct qn_paired *rows, struct qn_paired_result *out,
                          struct qn_err *err)
{
    int64_t *placements = calloc(rows->n + (size_t)1, sizeof *placements);
    qn_u128 sums[2], squares[2] = {0, 0};
    qn_i128 differences[2] = {0, 0};
    uint64_t n[2] = {0, 0};
    if (!placements)
        return qn_err_nomem(err, "comparing models");
    qn_code code = place(rows, 0, 1, placements, &sums[0], err);
    if (code == QN_OK)
        code = place(rows, 1, -1, placements, &sums[1], err);
    for (uint32_t i = 0; i < rows->n; i++) {
        int64_t d = placements[i];
        uint64_t size = (uint64_t)(d < 0 ? -d : d);
        int class = rows->labels[i];
        n[class]++;
        differences[class] += d;
        squares[class] += (qn_u128)size * size;
    }
    free(placements);
    QN_TRY(code);
    double pairs = 2.0 * (double)n[0] * (double)n[1];
    for (int model = 0; model < 2; model++)
        out->value[model] = (double)sums[model] / pairs;
    out->difference = (double)differences[1] / pairs;
    out->std_error = sqrt(variance_of_mean(differences[1], squares[1], n[1], n[0]) +
                          variance_of_mean(differences[0], squares[0], n[0], n[1]));
    return QN_OK;
}
