#include "jobs/etl/pipeline.h"

#include <string.h>

/* Files name their rows by offset; parts of a dataset and partitions by their number. */
static bool is_file(const struct qn_etl_step_ctx *ctx)
{
    return ctx->stage->kind != QN_ETL_REDUCE && ctx->job->input.kind == QN_INPUT_SOURCE;
}

qn_code qn_pipeline_init(struct qn_pipeline *pipeline, const struct qn_job *job,
                         struct qn_task_in *in, struct qn_task_out *out, struct qn_err *err)
{
    const struct qn_etl *etl = job->impl;
    const struct qn_etl_stage *stage = &etl->stages[in->stage];
    *pipeline = (struct qn_pipeline){0};
    qn_arena_init(&pipeline->arena);
    struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    *ctx = (struct qn_etl_step_ctx){
        .job = job,
        .etl = etl,
        .stage = stage,
        .in = in,
        .out = out,
        .arena = &pipeline->arena,
        .counters = job->stages[in->stage].counts ? &out->counters : &pipeline->scratch,
    };
    ctx->file = is_file(ctx) ? in->reader->file_index : in->unit;
    ctx->base = is_file(ctx) ? in->reader->base : 0;
    ctx->tallies = QN_NEW_ARRAY(in->arena, struct qn_check_tally, etl->n_checks);
    ctx->imputed = QN_NEW_ARRAY(in->arena, struct qn_imputed, etl->n_imputed);
    pipeline->runs = QN_NEW_ARRAY(in->arena, void *, etl->n_steps);
    if (!ctx->tallies || !ctx->imputed || !pipeline->runs)
        return qn_err_nomem(err, "a task");
    for (uint32_t i = stage->first; i < stage->end; i++)
        if (etl->steps[i]->ops->open)
            QN_TRY(etl->steps[i]->ops->open(etl->steps[i], ctx, &pipeline->runs[i], err));
    return QN_OK;
}

void qn_pipeline_fini(struct qn_pipeline *pipeline)
{
    const struct qn_etl_stage *stage = pipeline->ctx.stage;
    for (uint32_t i = stage->first; pipeline->runs && i < stage->end; i++) {
        const struct qn_etl_step_ops *ops = pipeline->ctx.etl->steps[i]->ops;
        if (ops->close && pipeline->runs[i])
            ops->close(pipeline->runs[i]);
    }
    qn_arena_fini(&pipeline->arena);
}

/* --- through the steps ----------------------------------------------------------------------- */

static qn_code push_from(struct qn_pipeline *pipeline, uint32_t at, struct qn_batch *batch,
                         struct qn_err *err);

/* A step that makes more rows than it takes gives them a slice at a time. Slices past the first
 * have an arena of their own, so that memory holds one slice, not all. */
static qn_code push_slices(struct qn_pipeline *pipeline, uint32_t at, struct qn_batch *batch,
                           struct qn_err *err)
{
    struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    const struct qn_etl_step *step = ctx->etl->steps[at];
    const bool *live = ctx->stage->live[at - ctx->stage->first + 1];
    struct qn_arena *outer = ctx->arena, inner;
    size_t bytes = ctx->etl->width * sizeof *batch->columns;
    struct qn_batch whole = *batch;
    whole.columns = qn_arena_alloc(outer, bytes);
    if (!whole.columns)
        return qn_err_nomem(err, "a batch");
    memcpy(whole.columns, batch->columns, bytes);
    qn_arena_init(&inner);
    qn_code code;
    for (bool again = false;; again = true) {
        struct qn_batch slice = whole;
        slice.columns = batch->columns;
        memcpy(slice.columns, whole.columns, bytes);
        if (again) {
            qn_arena_clear(&inner);
            ctx->arena = &inner;
        }
        code = step->ops->apply(step, ctx, pipeline->runs[at], live, &slice, err);
        bool more = code == QN_OK && step->ops->more(pipeline->runs[at]);
        if (code == QN_OK)
            code = push_from(pipeline, at + 1, &slice, err);
        if (code == QN_OK && more && atomic_load(ctx->in->cancelled))
            code = qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        if (code != QN_OK || !more)
            break;
    }
    ctx->arena = outer;
    qn_arena_fini(&inner);
    return code;
}

