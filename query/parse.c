/* The statement: clauses in order; parse_from.c reads what stands behind FROM. */
#include <string.h>

#include "base/limits.h"
#include "query/parse.h"

void *qn_sql_grow(struct qn_arena *arena, void *items, uint32_t n, size_t size)
{
    if (n & (n - 1)) /* arrays double: there is room until n is a power of two */
        return items;
    void *grown = qn_arena_zalloc(arena, n ? (size_t)n * 2 : 1, size);
    if (grown && n)
        memcpy(grown, items, n * size);
    return grown;
}

/* Words that begin or join clauses; in double quotes they are names like any other. */
static bool reserved(const struct qn_token *token)
{
    static const char *const words[] = {
        "select", "from",  "where", "group",     "having", "order", "limit",    "offset",
        "union",  "join",  "on",    "intersect", "except", "inner", "left",     "right",
        "full",   "cross", "using", "natural",   "as",     "with",  "distinct", "qualify",
    };
    if (token->kind != QN_TOK_NAME)
        return false;
    if ((qn_token_is(token, "left") || qn_token_is(token, "right")) &&
        token[1].kind == QN_TOK_LPAREN) /* a function; the last token is no name */
        return false;
    if (qn_token_is(token, "window")) /* w AS ( */
        return token[1].kind != QN_TOK_END && qn_token_is(&token[2], "as") &&
               token[3].kind == QN_TOK_LPAREN;
    if (qn_token_is(token, "fetch"))
        return qn_token_is(&token[1], "first") || qn_token_is(&token[1], "next");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (qn_strv_eq_nocase(token->text, qn_strv_from(words[i])))
            return true;
    return false;
}

bool qn_sql_is_name(const struct qn_token *token)
{
    return token->kind == QN_TOK_QUOTED || (token->kind == QN_TOK_NAME && !reserved(token));
}

bool qn_sql_word(struct qn_parser *p, const char *word)
{
    bool found = qn_token_is(qn_parser_token(p), word);
    p->at += found;
    return found;
}

qn_code qn_sql_name(struct qn_parser *p, const char *expected, struct qn_sql_name *out)
{
    const struct qn_token *t = qn_parser_token(p);
    if (!qn_sql_is_name(t))
        return qn_parser_unexpected(p, expected);
    *out = (struct qn_sql_name){t->text, t->mark};
    p->at++;
    return QN_OK;
}

qn_code qn_sql_alias(struct qn_parser *p, struct qn_sql_name *out)
{
    if (qn_sql_word(p, "as"))
        return qn_sql_name(p, "a name behind AS", out);
    return qn_sql_is_name(qn_parser_token(p)) ? qn_sql_name(p, "a name", out) : QN_OK;
}

