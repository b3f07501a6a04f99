#include "jobs/learn/bins.h"

#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "jobs/learn/numeric.h"

void qn_bins_init(struct qn_bins *bins)
{
    *bins = (struct qn_bins){0};
    qn_arena_init(&bins->arena);
}

void qn_bins_fini(struct qn_bins *bins)
{
    qn_arena_fini(&bins->arena);
    qn_bins_init(bins);
}

/* --- columns --------------------------------------------------------------------------------- */

/* The first column with room for the feature's codes. */
static uint32_t column_for(struct qn_bins *bins, uint32_t n_codes)
{
    uint32_t c = 0;
    while (c < bins->n_columns && bins->column_codes[c] * n_codes > QN_BIN_CODES)
        c++;
    if (c == bins->n_columns)
        bins->column_codes[bins->n_columns++] = 1;
    return c;
}

/* New columns for the pages of a feature from `page` on. */
static void add_pages(struct qn_bins *bins, struct qn_bin_feature *feature, uint32_t page)
{
    uint32_t n = qn_bin_pages(feature);
    feature->more = bins->n_columns + !page;
    for (; page < n; page++)
        bins->column_codes[bins->n_columns++] = qn_bin_page_codes(feature, page);
}

/* Widest first, so that the narrow ones fill what is left: by counting, in the features' order. */
static void deal(struct qn_bins *bins)
{
    for (uint32_t f = 0; f < bins->n_features; f++) {
        struct qn_bin_feature *feature = &bins->features[f];
        if (feature->n_codes <= QN_BIN_CODES)
            continue;
        feature->column = bins->n_columns;
        feature->factor = 1;
        add_pages(bins, feature, 0);
    }
    for (uint32_t n_codes = QN_BIN_CODES; n_codes >= 1; n_codes--)
        for (uint32_t f = 0; f < bins->n_features; f++) {
            struct qn_bin_feature *feature = &bins->features[f];
            if (feature->n_codes != n_codes)
                continue;
            feature->column = column_for(bins, n_codes);
            feature->factor = bins->column_codes[feature->column];
            bins->column_codes[feature->column] *= n_codes;
        }
}

static void deal_apart(struct qn_bins *bins)
{
    for (uint32_t f = 0; f < bins->n_features; f++) {
        bins->features[f].column = f;
        bins->features[f].factor = 1;
        bins->column_codes[f] = qn_bin_page_codes(&bins->features[f], 0);
    }
    bins->n_columns = bins->n_features;
    for (uint32_t f = 0; f < bins->n_features; f++)
        add_pages(bins, &bins->features[f], 1);
}

qn_code qn_bins_lay_out(struct qn_bins *bins, bool apart, struct qn_err *err)
{
    uint32_t most = 1;
    for (uint32_t f = 0; f < bins->n_features; f++)
        most += qn_bin_pages(&bins->features[f]);
    bins->column_codes = QN_NEW_ARRAY(&bins->arena, uint32_t, most);
    bins->column_first = QN_NEW_ARRAY(&bins->arena, uint32_t, most);
    if (!bins->column_codes || !bins->column_first)
        return qn_err_nomem(err, "bins");
    bins->n_columns = bins->n_cells = bins->n_column_cells = 0;
    if (apart)
        deal_apart(bins);
    else
        deal(bins);
    for (uint32_t f = 0; f < bins->n_features; f++) {
        bins->features[f].first = bins->n_cells;
        bins->n_cells += bins->features[f].n_codes;
    }
    for (uint32_t c = 0; c < bins->n_columns; c++) {
        bins->column_first[c] = bins->n_column_cells;
        bins->n_column_cells += bins->column_codes[c];
    }
    return QN_OK;
}

/* --- soundness ------------------------------------------------------------------------------- */

static bool type_is_sound(struct qn_type type)
{
    return type.id >= QN_BOOL && type.id <= QN_TIMESTAMP &&
           type.precision <= QN_DECIMAL_MAX_PRECISION && type.scale <= type.precision;
}

static bool numeric_is_sound(const struct qn_bin_feature *feature)
{
    for (uint32_t i = 0; i + 2 < feature->n_codes; i++) {
        double bound = feature->bounds[i];
        if (!isfinite(bound) || (i && !(feature->bounds[i - 1] < bound)))
            return false;
    }
    return feature->type.id != QN_TEXT;
}

static int by_text(const void *a, const void *b)
{
    return qn_strv_cmp(*(const struct qn_strv *)a, *(const struct qn_strv *)b);
}

static bool categories_are_sound(const struct qn_bin_feature *feature)
{
    struct qn_strv sorted[QN_BIN_MOST_CODES];
    uint32_t n = feature->n_codes - 1;
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = feature->categories[i];
    qsort(sorted, n, sizeof *sorted, by_text);
    for (uint32_t i = 1; i < n; i++)
        if (qn_strv_eq(sorted[i - 1], sorted[i]))
            return false;
    return feature->type.id == QN_TEXT;
}

