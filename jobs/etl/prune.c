#include "jobs/etl/prune.h"

#include <string.h>

#include "expr/condition.h"
#include "expr/parse.h"
#include "jobs/etl/etl.h"

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

const struct qn_prune *qn_prune_build(struct qn_etl_build *build, struct qn_strv filter,
                                      const struct qn_expr *whole)
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
    /* Tests of the source come first, and see every row of what is read. */
    if (build->etl->n_checks == 0 &&
        qn_expr_condition(whole, build->env->arena, &prune->only, NULL) != QN_OK)
        build->nomem = true;
    return prune;
}

/* --- weighing a file ------------------------------------------------------------------------- */

/* The only value that a column has, as a column of one row; false: it may have several. */
static bool only_value(const struct qn_facts *facts, struct qn_type type, struct qn_arena *arena,
                       struct qn_column *out)
{
    *out = facts->bounds;
    out->type = type;
    if (facts->all_null) {
        out->validity = qn_validity_new(arena, 1, false);
        if (type.id != QN_TEXT)
            out->i64 = QN_NEW(arena, int64_t);
        else
            out->offsets = QN_NEW_ARRAY(arena, uint32_t, 2);
        return out->validity && out->bytes != NULL;
    }
    if (!facts->no_nulls || !qn_facts_are_one(facts))
        return false;
    if (type.id == QN_BOOL) {
        out->bools = QN_NEW(arena, uint8_t);
        if (!out->bools)
            return false;
        out->bools[0] = facts->bounds.i64[0] != 0;
    }
    return true;
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

qn_code qn_prune_may_pass(const struct qn_prune *prune, const struct qn_facts *facts,
                          struct qn_arena *arena, bool *out, struct qn_err *err)
{
    uint32_t n = prune->schema->n_fields;
    struct qn_batch row = {.schema = prune->schema, .n_rows = 1};
    bool *used = QN_NEW_ARRAY(arena, bool, n), *known = QN_NEW_ARRAY(arena, bool, n);
    row.columns = QN_NEW_ARRAY(arena, struct qn_column, n);
    if (!used || !known || !row.columns)
        return qn_err_nomem(err, "a filter");
    for (uint32_t c = 0; c < n; c++)
        known[c] = only_value(&facts[c], prune->schema->fields[c].type, arena, &row.columns[c]);
    *out = qn_condition_may_hold(prune->only, facts);
    for (uint32_t i = 0; i < prune->n && *out; i++) {
        uint32_t rows[1], n_rows = 0;
        if (!is_decided(prune->conditions[i], prune, known, used))
            continue;
        QN_TRY(qn_expr_filter(prune->conditions[i], &row, arena, rows, &n_rows, err));
        *out = n_rows > 0;
    }
    return QN_OK;
}
