#include "jobs/learn/boost_model.h"

#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "jobs/learn/artefact_json.h"
#include "jobs/learn/forest.h"
#include "jobs/learn/math.h"
#include "jobs/learn/shap.h"

/* What a model consists of. */
struct boosted {
    struct qn_model model; /* first */
    struct qn_bins bins;   /* its arena owns everything */
    struct qn_binner binner;
    double base_score;
    struct qn_boost_state state; /* of a model that was not read: owns its trees */
    const struct qn_tree *trees; /* [forest.n_trees] */
    struct qn_forest forest;
    struct qn_shap shap; /* made when contributions are asked for */
    uint8_t *codes;      /* of one batch */
    uint32_t codes_rows;
};

/* --- writing --------------------------------------------------------------------------------- */

struct importance {
    double gain;
    uint64_t splits;
};

static json_t *feature_json(const struct qn_bin_feature *feature,
                            const struct importance *importance, bool *failed)
{
    json_t *out = json_object(), *values = json_array();
    char type[QN_TYPE_NAME];
    qn_artefact_put(out, "name", qn_artefact_text(feature->name), failed);
    qn_artefact_put(out, "type", qn_artefact_text(qn_type_name(feature->type, type)), failed);
    qn_artefact_put(out, "kind", qn_artefact_text(feature->categorical ? "categorical" : "numeric"),
                    failed);
    qn_artefact_put(out, "rows", qn_artefact_count(feature->rows), failed);
    qn_artefact_put(out, "missing", qn_artefact_count(feature->missing), failed);
    qn_artefact_put(out, "gain", qn_artefact_number(importance->gain), failed);
    qn_artefact_put(out, "splits", qn_artefact_count(importance->splits), failed);
    if (feature->categorical) {
        for (uint32_t i = 0; i + 1 < feature->n_codes; i++)
            qn_artefact_push(values, qn_artefact_strv(feature->categories[i]), failed);
        qn_artefact_put(out, "categories", values, failed);
        qn_artefact_put(out, "handle_unknown",
                        qn_artefact_text(feature->refuse_unknown ? "error" : "ignore"), failed);
        return out;
    }
    for (uint32_t i = 0; i + 2 < feature->n_codes; i++)
        qn_artefact_push(values, qn_artefact_number(feature->bounds[i]), failed);
    qn_artefact_put(out, "bounds", values, failed);
    if (feature->zero_missing)
        qn_artefact_put(out, "zero_as_missing", json_true(), failed);
    return out;
}

static json_t *categories_json(const struct qn_tree_split *split, bool *failed)
{
    json_t *out = json_array();
    for (uint32_t code = 1; code < QN_BIN_MOST_CODES; code++)
        if (qn_tree_goes_left(split, code))
            qn_artefact_push(out, qn_artefact_count(code - 1), failed);
    return out;
}

static json_t *node_json(const struct qn_tree_node *node, const struct qn_bins *bins, bool *failed)
{
    json_t *out = json_object();
    qn_artefact_put(out, "rows", qn_artefact_count(node->rows), failed);
    qn_artefact_put(out, "weight", qn_artefact_number(node->weight), failed);
    if (node->left == 0) {
        qn_artefact_put(out, "value", qn_artefact_number(node->value), failed);
        return out;
    }
    const struct qn_tree_split *split = &node->split;
    const struct qn_bin_feature *feature = &bins->features[split->feature];
    qn_artefact_put(out, "feature", qn_artefact_count(split->feature), failed);
    qn_artefact_put(out, "left", qn_artefact_count(node->left), failed);
    qn_artefact_put(out, "gain", qn_artefact_number(node->gain), failed);
    if (split->categorical) {
        qn_artefact_put(out, "categories", categories_json(split, failed), failed);
        return out;
    }
    bool above_all = split->bin + 1u == feature->n_codes;
    qn_artefact_put(out, "threshold",
                    above_all ? json_null() : qn_artefact_number(feature->bounds[split->bin - 1]),
                    failed);
    qn_artefact_put(out, "missing", qn_artefact_text(split->missing_left ? "left" : "right"),
                    failed);
    return out;
}

