#include "jobs/learn/fit.h"

#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "jobs/learn/fit_internal.h"
#include "jobs/learn/guard.h"
#include "jobs/learn/numeric.h"

enum {
    SAMPLE_ROWS = 200000,      /* below this medians are exact */
    SAMPLE_ROWS_ALL = 2000000, /* of all features together: 32 MB at the coordinator */
    SAMPLE_ROWS_LEAST = 20000,
    SAMPLE_ROWS_SPREAD = 5000, /* where no median is asked for: enough to cut a baseline's bins */
    ROWS_TO_JUDGE = 50,        /* with fewer rows anything may look like a leak */
    ENTITIES = 100,            /* a text of fewer values is no name of anybody, */
    ENTITY_ROWS = 12,          /* nor one with a value in more rows */
};

qn_code qn_fit_new(const struct qn_prepare_plan *plan, struct qn_fit **out, struct qn_err *err)
{
    struct qn_fit *fit = calloc(1, sizeof *fit);
    *out = fit;
    if (!fit)
        return qn_err_nomem(err, "fitting the preparation");
    fit->plan = plan;
    fit->features = calloc(plan->n_features ? plan->n_features : 1, sizeof *fit->features);
    if (!fit->features) {
        qn_fit_free(fit);
        *out = NULL;
        return qn_err_nomem(err, "fitting the preparation");
    }
    uint32_t numeric = 1;
    for (uint32_t i = 0; i < plan->n_features; i++)
        numeric += !plan->features[i].categorical;
    uint32_t k = SAMPLE_ROWS_ALL / numeric;
    k = k > SAMPLE_ROWS ? SAMPLE_ROWS : k < SAMPLE_ROWS_LEAST ? SAMPLE_ROWS_LEAST : k;
    if (plan->numeric_impute != QN_FILL_MEDIAN)
        k = SAMPLE_ROWS_SPREAD;
    for (uint32_t i = 0; i < plan->n_features; i++) {
        struct qn_feature_fit *feature = &fit->features[i];
        qn_sample_init(&feature->sample, k);
        qn_dict_init(&feature->dict);
        for (int c = 0; c < 2; c++) {
            feature->low[c] = HUGE_VAL;
            feature->high[c] = -HUGE_VAL;
        }
    }
    return QN_OK;
}

void qn_fit_free(struct qn_fit *fit)
{
    if (!fit)
        return;
    for (uint32_t i = 0; fit->features && i < fit->plan->n_features; i++) {
        qn_sample_fini(&fit->features[i].sample);
        qn_dict_fini(&fit->features[i].dict);
    }
    free(fit->features);
    free(fit->scratch);
    free(fit);
}

static qn_code too_many(qn_code code, const char *name, struct qn_err *err)
{
    if (code != QN_ELIMIT)
        return code;
    return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                      "column '%s' has more than %d different values in the training rows: an "
                      "identifier? leave it out with features.exclude",
                      name, QN_MAX_CATEGORIES);
}

/* Doubles as 8 bytes whose order is the numbers'. */
static void number_key(double value, char out[8])
{
    uint64_t bits;
    value = value == 0 ? 0 : value;
    memcpy(&bits, &value, sizeof bits);
    bits = bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
    for (unsigned i = 0; i < 8; i++)
        out[i] = (char)(uint8_t)(bits >> (56 - 8 * i));
}

