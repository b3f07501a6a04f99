/* elastic: the smallest point of a quadratic with an absolute penalty, by coordinate descent
 * (Friedman, Hastie and Tibshirani 2010, "Regularization Paths for Generalized Linear Models via
 * Coordinate Descent").
 *
 *     minimise over v:  g'(v - w) + 1/2 (v - w)' H (v - w) + l1 sum_j |v_j|   (j > 0)
 *
 * Column 0, the intercept, is not penalised. */
#ifndef QN_JOBS_LEARN_ELASTIC_H
#define QN_JOBS_LEARN_ELASTIC_H

#include <stdbool.h>

#include "base/err.h"

struct qn_elastic {
    uint32_t n;
    const double *hessian;  /* [n][n], lower triangle; diagonal above 0 */
    const double *gradient; /* [n] */
    const double *from;     /* [n]: w */
    const bool *pinned;     /* columns that stay where they are; NULL: none */
    double l1;
    double tolerance; /* of a coordinate */
};

/* v into to[n]; what the penalty holds at 0 is 0 exactly. */
QN_CHECK qn_code qn_elastic_solve(const struct qn_elastic *problem, double *to, struct qn_err *err);

#endif
