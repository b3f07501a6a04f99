#include "jobs/etl/output.h"

static qn_code emit_rows(void *self, struct qn_etl_step_ctx *ctx, struct qn_batch *batch,
                         struct qn_err *err)
{
    struct qn_output *output = self;
    ctx->counters->rows_out += batch->n_rows;
    if (ctx->etl->profiled)
        QN_TRY(qn_profile_add(&output->profile, ctx, batch, err));
    return ctx->out->ops->rows(ctx->out, batch, err);
}

qn_code qn_output_init(struct qn_output *output, struct qn_pipeline *pipeline, struct qn_err *err)
{
    pipeline->emit = emit_rows;
    pipeline->self = output;
    return qn_profile_init(&output->profile, &pipeline->ctx.job->out, err);
}

void qn_output_fini(struct qn_output *output)
{
    qn_profile_fini(&output->profile);
}

static qn_code give_partial(struct qn_pipeline *pipeline, struct qn_profile *profile,
                            struct qn_err *err)
{
    struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_buf_put_u64(&buf, ctx->counters->rows_out);
    qn_tallies_pack(ctx->etl, ctx->tallies, &buf);
    qn_code code = profile ? qn_profile_pack(profile, &buf, err) : qn_buf_check(&buf, "tests", err);
    if (code == QN_OK)
        code = ctx->out->ops->partial(ctx->out, qn_buf_strv(&buf), err);
    qn_buf_fini(&buf);
    return code;
}

qn_code qn_output_end(struct qn_output *output, struct qn_pipeline *pipeline, struct qn_err *err)
{
    return give_partial(pipeline, pipeline->ctx.etl->profiled ? &output->profile : NULL, err);
}

qn_code qn_output_tallies(struct qn_pipeline *pipeline, struct qn_err *err)
{
    return give_partial(pipeline, NULL, err);
}
