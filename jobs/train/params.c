/* The parameters of all algorithms in one table: a spec may name those of its own. */
#include <stdio.h>

#include "jobs/train/train.h"
#include "spec/keys.h"

static const char *const class_weights[] = {"none", "balanced", NULL};

static const struct qn_key keys[] = {
    {.name = "l1",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e12,
     .doc = "logistic_regression: absolute penalty, which leaves columns out; default 0"},
    {.name = "l2",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e+12,
     .doc = "logistic_regression: ridge penalty, 1/C of scikit-learn; default 1"},
    {.name = "max_iter",
     .shape = QN_SHAPE_INT,
     .min = 1,
     .max = 10000,
     .doc = "logistic_regression: rounds at most; default 100"},
    {.name = "tol",
     .shape = QN_SHAPE_NUMBER,
     .min = 1e-14,
     .max = 0.01,
     .doc = "logistic_regression: largest relative step that counts as converged; default 1e-9"},
    {.name = "learning_rate",
     .shape = QN_SHAPE_NUMBER,
     .min = 1e-6,
     .max = 1,
     .doc = "gradient_boosting: share of a tree's values that is added; default 0.1"},
    {.name = "num_leaves",
     .shape = QN_SHAPE_INT,
     .min = 2,
     .max = 4096,
     .doc = "leaves of a tree at most; default 31"},
    {.name = "num_rounds",
     .shape = QN_SHAPE_INT,
     .min = 1,
     .max = 100000,
     .doc = "trees at most; default 100"},
    {.name = "early_stopping_rounds",
     .shape = QN_SHAPE_INT,
     .min = 0,
     .max = 100000,
     .doc = "trees without a better validation loss, after which no more are made; default 0: all "
            "are"},
    {.name = "max_depth",
     .shape = QN_SHAPE_INT,
     .min = -1,
     .max = 4096,
     .doc = "splits above a leaf at most; default -1: any number"},
    {.name = "min_data_in_leaf",
     .shape = QN_SHAPE_INT,
     .min = 0,
     .max = 1e9,
     .doc = "rows of a leaf at least; default 20"},
    {.name = "min_sum_hessian",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e+12,
     .doc = "second derivatives of a leaf's rows at least; default 0.001"},
    {.name = "lambda_l1",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e+12,
     .doc = "penalty on the size of leaf values; default 0"},
    {.name = "lambda_l2",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e+12,
     .doc = "penalty on the square of leaf values; default 0"},
    {.name = "min_gain_to_split",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e+12,
     .doc = "gain of a split at least; default 0"},
    {.name = "feature_fraction",
     .shape = QN_SHAPE_NUMBER,
     .min = 1e-6,
     .max = 1,
     .doc = "share of the features that each tree sees; default 1"},
    {.name = "bagging_fraction",
     .shape = QN_SHAPE_NUMBER,
     .min = 1e-6,
     .max = 1,
     .doc = "share of the rows that a tree sees; default 1"},
    {.name = "bagging_freq",
     .shape = QN_SHAPE_INT,
     .min = 0,
     .max = 100000,
     .doc = "trees in a row that see the same rows; default 1, 0: all see all"},
    {.name = "scale_pos_weight",
     .shape = QN_SHAPE_NUMBER,
     .min = 1e-6,
     .max = 1e6,
     .doc = "weight of rows whose label is 1; default 1"},
    {.name = "is_unbalance",
     .shape = QN_SHAPE_BOOL,
     .doc = "both classes weigh the same in sum; default false"},
    {.name = "class_weight",
     .shape = QN_SHAPE_ENUM,
     .values = class_weights,
     .doc = "balanced: both classes weigh alike in the fit; none (default)"},
    {.name = "max_bins",
     .shape = QN_SHAPE_INT,
     .min = 2,
     .max = 255,
     .doc = "different values, or ranges of them, that a feature is cut into; default 255"},
    {.name = "min_data_in_bin",
     .shape = QN_SHAPE_INT,
     .min = 1,
     .max = 1e6,
     .doc = "rows of the sample in a range of values at least; default 3"},
    {.name = "cat_smooth",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e+12,
     .doc = "rows that a category needs, and what smooths the order of categories; default 10"},
    {.name = "cat_l2",
     .shape = QN_SHAPE_NUMBER,
     .min = 0,
     .max = 1e+12,
     .doc = "lambda_l2 more for splits by sets of categories; default 10"},
    {.name = "max_cat_threshold",
     .shape = QN_SHAPE_INT,
     .min = 1,
     .max = 255,
     .doc = "categories on the smaller side of a split at most; default 32"},
    {.name = "max_cat_to_onehot",
     .shape = QN_SHAPE_INT,
     .min = 1,
     .max = 255,
     .doc = "with as few categories a split takes out one of them; default 4"},
    {.name = "min_data_per_group",
     .shape = QN_SHAPE_INT,
     .min = 1,
     .max = 1e9,
     .doc = "rows that each step of a split by categories adds at least; default 100"},
    {.name = "monotone",
     .shape = QN_SHAPE_MAP,
     .item = QN_SHAPE_INT,
     .min = -1,
     .max = 1,
     .doc = "columns whose growth may only raise (1) or lower (-1) the score"},
};
const struct qn_spec_keys qn_train_params_keys = QN_KEYS("params", keys);

static bool takes(const struct qn_algorithm *algorithm, struct qn_strv name)
{
    const char *const *at = algorithm->params;
    while (*at && !qn_strv_is(name, *at))
        at++;
    return *at != NULL;
}

void qn_train_check_params(struct qn_diags *diags, const struct qn_node *params,
                           const struct qn_algorithm *algorithm)
{
    uint32_t n = 0;
    char hint[QN_HINT_BYTES];
    while (algorithm->params[n])
        n++;
    for (uint32_t i = 0; params && params->kind == QN_NODE_MAP && i < params->n; i++) {
        const struct qn_pair *pair = &params->pairs[i];
        bool known = false;
        for (size_t k = 0; k < qn_train_params_keys.n; k++)
            known |= qn_strv_is(pair->key, keys[k].name);
        if (known && !takes(algorithm, pair->key)) /* unknown ones were told of already */
            qn_diags_add(diags, pair->key_span, NULL,
                         qn_did_you_mean(pair->key, algorithm->params, n, hint),
                         "'%.*s' is no parameter of %s", QN_STRV_ARG(pair->key), algorithm->name);
    }
}
