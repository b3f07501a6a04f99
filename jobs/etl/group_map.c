/* The map task of a grouped job: rows are folded into groups for as long as that makes fewer of
 * them; where nearly every row is a group of its own, they go to their partitions as they are. */
#include "jobs/etl/group.h"
#include "jobs/etl/output.h"
#include "jobs/etl/scatter.h"

enum {
    /* Folding goes on in any case up to so many groups, or values of groups that have to be kept,
     * which stay in the cache; */
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
    struct qn_copy_counter copies;
    uint64_t folded; /* rows */
    bool scatters;   /* folding has been given up */
};

static bool folding_pays(const struct map_task *task)
{
    uint32_t pairs = qn_groups_pairs(&task->groups);
    uint32_t n = pairs > task->groups.n ? pairs : task->groups.n;
    return n <= FEW_GROUPS || (n <= MOST_GROUPS && task->folded / ROWS_A_GROUP >= n);
}

static qn_code emit(void *self, struct qn_etl_step_ctx *ctx, struct qn_batch *batch,
                    struct qn_err *err)
{
    struct map_task *task = self;
    struct qn_batch evaluated;
    QN_TRY(qn_group_evaluate(task->plan, ctx, &task->copies, batch, &evaluated, err));
    if (task->scatters)
        return qn_scatter_add(&task->scatter, &evaluated, ctx->out, ctx->arena, err);
    QN_TRY(qn_groups_add(&task->groups, &evaluated, ctx->arena, NULL, err));
    task->folded += batch->n_rows;
    task->scatters = !folding_pays(task);
    return QN_OK;
}

/* Pieces of groups on their way to one partition. */
struct pieces {
    uint32_t partition, n;
    uint32_t groups[QN_BATCH_ROWS], pieces[QN_BATCH_ROWS];
};

static qn_code send_pieces(struct qn_pipeline *pipeline, const struct qn_groups *groups,
                           struct pieces *pieces, struct qn_err *err)
{
    struct qn_task_out *out = pipeline->ctx.out;
    struct qn_batch batch;
    if (pieces->n == 0)
        return QN_OK;
    qn_arena_clear(&pipeline->arena);
    QN_TRY(qn_groups_pack(groups, pieces->groups, pieces->pieces, pieces->n, &pipeline->arena,
                          &batch, err));
    pieces->n = 0;
    return out->ops->partition(out, pieces->partition, &batch, err);
}

static qn_code send_group(struct qn_pipeline *pipeline, const struct qn_groups *groups,
                          uint32_t group, struct pieces *pieces, struct qn_err *err)
{
    uint32_t n = qn_groups_pieces(groups, group);
    for (uint32_t piece = 0; piece < n; piece++) {
        pieces->groups[pieces->n] = group;
        pieces->pieces[pieces->n++] = piece;
        if (pieces->n == QN_BATCH_ROWS)
            QN_TRY(send_pieces(pipeline, groups, pieces, err));
    }
    return QN_OK;
}

/* Groups go before rows that were not folded: they come from earlier rows, and the order in which
 * keys first appear must hold. Both kinds go by partition. */
static qn_code send_groups(struct qn_pipeline *pipeline, struct qn_groups *groups,
                           struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    struct qn_arena *arena = pipeline->ctx.in->arena;
    uint32_t starts[QN_MAX_PARTITIONS + 1];
    const uint32_t *order = qn_groups_order(groups, arena, starts);
    struct pieces *pieces = QN_NEW(arena, struct pieces);
    if (!order || !pieces)
        return qn_err_nomem(err, "groups");
    QN_TRY(qn_groups_seal(groups, err));
    for (uint32_t p = 0; p < plan->n_partitions; p++) {
        pieces->partition = p;
        for (uint32_t at = starts[p]; at < starts[p + 1]; at++)
            QN_TRY(send_group(pipeline, groups, order[at], pieces, err));
        QN_TRY(send_pieces(pipeline, groups, pieces, err));
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
