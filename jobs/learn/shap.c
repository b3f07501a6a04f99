#include "jobs/learn/shap.h"

#include <string.h>

/* A feature that the way to a node has asked of, and how many subsets of those are open: weight i
 * sums the ways of i of them being known. */
struct qn_shap_step {
    uint32_t feature;
    double unknown; /* share of rows that come here while the feature is not known */
    double known;   /* 1 when this row comes here, 0 when it does not */
    double weight;
};

/* --- making ---------------------------------------------------------------------------------- */

/* Returns the tree's mean; `means` has room for one a node. */
static double share_out(const struct qn_tree *tree, double *shares, double *means)
{
    for (uint32_t i = tree->n; i-- > 0;) {
        const struct qn_tree_node *node = &tree->nodes[i];
        means[i] = node->value;
        if (node->left == 0)
            continue;
        double left = (double)tree->nodes[node->left].rows;
        double right = (double)tree->nodes[node->left + 1].rows;
        shares[i] = left + right > 0 ? left / (left + right) : 0.5;
        means[i] = shares[i] * means[node->left] + (1 - shares[i]) * means[node->left + 1];
    }
    return means[0];
}

qn_code qn_shap_make(const struct qn_tree *trees, uint32_t n_trees, const struct qn_bins *bins,
                     struct qn_arena *arena, struct qn_shap *out, struct qn_err *err)
{
    uint32_t most = 1, deepest = 0, n_features = bins->n_features;
    for (uint32_t t = 0; t < n_trees; t++)
        most = trees[t].n > most ? trees[t].n : most;
    *out = (struct qn_shap){
        .trees = trees, .bins = bins, .n_trees = n_trees, .n_features = n_features};
    out->left_shares = QN_NEW_ARRAY(arena, double *, n_trees);
    uint32_t *depths = QN_NEW_ARRAY(arena, uint32_t, most);
    double *means = QN_NEW_ARRAY(arena, double, most);
    if (!out->left_shares || !depths || !means)
        return qn_err_nomem(err, "contributions");
    for (uint32_t t = 0; t < n_trees; t++) {
        out->left_shares[t] = QN_NEW_ARRAY(arena, double, trees[t].n);
        if (!out->left_shares[t])
            return qn_err_nomem(err, "contributions");
        out->bias += share_out(&trees[t], out->left_shares[t], means);
        uint32_t depth = qn_tree_depth(&trees[t], depths);
        deepest = depth > deepest ? depth : deepest;
    }
    size_t n = 0; /* a path for every depth at once, none longer than there are features */
    for (uint32_t depth = 0; depth <= deepest + 1; depth++)
        n += (depth < n_features ? depth : n_features) + 2;
    out->steps = QN_NEW_ARRAY(arena, struct qn_shap_step, n);
    return out->steps ? QN_OK : qn_err_nomem(err, "contributions");
}

/* --- paths ----------------------------------------------------------------------------------- */

/* Step 0 stands for no feature. */
static void extend(struct qn_shap_step *path, uint32_t n, double unknown, double known,
                   uint32_t feature)
{
    path[n] = (struct qn_shap_step){feature, unknown, known, n == 0 ? 1 : 0};
    for (uint32_t i = n; i-- > 0;) {
        path[i + 1].weight += known * path[i].weight * (i + 1) / (n + 1);
        path[i].weight = unknown * path[i].weight * (n - i) / (n + 1);
    }
}

/* Takes step `at` out of a path whose last step is n. */
static void unwind(struct qn_shap_step *path, uint32_t n, uint32_t at)
{
    double unknown = path[at].unknown, known = path[at].known, next = path[n].weight;
    for (uint32_t i = n; i-- > 0;) {
        if (known > 0) {
            double before = path[i].weight;
            path[i].weight = next * (n + 1) / ((i + 1) * known);
            next = before - path[i].weight * unknown * (n - i) / (n + 1);
        } else {
            path[i].weight = unknown > 0 ? path[i].weight * (n + 1) / (unknown * (n - i)) : 0;
        }
    }
    for (uint32_t i = at; i < n; i++) {
        path[i].feature = path[i + 1].feature;
        path[i].unknown = path[i + 1].unknown;
        path[i].known = path[i + 1].known;
    }
}

/* The sum of weights of the path without step `at`. */
static double sum_without(const struct qn_shap_step *path, uint32_t n, uint32_t at)
{
    double unknown = path[at].unknown, known = path[at].known, next = path[n].weight, sum = 0;
    for (uint32_t i = n; i-- > 0;) {
        if (known > 0) {
            double weight = next * (n + 1) / ((i + 1) * known);
            sum += weight;
            next = path[i].weight - weight * unknown * (n - i) / (n + 1);
        } else if (unknown > 0) {
            sum += path[i].weight * (n + 1) / (unknown * (n - i));
        }
    }
    return sum;
}

struct walk {
    const struct qn_tree_node *nodes;
    const double *left_shares;
    const struct qn_bins *bins;
    const uint8_t *bytes;
    double *parts;
};

/* Comes to a node with a parent's path of n steps and one more. */
static void go_down(const struct walk *walk, uint32_t at, const struct qn_shap_step *parent,
                    uint32_t n, struct qn_shap_step *path, const struct qn_shap_step *last)
{
    const struct qn_tree_node *node = &walk->nodes[at];
    memcpy(path, parent, n * sizeof *path);
    extend(path, n, last->unknown, last->known, last->feature);
    if (node->left == 0) {
        for (uint32_t i = 1; i <= n; i++)
            walk->parts[path[i].feature] +=
                sum_without(path, n, i) * (path[i].known - path[i].unknown) * node->value;
        return;
    }
    uint32_t feature = node->split.feature, again = 1;
    double unknown = 1, known = 1;
    while (again <= n && path[again].feature != feature)
        again++;
    if (again <= n) {
        unknown = path[again].unknown;
        known = path[again].known;
        unwind(path, n, again);
        n--;
    }
    uint32_t code = qn_bin_code(&walk->bins->features[feature], walk->bytes);
    bool left = qn_tree_goes_left(&node->split, code);
    for (uint32_t side = 0; side < 2; side++) {
        double share = side ? 1 - walk->left_shares[at] : walk->left_shares[at];
        const struct qn_shap_step step = {feature, unknown * share, left == !side ? known : 0, 0};
        go_down(walk, node->left + side, path, n + 1, path + n + 1, &step);
    }
}

void qn_shap_add(const struct qn_shap *shap, const uint8_t *bytes, double *parts)
{
    static const struct qn_shap_step root = {UINT32_MAX, 1, 1, 0};
    for (uint32_t t = 0; t < shap->n_trees; t++) {
        const struct walk walk = {shap->trees[t].nodes, shap->left_shares[t], shap->bins, bytes,
                                  parts};
        go_down(&walk, 0, shap->steps, 0, shap->steps, &root);
    }
    parts[shap->n_features] += shap->bias;
}