static qn_code push_from(struct qn_pipeline *pipeline, uint32_t at, struct qn_batch *batch,
                         struct qn_err *err)
{
    struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    const struct qn_etl_stage *stage = ctx->stage;
    for (; at < stage->end && batch->n_rows; at++) {
        const struct qn_etl_step *step = ctx->etl->steps[at];
        if (step->ops->more)
            return push_slices(pipeline, at, batch, err);
        QN_TRY(step->ops->apply(step, ctx, pipeline->runs[at], stage->live[at - stage->first + 1],
                                batch, err));
    }
    return batch->n_rows ? pipeline->emit(pipeline->self, ctx, batch, err) : QN_OK;
}

qn_code qn_pipeline_push(struct qn_pipeline *pipeline, struct qn_batch *batch, struct qn_err *err)
{
    struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    for (uint32_t i = 0; i < ctx->etl->n_imputed; i++)
        ctx->imputed[i] = (struct qn_imputed){0};
    if (!batch->origin) { /* made rows are named by their order */
        batch->origin = qn_arena_alloc(&pipeline->arena, batch->n_rows * sizeof *batch->origin);
        if (!batch->origin)
            return qn_err_nomem(err, "row origins");
        for (uint32_t i = 0; i < batch->n_rows; i++)
            batch->origin[i] = (uint32_t)(pipeline->made_rows + i);
        pipeline->made_rows += batch->n_rows;
    }
    return push_from(pipeline, ctx->stage->first, batch, err);
}

/* --- from the reader ------------------------------------------------------------------------- */

/* The reader gives the columns that were asked for; steps count them in the whole schema. */
static qn_code widen(struct qn_pipeline *pipeline, const struct qn_batch *read,
                     struct qn_batch *out, struct qn_err *err)
{
    const struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    const struct qn_schema *schema = ctx->job->input.schema;
    *out = *read;
    out->schema = schema;
    out->columns = QN_NEW_ARRAY(&pipeline->arena, struct qn_column, ctx->etl->width);
    if (!out->columns)
        return qn_err_nomem(err, "a batch");
    uint32_t at = 0;
    for (uint32_t i = 0; i < schema->n_fields; i++)
        if (ctx->stage->wanted[i])
            out->columns[i] = read->columns[at++];
    return QN_OK;
}

static qn_code check_reader(const struct qn_pipeline *pipeline, struct qn_err *err)
{
    const struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    const struct qn_schema *schema = ctx->in->reader->schema;
    if (schema->n_fields == ctx->stage->n_wanted)
        return QN_OK;
    return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER,
                      "the reader gives %u columns, %u were asked for", schema->n_fields,
                      ctx->stage->n_wanted);
}

/* Records that on_malformed: skip dropped are rows that came in and were filtered. */
static void count_skipped(struct qn_etl_step_ctx *ctx)
{
    struct qn_reader *reader = ctx->in->reader;
    if (ctx->job->input.kind != QN_INPUT_SOURCE || !reader->ops->result)
        return;
    struct qn_chunk_result result = {0};
    reader->ops->result(reader, &result);
    ctx->counters->rows_in += result.skipped;
    ctx->counters->filtered += result.skipped;
}

qn_code qn_pipeline_read(struct qn_pipeline *pipeline, struct qn_err *err)
{
    struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    struct qn_reader *reader = ctx->in->reader;
    QN_TRY(check_reader(pipeline, err));
    for (;;) {
        struct qn_batch read, batch;
        if (atomic_load(ctx->in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        uint32_t rejects = qn_rejects_count(&ctx->out->rejects);
        QN_TRY(reader->ops->next(reader, &read, &ctx->out->rejects, err));
        rejects = qn_rejects_count(&ctx->out->rejects) - rejects;
        ctx->counters->rows_in += rejects + read.n_rows;
        ctx->counters->quarantined += rejects;
        ctx->base = is_file(ctx) ? reader->base : 0; /* it may have moved on */
        if (read.n_rows == 0)
            break;
        qn_arena_clear(&pipeline->arena);
        QN_TRY(widen(pipeline, &read, &batch, err));
        QN_TRY(qn_pipeline_push(pipeline, &batch, err));
    }
    count_skipped(ctx);
    return QN_OK;
}
