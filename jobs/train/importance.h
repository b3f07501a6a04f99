/* importance: what features are worth to the fitted model, on held-out rows: how much worse a
 * metric gets when a feature's values are dealt to other rows (permute.h), and what features add to
 * the margins (swarm.h).
 *
 *   evaluate     gives, as a partition of its own, a share of the held-out rows with their features
 *   importance   tasks that each take some of the features for the first, or some of the rows for
 *                the second; the state is everything they found
 *
 * Which rows are drawn, how their values are dealt and which task does what follows from the spec
 * and the rows alone.
 *
 * Files: importance_rows.c from the input into a worker's memory, importance.c the tasks and what
 * is made of their partials, importance_report.c what is told. */
#ifndef QN_JOBS_TRAIN_IMPORTANCE_H
#define QN_JOBS_TRAIN_IMPORTANCE_H

#include "flow/job.h"
#include "jobs/learn/model.h"
#include "jobs/learn/swarm.h"

struct qn_train;
struct qn_train_walk;

struct qn_importance {
    const char *metric;
    uint32_t repeats;           /* of each permutation; 0: none is made */
    uint32_t rows, shap_rows;   /* at most about so many held-out rows; shap_rows 0: none */
    uint32_t n_permute, n_shap; /* tasks of either kind, in this order */
    uint32_t stage;
    struct qn_schema held; /* of the partition */
};
/* Partitions of the evaluate stage. */
enum { QN_TRAIN_SCORES, QN_TRAIN_HELD };
/* Columns of the latter. */
enum { QN_HELD_PLACE, QN_HELD_LABEL, QN_HELD_FEATURES };

/* What `evaluate.importance` asks for; *out NULL: nothing, as where node is NULL. */
QN_CHECK qn_code qn_importance_compile(const struct qn_train *train, const struct qn_node *node,
                                       struct qn_diags *diags, struct qn_arena *arena,
                                       struct qn_importance **out, struct qn_err *err);

/* --- rows ------------------------------------------------------------------------------------ */

/* In the evaluate stage: gives those of the walk's rows that are drawn. */
QN_CHECK qn_code qn_importance_give(const struct qn_train_walk *walk, struct qn_err *err);

/* Held-out rows as a worker has them, in the order of their places. */
struct qn_held_rows {
    struct qn_batch_builder *builder; /* owns the columns */
    const struct qn_column **columns; /* by feature */
    const uint8_t *labels;
    uint64_t *ids;
    uint8_t *levels; /* [features][n_explained] */
    uint32_t n, n_explained;
};
/* Borrowed. */
QN_CHECK qn_code qn_held_rows_get(struct qn_task_in *in, const struct qn_train *train,
                                  const struct qn_held_rows **out, struct qn_err *err);

/* --- tasks and what comes of them ------------------------------------------------------------- */

QN_CHECK qn_code qn_importance_run(const struct qn_train *train, struct qn_task_in *in,
                                   struct qn_task_out *out, struct qn_err *err);

/* What is known so far. */
struct qn_importance_found {
    uint32_t n_features;
    uint64_t rows;            /* that permutations were tried on; 0: none */
    double *values, *spreads; /* [n_features]; NaN: not known */
    struct qn_swarm swarm;
};
/* Finish it also on failure. */
QN_CHECK qn_code qn_importance_found_init(struct qn_importance_found *found, uint32_t n_features,
                                          struct qn_err *err);
void qn_importance_found_fini(struct qn_importance_found *found);
void qn_importance_found_pack(struct qn_buf *out, const struct qn_importance_found *found);
QN_CHECK qn_code qn_importance_found_merge(struct qn_importance_found *found, struct qn_strv bytes,
                                           struct qn_err *err);

/* As findings, with the gain of the splits where the model has some. model: the fitted one. */
QN_CHECK qn_code qn_importance_report(const struct qn_train *train, const struct qn_model *model,
                                      const struct qn_strv *states, struct qn_findings *findings,
                                      struct qn_err *err);

#endif
