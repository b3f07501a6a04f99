/* shap: what each feature adds to the margin of a row, by Shapley's rule over trees: for every
 * order in which features could become known, what knowing the next changes, on average. Until a
 * split's feature is known a row goes both ways, by the share of training rows that went there.
 * Exact, in time polynomial in the depth (Lundberg's recursion over paths). */
#ifndef QN_JOBS_LEARN_SHAP_H
#define QN_JOBS_LEARN_SHAP_H

#include "jobs/learn/tree.h"

struct qn_shap_step;

struct qn_shap {
    const struct qn_tree *trees; /* borrowed; sound */
    const struct qn_bins *bins;  /* borrowed */
    uint32_t n_trees, n_features;
    double **left_shares; /* by tree and node: of the rows below it, those that went left */
    double bias;          /* the mean of all trees */
    struct qn_shap_step *steps;
};

/* Memory is the arena's. */
QN_CHECK qn_code qn_shap_make(const struct qn_tree *trees, uint32_t n_trees,
                              const struct qn_bins *bins, struct qn_arena *arena,
                              struct qn_shap *out, struct qn_err *err);

/* Adds the trees' contributions to a row of bytes, by feature, to parts[0..n_features), and the
 * bias to parts[n_features]. One thread at a time. */
void qn_shap_add(const struct qn_shap *shap, const uint8_t *bytes, double *parts);

#endif
