#include "jobs/learn/baseline.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "jobs/learn/fit_internal.h"
#include "jobs/learn/numeric.h"

/* --- where bins are cut ----------------------------------------------------------------------- */

static uint32_t count_distinct(const double *values, uint32_t n, uint32_t most)
{
    uint32_t distinct = n > 0;
    for (uint32_t i = 1; i < n && distinct <= most; i++)
        distinct += values[i] != values[i - 1];
    return distinct;
}

/* What lies between the value at `at` and the next higher one. */
static double above(const double *values, uint32_t n, uint32_t at)
{
    double value = values[at];
    while (at < n && values[at] == value)
        at++;
    if (at == n)
        return nextafter(value, HUGE_VAL);
    double middle = value + (values[at] - value) / 2;
    return middle > value ? middle : values[at];
}

/* Adds an edge, unless it is there or below. */
static uint32_t cut_at(double edge, double *edges, uint32_t n)
{
    if (n && edge <= edges[n - 1])
        return n;
    edges[n] = edge;
    return n + 1;
}

uint32_t qn_baseline_cut(const double *values, uint32_t n, double edges[QN_BASELINE_EDGES])
{
    bool few = count_distinct(values, n, QN_BASELINE_RANGES) <= QN_BASELINE_RANGES;
    uint32_t n_edges = 0;
    for (uint32_t i = 0; few && i < n; i++)
        if (i == 0 || values[i] != values[i - 1])
            n_edges = cut_at(values[i], edges, n_edges);
    if (few && n)
        return cut_at(above(values, n, n - 1), edges, n_edges);
    for (uint32_t k = 0; k < QN_BASELINE_RANGES && n; k++) {
        uint32_t at = (uint32_t)((uint64_t)n * k / QN_BASELINE_RANGES);
        uint32_t next = (uint32_t)((uint64_t)n * (k + 1) / QN_BASELINE_RANGES) - 1;
        bool heavy = values[at] == values[next];
        if (k || heavy)
            n_edges = cut_at(values[at], edges, n_edges);
        if (heavy)
            n_edges = cut_at(above(values, n, at), edges, n_edges);
    }
    return n_edges;
}

/* --- from a fit ------------------------------------------------------------------------------- */

static qn_code cut_numbers(struct qn_sample *sample, struct qn_arena *arena,
                           struct qn_baseline_feature *out, struct qn_err *err)
{
    QN_TRY(qn_sample_sort(sample, err));
    uint32_t n = sample->n;
    double *values = malloc((n + (size_t)1) * sizeof *values);
    out->edges = QN_NEW_ARRAY(arena, double, QN_BASELINE_EDGES);
    if (!values || !out->edges) {
        free(values);
        return qn_err_nomem(err, "a baseline");
    }
    for (uint32_t i = 0; i < n; i++)
        values[i] = sample->items[i].value;
    out->n = qn_baseline_cut(values, n, out->edges);
    free(values);
    return QN_OK;
}

static int by_text(const void *a, const void *b)
{
    return qn_strv_cmp(*(const struct qn_strv *)a, *(const struct qn_strv *)b);
}

static int by_rows(const void *a, const void *b)
{
    const struct qn_dict_entry *x = *(const struct qn_dict_entry *const *)a;
    const struct qn_dict_entry *y = *(const struct qn_dict_entry *const *)b;
    uint64_t rows = x->rows[0] + x->rows[1], others = y->rows[0] + y->rows[1];
    return rows != others ? (rows < others ? 1 : -1) : qn_strv_cmp(x->text, y->text);
}

static qn_code take_texts(const struct qn_dict_entry **entries, uint32_t n, struct qn_arena *arena,
                          struct qn_baseline_feature *out, struct qn_err *err)
{
    out->n = n < QN_BASELINE_CATEGORIES ? n : QN_BASELINE_CATEGORIES;
    out->categories = QN_NEW_ARRAY(arena, struct qn_strv, out->n);
    if (!out->categories)
        return qn_err_nomem(err, "a baseline");
    for (uint32_t i = 0; i < out->n; i++) {
        struct qn_strv text = entries[i]->text;
        out->categories[i] = (struct qn_strv){qn_arena_strdup(arena, text), text.len};
        if (!out->categories[i].data)
            return qn_err_nomem(err, "a baseline");
    }
    qsort(out->categories, out->n, sizeof *out->categories, by_text);
    return QN_OK;
}

