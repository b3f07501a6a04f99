#include "jobs/learn/cholesky.h"

#include <math.h>
#include <string.h>

qn_code qn_cholesky_factor(double *a, uint32_t n, double tolerance, uint32_t *column)
{
    /* Left-looking by rows: row i of L needs only the rows above it. The inner loop runs over
     * contiguous elements of two rows. */
    for (uint32_t i = 0; i < n; i++) {
        double *row = a + (size_t)i * n;
        double diagonal = row[i];
        for (uint32_t j = 0; j < i; j++) {
            const double *above = a + (size_t)j * n;
            double sum = row[j];
            for (uint32_t k = 0; k < j; k++)
                sum -= row[k] * above[k];
            row[j] = sum / above[j];
        }
        double pivot = diagonal;
        for (uint32_t k = 0; k < i; k++)
            pivot -= row[k] * row[k];
        if (!(pivot > tolerance * diagonal) || !(pivot > 0)) { /* a NaN is refused too */
            *column = i;
            return QN_EINPUT;
        }
        row[i] = sqrt(pivot);
    }
    return QN_OK;
}

void qn_cholesky_solve(const double *l, uint32_t n, double *x)
{
    for (uint32_t i = 0; i < n; i++) {
        const double *row = l + (size_t)i * n;
        double sum = x[i];
        for (uint32_t k = 0; k < i; k++)
            sum -= row[k] * x[k];
        x[i] = sum / row[i];
    }
    for (uint32_t i = n; i-- > 0;) {
        const double *row = l + (size_t)i * n;
        x[i] /= row[i];
        for (uint32_t k = 0; k < i; k++)
            x[k] -= row[k] * x[i];
    }
}

void qn_cholesky_inverse(const double *l, uint32_t n, double *out)
{
    /* Row i of L^-1 by forward substitution, built from the rows above it. */
    for (uint32_t i = 0; i < n; i++) {
        const double *row = l + (size_t)i * n;
        double *inverse = out + (size_t)i * n;
        memset(inverse, 0, n * sizeof *inverse);
        for (uint32_t k = 0; k < i; k++) {
            const double *above = out + (size_t)k * n;
            for (uint32_t j = 0; j <= k; j++)
                inverse[j] -= row[k] * above[j];
        }
        for (uint32_t j = 0; j < i; j++)
            inverse[j] /= row[i];
        inverse[i] = 1.0 / row[i];
    }
    /* (L^-1)' L^-1, in place: element (i, j) reads rows from i on, which are still L^-1. */
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j <= i; j++) {
            double sum = 0;
            for (uint32_t k = i; k < n; k++)
                sum += out[(size_t)k * n + i] * out[(size_t)k * n + j];
            out[(size_t)i * n + j] = sum;
        }
}
