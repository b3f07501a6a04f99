#include <string.h>
#include <strings.h>

#include "jobs/score/gaps.h"
#include "jobs/score/score.h"

static qn_code scorer_make(struct qn_task_in *in, struct qn_err *err)
{
    struct qn_scorer *scorer;
    if (in->job_cache->data)
        return QN_OK;
    QN_TRY(qn_scorer_new(in->model, &scorer, err));
    in->job_cache->data = scorer;
    in->job_cache->free = qn_scorer_free;
    return QN_OK;
}

/* All that is missing is named at once. */
static qn_code check_columns(const struct qn_score *score, const struct qn_buf *missing,
                             const struct qn_buf *unfit, struct qn_err *err)
{
    bool lacks = missing->len && !score->fill_columns;
    if (!lacks && unfit->len == 0)
        return QN_OK;
    struct qn_strv names = lacks ? qn_buf_strv(missing) : (struct qn_strv){"", 0};
    return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                      "the rows lack what the model needs: %.*s%s%.*s%s", QN_STRV_ARG(names),
                      lacks && unfit->len ? ", " : "", QN_STRV_ARG(qn_buf_strv(unfit)),
                      lacks ? " (missing_columns: warn scores them as missing in every row)" : "");
}

static qn_code find_features(struct qn_scorer *scorer, const struct qn_score *score,
                             const struct qn_schema *schema, struct qn_err *err)
{
    struct qn_buf missing, unfit;
    qn_buf_init(&missing);
    qn_buf_init(&unfit);
    qn_scorer_find(scorer, schema, true, &missing, &unfit);
    qn_code code = qn_buf_check(&missing, "the names of features", err);
    if (code == QN_OK)
        code = qn_buf_check(&unfit, "the names of features", err);
    if (code == QN_OK)
        code = check_columns(score, &missing, &unfit, err);
    qn_buf_fini(&missing);
    qn_buf_fini(&unfit);
    return code;
}

struct scoring {
    const struct qn_job *job;
    struct qn_task_in *in;
    struct qn_task_out *out;
    struct qn_scorer *scorer;
    int32_t key;
    const struct qn_score *score;
    struct qn_score_gaps gaps;
    uint32_t *places; /* by feature, and of the bias: its column of the table */
};

static qn_code find_parts(struct scoring *self, struct qn_err *err)
{
    const struct qn_model *model = self->scorer->model;
    const struct qn_score *score = self->score;
    self->places = QN_NEW_ARRAY(self->in->arena, uint32_t, model->n_features + 1);
    if (!self->places)
        return qn_err_nomem(err, "scores");
    for (uint32_t f = 0; f < model->n_features; f++) {
        uint32_t at = 0;
        while (at < score->n_parts && strcasecmp(score->parts[at], model->features[f].name) != 0)
            at++;
        if (self->scorer->positions[f] < 0)
            at = score->n_parts; /* without a column it is the same for all: part of the bias */
        else if (at == score->n_parts)
            return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                              "the model has the feature '%s', which the train job of this spec "
                              "leaves out: contributions have no column for it",
                              model->features[f].name);
        self->places[f] = QN_SCORE_PARTS + at;
    }
    self->places[model->n_features] = QN_SCORE_PARTS + score->n_parts;
    return QN_OK;
}

/* Columns of what is no feature stay NULL. */
static qn_code explain_batch(struct scoring *self, const struct qn_batch *batch,
                             const uint32_t *rows, struct qn_arena *arena,
                             struct qn_column *columns, struct qn_err *err)
{
    uint32_t n = batch->n_rows, width = self->scorer->model->n_features + 1;
    size_t cells;
    if (__builtin_mul_overflow((size_t)n, width, &cells))
        return qn_err_nomem(err, "contributions");
    double *parts = QN_NEW_ARRAY(arena, double, cells);
    uint64_t *nothing = QN_NEW_ARRAY(arena, uint64_t, qn_validity_words(n));
    if (!parts || !nothing)
        return qn_err_nomem(err, "contributions");
    for (uint32_t c = QN_SCORE_MARGIN; c < self->job->out.n_fields; c++) {
        QN_TRY(qn_column_new(arena, self->job->out.fields[c].type, n, &columns[c], err));
        columns[c].validity = c == QN_SCORE_MARGIN ? NULL : nothing;
    }
    QN_TRY(
        qn_scorer_explain(self->scorer, batch, rows, n, parts, columns[QN_SCORE_MARGIN].f64, err));
    qn_scorer_forget(self->scorer); /* what was unknown was counted with the scores */
    for (uint32_t f = 0; f < width; f++) {
        struct qn_column *column = &columns[self->places[f]];
        column->validity = NULL;
        for (uint32_t i = 0; i < n; i++)
            column->f64[i] += parts[(size_t)i * width + f];
    }
    return QN_OK;
}

