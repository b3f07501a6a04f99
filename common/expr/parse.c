#include "expr/parser.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

/* What to write for words and symbols of other dialects. */
static const char *hint_for(const struct qn_parser *p, const struct qn_token *t)
{
    static const struct {
        const char *word, *hint;
    } hints[] = {
        {"select", "an expression has no subqueries; join the other dataset first"},
        {"collate", "compare lower(x) to ignore the case of letters"},
        {"regexp", "use LIKE or GLOB, or the data test 'matches'"},
        {"div", "/ between integers gives an integer"},
        {"over", "window functions are no part of an expression of one row"},
    };
    if (t->kind == QN_TOK_AMPERSAND)
        return "write AND for the logical operator";
    if (t->kind == QN_TOK_PIPE)
        return "write OR for the logical operator, || to join texts";
    if (p->sql && qn_token_is(t, "select"))
        return "write x IN (SELECT ...), EXISTS (SELECT ...) or (SELECT max(x) ...)";
    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        if (qn_token_is(t, hints[i].word))
            return hints[i].hint;
    return NULL;
}

qn_code qn_parser_unexpected(struct qn_parser *p, const char *expected)
{
    const struct qn_token *t = qn_parser_token(p);
    if (t->kind == QN_TOK_END)
        return qn_complain(p->complaint, (struct qn_mark){t->mark.offset, 1}, NULL,
                           "expected %s, found the end", expected);
    struct qn_strv found = {p->text.data + t->mark.offset, t->mark.width};
    return qn_complain(p->complaint, t->mark, hint_for(p, t), "expected %s, found '%.*s'", expected,
                       QN_SHORT_ARG(found));
}

qn_code qn_parser_expect(struct qn_parser *p, enum qn_token_kind kind, const char *expected)
{
    return qn_parser_accept(p, kind) ? QN_OK : qn_parser_unexpected(p, expected);
}

qn_code qn_parser_add(struct qn_parser *p, struct qn_ast_list *list, struct qn_ast *item)
{
    if (list->n == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 4;
        struct qn_ast **items = QN_NEW_ARRAY(p->arena, struct qn_ast *, capacity);
        if (!items)
            return qn_complain_nomem(p->complaint);
        for (uint32_t i = 0; i < list->n; i++)
            items[i] = list->items[i];
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->n++] = item;
    return QN_OK;
}

struct qn_mark qn_parser_mark(const struct qn_parser *p, uint32_t start)
{
    struct qn_mark last = p->tokens.items[p->at - 1].mark;
    return (struct qn_mark){start, last.offset + last.width - start};
}

qn_code qn_parser_too_deep(struct qn_parser *p, struct qn_mark mark)
{
    return qn_complain(p->complaint, mark, "use IN (...), or split it into several columns",
                       "the expression is nested deeper than %d", QN_MAX_EXPR_DEPTH);
}

/* A node over everything from byte `start` to the last token read. */
qn_code qn_parser_make(struct qn_parser *p, enum qn_ast_kind kind, uint32_t start,
                       struct qn_ast_list args, struct qn_ast **out)
{
    struct qn_ast *ast = QN_NEW(p->arena, struct qn_ast);
    if (!ast)
        return qn_complain_nomem(p->complaint);
    ast->kind = kind;
    ast->mark = qn_parser_mark(p, start);
    ast->args = args.items;
    ast->n_args = args.n;
    for (uint32_t i = 0; i < args.n; i++)
        if (args.items[i]->depth >= ast->depth)
            ast->depth = args.items[i]->depth + 1;
    *out = ast;
    return ast->depth > QN_MAX_EXPR_DEPTH ? qn_parser_too_deep(p, ast->mark) : QN_OK;
}

qn_code qn_parser_leaf(struct qn_parser *p, enum qn_ast_kind kind, struct qn_ast **out)
{
    const struct qn_token *t = &p->tokens.items[p->at - 1];
    QN_TRY(qn_parser_make(p, kind, t->mark.offset, (struct qn_ast_list){0}, out));
    (*out)->text = t->text;
    return QN_OK;
}