static double number_of_key(struct qn_strv key)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < 8; i++)
        bits = bits << 8 | (uint8_t)key.data[i];
    bits = bits >> 63 ? bits & ~(UINT64_C(1) << 63) : ~bits;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static qn_code add_numbers(struct qn_fit *fit, uint32_t at, const struct qn_column *column,
                           const uint32_t *rows, uint32_t n, const uint8_t *labels,
                           const uint64_t *hashes, struct qn_err *err)
{
    struct qn_feature_fit *feature = &fit->features[at];
    const char *name = fit->plan->features[at].name;
    enum qn_fill_rule impute = fit->plan->numeric_impute;
    double *values = fit->scratch;
    QN_TRY(qn_numeric_take(column, name, rows, n, values, err));
    for (uint32_t i = 0; i < n; i++) {
        double x = values[i];
        if (x != x) {
            feature->missing++;
            continue;
        }
        if (!fit->plan->only_samples) {
            qn_exact_add(&feature->sum, x);
            qn_exact_add_product(&feature->squares, x, x);
        }
        double *low = &feature->low[labels[i]], *high = &feature->high[labels[i]];
        *low = x < *low ? x : *low;
        *high = x > *high ? x : *high;
        QN_TRY(qn_sample_add(&feature->sample, hashes[i], x, err));
        if (impute == QN_FILL_MOST_FREQUENT) {
            char key[8];
            uint32_t position;
            number_key(x, key);
            qn_code code = qn_dict_add(&feature->dict, (struct qn_strv){key, sizeof key},
                                       QN_MAX_CATEGORIES, &position, err);
            QN_TRY(too_many(code, name, err));
            feature->dict.entries[position].rows[labels[i]]++;
        }
    }
    return QN_OK;
}

static qn_code add_texts(struct qn_fit *fit, uint32_t at, const struct qn_column *column,
                         const uint32_t *rows, uint32_t n, const uint8_t *labels,
                         struct qn_err *err)
{
    struct qn_feature_fit *feature = &fit->features[at];
    for (uint32_t i = 0; i < n; i++) {
        if (!qn_is_valid(column, rows[i])) {
            feature->missing++;
            continue;
        }
        uint32_t position;
        qn_code code = qn_dict_add(&feature->dict, qn_text_at(column, rows[i]), QN_MAX_CATEGORIES,
                                   &position, err);
        QN_TRY(too_many(code, fit->plan->features[at].name, err));
        feature->dict.entries[position].rows[labels[i]]++;
    }
    return QN_OK;
}

qn_code qn_fit_add(struct qn_fit *fit, const struct qn_column *const *columns, const uint32_t *rows,
                   uint32_t n, const uint8_t *labels, const uint64_t *hashes, struct qn_err *err)
{
    if (n > fit->scratch_rows) {
        double *scratch = realloc(fit->scratch, n * sizeof *scratch);
        if (!scratch)
            return qn_err_nomem(err, "fitting the preparation");
        fit->scratch = scratch;
        fit->scratch_rows = n;
    }
    for (uint32_t i = 0; i < n; i++)
        fit->rows[labels[i]]++;
    for (uint32_t f = 0; f < fit->plan->n_features; f++) {
        fit->features[f].rows += n;
        if (fit->plan->features[f].categorical)
            QN_TRY(add_texts(fit, f, columns[f], rows, n, labels, err));
        else
            QN_TRY(add_numbers(fit, f, columns[f], rows, n, labels, hashes, err));
    }
    return QN_OK;
}

static void pack_feature(struct qn_buf *out, struct qn_feature_fit *feature, bool categorical)
{
    qn_buf_put_u64(out, feature->rows);
    qn_buf_put_u64(out, feature->missing);
    qn_dict_pack(out, &feature->dict);
    qn_dict_fini(&feature->dict);
    if (categorical)
        return;
    qn_exact_pack(out, &feature->sum);
    qn_exact_pack(out, &feature->squares);
    for (int c = 0; c < 2; c++) {
        qn_buf_put_f64(out, feature->low[c]);
        qn_buf_put_f64(out, feature->high[c]);
    }
    qn_sample_pack(out, &feature->sample);
    qn_sample_fini(&feature->sample);
}

/* u32 features of the plan | u64, u64 rows by class, in the first piece | features, each with its
 * number before it */
