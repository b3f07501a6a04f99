#include "jobs/learn/swarm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOWEST_EXPONENT = -900,
    HIGHEST_EXPONENT = 900,
    SIDE_BITS = 8, /* of QN_SWARM_SIDE */
    N_LEVELS = QN_SWARM_LEVELS + 1
};

qn_code qn_swarm_init(struct qn_swarm *swarm, uint32_t n_features, struct qn_err *err)
{
    *swarm = (struct qn_swarm){.n_features = n_features};
    swarm->sizes = calloc(n_features + (size_t)1, sizeof *swarm->sizes);
    swarm->cells = calloc(n_features + (size_t)1, QN_SWARM_CELLS * sizeof *swarm->cells);
    swarm->exponents = calloc(n_features + (size_t)1, sizeof *swarm->exponents);
    if (!swarm->sizes || !swarm->cells || !swarm->exponents)
        return qn_err_nomem(err, "contributions");
    for (uint32_t f = 0; f < n_features; f++) {
        qn_exact_init(&swarm->sizes[f]);
        swarm->exponents[f] = LOWEST_EXPONENT;
    }
    return QN_OK;
}

void qn_swarm_fini(struct qn_swarm *swarm)
{
    free(swarm->sizes);
    free(swarm->cells);
    free(swarm->exponents);
    *swarm = (struct qn_swarm){0};
}

/* --- bins ------------------------------------------------------------------------------------ */

/* The least exponent for which a contribution lies within the bins. */
static int32_t exponent_of(double size)
{
    int exponent;
    if (!(size > 0) || !isfinite(size))
        return LOWEST_EXPONENT;
    (void)frexp(size, &exponent); /* size < 2^exponent */
    exponent -= SIDE_BITS;
    return exponent < LOWEST_EXPONENT    ? LOWEST_EXPONENT
           : exponent > HIGHEST_EXPONENT ? HIGHEST_EXPONENT
                                         : exponent;
}

static int bin_of(double part, int32_t exponent)
{
    double bin = floor(ldexp(part, -exponent));
    return bin >= QN_SWARM_SIDE    ? QN_SWARM_SIDE - 1
           : bin >= -QN_SWARM_SIDE ? (int)bin
                                   : -QN_SWARM_SIDE; /* NaN, which no model says */
}

/* Half the bins, rounding down, as often as `shift` says. */
static int wider_bin(int bin, int32_t shift)
{
    if (shift > SIDE_BITS)
        return bin < 0 ? -1 : 0;
    return (bin + QN_SWARM_SIDE) / (1 << shift) - (QN_SWARM_SIDE >> shift);
}

static uint32_t *cell(const struct qn_swarm *swarm, uint32_t feature, int bin, uint32_t level)
{
    return &swarm->cells[(size_t)feature * QN_SWARM_CELLS +
                         (size_t)(bin + QN_SWARM_SIDE) * N_LEVELS + level];
}

static void widen(struct qn_swarm *swarm, uint32_t feature, int32_t exponent)
{
    int32_t shift = exponent - swarm->exponents[feature];
    uint32_t *cells = swarm->cells + (size_t)feature * QN_SWARM_CELLS;
    uint32_t before[QN_SWARM_CELLS];
    if (shift <= 0)
        return;
    memcpy(before, cells, sizeof before);
    memset(cells, 0, sizeof before);
    for (uint32_t i = 0; i < QN_SWARM_CELLS; i++)
        if (before[i])
            *cell(swarm, feature, wider_bin((int)(i / N_LEVELS) - QN_SWARM_SIDE, shift),
                  i % N_LEVELS) += before[i];
    swarm->exponents[feature] = exponent;
}

void qn_swarm_add(struct qn_swarm *swarm, const double *parts, uint32_t n, const uint8_t *levels,
                  size_t stride)
{
    size_t width = (size_t)swarm->n_features + 1;
    for (uint32_t f = 0; f < swarm->n_features; f++) {
        double most = 0;
        for (uint32_t i = 0; i < n; i++)
            most = fmax(most, fabs(parts[i * width + f]));
        widen(swarm, f, exponent_of(most));
        for (uint32_t i = 0; i < n; i++) {
            double part = parts[i * width + f];
            qn_exact_add(&swarm->sizes[f], fabs(part));
            *cell(swarm, f, bin_of(part, swarm->exponents[f]), levels[f * stride + i]) += 1;
        }
    }
    swarm->rows += n;
}

double qn_swarm_mean(const struct qn_swarm *swarm, uint32_t feature)
{
    return swarm->rows ? qn_exact_round(&swarm->sizes[feature]) / (double)swarm->rows : (double)NAN;
}

