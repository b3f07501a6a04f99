/* logistic_kernel: the loops over rows of a logistic fit, for one block of a design.
 *
 * Built once for the oldest processor and once for AVX2; sums are kept in eight lanes that are
 * added up in one fixed order, so both give the same bits. */
#ifndef QN_JOBS_LEARN_LOGISTIC_KERNEL_H
#define QN_JOBS_LEARN_LOGISTIC_KERNEL_H

#include "jobs/learn/design.h"

/* By row of a block. */
struct qn_logistic_rows {
    double eta[QN_DESIGN_BLOCK];
    double residual[QN_DESIGN_BLOCK];  /* weight of the row times (p - label) */
    double curvature[QN_DESIGN_BLOCK]; /* weight of the row times p (1 - p) */
};

/* Categories of the rows of a block: columns, ascending within a row, or QN_CODE_NONE. */
struct qn_logistic_codes {
    const uint16_t *codes; /* [n_rows][n_codes] */
    uint32_t n_rows, n_codes;
};

struct qn_logistic_kernel {
    /* eta[r] = sum over dense columns of x[j][r] w[j], added in the order of the columns. */
    void (*predict)(const double *x, uint32_t n_dense, const double *w, double *eta);
    /* From eta: residuals, curvatures, and the log-loss of the block's first n rows, weighted by
     * label (0 or 1); those of the others become 0. */
    double (*link)(struct qn_logistic_rows *rows, const uint8_t *labels, uint32_t n,
                   const double class_weights[2]);
    /* gradient[j] += sum over rows of residual x[j]. */
    void (*gradient)(const struct qn_logistic_rows *rows, const double *x, uint32_t n_dense,
                     double *gradient);
    /* hessian[i][j] += sum over rows of curvature x[i] x[j], j <= i; rows of it are n_columns
     * apart. */
    void (*hessian)(const struct qn_logistic_rows *rows, const double *x, uint32_t n_dense,
                    uint32_t n_columns, double *hessian);
    /* The same of categories with dense columns and with one another. */
    void (*cross)(const struct qn_logistic_rows *rows, const double *x, uint32_t n_dense,
                  const struct qn_logistic_codes *codes, uint32_t n_columns, double *hessian);
};

extern const struct qn_logistic_kernel qn_logistic_kernel_plain, qn_logistic_kernel_avx2;
const struct qn_logistic_kernel *qn_logistic_kernel(void); /* what the processor has */

#endif