static bool parse_hex(struct qn_strv text, int64_t *out)
{
    size_t first = 2;
    while (first < text.len && text.data[first] == '0')
        first++;
    if (text.len < 3 || text.data[0] != '0' || (text.data[1] | 0x20) != 'x' ||
        text.len - first > 16)
        return false;
    uint64_t value = 0;
    for (size_t i = first; i < text.len; i++) {
        char c = text.data[i];
        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    *out = (int64_t)value;
    return true;
}

/* Integers past 64 bits become doubles, as in SQLite. */
static qn_code parse_integer(struct qn_parser *p, struct qn_ast **out)
{
    QN_TRY(qn_parser_leaf(p, QN_AST_INTEGER, out));
    struct qn_ast *ast = *out;
    if (ast->text.len > 1 && (ast->text.data[1] | 0x20) == 'x') {
        if (!parse_hex(ast->text, &ast->number))
            return qn_complain(p->complaint, ast->mark, NULL, "hex number of more than 64 bits");
    } else if (!qn_strv_to_i64(ast->text, &ast->number)) {
        ast->kind = QN_AST_FLOAT;
    }
    return QN_OK;
}

qn_code qn_parser_list(struct qn_parser *p, struct qn_ast_list *list)
{
    do {
        struct qn_ast *item;
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item));
        QN_TRY(qn_parser_add(p, list, item));
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    return qn_parser_expect(p, QN_TOK_RPAREN, "',' or ')'");
}

static qn_code parse_call(struct qn_parser *p, struct qn_ast **out)
{
    const struct qn_token *name = qn_parser_token(p);
    struct qn_strv called = name->text;
    struct qn_ast_list args = {0};
    p->at += 2;
    bool star = qn_parser_accept(p, QN_TOK_STAR);
    if (star)
        QN_TRY(qn_parser_expect(p, QN_TOK_RPAREN, "')'"));
    else if (!qn_parser_accept(p, QN_TOK_RPAREN))
        QN_TRY(qn_parser_call_form(p, &called, &args));
    QN_TRY(qn_parser_make(p, QN_AST_CALL, name->mark.offset, args, out));
    (*out)->text = called;
    (*out)->name_mark = name->mark;
    (*out)->number = star;
    return QN_OK;
}

qn_code qn_parser_query(struct qn_parser *p, struct qn_sql_query **out)
{
    if (p->depth >= QN_MAX_EXPR_DEPTH)
        return qn_parser_too_deep(p, qn_parser_token(p)->mark);
    p->at++;
    p->depth += 2;
    QN_TRY(p->sql->query(p, out));
    p->depth -= 2;
    return qn_parser_expect(p, QN_TOK_RPAREN, "')' behind the query");
}

bool qn_parser_begins_query(const struct qn_parser *p, const struct qn_token *t)
{
    return p->sql && (qn_token_is(t, "select") || qn_token_is(t, "with") ||
                      qn_token_is(t, "values") || qn_token_is(t, "from"));
}

static qn_code parse_exists(struct qn_parser *p, struct qn_ast **out)
{
    uint32_t start = qn_parser_token(p)->mark.offset;
    struct qn_sql_query *query;
    p->at++;
    QN_TRY(qn_parser_query(p, &query));
    QN_TRY(qn_parser_make(p, QN_AST_EXISTS, start, (struct qn_ast_list){0}, out));
    (*out)->query = query;
    return QN_OK;
}

static qn_code parse_subquery(struct qn_parser *p, struct qn_ast **out)
{
    uint32_t start = qn_parser_token(p)->mark.offset;
    struct qn_sql_query *query;
    QN_TRY(qn_parser_query(p, &query));
    QN_TRY(qn_parser_make(p, QN_AST_SUBQUERY, start, (struct qn_ast_list){0}, out));
    (*out)->query = query;
    return QN_OK;
}

