/* The loops of logistic_kernel, compiled for each instruction set by the files that include it. */
#ifndef QN_JOBS_LEARN_LOGISTIC_KERNEL_LOOP_H
#define QN_JOBS_LEARN_LOGISTIC_KERNEL_LOOP_H

#include <string.h>

#include "jobs/learn/exp.h"
#include "jobs/learn/logistic_kernel.h"

enum { LANES = 8 };

static inline double add_lanes(const double lane[LANES])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) +
           ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static void predict(const double *restrict x, uint32_t n_dense, const double *w,
                    double *restrict eta)
{
    memset(eta, 0, QN_DESIGN_BLOCK * sizeof *eta);
    for (uint32_t j = 0; j < n_dense; j++, x += QN_DESIGN_BLOCK) {
        double weight = w[j];
        for (uint32_t r = 0; r < QN_DESIGN_BLOCK; r++)
            eta[r] += x[r] * weight;
    }
}

/* log(1 + x) for x in [0, 1]: 2 atanh(s), s = x / (2 + x) <= 1/3; the first term left out is below
 * 2^-56 of the sum. */
static inline double log1p_below(double x)
{
    double s = x / (2.0 + x), z = s * s;
    double series = 1.0 / 33.0;
    series = series * z + 1.0 / 31.0;
    series = series * z + 1.0 / 29.0;
    series = series * z + 1.0 / 27.0;
    series = series * z + 1.0 / 25.0;
    series = series * z + 1.0 / 23.0;
    series = series * z + 1.0 / 21.0;
    series = series * z + 1.0 / 19.0;
    series = series * z + 1.0 / 17.0;
    series = series * z + 1.0 / 15.0;
    series = series * z + 1.0 / 13.0;
    series = series * z + 1.0 / 11.0;
    series = series * z + 1.0 / 9.0;
    series = series * z + 1.0 / 7.0;
    series = series * z + 1.0 / 5.0;
    series = series * z + 1.0 / 3.0;
    return 2.0 * s + 2.0 * s * (z * series);
}

static double link_rows(struct qn_logistic_rows *restrict rows, const uint8_t *restrict labels,
                        const double *restrict weight)
{
    double label[QN_DESIGN_BLOCK], loss[QN_DESIGN_BLOCK], lane[LANES] = {0};
    for (uint32_t r = 0; r < QN_DESIGN_BLOCK; r++)
        label[r] = labels[r];
    for (uint32_t r = 0; r < QN_DESIGN_BLOCK; r++) {
        double eta = rows->eta[r], above = eta > 0 ? eta : 0, below = eta > 0 ? -eta : eta;
        /* One exponential gives probability, curvature and loss alike. */
        double e = qn_exp_below(below > -700.0 ? below : -700.0), share = 1.0 / (1.0 + e);
        double p = eta > 0 ? share : e * share;
        rows->residual[r] = weight[r] * (p - label[r]);
        rows->curvature[r] = weight[r] * (e * share * share);
        loss[r] = weight[r] * (log1p_below(e) + (above - label[r] * eta));
    }
    for (uint32_t r = 0; r < QN_DESIGN_BLOCK; r += LANES)
        for (uint32_t l = 0; l < LANES; l++)
            lane[l] += loss[r + l];
    return add_lanes(lane);
}

static inline double dot(const double *restrict a, const double *restrict b)
{
    double lane[LANES] = {0};
    for (uint32_t r = 0; r < QN_DESIGN_BLOCK; r += LANES)
        for (uint32_t l = 0; l < LANES; l++)
            lane[l] += a[r + l] * b[r + l];
    return add_lanes(lane);
}

static void add_gradient(const struct qn_logistic_rows *rows, const double *x, uint32_t n_dense,
                         double *gradient)
{
    for (uint32_t j = 0; j < n_dense; j++)
        gradient[j] += dot(rows->residual, x + (size_t)j * QN_DESIGN_BLOCK);
}

static void add_hessian(const struct qn_logistic_rows *rows, const double *x, uint32_t n_dense,
                        uint32_t n_columns, double *hessian)
{
    double weighted[QN_DESIGN_BLOCK];
    for (uint32_t i = 0; i < n_dense; i++) {
        const double *xi = x + (size_t)i * QN_DESIGN_BLOCK;
        double *out = hessian + (size_t)i * n_columns;
        for (uint32_t r = 0; r < QN_DESIGN_BLOCK; r++)
            weighted[r] = rows->curvature[r] * xi[r];
        for (uint32_t j = 0; j <= i; j++)
            out[j] += dot(weighted, x + (size_t)j * QN_DESIGN_BLOCK);
    }
}

/* Rows that are turned round together, so that a category adds to a run of columns at once. */
enum { TURNED_ROWS = 16, TURNED_COLUMNS = 32 };

static void cross_dense(const double *curvature, const double *x, uint32_t width,
                        const struct qn_logistic_codes *codes, uint32_t first, uint32_t n_columns,
                        double *restrict hessian)
{
    double turned[TURNED_ROWS][TURNED_COLUMNS];
    uint32_t left = codes->n_rows - first, n = left < TURNED_ROWS ? left : TURNED_ROWS;
    for (uint32_t j = 0; j < width; j++)
        for (uint32_t r = 0; r < TURNED_ROWS; r++)
            turned[r][j] = curvature[first + r] * x[(size_t)j * QN_DESIGN_BLOCK + first + r];
    for (uint32_t r = 0; r < n; r++) {
        const uint16_t *row = codes->codes + (size_t)(first + r) * codes->n_codes;
        for (uint32_t i = 0; i < codes->n_codes; i++) {
            if (row[i] == QN_CODE_NONE)
                continue;
            double *restrict out = hessian + (size_t)row[i] * n_columns;
            for (uint32_t j = 0; j < width; j++)
                out[j] += turned[r][j];
        }
    }
}

static void cross_codes(const double *curvature, const struct qn_logistic_codes *codes,
                        uint32_t n_columns, double *restrict hessian)
{
    const uint16_t *row = codes->codes;
    for (uint32_t r = 0; r < codes->n_rows; r++, row += codes->n_codes)
        for (uint32_t i = 0; i < codes->n_codes; i++) {
            if (row[i] == QN_CODE_NONE)
                continue;
            double *out = hessian + (size_t)row[i] * n_columns;
            for (uint32_t j = 0; j <= i; j++)
                if (row[j] != QN_CODE_NONE)
                    out[row[j]] += curvature[r];
        }
}

static void add_cross(const struct qn_logistic_rows *rows, const double *x, uint32_t n_dense,
                      const struct qn_logistic_codes *codes, uint32_t n_columns, double *hessian)
{
    for (uint32_t j = 0; codes->n_codes && j < n_dense; j += TURNED_COLUMNS) {
        uint32_t width = n_dense - j < TURNED_COLUMNS ? n_dense - j : TURNED_COLUMNS;
        for (uint32_t first = 0; first < codes->n_rows; first += TURNED_ROWS)
            cross_dense(rows->curvature, x + (size_t)j * QN_DESIGN_BLOCK, width, codes, first,
                        n_columns, hessian + j);
    }
    cross_codes(rows->curvature, codes, n_columns, hessian);
}

#define QN_LOGISTIC_KERNEL                                                                         \
    {                                                                                              \
        .predict = predict, .link = link_rows, .gradient = add_gradient, .hessian = add_hessian,   \
        .cross = add_cross                                                                         \
    }

#endif
