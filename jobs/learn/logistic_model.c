/* The model file's part that is of logistic regression, and scoring with it. */
#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "jobs/learn/artefact_json.h"
#include "jobs/learn/logistic_model.h"
#include "jobs/learn/math.h"

/* --- writing --------------------------------------------------------------------------------- */

static json_t *feature_json(const struct qn_prepared_feature *feature, bool *failed)
{
    json_t *out = json_object();
    char type[QN_TYPE_NAME];
    qn_artefact_put(out, "name", qn_artefact_text(feature->name), failed);
    qn_artefact_put(out, "type", qn_artefact_text(qn_type_name(feature->type, type)), failed);
    qn_artefact_put(out, "kind", qn_artefact_text(feature->categorical ? "categorical" : "numeric"),
                    failed);
    qn_artefact_put(out, "impute", qn_artefact_text(qn_fill_rule_name(feature->impute)), failed);
    qn_artefact_put(out, "rows", qn_artefact_count(feature->rows), failed);
    qn_artefact_put(out, "missing", qn_artefact_count(feature->missing), failed);
    if (!feature->categorical) {
        qn_artefact_put(out, "fill", qn_artefact_number(feature->fill), failed);
        qn_artefact_put(out, "mean", qn_artefact_number(feature->mean), failed);
        qn_artefact_put(out, "scale", qn_artefact_number(feature->scale), failed);
        qn_artefact_put(out, "constant", json_boolean(feature->constant), failed);
        return out;
    }
    json_t *categories = json_array();
    for (uint32_t i = 0; i < feature->n_categories; i++)
        qn_artefact_push(categories,
                         json_stringn(feature->categories[i].data, feature->categories[i].len),
                         failed);
    qn_artefact_put(out, "categories", categories, failed);
    qn_artefact_put(out, "fill",
                    feature->fill_text.data
                        ? json_stringn(feature->fill_text.data, feature->fill_text.len)
                        : json_null(),
                    failed);
    qn_artefact_put(out, "drop", qn_artefact_text(feature->drop_first ? "first" : "none"), failed);
    qn_artefact_put(out, "handle_unknown",
                    qn_artefact_text(feature->refuse_unknown ? "error" : "ignore"), failed);
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
    qn_artefact_put(out, "name", json_stringn((const char *)name.data, name.len), failed);
    qn_artefact_put(out, "feature", qn_artefact_text(feature ? feature->name : NULL), failed);
    qn_artefact_put(
        out, "category",
        category == UINT32_MAX || !feature
            ? json_null()
            : json_stringn(feature->categories[category].data, feature->categories[category].len),
        failed);
    qn_artefact_put(out, "coefficient", qn_artefact_number(w), failed);
    qn_artefact_put(out, "std_error", qn_artefact_number(error), failed);
    qn_artefact_put(out, "z", qn_artefact_number(w / error), failed);
    qn_artefact_put(out, "p_value", qn_artefact_number(qn_normal_p_value(w / error)), failed);
    qn_artefact_put(out, "odds_ratio", qn_artefact_number(qn_exp(w)), failed);
    qn_artefact_put(unscaled, "coefficient", qn_artefact_number(original), failed);
    qn_artefact_put(unscaled, "std_error", qn_artefact_number(original_error), failed);
    qn_artefact_put(unscaled, "odds_ratio", qn_artefact_number(qn_exp(original)), failed);
    qn_artefact_put(out, "original", unscaled, failed);
    *failed |= name.failed;
    qn_buf_fini(&name);
    return out;
}

