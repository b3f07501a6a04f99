#include "jobs/learn/artefact.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "jobs/learn/math.h"

enum { FORMAT_VERSION = 1 };

/* --- writing --------------------------------------------------------------------------------- */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *text(const char *value)
{
    return value ? json_string(value) : json_null();
}

static json_t *count(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Steals the value; a value that could not be made fails the whole at the end. */
static void put(json_t *object, const char *key, json_t *value, bool *failed)
{
    if (json_object_set_new(object, key, value) != 0)
        *failed = true;
}

static void push(json_t *array, json_t *value, bool *failed)
{
    if (json_array_append_new(array, value) != 0)
        *failed = true;
}

static json_t *feature_json(const struct qn_prepared_feature *feature, bool *failed)
{
    json_t *out = json_object();
    char type[QN_TYPE_NAME];
    put(out, "name", text(feature->name), failed);
    put(out, "type", text(qn_type_name(feature->type, type)), failed);
    put(out, "kind", text(feature->categorical ? "categorical" : "numeric"), failed);
    put(out, "impute", text(qn_fill_rule_name(feature->impute)), failed);
    put(out, "rows", count(feature->rows), failed);
    put(out, "missing", count(feature->missing), failed);
    if (!feature->categorical) {
        put(out, "fill", number(feature->fill), failed);
        put(out, "mean", number(feature->mean), failed);
        put(out, "scale", number(feature->scale), failed);
        put(out, "constant", json_boolean(feature->constant), failed);
        return out;
    }
    json_t *categories = json_array();
    for (uint32_t i = 0; i < feature->n_categories; i++)
        push(categories, json_stringn(feature->categories[i].data, feature->categories[i].len),
             failed);
    put(out, "categories", categories, failed);
    put(out, "fill",
        feature->fill_text.data ? json_stringn(feature->fill_text.data, feature->fill_text.len)
                                : json_null(),
        failed);
    put(out, "drop", text(feature->drop_first ? "first" : "none"), failed);
    put(out, "handle_unknown", text(feature->refuse_unknown ? "error" : "ignore"), failed);
    return out;
}

/* A column's scale and mean; categories and the intercept are as they come. */
static void scale_of(const struct qn_prepared *prepared, uint32_t column, double *mean,
                     double *scale)
{
    uint32_t category;
    const struct qn_prepared_feature *feature = qn_prepared_column(prepared, column, &category);
    bool numeric = feature && !feature->categorical;
    *mean = numeric ? feature->mean : 0;
    *scale = numeric ? feature->scale : 1;
}

/* Intercept on the original scale, b - sum w_j mean_j / scale_j, and its variance a' V a with
 * a = (1, -mean_1 / scale_1, ...). */
static void original_intercept(const struct qn_prepared *prepared,
                               const struct qn_logistic_state *fit, double *value, double *variance)
{
    *value = fit->at[0];
    *variance = fit->covariance[0];
    for (uint32_t i = 1; i < prepared->n_dense; i++) {
        double mean, scale;
        scale_of(prepared, i, &mean, &scale);
        double a = -mean / scale;
        const double *row = fit->covariance + (size_t)i * fit->n;
        *value += a * fit->at[i];
        *variance += a * a * row[i] + 2 * a * row[0];
        for (uint32_t j = 1; j < i; j++) {
            scale_of(prepared, j, &mean, &scale);
            *variance += 2 * a * (-mean / scale) * row[j];
        }
    }
}

static json_t *term_json(const struct qn_prepared *prepared, const struct qn_logistic_state *fit,
                         uint32_t column, bool *failed)
{
    uint32_t category;
    const struct qn_prepared_feature *feature = qn_prepared_column(prepared, column, &category);
    bool pinned = (feature && feature->constant) || !fit->has_covariance;
    double w = fit->at[column], mean, scale;
    double error = pinned ? (double)NAN : sqrt(fit->covariance[(size_t)column * fit->n + column]);
    scale_of(prepared, column, &mean, &scale);
    double original = w / scale, original_error = error / scale;
    if (column == 0) {
        original_intercept(prepared, fit, &original, &original_error);
        original_error = fit->has_covariance ? sqrt(original_error) : (double)NAN;
    }
    struct qn_buf name;
    qn_buf_init(&name);
    qn_prepared_column_name(prepared, column, &name);
    json_t *out = json_object(), *unscaled = json_object();
    put(out, "name", json_stringn((const char *)name.data, name.len), failed);
    put(out, "feature", text(feature ? feature->name : NULL), failed);
    put(out, "category",
        category == UINT32_MAX || !feature
            ? json_null()
            : json_stringn(feature->categories[category].data, feature->categories[category].len),
        failed);
    put(out, "coefficient", number(w), failed);
    put(out, "std_error", number(error), failed);
    put(out, "z", number(w / error), failed);
    put(out, "p_value", number(qn_normal_p_value(w / error)), failed);
    put(out, "odds_ratio", number(qn_exp(w)), failed);
    put(unscaled, "coefficient", number(original), failed);
    put(unscaled, "std_error", number(original_error), failed);
    put(unscaled, "odds_ratio", number(qn_exp(original)), failed);
    put(out, "original", unscaled, failed);
    *failed |= name.failed;
    qn_buf_fini(&name);
    return out;
}

static void put_facts(json_t *root, const struct qn_artefact_facts *facts,
                      const struct qn_logistic_state *fit, bool *failed)
{
    json_t *label = json_object(), *params = json_object(), *split = json_object(),
           *training = json_object();
    put(label, "column", text(facts->label), failed);
    put(label, "positive", text(facts->positive), failed);
    put(label, "negative", text(facts->negative), failed);
    put(params, "class_weight", text(facts->params.balanced ? "balanced" : "none"), failed);
    put(params, "l1", number(facts->params.l1), failed);
    put(params, "l2", number(facts->params.l2), failed);
    put(params, "scale_pos_weight", number(facts->params.positive_weight), failed);
    put(params, "tol", number(facts->params.tol), failed);
    put(params, "max_iter", count(facts->params.max_iter), failed);
    put(split, "method", text("hash"), failed);
    put(split, "seed", count(facts->seed), failed);
    put(split, "test", number(facts->test), failed);
    put(split, "validation", number(facts->validation), failed);
    put(split, "stratify", json_boolean(facts->stratified), failed);
    put(training, "rows", count(facts->rows), failed);
    put(training, "positives", count(facts->positives), failed);
    put(training, "rounds", count(fit->rounds), failed);
    put(training, "objective", number(fit->objective), failed);
    put(training, "log_loss", number(fit->loss / (double)fit->all_rows), failed);
    put(root, "label", label, failed);
    put(root, "params", params, failed);
    put(root, "split", split, failed);
    put(root, "training", training, failed);
}

qn_code qn_artefact_write(const struct qn_artefact_facts *facts, const struct qn_prepared *prepared,
                          const struct qn_logistic_state *fit, struct qn_buf *out,
                          struct qn_err *err)
{
    bool failed = false;
    json_t *root = json_object(), *features = json_array(), *terms = json_array();
    for (uint32_t i = 0; i < prepared->n_features; i++)
        push(features, feature_json(&prepared->features[i], &failed), &failed);
    for (uint32_t i = 0; i < prepared->n_columns; i++)
        push(terms, term_json(prepared, fit, i, &failed), &failed);
    put(root, "format", text("quern-model"), &failed);
    put(root, "format_version", count(FORMAT_VERSION), &failed);
    put(root, "algorithm", text("logistic_regression"), &failed);
    put(root, "key", text(facts->key), &failed);
    put(root, "features", features, &failed);
    put(root, "terms", terms, &failed);
    put_facts(root, facts, fit, &failed);
    char *bytes =
        failed ? NULL : json_dumps(root, JSON_SORT_KEYS | JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(root);
    if (!bytes)
        return qn_err_nomem(err, "the model file");
    qn_buf_put(out, bytes, strlen(bytes));
    qn_buf_put_u8(out, '\n');
    free(bytes);
    return qn_buf_check(out, "the model file", err);
}

/* --- reading --------------------------------------------------------------------------------- */

/* Getters that give something harmless and set `bad` when the key is not what it must be. */
struct reading {
    struct qn_arena *arena;
    bool bad;
};

static struct qn_strv read_text(struct reading *in, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) {
        in->bad = true;
        return QN_STRV_LIT("");
    }
    struct qn_strv found = {json_string_value(value), json_string_length(value)};
    const char *copy = qn_arena_strdup(in->arena, found);
    in->bad |= !copy;
    return (struct qn_strv){copy ? copy : "", copy ? found.len : 0};
}

static double read_number(struct reading *in, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double found = json_number_value(value);
    in->bad |= !json_is_number(value) || !isfinite(found);
    return found;
}

static uint64_t read_count(struct reading *in, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    in->bad |= !json_is_integer(value) || json_integer_value(value) < 0;
    return (uint64_t)json_integer_value(value);
}

static bool read_choice(struct reading *in, const json_t *object, const char *key, const char *yes,
                        const char *no)
{
    struct qn_strv found = read_text(in, object, key);
    in->bad |= !qn_strv_is(found, yes) && !qn_strv_is(found, no);
    return qn_strv_is(found, yes);
}

static void read_categories(struct reading *in, const json_t *object,
                            struct qn_prepared_feature *feature)
{
    const json_t *categories = json_object_get(object, "categories");
    size_t n = json_array_size(categories); /* 0 when it is no array */
    if (!json_is_array(categories) || n > QN_MAX_CATEGORIES + 1)
        in->bad = true;
    feature->categories = QN_NEW_ARRAY(in->arena, struct qn_strv, n);
    in->bad |= !feature->categories;
    for (size_t i = 0; i < n && !in->bad; i++) {
        const json_t *item = json_array_get(categories, i);
        struct qn_strv found = {json_string_value(item), json_string_length(item)};
        const char *copy = json_is_string(item) ? qn_arena_strdup(in->arena, found) : NULL;
        in->bad |= !copy;
        feature->categories[i] = (struct qn_strv){copy, found.len};
    }
    feature->n_categories = in->bad ? 0 : (uint32_t)n;
    if (!json_is_null(json_object_get(object, "fill")))
        feature->fill_text = read_text(in, object, "fill");
    feature->drop_first = read_choice(in, object, "drop", "first", "none");
    feature->refuse_unknown = read_choice(in, object, "handle_unknown", "error", "ignore");
}

static void read_feature(struct reading *in, const json_t *object,
                         struct qn_prepared_feature *feature)
{
    feature->name = read_text(in, object, "name").data;
    in->bad |= !qn_type_parse(read_text(in, object, "type"), &feature->type);
    feature->categorical = read_choice(in, object, "kind", "categorical", "numeric");
    struct qn_strv impute = read_text(in, object, "impute");
    feature->impute = QN_FILL_MEAN;
    while (feature->impute < QN_FILL_CONSTANT &&
           !qn_strv_is(impute, qn_fill_rule_name(feature->impute)))
        feature->impute++;
    in->bad |= !qn_strv_is(impute, qn_fill_rule_name(feature->impute));
    feature->rows = read_count(in, object, "rows");
    feature->missing = read_count(in, object, "missing");
    feature->scale = 1;
    if (feature->categorical) {
        read_categories(in, object, feature);
        return;
    }
    feature->fill = read_number(in, object, "fill");
    feature->mean = read_number(in, object, "mean");
    feature->scale = read_number(in, object, "scale");
    feature->constant = json_is_true(json_object_get(object, "constant"));
}

static qn_code corrupt(const char *what, struct qn_err *err)
{
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB, "the model file is corrupt: %s", what);
}

