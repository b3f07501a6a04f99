/* parse_operators: what stands between values, by how tight it binds. */
#include "base/limits.h"
#include "expr/parser.h"

enum qn_precedence qn_operator_precedence(enum qn_token_kind kind)
{
    switch (kind) {
    case QN_TOK_OR: return QN_PREC_OR;
    case QN_TOK_AND: return QN_PREC_AND;
    case QN_TOK_NOT: /* NOT IN, NOT LIKE, NOT BETWEEN, NOT NULL */
    case QN_TOK_EQ:
    case QN_TOK_NE:
    case QN_TOK_IS:
    case QN_TOK_IN:
    case QN_TOK_LIKE:
    case QN_TOK_GLOB:
    case QN_TOK_BETWEEN:
    case QN_TOK_ISNULL:
    case QN_TOK_NOTNULL: return QN_PREC_EQUAL;
    case QN_TOK_LT:
    case QN_TOK_LE:
    case QN_TOK_GT:
    case QN_TOK_GE: return QN_PREC_ORDER;
    case QN_TOK_SHIFT_LEFT:
    case QN_TOK_SHIFT_RIGHT:
    case QN_TOK_AMPERSAND:
    case QN_TOK_PIPE: return QN_PREC_BITS;
    case QN_TOK_PLUS:
    case QN_TOK_MINUS: return QN_PREC_ADD;
    case QN_TOK_STAR:
    case QN_TOK_SLASH:
    case QN_TOK_PERCENT: return QN_PREC_MULTIPLY;
    case QN_TOK_CONCAT: return QN_PREC_CONCAT;
    case QN_TOK_COLONS: return QN_PREC_CAST;
    default: return QN_PREC_NONE;
    }
}

/* Adds an operand that binds tighter than `above`. */
static qn_code parse_operand(struct qn_parser *p, enum qn_precedence above,
                             struct qn_ast_list *args)
{
    struct qn_ast *item;
    QN_TRY(qn_parser_expr(p, above, &item));
    return qn_parser_add(p, args, item);
}

static qn_code parse_is_null(struct qn_parser *p, struct qn_ast_list *args)
{
    struct qn_ast *null;
    QN_TRY(qn_parser_leaf(p, QN_AST_NULL, &null));
    return qn_parser_add(p, args, null);
}

static qn_code parse_is(struct qn_parser *p, struct qn_ast_list *args, bool *negated)
{
    *negated = qn_parser_accept(p, QN_TOK_NOT);
    if (qn_token_is(qn_parser_token(p), "distinct") && qn_token_is(qn_parser_after(p), "from")) {
        p->at += 2; /* IS DISTINCT FROM says the opposite of IS */
        *negated = !*negated;
    } else if (qn_token_is(qn_parser_token(p), "unknown")) {
        p->at++; /* a truth that is NULL */
        return parse_is_null(p, args);
    }
    return parse_operand(p, QN_PREC_EQUAL, args);
}

static qn_code parse_in(struct qn_parser *p, struct qn_ast_list *args, struct qn_sql_query **query)
{
    if (qn_parser_token(p)->kind == QN_TOK_LPAREN && qn_parser_begins_query(p, qn_parser_after(p)))
        return qn_parser_query(p, query);
    QN_TRY(qn_parser_expect(p, QN_TOK_LPAREN, "'(' and a list of values"));
    if (qn_token_is(qn_parser_token(p), "select"))
        return qn_parser_unexpected(p, "a value");
    return qn_parser_accept(p, QN_TOK_RPAREN) ? QN_OK : qn_parser_list(p, args);
}

static qn_code parse_between(struct qn_parser *p, struct qn_ast_list *args)
{
    QN_TRY(parse_operand(p, QN_PREC_AND, args));
    QN_TRY(qn_parser_expect(p, QN_TOK_AND, "AND and the upper bound of BETWEEN"));
    return parse_operand(p, QN_PREC_EQUAL, args);
}

static qn_code parse_like(struct qn_parser *p, struct qn_ast_list *args)
{
    QN_TRY(parse_operand(p, QN_PREC_EQUAL, args));
    if (qn_parser_accept(p, QN_TOK_ESCAPE))
        QN_TRY(parse_operand(p, QN_PREC_ORDER, args));
    return QN_OK;
}

