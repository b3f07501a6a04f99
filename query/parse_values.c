/* VALUES (1, 'a'), (2, 'b'): as SELECT 1 AS column1, 'a' AS column2 UNION ALL SELECT 2, 'b'. */
#include "query/parse.h"

/* Each row is a SELECT, and a job of its own. */
enum { MOST_ROWS = 256 };

static qn_code parse_item(struct qn_parser *p, struct qn_sql_body *body)
{
    struct qn_sql_item *item = NULL;
    QN_TRY(qn_sql_add_item(p, body, &item));
    QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item->expr));
    item->mark = item->expr->mark;
    const char *name = qn_arena_printf(p->arena, "column%u", body->n_items);
    if (!name)
        return qn_complain_nomem(p->complaint);
    item->alias = (struct qn_sql_name){qn_strv_from(name), item->mark};
    return QN_OK;
}

static qn_code parse_row(struct qn_parser *p, struct qn_sql_body **out)
{
    struct qn_sql_body *body = *out = QN_NEW(p->arena, struct qn_sql_body);
    uint32_t start = qn_parser_token(p)->mark.offset;
    if (!body)
        return qn_complain_nomem(p->complaint);
    QN_TRY(qn_parser_expect(p, QN_TOK_LPAREN, "'(' and the values of a row"));
    do {
        QN_TRY(parse_item(p, body));
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    QN_TRY(qn_parser_expect(p, QN_TOK_RPAREN, "',' or ')'"));
    body->mark = qn_parser_mark(p, start);
    return QN_OK;
}

/* Halves put together, so that the tree is no deeper than it must be. */
static struct qn_sql_body *put_together(struct qn_parser *p, struct qn_sql_body **rows, uint32_t n)
{
    struct qn_sql_body *body = n == 1 ? rows[0] : QN_NEW(p->arena, struct qn_sql_body);
    if (n == 1 || !body)
        return body;
    *body = (struct qn_sql_body){.op = QN_SQL_UNION,
                                 .mark = rows[0]->mark,
                                 .all = true,
                                 .left = put_together(p, rows, n / 2),
                                 .right = put_together(p, rows + n / 2, n - n / 2)};
    return body->left && body->right ? body : NULL;
}

qn_code qn_sql_parse_values(struct qn_parser *p, struct qn_sql_body **out)
{
    struct qn_sql_body *rows[MOST_ROWS];
    uint32_t n = 0;
    do {
        if (n == MOST_ROWS)
            return qn_complain(p->complaint, qn_parser_token(p)->mark,
                               "write them into a file, and read it", "VALUES of more than %d rows",
                               MOST_ROWS);
        QN_TRY(parse_row(p, &rows[n]));
        if (rows[n]->n_items != rows[0]->n_items)
            return qn_complain(p->complaint, rows[n]->mark, NULL,
                               "this row has %u values, the first one %u", rows[n]->n_items,
                               rows[0]->n_items);
        n++;
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    *out = put_together(p, rows, n);
    return *out ? QN_OK : qn_complain_nomem(p->complaint);
}
