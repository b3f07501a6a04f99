#include "jobs/learn/histogram.h"

#include <stdlib.h>

#include "jobs/learn/boost_kernels.h"

qn_code qn_histogram_init(struct qn_histogram *histogram, uint32_t n_cells, struct qn_err *err)
{
    *histogram = (struct qn_histogram){.n_cells = n_cells};
    histogram->cells = calloc(n_cells ? n_cells : 1, sizeof *histogram->cells);
    return histogram->cells ? QN_OK : qn_err_nomem(err, "a histogram");
}

void qn_histogram_fini(struct qn_histogram *histogram)
{
    free(histogram->cells);
    *histogram = (struct qn_histogram){0};
}

/* --- from rows ------------------------------------------------------------------------------- */

/* The sums of a histogram that is being made. */
struct making {
    struct qn_histogram_slot *slots;
    struct qn_histogram_slot **columns; /* [n_columns]: into slots */
    uint32_t n_held;                    /* rows in them */
};

struct qn_histogram_maker {
    const struct qn_bins *bins;
    const struct qn_boost_kernels *kernels;
    struct making *makings;
    uint32_t n;
};

qn_code qn_histogram_maker_new(const struct qn_bins *bins, struct qn_histogram_maker **out,
                               struct qn_err *err)
{
    struct qn_histogram_maker *maker = calloc(1, sizeof *maker);
    *out = maker;
    if (!maker)
        return qn_err_nomem(err, "a histogram");
    maker->bins = bins;
    maker->kernels = qn_boost_kernels();
    return QN_OK;
}

void qn_histogram_maker_free(struct qn_histogram_maker *maker)
{
    if (!maker)
        return;
    for (uint32_t i = 0; i < maker->n; i++) {
        free(maker->makings[i].slots);
        free(maker->makings[i].columns);
    }
    free(maker->makings);
    free(maker);
}

static qn_code add_making(struct qn_histogram_maker *maker, struct qn_err *err)
{
    const struct qn_bins *bins = maker->bins;
    struct making *making = &maker->makings[maker->n++];
    *making = (struct making){.slots = calloc(bins->n_column_cells + 1, sizeof *making->slots),
                              .columns = calloc(bins->n_columns + 1, sizeof(void *))};
    if (!making->slots || !making->columns)
        return qn_err_nomem(err, "a histogram");
    for (uint32_t c = 0; c < bins->n_columns; c++)
        making->columns[c] = making->slots + bins->column_first[c];
    return QN_OK;
}

qn_code qn_histogram_maker_reserve(struct qn_histogram_maker *maker, uint32_t n, struct qn_err *err)
{
    if (n <= maker->n)
        return QN_OK;
    struct making *grown = realloc(maker->makings, n * sizeof *grown);
    if (!grown)
        return qn_err_nomem(err, "a histogram");
    maker->makings = grown;
    while (maker->n < n)
        QN_TRY(add_making(maker, err));
    return QN_OK;
}

void qn_histogram_maker_clear(struct qn_histogram_maker *maker)
{
    for (uint32_t i = 0; i < maker->n; i++)
        if (maker->makings[i].n_held) {
            memset(maker->makings[i].slots, 0,
                   maker->bins->n_column_cells * sizeof(struct qn_histogram_slot));
            maker->makings[i].n_held = 0;
        }
}

static inline struct qn_sums sums_of(struct qn_histogram_slot slot)
{
    return (struct qn_sums){slot.g, slot.nh & (QN_HISTOGRAM_ONE - 1), slot.nh / QN_HISTOGRAM_ONE};
}

/* Where the column is a page of the feature. Rows of the other pages count as missing in the first
 * one, until theirs take them away. */
static void spread_page(const struct qn_bins *bins, const struct qn_bin_feature *feature,
                        uint32_t column, const struct qn_histogram_slot *slots,
                        struct qn_sums *cells)
{
    uint32_t page = 0, n_pages = qn_bin_pages(feature);
    struct qn_sums *missing = &cells[QN_BIN_MISSING];
    while (page < n_pages && qn_bin_column(feature, page) != column)
        page++;
    for (uint32_t byte = 0; page < n_pages && byte < bins->column_codes[column]; byte++) {
        uint32_t code = qn_bin_code_in(feature, page, byte);
        struct qn_sums sums = sums_of(slots[byte]);
        if (page && code == QN_BIN_MISSING)
            continue;
        cells[code].g += sums.g;
        cells[code].h += sums.h;
        cells[code].n += sums.n;
        missing->g -= page ? sums.g : 0;
        missing->h -= page ? sums.h : 0;
        missing->n -= page ? sums.n : 0;
    }
}

/* Adds a column's slots to the cells of its features, and empties them. */
static void spread_column(const struct qn_bins *bins, struct making *making, uint32_t column,
                          struct qn_histogram *out)
{
    struct qn_histogram_slot *slots = making->columns[column];
    for (uint32_t f = 0; f < bins->n_features; f++) {
        const struct qn_bin_feature *feature = &bins->features[f];
        if (feature->n_codes > QN_BIN_CODES)
            spread_page(bins, feature, column, slots, out->cells + feature->first);
        if (feature->n_codes > QN_BIN_CODES || feature->column != column)
            continue;
        struct qn_sums *cells = out->cells + feature->first;
        uint32_t code = 0, repeated = 0;
        for (uint32_t byte = 0; byte < bins->column_codes[column]; byte++) {
            struct qn_sums sums = sums_of(slots[byte]);
            cells[code].g += sums.g;
            cells[code].h += sums.h;
            cells[code].n += sums.n;
            if (++repeated == feature->factor) {
                repeated = 0;
                code = code + 1 == feature->n_codes ? 0 : code + 1;
            }
        }
    }
    memset(slots, 0, bins->column_codes[column] * sizeof *slots);
}

