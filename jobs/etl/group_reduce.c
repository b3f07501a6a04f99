/* The reduce task of a grouped job: groups of a range of partitions, merged in chunk order, become
 * rows that go through the steps after the grouping. */
#include "jobs/etl/group.h"
#include "jobs/etl/output.h"
#include "jobs/etl/scatter.h"

static qn_code check_batch(const struct qn_group_plan *plan, const struct qn_batch *batch,
                           struct qn_err *err)
{
    if (batch->schema->n_fields == plan->partition.n_fields ||
        batch->schema->n_fields == plan->evaluated.n_fields)
        return QN_OK;
    return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "groups have other columns");
}

static qn_code read_groups(struct qn_pipeline *pipeline, struct qn_groups *groups,
                           struct qn_err *err)
{
    struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    struct qn_reader *reader = ctx->in->reader;
    for (;;) {
        struct qn_batch batch;
        if (atomic_load(ctx->in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        QN_TRY(reader->ops->next(reader, &batch, &ctx->out->rejects, err));
        if (batch.n_rows == 0)
            break;
        QN_TRY(check_batch(groups->plan, &batch, err));
        qn_arena_clear(&pipeline->arena);
        QN_TRY(qn_groups_add(groups, &batch, &pipeline->arena, err));
    }
    return groups->plan->n_keys == 0 && ctx->in->unit == 0 ? qn_groups_need_one(groups, err)
                                                           : QN_OK;
}

/* Every group stands for the rows that were folded into it; the one of a job without group_by is
 * there without rows too, and then was added. */
static void count_groups(struct qn_counters *counters, const struct qn_groups *groups)
{
    for (uint32_t g = 0; g < groups->n; g++) {
        int64_t rows = qn_groups_rows(groups, g);
        if (rows > 0)
            counters->absorbed += (uint64_t)rows - 1;
        else
            counters->added++;
    }
}

/* Partition after partition, whatever the range that this task has. */
static uint32_t *order_of(const struct qn_pipeline *pipeline, const struct qn_groups *groups)
{
    uint32_t starts[QN_MAX_PARTITIONS + 1], n = groups->n;
    uint32_t *partition_of = qn_arena_alloc(pipeline->ctx.in->arena, n * sizeof *partition_of);
    uint32_t *order = qn_arena_alloc(pipeline->ctx.in->arena, n * sizeof *order);
    if (!partition_of || !order)
        return NULL;
    for (uint32_t g = 0; g < n; g++)
        partition_of[g] = qn_group_partition(groups->plan, groups->hashes[g]);
    qn_partition_order(partition_of, n, groups->plan->n_partitions, starts, order);
    return order;
}

static qn_code push_groups(struct qn_pipeline *pipeline, const struct qn_groups *groups,
                           struct qn_err *err)
{
    const uint32_t *order = order_of(pipeline, groups);
    if (!order)
        return qn_err_nomem(err, "groups");
    for (uint32_t first = 0; first < groups->n; first += QN_BATCH_ROWS) {
        uint32_t n = groups->n - first < QN_BATCH_ROWS ? groups->n - first : QN_BATCH_ROWS;
        struct qn_batch batch;
        qn_arena_clear(&pipeline->arena);
        batch.columns = QN_NEW_ARRAY(&pipeline->arena, struct qn_column, pipeline->ctx.etl->width);
        if (!batch.columns)
            return qn_err_nomem(err, "groups");
        QN_TRY(qn_groups_result(groups, order + first, n, &pipeline->arena, &batch, err));
        QN_TRY(qn_pipeline_push(pipeline, &batch, err));
    }
    return QN_OK;
}

static qn_code run(struct qn_pipeline *pipeline, struct qn_groups *groups, struct qn_err *err)
{
    QN_TRY(read_groups(pipeline, groups, err));
    count_groups(pipeline->ctx.counters, groups);
    QN_TRY(qn_groups_seal(groups, err));
    return push_groups(pipeline, groups, err);
}

qn_code qn_group_reduce(struct qn_pipeline *pipeline, struct qn_err *err)
{
    struct qn_output output;
    struct qn_groups groups;
    qn_code code = qn_output_init(&output, pipeline, err);
    qn_code made = qn_groups_init(&groups, pipeline->ctx.etl->group, err);
    if (code == QN_OK)
        code = made;
    if (code == QN_OK)
        code = run(pipeline, &groups, err);
    if (code == QN_OK)
        code = qn_output_end(&output, pipeline, err);
    qn_groups_fini(&groups);
    qn_output_fini(&output);
    return code;
}