static json_t *params_json(const struct qn_boost_params *params, const struct qn_bins *bins,
                           bool *failed)
{
    json_t *out = json_object(), *monotone = json_object();
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"learning_rate", params->learning_rate},
        {"min_sum_hessian", params->min_sum_hessian},
        {"lambda_l1", params->lambda_l1},
        {"lambda_l2", params->lambda_l2},
        {"min_gain_to_split", params->min_gain_to_split},
        {"feature_fraction", params->feature_fraction},
        {"bagging_fraction", params->bagging_fraction},
        {"scale_pos_weight", params->positive_weight},
        {"cat_smooth", params->cat_smooth},
        {"cat_l2", params->cat_l2},
    };
    const struct {
        const char *name;
        uint32_t value;
    } counts[] = {
        {"num_leaves", params->num_leaves},
        {"num_rounds", params->num_rounds},
        {"early_stopping_rounds", params->early_stopping_rounds},
        {"min_data_in_leaf", params->min_data_in_leaf},
        {"bagging_freq", params->bagging_freq},
        {"max_cat_threshold", params->max_cat_threshold},
        {"max_cat_to_onehot", params->max_cat_to_onehot},
        {"min_data_per_group", params->min_data_per_group},
        {"max_bins", params->bins.max_bins},
        {"min_data_in_bin", params->bins.min_data_in_bin},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        qn_artefact_put(out, numbers[i].name, qn_artefact_number(numbers[i].value), failed);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        qn_artefact_put(out, counts[i].name, qn_artefact_count(counts[i].value), failed);
    qn_artefact_put(
        out, "max_depth",
        json_integer(params->max_depth == UINT32_MAX ? -1 : (json_int_t)params->max_depth), failed);
    qn_artefact_put(out, "is_unbalance", json_boolean(params->balanced), failed);
    for (uint32_t f = 0; params->monotone && f < bins->n_features; f++)
        if (params->monotone[f])
            qn_artefact_put(monotone, bins->features[f].name, json_integer(params->monotone[f]),
                            failed);
    qn_artefact_put(out, "monotone", monotone, failed);
    return out;
}

static json_t *features_json(const struct qn_boost_trees *from, bool *failed)
{
    json_t *out = json_array();
    struct importance *sums = calloc(from->bins->n_features + 1, sizeof *sums);
    *failed |= !sums;
    for (uint32_t t = 0; sums && t < from->n; t++)
        for (uint32_t i = 0; i < from->trees[t].n; i++) {
            const struct qn_tree_node *node = &from->trees[t].nodes[i];
            if (node->left == 0)
                continue;
            sums[node->split.feature].gain += node->gain;
            sums[node->split.feature].splits++;
        }
    for (uint32_t f = 0; sums && f < from->bins->n_features; f++)
        qn_artefact_push(out, feature_json(&from->bins->features[f], &sums[f], failed), failed);
    free(sums);
    return out;
}

static json_t *trees_json(const struct qn_boost_trees *from, bool *failed)
{
    json_t *out = json_array();
    for (uint32_t t = 0; t < from->n; t++) {
        json_t *tree = json_array();
        for (uint32_t i = 0; i < from->trees[t].n; i++)
            qn_artefact_push(tree, node_json(&from->trees[t].nodes[i], from->bins, failed), failed);
        qn_artefact_push(out, tree, failed);
    }
    return out;
}

void qn_boost_trees_write(const struct qn_boost_trees *from, json_t *root, bool *failed)
{
    qn_artefact_put(root, "base_score", qn_artefact_number(from->base_score), failed);
    qn_artefact_put(root, "features", features_json(from, failed), failed);
    qn_artefact_put(root, "trees", trees_json(from, failed), failed);
}

static qn_code write(const struct qn_boost_params *params, const struct qn_bins *bins,
                     const struct qn_boost_state *state, json_t *root, struct qn_err *err)
{
    bool failed = false;
    struct qn_boost_scale scale;
    json_t *training = json_object_get(root, "training");
    qn_boost_scale_of(params, bins, &scale);
    const struct qn_boost_trees trees = {bins, state->trees, state->n_trees, scale.base_score};
    qn_boost_trees_write(&trees, root, &failed);
    qn_artefact_put(root, "params", params_json(params, bins, &failed), &failed);
    qn_artefact_put(training, "trees", qn_artefact_count(state->n_trees), &failed);
    double loss = state->best_rows
                      ? (double)state->best_loss * QN_BOOST_LOSS_UNIT / (double)state->best_rows
                      : (double)NAN;
    qn_artefact_put(training, "validation_log_loss", qn_artefact_number(loss), &failed);
    return failed ? qn_err_nomem(err, "the model file") : QN_OK;
}