/* name(arguments) OVER (...): `call` is what stands before OVER. */
static qn_code parse_over(struct qn_parser *p, struct qn_ast *call)
{
    if (!qn_token_is(qn_parser_token(p), "over"))
        return QN_OK;
    return qn_parser_window(p, call);
}

static qn_code parse_scalar_call(struct qn_parser *p, struct qn_ast **out)
{
    QN_TRY(parse_call(p, out));
    return parse_over(p, *out);
}

/* count() is count(*), count_if(condition) is count(*) FILTER (WHERE condition). */
static qn_code count_otherwise(struct qn_parser *p, struct qn_agg_ast *call)
{
    if (!qn_strv_eq_nocase(call->name, QN_STRV_LIT("count_if"))) {
        call->star |= call->n_args == 0 && qn_strv_eq_nocase(call->name, QN_STRV_LIT("count"));
        return QN_OK;
    }
    if (call->n_args != 1 || call->filter || call->distinct)
        return qn_complain(p->complaint, call->mark, "write count(*) FILTER (WHERE ...)",
                           "count_if takes one condition and nothing else");
    call->filter = call->args[0];
    call->filter_text = call->arg_texts[0];
    call->name = QN_STRV_LIT("count");
    call->star = true;
    call->n_args = 0;
    return QN_OK;
}

static bool is_aggregate(const struct qn_parser *p, struct qn_strv name)
{
    return qn_is_aggregate(name) || p->sql->aggregate(name) ||
           qn_strv_eq_nocase(name, QN_STRV_LIT("count_if"));
}

/* The same in a query, where it may be an aggregate: min and max of several values are none. */
static qn_code parse_sql_call(struct qn_parser *p, struct qn_ast **out)
{
    size_t first = p->at;
    const struct qn_token *name = qn_parser_token(p);
    struct qn_agg_ast *aggregate = QN_NEW(p->arena, struct qn_agg_ast);
    if (!aggregate)
        return qn_complain_nomem(p->complaint);
    if (qn_token_is(name, "exists") && qn_parser_begins_query(p, &p->tokens.items[p->at + 2]))
        return parse_exists(p, out);
    if (!is_aggregate(p, name->text))
        return parse_scalar_call(p, out);
    QN_TRY(qn_parser_aggregate(p, aggregate));
    QN_TRY(count_otherwise(p, aggregate));
    bool scalar = (qn_token_is(name, "min") || qn_token_is(name, "max")) && aggregate->n_args > 1;
    if (scalar) {
        p->at = first;
        return parse_scalar_call(p, out);
    }
    QN_TRY(qn_parser_make(p, QN_AST_AGGREGATE, name->mark.offset, (struct qn_ast_list){0}, out));
    (*out)->aggregate = aggregate;
    (*out)->text = aggregate->name;
    (*out)->name_mark = name->mark;
    return parse_over(p, *out);
}

/* table.column */
static qn_code parse_dotted(struct qn_parser *p, struct qn_ast **out)
{
    const struct qn_token *t = qn_parser_token(p);
    p->at += 2;
    const struct qn_token *column = qn_parser_token(p);
    if (column->kind != QN_TOK_NAME && column->kind != QN_TOK_QUOTED)
        return qn_parser_unexpected(p, "a column behind the dot");
    p->at++;
    QN_TRY(qn_parser_leaf(p, QN_AST_COLUMN, out));
    (*out)->mark = qn_parser_mark(p, t->mark.offset);
    (*out)->negated = column->kind == QN_TOK_QUOTED;
    (*out)->name_mark = column->mark;
    (*out)->table = t->text;
    return QN_OK;
}