static qn_code pick_categories(const struct qn_dict *dict, struct qn_arena *arena,
                               struct qn_baseline_feature *out, struct qn_err *err)
{
    const struct qn_dict_entry **entries = malloc((dict->n + (size_t)1) * sizeof(void *));
    uint32_t n = 0;
    if (!entries)
        return qn_err_nomem(err, "a baseline");
    for (uint32_t i = 0; i < dict->n; i++)
        if (dict->entries[i].rows[0] + dict->entries[i].rows[1])
            entries[n++] = &dict->entries[i];
    qsort(entries, n, sizeof(void *), by_rows);
    qn_code code = take_texts(entries, n, arena, out, err);
    free((void *)entries);
    return code;
}

/* Places of the bins, once what they are is known. */
static qn_code lay_out(struct qn_baseline *baseline, struct qn_arena *arena, struct qn_err *err)
{
    baseline->n_bins = 0;
    for (uint32_t f = 0; f < baseline->n_features; f++) {
        struct qn_baseline_feature *feature = &baseline->features[f];
        feature->first = baseline->n_bins;
        feature->n_bins = feature->n + 2;
        baseline->n_bins += feature->n_bins;
    }
    baseline->rows = QN_NEW_ARRAY(arena, uint64_t, baseline->n_bins);
    return baseline->rows ? QN_OK : qn_err_nomem(err, "a baseline");
}

qn_code qn_baseline_of_fit(struct qn_fit *fit, struct qn_arena *arena, struct qn_baseline *out,
                           struct qn_err *err)
{
    const struct qn_prepare_plan *plan = fit->plan;
    *out = (struct qn_baseline){
        .features = QN_NEW_ARRAY(arena, struct qn_baseline_feature, plan->n_features),
        .n_features = plan->n_features};
    if (!out->features)
        return qn_err_nomem(err, "a baseline");
    for (uint32_t f = 0; f < plan->n_features; f++) {
        struct qn_baseline_feature *feature = &out->features[f];
        feature->name = qn_arena_strdup(arena, qn_strv_from(plan->features[f].name));
        feature->categorical = plan->features[f].categorical;
        if (!feature->name)
            return qn_err_nomem(err, "a baseline");
        if (feature->categorical)
            QN_TRY(pick_categories(&fit->features[f].dict, arena, feature, err));
        else
            QN_TRY(cut_numbers(&fit->features[f].sample, arena, feature, err));
    }
    return lay_out(out, arena, err);
}

/* --- counting --------------------------------------------------------------------------------- */

static qn_code count_numbers(const struct qn_baseline_feature *feature,
                             const struct qn_column *column, const uint32_t *rows, uint32_t n,
                             uint64_t *counts, struct qn_err *err)
{
    enum { BLOCK = 256 };
    double values[BLOCK];
    uint32_t bins[BLOCK];
    for (uint32_t begin = 0; begin < n; begin += BLOCK) {
        uint32_t some = n - begin < BLOCK ? n - begin : BLOCK;
        QN_TRY(qn_numeric_take(column, feature->name, rows + begin, some, values, err));
        for (uint32_t i = 0; i < some; i++)
            bins[i] = values[i] == values[i] ? 0 : feature->n + 1;
        for (uint32_t e = 0; e < feature->n; e++)
            for (uint32_t i = 0; i < some; i++)
                bins[i] += values[i] >= feature->edges[e];
        for (uint32_t i = 0; i < some; i++)
            counts[bins[i]]++;
    }
    return QN_OK;
}

static uint32_t find_category(const struct qn_baseline_feature *feature, struct qn_strv text)
{
    uint32_t first = 0, end = feature->n;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        int order = qn_strv_cmp(feature->categories[middle], text);
        if (order == 0)
            return middle;
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    return feature->n;
}

static void count_texts(const struct qn_baseline_feature *feature, const struct qn_column *column,
                        const uint32_t *rows, uint32_t n, uint64_t *counts)
{
    for (uint32_t i = 0; i < n; i++)
        counts[qn_is_valid(column, rows[i]) ? find_category(feature, qn_text_at(column, rows[i]))
                                            : feature->n + 1]++;
}

qn_code qn_baseline_count(const struct qn_baseline *baseline,
                          const struct qn_column *const *columns, const uint32_t *rows, uint32_t n,
                          uint64_t *counts, struct qn_err *err)
{
    for (uint32_t f = 0; f < baseline->n_features; f++) {
        const struct qn_baseline_feature *feature = &baseline->features[f];
        if (!columns[f])
            continue;
        if (feature->categorical)
            count_texts(feature, columns[f], rows, n, counts + feature->first);
        else
            QN_TRY(count_numbers(feature, columns[f], rows, n, counts + feature->first, err));
    }
    return QN_OK;
}

