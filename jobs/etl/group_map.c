/* The map task of a grouped job: rows are folded into groups for as long as that makes fewer of
 * them; where nearly every row is a group of its own, they go to their partitions as they are. */
#include <stdlib.h>

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
    struct qn_arena arena; /* of groups on their way out */
    struct qn_scatter scatter;
    struct qn_copy_counter copies;
    struct qn_expr_marks *known; /* by column of bits */
    uint64_t folded;             /* rows */
    bool scatters;               /* folding has been given up */
};

/* --- groups ---------------------------------------------------------------------------------- */

/* Pieces of groups on their way to one partition. */
struct pieces {
    uint32_t partition, n;
    uint32_t groups[QN_BATCH_ROWS], pieces[QN_BATCH_ROWS];
};

static qn_code send_pieces(struct map_task *task, struct pieces *pieces, struct qn_task_out *out,
                           struct qn_err *err)
{
    struct qn_batch batch;
    if (pieces->n == 0)
        return QN_OK;
    qn_arena_clear(&task->arena);
    QN_TRY(qn_groups_pack(&task->groups, pieces->groups, pieces->pieces, pieces->n, &task->arena,
                          &batch, err));
    pieces->n = 0;
    return out->ops->partition(out, pieces->partition, &batch, err);
}

static qn_code send_group(struct map_task *task, uint32_t group, struct pieces *pieces,
                          struct qn_task_out *out, struct qn_err *err)
{
    uint32_t n = qn_groups_pieces(&task->groups, group);
    for (uint32_t piece = 0; piece < n; piece++) {
        pieces->groups[pieces->n] = group;
        pieces->pieces[pieces->n++] = piece;
        if (pieces->n == QN_BATCH_ROWS)
            QN_TRY(send_pieces(task, pieces, out, err));
    }
    return QN_OK;
}

/* Groups go before rows that are not folded: they come from earlier rows, and the order in which
 * keys first appear must hold. Both kinds go by partition. */
static qn_code send_groups(struct map_task *task, struct qn_etl_step_ctx *ctx, struct qn_err *err)
{
    struct qn_arena *arena = ctx->in->arena;
    uint32_t starts[QN_MAX_PARTITIONS + 1];
    if (task->groups.n == 0)
        return QN_OK;
    const uint32_t *order = qn_groups_order(&task->groups, arena, starts);
    struct pieces *pieces = QN_NEW(arena, struct pieces);
    if (!order || !pieces)
        return qn_err_nomem(err, "groups");
    QN_TRY(qn_groups_seal(&task->groups, err));
    for (uint32_t p = 0; p < task->plan->by.n_partitions; p++) {
        pieces->partition = p;
        for (uint32_t at = starts[p]; at < starts[p + 1]; at++)
            QN_TRY(send_group(task, order[at], pieces, ctx->out, err));
        QN_TRY(send_pieces(task, pieces, ctx->out, err));
    }
    return QN_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

static bool folding_pays(uint32_t n, uint64_t rows)
{
    return n <= FEW_GROUPS || (n <= MOST_GROUPS && rows / ROWS_A_GROUP >= n);
}

/* A batch whose groups are too many is not folded any more: as groups of their own, its rows would
 * take longer to send, and to merge, than as they are. */
static qn_code fold(struct map_task *task, struct qn_etl_step_ctx *ctx,
                    const struct qn_batch *evaluated, struct qn_err *err)
{
    struct qn_groups *groups = &task->groups;
    uint32_t *group_of, before = groups->n;
    QN_TRY(qn_groups_find(groups, evaluated, ctx->arena, &group_of, err));
    uint64_t rows = task->folded + evaluated->n_rows;
    bool pays = folding_pays(groups->n, rows);
    if (pays) {
        QN_TRY(qn_groups_fold(groups, evaluated, group_of, err));
        task->folded = rows;
        if (folding_pays(qn_groups_pairs(groups), rows))
            return QN_OK;
    } else {
        qn_groups_forget(groups, before);
    }
    task->scatters = true;
    QN_TRY(qn_scatter_init(&task->scatter, &task->plan->by, err));
    QN_TRY(send_groups(task, ctx, err));
    return pays ? QN_OK : qn_scatter_add(&task->scatter, evaluated, ctx->out, ctx->arena, err);
}

static qn_code emit(void *self, struct qn_etl_step_ctx *ctx, struct qn_batch *batch,
                    struct qn_err *err)
{
    struct map_task *task = self;
    struct qn_batch evaluated;
    QN_TRY(qn_group_evaluate(task->plan, ctx, &task->copies, task->known, batch, &evaluated, err));
    if (task->scatters)
        return qn_scatter_add(&task->scatter, &evaluated, ctx->out, ctx->arena, err);
    return fold(task, ctx, &evaluated, err);
}

static qn_code run(struct qn_pipeline *pipeline, struct map_task *task, struct qn_err *err)
{
    struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    QN_TRY(qn_groups_init(&task->groups, task->plan, err));
    task->known = calloc(qn_group_bit_columns(task->plan) + 1U, sizeof *task->known);
    if (!task->known)
        return qn_err_nomem(err, "filters");
    pipeline->emit = emit;
    pipeline->self = task;
    QN_TRY(qn_pipeline_read(pipeline, err));
    if (task->scatters)
        QN_TRY(qn_scatter_flush(&task->scatter, ctx->out, err));
    else
        QN_TRY(send_groups(task, ctx, err));
    return ctx->job->stages[ctx->in->stage].merges ? qn_output_tallies(pipeline, err) : QN_OK;
}

qn_code qn_group_map(struct qn_pipeline *pipeline, struct qn_err *err)
{
    struct map_task task = {.plan = pipeline->ctx.etl->group};
    qn_arena_init(&task.arena);
    qn_code code = run(pipeline, &task, err);
    qn_groups_fini(&task.groups);
    qn_scatter_fini(&task.scatter);
    free(task.known);
    qn_arena_fini(&task.arena);
    return code;
}
