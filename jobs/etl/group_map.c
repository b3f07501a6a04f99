/* The map task of a grouped job: rows are folded into groups for as long as that makes fewer of
 * them; where nearly every row is a group of its own, they go to their partitions as they are. */
#include "jobs/etl/group.h"
#include "jobs/etl/output.h"
#include "jobs/etl/scatter.h"

enum {
    /* Folding goes on in any case up to so many groups, which stay in the cache; */
    FEW_GROUPS = 4096,
    /* past them only where a group stands for so many rows at least; */
    ROWS_A_GROUP = 3,
    /* and never past so many, whatever the memory: what is sent must not depend on it. */
    MOST_GROUPS = 64 << 10,
};

struct map_task {
    const struct qn_group_plan *plan;
    struct qn_groups groups;
    struct qn_scatter scatter;
    uint64_t folded; /* rows */
    bool scatters;   /* folding has been given up */
};

static bool folding_pays(const struct map_task *task)
{
    uint32_t n = task->groups.n;
    return n <= FEW_GROUPS || (n <= MOST_GROUPS && task->folded / ROWS_A_GROUP >= n);
}

static qn_code emit(void *self, struct qn_etl_step_ctx *ctx, struct qn_batch *batch,
                    struct qn_err *err)
{
    struct map_task *task = self;
    struct qn_batch evaluated;
    QN_TRY(qn_group_evaluate(task->plan, batch, ctx->arena, &evaluated, err));
    if (task->scatters)
        return qn_scatter_add(&task->scatter, &evaluated, ctx->out, ctx->arena, err);
    QN_TRY(qn_groups_add(&task->groups, &evaluated, ctx->arena, NULL, err));
    task->folded += batch->n_rows;
    task->scatters = !folding_pays(task);
    return QN_OK;
}

/* Groups go before rows that were not folded: they come from earlier rows, and the order in which
 * keys first appear must hold. Both kinds go by partition. */
static qn_code send_groups(struct qn_pipeline *pipeline, const struct qn_groups *groups,
                           struct qn_err *err)
{
    const struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    const struct qn_group_plan *plan = groups->plan;
    uint32_t starts[QN_MAX_PARTITIONS + 1], n = groups->n;
    uint32_t *partition_of = qn_arena_alloc(ctx->in->arena, n * sizeof *partition_of);
    uint32_t *order = qn_arena_alloc(ctx->in->arena, n * sizeof *order);
    if (!partition_of || !order)
        return qn_err_nomem(err, "groups");
    for (uint32_t g = 0; g < n; g++)
        partition_of[g] = qn_group_partition(plan, groups->hashes[g]);
    qn_partition_order(partition_of, n, plan->n_partitions, starts, order);
    for (uint32_t p = 0; p < plan->n_partitions; p++)
        for (uint32_t at = starts[p]; at < starts[p + 1];) {
            uint32_t left = starts[p + 1] - at, few = left < QN_BATCH_ROWS ? left : QN_BATCH_ROWS;
            struct qn_batch batch;
            qn_arena_clear(&pipeline->arena);
            QN_TRY(qn_groups_pack(groups, order + at, few, &pipeline->arena, &batch, err));
            QN_TRY(ctx->out->ops->partition(ctx->out, p, &batch, err));
            at += few;
        }
    return QN_OK;
}

static qn_code run(struct qn_pipeline *pipeline, struct map_task *task, struct qn_err *err)
{
    QN_TRY(qn_groups_init(&task->groups, task->plan, err));
    QN_TRY(qn_scatter_init(&task->scatter, task->plan, err));
    pipeline->emit = emit;
    pipeline->self = task;
    QN_TRY(qn_pipeline_read(pipeline, err));
    QN_TRY(send_groups(pipeline, &task->groups, err));
    QN_TRY(qn_scatter_flush(&task->scatter, pipeline->ctx.out, err));
    const struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    return ctx->job->stages[ctx->in->stage].merges ? qn_output_tallies(pipeline, err) : QN_OK;
}

qn_code qn_group_map(struct qn_pipeline *pipeline, struct qn_err *err)
{
    struct map_task task = {.plan = pipeline->ctx.etl->group};
    qn_code code = run(pipeline, &task, err);
    qn_groups_fini(&task.groups);
    qn_scatter_fini(&task.scatter);
    return code;
}
