#include <stdlib.h>

#include "jobs/train/train.h"

static const struct qn_field score_fields[] = {
    {"score", {.id = QN_DOUBLE}}, {"label", {.id = QN_BOOL}}, {"side", {.id = QN_INT64}}};
const struct qn_schema qn_train_scores_schema = {.fields = score_fields, .n_fields = 3};

/* --- rows with a label ----------------------------------------------------------------------- */

/* One task's walk over its rows. Arrays hold one batch. */
struct walk {
    const struct qn_train *train;
    struct qn_task_in *in;
    struct qn_task_out *out;
    struct qn_split split;
    int32_t label, key;               /* positions in the reader's batches */
    int32_t *positions;               /* of the features; NULL when they are not read */
    const struct qn_column **columns; /* of the batch, by feature */
    struct qn_strv others[2];         /* as in a census; copied when first seen */
    struct qn_batch batch;
    uint32_t capacity, n;
    uint32_t *rows; /* labelled ones */
    uint8_t *labels, *sides;
    uint64_t *hashes;
};

static qn_code read_split(struct walk *walk, struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    qn_split_init(&walk->split, train->test, train->validation);
    if (train->split_stage < 0 || walk->in->stage <= (uint32_t)train->split_stage)
        return QN_OK;
    return qn_split_state_unpack(walk->in->states[train->split_stage], &walk->split, err);
}

/* Batches hold the wanted columns only, so positions are looked up by name. */
static qn_code find(const struct walk *walk, uint32_t column, int32_t *out, struct qn_err *err)
{
    const char *name = walk->train->in->fields[column].name;
    *out = qn_schema_find(walk->in->reader->schema, qn_strv_from(name));
    return *out >= 0 ? QN_OK
                     : qn_err_set(err, QN_ESTATE, QN_BLAME_JOB, "column '%s' was not read", name);
}

/* The reader is open. */
static qn_code walk_start(struct walk *walk, struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    struct qn_task_in *in = walk->in;
    QN_TRY(read_split(walk, err));
    QN_TRY(find(walk, train->label, &walk->label, err));
    QN_TRY(find(walk, train->key, &walk->key, err));
    if ((int)in->stage == train->split_stage)
        return QN_OK;
    uint32_t n = train->n_features;
    walk->positions = QN_NEW_ARRAY(in->arena, int32_t, n);
    walk->columns = QN_NEW_ARRAY(in->arena, const struct qn_column *, n);
    if (!walk->positions || !walk->columns)
        return qn_err_nomem(err, "a task");
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(find(walk, train->features[i], &walk->positions[i], err));
    return QN_OK;
}

/* Too many values are told of once all rows were seen: only then is it known whether one of them
 * is the positive one. */
static qn_code text_label(struct walk *walk, struct qn_strv text, uint8_t *out, struct qn_err *err)
{
    *out = qn_strv_is(text, walk->train->positive);
    struct qn_strv *place = *out ? NULL : qn_train_other_place(walk->others, text);
    if (!place)
        return QN_OK;
    *place = (struct qn_strv){qn_arena_strdup(walk->in->arena, text), text.len};
    return place->data ? QN_OK : qn_err_nomem(err, "a task");
}

static qn_code label_of(struct walk *walk, uint32_t row, uint8_t *out, struct qn_err *err)
{
    const struct qn_column *column = &walk->batch.columns[walk->label];
    if (column->type.id == QN_TEXT)
        return text_label(walk, qn_text_at(column, row), out, err);
    if (column->type.id == QN_BOOL) {
        *out = column->bools[row] != 0;
        return QN_OK;
    }
    int64_t value = column->i64[row];
    *out = value == 1;
    if (value == 0 || value == 1)
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "label '%s' holds %lld: expected 0 or 1",
                      walk->train->in->fields[walk->train->label].name, (long long)value);
}

static qn_code make_room(struct walk *walk, uint32_t n, struct qn_err *err)
{
    if (n <= walk->capacity)
        return QN_OK;
    walk->rows = QN_NEW_ARRAY(walk->in->arena, uint32_t, n);
    walk->labels = QN_NEW_ARRAY(walk->in->arena, uint8_t, n);
    walk->sides = QN_NEW_ARRAY(walk->in->arena, uint8_t, n);
    walk->hashes = QN_NEW_ARRAY(walk->in->arena, uint64_t, n);
    if (!walk->rows || !walk->labels || !walk->sides || !walk->hashes)
        return qn_err_nomem(err, "a task");
    walk->capacity = n;
    return QN_OK;
}