bool qn_bins_are_sound(const struct qn_bins *bins)
{
    for (uint32_t f = 0; f < bins->n_features; f++) {
        const struct qn_bin_feature *feature = &bins->features[f];
        uint32_t most = feature->categorical ? QN_BIN_MOST_CODES : QN_BIN_CODES;
        if (feature->n_codes < 1 || feature->n_codes > most || feature->missing > feature->rows ||
            !type_is_sound(feature->type))
            return false;
        if (!(feature->categorical ? categories_are_sound(feature) : numeric_is_sound(feature)))
            return false;
    }
    return true;
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void pack_feature(struct qn_buf *out, const struct qn_bin_feature *feature)
{
    qn_buf_put_str(out, qn_strv_from(feature->name));
    qn_buf_put_u8(out, (uint8_t)feature->type.id);
    qn_buf_put_u8(out, feature->type.precision);
    qn_buf_put_u8(out, feature->type.scale);
    qn_buf_put_u8(out, feature->categorical);
    qn_buf_put_u8(out, feature->refuse_unknown);
    qn_buf_put_u64(out, feature->rows);
    qn_buf_put_u64(out, feature->missing);
    qn_buf_put_u32(out, feature->n_codes);
    for (uint32_t i = 0; feature->categorical && i + 1 < feature->n_codes; i++)
        qn_buf_put_str(out, feature->categories[i]);
    for (uint32_t i = 0; !feature->categorical && i + 2 < feature->n_codes; i++)
        qn_buf_put_f64(out, feature->bounds[i]);
}

void qn_bins_pack(struct qn_buf *out, const struct qn_bins *bins)
{
    qn_buf_put_u64(out, bins->rows[0]);
    qn_buf_put_u64(out, bins->rows[1]);
    qn_buf_put_u32(out, bins->n_features);
    for (uint32_t f = 0; f < bins->n_features; f++)
        pack_feature(out, &bins->features[f]);
}

static struct qn_strv copy_text(struct qn_arena *arena, struct qn_strv text, bool *no_memory)
{
    const char *copy = qn_arena_strdup(arena, text);
    *no_memory |= !copy;
    return (struct qn_strv){copy ? copy : "", copy ? text.len : 0};
}

static void unpack_feature(struct qn_unpack *in, struct qn_arena *arena,
                           struct qn_bin_feature *feature, bool *no_memory)
{
    feature->name = copy_text(arena, qn_unpack_str(in), no_memory).data;
    feature->type.id = qn_unpack_u8(in);
    feature->type.precision = qn_unpack_u8(in);
    feature->type.scale = qn_unpack_u8(in);
    uint8_t categorical = qn_unpack_u8(in), refuse_unknown = qn_unpack_u8(in);
    feature->categorical = categorical;
    feature->refuse_unknown = refuse_unknown;
    feature->rows = qn_unpack_u64(in);
    feature->missing = qn_unpack_u64(in);
    feature->n_codes = qn_unpack_u32(in);
    in->failed |= categorical > 1 || refuse_unknown > 1 || feature->n_codes < 1 ||
                  feature->n_codes > (categorical ? QN_BIN_MOST_CODES : QN_BIN_CODES);
    if (in->failed)
        return;
    if (categorical)
        feature->categories = QN_NEW_ARRAY(arena, struct qn_strv, feature->n_codes);
    else
        feature->bounds = QN_NEW_ARRAY(arena, double, feature->n_codes);
    *no_memory |= categorical ? !feature->categories : !feature->bounds;
    for (uint32_t i = 0; categorical && !*no_memory && i + 1 < feature->n_codes; i++)
        feature->categories[i] = copy_text(arena, qn_unpack_str(in), no_memory);
    for (uint32_t i = 0; !categorical && !*no_memory && i + 2 < feature->n_codes; i++)
        feature->bounds[i] = qn_unpack_f64(in);
}

qn_code qn_bins_unpack(struct qn_strv bytes, struct qn_bins *bins, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    bool no_memory = false;
    bins->rows[0] = qn_unpack_u64(&in);
    bins->rows[1] = qn_unpack_u64(&in);
    bins->n_features = qn_unpack_count(&in, 26);
    in.failed |= bins->n_features > QN_MAX_COLUMNS;
    if (in.failed)
        bins->n_features = 0;
    bins->features = QN_NEW_ARRAY(&bins->arena, struct qn_bin_feature, bins->n_features);
    no_memory |= !bins->features;
    for (uint32_t f = 0; f < bins->n_features && !in.failed && !no_memory; f++)
        unpack_feature(&in, &bins->arena, &bins->features[f], &no_memory);
    if (no_memory)
        return qn_err_nomem(err, "bins");
    in.failed = in.failed || !qn_bins_are_sound(bins);
    QN_TRY(qn_unpack_end(&in, "bins", err));
    return qn_bins_lay_out(bins, false, err);
}

/* --- rows ------------------------------------------------------------------------------------ */

qn_code qn_binner_init(struct qn_binner *binner, const struct qn_bins *bins, struct qn_err *err)
{
    *binner = (struct qn_binner){.bins = bins};
    binner->categories = calloc(bins->n_features + 1, sizeof *binner->categories);
    if (!binner->categories)
        return qn_err_nomem(err, "a binner");
    for (uint32_t f = 0; f < bins->n_features; f++) {
        const struct qn_bin_feature *feature = &bins->features[f];
        if (!feature->categorical)
            continue;
        QN_TRY(qn_categories_init(&binner->categories[f], feature->name, feature->categories,
                                  feature->n_codes - 1, err));
        binner->categories[f].refuse_unknown = feature->refuse_unknown;
    }
    return QN_OK;
}

void qn_binner_fini(struct qn_binner *binner)
{
    for (uint32_t f = 0; binner->categories && f < binner->bins->n_features; f++)
        if (binner->bins->features[f].categorical)
            qn_categories_fini(&binner->categories[f]);
    free(binner->categories);
    free(binner->scratch);
    *binner = (struct qn_binner){0};
}

/* Values whose codes are looked for at the same time: each step waits for the one before it, and so
 * others have their turn meanwhile. */
enum { AT_ONCE = 8 };

/* Bounds below each value, plus one; without branches, for values come in any order. */
static inline void find_codes(const struct qn_bin_feature *feature, const double x[AT_ONCE],
                              uint32_t codes[AT_ONCE])
{
    const double *at[AT_ONCE];
    uint32_t n = feature->n_codes - 2;
    for (int k = 0; k < AT_ONCE; k++)
        at[k] = feature->bounds;
    while (n > 1) {
        uint32_t half = n / 2;
        for (int k = 0; k < AT_ONCE; k++)
            at[k] += half & (0 - (uint32_t)(at[k][half - 1] < x[k]));
        n -= half;
    }
    for (int k = 0; k < AT_ONCE; k++)
        codes[k] = 1 + (uint32_t)(at[k] - feature->bounds) + (n == 1 && *at[k] < x[k]);
}

static void take_numbers(const struct qn_bin_feature *feature, uint32_t width, const double *values,
                         uint32_t n, uint8_t *out)
{
    out += feature->column;
    double zero = feature->zero_missing ? QN_BIN_ZERO : -1;
    if (feature->n_codes < 2) /* training saw no value: there is nothing to tell apart */
        return;
    for (uint32_t i = 0; i < n; i += AT_ONCE) {
        double x[AT_ONCE] = {0};
        uint32_t codes[AT_ONCE], some = n - i < AT_ONCE ? n - i : AT_ONCE;
        memcpy(x, values + i, some * sizeof *x);
        find_codes(feature, x, codes);
        for (uint32_t k = 0; k < some; k++, out += width) {
            bool there = x[k] == x[k] && !(fabs(x[k]) <= zero);
            *out = (uint8_t)(*out + (there ? codes[k] : 0) * feature->factor);
        }
    }
}

static void put_pages(const struct qn_bin_feature *feature, const uint32_t *found, uint32_t width,
                      uint32_t n, uint8_t *out)
{
    for (uint32_t i = 0; i < n; i++, out += width) {
        if (found[i] == QN_DICT_NONE)
            continue;
        uint8_t *byte = out + qn_bin_column(feature, found[i] / QN_BIN_PAGE);
        *byte = (uint8_t)(*byte + found[i] % QN_BIN_PAGE + 1);
    }
}

static qn_code take_texts(const struct qn_bin_feature *feature, struct qn_categories *categories,
                          uint32_t width, const struct qn_column *column, const uint32_t *rows,
                          uint32_t n, uint8_t *out, struct qn_err *err)
{
    const uint32_t *found;
    QN_TRY(qn_categories_find(categories, column, rows, n, (struct qn_strv){0}, &found, err));
    if (feature->n_codes > QN_BIN_CODES) {
        put_pages(feature, found, width, n, out);
        return QN_OK;
    }
    out += feature->column;
    for (uint32_t i = 0; i < n; i++, out += width)
        *out = (uint8_t)(*out + (found[i] + 1) * feature->factor); /* NONE + 1 is 0 */
    return QN_OK;
}

qn_code qn_binner_take(struct qn_binner *binner, const struct qn_column *const *columns,
                       const uint32_t *rows, uint32_t n, uint8_t *out, struct qn_err *err)
{
    const struct qn_bins *bins = binner->bins;
    if (n > binner->scratch_rows) {
        double *scratch = realloc(binner->scratch, n * sizeof *scratch);
        if (!scratch)
            return qn_err_nomem(err, "a binner");
        binner->scratch = scratch;
        binner->scratch_rows = n;
    }
    memset(out, 0, (size_t)n * bins->n_columns);
    for (uint32_t f = 0; f < bins->n_features; f++) {
        const struct qn_bin_feature *feature = &bins->features[f];
        if (feature->categorical) {
            QN_TRY(take_texts(feature, &binner->categories[f], bins->n_columns, columns[f], rows, n,
                              out, err));
        } else {
            QN_TRY(qn_numeric_take(columns[f], feature->name, rows, n, binner->scratch, err));
            take_numbers(feature, bins->n_columns, binner->scratch, n, out);
        }
    }
    return QN_OK;
}
