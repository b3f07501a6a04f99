/* derive: new columns by expressions over the columns so far, or new values for old ones. Those
 * that do not read each other's results act as one step, which computes what they share once. */
#include <string.h>

#include "jobs/etl/build.h"

struct derive {
    struct qn_expr_scope *scope; /* over the step's input */
    struct qn_expr **exprs;
    uint32_t *targets; /* in the output schema, each once */
    uint32_t n;
};

static void derive_needs(const struct qn_etl_step *step, const bool *after, bool *before)
{
    const struct derive *derive = step->impl;
    for (uint32_t i = 0; i < step->in->n_fields; i++)
        before[i] = after[i];
    for (uint32_t k = 0; k < derive->n; k++)
        if (derive->targets[k] < step->in->n_fields)
            before[derive->targets[k]] = false;
    for (uint32_t k = 0; k < derive->n; k++)
        if (after[derive->targets[k]])
            qn_expr_columns(derive->exprs[k], before);
}

static qn_code derive_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                            const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    (void)run;
    const struct derive *derive = step->impl;
    struct qn_expr_memo *memo;
    struct qn_column *made = QN_NEW_ARRAY(ctx->arena, struct qn_column, derive->n);
    if (!made)
        return qn_err_nomem(err, "derived columns");
    QN_TRY(qn_expr_memo_new(derive->scope, batch, ctx->arena, &memo, err));
    for (uint32_t k = 0; k < derive->n; k++)
        if (live[derive->targets[k]])
            QN_TRY(qn_expr_eval_in(derive->exprs[k], memo, &made[k], err));
    for (uint32_t i = 0; i < step->out->n_fields; i++)
        if (!live[i])
            batch->columns[i] = (struct qn_column){0};
    for (uint32_t k = 0; k < derive->n; k++)
        batch->columns[derive->targets[k]] = made[k];
    batch->schema = step->out;
    return QN_OK;
}

static const struct qn_etl_step_ops derive_ops = {
    .name = "derive", .needs = derive_needs, .apply = derive_apply};

/* The expressions gathered so far, and the schema before the first of them. */
struct gather {
    const struct qn_schema *in;
    struct derive *derive;
    uint32_t most;
};

/* Adds a step for what was gathered and begins anew. */
static void flush(struct qn_etl_build *build, struct gather *gather)
{
    const struct qn_schema *out = build->schema;
    if (gather->derive && gather->derive->n) {
        build->schema = gather->in;
        (void)qn_etl_build_step(build, &derive_ops, out, gather->derive);
    }
    struct derive *derive = QN_BUILD_ARRAY(build, struct derive, 1);
    gather->in = build->schema;
    gather->derive = derive;
    if (!derive)
        return;
    derive->scope = qn_expr_scope_new(build->env->arena, gather->in);
    derive->exprs = QN_BUILD_ARRAY(build, struct qn_expr *, gather->most);
    derive->targets = QN_BUILD_ARRAY(build, uint32_t, gather->most);
    if (!derive->scope || !derive->exprs || !derive->targets) {
        build->nomem = true;
        gather->derive = NULL;
    }
}

/* Whether an expression reads a column that the gathered ones make, or makes one again. */
static bool depends(struct qn_etl_build *build, const struct gather *gather,
                    const struct qn_expr *expr, int32_t target)
{
    bool *used = QN_BUILD_ARRAY(build, bool, build->schema->n_fields);
    bool found = false;
    if (!used)
        return false;
    qn_expr_columns(expr, used);
    for (uint32_t k = 0; k < gather->derive->n; k++)
        found |= used[gather->derive->targets[k]] || (int32_t)gather->derive->targets[k] == target;
    return found;
}

static void build_one(struct qn_etl_build *build, struct gather *gather, const struct qn_pair *pair)
{
    char *name = qn_arena_strdup(build->env->arena, pair->key);
    int32_t replace = qn_schema_find(build->schema, pair->key);
    if (!name || !gather->derive) {
        build->nomem = true;
        return;
    }
    if (replace < 0 && !qn_strv_is_identifier(pair->key))
        qn_diags_add(build->env->diags, pair->key_span, "letters, digits and _, at most 63", NULL,
                     "'%.*s' is no column name", QN_STRV_ARG(pair->key));
    struct qn_expr *expr = qn_etl_build_expr(build, build->schema, &pair->value);
    if (!expr) {
        qn_etl_build_mark_broken(build, pair->key);
        return;
    }
    if (depends(build, gather, expr, replace))
        flush(build, gather);
    struct derive *derive = gather->derive;
    const struct qn_schema *out = qn_etl_build_with(build, name, qn_expr_type(expr), replace);
    if (!derive || !out)
        return;
    if (out->n_fields > QN_MAX_COLUMNS) {
        qn_diags_add(build->env->diags, pair->key_span, NULL, NULL,
                     "more than %d columns are not supported", QN_MAX_COLUMNS);
        return;
    }
    /* Once more, where it shares with the others: it reads what stood before them all. */
    if (qn_expr_compile_in(derive->scope, pair->value.text, &expr, NULL) != QN_OK) {
        build->nomem = true;
        return;
    }
    derive->exprs[derive->n] = expr;
    derive->targets[derive->n++] = replace < 0 ? build->schema->n_fields : (uint32_t)replace;
    build->schema = out;
}

void qn_etl_build_derive(struct qn_etl_build *build, const struct qn_node *node)
{
    struct gather gather = {.most = node->n};
    flush(build, &gather);
    for (uint32_t i = 0; i < node->n; i++)
        build_one(build, &gather, &node->pairs[i]);
    flush(build, &gather);
}
