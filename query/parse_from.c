/* Relations: files, tables, queries, and how they are joined. */
#include "base/limits.h"
#include "query/parse.h"

/* --- what it is ------------------------------------------------------------------------------ */

static qn_code parse_value(struct qn_parser *p, struct qn_sql_name *out)
{
    const struct qn_token *t = qn_parser_token(p);
    if (t->kind != QN_TOK_STRING && t->kind != QN_TOK_NAME && t->kind != QN_TOK_INTEGER &&
        t->kind != QN_TOK_TRUE && t->kind != QN_TOK_FALSE)
        return qn_parser_unexpected(p, "a text, a number or true or false");
    *out = (struct qn_sql_name){t->text, t->mark};
    p->at++;
    return QN_OK;
}

static qn_code parse_option(struct qn_parser *p, struct qn_sql_relation *relation)
{
    relation->options =
        qn_sql_grow(p->arena, relation->options, relation->n_options, sizeof *relation->options);
    if (!relation->options)
        return qn_complain_nomem(p->complaint);
    struct qn_sql_option *option = &relation->options[relation->n_options++];
    const struct qn_token *t = qn_parser_token(p);
    if (t->kind != QN_TOK_NAME && t->kind != QN_TOK_ESCAPE)
        return qn_parser_unexpected(p, "the name of an option");
    option->name = (struct qn_sql_name){t->text, t->mark};
    p->at++;
    (void)qn_parser_accept(p, QN_TOK_EQ);
    return parse_value(p, &option->value);
}

