/* The step of a join: a table of the side, and looking up rows in it. (join.h) */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/join.h"
#include "jobs/etl/join_table.h"

/* --- the side -------------------------------------------------------------------------------- */

static void table_free(void *data)
{
    qn_join_table_fini(data);
    free(data);
}

static qn_code read_rows(const struct qn_join *join, struct qn_join_table *table,
                         struct qn_reader *reader, const uint32_t *columns, uint32_t n_columns,
                         const struct qn_task_in *in, struct qn_err *err)
{
    struct qn_rejects rejects; /* of a dataset there are none */
    QN_TRY(qn_rejects_init(&rejects, err));
    qn_code code;
    for (;;) {
        struct qn_batch batch;
        code = reader->ops->next(reader, &batch, &rejects, err);
        if (code == QN_OK && batch.n_rows && batch.schema->n_fields != n_columns)
            code = qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "%s has other columns than planned",
                              join->to);
        if (code != QN_OK || batch.n_rows == 0)
            break;
        code = qn_join_table_add(table, &batch, columns, err);
        if (code == QN_OK && atomic_load(in->cancelled))
            code = qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        if (code != QN_OK)
            break;
    }
    qn_rejects_fini(&rejects);
    return code;
}

/* The rows that the chunk's keys asked for. */
static qn_code read_matches(const struct qn_join *join, struct qn_join_table *table,
                            struct qn_task_in *in, struct qn_err *err)
{
    struct qn_reader *reader;
    QN_TRY(in->open_partitions(in, join->match_stage, in->unit, &reader, err));
    qn_code code = read_rows(join, table, reader, join->sent, join->n_sent, in, err);
    reader->ops->close(reader);
    return code;
}

static qn_code read_side(const struct qn_join *join, struct qn_join_table *table,
                         struct qn_task_in *in, struct qn_err *err)
{
    struct qn_reader *reader;
    uint32_t *columns = QN_NEW_ARRAY(in->arena, uint32_t, join->n_stored), n = 0;
    if (!columns)
        return qn_err_nomem(err, "a join");
    for (uint32_t c = 0; n < join->n_stored; c++)
        if (join->stored[c])
            columns[n++] = c;
    QN_TRY(in->open_side(in, join->side, join->stored, &reader, err));
    qn_code code = read_rows(join, table, reader, columns, n, in, err);
    reader->ops->close(reader);
    return code;
}

static bool is_shuffled(const struct qn_join *join, const struct qn_task_in *in)
{
    return in->shuffled >> join->side & 1;
}

struct making {
    const struct qn_join *join;
    struct qn_etl_step_ctx *ctx;
};

static qn_code make_table(void *context, struct qn_task_cache *made, struct qn_err *err)
{
    const struct making *making = context;
    const struct qn_join *join = making->join;
    struct qn_task_in *in = making->ctx->in;
    struct qn_join_table *table = calloc(1, sizeof *table);
    if (!table)
        return qn_err_nomem(err, "a join's table");
    qn_code code = qn_join_table_init(table, making->ctx->job->sides[join->side].schema,
                                      join->right, join->n_keys, err);
    table->most_bytes =
        is_shuffled(join, in) ? in->memory_bytes / making->ctx->job->n_sides : in->shared_bytes;
    table->folder = in->scratch;
    if (code == QN_OK)
        code = is_shuffled(join, in) ? read_matches(join, table, in, err)
                                     : read_side(join, table, in, err);
    if (code == QN_OK)
        code = qn_join_table_link(table, err);
    if (code != QN_OK) {
        table_free(table);
        return code;
    }
    if (table->in_files)
        qn_log_debug("a table of %s, %llu MiB, is in files", join->to,
                     (unsigned long long)(qn_join_table_bytes(table) >> 20));
    *made = (struct qn_task_cache){.data = table,
                                   .free = table_free,
                                   .bytes = table->in_files ? 0 : qn_join_table_bytes(table)};
    return QN_OK;
}

/* --- acting ---------------------------------------------------------------------------------- */

struct join_run {
    const struct qn_join_table *table;
    struct qn_task_cache own; /* the table, when it is this task's alone */
    const uint32_t *first;    /* by row of the batch: 1 + its first match, or 0 */
    uint32_t at;              /* row of the batch to go on with */
    uint32_t match;           /* 1 + the match of it to go on with; 0: its first */
    bool midway;              /* the batch has more to give */
};

static qn_code join_open(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void **run,
                         struct qn_err *err)
{
    const struct qn_join *join = step->impl;
    struct join_run *self = QN_NEW(ctx->in->arena, struct join_run);
    if (!self)
        return qn_err_nomem(err, "a join");
    struct making making = {join, ctx};
    const void *table;
    *run = self;
    if (is_shuffled(join, ctx->in)) {
        QN_TRY(make_table(&making, &self->own, err));
        table = self->own.data;
    } else {
        QN_TRY(ctx->in->share(ctx->in, join->side, make_table, &making, &table, err));
    }
    self->table = table;
    return QN_OK;
}

static void join_close(void *run)
{
    struct join_run *self = run;
    if (self->own.data)
        self->own.free(self->own.data);
}