void qn_histogram_drain(struct qn_histogram_maker *maker, uint32_t i, struct qn_histogram *out)
{
    struct making *making = &maker->makings[i];
    for (uint32_t c = 0; making->n_held && c < maker->bins->n_columns; c++)
        spread_column(maker->bins, making, c, out);
    making->n_held = 0;
}

void qn_histogram_add(struct qn_histogram_maker *maker, uint32_t i, const uint8_t *bytes,
                      const struct qn_gradient *gradients, const uint16_t *rows, uint32_t n,
                      struct qn_histogram *out)
{
    struct making *making = &maker->makings[i];
    if (n > QN_HISTOGRAM_BLOCK - making->n_held)
        qn_histogram_drain(maker, i, out);
    maker->kernels->add_rows(bytes, maker->bins->n_columns, gradients, rows, n, making->columns);
    making->n_held += n;
}

/* --- arithmetic ------------------------------------------------------------------------------ */

/* Modulo 2^64, as what comes from a peer may be anything. */
static int64_t add_wrapping(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

void qn_histogram_join(struct qn_histogram *all, const struct qn_histogram *more)
{
    for (uint32_t i = 0; i < all->n_cells; i++) {
        all->cells[i].g = add_wrapping(all->cells[i].g, more->cells[i].g);
        all->cells[i].h += more->cells[i].h;
        all->cells[i].n += more->cells[i].n;
    }
}

void qn_histogram_subtract(struct qn_histogram *all, const struct qn_histogram *part)
{
    for (uint32_t i = 0; i < all->n_cells; i++) {
        all->cells[i].g = (int64_t)((uint64_t)all->cells[i].g - (uint64_t)part->cells[i].g);
        all->cells[i].h -= part->cells[i].h;
        all->cells[i].n -= part->cells[i].n;
    }
}

struct qn_sums qn_histogram_total(const struct qn_histogram *histogram, const struct qn_bins *bins)
{
    struct qn_sums total = {0};
    for (uint32_t i = 0; bins->n_features && i < bins->features[0].n_codes; i++) {
        total.g = add_wrapping(total.g, histogram->cells[i].g);
        total.h += histogram->cells[i].h;
        total.n += histogram->cells[i].n;
    }
    return total;
}

/* --- bytes ----------------------------------------------------------------------------------- */

/* A bit a cell, then the sums of those that hold rows, as the machine has them: little-endian, as
 * all of the wire is. */
enum { CELL_BYTES = 20 };

void qn_histogram_pack(struct qn_buf *out, const struct qn_histogram *histogram)
{
    uint32_t n = histogram->n_cells, n_bytes = (n + 7) / 8;
    uint8_t *at = qn_buf_reserve(out, n_bytes + (size_t)n * sizeof(struct qn_sums));
    if (!at)
        return;
    uint8_t *bits = at;
    memset(bits, 0, n_bytes);
    at += n_bytes;
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_sums *cell = &histogram->cells[i];
        if (cell->n == 0)
            continue;
        uint32_t rows = (uint32_t)cell->n; /* of a chunk */
        bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << (i % 8));
        memcpy(at, &cell->g, 8);
        memcpy(at + 8, &cell->h, 8);
        memcpy(at + 16, &rows, 4);
        at += CELL_BYTES;
    }
    out->len += (size_t)(at - bits);
}

static uint32_t count_bits(const uint8_t *bits, uint32_t n_bytes)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_bytes; i++)
        n += (uint32_t)__builtin_popcount(bits[i]);
    return n;
}

void qn_histogram_merge(struct qn_histogram *histogram, struct qn_unpack *in)
{
    uint32_t n = histogram->n_cells, n_bytes = (n + 7) / 8;
    const uint8_t *bits = (const uint8_t *)qn_unpack_bytes(in, n_bytes).data;
    if (in->failed)
        return;
    if (n % 8 && bits[n_bytes - 1] >> (n % 8))
        in->failed = true; /* of no cell */
    size_t bytes = (size_t)count_bits(bits, n_bytes) * CELL_BYTES;
    const uint8_t *at = (const uint8_t *)qn_unpack_bytes(in, bytes).data;
    for (uint32_t i = 0; i < n && !in->failed; i++) {
        struct qn_sums *cell = &histogram->cells[i];
        int64_t g;
        uint64_t h;
        uint32_t rows;
        if (!(bits[i / 8] >> (i % 8) & 1))
            continue;
        memcpy(&g, at, 8);
        memcpy(&h, at + 8, 8);
        memcpy(&rows, at + 16, 4);
        at += CELL_BYTES;
        cell->g = add_wrapping(cell->g, g);
        cell->h += h;
        cell->n += rows;
    }
}
