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

/* --- named windows --------------------------------------------------------------------------- */

/* One of the first n definitions. */
static qn_code find_named(struct qn_parser *p, uint32_t n, uint32_t *out)
{
    const struct qn_token *t = qn_parser_token(p);
    for (*out = 0; *out < n; ++*out)
        if (qn_strv_eq_nocase(p->windows->named[*out].name, t->text))
            return QN_OK;
    return qn_complain(p->complaint, t->mark, "name it behind HAVING: WINDOW w AS (...)",
                       "no window is called '%.*s' before this", QN_SHORT_ARG(t->text));
}

/* The name that stands first in the parentheses: the window there, with more said of it. */
static bool begins_with_name(const struct qn_token *t)
{
    return t->kind == QN_TOK_QUOTED ||
           (t->kind == QN_TOK_NAME && !qn_token_is(t, "partition") && !qn_token_is(t, "order") &&
            !qn_token_is(t, "rows") && !qn_token_is(t, "range") && !qn_token_is(t, "groups"));
}

static qn_code parse_window(struct qn_parser *p, uint32_t n, struct qn_ast_window *window,
                            struct qn_ast_list *list);

/* The n-th window or one before it, then back to the token behind its name. */
static qn_code parse_named(struct qn_parser *p, uint32_t n, struct qn_ast_window *window,
                           struct qn_ast_list *list)
{
    uint32_t found;
    size_t behind = p->at + 1;
    QN_TRY(find_named(p, n, &found));
    p->at = p->windows->named[found].at;
    QN_TRY(parse_window(p, found, window, list));
    p->at = behind;
    return QN_OK;
}

/* What a window adds to the one that it names. */
static qn_code check_added(struct qn_parser *p, const struct qn_ast_window *window)
{
    const struct qn_token *t = qn_parser_token(p);
    if (window->frame.unit.len && t->kind != QN_TOK_RPAREN)
        return qn_complain(p->complaint, t->mark, "write the window in full",
                           "the window that is named has a frame already");
    if (qn_token_is(t, "partition") || (window->n_order && qn_token_is(t, "order")))
        return qn_complain(p->complaint, t->mark, "write the window in full",
                           "the window that is named says that already");
    return QN_OK;
}

/* ([name] [PARTITION BY ...] [ORDER BY ...] [frame]); it may name the first n of the windows. */
static qn_code parse_window(struct qn_parser *p, uint32_t n, struct qn_ast_window *window,
                            struct qn_ast_list *list)
{
    QN_TRY(qn_parser_expect(p, QN_TOK_LPAREN, "'(' or the name of a window"));
    if (p->windows && begins_with_name(qn_parser_token(p))) {
        QN_TRY(parse_named(p, n, window, list));
        QN_TRY(check_added(p, window));
    } else {
        QN_TRY(parse_partition(p, window, list));
    }
    if (!window->n_order)
        QN_TRY(parse_order(p, window, list));
    if (!window->frame.unit.len)
        QN_TRY(parse_frame(p, &window->frame));
    return qn_parser_expect(p, QN_TOK_RPAREN, "PARTITION BY, ORDER BY, a frame or ')'");
}

qn_code qn_parser_name_window(struct qn_parser *p)
{
    const struct qn_token *t = qn_parser_token(p);
    struct qn_parser_windows *windows = p->windows;
    struct qn_ast_window window = {0};
    struct qn_ast_list list = {0};
    if (t->kind != QN_TOK_NAME && t->kind != QN_TOK_QUOTED)
        return qn_parser_unexpected(p, "the name of a window");
    for (uint32_t i = 0; i < windows->n_named; i++)
        if (qn_strv_eq_nocase(windows->named[i].name, t->text))
            return qn_complain(p->complaint, t->mark, NULL, "two windows are called '%.*s'",
                               QN_SHORT_ARG(t->text));
    if (windows->n_named == QN_NAMED_WINDOWS)
        return qn_complain(p->complaint, t->mark, NULL, "more than %d named windows",
                           QN_NAMED_WINDOWS);
    p->at++;
    if (!word(p, "as"))
        return qn_parser_unexpected(p, "AS and a window in parentheses");
    size_t at = p->at;
    windows->naming = true;
    QN_TRY(parse_window(p, windows->n_named, &window, &list));
    windows->naming = false;
    windows->named[windows->n_named++] = (struct qn_window_name){t->text, at};
    return QN_OK;
}

/* --- the call -------------------------------------------------------------------------------- */

/* From the token behind OVER: turns the call that stands before it into a window. */
static qn_code parse_over(struct qn_parser *p, struct qn_ast *call)
{
    struct qn_ast_window *window = QN_NEW(p->arena, struct qn_ast_window);
    struct qn_ast_list list = {0};
    struct qn_ast *made;
    if (!window)
        return qn_complain_nomem(p->complaint);
    QN_TRY(take_call(p, call, window, &list));
    if (p->windows && qn_parser_token(p)->kind != QN_TOK_LPAREN)
        QN_TRY(parse_named(p, p->windows->n_named, window, &list));
    else
        QN_TRY(parse_window(p, p->windows ? p->windows->n_named : 0, window, &list));
    if (window->filtered)
        QN_TRY(qn_parser_add(p, &list, call->aggregate->filter));
    QN_TRY(qn_parser_make(p, QN_AST_WINDOW, call->mark.offset, list, &made));
    made->text = call->text;
    made->name_mark = call->name_mark;
    made->window = window;
    *call = *made;
    return QN_OK;
}

/* Windows are named behind the calls that name them: those wait. */
static qn_code put_off(struct qn_parser *p, struct qn_ast *call)
{
    struct qn_window_call *waiting = QN_NEW(p->arena, struct qn_window_call);
    uint32_t depth = 0;
    if (!waiting)
        return qn_complain_nomem(p->complaint);
    *waiting = (struct qn_window_call){p->windows->waiting, call, p->at};
    p->windows->waiting = waiting;
    do {
        enum qn_token_kind kind = qn_parser_token(p)->kind;
        if (kind == QN_TOK_END)
            return qn_parser_unexpected(p, "')'");
        depth += kind == QN_TOK_LPAREN;
        depth -= kind == QN_TOK_RPAREN;
        p->at++;
    } while (depth);
    call->mark = qn_parser_mark(p, call->mark.offset);
    return QN_OK;
}

qn_code qn_parser_window(struct qn_parser *p, struct qn_ast *call)
{
    p->at++;
    if (!p->windows)
        return parse_over(p, call);
    if (p->windows->naming)
        return qn_complain(p->complaint, call->mark, "work it out in a subquery in FROM",
                           "a window function inside another window");
    const struct qn_token *t = qn_parser_token(p);
    if (begins_with_name(t) || (t->kind == QN_TOK_LPAREN && begins_with_name(qn_parser_after(p))))
        return put_off(p, call);
    return parse_over(p, call);
}

qn_code qn_parser_settle_windows(struct qn_parser *p)
{
    size_t at = p->at;
    for (; p->windows->waiting; p->windows->waiting = p->windows->waiting->next) {
        struct qn_ast *call = p->windows->waiting->call;
        struct qn_mark mark = call->mark;
        p->at = p->windows->waiting->at;
        QN_TRY(parse_over(p, call));
        call->mark = mark;
    }
    p->at = at;
    return QN_OK;
}
