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
static inline __attribute__((always_inline)) void add_row(const uint8_t *row, uint32_t width,
                                                          struct qn_gradient gradient,
                                                          struct qn_histogram_slot *const *slots)
{
    const pair more = {(uint64_t)(int64_t)(int32_t)(uint32_t)gradient.halves,
                       QN_HISTOGRAM_ONE + (gradient.halves >> 32)};
    for (uint32_t c = 0; c < width;) {
        uint64_t bytes;
        memcpy(&bytes, row + c, sizeof bytes);
        for (uint32_t end = c + 8 < width ? c + 8 : width; c < end; c++, bytes >>= 8) {
            pair *slot = (pair *)(void *)(slots[c] + (uint8_t)bytes);
            *slot += more;
        }
    }
}

static inline __attribute__((always_inline)) void
add_rows_of(const uint8_t *bytes, uint32_t width, const struct qn_gradient *gradients,
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

/* Of few columns, whose number and slots the processor then need not ask for at every row. */
#define ADD_ROWS_OF(WIDTH)                                                                         \
    case WIDTH: {                                                                                  \
        struct qn_histogram_slot *const *from = slots;                                             \
        struct qn_histogram_slot *own[WIDTH];                                                      \
        for (uint32_t c = 0; c < WIDTH; c++)                                                       \
            own[c] = from[c];                                                                      \
        add_rows_of(bytes, WIDTH, gradients, rows, n, own);                                        \
        break;                                                                                     \
    }

static void add_rows(const uint8_t *bytes, uint32_t width, const struct qn_gradient *gradients,
                     const uint16_t *rows, uint32_t n, struct qn_histogram_slot *const *slots)
{
    switch (width) {
        ADD_ROWS_OF(1)
        ADD_ROWS_OF(2)
        ADD_ROWS_OF(3)
        ADD_ROWS_OF(4)
        ADD_ROWS_OF(5)
        ADD_ROWS_OF(6)
        ADD_ROWS_OF(7)
        ADD_ROWS_OF(8)
    default: add_rows_of(bytes, width, gradients, rows, n, slots);
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

enum { LINE = 64 };

static inline uint32_t lines_of(uint32_t n_rows, uint32_t width)
{
    return (n_rows * width + LINE - 1) / LINE;
}

/* Brings the next lines near. */
static inline void fetch(struct qn_boost_ahead *ahead, uint32_t n_lines)
{
    for (uint32_t i = 0; i < n_lines && ahead->at < ahead->end; i++, ahead->at += LINE)
        __builtin_prefetch(ahead->at);
}

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
                            uint16_t *scratch, struct qn_boost_ahead *ahead)
{
    enum { AT_ONCE = 16 };
    struct qn_boost_ahead next = *ahead;
    uint32_t n_left = 0;
    for (uint32_t i = 0; i < n; fetch(&next, lines_of(AT_ONCE, width)))
        for (uint32_t end = n - i < AT_ONCE ? n : i + AT_ONCE; i < end; i++)
            n_left = deal(rows[i], sides->left[bytes[(size_t)rows[i] * width]], i, n_left, rows,
                          scratch);
    memcpy(rows + n_left, scratch, (n - n_left) * sizeof *rows);
    *ahead = next;
    return n_left;
}

static inline uint32_t part_all(const uint8_t *bytes, uint32_t width,
                                const struct qn_boost_sides *sides, uint16_t *rows, uint32_t n,
                                uint16_t *scratch, struct qn_boost_ahead *ahead)
{
    for (uint32_t i = 0; i < n; i++)
        rows[i] = (uint16_t)i;
    return part(bytes, width, sides, rows, n, scratch, ahead);
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
