/* boost_kernels_loop: the loops of boost_kernels.c and boost_kernels_avx2.c, which compile them for
 * other instructions. */
#ifndef QN_JOBS_LEARN_BOOST_KERNELS_LOOP_H
#define QN_JOBS_LEARN_BOOST_KERNELS_LOOP_H

#include <string.h>

#include "jobs/learn/boost_kernels.h"
#include "jobs/learn/exp.h"

enum { AHEAD = 24 }; /* rows that are fetched before their turn */

/* --- histograms ------------------------------------------------------------------------------ */

/* Both sums of a slot at once. */
typedef uint64_t pair __attribute__((vector_size(16)));

/* A row's bytes lie together, so its additions go to different columns and none waits for
 * another. */
static inline void add_row(const uint8_t *row, uint32_t width, struct qn_gradient gradient,
                           struct qn_histogram_slot *const *slots)
{
    const pair more = {(uint64_t)(int64_t)(int32_t)(uint32_t)gradient.halves,
                       QN_HISTOGRAM_ONE + (gradient.halves >> 32)};
    for (uint32_t c = 0; c < width; c++) {
        pair *slot = (pair *)(void *)(slots[c] + row[c]);
        *slot += more;
    }
}

static void add_rows(const uint8_t *bytes, uint32_t width, const struct qn_gradient *gradients,
                     const uint16_t *rows, uint32_t n, struct qn_histogram_slot *const *slots)
{
    for (uint32_t i = 0; !rows && i < n; i++)
        add_row(bytes + (size_t)i * width, width, gradients[i], slots);
    for (uint32_t i = 0; rows && i < n; i++) {
        uint32_t ahead = rows[i + AHEAD < n ? i + AHEAD : n - 1];
        __builtin_prefetch(bytes + (size_t)ahead * width);
        __builtin_prefetch(&gradients[ahead]);
        add_row(bytes + (size_t)rows[i] * width, width, gradients[rows[i]], slots);
    }
}

/* --- derivatives ----------------------------------------------------------------------------- */

static inline uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* yes where the mask is all ones, no where it is all zeros: a choice without a branch. */
static inline double choose(uint64_t mask, double yes, double no)
{
    return of_bits((bits_of(yes) & mask) | (bits_of(no) & ~mask));
}

/* An integer of 32 bits, in the low half. */
static inline uint64_t rounded(double x)
{
    return bits_of(x + QN_EXP_ROUNDER) & UINT32_MAX;
}

static void derive(const double *scores, const uint8_t *labels, uint32_t n, const double weight[2],
                   double g_scale, double h_scale, struct qn_gradient *out)
{
    const int64_t largest = 0x4085e00000000000; /* 700 */
    double of_no = weight[0], of_yes = weight[1];
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits = bits_of(scores[i]), negative = 0 - (bits >> 63);
        uint64_t label = 0 - (uint64_t)labels[i];
        int64_t size = (int64_t)(bits & INT64_MAX);
        size = size < largest ? size : largest;
        double e = qn_exp_below(-of_bits((uint64_t)size)), u = 1.0 + e;
        double rarer = e / u, other = 1.0 / u; /* p and 1 - p, in the order that the sign says */
        double p = choose(negative, rarer, other);
        double w = choose(label, of_yes, of_no);
        uint64_t g = rounded(w * (p - choose(label, 1.0, 0.0)) * g_scale);
        uint64_t h = rounded(w * (rarer * other) * h_scale);
        out[i].halves = g | h << 32;
    }
}

/* --- nodes ----------------------------------------------------------------------------------- */

/* The i-th row to the lefts, of which there are n_left, and to the rights: where it does not belong
 * the next one takes its place. Returns how many are left then. */
static inline uint32_t deal(uint16_t row, uint32_t goes_left, uint32_t i, uint32_t n_left,
                            uint16_t *rows, uint16_t *scratch)
{
    rows[n_left] = row;
    scratch[i - n_left] = row;
    return n_left + goes_left;
}

static inline uint32_t part(const uint8_t *bytes, uint32_t width,
                            const struct qn_boost_sides *sides, uint16_t *rows, uint32_t n,
                            uint16_t *scratch)
{
    enum { AT_ONCE = 4 };
    uint32_t n_left = 0, i = 0;
    for (; i + AHEAD + AT_ONCE <= n; i += AT_ONCE) {
        for (uint32_t k = i; k < i + AT_ONCE; k++)
            __builtin_prefetch(bytes + (size_t)rows[k + AHEAD] * width);
        for (uint32_t k = i; k < i + AT_ONCE; k++)
            n_left = deal(rows[k], sides->left[bytes[(size_t)rows[k] * width]], k, n_left, rows,
                          scratch);
    }
    for (; i < n; i++)
        n_left =
            deal(rows[i], sides->left[bytes[(size_t)rows[i] * width]], i, n_left, rows, scratch);
    memcpy(rows + n_left, scratch, (n - n_left) * sizeof *rows);
    return n_left;
}

static inline uint32_t part_all(const uint8_t *bytes, uint32_t width,
                                const struct qn_boost_sides *sides, uint16_t *rows, uint32_t n,
                                uint16_t *scratch)
{
    uint32_t n_left = 0;
    for (uint32_t row = 0; row < n; row++, bytes += width)
        n_left = deal((uint16_t)row, sides->left[*bytes], row, n_left, rows, scratch);
    memcpy(rows + n_left, scratch, (n - n_left) * sizeof *rows);
    return n_left;
}

/* --- splits ---------------------------------------------------------------------------------- */

/* All ones or all zeros. */
static inline uint64_t mask_of(bool yes)
{
    return 0 - (uint64_t)yes;
}

static inline double gain_of_side(double g, double h, const struct qn_gain_terms *terms)
{
    double size = of_bits(bits_of(g * terms->g_unit) & INT64_MAX) - terms->l1;
    double weight = h * terms->h_unit + terms->l2;
    size = choose(mask_of(size > 0), size, 0);
    return choose(mask_of(weight > 0), size * size / weight, 0);
}

static void gains_of(const struct qn_gain_sums *sums, uint32_t n, const struct qn_gain_terms *terms,
                     double *gains)
{
    for (uint32_t i = 0; i < n; i++)
        gains[i] = gain_of_side(sums->g[0][i], sums->h[0][i], terms) +
                   gain_of_side(sums->g[1][i], sums->h[1][i], terms) - terms->floor;
}

#define QN_BOOST_KERNELS                                                                           \
    {                                                                                              \
        .add_rows = add_rows, .derive = derive, .part = part, .part_all = part_all,                \
        .gains = gains_of                                                                          \
    }

#endif
