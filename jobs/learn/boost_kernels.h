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

/* Bytes behind a row that can be read. */
enum { QN_BOOST_SLACK = 7 };

/* Splits of a feature: one a code, and one more where some of its values are missing. */
enum { QN_GAINS = 2 * QN_BIN_CODES };
/* Their sums of g and h on the left [0] and on the right [1]. */
struct qn_gain_sums {
    double g[2][QN_GAINS], h[2][QN_GAINS];
};
struct qn_gain_terms {
    double g_unit, h_unit; /* what 1 in a sum stands for */
    double l1, l2, floor;
};

/* Which bytes of a column go left: 1 or 0 a byte, and a bit a byte. */
struct qn_boost_sides {
    uint8_t left[QN_BIN_CODES];
    uint32_t bits[QN_BIN_CODES / 32];
};
void qn_boost_sides_pack(struct qn_boost_sides *sides); /* bits from left */

/* What will be read soon: rows that are parted bring as much of it near as they are long. */
struct qn_boost_ahead {
    const uint8_t *at, *end;
};

struct qn_boost_kernels {
    /* Adds rows rows[0..n) (NULL: 0..n) of `width` bytes; slots[c] is where column c's begin. At
     * most QN_HISTOGRAM_BLOCK rows between two times that the slots are emptied. */
    void (*add_rows)(const uint8_t *bytes, uint32_t width, const struct qn_gradient *gradients,
                     const uint16_t *rows, uint32_t n, struct qn_histogram_slot *const *slots);
    /* Derivatives of logistic loss at the scores: weight[label] (p - label) g_scale and
     * weight[label] p (1 - p) h_scale, rounded. */
    void (*derive)(const double *scores, const uint8_t *labels, uint32_t n, const double weight[2],
                   double g_scale, double h_scale, struct qn_gradient *out);
    /* Orders rows[0..n) so that those come first whose byte (the first of a row of `width` at
     * bytes) goes left, both parts as they were among themselves. Returns how many go left.
     * `scratch` has room for n. */
    uint32_t (*part)(const uint8_t *bytes, uint32_t width, const struct qn_boost_sides *sides,
                     uint16_t *rows, uint32_t n, uint16_t *scratch, struct qn_boost_ahead *ahead);
    /* The same of the rows 0..n, which need not stand in `rows` yet; n <= 2^16. */
    uint32_t (*part_all)(const uint8_t *bytes, uint32_t width, const struct qn_boost_sides *sides,
                         uint16_t *rows, uint32_t n, uint16_t *scratch,
                         struct qn_boost_ahead *ahead);
    /* Of both sides together max(|g| - l1, 0)^2 / (h + l2), where that is above 0, less floor. */
    void (*gains)(const struct qn_gain_sums *sums, uint32_t n, const struct qn_gain_terms *terms,
                  double *gains);
};

extern const struct qn_boost_kernels qn_boost_kernels_plain, qn_boost_kernels_avx2,
    qn_boost_kernels_avx512;

/* The best of them, or what QUERN_SIMD allows. */
const struct qn_boost_kernels *qn_boost_kernels(void);

#endif
