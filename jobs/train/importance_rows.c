/* Held-out rows for importances: from the job's input to a partition, and from there into a
 * worker's memory. */
#include <stdlib.h>
#include <string.h>

#include "jobs/learn/numeric.h"
#include "jobs/learn/permute.h"
#include "jobs/train/importance.h"
#include "jobs/train/walk.h"

/* --- giving them ----------------------------------------------------------------------------- */

/* Test rows, or validation rows where there are none; and which share of them is drawn. */
static qn_code held_side(const struct qn_train_walk *walk, enum qn_side *side, double *share,
                         struct qn_err *err)
{
    const struct qn_importance *importance = walk->train->importance;
    struct qn_train_census census;
    struct qn_strv baseline, prepared;
    QN_TRY(qn_train_state_unpack(walk->in->states[walk->train->prepare_stage], &census, &baseline,
                                 &prepared, err));
    const uint64_t *test = census.rows[QN_SIDE_TEST];
    *side = test[0] + test[1] ? QN_SIDE_TEST : QN_SIDE_VALIDATION;
    double all = (double)(census.rows[*side][0] + census.rows[*side][1]);
    double most =
        importance->rows > importance->shap_rows ? importance->rows : importance->shap_rows;
    *share = all > most ? most / all : 1;
    return QN_OK;
}

static qn_code give(const struct qn_train_walk *walk, const uint32_t *picked, uint32_t n,
                    struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    const struct qn_schema *schema = &train->importance->held;
    struct qn_arena *arena = walk->arena;
    struct qn_column *columns = QN_NEW_ARRAY(arena, struct qn_column, schema->n_fields);
    uint32_t *rows = QN_NEW_ARRAY(arena, uint32_t, n);
    if (!columns || !rows)
        return qn_err_nomem(err, "held-out rows");
    for (uint32_t c = 0; c < QN_HELD_FEATURES; c++)
        QN_TRY(qn_column_new(arena, schema->fields[c].type, n, &columns[c], err));
    for (uint32_t i = 0; i < n; i++) {
        rows[i] = walk->rows[picked[i]];
        columns[QN_HELD_PLACE].i64[i] = (int64_t)qn_permute_place(walk->hashes[picked[i]]);
        columns[QN_HELD_LABEL].bools[i] = walk->labels[picked[i]];
    }
    for (uint32_t f = 0; f < train->n_features; f++)
        QN_TRY(qn_column_take(arena, walk->columns[f], walk->batch.n_rows, rows, n,
                              &columns[QN_HELD_FEATURES + f], err));
    struct qn_batch batch = {.schema = schema, .columns = columns, .n_rows = n};
    return walk->out->ops->raw(walk->out, QN_TRAIN_HELD, &batch, err);
}

qn_code qn_importance_give(const struct qn_train_walk *walk, struct qn_err *err)
{
    uint32_t *picked = QN_NEW_ARRAY(walk->arena, uint32_t, walk->n), n = 0;
    enum qn_side side;
    double share;
    if (!picked)
        return qn_err_nomem(err, "held-out rows");
    QN_TRY(held_side(walk, &side, &share, err));
    for (uint32_t i = 0; i < walk->n; i++)
        if (walk->sides[i] == side && qn_permute_draws(qn_permute_place(walk->hashes[i]), share))
            picked[n++] = i;
    return n ? give(walk, picked, n, err) : QN_OK;
}

/* --- in a worker's memory -------------------------------------------------------------------- */

/* All of the partition as it came. */
struct gathered {
    struct qn_arena arena;
    struct qn_batch *batches;
    uint32_t n_batches, n;
    uint64_t bytes;
    uint64_t *places;            /* [n] */
    uint32_t *of_batch, *of_row; /* [n] */
};

static qn_code keep_batch(struct gathered *gathered, const struct qn_batch *batch,
                          struct qn_err *err)
{
    uint32_t n = gathered->n_batches;
    if ((n & (n - 1)) == 0) {
        struct qn_batch *wider =
            realloc(gathered->batches, (n ? 2 * (size_t)n : 1) * sizeof *wider);
        if (!wider)
            return qn_err_nomem(err, "held-out rows");
        gathered->batches = wider;
    }
    gathered->n_batches++;
    gathered->n += batch->n_rows;
    gathered->bytes += qn_batch_bytes(batch);
    return qn_batch_copy(&gathered->arena, batch, &gathered->batches[n], err);
}

static qn_code read_partition(struct gathered *gathered, struct qn_task_in *in,
                              const struct qn_train *train, struct qn_err *err)
{
    struct qn_rejects rejects; /* parts have none */
    struct qn_reader *reader;
    struct qn_batch batch = {0};
    QN_TRY(in->open_partitions(in, train->evaluate_stage, QN_TRAIN_HELD, &reader, err));
    qn_code code = qn_rejects_init(&rejects, err);
    while (code == QN_OK) {
        code = reader->ops->next(reader, &batch, &rejects, err);
        if (code != QN_OK || batch.n_rows == 0)
            break;
        code = batch.schema->n_fields == train->importance->held.n_fields
                   ? keep_batch(gathered, &batch, err)
                   : qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "rows of another shape");
        if (code == QN_OK && gathered->bytes > in->shared_bytes / 2)
            code =
                qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                           "the rows of evaluate.importance take more than %llu MiB, which is "
                           "what this worker may hold: ask for fewer rows there, or give workers "
                           "more --memory",
                           (unsigned long long)(in->shared_bytes >> 20));
    }
    qn_rejects_fini(&rejects);
    reader->ops->close(reader);
    return code;
}

