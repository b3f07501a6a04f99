/* evaluate: from a fit to what is said of it: scores of all labelled rows, metrics of each split,
 * the model file, promotion. */
#ifndef QN_JOBS_TRAIN_EVALUATE_H
#define QN_JOBS_TRAIN_EVALUATE_H

#include "jobs/train/measured.h"
#include "jobs/train/walk.h"

/* Columns of the partition. */
enum {
    QN_TRAIN_SCORE,
    QN_TRAIN_LABEL,
    QN_TRAIN_SIDE,
    QN_TRAIN_CHAMPION, /* the champion's score; NaN: the row does not count for it */
    QN_TRAIN_KEY,      /* hash of the row's key */
    QN_TRAIN_SLICES    /* and what follows: values of the job's slices, as texts */
};
/* train->scores, from its slices. */
QN_CHECK qn_code qn_train_scores_schema(struct qn_train *train, struct qn_arena *arena,
                                        struct qn_err *err);

/* Tasks of the two stages. */
QN_CHECK qn_code qn_train_run_evaluate(struct qn_train_walk *walk, const struct qn_job *job,
                                       struct qn_err *err);
QN_CHECK qn_code qn_train_run_metrics(const struct qn_train *train, struct qn_task_in *in,
                                      struct qn_task_out *out, struct qn_err *err);

/* The end of the metrics stage: `bytes` is what its task gave. */
QN_CHECK qn_code qn_train_finish_metrics(const struct qn_job *job, struct qn_strv bytes,
                                         const struct qn_strv *states, struct qn_findings *findings,
                                         struct qn_err *err);

/* What was measured, as findings. */
QN_CHECK qn_code qn_train_report(const struct qn_train *train,
                                 const struct qn_train_measured *measured,
                                 struct qn_findings *findings, struct qn_err *err);

/* Decides whether the model's alias moves, from what was measured, and says why. */
struct qn_train_evaluated;
QN_CHECK qn_code qn_train_promote(const struct qn_train *train,
                                  const struct qn_train_evaluated *evaluated,
                                  const struct qn_train_census *census,
                                  const struct qn_train_measured *measured,
                                  struct qn_findings *findings, struct qn_err *err);

#endif
