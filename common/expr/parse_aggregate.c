/* parse_aggregate: what stands behind the name of an aggregate. */
#include "expr/parser.h"

static qn_code parse_filter(struct qn_parser *p, struct qn_ast **out, struct qn_strv *text)
{
    if (!qn_token_is(qn_parser_token(p), "filter"))
        return QN_OK;
    p->at++;
    QN_TRY(qn_parser_expect(p, QN_TOK_LPAREN, "'('"));
    if (!qn_token_is(qn_parser_token(p), "where"))
        return qn_parser_unexpected(p, "WHERE");
    size_t first = ++p->at;
    QN_TRY(qn_parser_expr(p, QN_PREC_NONE, out));
    *text = qn_parser_text(p, first);
    return qn_parser_expect(p, QN_TOK_RPAREN, "')'");
}

static qn_code parse_order(struct qn_parser *p, struct qn_agg_ast *out)
{
    if (!qn_token_is(qn_parser_token(p), "order"))
        return QN_OK;
    p->at++;
    if (!qn_token_is(qn_parser_token(p), "by"))
        return qn_parser_unexpected(p, "BY");
    size_t first = ++p->at;
    QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &out->order));
    out->order_text = qn_parser_text(p, first);
    out->descending = qn_token_is(qn_parser_token(p), "desc");
    if (out->descending || qn_token_is(qn_parser_token(p), "asc"))
        p->at++;
    if (qn_parser_token(p)->kind == QN_TOK_COMMA)
        return qn_complain(p->complaint, qn_parser_token(p)->mark, NULL,
                           "an aggregate is ordered by one expression");
    return QN_OK;
}

/* What stands between the parentheses, and the closing one. */
static qn_code parse_arguments(struct qn_parser *p, struct qn_agg_ast *out)
{
    struct qn_ast_list args = {0};
    if (qn_parser_accept(p, QN_TOK_RPAREN))
        return QN_OK;
    out->star = qn_parser_accept(p, QN_TOK_STAR);
    if (out->star)
        return qn_parser_expect(p, QN_TOK_RPAREN, "')'");
    do {
        struct qn_ast *item;
        size_t first = p->at;
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item));
        if (args.n < 2)
            out->arg_texts[args.n] = qn_parser_text(p, first);
        QN_TRY(qn_parser_add(p, &args, item));
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    out->args = args.items;
    out->n_args = args.n;
    QN_TRY(parse_order(p, out));
    return qn_parser_expect(p, QN_TOK_RPAREN, out->order ? "')'" : "',', ORDER BY or ')'");
}

qn_code qn_parser_aggregate(struct qn_parser *p, struct qn_agg_ast *out)
{
    const struct qn_token *name = qn_parser_token(p);
    *out = (struct qn_agg_ast){.name = name->text, .name_mark = name->mark};
    p->at += 2;
    if (qn_token_is(qn_parser_token(p), "distinct") && qn_parser_after(p)->kind != QN_TOK_RPAREN) {
        out->distinct = true;
        out->distinct_mark = qn_parser_token(p)->mark;
        p->at++;
    }
    QN_TRY(parse_arguments(p, out));
    out->mark = qn_parser_mark(p, name->mark.offset);
    return parse_filter(p, &out->filter, &out->filter_text);
}

qn_code qn_parse_aggregate(struct qn_arena *arena, struct qn_strv text, struct qn_agg_ast *out,
                           struct qn_expr_complaint *complaint)
{
    struct qn_parser p;
    *out = (struct qn_agg_ast){0};
    QN_TRY(qn_parser_start(&p, arena, text, NULL, complaint));
    const struct qn_token *name = qn_parser_token(&p);
    if (name->kind != QN_TOK_NAME || qn_parser_after(&p)->kind != QN_TOK_LPAREN)
        return qn_complain(complaint, name->mark, "write sum(x), count(*), avg(x), ...",
                           "expected an aggregate call");
    QN_TRY(qn_parser_aggregate(&p, out));
    return qn_parser_expect_end(&p, out->filter ? "the end" : "FILTER (WHERE ...) or the end");
}
