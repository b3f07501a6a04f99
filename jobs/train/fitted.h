/* fitted: the model of this run, made ready to score its rows. */
#ifndef QN_JOBS_TRAIN_FITTED_H
#define QN_JOBS_TRAIN_FITTED_H

#include "jobs/train/walk.h"

struct qn_train_fitted {
    struct qn_model *model;
    struct qn_arena arena;
    struct qn_calibration calibration; /* none before its stage is over */
};

/* Finish it also on failure. */
QN_CHECK qn_code qn_train_fitted_init(struct qn_train_fitted *fitted,
                                      const struct qn_train_walk *walk, struct qn_err *err);
void qn_train_fitted_fini(struct qn_train_fitted *fitted);

/* Probabilities of the walk's rows, in its task's arena. */
QN_CHECK qn_code qn_train_fitted_score(struct qn_train_fitted *fitted,
                                       const struct qn_train_walk *walk, double **scores,
                                       struct qn_err *err);

#endif
