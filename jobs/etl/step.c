#include "jobs/etl/step.h"

#include <string.h>

#include "jobs/etl/cell.h"
#include "jobs/etl/etl.h"

void qn_etl_step_needs_same(const struct qn_etl_step *step, const bool *after, bool *before)
{
    for (uint32_t i = 0; i < step->in->n_fields; i++)
        before[i] = before[i] || after[i];
}

qn_code qn_etl_step_take(struct qn_etl_step_ctx *ctx, const bool *live, struct qn_batch *batch,
                         const uint32_t *rows, uint32_t n, struct qn_err *err)
{
    bool all = n == batch->n_rows;
    for (uint32_t i = 0; i < n && all; i++)
        all = rows[i] == i;
    for (uint32_t i = 0; i < batch->schema->n_fields; i++) {
        if (!live[i]) {
            batch->columns[i] = (struct qn_column){0};
        } else if (!all) {
            struct qn_column taken;
            QN_TRY(qn_column_take(ctx->arena, &batch->columns[i], batch->n_rows, rows, n, &taken,
                                  err));
            batch->columns[i] = taken;
        }
    }
    if (all)
        return QN_OK;
    uint32_t *origin = qn_arena_alloc(ctx->arena, n * sizeof *origin);
    if (!origin)
        return qn_err_nomem(err, "row origins");
    for (uint32_t i = 0; i < n; i++)
        origin[i] = batch->origin[rows[i]];
    batch->origin = origin;
    batch->n_rows = n;
    return QN_OK;
}

static bool was_read(const struct qn_etl_step_ctx *ctx)
{
    return ctx->job->input.kind == QN_INPUT_SOURCE && ctx->stage->kind != QN_ETL_REDUCE;
}

/* Rows that no file holds are shown as the values they have. */
static qn_code row_as_json(struct qn_etl_step_ctx *ctx, const struct qn_batch *batch, uint32_t row,
                           struct qn_strv *out, struct qn_err *err)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    const char *separator = "{";
    for (uint32_t i = 0; i < batch->schema->n_fields; i++) {
        const struct qn_column *column = &batch->columns[i];
        if (!column->type.id) /* not needed downstream, so not there */
            continue;
        qn_buf_printf(&buf, "%s", separator);
        qn_json_text(&buf, qn_strv_from(batch->schema->fields[i].name));
        qn_buf_put_u8(&buf, ':');
        qn_cell_json(&buf, column->type, qn_cell_at(column, row));
        separator = ",";
    }
    qn_buf_printf(&buf, "%s", *separator == '{' ? "{}" : "}");
    char *text = buf.failed ? NULL : qn_arena_strdup(ctx->arena, qn_buf_strv(&buf));
    *out = (struct qn_strv){text, buf.len};
    qn_buf_fini(&buf);
    return text ? QN_OK : qn_err_nomem(err, "a refused row");
}

qn_code qn_etl_step_locate(struct qn_etl_step_ctx *ctx, const struct qn_batch *batch, uint32_t row,
                           struct qn_location *out, struct qn_err *err)
{
    struct qn_reader *reader = ctx->in->reader;
    if (was_read(ctx))
        return reader->ops->locate(reader, batch->origin[row], out, err);
    *out = (struct qn_location){.byte_offset = 0, .line = batch->origin[row]};
    return row_as_json(ctx, batch, row, &out->raw, err);
}

qn_code qn_etl_step_reject(struct qn_etl_step_ctx *ctx, const struct qn_batch *batch, uint32_t row,
                           const char *column, const char *rule, struct qn_strv message,
                           struct qn_err *err)
{
    ctx->counters->quarantined++;
    if (!ctx->job->stages[ctx->in->stage].counts)
        return QN_OK; /* the stage that counts refuses it again, and says so */
    struct qn_location place;
    QN_TRY(qn_etl_step_locate(ctx, batch, row, &place, err));
    struct qn_reject reject = {
        .byte_offset = place.byte_offset,
        .line = place.line,
        .file = was_read(ctx) ? qn_strv_from(ctx->in->reader->file) : (struct qn_strv){0},
        .column = qn_strv_from(column),
        .rule = qn_strv_from(rule),
        .message = message,
        .raw = place.raw,
    };
    return qn_rejects_add(&ctx->out->rejects, &reject, err);
}
