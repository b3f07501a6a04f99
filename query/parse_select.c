/* A SELECT: what stands between that word and the end of its last clause. */
#include "base/limits.h"
#include "query/parse.h"

/* Constructs that are known and not there, by the word that begins them. */
static qn_code refuse_clause(struct qn_parser *p)
{
    static const struct {
        const char *word, *what, *hint;
    } clauses[] = {
        {"for", "FOR", "a query locks nothing"},
        {"tablesample", "TABLESAMPLE", "rows by chance: WHERE id % 100 = 7, or ORDER BY and LIMIT"},
        {"pivot", "PIVOT", "write sum(x) FILTER (WHERE kind = 'a') for each column"},
        {"unpivot", "UNPIVOT", "write a UNION ALL of one SELECT a column"},
    };
    const struct qn_token *t = qn_parser_token(p);
    for (size_t i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
        if (qn_token_is(t, clauses[i].word))
            return qn_complain(p->complaint, t->mark, clauses[i].hint, "%s is not supported",
                               clauses[i].what);
    return QN_OK;
}

/* --- items ----------------------------------------------------------------------------------- */

/* EXCLUDE a, or EXCLUDE (a, b, ...) */
static qn_code parse_exclude(struct qn_parser *p, struct qn_sql_item *star)
{
    if (!qn_sql_word(p, "exclude"))
        return QN_OK;
    if (qn_parser_token(p)->kind == QN_TOK_LPAREN)
        return qn_sql_names(p, &star->excluded, &star->n_excluded);
    star->excluded = QN_NEW(p->arena, struct qn_sql_name);
    star->n_excluded = 1;
    return star->excluded ? qn_sql_name(p, "the name of a column", star->excluded)
                          : qn_complain_nomem(p->complaint);
}

/* REPLACE (expression AS name, ...) */
static qn_code parse_replace(struct qn_parser *p, struct qn_sql_item *star)
{
    if (!qn_token_is(qn_parser_token(p), "replace"))
        return QN_OK;
    p->at++;
    QN_TRY(qn_parser_expect(p, QN_TOK_LPAREN, "'(' and expression AS name"));
    do {
        star->replaced =
            qn_sql_grow(p->arena, star->replaced, star->n_replaced, sizeof *star->replaced);
        if (!star->replaced)
            return qn_complain_nomem(p->complaint);
        struct qn_sql_item *item = &star->replaced[star->n_replaced++];
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item->expr));
        item->mark = item->expr->mark;
        if (!qn_sql_word(p, "as"))
            return qn_parser_unexpected(p, "AS and the name of a column");
        QN_TRY(qn_sql_name(p, "the name of a column", &item->alias));
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    return qn_parser_expect(p, QN_TOK_RPAREN, "',' or ')'");
}

static qn_code parse_item(struct qn_parser *p, struct qn_sql_item *item)
{
    const struct qn_token *t = qn_parser_token(p);
    uint32_t start = t->mark.offset;
    bool star = qn_parser_accept(p, QN_TOK_STAR);
    if (!star && qn_sql_is_name(t) && qn_parser_after(p)->kind == QN_TOK_DOT &&
        p->tokens.items[p->at + 2].kind == QN_TOK_STAR) {
        item->table = (struct qn_sql_name){t->text, t->mark};
        p->at += 3;
        star = true;
    }
    if (star) {
        item->mark = qn_parser_mark(p, start);
        QN_TRY(parse_exclude(p, item));
        return parse_replace(p, item);
    }
    QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item->expr));
    item->mark = item->expr->mark;
    return qn_sql_alias(p, &item->alias);
}

qn_code qn_sql_add_item(struct qn_parser *p, struct qn_sql_body *body, struct qn_sql_item **out)
{
    if (body->n_items == QN_MAX_COLUMNS)
        return qn_complain(p->complaint, qn_parser_token(p)->mark, NULL,
                           "more than %d columns are refused", QN_MAX_COLUMNS);
    body->items = qn_sql_grow(p->arena, body->items, body->n_items, sizeof *body->items);
    if (!body->items)
        return qn_complain_nomem(p->complaint);
    *out = &body->items[body->n_items++];
    **out = (struct qn_sql_item){0};
    return QN_OK;
}