/* The next batch; its labelled rows in rows[0..n). Counts what came in and what has no label.
 * batch.n_rows 0: the end. */
static qn_code walk_next(struct walk *walk, struct qn_err *err)
{
    struct qn_reader *reader = walk->in->reader;
    uint32_t refused = qn_rejects_count(&walk->out->rejects);
    walk->n = 0;
    if (atomic_load(walk->in->cancelled))
        return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
    QN_TRY(reader->ops->next(reader, &walk->batch, &walk->out->rejects, err));
    refused = qn_rejects_count(&walk->out->rejects) - refused;
    walk->out->counters.rows_in += walk->batch.n_rows + refused;
    walk->out->counters.quarantined += refused;
    QN_TRY(make_room(walk, walk->batch.n_rows, err));
    for (uint32_t i = 0; walk->columns && walk->batch.n_rows && i < walk->train->n_features; i++)
        walk->columns[i] = &walk->batch.columns[walk->positions[i]];
    for (uint32_t row = 0; row < walk->batch.n_rows; row++) {
        if (!qn_is_valid(&walk->batch.columns[walk->label], row)) {
            walk->out->counters.filtered++;
            continue;
        }
        uint32_t at = walk->n++;
        walk->rows[at] = row;
        QN_TRY(label_of(walk, row, &walk->labels[at], err));
        walk->hashes[at] = qn_split_hash(&walk->batch.columns[walk->key], row, walk->train->seed);
        walk->sides[at] = (uint8_t)qn_split_side(&walk->split, walk->hashes[at]);
    }
    return QN_OK;
}

/* Leaves only the training rows in rows[0..n). */
static void keep_training(struct walk *walk)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < walk->n; i++) {
        if (walk->sides[i] != QN_SIDE_TRAIN)
            continue;
        walk->rows[kept] = walk->rows[i];
        walk->labels[kept] = walk->labels[i];
        walk->sides[kept] = walk->sides[i];
        walk->hashes[kept++] = walk->hashes[i];
    }
    walk->n = kept;
}

static qn_code give(struct qn_task_out *out, struct qn_buf *partial, struct qn_err *err)
{
    qn_code code = qn_buf_check(partial, "a partial", err);
    if (code == QN_OK)
        code = out->ops->partial(out, qn_buf_strv(partial), err);
    qn_buf_fini(partial);
    return code;
}

/* --- split ----------------------------------------------------------------------------------- */

static qn_code run_split(struct walk *walk, struct qn_err *err)
{
    struct qn_split_counts *counts = QN_NEW(walk->in->arena, struct qn_split_counts);
    if (!counts)
        return qn_err_nomem(err, "counts for the split");
    do {
        QN_TRY(walk_next(walk, err));
        for (uint32_t i = 0; i < walk->n; i++)
            qn_split_count(counts, walk->hashes[i], walk->labels[i]);
    } while (walk->batch.n_rows);
    struct qn_buf partial;
    qn_buf_init(&partial);
    qn_split_pack(&partial, counts);
    return give(walk->out, &partial, err);
}

/* --- prepare --------------------------------------------------------------------------------- */

static qn_code fit_rows(struct walk *walk, struct qn_fit *fit, struct qn_train_census *census,
                        struct qn_err *err)
{
    do {
        QN_TRY(walk_next(walk, err));
        for (uint32_t i = 0; i < walk->n; i++)
            census->rows[walk->sides[i]][walk->labels[i]]++;
        keep_training(walk);
        if (walk->n)
            QN_TRY(qn_fit_add(fit, walk->columns, walk->rows, walk->n, walk->labels, walk->hashes,
                              err));
    } while (walk->batch.n_rows);
    memcpy(census->others, walk->others, sizeof census->others);
    return QN_OK;
}

static qn_code run_prepare(struct walk *walk, struct qn_err *err)
{
    struct qn_train_census census = {0};
    struct qn_fit *fit;
    QN_TRY(qn_fit_new(walk->train->algorithm->gathers(walk->train->plan), &fit, err));
    qn_code code = fit_rows(walk, fit, &census, err);
    struct qn_buf partial;
    qn_buf_init(&partial);
    if (code == QN_OK) {
        qn_train_census_pack(&partial, &census);
        qn_fit_pack(&partial, fit);
        code = give(walk->out, &partial, err);
    }
    qn_fit_free(fit);
    return code;
}

