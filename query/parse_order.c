/* What orders the rows of a query and cuts them: ORDER BY, DISTINCT ON, LIMIT. */
#include "query/parse.h"

/* --- ORDER BY -------------------------------------------------------------------------------- */

static qn_code parse_direction(struct qn_parser *p, struct qn_sql_order *order)
{
    order->descending = qn_sql_word(p, "desc");
    if (!order->descending)
        (void)qn_sql_word(p, "asc");
    order->nulls_first = !order->descending; /* as SQLite: NULLs are the lowest */
    if (!qn_sql_word(p, "nulls"))
        return QN_OK;
    order->nulls_first = qn_sql_word(p, "first");
    if (!order->nulls_first && !qn_sql_word(p, "last"))
        return qn_parser_unexpected(p, "FIRST or LAST");
    return QN_OK;
}

static qn_code add_position(struct qn_parser *p, struct qn_sql_query *query,
                            const struct qn_sql_order *like)
{
    struct qn_ast *position = QN_NEW(p->arena, struct qn_ast);
    query->order = qn_sql_grow(p->arena, query->order, query->n_order, sizeof *query->order);
    if (!query->order || !position)
        return qn_complain_nomem(p->complaint);
    *position = (struct qn_ast){
        .kind = QN_AST_INTEGER, .mark = like->expr->mark, .number = (int64_t)query->n_order + 1};
    query->order[query->n_order] = *like;
    query->order[query->n_order++].expr = position;
    return QN_OK;
}

/* By the positions of all columns, one after the other. */
static qn_code order_by_all(struct qn_parser *p, struct qn_sql_query *query)
{
    const struct qn_token *t = qn_parser_token(p);
    const struct qn_sql_body *first = query->body;
    struct qn_sql_order like = {0};
    p->at++;
    QN_TRY(qn_parser_make(p, QN_AST_INTEGER, t->mark.offset, (struct qn_ast_list){0}, &like.expr));
    QN_TRY(parse_direction(p, &like));
    while (first->op != QN_SQL_SELECT)
        first = first->op == QN_SQL_NESTED ? first->query->body : first->left;
    for (uint32_t i = 0; i < first->n_items; i++) {
        if (!first->items[i].expr)
            return qn_complain(p->complaint, t->mark, "name the columns, or their positions: 1, 2",
                               "ORDER BY ALL of what a star stands for");
        QN_TRY(add_position(p, query, &like));
    }
    return QN_OK;
}

static qn_code parse_order_by(struct qn_parser *p, struct qn_sql_query *query)
{
    if (!qn_sql_word(p, "order"))
        return QN_OK;
    if (!qn_sql_word(p, "by"))
        return qn_parser_unexpected(p, "BY");
    if (qn_token_is(qn_parser_token(p), "all"))
        return order_by_all(p, query);
    do {
        query->order = qn_sql_grow(p->arena, query->order, query->n_order, sizeof *query->order);
        if (!query->order)
            return qn_complain_nomem(p->complaint);
        struct qn_sql_order *order = &query->order[query->n_order];
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &order->expr));
        QN_TRY(parse_direction(p, order));
        query->n_order++;
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    return QN_OK;
}

/* --- DISTINCT ON ----------------------------------------------------------------------------- */

/* What a key stands for: an item by its position or name, or the expression itself. */
static qn_code key_of(struct qn_parser *p, const struct qn_sql_body *body, struct qn_ast *key,
                      struct qn_ast **out)
{
    bool name = key->kind == QN_AST_COLUMN && !key->table.data;
    *out = key;
    for (uint32_t i = 0; i < body->n_items && (name || key->kind == QN_AST_INTEGER); i++) {
        const struct qn_sql_item *item = &body->items[i];
        if (!name && !item->expr)
            return qn_complain(p->complaint, key->mark, "name the column",
                               "a position behind a star");
        if (name ? item->alias.text.data && qn_strv_eq_nocase(item->alias.text, key->text)
                 : key->number == (int64_t)i + 1) {
            *out = item->expr;
            return QN_OK;
        }
    }
    return name || key->kind != QN_AST_INTEGER
               ? QN_OK
               : qn_complain(p->complaint, key->mark, NULL, "there is no column %lld, but 1 to %u",
                             (long long)key->number, body->n_items);
}

/* row_number() OVER (PARTITION BY keys ORDER BY what the query is ordered by) */
static qn_code number_rows(struct qn_parser *p, const struct qn_sql_body *body,
                           const struct qn_sql_order *order, uint32_t n_order, struct qn_ast **out)
{
    struct qn_ast_window *window = QN_NEW(p->arena, struct qn_ast_window);
    struct qn_ast_list list = {0};
    struct qn_ast *key;
    if (!window)
        return qn_complain_nomem(p->complaint);
    window->descending = QN_NEW_ARRAY(p->arena, bool, n_order);
    window->nulls_first = QN_NEW_ARRAY(p->arena, bool, n_order);
    if (!window->descending || !window->nulls_first)
        return qn_complain_nomem(p->complaint);
    window->n_partition = body->n_distinct_on;
    window->n_order = n_order;
    for (uint32_t i = 0; i < body->n_distinct_on; i++) {
        QN_TRY(key_of(p, body, body->distinct_on[i], &key));
        QN_TRY(qn_parser_add(p, &list, key));
    }
    for (uint32_t i = 0; i < n_order; i++) {
        QN_TRY(key_of(p, body, order[i].expr, &key));
        QN_TRY(qn_parser_add(p, &list, key));
        window->descending[i] = order[i].descending;
        window->nulls_first[i] = order[i].nulls_first;
    }
    QN_TRY(qn_parser_make(p, QN_AST_WINDOW, body->distinct_on[0]->mark.offset, list, out));
    (*out)->mark = body->distinct_on[0]->mark;
    (*out)->text = QN_STRV_LIT("row_number");
    (*out)->window = window;
    return QN_OK;
}

