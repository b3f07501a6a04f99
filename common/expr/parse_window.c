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

/* A number of rows, or how far keys of RANGE are apart. */
static qn_code parse_distance(struct qn_parser *p, bool range, struct qn_ast **out)
{
    const struct qn_token *t = qn_parser_token(p);
    bool fraction = range && (t->kind == QN_TOK_DECIMAL || t->kind == QN_TOK_FLOAT);
    if (!fraction && t->kind != QN_TOK_INTEGER)
        return qn_parser_unexpected(p, range ? "UNBOUNDED, CURRENT ROW or a number"
                                             : "UNBOUNDED, CURRENT ROW or a whole number of rows");
    QN_TRY(qn_parser_expr(p, QN_PREC_UNARY, out));
    if (!fraction && (*out)->kind != QN_AST_INTEGER)
        return qn_complain(p->complaint, t->mark, NULL, "this distance is too large");
    return QN_OK;
}

static qn_code parse_bound(struct qn_parser *p, bool range, struct qn_ast_bound *bound)
{
    bool unbounded = word(p, "unbounded");
    bound->place = QN_BOUND_CURRENT;
    if (!unbounded && word(p, "current"))
        return word(p, "row") ? QN_OK : qn_parser_unexpected(p, "ROW");
    if (!unbounded)
        QN_TRY(parse_distance(p, range, &bound->distance));
    if (word(p, "preceding"))
        bound->place = unbounded ? QN_BOUND_FIRST : QN_BOUND_BEFORE;
    else if (word(p, "following"))
        bound->place = unbounded ? QN_BOUND_LAST : QN_BOUND_BEHIND;
    else
        return qn_parser_unexpected(p, "PRECEDING or FOLLOWING");
    return QN_OK;
}

static qn_code parse_bounds(struct qn_parser *p, bool range, struct qn_ast_frame *frame)
{
    uint32_t start = qn_parser_token(p)->mark.offset;
    bool between = qn_parser_accept(p, QN_TOK_BETWEEN);
    frame->last.place = QN_BOUND_CURRENT;
    QN_TRY(parse_bound(p, range, &frame->first));
    if (between) {
        QN_TRY(qn_parser_expect(p, QN_TOK_AND, "AND and the end of the frame"));
        QN_TRY(parse_bound(p, range, &frame->last));
    }
    if (frame->first.place > frame->last.place || frame->first.place == QN_BOUND_LAST ||
        frame->last.place == QN_BOUND_FIRST)
        return qn_complain(p->complaint, qn_parser_mark(p, start),
                           between ? NULL : "it ends at the current row: write BETWEEN ... AND ...",
                           "the frame ends before it begins");
    return QN_OK;
}

static qn_code parse_exclude(struct qn_parser *p, struct qn_strv *out)
{
    size_t first = p->at;
    if (!word(p, "exclude"))
        return QN_OK;
    if (!(word(p, "group") || word(p, "ties") || (word(p, "no") && word(p, "others")) ||
          (word(p, "current") && word(p, "row"))))
        return qn_parser_unexpected(p, "CURRENT ROW, GROUP, TIES or NO OTHERS");
    *out = qn_parser_text(p, first);
    return QN_OK;
}

/* ROWS, RANGE or GROUPS and what follows. */
static qn_code parse_frame(struct qn_parser *p, struct qn_ast_frame *frame)
{
    struct qn_strv unit = qn_parser_token(p)->text;
    bool range = word(p, "range");
    if (!range && !word(p, "rows") && !word(p, "groups"))
        return QN_OK;
    frame->unit = unit;
    QN_TRY(parse_bounds(p, range, frame));
    return parse_exclude(p, &frame->exclude);
}

static qn_code take_call(struct qn_parser *p, const struct qn_ast *call,
                         struct qn_ast_window *window, struct qn_ast_list *list)
{
    const struct qn_agg_ast *aggregate = call->aggregate;
    struct qn_ast *const *args = aggregate ? aggregate->args : call->args;
    window->n_args = aggregate ? aggregate->n_args : call->n_args;
    window->star = aggregate ? aggregate->star : call->number != 0;
    window->filtered = aggregate && aggregate->filter;
    if (aggregate && (aggregate->order || aggregate->distinct))
        return qn_complain(p->complaint, aggregate->mark, NULL,
                           "ORDER BY and DISTINCT of a window function's own are not supported");
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
    QN_TRY(parse_frame(p, &window->frame));
    QN_TRY(qn_parser_expect(p, QN_TOK_RPAREN, "PARTITION BY, ORDER BY, a frame or ')'"));
    if (window->filtered)
        QN_TRY(qn_parser_add(p, &list, call->aggregate->filter));
    QN_TRY(qn_parser_make(p, QN_AST_WINDOW, call->mark.offset, list, &made));
    made->text = call->text;
    made->name_mark = call->name_mark;
    made->window = window;
    *call = *made;
    return QN_OK;
}
