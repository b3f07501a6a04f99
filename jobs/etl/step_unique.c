/* unique: data tests that a column holds no value twice. The first row with a value is fine, every
 * later one fails; NULLs repeat nothing. */
#include <string.h>

#include "jobs/etl/checks.h"
#include "jobs/etl/distinct.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/group.h"

struct unique {
    struct qn_distinct distinct; /* first: what the fit sees */
    const uint32_t *checks;      /* positions in qn_etl.checks, by set */
};

struct unique_run {
    struct qn_distinct_cursor *cursors; /* by set */
    struct qn_copy_counter copies;
};

static void unique_needs(const struct qn_etl_step *step, const bool *after, bool *before)
{
    qn_etl_step_needs_same(step, after, before);
    qn_distinct_fit.needs(step, before); /* for messages */
}

static qn_code unique_open(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void **run,
                           struct qn_err *err)
{
    const struct unique *unique = step->impl;
    struct unique_run *self = QN_NEW(ctx->in->arena, struct unique_run);
    if (self)
        self->cursors =
            QN_NEW_ARRAY(ctx->in->arena, struct qn_distinct_cursor, unique->distinct.n_sets);
    if (!self || !self->cursors)
        return qn_err_nomem(err, "unique tests");
    *run = self;
    return qn_distinct_open(step, ctx, self->cursors, err);
}

static qn_code refuse(struct qn_etl_step_ctx *ctx, const struct qn_check *check,
                      const struct qn_batch *batch, uint32_t row, struct qn_err *err)
{
    struct qn_buf message;
    qn_buf_init(&message);
    qn_buf_printf(&message, "expected a value that no earlier row has, got '");
    qn_value_format(&message, &batch->columns[check->field], row);
    qn_buf_printf(&message, "'");
    qn_code code = qn_buf_check(&message, "a refusal", err);
    if (code == QN_OK)
        code = qn_etl_step_reject(ctx, batch, row, check->column, "unique", qn_buf_strv(&message),
                                  err);
    qn_buf_fini(&message);
    return code;
}

static qn_code test_row(const struct unique *unique, struct qn_etl_step_ctx *ctx,
                        struct unique_run *self, const struct qn_batch *batch, uint32_t row,
                        bool *refused, struct qn_err *err)
{
    struct qn_row_id id = qn_etl_step_row_id(ctx, &self->copies, batch, row);
    *refused = false;
    for (uint32_t s = 0; s < unique->distinct.n_sets; s++) {
        const struct qn_check *check = &ctx->etl->checks[unique->checks[s]];
        if (!qn_distinct_refuses(&self->cursors[s], id))
            continue;
        QN_TRY(qn_check_example(ctx, check, &ctx->tallies[unique->checks[s]], batch, row, err));
        if (!qn_check_quarantines(check))
            continue;
        if (!*refused)
            QN_TRY(refuse(ctx, check, batch, row, err));
        *refused = true;
    }
    return QN_OK;
}

static qn_code unique_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                            const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    const struct unique *unique = step->impl;
    uint32_t *rows = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *rows);
    if (!rows)
        return qn_err_nomem(err, "unique tests");
    for (uint32_t s = 0; s < unique->distinct.n_sets; s++)
        ctx->tallies[unique->checks[s]].rows += batch->n_rows;
    uint32_t n = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        bool refused;
        QN_TRY(test_row(unique, ctx, run, batch, row, &refused, err));
        if (!refused)
            rows[n++] = row;
    }
    return qn_etl_step_take(ctx, live, batch, rows, n, err);
}

static const struct qn_etl_step_ops unique_ops = {
    .name = "unique",
    .needs = unique_needs,
    .open = unique_open,
    .apply = unique_apply,
    .fit = &qn_distinct_fit,
};

/* In a grouped job every group has its own key, and no other column is seen whole by one task. */
static void check_grouped(struct qn_etl_build *build, const struct qn_check *check)
{
    const struct qn_group_plan *group = build->etl->group;
    if (group->n_keys == 1 && strcmp(group->schema.fields[0].name, check->column) == 0)
        return;
    qn_diags_add(build->env->diags, check->test->span, NULL,
                 "test it in an etl job that reads this one",
                 "unique on '%s' is not possible here: rows were grouped by %s", check->column,
                 group->n_keys == 1 ? group->schema.fields[0].name : "other columns");
}

void qn_etl_build_unique(struct qn_etl_build *build, uint32_t first, uint32_t n)
{
    struct unique *unique = QN_BUILD_ARRAY(build, struct unique, 1);
    struct qn_distinct_set *sets = QN_BUILD_ARRAY(build, struct qn_distinct_set, n);
    uint32_t *checks = QN_BUILD_ARRAY(build, uint32_t, n), count = 0;
    if (!unique || !sets || !checks)
        return;
    for (uint32_t i = first; i < first + n; i++) {
        struct qn_check *check = &build->etl->checks[i];
        if (check->test->kind != QN_TEST_UNIQUE)
            continue;
        if (check->grouped) {
            check_grouped(build, check);
            continue;
        }
        sets[count] = (struct qn_distinct_set){.columns = &check->field,
                                               .n_columns = 1,
                                               .skip_nulls = true,
                                               .order_by = -1,
                                               .listed = qn_check_quarantines(check)};
        check->unique_set = count;
        checks[count++] = i;
    }
    if (count == 0 || !qn_distinct_init(build, &unique->distinct, sets, count))
        return;
    unique->checks = checks;
    struct qn_etl_step *step = qn_etl_build_step(build, &unique_ops, build->schema, unique);
    for (uint32_t i = 0; step && i < count; i++)
        build->etl->checks[checks[i]].unique_step = step;
    if (step)
        step->fitted = true;
}
