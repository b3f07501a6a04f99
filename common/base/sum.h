/* sum: an exact sum of doubles in 32 bytes, for tables of millions of groups; what does not fit
 * goes on in an exact_sum. Neither order nor grouping of what is added matters to the result.
 *
 * The sum is  number x 2^exponent  with 128 bits of number, so it holds without rounding what lies
 * within some 70 binary places around the first value, times 2^50 terms. Values far apart (1e-20
 * beside 1e20) need the wide form. All zero bytes are the empty sum. */
#ifndef QN_BASE_SUM_H
#define QN_BASE_SUM_H

#include "base/arena.h"
#include "base/err.h"
#include "base/exact_sum.h"
#include "base/int128.h"

struct qn_sum {
    uint64_t low, high; /* of the number; two words, so that 8 bytes are alignment enough */
    int32_t exponent;
    uint8_t has_number;        /* exponent and number mean something */
    uint8_t infinite;          /* bit 0: +infinity came in, bit 1: -infinity, bit 2: NaN */
    struct qn_exact_sum *wide; /* in the arena given; NULL: the number is all */
};

/* The arena lives as long as the sum. */
QN_CHECK qn_code qn_sum_add(struct qn_sum *sum, double value, struct qn_arena *arena,
                            struct qn_err *err);
/* number x 2^exponent, |number| < 2^127. */
QN_CHECK qn_code qn_sum_add_number(struct qn_sum *sum, qn_i128 number, int exponent,
                                   struct qn_arena *arena, struct qn_err *err);
/* value^2, unrounded while it stays within doubles (see qn_exact_add_product). */
QN_CHECK qn_code qn_sum_add_square(struct qn_sum *sum, double value, struct qn_arena *arena,
                                   struct qn_err *err);
QN_CHECK qn_code qn_sum_merge(struct qn_sum *sum, const struct qn_sum *other,
                              struct qn_arena *arena, struct qn_err *err);

/* The nearest double; infinities and NaN as adding them one by one would give. */
double qn_sum_round(const struct qn_sum *sum);
/* The same sum in the wide form. */
void qn_sum_widen(const struct qn_sum *sum, struct qn_exact_sum *out);

#endif
