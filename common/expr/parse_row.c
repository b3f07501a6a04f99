/* parse_row: (a, b) = (c, d) and their like: rows of values in queries. They are written out as
 * comparisons of one value with another, which say the same of NULLs. */
#include "expr/parser.h"

qn_code qn_parser_row(struct qn_parser *p, uint32_t start, struct qn_ast **out)
{
    struct qn_ast_list list = {0};
    QN_TRY(qn_parser_add(p, &list, *out));
    p->at++;
    QN_TRY(qn_parser_list(p, &list));
    return qn_parser_make(p, QN_AST_ROW, start, list, out);
}

/* --- pieces ---------------------------------------------------------------------------------- */

static qn_code make_two(struct qn_parser *p, enum qn_token_kind op, struct qn_ast *left,
                        struct qn_ast *right, struct qn_ast **out)
{
    struct qn_ast_list args = {0};
    QN_TRY(qn_parser_add(p, &args, left));
    QN_TRY(qn_parser_add(p, &args, right));
    QN_TRY(qn_parser_make(p, op == QN_TOK_IS ? QN_AST_IS : QN_AST_BINARY, left->mark.offset, args,
                          out));
    (*out)->op = op;
    return QN_OK;
}

/* What stands there twice is two trees. */
static qn_code copy(struct qn_parser *p, const struct qn_ast *ast, struct qn_ast **out)
{
    if (ast->query)
        return qn_complain(p->complaint, ast->mark, "join it: FROM ... JOIN (SELECT ...) AS q",
                           "a query in a row of values is not supported at this place");
    *out = QN_NEW(p->arena, struct qn_ast);
    struct qn_ast **args = QN_NEW_ARRAY(p->arena, struct qn_ast *, ast->n_args);
    if (!*out || !args)
        return qn_complain_nomem(p->complaint);
    **out = *ast;
    (*out)->args = args;
    for (uint32_t i = 0; i < ast->n_args; i++)
        QN_TRY(copy(p, ast->args[i], &args[i]));
    return QN_OK;
}

static qn_code refuse(struct qn_parser *p, const struct qn_ast *ast)
{
    return qn_complain(p->complaint, ast->mark,
                       "rows of values stand in =, <>, <, <=, >, >=, IS and IN, beside others of "
                       "as many",
                       "a row of values at this place");
}

static bool alike(const struct qn_ast *a, const struct qn_ast *b)
{
    return a->kind == QN_AST_ROW && b->kind == QN_AST_ROW && a->n_args == b->n_args;
}

/* --- comparisons ----------------------------------------------------------------------------- */

/* All values are as `op` says, or (`any`) one of them. */
static qn_code each(struct qn_parser *p, enum qn_token_kind op, bool any, const struct qn_ast *a,
                    const struct qn_ast *b, struct qn_ast **out)
{
    for (uint32_t i = 0; i < a->n_args; i++) {
        struct qn_ast *two;
        QN_TRY(make_two(p, op, a->args[i], b->args[i], &two));
        if (i)
            QN_TRY(make_two(p, any ? QN_TOK_OR : QN_TOK_AND, *out, two, out));
        else
            *out = two;
    }
    return QN_OK;
}

/* a < x OR (a = x AND (b < y OR ...)): from the last value to the first. */
static qn_code in_order(struct qn_parser *p, enum qn_token_kind op, const struct qn_ast *a,
                        const struct qn_ast *b, struct qn_ast **out)
{
    bool less = op == QN_TOK_LT || op == QN_TOK_LE;
    uint32_t last = a->n_args - 1;
    QN_TRY(make_two(p, op, a->args[last], b->args[last], out));
    for (uint32_t i = last; i-- > 0;) {
        struct qn_ast *left, *right, *strict, *equal;
        QN_TRY(copy(p, a->args[i], &left));
        QN_TRY(copy(p, b->args[i], &right));
        QN_TRY(make_two(p, less ? QN_TOK_LT : QN_TOK_GT, left, right, &strict));
        QN_TRY(make_two(p, QN_TOK_EQ, a->args[i], b->args[i], &equal));
        QN_TRY(make_two(p, QN_TOK_AND, equal, *out, &equal));
        QN_TRY(make_two(p, QN_TOK_OR, strict, equal, out));
    }
    return QN_OK;
}

static qn_code compare(struct qn_parser *p, const struct qn_ast *ast, struct qn_ast **out)
{
    const struct qn_ast *a = ast->args[0], *b = ast->args[1];
    if (!alike(a, b))
        return refuse(p, a->kind == QN_AST_ROW ? a : b);
    switch (ast->op) {
    case QN_TOK_EQ:
    case QN_TOK_IS: return each(p, ast->op, false, a, b, out);
    case QN_TOK_NE: return each(p, ast->op, true, a, b, out);
    case QN_TOK_LT:
    case QN_TOK_LE:
    case QN_TOK_GT:
    case QN_TOK_GE: return in_order(p, ast->op, a, b, out);
    default: return refuse(p, a);
    }
}

/* Equal to one of the rows. */
static qn_code among(struct qn_parser *p, const struct qn_ast *ast, struct qn_ast **out)
{
    for (uint32_t i = 1; i < ast->n_args; i++) {
        struct qn_ast *left, *one;
        QN_TRY(copy(p, ast->args[0], &left));
        if (!alike(left, ast->args[i]))
            return refuse(p, ast->args[i]->kind == QN_AST_ROW ? ast->args[i] : left);
        QN_TRY(each(p, QN_TOK_EQ, false, left, ast->args[i], &one));
        if (i > 1)
            QN_TRY(make_two(p, QN_TOK_OR, *out, one, out));
        else
            *out = one;
    }
    return ast->n_args > 1 ? QN_OK : refuse(p, ast->args[0]);
}

static qn_code negate(struct qn_parser *p, bool negated, struct qn_ast **out)
{
    struct qn_ast_list args = {0};
    if (!negated)
        return QN_OK;
    QN_TRY(qn_parser_add(p, &args, *out));
    return qn_parser_make(p, QN_AST_NOT, (*out)->mark.offset, args, out);
}

qn_code qn_parser_spread_rows(struct qn_parser *p, struct qn_ast **out)
{
    struct qn_ast *ast = *out;
    const struct qn_ast *row = NULL;
    for (uint32_t i = 0; i < ast->n_args && !row; i++)
        if (ast->args[i]->kind == QN_AST_ROW)
            row = ast->args[i];
    if (!row)
        return QN_OK;
    if (ast->kind == QN_AST_IN_QUERY) {
        ast->args = row->args;
        ast->n_args = row->n_args;
        return QN_OK;
    }
    if (ast->kind == QN_AST_IN)
        QN_TRY(among(p, ast, out));
    else if (ast->kind == QN_AST_BINARY || ast->kind == QN_AST_IS)
        QN_TRY(compare(p, ast, out));
    else
        return refuse(p, row);
    return negate(p, ast->negated, out);
}