static qn_code read_head(const json_t *root, struct qn_err *err)
{
    const char *format = json_string_value(json_object_get(root, "format"));
    const char *algorithm = json_string_value(json_object_get(root, "algorithm"));
    const json_t *version = json_object_get(root, "format_version");
    if (!format || strcmp(format, "quern-model") != 0)
        return corrupt("it is no quern-model", err);
    if (json_integer_value(version) != FORMAT_VERSION)
        return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                          "the model file has format version %lld; this version reads %d",
                          (long long)json_integer_value(version), FORMAT_VERSION);
    if (!algorithm || strcmp(algorithm, "logistic_regression") != 0)
        return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                          "the model's algorithm is '%.60s'; this version scores "
                          "logistic_regression",
                          algorithm ? algorithm : "");
    return QN_OK;
}

static qn_code read_root(const json_t *root, struct qn_model *model, struct qn_err *err)
{
    QN_TRY(read_head(root, err));
    struct qn_prepared *prepared = &model->prepared;
    struct reading in = {.arena = &prepared->arena};
    const json_t *features = json_object_get(root, "features");
    const json_t *terms = json_object_get(root, "terms");
    size_t n = json_array_size(features);
    if (!json_is_array(features) || n > QN_MAX_COLUMNS)
        return corrupt("features", err);
    prepared->features = QN_NEW_ARRAY(in.arena, struct qn_prepared_feature, n);
    if (!prepared->features)
        return qn_err_nomem(err, "a model");
    prepared->n_features = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        read_feature(&in, json_array_get(features, i), &prepared->features[i]);
    if (in.bad || !qn_prepared_is_sound(prepared))
        return corrupt("a feature is not what it must be", err);
    QN_TRY(qn_prepared_lay_out(prepared, err));
    if (json_array_size(terms) != prepared->n_columns)
        return corrupt("terms do not fit the features", err);
    model->weights = QN_NEW_ARRAY(in.arena, double, prepared->n_columns);
    if (!model->weights)
        return qn_err_nomem(err, "a model");
    for (uint32_t i = 0; i < prepared->n_columns; i++)
        model->weights[i] = read_number(&in, json_array_get(terms, i), "coefficient");
    return in.bad ? corrupt("a coefficient is no number", err) : QN_OK;
}

qn_code qn_model_read(struct qn_strv bytes, struct qn_model *model, struct qn_err *err)
{
    *model = (struct qn_model){0};
    qn_prepared_init(&model->prepared);
    json_error_t why;
    json_t *root = json_loadb(bytes.data ? bytes.data : "", bytes.len,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!root)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                          "the model file is corrupt: line %d: %.120s", why.line, why.text);
    qn_code code = read_root(root, model, err);
    json_decref(root);
    return code;
}

void qn_model_fini(struct qn_model *model)
{
    qn_prepared_fini(&model->prepared);
    model->weights = NULL;
}
