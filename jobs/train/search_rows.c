/* Rows of a search: from the job's input to a partition, and from there into a worker's memory. */
#include <stdlib.h>

#include "jobs/learn/folds.h"
#include "jobs/train/search.h"
#include "jobs/train/walk.h"

/* --- the rows stage -------------------------------------------------------------------------- */

static qn_code give_batch(struct qn_train_walk *walk, int32_t group, struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    const struct qn_schema *schema = &train->search->rows;
    struct qn_arena *arena = walk->in->arena;
    struct qn_column *columns = QN_NEW_ARRAY(arena, struct qn_column, schema->n_fields);
    if (!columns)
        return qn_err_nomem(err, "rows of a search");
    for (uint32_t c = 0; c < QN_SEARCH_FEATURES; c++)
        QN_TRY(qn_column_new(arena, schema->fields[c].type, walk->n, &columns[c], err));
    for (uint32_t i = 0; i < walk->n; i++) {
        columns[QN_SEARCH_HASH].i64[i] = (int64_t)walk->hashes[i];
        columns[QN_SEARCH_FOLD_HASH].i64[i] =
            (int64_t)qn_folds_hash(&walk->batch.columns[group], walk->rows[i], train->seed);
        columns[QN_SEARCH_LABEL].bools[i] = walk->labels[i];
        columns[QN_SEARCH_SIDE].i64[i] = walk->sides[i];
    }
    for (uint32_t f = 0; f < train->n_features; f++)
        QN_TRY(qn_column_take(arena, walk->columns[f], walk->batch.n_rows, walk->rows, walk->n,
                              &columns[QN_SEARCH_FEATURES + f], err));
    struct qn_batch batch = {.schema = schema, .columns = columns, .n_rows = walk->n};
    return walk->out->ops->partition(walk->out, 0, &batch, err);
}

qn_code qn_search_run_rows(struct qn_train_walk *walk, struct qn_err *err)
{
    struct qn_train_census census = {0};
    struct qn_buf partial;
    int32_t group;
    QN_TRY(qn_train_walk_find(walk, walk->train->search->group, &group, err));
    do {
        QN_TRY(qn_train_walk_next(walk, err));
        for (uint32_t i = 0; i < walk->n; i++)
            census.rows[walk->sides[i]][walk->labels[i]]++;
        qn_train_walk_keep(walk, 1U << QN_SIDE_TRAIN | 1U << QN_SIDE_VALIDATION);
        if (walk->n)
            QN_TRY(give_batch(walk, group, err));
    } while (walk->batch.n_rows);
    qn_train_walk_census(walk, &census);
    qn_buf_init(&partial);
    qn_train_census_pack(&partial, &census);
    return qn_train_give(walk->out, &partial, err);
}

/* --- in a worker's memory -------------------------------------------------------------------- */

static void rows_free(void *data)
{
    struct qn_search_rows *rows = data;
    free(rows->batches);
    qn_arena_fini(&rows->arena);
    free(rows);
}

static qn_code add_batch(struct qn_search_rows *rows, const struct qn_batch *batch,
                         struct qn_err *err)
{
    if (rows->n == rows->capacity) {
        uint32_t capacity = rows->capacity ? 2 * rows->capacity : 16;
        struct qn_batch *wider = realloc(rows->batches, capacity * sizeof *wider);
        if (!wider)
            return qn_err_nomem(err, "rows of a search");
        rows->batches = wider;
        rows->capacity = capacity;
    }
    QN_TRY(qn_batch_copy(&rows->arena, batch, &rows->batches[rows->n++], err));
    rows->bytes += qn_batch_bytes(batch);
    return QN_OK;
}

struct making {
    struct qn_task_in *in;
    const struct qn_search *search;
};

static qn_code check_bytes(const struct making *making, const struct qn_search_rows *rows,
                           struct qn_err *err)
{
    uint64_t most = making->in->shared_bytes;
    if (rows->bytes <= most)
        return QN_OK;
    return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                      "the rows of the search take more than %llu MiB, which is what this worker "
                      "may hold: give workers more --memory, or search on fewer rows in a job of "
                      "its own",
                      (unsigned long long)(most >> 20));
}

static qn_code read_rows(const struct making *making, struct qn_search_rows *rows,
                         struct qn_err *err)
{
    struct qn_task_in *in = making->in;
    struct qn_rejects rejects; /* parts have none */
    struct qn_reader *reader;
    struct qn_batch batch = {0};
    QN_TRY(in->open_partitions(in, making->search->rows_stage, 0, &reader, err));
    qn_code code = qn_rejects_init(&rejects, err);
    while (code == QN_OK) {
        code = reader->ops->next(reader, &batch, &rejects, err);
        if (code != QN_OK || batch.n_rows == 0)
            break;
        code = add_batch(rows, &batch, err);
        if (code == QN_OK)
            code = check_bytes(making, rows, err);
        if (code == QN_OK && atomic_load(in->cancelled))
            code = qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
    }
    qn_rejects_fini(&rejects);
    reader->ops->close(reader);
    return code;
}

static qn_code make_rows(void *context, struct qn_task_cache *made, struct qn_err *err)
{
    struct qn_search_rows *rows = calloc(1, sizeof *rows);
    if (!rows)
        return qn_err_nomem(err, "rows of a search");
    qn_arena_init(&rows->arena);
    qn_code code = read_rows(context, rows, err);
    if (code != QN_OK) {
        rows_free(rows);
        return code;
    }
    *made = (struct qn_task_cache){.data = rows, .free = rows_free, .bytes = rows->bytes};
    return QN_OK;
}

qn_code qn_search_rows_get(struct qn_task_in *in, const struct qn_search *search,
                           const struct qn_search_rows **out, struct qn_err *err)
{
    struct making making = {in, search};
    const void *data;
    QN_TRY(in->share(in, 0, make_rows, &making, &data, err));
    *out = data;
    return QN_OK;
}
