/* parse_window: what stands behind OVER. */
#include "expr/parser.h"

static bool word(struct qn_parser *p, const char *word)
{
    bool found = qn_token_is(qn_parser_token(p), word);
    p->at += found;
    return found;
}

static qn_code parse_by(struct qn_parser *p, const char *first, bool *found)
{
    *found = word(p, first);
    if (*found && !word(p, "by"))
        return qn_parser_unexpected(p, "BY");
    return QN_OK;
}

static qn_code parse_partition(struct qn_parser *p, struct qn_ast_window *window,
                               struct qn_ast_list *list)
{
    bool found;
    QN_TRY(parse_by(p, "partition", &found));
    if (!found)
        return QN_OK;
    do {
        struct qn_ast *item;
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item));
        QN_TRY(qn_parser_add(p, list, item));
        window->n_partition++;
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    return QN_OK;
}

/* NULLs are the lowest unless it says otherwise. */
static qn_code parse_direction(struct qn_parser *p, struct qn_ast_window *window)
{
    bool *descending = &window->descending[window->n_order];
    bool *nulls_first = &window->nulls_first[window->n_order++];
    *descending = word(p, "desc");
    if (!*descending)
        (void)word(p, "asc");
    *nulls_first = !*descending;
    if (!word(p, "nulls"))
        return QN_OK;
    *nulls_first = word(p, "first");
    return *nulls_first || word(p, "last") ? QN_OK : qn_parser_unexpected(p, "FIRST or LAST");
}

enum { MAX_KEYS = 32 };

static qn_code parse_order(struct qn_parser *p, struct qn_ast_window *window,
                           struct qn_ast_list *list)
{
    bool found;
    QN_TRY(parse_by(p, "order", &found));
    if (!found)
        return QN_OK;
    window->descending = QN_NEW_ARRAY(p->arena, bool, MAX_KEYS);
    window->nulls_first = QN_NEW_ARRAY(p->arena, bool, MAX_KEYS);
    if (!window->descending || !window->nulls_first)
        return qn_complain_nomem(p->complaint);
    do {
        struct qn_ast *item;
        if (window->n_order == MAX_KEYS)
            return qn_complain(p->complaint, qn_parser_token(p)->mark, NULL,
                               "a window is ordered by more than %d keys", MAX_KEYS);
        QN_TRY(qn_parser_expr(p, QN_PREC_NONE, &item));
        QN_TRY(qn_parser_add(p, list, item));
        QN_TRY(parse_direction(p, window));
    } while (qn_parser_accept(p, QN_TOK_COMMA));
    return QN_OK;
}

/* ROWS, RANGE or GROUPS and what follows: words and numbers, kept as they are written. Distances of
 * RANGE are in units of a type, and refused. */
static qn_code parse_frame(struct qn_parser *p, struct qn_ast_window *window)
{
    static const char *const words[] = {"unbounded", "preceding", "following", "current", "row",
                                        "exclude",   "no",        "others",    "ties",    "group"};
    size_t first = p->at;
    bool range = qn_token_is(qn_parser_token(p), "range");
    if (!range && !qn_token_is(qn_parser_token(p), "rows") &&
        !qn_token_is(qn_parser_token(p), "groups"))
        return QN_OK;
    for (p->at++; qn_parser_token(p)->kind != QN_TOK_RPAREN; p->at++) {
        const struct qn_token *t = qn_parser_token(p);
        bool known = t->kind == QN_TOK_AND || t->kind == QN_TOK_BETWEEN ||
                     (t->kind == QN_TOK_INTEGER && !range);
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
            known |= qn_token_is(t, words[i]);
        if (!known)
            return qn_parser_unexpected(p, range ? "UNBOUNDED, CURRENT ROW or ')'"
                                                 : "the bounds of a frame, or ')'");
    }
    window->frame = qn_parser_text(p, first);
    return QN_OK;
}

static qn_code take_call(struct qn_parser *p, const struct qn_ast *call,
                         struct qn_ast_window *window, struct qn_ast_list *list)
{
    const struct qn_agg_ast *aggregate = call->aggregate;
    struct qn_ast *const *args = aggregate ? aggregate->args : call->args;
    window->n_args = aggregate ? aggregate->n_args : call->n_args;
    window->distinct = aggregate && aggregate->distinct;
    window->star = aggregate ? aggregate->star : call->number != 0;
    if (aggregate && (aggregate->filter || aggregate->order || aggregate->distinct))
        return qn_complain(p->complaint, aggregate->mark, NULL,
                           "FILTER, ORDER BY and DISTINCT of a window function's own are not "
                           "supported");
    for (uint32_t i = 0; i < window->n_args; i++)
        QN_TRY(qn_parser_add(p, list, args[i]));
    return QN_OK;
}

qn_code qn_parser_window(struct qn_parser *p, struct qn_ast *call)
{
    struct qn_ast_window *window = QN_NEW(p->arena, struct qn_ast_window);
    struct qn_ast_list list = {0};
    struct qn_ast *made;
    if (!window)
        return qn_complain_nomem(p->complaint);
    QN_TRY(take_call(p, call, window, &list));
    p->at++;
    if (qn_parser_token(p)->kind == QN_TOK_NAME)
        return qn_complain(p->complaint, qn_parser_token(p)->mark, "write OVER (...) in full",
                           "named windows are not supported");
    QN_TRY(qn_parser_expect(p, QN_TOK_LPAREN, "'(' behind OVER"));
    QN_TRY(parse_partition(p, window, &list));
    QN_TRY(parse_order(p, window, &list));
    QN_TRY(parse_frame(p, window));
    QN_TRY(qn_parser_expect(p, QN_TOK_RPAREN, "PARTITION BY, ORDER BY, a frame or ')'"));
    QN_TRY(qn_parser_make(p, QN_AST_WINDOW, call->mark.offset, list, &made));
    made->text = call->text;
    made->name_mark = call->name_mark;
    made->window = window;
    *call = *made;
    return QN_OK;
}