qn_code qn_boost_write(const struct qn_boost_params *params, struct qn_strv packed_bins,
                       struct qn_strv log, json_t *root, struct qn_err *err)
{
    struct qn_bins bins;
    struct qn_boost_state state;
    qn_bins_init(&bins);
    qn_code code = qn_boost_state_init(&state, params, err);
    if (code == QN_OK)
        code = qn_bins_unpack(packed_bins, &bins, err);
    if (code == QN_OK)
        code = qn_boost_state_read(&state, log, &bins, err);
    if (code == QN_OK)
        code = write(params, &bins, &state, root, err);
    qn_boost_state_fini(&state);
    qn_bins_fini(&bins);
    return code;
}

/* --- scoring --------------------------------------------------------------------------------- */

/* Scores before the logistic function; the rows' codes are in self->codes then. */
static qn_code add_up(struct boosted *self, const struct qn_column *const *columns,
                      const uint32_t *rows, uint32_t n, double *out, struct qn_err *err)
{
    if (n > self->codes_rows) {
        uint8_t *codes = realloc(self->codes, (size_t)n * self->bins.n_columns + 1);
        if (!codes)
            return qn_err_nomem(err, "scores");
        self->codes = codes;
        self->codes_rows = n;
    }
    QN_TRY(qn_binner_take(&self->binner, columns, rows, n, self->codes, err));
    for (uint32_t i = 0; i < n; i++)
        out[i] = self->base_score;
    qn_forest_add(&self->forest, self->codes, self->bins.n_columns, n, out);
    return QN_OK;
}

static qn_code score(struct qn_model *model, const struct qn_column *const *columns,
                     const uint32_t *rows, uint32_t n, double *out, struct qn_err *err)
{
    QN_TRY(add_up((struct boosted *)(void *)model, columns, rows, n, out, err));
    for (uint32_t i = 0; i < n; i++)
        out[i] = qn_expit(out[i]);
    return QN_OK;
}

static qn_code explain(struct qn_model *model, const struct qn_column *const *columns,
                       const uint32_t *rows, uint32_t n, double *parts, double *margins,
                       struct qn_err *err)
{
    struct boosted *self = (struct boosted *)(void *)model;
    uint32_t width = self->bins.n_features + 1;
    if (!self->shap.steps)
        QN_TRY(qn_shap_make(self->trees, self->forest.n_trees, &self->bins, &self->bins.arena,
                            &self->shap, err));
    QN_TRY(add_up(self, columns, rows, n, margins, err));
    for (uint32_t i = 0; i < n; i++, parts += width) {
        for (uint32_t f = 0; f < width; f++)
            parts[f] = 0;
        parts[width - 1] = self->base_score;
        qn_shap_add(&self->shap, self->codes + (size_t)i * self->bins.n_columns, parts);
    }
    return QN_OK;
}

static void free_model(struct qn_model *model)
{
    struct boosted *self = (struct boosted *)(void *)model;
    qn_boost_state_fini(&self->state);
    qn_binner_fini(&self->binner);
    qn_bins_fini(&self->bins);
    free(self->codes);
    free(self);
}

static void gains(const struct qn_model *model, double *out)
{
    const struct boosted *self = (const struct boosted *)(const void *)model;
    for (uint32_t f = 0; f < self->bins.n_features; f++)
        out[f] = 0;
    for (uint32_t t = 0; t < self->forest.n_trees; t++)
        for (uint32_t i = 0; i < self->trees[t].n; i++)
            if (self->trees[t].nodes[i].left)
                out[self->trees[t].nodes[i].split.feature] += self->trees[t].nodes[i].gain;
}

static const struct qn_model_ops ops = {
    .score = score, .explain = explain, .gains = gains, .free = free_model};

static struct boosted *new_model(struct qn_err *err)
{
    struct boosted *self = calloc(1, sizeof *self);
    if (!self) {
        qn_err_nomem(err, "a model");
        return NULL;
    }
    self->model.ops = &ops;
    self->binner.bins = &self->bins;
    qn_bins_init(&self->bins);
    return self;
}

/* The bins are there. */
static qn_code begin(struct boosted *self, struct qn_err *err)
{
    struct qn_bins *bins = &self->bins;
    struct qn_model_feature *features =
        QN_NEW_ARRAY(&bins->arena, struct qn_model_feature, bins->n_features);
    self->model.categories = QN_NEW_ARRAY(&bins->arena, struct qn_categories *, bins->n_features);
    if (!features || !self->model.categories)
        return qn_err_nomem(err, "a model");
    for (uint32_t i = 0; i < bins->n_features; i++) {
        const struct qn_bin_feature *from = &bins->features[i];
        features[i] = (struct qn_model_feature){from->name, from->type, from->categorical};
    }
    self->model.features = features;
    self->model.n_features = bins->n_features;
    QN_TRY(qn_bins_lay_out(bins, true, err));
    QN_TRY(qn_binner_init(&self->binner, bins, err));
    for (uint32_t i = 0; i < bins->n_features; i++)
        if (bins->features[i].categorical)
            self->model.categories[i] = &self->binner.categories[i];
    return QN_OK;
}

