#include "jobs/learn/prepare.h"

#include <math.h>

#include "base/limits.h"

const char *qn_fill_rule_name(enum qn_fill_rule impute)
{
    static const char *const names[] = {"mean", "median", "most_frequent", "constant"};
    return names[impute];
}

void qn_prepared_init(struct qn_prepared *prepared)
{
    *prepared = (struct qn_prepared){0};
    qn_arena_init(&prepared->arena);
}

void qn_prepared_fini(struct qn_prepared *prepared)
{
    qn_arena_fini(&prepared->arena);
    qn_prepared_init(prepared);
}

static uint32_t width_of(const struct qn_prepared_feature *feature)
{
    if (!feature->categorical)
        return 1;
    bool drop = feature->drop_first && feature->n_categories > 0;
    return feature->n_categories - (drop ? 1 : 0);
}

qn_code qn_prepared_lay_out(struct qn_prepared *prepared, struct qn_err *err)
{
    const struct qn_prepared_feature *widest = NULL;
    uint64_t column = 1;
    prepared->n_categorical = 0;
    for (int pass = 0; pass < 2; pass++) { /* numeric columns first */
        for (uint32_t i = 0; i < prepared->n_features; i++) {
            struct qn_prepared_feature *feature = &prepared->features[i];
            if (feature->categorical != (pass == 1))
                continue;
            feature->n_columns = width_of(feature);
            feature->column = (uint32_t)column;
            column += feature->n_columns;
            prepared->n_categorical += feature->categorical;
            if (!widest || feature->n_columns > widest->n_columns)
                widest = feature;
        }
        if (pass == 0)
            prepared->n_dense = (uint32_t)column;
    }
    if (column > QN_MAX_FEATURES)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                          "the features make %llu columns, more than %d; the widest is '%s' with "
                          "%u of %llu training rows: %sleave it out with features.exclude, or "
                          "group its rare values in a derive first",
                          (unsigned long long)column, QN_MAX_FEATURES, widest->name,
                          widest->n_columns, (unsigned long long)widest->rows,
                          widest->n_columns * UINT64_C(4) >= widest->rows ? "an identifier? " : "");
    prepared->n_columns = (uint32_t)column;
    return QN_OK;
}

const struct qn_prepared_feature *qn_prepared_column(const struct qn_prepared *prepared,
                                                     uint32_t column, uint32_t *category)
{
    for (uint32_t i = 0; i < prepared->n_features; i++) {
        const struct qn_prepared_feature *feature = &prepared->features[i];
        if (column < feature->column || column >= feature->column + feature->n_columns)
            continue;
        *category =
            feature->categorical ? column - feature->column + feature->drop_first : UINT32_MAX;
        return feature;
    }
    return NULL;
}

void qn_prepared_column_name(const struct qn_prepared *prepared, uint32_t column,
                             struct qn_buf *out)
{
    uint32_t category;
    const struct qn_prepared_feature *feature = qn_prepared_column(prepared, column, &category);
    if (!feature) {
        qn_buf_printf(out, "(intercept)");
        return;
    }
    qn_buf_printf(out, "%s", feature->name);
    if (category != UINT32_MAX)
        qn_buf_printf(out, "=%.*s", QN_STRV_ARG(feature->categories[category]));
}

static void feature_pack(struct qn_buf *out, const struct qn_prepared_feature *feature)
{
    qn_buf_put_str(out, qn_strv_from(feature->name));
    qn_buf_put_u8(out, feature->type.id);
    qn_buf_put_u8(out, feature->type.precision);
    qn_buf_put_u8(out, feature->type.scale);
    qn_buf_put_u8(out, feature->categorical);
    qn_buf_put_u8(out, (uint8_t)feature->impute);
    qn_buf_put_u64(out, feature->rows);
    qn_buf_put_u64(out, feature->missing);
    if (!feature->categorical) {
        qn_buf_put_f64(out, feature->fill);
        qn_buf_put_f64(out, feature->mean);
        qn_buf_put_f64(out, feature->scale);
        qn_buf_put_u8(out, feature->constant);
        return;
    }
    qn_buf_put_u8(out, feature->fill_text.data != NULL);
    qn_buf_put_str(out, feature->fill_text);
    qn_buf_put_u8(out, feature->drop_first);
    qn_buf_put_u8(out, feature->refuse_unknown);
    qn_buf_put_u32(out, feature->n_categories);
    for (uint32_t i = 0; i < feature->n_categories; i++)
        qn_buf_put_str(out, feature->categories[i]);
}

