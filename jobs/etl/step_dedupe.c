/* dedupe: of the rows with equal keys one stays (NULLs are equal here, as in SELECT DISTINCT). */
#include <string.h>

#include "jobs/etl/distinct.h"
#include "jobs/etl/etl.h"

static qn_code dedupe_open(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void **run,
                           struct qn_err *err)
{
    struct qn_distinct_cursor *cursor = QN_NEW(ctx->in->arena, struct qn_distinct_cursor);
    if (!cursor)
        return qn_err_nomem(err, "dedupe");
    *run = cursor;
    return qn_distinct_open(step, ctx, cursor, err);
}

static qn_code dedupe_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                            const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    (void)step;
    uint32_t *rows = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *rows);
    if (!rows)
        return qn_err_nomem(err, "dedupe");
    uint32_t n = 0;
    struct qn_copy_counter copies = {0}; /* joins come later: every origin is one row */
    for (uint32_t row = 0; row < batch->n_rows; row++)
        if (!qn_distinct_refuses(run, qn_etl_step_row_id(ctx, &copies, batch, row)))
            rows[n++] = row;
    ctx->counters->deduplicated += batch->n_rows - n;
    return qn_etl_step_take(ctx, live, batch, rows, n, err);
}

static const struct qn_etl_step_ops dedupe_ops = {
    .name = "dedupe",
    .needs = qn_etl_step_needs_same,
    .open = dedupe_open,
    .apply = dedupe_apply,
    .fit = &qn_distinct_fit,
};

void qn_etl_build_dedupe(struct qn_etl_build *build, const struct qn_node *node)
{
    struct qn_distinct *distinct = QN_BUILD_ARRAY(build, struct qn_distinct, 1);
    struct qn_distinct_set *set = QN_BUILD_ARRAY(build, struct qn_distinct_set, 1);
    const struct qn_node *by = qn_node_get(node, "by"), *order = qn_node_get(node, "order_by");
    if (!distinct || !set || !by)
        return;
    uint32_t *columns;
    bool fine = qn_etl_build_columns(build, build->schema, by, &columns, &set->n_columns);
    set->columns = columns;
    set->order_by = order ? qn_etl_build_column(build, build->schema, order) : -1;
    set->keep_last = strcmp(qn_node_text(qn_node_get(node, "keep"), "first"), "last") == 0;
    set->listed = true;
    if (fine && set->n_columns == 0)
        qn_diags_add(build->env->diags, by->span, "one column or more", NULL, "dedupe needs a key");
    if (!fine || set->n_columns == 0 || (order && set->order_by < 0) ||
        !qn_distinct_init(build, distinct, set, 1))
        return;
    struct qn_etl_step *step = qn_etl_build_step(build, &dedupe_ops, build->schema, distinct);
    if (step)
        step->fitted = true;
}
