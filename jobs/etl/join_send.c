/* What goes to partitions before a shuffled join: rows of the side, and the keys that chunks of the
 * input have. A key with a NULL in it matches nothing and is left out on both ways. */
#include "jobs/etl/etl.h"
#include "jobs/etl/join.h"
#include "jobs/etl/key_table.h"
#include "jobs/etl/keys.h"
#include "jobs/etl/pipeline.h"

/* Keys of a chunk are kept to send each once, as long as they are so few: what is sent must not
 * depend on memory. */
enum { MOST_KEYS = 64 << 10 };

/* --- rows of the side ------------------------------------------------------------------------ */

/* A batch of the stored columns, in the schema's order, as rows of join->rows. */
static qn_code arrange(const struct qn_join *join, const struct qn_batch *read,
                       struct qn_arena *arena, struct qn_batch *out, struct qn_err *err)
{
    if (read->schema->n_fields != join->n_stored)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "%s has other columns than planned",
                          join->to);
    *out = (struct qn_batch){.schema = &join->rows, .n_rows = read->n_rows};
    out->columns = QN_NEW_ARRAY(arena, struct qn_column, join->n_sent);
    if (!out->columns)
        return qn_err_nomem(err, "a join");
    for (uint32_t i = 0; i < join->n_sent; i++) {
        uint32_t at = 0;
        for (uint32_t c = 0; c < join->sent[i]; c++)
            at += join->stored[c];
        out->columns[i] = read->columns[at];
    }
    return QN_OK;
}

/* The rows whose key can match, into rows[]. */
static uint32_t with_keys(const struct qn_batch *batch, uint32_t n_keys, uint32_t *rows)
{
    uint32_t n = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++)
        if (!qn_keys_any_null(batch->columns, n_keys, row))
            rows[n++] = row;
    return n;
}

static qn_code send_rows(struct qn_pipeline *pipeline, const struct qn_join *join,
                         struct qn_scatter *scatter, struct qn_err *err)
{
    struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    struct qn_reader *reader = ctx->in->reader;
    for (;;) {
        struct qn_batch read, batch, kept;
        if (atomic_load(ctx->in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        QN_TRY(reader->ops->next(reader, &read, &ctx->out->rejects, err));
        if (read.n_rows == 0)
            return qn_scatter_flush(scatter, ctx->out, err);
        qn_arena_clear(&pipeline->arena);
        QN_TRY(arrange(join, &read, &pipeline->arena, &batch, err));
        uint32_t *rows = qn_arena_alloc(&pipeline->arena, batch.n_rows * sizeof *rows);
        if (!rows)
            return qn_err_nomem(err, "a join");
        uint32_t n = with_keys(&batch, join->n_keys, rows);
        if (n < batch.n_rows) {
            QN_TRY(qn_batch_take(&pipeline->arena, &batch, rows, n, &kept, err));
            batch = kept;
        }
        QN_TRY(qn_scatter_add(scatter, &batch, ctx->out, &pipeline->arena, err));
    }
}

qn_code qn_join_send_side(struct qn_pipeline *pipeline, const struct qn_join *join,
                          struct qn_err *err)
{
    struct qn_scatter scatter;
    qn_code code = qn_scatter_init(&scatter, &join->side_by, err);
    if (code == QN_OK)
        code = send_rows(pipeline, join, &scatter, err);
    qn_scatter_fini(&scatter);
    return code;
}

/* --- keys of the input ----------------------------------------------------------------------- */

struct sender {
    const struct qn_join *join;
    struct qn_scatter scatter;
    struct qn_key_table seen;
};

/* The rows whose keys are to be sent, into rows[]: those not seen, and those that are not kept. */
static qn_code pick(struct sender *self, const struct qn_batch *keys, const uint64_t *hashes,
                    uint32_t *rows, uint32_t *n, struct qn_err *err)
{
    struct qn_key_table *seen = &self->seen;
    uint32_t n_rows = with_keys(keys, self->join->n_keys, rows);
    *n = 0;
    for (uint32_t i = 0; i < n_rows; i++) {
        uint32_t row = rows[i], key, n_seen = seen->n;
        if (n_seen < MOST_KEYS)
            QN_TRY(qn_key_table_add(seen, keys->columns, row, hashes[row], &key, err));
        else
            key = qn_key_table_find_row(seen, keys->columns, row, hashes[row]);
        if (key == n_seen || key == QN_NO_KEY)
            rows[(*n)++] = row;
    }
    return QN_OK;
}

static qn_code put_chunk(const struct qn_etl_step_ctx *ctx, uint32_t n, struct qn_column *out,
                         struct qn_err *err)
{
    QN_TRY(qn_column_new(ctx->arena, (struct qn_type){.id = QN_INT64}, n, out, err));
    for (uint32_t i = 0; i < n; i++)
        out->i64[i] = ctx->in->unit;
    return QN_OK;
}

static qn_code emit_keys(void *context, struct qn_etl_step_ctx *ctx, struct qn_batch *batch,
                         struct qn_err *err)
{
    struct sender *self = context;
    const struct qn_join *join = self->join;
    const struct qn_schema schema = {join->keys.fields, join->n_keys};
    struct qn_batch keys = {.schema = &schema, .n_rows = batch->n_rows}, sent;
    uint64_t *hashes = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *hashes);
    uint32_t *rows = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *rows), n;
    struct qn_column *columns = QN_NEW_ARRAY(ctx->arena, struct qn_column, join->keys.n_fields);
    keys.columns = QN_NEW_ARRAY(ctx->arena, struct qn_column, join->n_keys);
    if (!hashes || !rows || !columns || !keys.columns)
        return qn_err_nomem(err, "a join's keys");
    for (uint32_t k = 0; k < join->n_keys; k++)
        keys.columns[k] = batch->columns[join->left[k]];
    qn_keys_hash(keys.columns, join->n_keys, batch->n_rows, hashes);
    QN_TRY(pick(self, &keys, hashes, rows, &n, err));
    if (n == 0)
        return QN_OK;
    for (uint32_t k = 0; k < join->n_keys; k++)
        QN_TRY(
            qn_column_take(ctx->arena, &keys.columns[k], batch->n_rows, rows, n, &columns[k], err));
    QN_TRY(put_chunk(ctx, n, &columns[join->n_keys], err));
    sent = (struct qn_batch){.schema = &join->keys, .columns = columns, .n_rows = n};
    return qn_scatter_add(&self->scatter, &sent, ctx->out, ctx->arena, err);
}

qn_code qn_join_send_keys(struct qn_pipeline *pipeline, const struct qn_join *join,
                          struct qn_err *err)
{
    struct sender self = {.join = join};
    pipeline->emit = emit_keys;
    pipeline->self = &self;
    qn_code code = qn_key_table_init(&self.seen, &join->keys, join->n_keys, err);
    if (code == QN_OK)
        code = qn_scatter_init(&self.scatter, &join->keys_by, err);
    if (code == QN_OK)
        code = qn_pipeline_read(pipeline, err);
    if (code == QN_OK)
        code = qn_scatter_flush(&self.scatter, pipeline->ctx.out, err);
    qn_key_table_fini(&self.seen);
    qn_scatter_fini(&self.scatter);
    return code;
}