static void join_needs(const struct qn_etl_step *step, const bool *after, bool *before)
{
    struct qn_join *join = step->impl;
    for (uint32_t i = 0; i < step->in->n_fields; i++)
        before[i] = before[i] || after[i];
    for (uint32_t k = 0; k < join->n_keys; k++)
        before[join->left[k]] = true;
    for (uint32_t i = 0; i < join->n_added; i++) /* compiling is one thread: this is its table */
        if (after[step->in->n_fields + i])
            qn_join_store(join, join->added[i]);
}

struct pairs {
    uint32_t *left, *right; /* rows side by side; right UINT32_MAX: none */
    uint32_t n;
};

static void put_pair(struct pairs *pairs, uint32_t left, uint32_t right)
{
    pairs->left[pairs->n] = left;
    pairs->right[pairs->n++] = right;
}

/* Matches of one row, from where the run stands; false when there was no room for all. */
static bool put_matches(const struct qn_join_table *table, struct join_run *run,
                        struct pairs *pairs, struct qn_counters *counters)
{
    uint32_t link = run->match ? run->match : run->first[run->at];
    for (bool begun = run->match != 0; link; begun = true) {
        if (pairs->n == QN_BATCH_ROWS) {
            run->match = begun ? link : 0;
            return false;
        }
        counters->added += begun;
        put_pair(pairs, run->at, link - 1);
        link = table->next ? table->next[link - 1] : 0;
    }
    run->match = 0;
    return true;
}

/* From where the run stands until QN_BATCH_ROWS pairs or the batch's end. */
static void find_pairs(const struct qn_join *join, struct join_run *run, uint32_t n_rows,
                       struct pairs *pairs, struct qn_counters *counters)
{
    bool matches = qn_join_makes_pairs(join);
    for (; run->at < n_rows; run->at++) {
        bool found = run->first[run->at] != 0;
        if (found && matches) {
            if (!put_matches(run->table, run, pairs, counters))
                return;
            continue;
        }
        if (join->how == QN_JOIN_INNER || (join->how == QN_JOIN_SEMI && !found) ||
            (join->how == QN_JOIN_ANTI && found)) {
            counters->filtered++;
            continue;
        }
        if (pairs->n == QN_BATCH_ROWS)
            return;
        put_pair(pairs, run->at, UINT32_MAX);
    }
}

/* Rows stay as they are when each made one pair. */
static bool is_identity(const struct pairs *pairs, uint32_t n_rows)
{
    if (pairs->n != n_rows)
        return false;
    for (uint32_t i = 0; i < n_rows; i++)
        if (pairs->left[i] != i)
            return false;
    return true;
}

static qn_code append_columns(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                              const struct join_run *run, const bool *live,
                              const struct pairs *pairs, struct qn_batch *batch, struct qn_err *err)
{
    const struct qn_join *join = step->impl;
    uint32_t n_left = step->in->n_fields;
    if (!is_identity(pairs, batch->n_rows))
        QN_TRY(qn_etl_step_take(ctx, live, batch, pairs->left, pairs->n, err));
    for (uint32_t i = 0; i < join->n_added; i++) {
        batch->columns[n_left + i] = (struct qn_column){0};
        if (live[n_left + i])
            QN_TRY(qn_column_take(ctx->arena, &run->table->views[join->added[i]],
                                  (uint32_t)run->table->n_rows, pairs->right, pairs->n,
                                  &batch->columns[n_left + i], err));
    }
    batch->schema = step->out;
    return QN_OK;
}

/* Looks up the batch's keys. The pipeline calls apply() again while there is more, and keeps the
 * arena until the batch is done. */
static qn_code look_up(const struct qn_join *join, struct join_run *run,
                       struct qn_etl_step_ctx *ctx, const struct qn_batch *batch,
                       struct qn_err *err)
{
    struct qn_column *keys = QN_NEW_ARRAY(ctx->arena, struct qn_column, join->n_keys);
    uint64_t *hashes = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *hashes);
    uint32_t *first = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *first);
    if (!keys || !hashes || !first)
        return qn_err_nomem(err, "a join");
    for (uint32_t k = 0; k < join->n_keys; k++)
        keys[k] = batch->columns[join->left[k]];
    qn_join_table_find(run->table, keys, batch->n_rows, hashes, first);
    run->first = first;
    run->at = run->match = 0;
    return QN_OK;
}

static qn_code join_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                          const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    const struct qn_join *join = step->impl;
    struct join_run *self = run;
    if (!self->midway)
        QN_TRY(look_up(join, self, ctx, batch, err));
    struct pairs pairs = {
        .left = qn_arena_alloc(ctx->arena, QN_BATCH_ROWS * sizeof *pairs.left),
        .right = qn_arena_alloc(ctx->arena, QN_BATCH_ROWS * sizeof *pairs.right),
    };
    if (!pairs.left || !pairs.right)
        return qn_err_nomem(err, "a join");
    find_pairs(join, self, batch->n_rows, &pairs, ctx->counters);
    self->midway = self->at < batch->n_rows;
    return append_columns(step, ctx, self, live, &pairs, batch, err);
}

static bool join_more(const void *run)
{
    const struct join_run *self = run;
    return self->midway;
}

const struct qn_etl_step_ops qn_join_step = {
    .name = "join",
    .needs = join_needs,
    .open = join_open,
    .close = join_close,
    .apply = join_apply,
    .more = join_more,
};
