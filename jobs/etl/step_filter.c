/* filter: rows for which the expression is true stay; false and NULL go, as in SQL's WHERE. */
#include <string.h>

#include "jobs/etl/build.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/prune.h"

struct filter {
    struct qn_expr *expr;
};

static void filter_needs(const struct qn_etl_step *step, const bool *after, bool *before)
{
    const struct filter *filter = step->impl;
    qn_etl_step_needs_same(step, after, before);
    qn_expr_columns(filter->expr, before);
}

static qn_code filter_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                            const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    (void)run;
    const struct filter *filter = step->impl;
    uint32_t *rows = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *rows);
    if (!rows)
        return qn_err_nomem(err, "a filter");
    uint32_t n = 0;
    QN_TRY(qn_expr_filter(filter->expr, batch, ctx->arena, rows, &n, err));
    ctx->counters->filtered += batch->n_rows - n;
    return qn_etl_step_take(ctx, live, batch, rows, n, err);
}

static uint32_t filter_from(const struct qn_etl_step *step, uint32_t column)
{
    (void)step;
    return column;
}

static const struct qn_etl_step_ops filter_ops = {
    .name = "filter", .needs = filter_needs, .apply = filter_apply, .from = filter_from};

void qn_etl_build_filter(struct qn_etl_build *build, const struct qn_node *node)
{
    struct filter *filter = QN_BUILD_ARRAY(build, struct filter, 1);
    if (!filter)
        return;
    filter->expr = qn_etl_build_expr(build, build->schema, node);
    if (!filter->expr)
        return;
    struct qn_type type = qn_expr_type(filter->expr);
    char name[QN_TYPE_NAME];
    if (type.id != QN_BOOL && !qn_type_is_numeric(type))
        qn_diags_add(build->env->diags, node->span, "a condition, as in: tenure >= 0", NULL,
                     "the filter is %s, not true or false", qn_type_name(type, name));
    else if (qn_etl_build_step(build, &filter_ops, build->schema, filter))
        build->etl->prune = qn_prune_build(build, node->text, filter->expr);
}
