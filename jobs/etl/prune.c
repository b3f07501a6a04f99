#include "jobs/etl/prune.h"

#include <string.h>

#include "expr/parse.h"

static uint32_t count_conditions(const struct qn_ast *ast)
{
    if (ast->kind != QN_AST_BINARY || ast->op != QN_TOK_AND)
        return 1;
    return count_conditions(ast->args[0]) + count_conditions(ast->args[1]);
}

/* What does not compile by itself is left out: the filter as a whole does. */
static void add_conditions(struct qn_etl_build *build, const struct qn_ast *ast,
                           struct qn_strv filter, struct qn_prune *prune)
{
    struct qn_expr_complaint complaint;
    if (ast->kind == QN_AST_BINARY && ast->op == QN_TOK_AND) {
        add_conditions(build, ast->args[0], filter, prune);
        add_conditions(build, ast->args[1], filter, prune);
        return;
    }
    struct qn_strv text = {filter.data + ast->mark.offset, ast->mark.width};
    qn_code code = qn_expr_compile(build->env->arena, text, prune->schema,
                                   &prune->conditions[prune->n], &complaint);
    build->nomem |= code == QN_ENOMEM;
    prune->n += code == QN_OK;
}

const struct qn_prune *qn_prune_build(struct qn_etl_build *build, struct qn_strv filter)
{
    struct qn_expr_complaint complaint;
    struct qn_ast *ast;
    struct qn_prune *prune = QN_BUILD_ARRAY(build, struct qn_prune, 1);
    if (!prune)
        return NULL;
    prune->schema = build->schema;
    qn_code code = qn_parse(build->env->arena, filter, &ast, &complaint);
    build->nomem |= code == QN_ENOMEM;
    if (code != QN_OK)
        return prune;
    prune->conditions = QN_BUILD_ARRAY(build, struct qn_expr *, count_conditions(ast));
    if (prune->conditions)
        add_conditions(build, ast, filter, prune);
    return prune;
}

/* Whether it reads columns, and none but known ones. */
static bool is_decided(const struct qn_expr *condition, const struct qn_prune *prune,
                       const bool *known, bool *used)
{
    bool any = false;
    memset(used, 0, prune->schema->n_fields * sizeof *used);
    qn_expr_columns(condition, used);
    for (uint32_t c = 0; c < prune->schema->n_fields; c++) {
        if (used[c] && !known[c])
            return false;
        any |= used[c];
    }
    return any;
}

qn_code qn_prune_may_pass(const struct qn_prune *prune, const struct qn_batch *row,
                          const bool *known, struct qn_arena *arena, bool *out, struct qn_err *err)
{
    struct qn_batch seen = *row;
    bool *used = QN_NEW_ARRAY(arena, bool, prune->schema->n_fields);
    *out = true;
    if (!used)
        return qn_err_nomem(err, "a filter");
    seen.schema = prune->schema;
    for (uint32_t i = 0; i < prune->n && *out; i++) {
        uint32_t rows[1], n = 0;
        if (!is_decided(prune->conditions[i], prune, known, used))
            continue;
        QN_TRY(qn_expr_filter(prune->conditions[i], &seen, arena, rows, &n, err));
        *out = n > 0;
    }
    return QN_OK;
}
