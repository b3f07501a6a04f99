/* The metrics stage: one task that has the scores of all rows. */
#include "jobs/train/evaluate.h"

static qn_code take_scores(struct qn_task_in *in, struct qn_task_out *out, struct qn_scores *scores,
                           struct qn_err *err)
{
    for (;;) {
        struct qn_batch batch;
        if (atomic_load(in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        QN_TRY(in->reader->ops->next(in->reader, &batch, &out->rejects, err));
        if (batch.n_rows == 0)
            return QN_OK;
        for (uint32_t i = 0; i < batch.n_rows; i++) {
            int64_t side = batch.columns[QN_TRAIN_SIDE].i64[i];
            if (side < 0 || side >= QN_N_SIDES)
                return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a score of no split");
            QN_TRY(qn_scores_add(&scores[side], batch.columns[QN_TRAIN_SCORE].f64[i],
                                 batch.columns[QN_TRAIN_LABEL].bools[i], err));
        }
    }
}

static qn_code pack_metrics(struct qn_scores *scores, struct qn_buf *partial, struct qn_err *err)
{
    for (int side = 0; side < QN_N_SIDES; side++) {
        struct qn_metrics metrics;
        struct qn_metric_value values[QN_N_METRICS];
        QN_TRY(qn_metrics_of(&scores[side], &metrics, err));
        qn_metrics_list(&metrics, values);
        for (int i = 0; i < QN_N_METRICS; i++)
            qn_buf_put_f64(partial, values[i].value);
    }
    return QN_OK;
}

qn_code qn_train_run_metrics(struct qn_task_in *in, struct qn_task_out *out, struct qn_err *err)
{
    struct qn_scores scores[QN_N_SIDES];
    struct qn_buf partial;
    qn_buf_init(&partial);
    for (int side = 0; side < QN_N_SIDES; side++)
        qn_scores_init(&scores[side]);
    qn_code code = take_scores(in, out, scores, err);
    if (code == QN_OK)
        code = pack_metrics(scores, &partial, err);
    for (int side = 0; side < QN_N_SIDES; side++)
        qn_scores_fini(&scores[side]);
    if (code == QN_OK)
        return qn_train_give(out, &partial, err);
    qn_buf_fini(&partial);
    return code;
}
