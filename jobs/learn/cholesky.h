/* cholesky: A = L L' of a symmetric positive definite matrix, in place.
 *
 * Matrices are row-major n x n doubles; only the lower triangle is read and written. All operations
 * come in one fixed order, so the same input gives the same bits on every machine. */
#ifndef QN_JOBS_LEARN_CHOLESKY_H
#define QN_JOBS_LEARN_CHOLESKY_H

#include <stdint.h>

#include "base/err.h"

/* A becomes L. A pivot at or below `tolerance` times its diagonal element means that the column is
 * (nearly) a linear combination of those before it: QN_EINPUT, its position in *column. The
 * pivot's share is 1 - R^2 of the column on those before it. */
QN_CHECK qn_code qn_cholesky_factor(double *a, uint32_t n, double tolerance, uint32_t *column);

/* x (the right side, length n) becomes the solution of L L' x = b. */
void qn_cholesky_solve(const double *l, uint32_t n, double *x);

/* The inverse of L L', its lower triangle, into `out` (n x n). */
void qn_cholesky_inverse(const double *l, uint32_t n, double *out);

#endif