/* DISTINCT ON leaves the rows that are the first of theirs: as QUALIFY, so to say. */
static qn_code qualify_first(struct qn_parser *p, struct qn_sql_body *body,
                             const struct qn_sql_order *order, uint32_t n_order)
{
    struct qn_ast_list list = {0};
    struct qn_ast *number, *one;
    if (body->qualify)
        return qn_complain(p->complaint, body->qualify->mark, "do one of them in a subquery",
                           "DISTINCT ON and QUALIFY in one SELECT");
    QN_TRY(number_rows(p, body, order, n_order, &number));
    QN_TRY(qn_parser_add(p, &list, number));
    QN_TRY(qn_parser_make(p, QN_AST_INTEGER, number->mark.offset, (struct qn_ast_list){0}, &one));
    one->number = 1;
    QN_TRY(qn_parser_add(p, &list, one));
    QN_TRY(qn_parser_make(p, QN_AST_BINARY, number->mark.offset, list, &body->qualify));
    body->qualify->op = QN_TOK_EQ;
    body->qualify->mark = number->mark;
    return QN_OK;
}

/* Of SELECTs that are put together none has an order of its own. */
static qn_code settle_distinct(struct qn_parser *p, struct qn_sql_body *body,
                               const struct qn_sql_order *order, uint32_t n_order)
{
    if (body->op == QN_SQL_NESTED)
        return QN_OK;
    if (body->op == QN_SQL_SELECT)
        return body->n_distinct_on ? qualify_first(p, body, order, n_order) : QN_OK;
    QN_TRY(settle_distinct(p, body->left, NULL, 0));
    return settle_distinct(p, body->right, NULL, 0);
}

/* --- LIMIT ----------------------------------------------------------------------------------- */

static qn_code parse_count(struct qn_parser *p, uint64_t *out)
{
    const struct qn_token *t = qn_parser_token(p);
    int64_t value;
    if (t->kind != QN_TOK_INTEGER || !qn_strv_to_i64(t->text, &value))
        return qn_parser_unexpected(p, "a whole number of rows");
    *out = (uint64_t)value;
    p->at++;
    t = qn_parser_token(p);
    if (t->kind == QN_TOK_PERCENT || qn_token_is(t, "percent"))
        return qn_complain(p->complaint, t->mark, "write how many rows",
                           "a share of the rows is not supported");
    return QN_OK;
}

static qn_code parse_limit(struct qn_parser *p, struct qn_sql_query *query)
{
    if (qn_sql_word(p, "all") || qn_parser_accept(p, QN_TOK_NULL))
        return QN_OK;
    query->has_limit = true;
    QN_TRY(parse_count(p, &query->limit));
    if (qn_parser_token(p)->kind == QN_TOK_COMMA)
        return qn_complain(p->complaint, qn_parser_token(p)->mark, "write LIMIT n OFFSET m",
                           "LIMIT m, n is not supported");
    return QN_OK;
}

/* FIRST [n] ROWS ONLY, as the standard writes LIMIT. */
static qn_code parse_fetch(struct qn_parser *p, struct qn_sql_query *query)
{
    query->has_limit = true;
    query->limit = 1;
    p->at++;
    if (qn_parser_token(p)->kind == QN_TOK_INTEGER)
        QN_TRY(parse_count(p, &query->limit));
    if (!qn_sql_word(p, "row") && !qn_sql_word(p, "rows"))
        return qn_parser_unexpected(p, "a whole number and ROWS ONLY");
    return qn_sql_word(p, "only") ? QN_OK : qn_parser_unexpected(p, "ONLY");
}

/* Each of them once, in any order. */
static qn_code parse_cuts(struct qn_parser *p, struct qn_sql_query *query)
{
    bool cut = false, moved = false;
    for (;;) {
        const struct qn_token *t = qn_parser_token(p);
        bool fetch = qn_token_is(t, "fetch");
        if (!cut && (fetch || qn_token_is(t, "limit"))) {
            p->at++;
            cut = true;
            QN_TRY(fetch ? parse_fetch(p, query) : parse_limit(p, query));
        } else if (!moved && qn_token_is(t, "offset")) {
            p->at++;
            moved = true;
            QN_TRY(parse_count(p, &query->offset));
            if (!qn_sql_word(p, "row"))
                (void)qn_sql_word(p, "rows");
        } else {
            return QN_OK;
        }
    }
}

qn_code qn_sql_parse_order(struct qn_parser *p, struct qn_sql_query *query)
{
    struct qn_parser_windows *around = p->windows;
    struct qn_sql_body *body = query->body;
    p->windows = body->op == QN_SQL_SELECT ? body->windows : NULL;
    QN_TRY(parse_order_by(p, query));
    if (p->windows)
        QN_TRY(qn_parser_settle_windows(p));
    p->windows = around;
    QN_TRY(settle_distinct(p, body, query->order, query->n_order));
    return parse_cuts(p, query);
}
