/* compile: the way from text to an expression: parse, type, fold, keep what is needed. */
#include "expr/build.h"

struct qn_expr_scope {
    struct qn_build build;
};

struct qn_expr_scope *qn_expr_scope_new(struct qn_arena *arena, const struct qn_schema *schema)
{
    struct qn_expr_scope *scope = QN_NEW(arena, struct qn_expr_scope);
    if (scope)
        scope->build = (struct qn_build){.arena = arena, .schema = schema};
    return scope;
}

uint32_t qn_expr_scope_slots(const struct qn_expr_scope *scope)
{
    return scope->build.n_steps;
}

static qn_code compile(struct qn_build *b, struct qn_strv text, struct qn_expr **out)
{
    struct qn_ast *ast;
    struct qn_step *result;
    QN_TRY(qn_parse(b->arena, text, &ast, b->complaint));
    QN_TRY(qn_build_ast(b, ast, &result));
    if (result->type.id == 0) /* a NULL that nothing gave a type */
        QN_TRY(qn_build_cast(b, ast, qn_type_of(QN_TEXT), &result));
    return qn_build_finish(b, result, out);
}

qn_code qn_expr_compile_in(struct qn_expr_scope *scope, struct qn_strv text, struct qn_expr **out,
                           struct qn_expr_complaint *complaint)
{
    scope->build.complaint = complaint;
    return compile(&scope->build, text, out);
}

qn_code qn_expr_compile(struct qn_arena *arena, struct qn_strv text, const struct qn_schema *schema,
                        struct qn_expr **out, struct qn_expr_complaint *complaint)
{
    struct qn_build b = {.arena = arena, .schema = schema, .complaint = complaint};
    return compile(&b, text, out);
}

qn_code qn_agg_compile_in(struct qn_expr_scope *scope, struct qn_strv text, struct qn_agg_call *out,
                          struct qn_expr_complaint *complaint)
{
    scope->build.complaint = complaint;
    return qn_build_aggregate(&scope->build, text, out);
}

qn_code qn_agg_compile(struct qn_arena *arena, struct qn_strv text, const struct qn_schema *schema,
                       struct qn_agg_call *out, struct qn_expr_complaint *complaint)
{
    struct qn_build b = {.arena = arena, .schema = schema, .complaint = complaint};
    return qn_build_aggregate(&b, text, out);
}
