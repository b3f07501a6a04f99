/* Window functions as SQLite is asked them. */
#include <string.h>

#include "flow/value.h"
#include "query/sqlite_text.h"

/* --- what it is ------------------------------------------------------------------------------ */

/* Types of functions that are windows alone: of the first argument, integers, or doubles. */
static qn_code window_type(struct qn_sqlite_select *s, const struct qn_ast *ast,
                           const struct qn_type *args, struct qn_type *type)
{
    static const char *const ranks[] = {"row_number", "rank", "dense_rank", NULL};
    static const char *const shares[] = {"percent_rank", "cume_dist", NULL};
    static const char *const values[] = {"first_value", "last_value", NULL};
    static const char *const moved[] = {"lag", "lead", NULL};
    uint32_t n = ast->window->n_args;
    const struct qn_type integer = {.id = QN_INT64}, real = {.id = QN_DOUBLE};
    bool nth = qn_strv_eq_nocase(ast->text, QN_STRV_LIT("nth_value"));
    bool tile = qn_strv_eq_nocase(ast->text, QN_STRV_LIT("ntile"));
    if (qn_sqlite_knows_aggregate(ast->text) && (n == 1 || ast->window->star))
        return qn_sqlite_aggregate_type(s, ast, ast->text, n ? args : NULL, type);
    *type = integer;
    if ((qn_sqlite_one_of(ast->text, ranks) && n == 0) ||
        (tile && n == 1 && args[0].id == QN_INT64))
        return QN_OK;
    *type = real;
    if (qn_sqlite_one_of(ast->text, shares) && n == 0)
        return QN_OK;
    *type = args[0];
    bool number = n > 1 && args[1].id == QN_INT64;
    if ((qn_sqlite_one_of(ast->text, values) && n == 1) || (nth && n == 2 && number))
        return QN_OK;
    if (qn_sqlite_one_of(ast->text, moved) && (n == 1 || (number && n == 2) ||
                                               (number && n == 3 && args[0].id == args[2].id &&
                                                qn_sqlite_equals_alike(args[0], args[2]))))
        return QN_OK;
    return QN_QUERY_REFUSE(s->p, ast->mark,
                           "row_number(), rank(), lag(x, n), first_value(x), sum(x), ...; an "
                           "argument may have another type than it is to have: CAST(... AS ...)",
                           "this is no window function that is known");
}

/* NULLs and directions are written out: SQLite's own rules are not relied on. *last is the type of
 * the last key. */
static qn_code put_keys(struct qn_sqlite_select *s, const struct qn_ast *ast, struct qn_type *last,
                        struct qn_buf *out)
{
    const struct qn_ast_window *window = ast->window;
    bool untyped;
    for (uint32_t i = 0; i < window->n_partition + window->n_order; i++) {
        bool orders = i >= window->n_partition;
        uint32_t k = i - window->n_partition;
        qn_buf_printf(out, "%s", i == 0 ? " PARTITION BY " : i == window->n_partition ? " " : ", ");
        if (i == 0 && orders)
            out->len -= strlen(" PARTITION BY ");
        if (orders && k == 0)
            qn_buf_printf(out, " ORDER BY ");
        QN_TRY(qn_sqlite_expr(s, ast->args[window->n_args + i], out, last, &untyped));
        if (orders)
            qn_buf_printf(out, "%s NULLS %s", window->descending[k] ? " DESC" : "",
                          window->nulls_first[k] ? "FIRST" : "LAST");
    }
    return QN_OK;
}

/* --- frames ---------------------------------------------------------------------------------- */

/* A number of rows, or of what the key counts in. */
static qn_code put_distance(struct qn_sqlite_select *s, const struct qn_ast *distance,
                            const struct qn_type *key, struct qn_buf *out)
{
    char name[QN_TYPE_NAME];
    int64_t value = distance->number;
    if (key && key->id == QN_DOUBLE) {
        qn_buf_put(out, distance->text.data, distance->text.len);
        return QN_OK;
    }
    bool fits = distance->kind == QN_AST_INTEGER;
    if (key && key->id == QN_DECIMAL)
        fits = qn_parse_decimal(distance->text, QN_DECIMAL_MAX_PRECISION, key->scale, &value);
    if (!fits)
        return QN_QUERY_REFUSE(s->p, distance->mark, "write a distance that keys may have",
                               "no two keys of type %s lie that far apart",
                               qn_type_name(*key, name));
    qn_buf_printf(out, "%lld", (long long)value);
    return QN_OK;
}

static qn_code put_bound(struct qn_sqlite_select *s, const struct qn_ast_bound *bound,
                         const struct qn_type *key, struct qn_buf *out)
{
    static const char *const words[] = {[QN_BOUND_FIRST] = "UNBOUNDED PRECEDING",
                                        [QN_BOUND_BEFORE] = " PRECEDING",
                                        [QN_BOUND_CURRENT] = "CURRENT ROW",
                                        [QN_BOUND_BEHIND] = " FOLLOWING",
                                        [QN_BOUND_LAST] = "UNBOUNDED FOLLOWING"};
    if (bound->distance)
        QN_TRY(put_distance(s, bound->distance, key, out));
    qn_buf_printf(out, "%s", words[bound->place]);
    return QN_OK;
}