void qn_fit_pack(struct qn_buf *out, struct qn_fit *fit, uint32_t *next, size_t bytes)
{
    qn_buf_put_u32(out, fit->plan->n_features);
    for (int c = 0; c < 2; c++)
        qn_buf_put_u64(out, *next ? 0 : fit->rows[c]);
    size_t start = out->len;
    for (; *next < fit->plan->n_features && out->len - start < bytes; ++*next) {
        qn_buf_put_u32(out, *next);
        pack_feature(out, &fit->features[*next], fit->plan->features[*next].categorical);
    }
}

/* Values of a numeric dictionary are 8 bytes each, which unpacking relies on. */
static bool keys_are_numbers(const struct qn_dict *dict)
{
    for (uint32_t i = 0; i < dict->n; i++)
        if (dict->entries[i].text.len != 8 || !isfinite(number_of_key(dict->entries[i].text)))
            return false;
    return true;
}

static qn_code merge_numbers(struct qn_feature_fit *feature, struct qn_unpack *in,
                             struct qn_err *err)
{
    struct qn_exact_sum sum, squares;
    qn_exact_unpack(in, &sum);
    qn_exact_unpack(in, &squares);
    for (int c = 0; c < 2; c++) {
        double low = qn_unpack_f64(in), high = qn_unpack_f64(in);
        in->failed |= low != low || high != high;
        feature->low[c] = low < feature->low[c] ? low : feature->low[c];
        feature->high[c] = high > feature->high[c] ? high : feature->high[c];
    }
    in->failed |= sum.poisoned || squares.poisoned || !keys_are_numbers(&feature->dict);
    if (in->failed)
        return QN_OK;
    qn_exact_merge(&feature->sum, &sum);
    qn_exact_merge(&feature->squares, &squares);
    return qn_sample_merge(&feature->sample, in, err);
}

qn_code qn_fit_merge(struct qn_fit *fit, struct qn_strv bytes, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    in.failed |= qn_unpack_u32(&in) != fit->plan->n_features;
    for (int c = 0; c < 2; c++) {
        uint64_t rows = qn_unpack_u64(&in);
        in.failed |= rows > UINT32_MAX;
        fit->rows[c] += rows;
    }
    for (uint32_t next = 0; in.at < in.end && !in.failed;) {
        uint32_t f = qn_unpack_u32(&in);
        uint64_t rows = qn_unpack_u64(&in), missing = qn_unpack_u64(&in);
        in.failed |= f < next || f >= fit->plan->n_features || rows > UINT32_MAX || missing > rows;
        if (in.failed)
            break;
        struct qn_feature_fit *feature = &fit->features[f];
        next = f + 1;
        feature->rows += rows;
        feature->missing += missing;
        qn_code code = qn_dict_merge(&feature->dict, &in, QN_MAX_CATEGORIES, err);
        QN_TRY(too_many(code, fit->plan->features[f].name, err));
        if (!fit->plan->features[f].categorical)
            QN_TRY(merge_numbers(feature, &in, err));
    }
    return qn_unpack_end(&in, "fitted preparation", err);
}

bool qn_fit_is_whole(const struct qn_fit *fit)
{
    uint32_t f = 0;
    while (f < fit->plan->n_features && fit->features[f].rows == fit->rows[0] + fit->rows[1])
        f++;
    return f == fit->plan->n_features;
}

static qn_code nothing_to_fill_with(const char *name, struct qn_err *err)
{
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                      "feature '%s' has no value in any training row: leave it out, or impute a "
                      "constant",
                      name);
}