/* --- bytes ----------------------------------------------------------------------------------- */

/* u32 features | u64 rows | of each feature: i64 exponent | the sum | u32 cells with rows, and
 * each: u32 which, u32 rows. */
void qn_swarm_pack(struct qn_buf *out, const struct qn_swarm *swarm)
{
    qn_buf_put_u32(out, swarm->n_features);
    qn_buf_put_u64(out, swarm->rows);
    for (uint32_t f = 0; f < swarm->n_features; f++) {
        const uint32_t *cells = swarm->cells + (size_t)f * QN_SWARM_CELLS;
        uint32_t n = 0;
        for (uint32_t i = 0; i < QN_SWARM_CELLS; i++)
            n += cells[i] != 0;
        qn_buf_put_i64(out, swarm->exponents[f]);
        qn_exact_pack(out, &swarm->sizes[f]);
        qn_buf_put_u32(out, n);
        for (uint32_t i = 0; i < QN_SWARM_CELLS; i++)
            if (cells[i]) {
                qn_buf_put_u32(out, i);
                qn_buf_put_u32(out, cells[i]);
            }
    }
}

static void merge_feature(struct qn_swarm *swarm, uint32_t feature, uint64_t rows,
                          struct qn_unpack *in)
{
    int64_t exponent = qn_unpack_i64(in);
    struct qn_exact_sum sum;
    qn_exact_unpack(in, &sum);
    uint32_t n = qn_unpack_count(in, 8);
    in->failed |= exponent < LOWEST_EXPONENT || exponent > HIGHEST_EXPONENT;
    if (in->failed)
        return;
    qn_exact_merge(&swarm->sizes[feature], &sum);
    widen(swarm, feature, (int32_t)exponent);
    int32_t shift = swarm->exponents[feature] - (int32_t)exponent;
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        uint32_t at = qn_unpack_u32(in), here = qn_unpack_u32(in);
        in->failed |= at >= QN_SWARM_CELLS || here > rows;
        if (in->failed)
            return;
        rows -= here;
        *cell(swarm, feature, wider_bin((int)(at / N_LEVELS) - QN_SWARM_SIDE, shift),
              at % N_LEVELS) += here;
    }
    in->failed |= rows != 0;
}

void qn_swarm_merge(struct qn_swarm *swarm, struct qn_unpack *in)
{
    uint32_t n = qn_unpack_u32(in);
    uint64_t rows = qn_unpack_u64(in);
    in->failed |= n != swarm->n_features || rows > UINT32_MAX || rows + swarm->rows > UINT32_MAX;
    if (in->failed)
        return;
    for (uint32_t f = 0; f < n && !in->failed; f++)
        merge_feature(swarm, f, rows, in);
    swarm->rows += rows;
}

/* --- levels ---------------------------------------------------------------------------------- */

struct placed {
    double value;
    uint32_t row;
};

static int by_value(const void *a, const void *b)
{
    double x = ((const struct placed *)a)->value, y = ((const struct placed *)b)->value;
    return (x > y) - (x < y);
}

qn_code qn_swarm_levels(const double *values, uint32_t n, uint8_t *out, struct qn_err *err)
{
    struct placed *placed = malloc((n + (size_t)1) * sizeof *placed);
    uint32_t there = 0;
    if (!placed)
        return qn_err_nomem(err, "contributions");
    for (uint32_t i = 0; i < n; i++) {
        out[i] = QN_SWARM_NO_LEVEL;
        if (!isnan(values[i]))
            placed[there++] = (struct placed){values[i], i};
    }
    qsort(placed, there, sizeof *placed, by_value);
    /* Twice the middle rank of the lowest, and from there to the highest. */
    uint64_t low = 0, span = 0;
    for (uint32_t begin = 0, end; begin < there; begin = end) {
        for (end = begin; end < there && placed[end].value == placed[begin].value;)
            end++;
        low = begin ? low : end - 1;
        span = (uint64_t)begin + end - 1 - low;
    }
    for (uint32_t begin = 0, end; begin < there; begin = end) {
        for (end = begin; end < there && placed[end].value == placed[begin].value;)
            end++;
        uint64_t rank = (uint64_t)begin + end - 1 - low, most = QN_SWARM_LEVELS - 1;
        uint64_t level = span ? (2 * rank * most + span) / (2 * span) : most / 2;
        for (uint32_t i = begin; i < end; i++)
            out[placed[i].row] = (uint8_t)level;
    }
    free(placed);
    return QN_OK;
}