/* The word operators after their left side; `op` was just read. */
static qn_code parse_word_operator(struct qn_parser *p, enum qn_token_kind op, bool negated,
                                   struct qn_ast *left, struct qn_ast **out)
{
    struct qn_ast_list args = {0};
    struct qn_sql_query *query = NULL;
    enum qn_ast_kind kind = QN_AST_IS;
    QN_TRY(qn_parser_add(p, &args, left));
    switch (op) {
    case QN_TOK_IS: QN_TRY(parse_is(p, &args, &negated)); break;
    case QN_TOK_NOTNULL: negated = true; __attribute__((fallthrough));
    case QN_TOK_NULL:
    case QN_TOK_ISNULL: QN_TRY(parse_is_null(p, &args)); break;
    case QN_TOK_IN:
        kind = QN_AST_IN;
        QN_TRY(parse_in(p, &args, &query));
        kind = query ? QN_AST_IN_QUERY : kind;
        break;
    case QN_TOK_BETWEEN:
        kind = QN_AST_BETWEEN;
        QN_TRY(parse_between(p, &args));
        break;
    default:
        kind = QN_AST_LIKE;
        QN_TRY(parse_like(p, &args));
        break;
    }
    QN_TRY(qn_parser_make(p, kind, left->mark.offset, args, out));
    (*out)->negated = negated;
    (*out)->op = op;
    (*out)->query = query;
    return qn_parser_spread_rows(p, out);
}

/* x = ANY (SELECT ...) and x <> ALL (SELECT ...) are IN and NOT IN. */
static qn_code parse_any(struct qn_parser *p, enum qn_token_kind op, struct qn_ast *left,
                         struct qn_ast **out)
{
    struct qn_ast_list args = {0};
    struct qn_sql_query *query;
    const struct qn_token *t = qn_parser_token(p);
    bool all = qn_token_is(t, "all");
    if (op != (all ? QN_TOK_NE : QN_TOK_EQ))
        return qn_complain(p->complaint, t->mark,
                           "write x > (SELECT max(y) ...), or EXISTS (SELECT 1 ... WHERE x > y)",
                           "%.*s of a query stands behind %s only", QN_SHORT_ARG(t->text),
                           all ? "<>" : "=");
    p->at++;
    QN_TRY(qn_parser_query(p, &query));
    QN_TRY(qn_parser_add(p, &args, left));
    QN_TRY(qn_parser_make(p, QN_AST_IN_QUERY, left->mark.offset, args, out));
    (*out)->negated = all;
    (*out)->op = QN_TOK_IN;
    (*out)->query = query;
    return qn_parser_spread_rows(p, out);
}

static bool begins_any(const struct qn_parser *p)
{
    const struct qn_token *t = qn_parser_token(p);
    return (qn_token_is(t, "any") || qn_token_is(t, "some") || qn_token_is(t, "all")) &&
           t[1].kind == QN_TOK_LPAREN && qn_parser_begins_query(p, &t[2]);
}

static bool takes_not(enum qn_token_kind kind)
{
    return kind == QN_TOK_IN || kind == QN_TOK_LIKE || kind == QN_TOK_GLOB ||
           kind == QN_TOK_BETWEEN || kind == QN_TOK_NULL;
}

static qn_code parse_infix(struct qn_parser *p, enum qn_precedence precedence, struct qn_ast *left,
                           struct qn_ast **out)
{
    bool negated = qn_parser_accept(p, QN_TOK_NOT);
    enum qn_token_kind op = qn_parser_token(p)->kind;
    if (negated && !takes_not(op))
        return qn_parser_unexpected(p, "IN, LIKE, GLOB, BETWEEN or NULL after NOT");
    p->at++;
    if (op == QN_TOK_COLONS)
        return qn_parser_colons(p, left, out);
    if (negated || op == QN_TOK_IS || op == QN_TOK_ISNULL || op == QN_TOK_NOTNULL || takes_not(op))
        return parse_word_operator(p, op, negated, left, out);
    if (begins_any(p))
        return parse_any(p, op, left, out);
    struct qn_ast_list args = {0};
    QN_TRY(qn_parser_add(p, &args, left));
    QN_TRY(parse_operand(p, precedence, &args));
    QN_TRY(qn_parser_make(p, QN_AST_BINARY, left->mark.offset, args, out));
    (*out)->op = op;
    if (qn_ast_is_span((*out)->args[0]) || qn_ast_is_span((*out)->args[1]))
        return qn_parser_add_span(p, out);
    return qn_parser_spread_rows(p, out);
}

/* Reads as far as operators bind tighter than `above`. */
qn_code qn_parser_expr(struct qn_parser *p, enum qn_precedence above, struct qn_ast **out)
{
    if (++p->depth > QN_MAX_EXPR_DEPTH)
        return qn_parser_too_deep(p, qn_parser_token(p)->mark);
    QN_TRY(qn_parser_primary(p, out));
    for (;;) {
        enum qn_precedence precedence = qn_operator_precedence(qn_parser_token(p)->kind);
        if (precedence <= above)
            break;
        QN_TRY(parse_infix(p, precedence, *out, out));
    }
    p->depth--;
    return QN_OK;
}