/* A column, a function call, or DATE '...' and TIMESTAMP '...': those words are not reserved. */
static qn_code parse_name(struct qn_parser *p, struct qn_ast **out)
{
    const struct qn_token *t = qn_parser_token(p);
    enum qn_token_kind next = qn_parser_after(p)->kind;
    if (p->sql && p->sql->reserved(t))
        return qn_parser_unexpected(p, "a value");
    if (t->kind == QN_TOK_NAME && next == QN_TOK_LPAREN)
        return p->sql ? parse_sql_call(p, out) : parse_call(p, out);
    if (next == QN_TOK_DOT)
        return parse_dotted(p, out);
    if (next == QN_TOK_STRING && (qn_token_is(t, "date") || qn_token_is(t, "timestamp"))) {
        p->at += 2;
        QN_TRY(qn_parser_leaf(p, qn_token_is(t, "date") ? QN_AST_DATE : QN_AST_TIMESTAMP, out));
        (*out)->mark = qn_parser_mark(p, t->mark.offset);
        return QN_OK;
    }
    p->at++;
    QN_TRY(qn_parser_leaf(p, QN_AST_COLUMN, out));
    (*out)->negated = t->kind == QN_TOK_QUOTED;
    return QN_OK;
}

static qn_code parse_case(struct qn_parser *p, struct qn_ast **out)
{
    uint32_t start = qn_parser_token(p)->mark.offset;
    struct qn_ast_list args = {0};
    struct qn_ast *item;
    int64_t shape = 0;
    p->at++;
    if (qn_parser_token(p)->kind != QN_TOK_WHEN) {
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item));
        QN_TRY(qn_parser_add(p, &args, item));
        shape |= 1;
    }
    if (qn_parser_token(p)->kind != QN_TOK_WHEN)
        return qn_parser_unexpected(p, "WHEN");
    while (qn_parser_accept(p, QN_TOK_WHEN)) {
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item));
        QN_TRY(qn_parser_add(p, &args, item));
        QN_TRY(qn_parser_expect(p, QN_TOK_THEN, "THEN"));
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item));
        QN_TRY(qn_parser_add(p, &args, item));
    }
    if (qn_parser_accept(p, QN_TOK_ELSE)) {
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item));
        QN_TRY(qn_parser_add(p, &args, item));
        shape |= 2;
    }
    QN_TRY(qn_parser_expect(p, QN_TOK_END_WORD, shape & 2 ? "END" : "WHEN, ELSE or END"));
    QN_TRY(qn_parser_make(p, QN_AST_CASE, start, args, out));
    (*out)->number = shape;
    return QN_OK;
}

static qn_code parse_unary(struct qn_parser *p, enum qn_ast_kind kind, enum qn_precedence above,
                           struct qn_ast **out)
{
    uint32_t start = qn_parser_token(p)->mark.offset;
    struct qn_ast_list args = {0};
    struct qn_ast *item;
    p->at++;
    const struct qn_token *t = qn_parser_token(p);
    /* The one integer whose absolute value does not fit. */
    if (kind == QN_AST_NEGATE && t->kind == QN_TOK_INTEGER &&
        qn_strv_is(t->text, "9223372036854775808")) {
        p->at++;
        QN_TRY(qn_parser_make(p, QN_AST_INTEGER, start, args, out));
        (*out)->number = INT64_MIN;
        return QN_OK;
    }
    QN_TRY(qn_parser_expr(p, above, &item));
    QN_TRY(qn_parser_add(p, &args, item));
    return qn_parser_make(p, kind, start, args, out);
}

static qn_code parse_parenthesised(struct qn_parser *p, struct qn_ast **out)
{
    uint32_t start = qn_parser_token(p)->mark.offset;
    p->at++;
    QN_TRY(qn_parser_expr(p, QN_PREC_NONE, out));
    if (p->sql && qn_parser_token(p)->kind == QN_TOK_COMMA)
        return qn_parser_row(p, start, out);
    if (qn_parser_token(p)->kind == QN_TOK_COMMA)
        return qn_complain(p->complaint, qn_parser_token(p)->mark, "lists stand after IN only",
                           "expected ')', found ','");
    QN_TRY(qn_parser_expect(p, QN_TOK_RPAREN, "')'"));
    (*out)->mark = qn_parser_mark(p, start);
    return QN_OK;
}