void qn_prepared_pack(struct qn_buf *out, const struct qn_prepared *prepared)
{
    qn_buf_put_u32(out, prepared->n_features);
    for (uint32_t i = 0; i < prepared->n_features; i++)
        feature_pack(out, &prepared->features[i]);
}

static bool unpack_flag(struct qn_unpack *in)
{
    uint8_t flag = qn_unpack_u8(in);
    in->failed |= flag > 1;
    return flag == 1;
}

static struct qn_strv unpack_copy(struct qn_unpack *in, struct qn_arena *arena)
{
    struct qn_strv text = qn_unpack_str(in);
    const char *copy = qn_arena_strdup(arena, text);
    if (!copy)
        in->failed = true;
    return (struct qn_strv){copy, copy ? text.len : 0};
}

static void categories_unpack(struct qn_unpack *in, struct qn_arena *arena,
                              struct qn_prepared_feature *feature)
{
    bool fills = unpack_flag(in);
    feature->fill_text = unpack_copy(in, arena);
    if (!fills)
        feature->fill_text = (struct qn_strv){0};
    feature->drop_first = unpack_flag(in);
    feature->refuse_unknown = unpack_flag(in);
    uint32_t n = qn_unpack_count(in, 4);
    feature->categories = QN_NEW_ARRAY(arena, struct qn_strv, n);
    if (!feature->categories)
        in->failed = true;
    for (uint32_t i = 0; i < n && !in->failed; i++)
        feature->categories[i] = unpack_copy(in, arena);
    feature->n_categories = in->failed ? 0 : n;
}

static void feature_unpack(struct qn_unpack *in, struct qn_arena *arena,
                           struct qn_prepared_feature *feature)
{
    feature->name = unpack_copy(in, arena).data;
    feature->type.id = qn_unpack_u8(in);
    feature->type.precision = qn_unpack_u8(in);
    feature->type.scale = qn_unpack_u8(in);
    feature->categorical = unpack_flag(in);
    feature->impute = (enum qn_fill_rule)qn_unpack_u8(in);
    feature->rows = qn_unpack_u64(in);
    feature->missing = qn_unpack_u64(in);
    if (feature->categorical) {
        categories_unpack(in, arena, feature);
        return;
    }
    feature->fill = qn_unpack_f64(in);
    feature->mean = qn_unpack_f64(in);
    feature->scale = qn_unpack_f64(in);
    feature->constant = unpack_flag(in);
}

static bool feature_is_sound(const struct qn_prepared_feature *feature)
{
    if (!feature->name || !*feature->name || (unsigned)feature->impute >= QN_N_FILL_RULES ||
        feature->missing > feature->rows)
        return false;
    if (feature->type.id < QN_BOOL || feature->type.id > QN_TEXT ||
        feature->type.precision > QN_DECIMAL_MAX_PRECISION ||
        feature->type.scale > feature->type.precision ||
        feature->categorical != (feature->type.id == QN_TEXT))
        return false;
    if (!feature->categorical)
        return isfinite(feature->fill) && isfinite(feature->mean) && isfinite(feature->scale) &&
               feature->scale > 0;
    for (uint32_t i = 1; i < feature->n_categories; i++)
        if (qn_strv_cmp(feature->categories[i - 1], feature->categories[i]) >= 0)
            return false;
    return feature->n_categories <= QN_MAX_CATEGORIES + 1; /* the fill may come on top */
}

bool qn_prepared_is_sound(const struct qn_prepared *prepared)
{
    bool sound = prepared->n_features <= QN_MAX_COLUMNS;
    for (uint32_t i = 0; sound && i < prepared->n_features; i++)
        sound = feature_is_sound(&prepared->features[i]);
    return sound;
}

qn_code qn_prepared_unpack(struct qn_strv bytes, struct qn_prepared *prepared, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    uint32_t n = qn_unpack_count(&in, 24);
    prepared->features = QN_NEW_ARRAY(&prepared->arena, struct qn_prepared_feature, n);
    if (!prepared->features)
        return qn_err_nomem(err, "the preparation");
    prepared->n_features = n;
    for (uint32_t i = 0; i < n && !in.failed; i++)
        feature_unpack(&in, &prepared->arena, &prepared->features[i]);
    QN_TRY(qn_unpack_end(&in, "preparation", err));
    if (!qn_prepared_is_sound(prepared))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "preparation is corrupt");
    return qn_prepared_lay_out(prepared, err);
}