static qn_code find_places(struct gathered *gathered, struct qn_err *err)
{
    uint32_t at = 0;
    gathered->places = QN_NEW_ARRAY(&gathered->arena, uint64_t, gathered->n);
    gathered->of_batch = QN_NEW_ARRAY(&gathered->arena, uint32_t, gathered->n);
    gathered->of_row = QN_NEW_ARRAY(&gathered->arena, uint32_t, gathered->n);
    if (!gathered->places || !gathered->of_batch || !gathered->of_row)
        return qn_err_nomem(err, "held-out rows");
    for (uint32_t b = 0; b < gathered->n_batches; b++)
        for (uint32_t row = 0; row < gathered->batches[b].n_rows; row++, at++) {
            gathered->places[at] = (uint64_t)gathered->batches[b].columns[QN_HELD_PLACE].i64[row];
            gathered->of_batch[at] = b;
            gathered->of_row[at] = row;
        }
    return QN_OK;
}

static void rows_free(void *data)
{
    struct qn_held_rows *rows = data;
    qn_builder_free(rows->builder);
    free((void *)rows->columns);
    free(rows->ids);
    free(rows->levels);
    free(rows);
}

static qn_code put_in_order(struct qn_held_rows *rows, const struct gathered *gathered,
                            const struct qn_train *train, struct qn_err *err)
{
    const struct qn_schema *schema = &train->importance->held;
    struct qn_batch batch;
    uint32_t *order = calloc(gathered->n + (size_t)1, sizeof *order);
    rows->ids = calloc(gathered->n + (size_t)1, sizeof *rows->ids);
    qn_code code = order && rows->ids ? QN_OK : qn_err_nomem(err, "held-out rows");
    if (code == QN_OK)
        code = qn_permute_rank(gathered->places, gathered->n, order, rows->ids, err);
    for (uint32_t i = 0; i < gathered->n && code == QN_OK; i++) {
        const struct qn_batch *from = &gathered->batches[gathered->of_batch[order[i]]];
        for (uint32_t c = 0; c < schema->n_fields; c++)
            qn_builder_value(rows->builder, c, &from->columns[c], gathered->of_row[order[i]]);
        code = qn_builder_row(rows->builder, err);
    }
    free(order);
    QN_TRY(code);
    qn_builder_batch(rows->builder, &batch);
    for (uint32_t f = 0; f < train->n_features; f++)
        rows->columns[f] = &batch.columns[QN_HELD_FEATURES + f];
    rows->labels = batch.columns[QN_HELD_LABEL].bools;
    rows->n = gathered->n;
    return QN_OK;
}

/* Levels of the rows that are explained: the first ones. */
static qn_code find_levels(struct qn_held_rows *rows, const struct qn_train *train,
                           struct qn_err *err)
{
    uint32_t n = train->importance->shap_rows < rows->n ? train->importance->shap_rows : rows->n;
    double *values = calloc(n + (size_t)1, sizeof *values);
    uint32_t *first = calloc(n + (size_t)1, sizeof *first);
    rows->n_explained = n;
    rows->levels = malloc((size_t)n * train->n_features + 1);
    qn_code code = values && first && rows->levels ? QN_OK : qn_err_nomem(err, "held-out rows");
    for (uint32_t i = 0; i < n && code == QN_OK; i++)
        first[i] = i;
    for (uint32_t f = 0; f < train->n_features && code == QN_OK; f++) {
        uint8_t *levels = rows->levels + (size_t)f * n;
        if (train->features[f].categorical) {
            memset(levels, QN_SWARM_NO_LEVEL, n);
            continue;
        }
        code = qn_numeric_take(rows->columns[f], train->features[f].name, first, n, values, err);
        if (code == QN_OK)
            code = qn_swarm_levels(values, n, levels, err);
    }
    free(values);
    free(first);
    return code;
}

struct making {
    struct qn_task_in *in;
    const struct qn_train *train;
};

static qn_code fill(struct qn_held_rows *rows, const struct making *making, uint64_t *bytes,
                    struct qn_err *err)
{
    struct gathered gathered = {0};
    qn_arena_init(&gathered.arena);
    qn_code code = read_partition(&gathered, making->in, making->train, err);
    if (code == QN_OK)
        code = find_places(&gathered, err);
    if (code == QN_OK)
        code = put_in_order(rows, &gathered, making->train, err);
    *bytes = gathered.bytes;
    free(gathered.batches);
    qn_arena_fini(&gathered.arena);
    return code == QN_OK ? find_levels(rows, making->train, err) : code;
}

static qn_code make_rows(void *context, struct qn_task_cache *made, struct qn_err *err)
{
    const struct making *making = context;
    struct qn_held_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return qn_err_nomem(err, "held-out rows");
    uint64_t bytes = 0;
    rows->columns = calloc(making->train->n_features + (size_t)1, sizeof(void *));
    qn_code code = rows->columns ? QN_OK : qn_err_nomem(err, "held-out rows");
    if (code == QN_OK)
        code = qn_builder_new(&making->train->importance->held, &rows->builder, err);
    if (code == QN_OK)
        code = fill(rows, making, &bytes, err);
    if (code != QN_OK) {
        rows_free(rows);
        return code;
    }
    *made = (struct qn_task_cache){.data = rows, .free = rows_free, .bytes = bytes};
    return QN_OK;
}

qn_code qn_held_rows_get(struct qn_task_in *in, const struct qn_train *train,
                         const struct qn_held_rows **out, struct qn_err *err)
{
    enum { NUMBER = 1 }; /* 0: those of the search */
    struct making making = {in, train};
    const void *data;
    QN_TRY(in->share(in, NUMBER, make_rows, &making, &data, err));
    *out = data;
    return QN_OK;
}
