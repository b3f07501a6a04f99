#include "jobs/train/calibration.h"

#include <stdlib.h>

#include "jobs/train/fitted.h"

/* --- tasks ------------------------------------------------------------------------------------ */

static qn_code add_batch(struct qn_train_walk *walk, struct qn_train_fitted *fitted,
                         struct qn_scores *scores, struct qn_err *err)
{
    double *found;
    qn_train_walk_keep(walk, 1U << QN_SIDE_CALIBRATION);
    if (walk->n == 0)
        return QN_OK;
    QN_TRY(qn_train_fitted_score(fitted, walk, &found, err));
    for (uint32_t i = 0; i < walk->n; i++)
        QN_TRY(qn_scores_add(scores, found[i], walk->labels[i], err));
    return QN_OK;
}

qn_code qn_train_run_calibration(struct qn_train_walk *walk, struct qn_err *err)
{
    struct qn_train_fitted fitted;
    struct qn_scores scores;
    struct qn_buf partial;
    qn_scores_init(&scores);
    qn_buf_init(&partial);
    qn_code code = qn_train_fitted_init(&fitted, walk, err);
    while (code == QN_OK) {
        code = qn_train_walk_next(walk, err);
        if (code != QN_OK || walk->batch.n_rows == 0)
            break;
        code = add_batch(walk, &fitted, &scores, err);
    }
    for (uint64_t i = 0; i < scores.n; i++)
        qn_buf_put_u64(&partial, scores.items[i]);
    qn_scores_fini(&scores);
    qn_train_fitted_fini(&fitted);
    if (code == QN_OK)
        return qn_train_give(walk->out, &partial, err);
    qn_buf_fini(&partial);
    return code;
}

/* --- coordinator ------------------------------------------------------------------------------ */

qn_code qn_train_merge_calibration(struct qn_scores *scores, struct qn_strv partial,
                                   struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(partial);
    if (partial.len % 8 != 0)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "scores of the wrong size");
    for (size_t i = 0; i < partial.len / 8; i++) {
        uint64_t word = qn_unpack_u64(&in);
        struct qn_scores one = {.items = &word, .n = 1};
        QN_TRY(qn_scores_add(scores, qn_scores_score(&one, 0), qn_scores_label(&one, 0), err));
    }
    return qn_unpack_end(&in, "scores", err);
}

/* The state is what stands in the model file, so that there is one form of it. */
qn_code qn_train_finish_calibration(const struct qn_train *train, struct qn_scores *scores,
                                    struct qn_buf *state, struct qn_err *err)
{
    struct qn_calibration calibration;
    struct qn_arena arena;
    qn_arena_init(&arena);
    qn_code code = qn_calibration_fit(train->calibrate, scores, &arena, &calibration, err);
    json_t *json = code == QN_OK ? qn_calibration_to_json(&calibration) : NULL;
    char *bytes =
        json ? json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    if (bytes)
        qn_buf_put(state, bytes, strlen(bytes));
    free(bytes);
    json_decref(json);
    qn_arena_fini(&arena);
    QN_TRY(code);
    return bytes ? qn_buf_check(state, "a calibration", err) : qn_err_nomem(err, "a calibration");
}

qn_code qn_train_calibration_read(const struct qn_train *train, const struct qn_strv *states,
                                  struct qn_arena *arena, struct qn_calibration *out,
                                  struct qn_err *err)
{
    *out = (struct qn_calibration){.method = QN_CALIBRATE_NOT};
    if (train->calibrate == QN_CALIBRATE_NOT || states[train->calibrate_stage].len == 0)
        return QN_OK;
    struct qn_strv bytes = states[train->calibrate_stage];
    json_t *json = json_loadb(bytes.data, bytes.len, JSON_REJECT_DUPLICATES, NULL);
    bool sound = json && qn_calibration_from_json(json, arena, out);
    json_decref(json);
    return sound ? QN_OK
                 : qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "a calibration is damaged");
}
