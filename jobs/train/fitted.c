#include "jobs/train/fitted.h"

#include "jobs/learn/math.h"

qn_code qn_train_fitted_init(struct qn_train_fitted *fitted, const struct qn_train_walk *walk,
                             struct qn_err *err)
{
    *fitted = (struct qn_train_fitted){0};
    qn_arena_init(&fitted->arena);
    qn_prepared_init(&fitted->encoding.prepared);
    QN_TRY(qn_train_encoding_init(&fitted->encoding, walk, err));
    QN_TRY(qn_train_read_point(walk, fitted->encoding.prepared.n_columns, &fitted->fit, err));
    qn_design_init(&fitted->design, &fitted->encoding.prepared);
    return qn_train_calibration_read(walk->train, walk->in->states, &fitted->arena,
                                     &fitted->calibration, err);
}

void qn_train_fitted_fini(struct qn_train_fitted *fitted)
{
    qn_design_fini(&fitted->design);
    qn_logistic_state_fini(&fitted->fit);
    qn_train_encoding_fini(&fitted->encoding);
    qn_arena_fini(&fitted->arena);
}

qn_code qn_train_fitted_score(struct qn_train_fitted *fitted, const struct qn_train_walk *walk,
                              double **scores, struct qn_err *err)
{
    *scores = QN_NEW_ARRAY(walk->in->arena, double, walk->n);
    if (!*scores)
        return qn_err_nomem(err, "scores");
    qn_design_clear(&fitted->design);
    QN_TRY(qn_encoder_append(&fitted->encoding.encoder, walk->columns, walk->rows, walk->n,
                             walk->labels, walk->sides, &fitted->design, err));
    for (uint32_t i = 0; i < walk->n; i++)
        (*scores)[i] = qn_calibration_apply(
            &fitted->calibration, qn_expit(qn_design_eta(&fitted->design, i, fitted->fit.at)));
    return QN_OK;
}
