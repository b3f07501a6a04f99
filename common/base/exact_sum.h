/* exact_sum: a sum of doubles without rounding, so that neither order nor grouping matters.
 *
 * A fixed-point number wide enough for every double (2^-1074 .. 2^1023, and 2^60 terms more), held
 * as 64-bit limbs of which each stands for 32 bits; the upper half of a limb takes carries in until
 * they are passed on. The idea is the small superaccumulator of R. M. Neal, "Fast exact summation
 * using small and large superaccumulators" (2015). Rounds once, to nearest, ties to even.
 *
 * Sums merge by adding; any order and any grouping gives the same bits. */
#ifndef QN_BASE_EXACT_SUM_H
#define QN_BASE_EXACT_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/int128.h"

enum { QN_EXACT_LIMBS = 68 };

struct qn_exact_sum {
    int64_t limbs[QN_EXACT_LIMBS]; /* limb i counts 2^(32 i - 1074) */
    uint32_t pending;              /* adds since carries were passed on */
    bool poisoned;                 /* an infinity or NaN came in: the sum is NaN */
};

void qn_exact_init(struct qn_exact_sum *sum);
void qn_exact_add(struct qn_exact_sum *sum, double value);
/* number x 2^exponent; past 2^1100 the sum is poisoned. */
void qn_exact_add_number(struct qn_exact_sum *sum, qn_i128 number, int exponent);

/* Adds a * b unrounded (as two doubles). Exact while |a|, |b| and the product stay below 1e150 and
 * the product above 1e-290; beyond that the low part is lost, the same way in any order. */
void qn_exact_add_product(struct qn_exact_sum *sum, double a, double b);

void qn_exact_merge(struct qn_exact_sum *sum, const struct qn_exact_sum *other);

/* The nearest double. */
double qn_exact_round(const struct qn_exact_sum *sum);

/* The sum as at most `n` doubles, each the rounding of what the ones before it leave; the unused
 * ones are 0. */
void qn_exact_expand(const struct qn_exact_sum *sum, double *parts, uint32_t n);

/* Population variance of n values from their sum and sum of squares: (n Q - S^2) / n^2, with the
 * numerator exact, so nothing cancels. 0 for n = 0. */
double qn_exact_variance(const struct qn_exact_sum *sum, const struct qn_exact_sum *squares,
                         uint64_t n);

void qn_exact_pack(struct qn_buf *out, const struct qn_exact_sum *sum);
/* Sets in->failed on bytes that no pack wrote. */
void qn_exact_unpack(struct qn_unpack *in, struct qn_exact_sum *sum);

#endif