static qn_code finish_numeric(const struct qn_prepare_plan *plan, struct qn_feature_fit *feature,
                              struct qn_prepared_feature *out, struct qn_err *err)
{
    uint64_t present = feature->rows - feature->missing;
    out->impute = plan->numeric_impute;
    if (present == 0 && out->impute != QN_FILL_CONSTANT)
        return nothing_to_fill_with(out->name, err);
    switch (out->impute) {
    case QN_FILL_MEAN: out->fill = qn_exact_round(&feature->sum) / (double)present; break;
    case QN_FILL_MEDIAN: QN_TRY(qn_sample_median(&feature->sample, &out->fill, err)); break;
    case QN_FILL_MOST_FREQUENT: out->fill = number_of_key(qn_dict_top(&feature->dict)->text); break;
    case QN_FILL_CONSTANT:
    case QN_N_FILL_RULES: out->fill = plan->numeric_fill; break;
    }
    /* Mean and spread are those of the column after filling. */
    struct qn_exact_sum sum = feature->sum, squares = feature->squares;
    double missing = (double)feature->missing, square = out->fill * out->fill;
    qn_exact_add_product(&sum, missing, out->fill);
    /* The square of the fill in two exact parts, times the count. */
    struct qn_exact_sum exact_square;
    double parts[2];
    qn_exact_init(&exact_square);
    qn_exact_add_product(&exact_square, out->fill, out->fill);
    qn_exact_expand(&exact_square, parts, 2);
    qn_exact_add_product(&squares, missing, parts[0]);
    qn_exact_add_product(&squares, missing, parts[1]);
    if (!isfinite(square))
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "fill_value %g is too large", out->fill);
    double variance = qn_exact_variance(&sum, &squares, feature->rows);
    out->constant = variance == 0;
    out->mean = plan->standardise ? qn_exact_round(&sum) / (double)feature->rows : 0;
    out->scale = plan->standardise && variance > 0 ? sqrt(variance) : 1;
    return QN_OK;
}

static qn_code finish_categorical(const struct qn_prepare_plan *plan,
                                  struct qn_feature_fit *feature, struct qn_arena *arena,
                                  struct qn_prepared_feature *out, struct qn_err *err)
{
    out->impute = plan->categorical_impute;
    out->drop_first = plan->drop_first;
    out->refuse_unknown = plan->refuse_unknown;
    const struct qn_dict_entry *top = qn_dict_top(&feature->dict);
    struct qn_strv fill = top ? top->text : (struct qn_strv){0};
    if (out->impute == QN_FILL_CONSTANT)
        fill = qn_strv_from(plan->categorical_fill);
    else if (!top)
        return nothing_to_fill_with(out->name, err);
    uint32_t position;
    if (feature->missing) /* a category of its own, or more rows of one */
        QN_TRY(qn_dict_add(&feature->dict, fill, QN_MAX_CATEGORIES + 1, &position, err));
    qn_dict_sort(&feature->dict);
    out->fill_text = (struct qn_strv){qn_arena_strdup(arena, fill), fill.len};
    out->n_categories = feature->dict.n;
    out->categories = QN_NEW_ARRAY(arena, struct qn_strv, feature->dict.n);
    if (!out->fill_text.data || !out->categories)
        return qn_err_nomem(err, "categories");
    for (uint32_t i = 0; i < feature->dict.n; i++) {
        struct qn_strv text = feature->dict.entries[i].text;
        out->categories[i] = (struct qn_strv){qn_arena_strdup(arena, text), text.len};
        if (!out->categories[i].data)
            return qn_err_nomem(err, "categories");
    }
    return QN_OK;
}

/* True when knowing the feature is knowing the label: what a column that is the label in disguise
 * looks like. */
static bool separates(const struct qn_feature_fit *feature, bool categorical)
{
    if (!categorical) {
        bool both = feature->high[0] >= feature->low[0] && feature->high[1] >= feature->low[1];
        return both && (feature->high[0] < feature->low[1] || feature->high[1] < feature->low[0]);
    }
    uint32_t of_class[2] = {0, 0};
    for (uint32_t i = 0; i < feature->dict.n; i++) {
        const uint64_t *rows = feature->dict.entries[i].rows;
        if (rows[0] && rows[1])
            return false;
        of_class[0] += rows[0] > 0;
        of_class[1] += rows[1] > 0;
    }
    return of_class[0] && of_class[1];
}

/* A text that has hardly fewer values than rows, or one for every few rows and none for many: what
 * places have, too, so those go by their name. */