static qn_code fill_batch(struct scoring *self, const struct qn_batch *batch,
                          struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_schema *schema = &self->job->out;
    uint32_t n = batch->n_rows;
    uint32_t *rows = QN_NEW_ARRAY(arena, uint32_t, n);
    struct qn_column *columns = QN_NEW_ARRAY(arena, struct qn_column, schema->n_fields);
    if (!rows || !columns)
        return qn_err_nomem(err, "scores");
    for (uint32_t i = 0; i < n; i++)
        rows[i] = i;
    columns[QN_SCORE_KEY] = batch->columns[self->key];
    QN_TRY(qn_column_new(arena, schema->fields[QN_SCORE_SCORE].type, n, &columns[QN_SCORE_SCORE],
                         err));
    QN_TRY(qn_column_new(arena, schema->fields[QN_SCORE_VERSION].type, n,
                         &columns[QN_SCORE_VERSION], err));
    QN_TRY(qn_scorer_score(self->scorer, batch, rows, n, columns[QN_SCORE_SCORE].f64, err));
    QN_TRY(qn_score_gaps_note(&self->gaps, self->scorer, n, err));
    for (uint32_t i = 0; i < n; i++)
        columns[QN_SCORE_VERSION].i64[i] = self->in->model_version;
    if (self->score->contributions)
        QN_TRY(explain_batch(self, batch, rows, arena, columns, err));
    struct qn_batch scored = {.schema = schema, .columns = columns, .n_rows = n};
    self->out->counters.rows_out += n;
    return self->out->ops->rows(self->out, &scored, err);
}

static qn_code score_batch(struct scoring *self, const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_arena arena;
    qn_arena_init(&arena);
    qn_code code = fill_batch(self, batch, &arena, err);
    qn_arena_fini(&arena);
    return code;
}

static qn_code score_all(struct scoring *self, struct qn_err *err)
{
    struct qn_reader *reader = self->in->reader;
    for (;;) {
        struct qn_batch batch;
        uint32_t refused = qn_rejects_count(&self->out->rejects);
        if (atomic_load(self->in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        QN_TRY(reader->ops->next(reader, &batch, &self->out->rejects, err));
        refused = qn_rejects_count(&self->out->rejects) - refused;
        self->out->counters.rows_in += batch.n_rows + refused;
        self->out->counters.quarantined += refused;
        if (batch.n_rows == 0)
            return QN_OK;
        QN_TRY(score_batch(self, &batch, err));
    }
}

static qn_code give_gaps(struct scoring *self, struct qn_err *err)
{
    struct qn_buf partial;
    qn_buf_init(&partial);
    qn_score_gaps_pack(&partial, &self->gaps);
    qn_code code = qn_buf_check(&partial, "a partial", err);
    if (code == QN_OK)
        code = self->out->ops->partial(self->out, qn_buf_strv(&partial), err);
    qn_buf_fini(&partial);
    return code;
}

qn_code qn_score_run(const struct qn_job *job, struct qn_task_in *in, struct qn_task_out *out,
                     struct qn_err *err)
{
    const struct qn_score *score = job->impl;
    QN_TRY(scorer_make(in, err));
    struct scoring self = {
        .job = job, .in = in, .out = out, .scorer = in->job_cache->data, .score = score};
    QN_TRY(find_features(self.scorer, score, in->reader->schema, err));
    if (score->contributions)
        QN_TRY(find_parts(&self, err));
    self.key = qn_schema_find(in->reader->schema,
                              qn_strv_from(job->input.schema->fields[score->key].name));
    if (self.key < 0)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_JOB, "the key was not read");
    QN_TRY(qn_score_gaps_init(&self.gaps, self.scorer, in->arena, err));
    qn_scorer_forget(self.scorer);
    QN_TRY(score_all(&self, err));
    return give_gaps(&self, err);
}
