/* calibration: the stage that turns scores into probabilities, on rows set apart for it. */
#ifndef QN_JOBS_TRAIN_CALIBRATION_H
#define QN_JOBS_TRAIN_CALIBRATION_H

#include "jobs/train/walk.h"

/* A task: scores and labels of its calibration rows. */
QN_CHECK qn_code qn_train_run_calibration(struct qn_train_walk *walk, struct qn_err *err);

/* Adds a task's partial. */
QN_CHECK qn_code qn_train_merge_calibration(struct qn_scores *scores, struct qn_strv partial,
                                            struct qn_err *err);

/* The stage's state: the fitted calibration. */
QN_CHECK qn_code qn_train_finish_calibration(const struct qn_train *train, struct qn_scores *scores,
                                             struct qn_buf *state, struct qn_err *err);

#endif
