/* compile: the way from text to an expression: parse, type, fold, keep what is needed. */
#include "expr/build.h"

qn_code qn_expr_compile(struct qn_arena *arena, struct qn_strv text, const struct qn_schema *schema,
                        struct qn_expr **out, struct qn_expr_complaint *complaint)
{
    struct qn_build b = {.arena = arena, .schema = schema, .complaint = complaint};
    struct qn_ast *ast;
    struct qn_step *result;
    QN_TRY(qn_parse(arena, text, &ast, complaint));
    QN_TRY(qn_build_ast(&b, ast, &result));
    if (result->type.id == 0) /* a NULL that nothing gave a type */
        QN_TRY(qn_build_cast(&b, ast, qn_type_of(QN_TEXT), &result));
    return qn_build_finish(&b, result, out);
}