static qn_code finish(struct boosted *self, qn_code code, struct qn_model **out)
{
    *out = code == QN_OK ? &self->model : NULL;
    if (code != QN_OK)
        free_model(&self->model);
    return code;
}

qn_code qn_boost_model(const struct qn_boost_params *params, struct qn_strv bins,
                       struct qn_strv log, struct qn_model **out, struct qn_err *err)
{
    struct boosted *self = new_model(err);
    struct qn_boost_scale scale;
    *out = NULL;
    if (!self)
        return QN_ENOMEM;
    struct qn_boost_state *state = &self->state;
    qn_code code = qn_boost_state_init(state, params, err);
    if (code == QN_OK)
        code = qn_bins_unpack(bins, &self->bins, err);
    if (code == QN_OK)
        code = begin(self, err);
    if (code == QN_OK)
        code = qn_boost_state_read(state, log, &self->bins, err);
    if (code == QN_OK)
        code = qn_forest_make(state->trees, state->n_trees, &self->bins, &self->bins.arena,
                              &self->forest, err);
    if (code == QN_OK)
        qn_boost_scale_of(params, &self->bins, &scale);
    self->base_score = code == QN_OK ? scale.base_score : 0;
    self->trees = state->trees;
    return finish(self, code, out);
}

/* --- reading --------------------------------------------------------------------------------- */

static void read_bounds(struct qn_artefact_reading *in, const json_t *object,
                        struct qn_bin_feature *feature)
{
    const json_t *bounds = json_object_get(object, "bounds");
    size_t n = json_array_size(bounds);
    in->bad |= !json_is_array(bounds) || n > QN_BIN_CODES - 2;
    feature->bounds = in->bad ? NULL : QN_NEW_ARRAY(in->arena, double, n);
    in->bad |= !feature->bounds;
    for (size_t i = 0; i < n && !in->bad; i++) {
        feature->bounds[i] = json_number_value(json_array_get(bounds, i));
        in->bad |= !json_is_number(json_array_get(bounds, i));
    }
    feature->n_codes = in->bad ? 1 : (uint32_t)n + 2;
    if (feature->missing == feature->rows) /* no value was ever seen */
        feature->n_codes = 1;
}

static void read_feature(struct qn_artefact_reading *in, const json_t *object,
                         struct qn_bin_feature *feature)
{
    feature->name = qn_artefact_read_text(in, object, "name").data;
    feature->type = qn_artefact_read_type(in, object, "type");
    feature->categorical = qn_artefact_read_choice(in, object, "kind", "categorical", "numeric");
    feature->rows = qn_artefact_read_count(in, object, "rows");
    feature->missing = qn_artefact_read_count(in, object, "missing");
    if (!feature->categorical) {
        feature->zero_missing = json_is_true(json_object_get(object, "zero_as_missing"));
        read_bounds(in, object, feature);
        return;
    }
    feature->categories =
        qn_artefact_read_texts(in, object, "categories", QN_BIN_MOST_CODES - 1, &feature->n_codes);
    feature->n_codes++;
    feature->refuse_unknown =
        qn_artefact_read_choice(in, object, "handle_unknown", "error", "ignore");
}

static void read_threshold(struct qn_artefact_reading *in, const json_t *object,
                           const struct qn_bin_feature *feature, struct qn_tree_split *split)
{
    split->missing_left = qn_artefact_read_choice(in, object, "missing", "left", "right");
    uint32_t code = feature->n_codes - 1;
    if (!json_is_null(json_object_get(object, "threshold"))) {
        double threshold = qn_artefact_read_number(in, object, "threshold");
        for (code = 1; code + 1 < feature->n_codes; code++)
            if (feature->bounds[code - 1] == threshold)
                break;
        in->bad |= code + 1 >= feature->n_codes;
    }
    split->bin = (uint8_t)code;
}