static bool names_rows(const struct qn_feature_fit *feature, const char *name)
{
    uint64_t present = feature->rows - feature->missing, n = feature->dict.n, most = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t *rows = feature->dict.entries[i].rows;
        most = rows[0] + rows[1] > most ? rows[0] + rows[1] : most;
    }
    if (present < ROWS_TO_JUDGE)
        return false;
    if (n * 10 >= present * 9)
        return true;
    return n >= ENTITIES && n * 4 >= present && most <= ENTITY_ROWS &&
           !qn_guard_is_called_place(name);
}

static qn_code take_note(const struct qn_fit *fit, uint32_t at, bool constant,
                         struct qn_arena *arena, struct qn_fit_note *note, struct qn_err *err)
{
    const struct qn_feature_fit *feature = &fit->features[at];
    const char *name = fit->plan->features[at].name;
    bool categorical = fit->plan->features[at].categorical;
    *note = (struct qn_fit_note){.feature = name};
    bool judged = feature->rows >= ROWS_TO_JUDGE;
    if (constant) {
        note->test = "constant";
        note->message = qn_arena_printf(
            arena, "'%s' is the same in all training rows: it takes no part in the fit", name);
    } else if (judged && categorical && names_rows(feature, name)) {
        note->test = "identifier";
        note->message = qn_arena_printf(
            arena,
            "'%s' has %u different values in %llu training rows: it names rows instead of "
            "describing them; leave it out with features.exclude",
            name, feature->dict.n, (unsigned long long)(feature->rows - feature->missing));
    } else if (judged && separates(feature, categorical)) {
        note->test = "separates";
        note->message = qn_arena_printf(
            arena,
            "'%s' alone tells the label of every training row: is it known when the score is "
            "needed, or is it the label in disguise?",
            name);
    }
    return !note->test || note->message ? QN_OK : qn_err_nomem(err, "the preparation");
}

qn_code qn_fit_notes(const struct qn_fit *fit, const bool *constant, struct qn_arena *arena,
                     struct qn_fit_note **notes, uint32_t *n_notes, struct qn_err *err)
{
    *notes = QN_NEW_ARRAY(arena, struct qn_fit_note, fit->plan->n_features);
    *n_notes = 0;
    if (!*notes)
        return qn_err_nomem(err, "the preparation");
    for (uint32_t f = 0; f < fit->plan->n_features; f++) {
        struct qn_fit_note *note = &(*notes)[*n_notes];
        QN_TRY(take_note(fit, f, constant[f], arena, note, err));
        *n_notes += note->test != NULL;
    }
    return QN_OK;
}

qn_code qn_fit_finish(struct qn_fit *fit, struct qn_prepared *prepared, struct qn_err *err)
{
    const struct qn_prepare_plan *plan = fit->plan;
    struct qn_arena *arena = &prepared->arena;
    prepared->features = QN_NEW_ARRAY(arena, struct qn_prepared_feature, plan->n_features);
    if (!prepared->features)
        return qn_err_nomem(err, "the preparation");
    prepared->n_features = plan->n_features;
    for (uint32_t f = 0; f < plan->n_features; f++) {
        struct qn_feature_fit *feature = &fit->features[f];
        struct qn_prepared_feature *out = &prepared->features[f];
        *out = (struct qn_prepared_feature){
            .name = qn_arena_strdup(arena, qn_strv_from(plan->features[f].name)),
            .type = plan->features[f].type,
            .categorical = plan->features[f].categorical,
            .rows = feature->rows,
            .missing = feature->missing,
            .scale = 1,
        };
        if (!out->name)
            return qn_err_nomem(err, "the preparation");
        if (out->categorical)
            QN_TRY(finish_categorical(plan, feature, arena, out, err));
        else
            QN_TRY(finish_numeric(plan, feature, out, err));
    }
    return qn_prepared_lay_out(prepared, err);
}
