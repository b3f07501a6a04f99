/* evaluate: from a fit to what is said of it: scores of all labelled rows, metrics of each split,
 * the model file, promotion. */
#ifndef QN_JOBS_TRAIN_EVALUATE_H
#define QN_JOBS_TRAIN_EVALUATE_H

#include "jobs/train/walk.h"

/* Columns of the partition. */
enum { QN_TRAIN_SCORE, QN_TRAIN_LABEL, QN_TRAIN_SIDE };
extern const struct qn_schema qn_train_scores_schema;

/* Tasks of the two stages. */
QN_CHECK qn_code qn_train_run_evaluate(struct qn_train_walk *walk, const struct qn_job *job,
                                       struct qn_err *err);
QN_CHECK qn_code qn_train_run_metrics(struct qn_task_in *in, struct qn_task_out *out,
                                      struct qn_err *err);

/* The end of the metrics stage: `measured` is what its task gave. */
QN_CHECK qn_code qn_train_finish_metrics(const struct qn_job *job, struct qn_strv measured,
                                         const struct qn_strv *states, struct qn_findings *findings,
                                         struct qn_err *err);

/* Decides whether the model's alias moves, from findings->metrics, and says why. */
QN_CHECK qn_code qn_train_promote(const struct qn_train *train,
                                  const struct qn_train_census *census,
                                  struct qn_findings *findings, struct qn_err *err);

#endif
