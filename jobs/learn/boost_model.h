/* boost_model: fitted trees in the model file (artefact.h), and scoring with them.
 *
 *     "base_score": log-odds that every row starts from,
 *     "features": [{"name", "type", "kind": "numeric", "bounds", "rows", "missing", "gain",
 *                   "splits"},          (and "zero_as_missing": true where 0 counts as missing)
 *                  {"name", "type", "kind": "categorical", "categories",
 *                   "handle_unknown": "ignore|error", "rows", "missing", "gain", "splits"}],
 *     "trees": [[{"feature", "threshold", "missing": "left|right", "left", "gain", "rows",
 *                 "weight"},
 *                {"feature", "categories", "left", "gain", "rows", "weight"},
 *                {"value", "rows", "weight"}]],
 *     "params": LightGBM's names, "training": {..., "trees", "validation_log_loss"}
 *
 * A tree's nodes are numbered from 0, the root; the children of a split are `left` and `left` + 1.
 * A row goes left when its value is at most `threshold`, one of the feature's bounds (null: above
 * all values), or is one of `categories` (positions in the feature's list); missing numbers go
 * where `missing` says, missing and unseen categories to the right. The score is the logistic
 * function of base_score plus the values of the leaves, added in order. `gain` of a feature is the
 * sum over its splits. */
#ifndef QN_JOBS_LEARN_BOOST_MODEL_H
#define QN_JOBS_LEARN_BOOST_MODEL_H

#include <jansson.h>

#include "jobs/learn/boost.h"
#include "jobs/learn/model.h"

/* What the trees of a model are, apart from scoring; everything is the model's. */
struct qn_boost_trees {
    const struct qn_bins *bins;
    const struct qn_tree *trees; /* [n] */
    uint32_t n;
    double base_score;
};
/* Of a model that qn_boost_read made. */
struct qn_boost_trees qn_boost_trees_of(const struct qn_model *model);
/* "base_score", "features" and "trees" of the model file's root. */
void qn_boost_trees_write(const struct qn_boost_trees *from, json_t *root, bool *failed);

/* Of packed bins and the log. */
QN_CHECK qn_code qn_boost_write(const struct qn_boost_params *params, struct qn_strv bins,
                                struct qn_strv log, json_t *root, struct qn_err *err);
QN_CHECK qn_code qn_boost_read(const json_t *root, struct qn_model **out, struct qn_err *err);
QN_CHECK qn_code qn_boost_model(const struct qn_boost_params *params, struct qn_strv bins,
                                struct qn_strv log, struct qn_model **out, struct qn_err *err);

#endif