/* --- bytes ------------------------------------------------------------------------------------ */

void qn_baseline_pack(struct qn_buf *out, const struct qn_baseline *baseline)
{
    qn_buf_put_u32(out, baseline->n_features);
    for (uint32_t f = 0; f < baseline->n_features; f++) {
        const struct qn_baseline_feature *feature = &baseline->features[f];
        qn_buf_put_str(out, qn_strv_from(feature->name));
        qn_buf_put_u8(out, feature->categorical);
        qn_buf_put_u32(out, feature->n);
        for (uint32_t i = 0; i < feature->n; i++)
            if (feature->categorical)
                qn_buf_put_str(out, feature->categories[i]);
            else
                qn_buf_put_f64(out, feature->edges[i]);
    }
    for (uint32_t i = 0; i < baseline->n_bins; i++)
        qn_buf_put_u64(out, baseline->rows[i]);
}

/* Whether bins follow one another. */
static bool is_sound(const struct qn_baseline_feature *feature)
{
    for (uint32_t i = 0; i < feature->n; i++) {
        if (!feature->categorical && !isfinite(feature->edges[i]))
            return false;
        if (i == 0)
            continue;
        if (feature->categorical
                ? qn_strv_cmp(feature->categories[i - 1], feature->categories[i]) >= 0
                : feature->edges[i - 1] >= feature->edges[i])
            return false;
    }
    return feature->n <= (feature->categorical ? QN_BASELINE_CATEGORIES : QN_BASELINE_EDGES);
}

static qn_code unpack_feature(struct qn_unpack *in, struct qn_arena *arena,
                              struct qn_baseline_feature *out, struct qn_err *err)
{
    out->name = qn_arena_strdup(arena, qn_unpack_str(in));
    uint8_t categorical = qn_unpack_u8(in);
    out->categorical = categorical == 1;
    out->n = qn_unpack_count(in, out->categorical ? 4 : 8);
    out->edges = QN_NEW_ARRAY(arena, double, out->categorical ? 0 : out->n);
    out->categories = QN_NEW_ARRAY(arena, struct qn_strv, out->categorical ? out->n : 0);
    if (!out->name || !out->edges || !out->categories)
        return qn_err_nomem(err, "a baseline");
    for (uint32_t i = 0; i < out->n; i++) {
        if (!out->categorical) {
            out->edges[i] = qn_unpack_f64(in);
            continue;
        }
        struct qn_strv text = qn_unpack_str(in);
        out->categories[i] = (struct qn_strv){qn_arena_strdup(arena, text), text.len};
        if (!out->categories[i].data)
            return qn_err_nomem(err, "a baseline");
    }
    in->failed |= categorical > 1 || (!in->failed && !is_sound(out));
    return QN_OK;
}

qn_code qn_baseline_unpack(struct qn_unpack *in, struct qn_arena *arena, struct qn_baseline *out,
                           struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, 9);
    *out = (struct qn_baseline){.features = QN_NEW_ARRAY(arena, struct qn_baseline_feature, n)};
    if (!out->features)
        return qn_err_nomem(err, "a baseline");
    for (; out->n_features < n && !in->failed; out->n_features++)
        QN_TRY(unpack_feature(in, arena, &out->features[out->n_features], err));
    if (in->failed)
        return QN_OK;
    QN_TRY(lay_out(out, arena, err));
    for (uint32_t i = 0; i < out->n_bins; i++) {
        out->rows[i] = qn_unpack_u64(in);
        in->failed |= out->rows[i] > UINT64_C(1) << 56;
    }
    return QN_OK;
}

qn_code qn_baseline_merge(struct qn_baseline *baseline, struct qn_unpack *in,
                          struct qn_arena *arena, struct qn_err *err)
{
    struct qn_arena spare;
    struct qn_baseline more;
    if (!baseline->features)
        return qn_baseline_unpack(in, arena, baseline, err);
    qn_arena_init(&spare);
    qn_code code = qn_baseline_unpack(in, &spare, &more, err);
    in->failed |= code == QN_OK && more.n_bins != baseline->n_bins;
    for (uint32_t i = 0; code == QN_OK && !in->failed && i < baseline->n_bins; i++)
        baseline->rows[i] += more.rows[i];
    qn_arena_fini(&spare);
    return code;
}