/* Distances of RANGE are from one number to another: so there is one key, and it is a number or a
 * date, of which a day is 1. */
static qn_code put_frame(struct qn_sqlite_select *s, const struct qn_ast *ast,
                         const struct qn_type *key, struct qn_buf *out)
{
    const struct qn_ast_frame *frame = &ast->window->frame;
    const struct qn_ast *distance =
        frame->first.distance ? frame->first.distance : frame->last.distance;
    char name[QN_TYPE_NAME];
    if (!frame->unit.len)
        return QN_OK;
    bool range = qn_strv_eq_nocase(frame->unit, QN_STRV_LIT("range")) && distance;
    if (range && ast->window->n_order != 1)
        return QN_QUERY_REFUSE(s->p, distance->mark, "ROWS and GROUPS count rows",
                               "distances of RANGE take one key of ORDER BY, and this window has "
                               "%u",
                               ast->window->n_order);
    if (range && !qn_type_is_numeric(*key) && key->id != QN_DATE)
        return QN_QUERY_REFUSE(s->p, distance->mark,
                               key->id == QN_TIMESTAMP ? "order by unixepoch(x) and count seconds"
                                                       : "ROWS and GROUPS count rows",
                               "distances of RANGE over a key of type %s are not supported",
                               qn_type_name(*key, name));
    qn_buf_printf(out, " %.*s BETWEEN ", QN_STRV_ARG(frame->unit));
    QN_TRY(put_bound(s, &frame->first, range ? key : NULL, out));
    qn_buf_printf(out, " AND ");
    QN_TRY(put_bound(s, &frame->last, range ? key : NULL, out));
    qn_buf_printf(out, "%s%.*s", frame->exclude.len ? " " : "", QN_STRV_ARG(frame->exclude));
    return QN_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

static qn_code put_arguments(struct qn_sqlite_select *s, const struct qn_ast *ast,
                             struct qn_type args[4], struct qn_buf *out)
{
    bool untyped;
    for (uint32_t i = 0; i < ast->window->n_args; i++) {
        qn_buf_printf(out, "%s", i ? ", " : "");
        if (ast->args[i]->kind == QN_AST_INTEGER) { /* numbers of rows are to be constants */
            qn_buf_printf(out, "%lld", (long long)ast->args[i]->number);
            args[i].id = QN_INT64;
            continue;
        }
        QN_TRY(qn_sqlite_expr(s, ast->args[i], out, &args[i], &untyped));
    }
    return QN_OK;
}

/* Of aggregates alone: other functions are of all rows. */
static qn_code put_window_filter(struct qn_sqlite_select *s, const struct qn_ast *ast,
                                 struct qn_buf *out)
{
    if (!ast->window->filtered)
        return QN_OK;
    qn_buf_printf(out, " FILTER (WHERE ");
    QN_TRY(qn_sqlite_condition(s, ast->args[ast->n_args - 1], out));
    qn_buf_put_u8(out, ')');
    return QN_OK;
}

static qn_code put_call(struct qn_sqlite_select *s, const struct qn_ast *ast, struct qn_buf *out,
                        struct qn_type *type)
{
    struct qn_type args[4] = {{0}}, key = {0};
    struct qn_buf text;
    qn_buf_init(&text);
    qn_code code = put_arguments(s, ast, args, &text);
    qn_sqlite_put_function(ast->text, ast->window->n_args ? &args[0] : NULL, out);
    qn_buf_printf(out, "%s", ast->window->star ? "*" : "");
    qn_buf_put(out, text.data, text.len);
    qn_buf_fini(&text);
    QN_TRY(code);
    qn_buf_put_u8(out, ')');
    QN_TRY(put_window_filter(s, ast, out));
    qn_buf_printf(out, " OVER (");
    QN_TRY(put_keys(s, ast, &key, out));
    QN_TRY(put_frame(s, ast, &key, out));
    qn_buf_put_u8(out, ')');
    return window_type(s, ast, args, type);
}

qn_code qn_sqlite_put_window(struct qn_sqlite_select *s, const struct qn_ast *ast,
                             struct qn_buf *out, struct qn_type *type)
{
    if (!s->windows || s->inside)
        return QN_QUERY_REFUSE(s->p, ast->mark, "select it in a subquery, and filter its rows",
                               "a window function at this place");
    if (ast->window->n_args > 3)
        return qn_sqlite_refuse_function(s, ast);
    s->windows = false; /* none inside another one */
    QN_TRY(put_call(s, ast, out, type));
    s->windows = true;
    return QN_OK;
}