static void read_set(struct qn_artefact_reading *in, const json_t *object,
                     const struct qn_bin_feature *feature, struct qn_tree_split *split)
{
    const json_t *list = json_object_get(object, "categories");
    size_t n = json_array_size(list);
    in->bad |= !json_is_array(list);
    for (size_t i = 0; i < n; i++) {
        json_int_t code = json_integer_value(json_array_get(list, i)) + 1;
        if (code < 1 || code >= (json_int_t)feature->n_codes) {
            in->bad = true;
            return;
        }
        split->set[code / 64] |= UINT64_C(1) << (code % 64);
    }
}

static void read_node(struct qn_artefact_reading *in, const json_t *object,
                      const struct qn_bins *bins, struct qn_tree_node *node)
{
    node->rows = qn_artefact_read_count(in, object, "rows");
    node->weight = qn_artefact_read_number(in, object, "weight");
    if (json_object_get(object, "value")) {
        node->value = qn_artefact_read_number(in, object, "value");
        return;
    }
    uint64_t left = qn_artefact_read_count(in, object, "left");
    uint64_t feature = qn_artefact_read_count(in, object, "feature");
    node->gain = qn_artefact_read_number(in, object, "gain");
    in->bad |= left == 0 || left > UINT32_MAX || feature >= bins->n_features;
    if (in->bad)
        return;
    node->left = (uint32_t)left;
    node->split.feature = (uint32_t)feature;
    node->split.categorical = bins->features[feature].categorical;
    if (node->split.categorical)
        read_set(in, object, &bins->features[feature], &node->split);
    else
        read_threshold(in, object, &bins->features[feature], &node->split);
}

static qn_code read_trees(struct boosted *self, const json_t *list, struct qn_err *err)
{
    struct qn_artefact_reading in = {.arena = &self->bins.arena};
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n > QN_BOOST_MAX_TREES)
        return qn_model_corrupt("trees", err);
    struct qn_tree *trees = QN_NEW_ARRAY(in.arena, struct qn_tree, n);
    if (!trees)
        return qn_err_nomem(err, "a model");
    for (size_t t = 0; t < n; t++) {
        const json_t *nodes = json_array_get(list, t);
        struct qn_tree *tree = &trees[t];
        size_t n_nodes = json_array_size(nodes);
        if (n_nodes > 2 * QN_BOOST_MAX_LEAVES)
            return qn_model_corrupt("a tree has too many nodes", err);
        tree->nodes = QN_NEW_ARRAY(in.arena, struct qn_tree_node, n_nodes);
        if (!tree->nodes)
            return qn_err_nomem(err, "a model");
        tree->n = (uint32_t)n_nodes;
        for (size_t i = 0; i < n_nodes && !in.bad; i++)
            read_node(&in, json_array_get(nodes, i), &self->bins, &tree->nodes[i]);
        if (in.bad || !qn_tree_is_sound(tree, &self->bins))
            return qn_model_corrupt("a tree is not what it must be", err);
    }
    self->trees = trees;
    return qn_forest_make(trees, (uint32_t)n, &self->bins, in.arena, &self->forest, err);
}

static qn_code read_root(struct boosted *self, const json_t *root, struct qn_err *err)
{
    struct qn_artefact_reading in = {.arena = &self->bins.arena};
    const json_t *features = json_object_get(root, "features");
    size_t n = json_array_size(features);
    if (!json_is_array(features) || n > QN_MAX_COLUMNS)
        return qn_model_corrupt("features", err);
    self->bins.features = QN_NEW_ARRAY(in.arena, struct qn_bin_feature, n);
    if (!self->bins.features)
        return qn_err_nomem(err, "a model");
    self->bins.n_features = (uint32_t)n;
    for (size_t i = 0; i < n && !in.bad; i++)
        read_feature(&in, json_array_get(features, i), &self->bins.features[i]);
    if (in.bad || !qn_bins_are_sound(&self->bins))
        return qn_model_corrupt("a feature is not what it must be", err);
    self->base_score = qn_artefact_read_number(&in, root, "base_score");
    if (in.bad)
        return qn_model_corrupt("base_score", err);
    QN_TRY(begin(self, err));
    return read_trees(self, json_object_get(root, "trees"), err);
}

qn_code qn_boost_read(const json_t *root, struct qn_model **out, struct qn_err *err)
{
    struct boosted *self = new_model(err);
    *out = NULL;
    return self ? finish(self, read_root(self, root, err), out) : QN_ENOMEM;
}

struct qn_boost_trees qn_boost_trees_of(const struct qn_model *model)
{
    const struct boosted *self = (const struct boosted *)(const void *)model;
    return (struct qn_boost_trees){&self->bins, self->trees, self->trees ? self->forest.n_trees : 0,
                                   self->base_score};
}
