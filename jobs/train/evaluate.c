#include "jobs/train/evaluate.h"

#include <string.h>

#include "jobs/train/evaluated.h"
#include "jobs/train/fitted.h"

qn_code qn_train_scores_schema(struct qn_train *train, struct qn_arena *arena, struct qn_err *err)
{
    static const struct qn_field fixed[QN_TRAIN_SLICES] = {{"score", {.id = QN_DOUBLE}},
                                                           {"label", {.id = QN_BOOL}},
                                                           {"side", {.id = QN_INT64}},
                                                           {"champion", {.id = QN_DOUBLE}},
                                                           {"key", {.id = QN_INT64}}};
    uint32_t n = QN_TRAIN_SLICES + train->n_slices;
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, n);
    if (!fields)
        return qn_err_nomem(err, "a train job");
    memcpy(fields, fixed, sizeof fixed);
    for (uint32_t i = 0; i < train->n_slices; i++)
        fields[QN_TRAIN_SLICES + i] = (struct qn_field){
            .name = train->in->fields[train->slices[i]].name, .type = {.id = QN_TEXT}};
    train->scores = (struct qn_schema){.fields = fields, .n_fields = n};
    return QN_OK;
}

/* What a task keeps at hand while it evaluates. */
struct evaluation {
    const struct qn_job *job;
    struct qn_train_walk *walk;
    struct qn_train_fitted fitted;
    struct qn_train_evaluated told;
};

/* A slice's values as texts, whatever the column's type. */
static qn_code slice_column(const struct qn_train_walk *walk, uint32_t slice, struct qn_column *out,
                            struct qn_err *err)
{
    struct qn_arena *arena = walk->arena;
    int32_t position;
    struct qn_buf text;
    QN_TRY(qn_train_walk_find(walk, walk->train->slices[slice], &position, err));
    const struct qn_column *from = &walk->batch.columns[position];
    QN_TRY(qn_column_new(arena, (struct qn_type){.id = QN_TEXT}, walk->n, out, err));
    out->validity = qn_validity_new(arena, walk->n, true);
    qn_buf_init(&text);
    for (uint32_t i = 0; out->validity && i < walk->n; i++) {
        if (qn_is_valid(from, walk->rows[i]))
            qn_value_format(&text, from, walk->rows[i]);
        else
            qn_valid_clear(out->validity, i);
        out->offsets[i + 1] = (uint32_t)text.len;
    }
    qn_code code = qn_buf_check(&text, "slices", err);
    if (code == QN_OK)
        out->bytes = qn_arena_strdup(arena, qn_buf_strv(&text));
    qn_buf_fini(&text);
    QN_TRY(code);
    return out->bytes && out->validity ? QN_OK : qn_err_nomem(err, "slices");
}

static qn_code give_scores(struct evaluation *self, const double *scores, struct qn_err *err)
{
    const struct qn_train_walk *walk = self->walk;
    const struct qn_train *train = walk->train;
    struct qn_arena *arena = walk->arena;
    struct qn_column *columns = QN_NEW_ARRAY(arena, struct qn_column, train->scores.n_fields);
    if (!columns)
        return qn_err_nomem(err, "scores");
    for (uint32_t c = 0; c < QN_TRAIN_SLICES; c++)
        QN_TRY(qn_column_new(arena, train->scores.fields[c].type, walk->n, &columns[c], err));
    for (uint32_t i = 0; i < walk->n; i++) {
        columns[QN_TRAIN_SCORE].f64[i] = scores[i];
        columns[QN_TRAIN_LABEL].bools[i] = walk->labels[i];
        columns[QN_TRAIN_SIDE].i64[i] = walk->sides[i];
        columns[QN_TRAIN_KEY].i64[i] = train->beside ? (int64_t)walk->hashes[i] : 0;
    }
    QN_TRY(
        qn_train_champion_score(&self->told.champion, walk, columns[QN_TRAIN_CHAMPION].f64, err));
    for (uint32_t i = 0; i < train->n_slices; i++)
        QN_TRY(slice_column(walk, i, &columns[QN_TRAIN_SLICES + i], err));
    struct qn_batch batch = {.schema = &train->scores, .columns = columns, .n_rows = walk->n};
    return walk->out->ops->partition(walk->out, QN_TRAIN_SCORES, &batch, err);
}

static qn_code side_names(struct qn_train_walk *walk, struct qn_column *out, struct qn_err *err)
{
    enum { LONGEST = 10 }; /* "validation" */
    QN_TRY(qn_column_new(walk->arena, (struct qn_type){.id = QN_TEXT}, walk->n, out, err));
    out->bytes = qn_arena_alloc(walk->arena, (size_t)walk->n * LONGEST + 1);
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
    struct qn_arena *arena = walk->arena;
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

static qn_code evaluate_batch(struct evaluation *self, struct qn_err *err)
{
    struct qn_train_walk *walk = self->walk;
    double *scores;
    QN_TRY(qn_train_evaluated_add(&self->told, walk, err));
    QN_TRY(qn_train_fitted_score(&self->fitted, walk, &scores, err));
    QN_TRY(give_scores(self, scores, err));
    if (walk->train->importance)
        QN_TRY(qn_importance_give(walk, err));
    if (self->job->out.n_fields == 0) {
        walk->out->counters.absorbed += walk->n;
        return QN_OK;
    }
    walk->out->counters.rows_out += walk->n;
    return give_rows(walk, self->job, scores, err);
}

qn_code qn_train_run_evaluate(struct qn_train_walk *walk, const struct qn_job *job,
                              struct qn_err *err)
{
    struct evaluation self = {.job = job, .walk = walk};
    struct qn_buf partial;
    qn_buf_init(&partial);
    qn_code code = qn_train_fitted_init(&self.fitted, walk, err);
    qn_train_evaluated_init(&self.told);
    if (code == QN_OK)
        code = qn_train_evaluated_start(&self.told, job, walk, err);
    while (code == QN_OK) {
        code = qn_train_walk_next(walk, err);
        if (code != QN_OK || walk->batch.n_rows == 0)
            break;
        if (walk->n)
            code = evaluate_batch(&self, err);
    }
    qn_train_evaluated_pack(&partial, &self.told);
    qn_train_evaluated_fini(&self.told);
    qn_train_fitted_fini(&self.fitted);
    if (code == QN_OK)
        return qn_train_give(walk->out, &partial, err);
    qn_buf_fini(&partial);
    return code;
}
