#include "jobs/train/fitted.h"

qn_code qn_train_fitted_init(struct qn_train_fitted *fitted, const struct qn_train_walk *walk,
                             struct qn_err *err)
{
    *fitted = (struct qn_train_fitted){0};
    qn_arena_init(&fitted->arena);
    const struct qn_train *train = walk->train;
    struct qn_strv prepared;
    const void *plan;
    QN_TRY(qn_train_plan(train, walk->in->states, &plan, err));
    QN_TRY(qn_train_walk_prepared(walk, &prepared, err));
    QN_TRY(train->algorithm->model(plan, prepared, walk->in->states[train->round_stage],
                                   &fitted->model, err));
    return qn_train_calibration_read(train, walk->in->states, &fitted->arena, &fitted->calibration,
                                     err);
}

void qn_train_fitted_fini(struct qn_train_fitted *fitted)
{
    qn_model_free(fitted->model);
    qn_arena_fini(&fitted->arena);
}

qn_code qn_train_fitted_score(struct qn_train_fitted *fitted, const struct qn_train_walk *walk,
                              double **scores, struct qn_err *err)
{
    *scores = QN_NEW_ARRAY(walk->arena, double, walk->n);
    if (!*scores)
        return qn_err_nomem(err, "scores");
    QN_TRY(
        fitted->model->ops->score(fitted->model, walk->columns, walk->rows, walk->n, *scores, err));
    for (uint32_t i = 0; i < walk->n; i++)
        (*scores)[i] = qn_calibration_apply(&fitted->calibration, (*scores)[i]);
    return QN_OK;
}
