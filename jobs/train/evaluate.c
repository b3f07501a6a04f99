#include "jobs/train/evaluate.h"

static const struct qn_field score_fields[] = {
    {"score", {.id = QN_DOUBLE}}, {"label", {.id = QN_BOOL}}, {"side", {.id = QN_INT64}}};
const struct qn_schema qn_train_scores_schema = {.fields = score_fields, .n_fields = 3};

static qn_code give_scores(struct qn_train_walk *walk, const double *scores, struct qn_err *err)
{
    struct qn_arena *arena = walk->in->arena;
    struct qn_column columns[3];
    for (int c = 0; c < 3; c++)
        QN_TRY(qn_column_new(arena, score_fields[c].type, walk->n, &columns[c], err));
    for (uint32_t i = 0; i < walk->n; i++) {
        columns[QN_TRAIN_SCORE].f64[i] = scores[i];
        columns[QN_TRAIN_LABEL].bools[i] = walk->labels[i];
        columns[QN_TRAIN_SIDE].i64[i] = walk->sides[i];
    }
    struct qn_batch batch = {
        .schema = &qn_train_scores_schema, .columns = columns, .n_rows = walk->n};
    return walk->out->ops->partition(walk->out, 0, &batch, err);
}

static qn_code side_names(struct qn_train_walk *walk, struct qn_column *out, struct qn_err *err)
{
    enum { LONGEST = 10 }; /* "validation" */
    QN_TRY(qn_column_new(walk->in->arena, (struct qn_type){.id = QN_TEXT}, walk->n, out, err));
    out->bytes = qn_arena_alloc(walk->in->arena, (size_t)walk->n * LONGEST + 1);
    if (!out->bytes)
        return qn_err_nomem(err, "predictions");
    for (uint32_t i = 0; i < walk->n; i++) {
        struct qn_strv name = qn_strv_from(qn_side_name((enum qn_side)walk->sides[i]));
        memcpy(out->bytes + out->offsets[i], name.data, name.len);
        out->offsets[i + 1] = out->offsets[i] + (uint32_t)name.len;
    }
    return QN_OK;
}

static qn_code give_rows(struct qn_train_walk *walk, const struct qn_job *job, const double *scores,
                         struct qn_err *err)
{
    struct qn_arena *arena = walk->in->arena;
    struct qn_column columns[4];
    QN_TRY(qn_column_take(arena, &walk->batch.columns[walk->key], walk->batch.n_rows, walk->rows,
                          walk->n, &columns[0], err));
    QN_TRY(side_names(walk, &columns[1], err));
    QN_TRY(qn_column_new(arena, job->out.fields[2].type, walk->n, &columns[2], err));
    QN_TRY(qn_column_new(arena, job->out.fields[3].type, walk->n, &columns[3], err));
    for (uint32_t i = 0; i < walk->n; i++) {
        columns[2].i64[i] = walk->labels[i];
        columns[3].f64[i] = scores[i];
    }
    struct qn_batch batch = {.schema = &job->out, .columns = columns, .n_rows = walk->n};
    return walk->out->ops->rows(walk->out, &batch, err);
}

static qn_code evaluate_batch(struct qn_train_walk *walk, const struct qn_job *job,
                              struct qn_model *model, struct qn_err *err)
{
    double *scores = QN_NEW_ARRAY(walk->in->arena, double, walk->n);
    if (!scores)
        return qn_err_nomem(err, "scores");
    QN_TRY(model->ops->score(model, walk->columns, walk->rows, walk->n, scores, err));
    QN_TRY(give_scores(walk, scores, err));
    if (job->out.n_fields == 0) {
        walk->out->counters.absorbed += walk->n;
        return QN_OK;
    }
    walk->out->counters.rows_out += walk->n;
    return give_rows(walk, job, scores, err);
}

qn_code qn_train_run_evaluate(struct qn_train_walk *walk, const struct qn_job *job,
                              struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    struct qn_strv prepared;
    struct qn_model *model;
    QN_TRY(qn_train_walk_prepared(walk, &prepared, err));
    QN_TRY(train->algorithm->model(train->plan, prepared, walk->in->states[train->round_stage],
                                   &model, err));
    qn_code code;
    while ((code = qn_train_walk_next(walk, err)) == QN_OK && walk->batch.n_rows)
        if (walk->n && (code = evaluate_batch(walk, job, model, err)) != QN_OK)
            break;
    qn_model_free(model);
    return code;
}