/* 'path' (delimiter ';', header true) */
static qn_code parse_path(struct qn_parser *p, struct qn_sql_relation *relation)
{
    const struct qn_token *t = qn_parser_token(p);
    relation->path = (struct qn_sql_name){t->text, t->mark};
    p->at++;
    if (!qn_parser_accept(p, QN_TOK_LPAREN))
        return QN_OK;
    do {
        QN_TRY(parse_option(p, relation));
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    return qn_parser_expect(p, QN_TOK_RPAREN, "',' or ')'");
}

/* read_csv('path', delimiter = ';') */
static qn_code parse_function(struct qn_parser *p, struct qn_sql_relation *relation)
{
    static const struct {
        const char *name, *format;
    } functions[] = {
        {"read_csv", "csv"},         {"read_csv_auto", "csv"}, {"read_json", "jsonl"},
        {"read_json_auto", "jsonl"}, {"read_ndjson", "jsonl"}, {"read_parquet", "parquet"},
        {"parquet_scan", "parquet"},
    };
    const struct qn_token *t = qn_parser_token(p);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (qn_token_is(t, functions[i].name))
            relation->format = functions[i].format;
    if (!relation->format)
        return qn_complain(p->complaint, t->mark, "write FROM 'file.csv', or read_csv('file.csv')",
                           "table function '%.*s' is unknown", QN_SHORT_ARG(t->text));
    p->at += 2;
    if (qn_parser_token(p)->kind != QN_TOK_STRING)
        return qn_parser_unexpected(p, "a path in single quotes");
    relation->path = (struct qn_sql_name){qn_parser_token(p)->text, qn_parser_token(p)->mark};
    p->at++;
    while (qn_parser_accept(p, QN_TOK_COMMA))
        QN_TRY(parse_option(p, relation));
    return qn_parser_expect(p, QN_TOK_RPAREN, "',' or ')'");
}

/* Whether what stands in the parentheses is a query; else it is a join. Behind a query in more
 * parentheses there is nothing, or what goes on with the query. */
static bool holds_query(const struct qn_parser *p)
{
    static const char *const goes_on[] = {"union", "intersect", "except", "order",
                                          "limit", "offset",    "fetch"};
    const struct qn_token *t = qn_parser_after(p), *inner = t;
    uint32_t depth = 0;
    while (inner->kind == QN_TOK_LPAREN)
        inner++;
    if (!qn_token_is(inner, "select") && !qn_token_is(inner, "with") &&
        !qn_token_is(inner, "values") && !qn_token_is(inner, "from"))
        return false;
    if (inner == t)
        return true;
    do {
        depth += t->kind == QN_TOK_LPAREN;
        depth -= t->kind == QN_TOK_RPAREN;
        t++;
    } while (depth && t->kind != QN_TOK_END);
    bool whole = t->kind == QN_TOK_RPAREN || t->kind == QN_TOK_END;
    for (size_t i = 0; i < sizeof goes_on / sizeof goes_on[0]; i++)
        whole |= qn_token_is(t, goes_on[i]);
    return whole;
}

/* A join in parentheses: SELECT * FROM it. */
static qn_code parse_joined(struct qn_parser *p, struct qn_sql_relation *relation)
{
    const struct qn_token *t = qn_parser_token(p);
    struct qn_sql_query *query = QN_NEW(p->arena, struct qn_sql_query);
    struct qn_sql_body *body = QN_NEW(p->arena, struct qn_sql_body);
    struct qn_sql_item *star;
    if (!query || !body)
        return qn_complain_nomem(p->complaint);
    if (++p->depth > QN_MAX_EXPR_DEPTH)
        return qn_complain(p->complaint, t->mark, NULL, "joins are nested deeper than %d",
                           QN_MAX_EXPR_DEPTH);
    p->at++;
    QN_TRY(qn_sql_parse_from(p, body));
    QN_TRY(qn_parser_expect(p, QN_TOK_RPAREN, "JOIN, or ')' behind the joins"));
    QN_TRY(qn_sql_add_item(p, body, &star));
    p->depth--;
    star->mark = body->mark = query->mark = qn_parser_mark(p, t->mark.offset);
    query->body = body;
    relation->query = query;
    relation->joined = true;
    return QN_OK;
}

static qn_code parse_parenthesised(struct qn_parser *p, struct qn_sql_relation *relation)
{
    if (!holds_query(p))
        return parse_joined(p, relation);
    p->at++;
    QN_TRY(qn_sql_parse_query(p, &relation->query));
    return qn_parser_expect(p, QN_TOK_RPAREN, "')' behind the query");
}

static qn_code parse_table(struct qn_parser *p, struct qn_sql_relation *relation)
{
    QN_TRY(qn_sql_name(p, "a file in single quotes, a table or a query in parentheses",
                       &relation->name));
    if (!qn_parser_accept(p, QN_TOK_DOT))
        return QN_OK;
    relation->folder = relation->name;
    return qn_sql_name(p, "a name behind the dot", &relation->name);
}

/* Words that are names elsewhere. */
static bool begins_join(const struct qn_token *t)
{
    return qn_token_is(t, "semi") || qn_token_is(t, "anti") || qn_token_is(t, "asof") ||
           qn_token_is(t, "positional");
}

static qn_code parse_relation(struct qn_parser *p, struct qn_sql_relation *relation)
{
    const struct qn_token *t = qn_parser_token(p);
    if (qn_token_is(t, "lateral"))
        return qn_complain(p->complaint, t->mark, NULL, "LATERAL is not supported");
    if (t->kind == QN_TOK_STRING)
        QN_TRY(parse_path(p, relation));
    else if (t->kind == QN_TOK_LPAREN)
        QN_TRY(parse_parenthesised(p, relation));
    else if (t->kind == QN_TOK_NAME && qn_parser_after(p)->kind == QN_TOK_LPAREN)
        QN_TRY(parse_function(p, relation));
    else
        QN_TRY(parse_table(p, relation));
    relation->mark = qn_parser_mark(p, t->mark.offset);
    if (begins_join(qn_parser_token(p)))
        return QN_OK;
    QN_TRY(qn_sql_alias(p, &relation->alias));
    relation->joined &= !relation->alias.text.data;
    if (relation->alias.text.data && qn_parser_token(p)->kind == QN_TOK_LPAREN)
        return qn_sql_names(p, &relation->columns, &relation->n_columns);
    return QN_OK;
}

/* --- how it is joined ------------------------------------------------------------------------ */

/* [NATURAL] [INNER | LEFT [OUTER] | RIGHT [OUTER] | FULL [OUTER] | SEMI | ANTI] JOIN, CROSS JOIN or a
 * comma; *found says so. */
static qn_code parse_how(struct qn_parser *p, struct qn_sql_relation *relation, bool *found)
{
    static const struct {
        const char *word;
        enum qn_sql_how how;
    } words[] = {
        {"inner", QN_SQL_INNER}, {"left", QN_SQL_LEFT},   {"right", QN_SQL_RIGHT},
        {"full", QN_SQL_FULL},   {"cross", QN_SQL_CROSS}, {"semi", QN_SQL_SEMI},
        {"anti", QN_SQL_ANTI},
    };
    const struct qn_token *t = qn_parser_token(p);
    *found = true;
    if (qn_parser_accept(p, QN_TOK_COMMA)) {
        relation->how = QN_SQL_CROSS;
        relation->join_mark = t->mark;
        return QN_OK;
    }
    relation->natural = qn_sql_word(p, "natural");
    if (qn_token_is(t, "asof") || qn_token_is(t, "positional"))
        return qn_complain(p->complaint, t->mark, "write JOIN ... USING (columns)",
                           "%.*s joins are not supported", QN_SHORT_ARG(t->text));
    relation->how = QN_SQL_INNER;
    bool qualified = relation->natural;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (qn_sql_word(p, words[i].word)) {
            relation->how = words[i].how;
            qualified = true;
            break;
        }
    if (relation->natural && relation->how == QN_SQL_CROSS)
        return qn_parser_unexpected(p, "INNER, LEFT, RIGHT, FULL or JOIN");
    if (relation->how == QN_SQL_LEFT || relation->how == QN_SQL_RIGHT ||
        relation->how == QN_SQL_FULL)
        (void)qn_sql_word(p, "outer");
    if (qn_sql_word(p, "join")) {
        relation->join_mark = qn_parser_mark(p, t->mark.offset);
        return QN_OK;
    }
    *found = false;
    return qualified ? qn_parser_unexpected(p, "JOIN") : QN_OK;
}

static qn_code parse_condition(struct qn_parser *p, struct qn_sql_relation *relation)
{
    if (relation->how == QN_SQL_CROSS || relation->natural)
        return QN_OK;
    if (qn_sql_word(p, "using"))
        return qn_sql_names(p, &relation->using_, &relation->n_using);
    if (!qn_sql_word(p, "on"))
        return qn_parser_unexpected(p, "ON or USING");
    return qn_parser_expr(p, QN_PREC_NONE, &relation->on);
}

qn_code qn_sql_parse_from(struct qn_parser *p, struct qn_sql_body *body)
{
    for (;;) {
        body->from = qn_sql_grow(p->arena, body->from, body->n_from, sizeof *body->from);
        if (!body->from)
            return qn_complain_nomem(p->complaint);
        struct qn_sql_relation *relation = &body->from[body->n_from];
        bool found = true;
        if (body->n_from)
            QN_TRY(parse_how(p, relation, &found));
        if (!found)
            return QN_OK;
        if (body->n_from > QN_MAX_SIDES)
            return qn_complain(p->complaint, qn_parser_token(p)->mark,
                               "join some of them in a subquery",
                               "more than %d joins in one SELECT are refused", QN_MAX_SIDES);
        QN_TRY(parse_relation(p, relation));
        if (body->n_from)
            QN_TRY(parse_condition(p, relation));
        body->n_from++;
    }
}
