/* boost_kernels: the loops over rows that boosting spends its time in, for the instructions that
 * the processor has. All give the same bits: sums are of integers, and arithmetic on doubles is the
 * same operation by operation. */
#ifndef QN_JOBS_LEARN_BOOST_KERNELS_H
#define QN_JOBS_LEARN_BOOST_KERNELS_H

#include "jobs/learn/histogram.h"

/* Sums of one code of a column: the count stands in the bits above h. */
struct qn_histogram_slot {
    int64_t g;
    uint64_t nh;
};
/* So many rows at most fit a slot: 17 bits of count, 47 of h. */
#define QN_HISTOGRAM_BLOCK ((1u << 17) - 1)
#define QN_HISTOGRAM_ONE (UINT64_C(1) << 47)

struct qn_boost_kernels {
    /* Adds rows rows[0..n) (NULL: 0..n) of `width` bytes; slots[c] is where column c's begin. At
     * most QN_HISTOGRAM_BLOCK rows between two times that the slots are emptied. */
    void (*add_rows)(const uint8_t *bytes, uint32_t width, const struct qn_gradient *gradients,
                     const uint32_t *rows, uint32_t n, struct qn_histogram_slot *const *slots);
    /* Derivatives of logistic loss at the scores: weight[label] (p - label) g_scale and
     * weight[label] p (1 - p) h_scale, rounded. */
    void (*derive)(const double *scores, const uint8_t *labels, uint32_t n, const double weight[2],
                   double g_scale, double h_scale, struct qn_gradient *out);
    /* Orders rows[0..n) so that those come first whose byte (the first of a row of `width` at
     * bytes) goes left, both parts as they were among themselves. Returns how many go left.
     * `scratch` has room for n. */
    uint32_t (*part)(const uint8_t *bytes, uint32_t width, const uint8_t left[256], uint32_t *rows,
                     uint32_t n, uint32_t *scratch);
    /* The same of the rows 0..n, which need not stand in `rows` yet. */
    uint32_t (*part_all)(const uint8_t *bytes, uint32_t width, const uint8_t left[256],
                         uint32_t *rows, uint32_t n, uint32_t *scratch);
};

extern const struct qn_boost_kernels qn_boost_kernels_plain, qn_boost_kernels_avx2;

/* The best of them, or what QUERN_SIMD allows. */
const struct qn_boost_kernels *qn_boost_kernels(void);

#endif