qn_code qn_logistic_write(const struct qn_prepared *prepared,
                          const struct qn_logistic_params *params,
                          const struct qn_logistic_state *fit, json_t *root, struct qn_err *err)
{
    bool failed = false;
    json_t *features = json_array(), *terms = json_array(), *said = json_object();
    json_t *training = json_object_get(root, "training");
    for (uint32_t i = 0; i < prepared->n_features; i++)
        qn_artefact_push(features, feature_json(&prepared->features[i], &failed), &failed);
    for (uint32_t i = 0; i < prepared->n_columns; i++)
        qn_artefact_push(terms, term_json(prepared, fit, i, &failed), &failed);
    qn_artefact_put(said, "class_weight", qn_artefact_text(params->balanced ? "balanced" : "none"),
                    &failed);
    qn_artefact_put(said, "l1", qn_artefact_number(params->l1), &failed);
    qn_artefact_put(said, "scale_pos_weight", qn_artefact_number(params->positive_weight), &failed);
    qn_artefact_put(said, "l2", qn_artefact_number(params->l2), &failed);
    qn_artefact_put(said, "tol", qn_artefact_number(params->tol), &failed);
    qn_artefact_put(said, "max_iter", qn_artefact_count(params->max_iter), &failed);
    qn_artefact_put(training, "rounds", qn_artefact_count(fit->rounds), &failed);
    qn_artefact_put(training, "objective", qn_artefact_number(fit->objective), &failed);
    qn_artefact_put(training, "log_loss", qn_artefact_number(fit->loss / (double)fit->all_rows),
                    &failed);
    qn_artefact_put(root, "params", said, &failed);
    qn_artefact_put(root, "features", features, &failed);
    qn_artefact_put(root, "terms", terms, &failed);
    return failed ? qn_err_nomem(err, "the model file") : QN_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static void read_categories(struct qn_artefact_reading *in, const json_t *object,
                            struct qn_prepared_feature *feature)
{
    feature->categories = qn_artefact_read_texts(in, object, "categories", QN_MAX_CATEGORIES + 1,
                                                 &feature->n_categories);
    if (!json_is_null(json_object_get(object, "fill")))
        feature->fill_text = qn_artefact_read_text(in, object, "fill");
    feature->drop_first = qn_artefact_read_choice(in, object, "drop", "first", "none");
    feature->refuse_unknown =
        qn_artefact_read_choice(in, object, "handle_unknown", "error", "ignore");
}

static void read_feature(struct qn_artefact_reading *in, const json_t *object,
                         struct qn_prepared_feature *feature)
{
    feature->name = qn_artefact_read_text(in, object, "name").data;
    feature->type = qn_artefact_read_type(in, object, "type");
    feature->categorical = qn_artefact_read_choice(in, object, "kind", "categorical", "numeric");
    struct qn_strv impute = qn_artefact_read_text(in, object, "impute");
    feature->impute = QN_FILL_MEAN;
    while (feature->impute < QN_FILL_CONSTANT &&
           !qn_strv_is(impute, qn_fill_rule_name(feature->impute)))
        feature->impute++;
    in->bad |= !qn_strv_is(impute, qn_fill_rule_name(feature->impute));
    feature->rows = qn_artefact_read_count(in, object, "rows");
    feature->missing = qn_artefact_read_count(in, object, "missing");
    feature->scale = 1;
    if (feature->categorical) {
        read_categories(in, object, feature);
        return;
    }
    feature->fill = qn_artefact_read_number(in, object, "fill");
    feature->mean = qn_artefact_read_number(in, object, "mean");
    feature->scale = qn_artefact_read_number(in, object, "scale");
    feature->constant = json_is_true(json_object_get(object, "constant"));
}

/* --- scoring --------------------------------------------------------------------------------- */

struct logistic_model {
    struct qn_model model; /* first */
    struct qn_prepared prepared;
    struct qn_encoder encoder;
    struct qn_design design; /* of one batch */
    double *weights;         /* [prepared.n_columns] */
};

static qn_code score(struct qn_model *model, const struct qn_column *const *columns,
                     const uint32_t *rows, uint32_t n, double *out, struct qn_err *err)
{
    struct logistic_model *self = (struct logistic_model *)(void *)model;
    qn_design_clear(&self->design);
    QN_TRY(qn_encoder_append(&self->encoder, columns, rows, n, NULL, &self->design, err));
    for (uint32_t i = 0; i < n; i++)
        out[i] = qn_expit(qn_design_eta(&self->design, i, self->weights));
    return QN_OK;
}

/* A feature's part is what its columns add; numbers are standardised, so theirs is 0 at the mean of
 * the training rows. */
static qn_code explain(struct qn_model *model, const struct qn_column *const *columns,
                       const uint32_t *rows, uint32_t n, double *parts, double *margins,
                       struct qn_err *err)
{
    struct logistic_model *self = (struct logistic_model *)(void *)model;
    const struct qn_prepared *prepared = &self->prepared;
    qn_design_clear(&self->design);
    QN_TRY(qn_encoder_append(&self->encoder, columns, rows, n, NULL, &self->design, err));
    for (uint32_t i = 0; i < n; i++, parts += prepared->n_features + 1) {
        const double *x = qn_design_at(&self->design, i, 0);
        const uint16_t *code = qn_design_codes(&self->design, i);
        for (uint32_t f = 0; f < prepared->n_features; f++) {
            uint32_t column = prepared->features[f].column;
            if (prepared->features[f].categorical)
                parts[f] = *code == QN_CODE_NONE ? 0 : self->weights[*code];
            else
                parts[f] = x[(size_t)column * QN_DESIGN_BLOCK] * self->weights[column];
            code += prepared->features[f].categorical;
        }
        parts[prepared->n_features] = self->weights[0];
        margins[i] = qn_design_eta(&self->design, i, self->weights);
    }
    return QN_OK;
}

static void free_model(struct qn_model *model)
{
    struct logistic_model *self = (struct logistic_model *)(void *)model;
    qn_design_fini(&self->design);
    qn_encoder_fini(&self->encoder);
    qn_prepared_fini(&self->prepared);
    free(self);
}

static const struct qn_model_ops ops = {.score = score, .explain = explain, .free = free_model};

static struct logistic_model *new_model(struct qn_err *err)
{
    struct logistic_model *self = calloc(1, sizeof *self);
    if (!self) {
        qn_err_nomem(err, "a model");
        return NULL;
    }
    self->model.ops = &ops;
    self->encoder.prepared = &self->prepared;
    qn_prepared_init(&self->prepared);
    return self;
}

/* The preparation and room for weights are there. */
static qn_code begin(struct logistic_model *self, struct qn_err *err)
{
    struct qn_prepared *prepared = &self->prepared;
    struct qn_model_feature *features =
        QN_NEW_ARRAY(&prepared->arena, struct qn_model_feature, prepared->n_features);
    self->weights = QN_NEW_ARRAY(&prepared->arena, double, prepared->n_columns);
    self->model.categories =
        QN_NEW_ARRAY(&prepared->arena, struct qn_categories *, prepared->n_features);
    if (!features || !self->weights || !self->model.categories)
        return qn_err_nomem(err, "a model");
    for (uint32_t i = 0; i < prepared->n_features; i++) {
        const struct qn_prepared_feature *from = &prepared->features[i];
        features[i] = (struct qn_model_feature){from->name, from->type, from->categorical};
    }
    self->model.features = features;
    self->model.n_features = prepared->n_features;
    self->design = qn_design_of(prepared->n_dense, prepared->n_categorical, prepared->n_columns);
    QN_TRY(qn_encoder_init(&self->encoder, prepared, err));
    for (uint32_t i = 0, place = 0; i < prepared->n_features; i++)
        if (prepared->features[i].categorical)
            self->model.categories[i] = &self->encoder.categories[place++];
    return QN_OK;
}

static qn_code finish(struct logistic_model *self, qn_code code, struct qn_model **out)
{
    *out = code == QN_OK ? &self->model : NULL;
    if (code != QN_OK)
        free_model(&self->model);
    return code;
}

qn_code qn_logistic_model(struct qn_strv prepared, struct qn_strv state, struct qn_model **out,
                          struct qn_err *err)
{
    struct logistic_model *self = new_model(err);
    struct qn_logistic_state fit = {0};
    *out = NULL;
    if (!self)
        return QN_ENOMEM;
    qn_code code = qn_prepared_unpack(prepared, &self->prepared, err);
    if (code == QN_OK)
        code = begin(self, err);
    if (code == QN_OK)
        code = qn_logistic_state_unpack(state, self->prepared.n_columns, &fit, err);
    if (code == QN_OK)
        memcpy(self->weights, fit.at, self->prepared.n_columns * sizeof *fit.at);
    qn_logistic_state_fini(&fit);
    return finish(self, code, out);
}

static qn_code read_root(struct logistic_model *self, const json_t *root, struct qn_err *err)
{
    struct qn_prepared *prepared = &self->prepared;
    struct qn_artefact_reading in = {.arena = &prepared->arena};
    const json_t *features = json_object_get(root, "features");
    const json_t *terms = json_object_get(root, "terms");
    size_t n = json_array_size(features);
    if (!json_is_array(features) || n > QN_MAX_COLUMNS)
        return qn_model_corrupt("features", err);
    prepared->features = QN_NEW_ARRAY(in.arena, struct qn_prepared_feature, n);
    if (!prepared->features)
        return qn_err_nomem(err, "a model");
    prepared->n_features = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        read_feature(&in, json_array_get(features, i), &prepared->features[i]);
    if (in.bad || !qn_prepared_is_sound(prepared))
        return qn_model_corrupt("a feature is not what it must be", err);
    QN_TRY(qn_prepared_lay_out(prepared, err));
    if (json_array_size(terms) != prepared->n_columns)
        return qn_model_corrupt("terms do not fit the features", err);
    QN_TRY(begin(self, err));
    for (uint32_t i = 0; i < prepared->n_columns; i++)
        self->weights[i] = qn_artefact_read_number(&in, json_array_get(terms, i), "coefficient");
    return in.bad ? qn_model_corrupt("a coefficient is no number", err) : QN_OK;
}

qn_code qn_logistic_read(const json_t *root, struct qn_model **out, struct qn_err *err)
{
    struct logistic_model *self = new_model(err);
    *out = NULL;
    return self ? finish(self, read_root(self, root, err), out) : QN_ENOMEM;
}
