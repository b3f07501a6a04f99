/* The loops of logistic_kernel, compiled for each instruction set by the files that include it. */
#ifndef QN_JOBS_LEARN_LOGISTIC_KERNEL_LOOP_H
#define QN_JOBS_LEARN_LOGISTIC_KERNEL_LOOP_H

#include <string.h>

#include "jobs/learn/exp.h"
#include "jobs/learn/logistic_kernel.h"
#include "jobs/learn/math.h"

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

/* (1 + a)(1 + b) - 1, as near to 0 as anywhere. */
static inline double grow(double a, double b)
{
    return a + (b + a * b);
}

static inline double grow_lanes(const double lane[LANES])
{
    return grow(grow(grow(lane[0], lane[4]), grow(lane[2], lane[6])),
                grow(grow(lane[1], lane[5]), grow(lane[3], lane[7])));
}

/* From eta: by row what derivatives need, exp(-|eta|), and the loss but for log(1 + exp(-|eta|)).
 */
static void link_row_by_row(struct qn_logistic_rows *restrict rows, const double *restrict label,
                            const double *restrict weight, double *restrict rest,
                            double *restrict linear)
{
    for (uint32_t r = 0; r < QN_DESIGN_BLOCK; r++) {
        double eta = rows->eta[r], above = eta > 0 ? eta : 0, below = eta > 0 ? -eta : eta;
        /* One exponential gives probability, curvature and loss alike. */
        double e = qn_exp_below(below > -700.0 ? below : -700.0), share = 1.0 / (1.0 + e);
        double p = eta > 0 ? share : e * share;
        rows->residual[r] = weight[r] * (p - label[r]);
        rows->curvature[r] = weight[r] * (e * share * share);
        rest[r] = weight[r] > 0 ? e : 0;
        linear[r] = weight[r] * (above - label[r] * eta);
    }
}

/* One logarithm a class: of the product of up to 128 factors of at most 2. */
static double link_rows(struct qn_logistic_rows *restrict rows, const uint8_t *restrict labels,
                        uint32_t n, const double class_weights[2])
{
    double label[QN_DESIGN_BLOCK], weight[QN_DESIGN_BLOCK], rest[QN_DESIGN_BLOCK],
        linear[QN_DESIGN_BLOCK], sum[LANES] = {0}, grown[2][LANES] = {{0}};
    for (uint32_t r = 0; r < QN_DESIGN_BLOCK; r++) {
        label[r] = labels[r];
        weight[r] = labels[r] ? class_weights[1] : class_weights[0];
    }
    for (uint32_t r = n; r < QN_DESIGN_BLOCK; r++)
        weight[r] = 0;
    link_row_by_row(rows, label, weight, rest, linear);
    for (uint32_t r = 0; r < QN_DESIGN_BLOCK; r += LANES)
        for (uint32_t l = 0; l < LANES; l++) {
            sum[l] += linear[r + l];
            grown[0][l] = grow(grown[0][l], label[r + l] > 0 ? 0 : rest[r + l]);
            grown[1][l] = grow(grown[1][l], label[r + l] > 0 ? rest[r + l] : 0);
        }
    return add_lanes(sum) + (class_weights[0] * qn_log1p(grow_lanes(grown[0])) +
                             class_weights[1] * qn_log1p(grow_lanes(grown[1])));
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
