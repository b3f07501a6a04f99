/* swarm: what features add to the margins of many rows (model.h, explain), summed up.
 *
 *   sizes    by feature the sum of |contribution|, exact
 *   cells    by feature how many rows have a contribution in a bin and the feature's value at a
 *            level. Bins are 2^exponent wide, [bin, bin + 1) x 2^exponent, with the least exponent
 *            for which all contributions of the feature lie within 256 bins on either side
 *
 * When swarms merge, bins of the narrower are put together by twos: sums and counts are the same
 * for any grouping and order of rows. */
#ifndef QN_JOBS_LEARN_SWARM_H
#define QN_JOBS_LEARN_SWARM_H

#include "base/buf.h"
#include "base/exact_sum.h"

/* Levels: from 0, the lowest value among the rows, to 6, the highest; 7: no value, or a text. */
enum { QN_SWARM_SIDE = 256, QN_SWARM_LEVELS = 7, QN_SWARM_NO_LEVEL = QN_SWARM_LEVELS };
enum { QN_SWARM_CELLS = 2 * QN_SWARM_SIDE * (QN_SWARM_LEVELS + 1) };

struct qn_swarm {
    uint32_t n_features;
    uint64_t rows;
    int32_t *exponents;         /* [n_features] */
    struct qn_exact_sum *sizes; /* [n_features] */
    uint32_t *cells;            /* [n_features][QN_SWARM_CELLS] */
};

/* Finish it also on failure. */
QN_CHECK qn_code qn_swarm_init(struct qn_swarm *swarm, uint32_t n_features, struct qn_err *err);
void qn_swarm_fini(struct qn_swarm *swarm);

/* Adds n rows. parts: [n][n_features + 1], the bias last; levels: [n_features][stride], of these
 * rows the first n. */
void qn_swarm_add(struct qn_swarm *swarm, const double *parts, uint32_t n, const uint8_t *levels,
                  size_t stride);

void qn_swarm_pack(struct qn_buf *out, const struct qn_swarm *swarm);
/* Adds a packed one of as many features; in->failed on what no pack wrote. */
void qn_swarm_merge(struct qn_swarm *swarm, struct qn_unpack *in);

/* Mean |contribution| of a feature; NaN without rows. */
double qn_swarm_mean(const struct qn_swarm *swarm, uint32_t feature);
static inline uint32_t qn_swarm_at(const struct qn_swarm *swarm, uint32_t feature, int bin,
                                   uint32_t level)
{
    return swarm->cells[(size_t)feature * QN_SWARM_CELLS +
                        (size_t)(bin + QN_SWARM_SIDE) * (QN_SWARM_LEVELS + 1) + level];
}

/* Levels of values among themselves (NaN: none) into out[n]: by rank, ties in the middle, spread
 * from the lowest to the highest; all in the middle where they are one. */
QN_CHECK qn_code qn_swarm_levels(const double *values, uint32_t n, uint8_t *out,
                                 struct qn_err *err);

#endif