qn_code qn_parser_primary(struct qn_parser *p, struct qn_ast **out)
{
    enum qn_token_kind kind = qn_parser_token(p)->kind;
    switch (kind) {
    case QN_TOK_NAME:
    case QN_TOK_QUOTED:
        return qn_parser_begins_span(p) ? qn_parser_span(p, out) : parse_name(p, out);
    case QN_TOK_LPAREN:
        return qn_parser_begins_query(p, qn_parser_after(p)) ? parse_subquery(p, out)
                                                             : parse_parenthesised(p, out);
    case QN_TOK_CASE: return parse_case(p, out);
    case QN_TOK_CAST: return qn_parser_cast(p, out);
    case QN_TOK_NOT: return parse_unary(p, QN_AST_NOT, QN_PREC_AND, out);
    case QN_TOK_MINUS: return parse_unary(p, QN_AST_NEGATE, QN_PREC_CONCAT, out);
    case QN_TOK_PLUS: return parse_unary(p, QN_AST_PLUS, QN_PREC_CONCAT, out);
    case QN_TOK_TILDE: return parse_unary(p, QN_AST_BIT_NOT, QN_PREC_CONCAT, out);
    case QN_TOK_INTEGER: p->at++; return parse_integer(p, out);
    case QN_TOK_DECIMAL: p->at++; return qn_parser_leaf(p, QN_AST_DECIMAL, out);
    case QN_TOK_FLOAT: p->at++; return qn_parser_leaf(p, QN_AST_FLOAT, out);
    case QN_TOK_STRING: p->at++; return qn_parser_leaf(p, QN_AST_TEXT, out);
    case QN_TOK_NULL: p->at++; return qn_parser_leaf(p, QN_AST_NULL, out);
    case QN_TOK_TRUE:
    case QN_TOK_FALSE:
        p->at++;
        QN_TRY(qn_parser_leaf(p, QN_AST_BOOL, out));
        (*out)->number = kind == QN_TOK_TRUE;
        return QN_OK;
    default: return qn_parser_unexpected(p, "a value");
    }
}

qn_code qn_parser_start(struct qn_parser *p, struct qn_arena *arena, struct qn_strv text,
                        const struct qn_parser_sql *sql, struct qn_expr_complaint *complaint)
{
    *p = (struct qn_parser){.arena = arena, .text = text, .complaint = complaint, .sql = sql};
    QN_TRY(qn_lex(arena, text, sql != NULL, &p->tokens, complaint));
    if (p->tokens.n == 1)
        return qn_complain(complaint, (struct qn_mark){0, 1}, NULL, "the %s is empty",
                           sql ? "query" : "expression");
    return QN_OK;
}

qn_code qn_parser_expect_end(struct qn_parser *p, const char *expected)
{
    const struct qn_token *t = qn_parser_token(p);
    if (t->kind == QN_TOK_LPAREN && p->at && p->tokens.items[p->at - 1].kind == QN_TOK_QUOTED)
        return qn_complain(p->complaint, t->mark, "function names are written without quotes",
                           "expected %s, found '('", expected);
    return t->kind == QN_TOK_END ? QN_OK : qn_parser_unexpected(p, expected);
}

qn_code qn_parse(struct qn_arena *arena, struct qn_strv text, struct qn_ast **out,
                 struct qn_expr_complaint *complaint)
{
    struct qn_parser p;
    QN_TRY(qn_parser_start(&p, arena, text, NULL, complaint));
    QN_TRY(qn_parser_expr(&p, QN_PREC_NONE, out));
    return qn_parser_expect_end(&p, "an operator or the end");
}

/* The bytes from one token up to the one before the current one. */
struct qn_strv qn_parser_text(const struct qn_parser *p, size_t first)
{
    uint32_t start = p->tokens.items[first].mark.offset;
    return (struct qn_strv){p->text.data + start, qn_parser_mark(p, start).width};
}
