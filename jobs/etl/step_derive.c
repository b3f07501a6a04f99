/* derive: a new column by an expression over the columns so far, or a new value for an old one. */
#include <string.h>

#include "jobs/etl/build.h"

struct derive {
    struct qn_expr *expr;
    uint32_t target; /* in the output schema */
};

static void derive_needs(const struct qn_etl_step *step, const bool *after, bool *before)
{
    const struct derive *derive = step->impl;
    for (uint32_t i = 0; i < step->in->n_fields; i++)
        before[i] = after[i] && i != derive->target;
    if (after[derive->target])
        qn_expr_columns(derive->expr, before);
}

static qn_code derive_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                            const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    (void)run;
    const struct derive *derive = step->impl;
    struct qn_column made = {0};
    if (live[derive->target])
        QN_TRY(qn_expr_eval(derive->expr, batch, ctx->arena, &made, err));
    for (uint32_t i = 0; i < step->out->n_fields; i++)
        if (!live[i])
            batch->columns[i] = (struct qn_column){0};
    batch->columns[derive->target] = made;
    batch->schema = step->out;
    return QN_OK;
}

static const struct qn_etl_step_ops derive_ops = {
    .name = "derive", .needs = derive_needs, .apply = derive_apply};

static void build_one(struct qn_etl_build *build, const struct qn_pair *pair)
{
    struct derive *derive = QN_BUILD_ARRAY(build, struct derive, 1);
    char *name = qn_arena_strdup(build->env->arena, pair->key);
    if (!derive || !name) {
        build->nomem = true;
        return;
    }
    bool is_new = qn_schema_find(build->schema, pair->key) < 0;
    if (is_new && !qn_strv_is_identifier(pair->key))
        qn_diags_add(build->env->diags, pair->key_span, "letters, digits and _, at most 63", NULL,
                     "'%.*s' is no column name", QN_STRV_ARG(pair->key));
    derive->expr = qn_etl_build_expr(build, build->schema, &pair->value);
    if (!derive->expr) {
        qn_etl_build_mark_broken(build, pair->key);
        return;
    }
    int32_t replace = qn_schema_find(build->schema, pair->key);
    derive->target = replace < 0 ? build->schema->n_fields : (uint32_t)replace;
    const struct qn_schema *out =
        qn_etl_build_with(build, name, qn_expr_type(derive->expr), replace);
    if (out && out->n_fields > QN_MAX_COLUMNS)
        qn_diags_add(build->env->diags, pair->key_span, NULL, NULL,
                     "more than %d columns are not supported", QN_MAX_COLUMNS);
    else if (out)
        (void)qn_etl_build_step(build, &derive_ops, out, derive);
}

void qn_etl_build_derive(struct qn_etl_build *build, const struct qn_node *node)
{
    for (uint32_t i = 0; i < node->n; i++)
        build_one(build, &node->pairs[i]);
}