/* --- round ----------------------------------------------------------------------------------- */

static qn_code prepared_of(const struct walk *walk, struct qn_strv *prepared, struct qn_err *err)
{
    struct qn_train_census census;
    return qn_train_state_unpack(walk->in->states[walk->train->prepare_stage], &census, prepared,
                                 err);
}

static qn_code read_rows(struct walk *walk, void *rows, struct qn_err *err)
{
    do {
        QN_TRY(walk_next(walk, err));
        if (walk->n)
            QN_TRY(walk->train->algorithm->rows_add(rows, walk->columns, walk->rows, walk->n,
                                                    walk->labels, walk->sides, walk->hashes, err));
    } while (walk->batch.n_rows);
    return QN_OK;
}

/* The unit's rows, made once per executor: later rounds find them in the cache. */
static qn_code make_rows(struct walk *walk, struct qn_task_cache *cache, struct qn_err *err)
{
    const struct qn_algorithm *algorithm = walk->train->algorithm;
    struct qn_strv prepared;
    void *rows;
    if (cache->data)
        return QN_OK;
    QN_TRY(walk->in->open_rows(walk->in, err));
    QN_TRY(walk_start(walk, err));
    QN_TRY(prepared_of(walk, &prepared, err));
    QN_TRY(algorithm->rows_new(walk->train->plan, prepared, &rows, err));
    qn_code code = read_rows(walk, rows, err);
    if (code != QN_OK) {
        algorithm->rows_free(rows);
        return code;
    }
    cache->data = rows;
    cache->free = algorithm->rows_free;
    return QN_OK;
}

static qn_code run_round(struct walk *walk, struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    struct qn_buf partial;
    QN_TRY(make_rows(walk, walk->in->unit_cache, err));
    qn_buf_init(&partial);
    qn_code code = train->algorithm->round(train->plan, walk->in->unit_cache->data,
                                           walk->in->states[train->round_stage], &partial, err);
    if (code == QN_OK)
        return give(walk->out, &partial, err);
    qn_buf_fini(&partial);
    return code;
}

/* --- evaluate -------------------------------------------------------------------------------- */

static qn_code give_scores(struct walk *walk, const double *scores, struct qn_err *err)
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

static qn_code side_names(struct walk *walk, struct qn_column *out, struct qn_err *err)
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

static qn_code give_rows(struct walk *walk, const struct qn_job *job, const double *scores,
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

static qn_code evaluate_batch(struct walk *walk, const struct qn_job *job, struct qn_model *model,
                              struct qn_err *err)
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

static qn_code run_evaluate(struct walk *walk, const struct qn_job *job, struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    struct qn_strv prepared;
    struct qn_model *model;
    QN_TRY(prepared_of(walk, &prepared, err));
    QN_TRY(train->algorithm->model(train->plan, prepared, walk->in->states[train->round_stage],
                                   &model, err));
    qn_code code;
    while ((code = walk_next(walk, err)) == QN_OK && walk->batch.n_rows)
        if (walk->n && (code = evaluate_batch(walk, job, model, err)) != QN_OK)
            break;
    qn_model_free(model);
    return code;
}

/* --- metrics --------------------------------------------------------------------------------- */

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

static qn_code run_metrics(struct qn_task_in *in, struct qn_task_out *out, struct qn_err *err)
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
        return give(out, &partial, err);
    qn_buf_fini(&partial);
    return code;
}

/* --- one task -------------------------------------------------------------------------------- */

qn_code qn_train_run(const struct qn_job *job, struct qn_task_in *in, struct qn_task_out *out,
                     struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct walk walk = {.train = train, .in = in, .out = out};
    if (in->stage == train->metrics_stage)
        return run_metrics(in, out, err);
    if (in->stage == train->round_stage)
        return run_round(&walk, err);
    QN_TRY(walk_start(&walk, err));
    if ((int)in->stage == train->split_stage)
        return run_split(&walk, err);
    if (in->stage == train->prepare_stage)
        return run_prepare(&walk, err);
    return run_evaluate(&walk, job, err);
}