static qn_code parse_items(struct qn_parser *p, struct qn_sql_body *body)
{
    do {
        struct qn_sql_item *item = NULL;
        QN_TRY(qn_sql_add_item(p, body, &item));
        QN_TRY(parse_item(p, item));
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    return QN_OK;
}

/* --- clauses --------------------------------------------------------------------------------- */

static qn_code parse_expressions(struct qn_parser *p, struct qn_ast ***items, uint32_t *n)
{
    struct qn_ast_list list = {0};
    do {
        struct qn_ast *item;
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item));
        QN_TRY(qn_parser_add(p, &list, item));
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    *items = list.items;
    *n = list.n;
    return QN_OK;
}

static qn_code parse_group_by(struct qn_parser *p, struct qn_sql_body *body)
{
    if (!qn_sql_word(p, "group"))
        return QN_OK;
    if (!qn_sql_word(p, "by"))
        return qn_parser_unexpected(p, "BY");
    const struct qn_token *t = qn_parser_token(p);
    if ((qn_parser_after(p)->kind == QN_TOK_LPAREN &&
         (qn_token_is(t, "rollup") || qn_token_is(t, "cube"))) ||
        (qn_token_is(t, "grouping") && qn_token_is(qn_parser_after(p), "sets")))
        return qn_complain(p->complaint, t->mark, "UNION ALL of one query a level gives the same",
                           "ROLLUP, CUBE and GROUPING SETS are not supported");
    body->grouped = true;
    body->group_all = qn_sql_word(p, "all");
    return body->group_all ? QN_OK : parse_expressions(p, &body->group_by, &body->n_group_by);
}

static qn_code parse_windows(struct qn_parser *p)
{
    if (!qn_sql_word(p, "window"))
        return QN_OK;
    do {
        QN_TRY(qn_parser_name_window(p));
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    return QN_OK;
}

/* DISTINCT [ON (a, b, ...)] */
static qn_code parse_distinct(struct qn_parser *p, struct qn_sql_body *body)
{
    body->distinct = qn_sql_word(p, "distinct");
    if (!body->distinct)
        (void)qn_sql_word(p, "all");
    if (!body->distinct || !qn_token_is(qn_parser_token(p), "on"))
        return QN_OK;
    p->at++;
    body->distinct = false;
    QN_TRY(qn_parser_expect(p, QN_TOK_LPAREN, "'(' and expressions"));
    QN_TRY(parse_expressions(p, &body->distinct_on, &body->n_distinct_on));
    return qn_parser_expect(p, QN_TOK_RPAREN, "',' or ')'");
}

/* What stands behind FROM. */
static qn_code parse_rest(struct qn_parser *p, struct qn_sql_body *body)
{
    if (qn_sql_word(p, "where"))
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &body->where));
    QN_TRY(parse_group_by(p, body));
    if (qn_sql_word(p, "having"))
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &body->having));
    QN_TRY(parse_windows(p));
    if (qn_sql_word(p, "qualify"))
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &body->qualify));
    QN_TRY(parse_windows(p)); /* some write it before QUALIFY, some behind */
    return refuse_clause(p);
}

/* [SELECT items] FROM ..., or SELECT items [FROM ...] */
static qn_code parse_select(struct qn_parser *p, struct qn_sql_body *body)
{
    bool from = qn_sql_word(p, "from");
    struct qn_sql_item *star;
    if (from)
        QN_TRY(qn_sql_parse_from(p, body));
    if (qn_sql_word(p, "select")) {
        QN_TRY(parse_distinct(p, body));
        QN_TRY(parse_items(p, body));
        if (!from && qn_sql_word(p, "from"))
            QN_TRY(qn_sql_parse_from(p, body));
    } else {
        QN_TRY(qn_sql_add_item(p, body, &star));
        star->mark = qn_parser_token(p)->mark;
    }
    return parse_rest(p, body);
}

qn_code qn_sql_parse_select(struct qn_parser *p, struct qn_sql_body *body)
{
    struct qn_parser_windows *around = p->windows;
    body->windows = p->windows = QN_NEW(p->arena, struct qn_parser_windows);
    if (!p->windows)
        return qn_complain_nomem(p->complaint);
    QN_TRY(parse_select(p, body));
    QN_TRY(qn_parser_settle_windows(p));
    p->windows = around;
    return QN_OK;
}
