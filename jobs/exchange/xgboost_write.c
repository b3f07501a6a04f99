/* XGBoost's JSON model.
 *
 * Left and right children stand side by side, left first. A split is x < condition in float32, so
 * the condition is the next float32 above the largest one that goes left. Listed categories go
 * right and all else, missing ones too, goes left: such a split has our children swapped. A leaf's
 * value stands in its condition. Numbers of the model's parameters are texts. Every score starts
 * from the log-odds of base_score, a probability, for which a half loses nothing: the first tree's
 * leaves have what ours start from. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "jobs/exchange/write.h"
#include "jobs/learn/artefact_json.h"

/* x <= threshold, for every float32 x below the largest, as x < condition: JSON has no infinity. */
static float condition_of(double threshold)
{
    if (threshold >= (double)FLT_MAX)
        return FLT_MAX;
    float below = (float)threshold;
    if ((double)below > threshold)
        below = nextafterf(below, -INFINITY);
    return nextafterf(below, INFINITY); /* at most FLT_MAX */
}

/* Places of nodes: pairs stay, and those under a split by categories are swapped. */
static void place_nodes(const struct qn_tree *tree, uint32_t *places)
{
    places[0] = 0;
    for (uint32_t i = 0; i < tree->n; i++) {
        const struct qn_tree_node *node = &tree->nodes[i];
        if (!node->left)
            continue;
        places[node->left] = node->left + (node->split.categorical ? 1 : 0);
        places[node->left + 1] = node->left + (node->split.categorical ? 0 : 1);
    }
}

enum { N_LISTS = 14 };
static const char *const list_names[N_LISTS] = {
    "left_children",       "right_children",  "parents",      "split_indices",
    "split_conditions",    "split_type",      "default_left", "base_weights",
    "loss_changes",        "sum_hessian",     "categories",   "categories_nodes",
    "categories_segments", "categories_sizes"};
enum list {
    LEFT,
    RIGHT,
    PARENTS,
    INDICES,
    CONDITIONS,
    TYPES,
    DEFAULT_LEFT,
    WEIGHTS,
    GAINS,
    HESSIANS,
    SETS,
    SET_NODES,
    SET_FIRST,
    SET_SIZES
};

struct writing {
    json_t *lists[N_LISTS];
    bool *failed;
};

static void push_real(struct writing *self, enum list list, double value)
{
    qn_artefact_push(self->lists[list], json_real(value), self->failed);
}

static void push_count(struct writing *self, enum list list, json_int_t value)
{
    qn_artefact_push(self->lists[list], json_integer(value), self->failed);
}

static void push_set(struct writing *self, const struct qn_tree_split *split, uint32_t place)
{
    size_t first = json_array_size(self->lists[SETS]);
    for (uint32_t code = 1; code < QN_BIN_MOST_CODES; code++)
        if (qn_tree_goes_left(split, code))
            push_count(self, SETS, code - 1);
    push_count(self, SET_NODES, place);
    push_count(self, SET_FIRST, (json_int_t)first);
    push_count(self, SET_SIZES, (json_int_t)(json_array_size(self->lists[SETS]) - first));
}

static void push_node(struct writing *self, const struct qn_bins *bins,
                      const struct qn_tree_node *node, uint32_t place, json_int_t parent,
                      double start)
{
    const struct qn_tree_split *split = &node->split;
    bool leaf = node->left == 0, categorical = !leaf && split->categorical;
    float value = leaf ? (float)(node->value + start) : 0;
    push_count(self, LEFT, leaf ? -1 : (json_int_t)node->left);
    push_count(self, RIGHT, leaf ? -1 : (json_int_t)node->left + 1);
    push_count(self, PARENTS, parent);
    push_count(self, INDICES, leaf ? 0 : split->feature);
    push_real(
        self, CONDITIONS,
        (double)(leaf || categorical ? value : condition_of(qn_exchange_threshold(bins, split))));
    push_count(self, TYPES, categorical);
    push_count(self, DEFAULT_LEFT, categorical || (!leaf && split->missing_left));
    push_real(self, WEIGHTS, (double)value);
    push_real(self, GAINS, node->gain);
    push_real(self, HESSIANS, node->weight);
    if (categorical)
        push_set(self, split, place);
}

static json_t *digits(uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return json_string(text);
}