qn_code qn_sql_names(struct qn_parser *p, struct qn_sql_name **names, uint32_t *n)
{
    QN_TRY(qn_parser_expect(p, QN_TOK_LPAREN, "'(' and names of columns"));
    do {
        *names = qn_sql_grow(p->arena, *names, *n, sizeof **names);
        if (!*names)
            return qn_complain_nomem(p->complaint);
        QN_TRY(qn_sql_name(p, "the name of a column", &(*names)[*n]));
        (*n)++;
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    return qn_parser_expect(p, QN_TOK_RPAREN, "',' or ')'");
}

/* --- bodies ---------------------------------------------------------------------------------- */

static qn_code parse_simple(struct qn_parser *p, struct qn_sql_body **out)
{
    struct qn_sql_body *body = *out = QN_NEW(p->arena, struct qn_sql_body);
    const struct qn_token *t = qn_parser_token(p);
    if (!body)
        return qn_complain_nomem(p->complaint);
    if (qn_parser_accept(p, QN_TOK_LPAREN)) {
        body->op = QN_SQL_NESTED;
        QN_TRY(qn_sql_parse_query(p, &body->query));
        QN_TRY(qn_parser_expect(p, QN_TOK_RPAREN, "')' behind the query"));
    } else if (qn_token_is(t, "select") || qn_token_is(t, "from")) {
        QN_TRY(qn_sql_parse_select(p, body));
    } else if (qn_sql_word(p, "values")) {
        return qn_sql_parse_values(p, out);
    } else {
        return qn_parser_unexpected(p, "SELECT");
    }
    body->mark = qn_parser_mark(p, t->mark.offset);
    return QN_OK;
}

static qn_code combine(struct qn_parser *p, enum qn_sql_op op, struct qn_mark mark,
                       struct qn_sql_body **left, struct qn_sql_body *right, bool all)
{
    struct qn_sql_body *body = QN_NEW(p->arena, struct qn_sql_body);
    if (!body)
        return qn_complain_nomem(p->complaint);
    *body = (struct qn_sql_body){.op = op, .mark = mark, .all = all, .left = *left, .right = right};
    *left = body;
    return QN_OK;
}

static bool accept_all(struct qn_parser *p)
{
    if (qn_sql_word(p, "all"))
        return true;
    (void)qn_sql_word(p, "distinct");
    return false;
}

/* INTERSECT binds tighter, as the standard has it. */
static qn_code parse_intersect(struct qn_parser *p, struct qn_sql_body **out)
{
    QN_TRY(parse_simple(p, out));
    while (qn_token_is(qn_parser_token(p), "intersect")) {
        struct qn_mark mark = qn_parser_token(p)->mark;
        struct qn_sql_body *right;
        p->at++;
        bool all = accept_all(p);
        QN_TRY(parse_simple(p, &right));
        QN_TRY(combine(p, QN_SQL_INTERSECT, mark, out, right, all));
    }
    return QN_OK;
}

static qn_code parse_body(struct qn_parser *p, struct qn_sql_body **out)
{
    QN_TRY(parse_intersect(p, out));
    for (uint32_t n = 0;; n++) {
        const struct qn_token *t = qn_parser_token(p);
        bool is_union = qn_token_is(t, "union");
        struct qn_sql_body *right;
        if (!is_union && !qn_token_is(t, "except"))
            return QN_OK;
        if (n == QN_MAX_EXPR_DEPTH) /* the tree is as deep as there are operators */
            return qn_complain(p->complaint, t->mark, NULL, "more than %d set operations",
                               QN_MAX_EXPR_DEPTH);
        p->at++;
        bool all = accept_all(p);
        if (is_union && qn_token_is(qn_parser_token(p), "by"))
            return qn_complain(p->complaint, qn_parser_token(p)->mark, "name the columns in order",
                               "UNION BY NAME is not supported");
        QN_TRY(parse_intersect(p, &right));
        QN_TRY(combine(p, is_union ? QN_SQL_UNION : QN_SQL_EXCEPT, t->mark, out, right, all));
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

static qn_code parse_ctes(struct qn_parser *p, struct qn_sql_query *query)
{
    if (!qn_sql_word(p, "with"))
        return QN_OK;
    bool recursive = qn_sql_word(p, "recursive");
    do {
        query->ctes = qn_sql_grow(p->arena, query->ctes, query->n_ctes, sizeof *query->ctes);
        if (!query->ctes)
            return qn_complain_nomem(p->complaint);
        struct qn_sql_cte *cte = &query->ctes[query->n_ctes];
        QN_TRY(qn_sql_name(p, "the name of a query", &cte->name));
        if (qn_parser_token(p)->kind == QN_TOK_LPAREN)
            QN_TRY(qn_sql_names(p, &cte->columns, &cte->n_columns));
        if (!qn_sql_word(p, "as"))
            return qn_parser_unexpected(p, "AS");
        (void)qn_parser_accept(p, QN_TOK_NOT); /* [NOT] MATERIALIZED is a hint to others */
        (void)qn_sql_word(p, "materialized");
        QN_TRY(qn_parser_expect(p, QN_TOK_LPAREN, "'(' and a query"));
        cte->at = p->at;
        cte->recursive = recursive;
        QN_TRY(qn_sql_parse_query(p, &cte->query));
        QN_TRY(qn_parser_expect(p, QN_TOK_RPAREN, "')' behind the query"));
        query->n_ctes++;
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    return QN_OK;
}

qn_code qn_sql_parse_query(struct qn_parser *p, struct qn_sql_query **out)
{
    struct qn_sql_query *query = *out = QN_NEW(p->arena, struct qn_sql_query);
    uint32_t start = qn_parser_token(p)->mark.offset;
    if (!query)
        return qn_complain_nomem(p->complaint);
    if (++p->depth > QN_MAX_EXPR_DEPTH)
        return qn_complain(p->complaint, qn_parser_token(p)->mark, NULL,
                           "queries are nested deeper than %d", QN_MAX_EXPR_DEPTH);
    QN_TRY(parse_ctes(p, query));
    QN_TRY(parse_body(p, &query->body));
    QN_TRY(qn_sql_parse_order(p, query));
    query->mark = qn_parser_mark(p, start);
    p->depth--;
    return QN_OK;
}

bool qn_sql_joins_texts(struct qn_strv name)
{
    return qn_strv_eq_nocase(name, QN_STRV_LIT("string_agg")) ||
           qn_strv_eq_nocase(name, QN_STRV_LIT("group_concat")) ||
           qn_strv_eq_nocase(name, QN_STRV_LIT("listagg"));
}

/* Statements that are no queries. */
static qn_code refuse_statement(struct qn_parser *p)
{
    static const char *const words[] = {"insert", "update", "delete", "create", "drop",   "alter",
                                        "copy",   "attach", "pragma", "set",    "explain"};
    const struct qn_token *t = qn_parser_token(p);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (qn_token_is(t, words[i]))
            return qn_complain(p->complaint, t->mark,
                               qn_token_is(t, "explain") ? "quern query --explain shows the plan"
                               : qn_token_is(t, "copy")  ? "quern query --out FILE writes a file"
                                                         : "a spec with jobs fills tables",
                               "only queries (SELECT) are run here");
    return QN_OK;
}

static const struct qn_parser_sql sql = {
    .query = qn_sql_parse_query, .reserved = reserved, .aggregate = qn_sql_joins_texts};

qn_code qn_sql_parse(struct qn_arena *arena, struct qn_strv text, struct qn_sql_query **out,
                     struct qn_expr_complaint *complaint)
{
    struct qn_parser p;
    QN_TRY(qn_parser_start(&p, arena, text, &sql, complaint));
    QN_TRY(refuse_statement(&p));
    QN_TRY(qn_sql_parse_query(&p, out));
    (void)qn_parser_accept(&p, QN_TOK_SEMICOLON);
    const struct qn_token *t = qn_parser_token(&p);
    if (t->kind != QN_TOK_END && p.at && p.tokens.items[p.at - 1].kind == QN_TOK_SEMICOLON)
        return qn_complain(complaint, t->mark, "run them one by one",
                           "one query at a time, found another behind the ';'");
    return qn_parser_expect_end(&p, "an operator, the next clause or the end");
}

qn_code qn_sql_parse_again(struct qn_arena *arena, struct qn_strv text,
                           const struct qn_sql_cte *cte, struct qn_sql_query **out,
                           struct qn_expr_complaint *complaint)
{
    struct qn_parser p;
    QN_TRY(qn_parser_start(&p, arena, text, &sql, complaint));
    p.at = cte->at;
    return qn_sql_parse_query(&p, out);
}