static json_t *tree_json(const struct qn_boost_trees *from, uint32_t number, double start,
                         bool *failed)
{
    struct qn_tree_node only = {0};
    struct qn_tree none = {&only, 1};
    const struct qn_tree *tree = from->n ? &from->trees[number] : &none;
    uint32_t *places = malloc(tree->n * sizeof *places), *at = malloc(tree->n * sizeof *at),
             *parents = calloc(tree->n, sizeof *parents);
    json_t *out = json_object(), *param = json_object();
    struct writing self = {.failed = failed};
    *failed |= !places || !at || !parents;
    for (int i = 0; i < N_LISTS; i++)
        self.lists[i] = json_array();
    if (!*failed) {
        place_nodes(tree, places);
        for (uint32_t i = 0; i < tree->n; i++) {
            at[places[i]] = i;
            if (tree->nodes[i].left)
                parents[tree->nodes[i].left] = parents[tree->nodes[i].left + 1] = i;
        }
        for (uint32_t i = 0; i < tree->n; i++)
            push_node(&self, from->bins, &tree->nodes[at[i]], i,
                      i ? (json_int_t)places[parents[at[i]]] : INT32_MAX, start);
    }
    for (int i = 0; i < N_LISTS; i++)
        qn_artefact_put(out, list_names[i], self.lists[i], failed);
    qn_artefact_put(param, "num_deleted", digits(0), failed);
    qn_artefact_put(param, "num_feature", digits(from->bins->n_features), failed);
    qn_artefact_put(param, "num_nodes", digits(tree->n), failed);
    qn_artefact_put(param, "size_leaf_vector", digits(1), failed);
    qn_artefact_put(out, "tree_param", param, failed);
    qn_artefact_put(out, "id", json_integer(number), failed);
    free(places);
    free(at);
    free(parents);
    return out;
}

static json_t *booster_json(const struct qn_boost_trees *from, bool *failed)
{
    uint32_t n = from->n ? from->n : 1;
    json_t *out = json_object(), *model = json_object(), *param = json_object();
    json_t *trees = json_array(), *info = json_array(), *rounds = json_array();
    for (uint32_t t = 0; t < n; t++) {
        qn_artefact_push(trees, tree_json(from, t, t ? 0 : from->base_score, failed), failed);
        qn_artefact_push(info, json_integer(0), failed);
        qn_artefact_push(rounds, json_integer(t), failed);
    }
    qn_artefact_push(rounds, json_integer(n), failed);
    qn_artefact_put(param, "num_trees", digits(n), failed);
    qn_artefact_put(param, "num_parallel_tree", digits(1), failed);
    qn_artefact_put(model, "gbtree_model_param", param, failed);
    qn_artefact_put(model, "iteration_indptr", rounds, failed);
    qn_artefact_put(model, "tree_info", info, failed);
    qn_artefact_put(model, "trees", trees, failed);
    qn_artefact_put(out, "name", json_string("gbtree"), failed);
    qn_artefact_put(out, "model", model, failed);
    return out;
}

static void put_learner(json_t *learner, const struct qn_boost_trees *from, bool *failed)
{
    json_t *names = json_array(), *types = json_array(), *param = json_object();
    json_t *objective = json_object(), *loss = json_object();
    for (uint32_t f = 0; f < from->bins->n_features; f++) {
        const struct qn_bin_feature *feature = &from->bins->features[f];
        qn_artefact_push(names, json_string(feature->name), failed);
        qn_artefact_push(types, json_string(feature->categorical ? "c" : "float"), failed);
    }
    qn_artefact_put(param, "base_score", json_string("5E-1"), failed);
    qn_artefact_put(param, "boost_from_average", digits(1), failed);
    qn_artefact_put(param, "num_class", digits(0), failed);
    qn_artefact_put(param, "num_feature", digits(from->bins->n_features), failed);
    qn_artefact_put(param, "num_target", digits(1), failed);
    qn_artefact_put(loss, "scale_pos_weight", digits(1), failed);
    qn_artefact_put(objective, "name", json_string("binary:logistic"), failed);
    qn_artefact_put(objective, "reg_loss_param", loss, failed);
    qn_artefact_put(learner, "attributes", json_object(), failed);
    qn_artefact_put(learner, "feature_names", names, failed);
    qn_artefact_put(learner, "feature_types", types, failed);
    qn_artefact_put(learner, "gradient_booster", booster_json(from, failed), failed);
    qn_artefact_put(learner, "learner_model_param", param, failed);
    qn_artefact_put(learner, "objective", objective, failed);
}

qn_code qn_exchange_xgboost(struct qn_buf *out, const struct qn_boost_trees *from,
                            struct qn_err *err)
{
    bool failed = false;
    for (uint32_t f = 0; f < from->bins->n_features; f++)
        if (from->bins->features[f].zero_missing)
            return qn_err_set(err, QN_ENOTSUP, QN_BLAME_JOB,
                              "feature '%.60s' takes zeros for missing (zero_as_missing), which a "
                              "model of xgboost cannot say; write it as lightgbm, c or json",
                              from->bins->features[f].name);
    json_t *root = json_object(), *learner = json_object();
    put_learner(learner, from, &failed);
    qn_artefact_put(root, "learner", learner, &failed);
    qn_artefact_put(root, "version", json_pack("[iii]", 2, 1, 0), &failed);
    char *bytes = failed ? NULL : json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(root);
    if (!bytes)
        return qn_err_nomem(err, "a model");
    qn_buf_printf(out, "%s\n", bytes);
    free(bytes);
    return QN_OK;
}
