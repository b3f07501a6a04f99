/* Queries of WITH RECURSIVE that read themselves: SQLite goes from their first rows to those that
 * follow. As in SQLite the step is one SELECT, and has what it follows from in its FROM, once. */
#include <string.h>

#include "query/parse.h"
#include "query/sqlite_text.h"

/* --- where it reads itself ------------------------------------------------------------------- */

static uint32_t in_body(const struct qn_sql_body *body, struct qn_strv name);

static uint32_t in_query(const struct qn_sql_query *query, struct qn_strv name)
{
    uint32_t n = query ? in_body(query->body, name) : 0;
    for (uint32_t i = 0; query && i < query->n_ctes; i++)
        n += in_query(query->ctes[i].query, name);
    return n;
}

static uint32_t in_expr(const struct qn_ast *ast, struct qn_strv name)
{
    uint32_t n = ast ? in_query(ast->query, name) : 0;
    const struct qn_agg_ast *call = ast ? ast->aggregate : NULL;
    for (uint32_t i = 0; ast && i < ast->n_args; i++)
        n += in_expr(ast->args[i], name);
    for (uint32_t i = 0; call && i < call->n_args; i++)
        n += in_expr(call->args[i], name);
    return call ? n + in_expr(call->filter, name) : n;
}

static bool is_named(const struct qn_sql_relation *relation, struct qn_strv name)
{
    return relation->name.text.data && !relation->folder.text.data &&
           qn_strv_eq_nocase(relation->name.text, name);
}

static uint32_t in_body(const struct qn_sql_body *body, struct qn_strv name)
{
    uint32_t n = 0;
    if (body->op == QN_SQL_NESTED)
        return in_query(body->query, name);
    if (body->op != QN_SQL_SELECT)
        return in_body(body->left, name) + in_body(body->right, name);
    for (uint32_t i = 0; i < body->n_from; i++)
        n += is_named(&body->from[i], name) + in_query(body->from[i].query, name) +
             in_expr(body->from[i].on, name);
    for (uint32_t i = 0; i < body->n_items; i++)
        n += in_expr(body->items[i].expr, name);
    return n + in_expr(body->where, name) + in_expr(body->having, name);
}

bool qn_query_reads_itself(const struct qn_sql_cte *cte)
{
    return cte->recursive && in_query(cte->query, cte->name.text) > 0;
}

/* --- its step -------------------------------------------------------------------------------- */

static bool is_plain(const struct qn_sql_body *step)
{
    bool plain = step->op == QN_SQL_SELECT && !step->distinct && !step->grouped && !step->having;
    for (uint32_t i = 0; plain && i < step->n_items; i++) {
        const struct qn_ast *item = step->items[i].expr;
        plain =
            !item || (!qn_query_has(item, QN_AST_AGGREGATE) && !qn_query_has(item, QN_AST_WINDOW));
    }
    return plain;
}

/* It stands in FROM, and no join adds rows that follow from none of its own. */
static bool follows(const struct qn_sql_body *step, struct qn_strv name)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < step->n_from; i++) {
        enum qn_sql_how how = step->from[i].how;
        bool named = is_named(&step->from[i], name);
        n += named;
        if (how == QN_SQL_RIGHT || how == QN_SQL_FULL || (how == QN_SQL_LEFT && named))
            return false;
    }
    return n == 1 && in_body(step, name) == 1;
}

static qn_code check_step(struct qn_query_planner *p, const struct qn_sql_cte *cte,
                          const struct qn_sql_query *query)
{
    const struct qn_sql_body *body = query->body;
    struct qn_strv name = cte->name.text;
    if (query->n_order || query->has_limit || query->offset || query->n_ctes)
        return QN_QUERY_REFUSE(p, cte->name.mark, "write it in the query that reads it",
                               "ORDER BY, LIMIT and WITH of a query that reads itself");
    if (body->op != QN_SQL_UNION || in_body(body->left, name))
        return QN_QUERY_REFUSE(
            p, cte->name.mark, "write: first rows UNION ALL SELECT ... FROM itself",
            "'%.*s' reads itself, but not in the second part of a UNION", QN_SHORT_ARG(name));
    if (!is_plain(body->right) || !follows(body->right, name))
        return QN_QUERY_REFUSE(
            p, body->right->mark,
            "it names the query once, in FROM, without groups, windows, DISTINCT "
            "and outer joins of it",
            "the step of a recursive query that is no plain SELECT");
    return QN_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

static qn_code take_columns(struct qn_query_planner *p, struct qn_query_cte *cte,
                            const struct qn_sqlite_columns *columns)
{
    struct qn_query_column *items = QN_NEW_ARRAY(p->arena, struct qn_query_column, columns->n);
    if (!items)
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < columns->n; i++) {
        items[i] = columns->items[i];
        items[i].name = qn_arena_printf(p->arena, "c%u", i);
        if (!items[i].name)
            return QN_QUERY_NOMEM(p);
        if (items[i].untyped)
            return QN_QUERY_REFUSE(p, cte->cte->name.mark, "write CAST(NULL AS ...)",
                                   "column %u of a recursive query has no type", i + 1);
    }
    cte->rows = (struct qn_query_rows){.columns = items, .n_columns = columns->n};
    cte->rows.walk = qn_arena_printf(p->arena, "w%u", p->sqlite->n_walks++);
    if (!cte->rows.walk)
        return QN_QUERY_NOMEM(p);
    return qn_query_rename(p, cte->cte->columns, cte->cte->n_columns, &cte->rows);
}

static qn_code check_types(struct qn_query_planner *p, const struct qn_query_cte *cte,
                           struct qn_mark mark, const struct qn_sqlite_columns *step)
{
    char a[QN_TYPE_NAME], b[QN_TYPE_NAME];
    if (step->n != cte->rows.n_columns)
        return QN_QUERY_REFUSE(p, mark, NULL, "one query has %u columns, the other %u",
                               cte->rows.n_columns, step->n);
    for (uint32_t i = 0; i < step->n; i++) {
        struct qn_type first = cte->rows.columns[i].type, next = step->items[i].type;
        if (!step->items[i].untyped &&
            (first.id != next.id || (first.id == QN_DECIMAL && first.scale != next.scale)))
            return QN_QUERY_REFUSE(p, mark, "write CAST(... AS ...) around one of them",
                                   "column %u is %s in one query and %s in the other", i + 1,
                                   qn_type_name(first, a), qn_type_name(next, b));
    }
    return QN_OK;
}

static qn_code put_walk(struct qn_query_planner *p, struct qn_query_cte *cte,
                        const struct qn_sql_query *query, struct qn_buf *out)
{
    struct qn_sqlite_columns first, step;
    struct qn_buf text;
    qn_buf_init(&text);
    p->ctes = cte->outer;
    cte->beginning = true;
    qn_code code = qn_sqlite_put_body(p, p->sqlite, query->body->left, &text, &first);
    cte->beginning = false;
    p->ctes = cte;
    if (code == QN_OK)
        code = take_columns(p, cte, &first);
    qn_buf_printf(&text, " UNION%s ", query->body->all ? " ALL" : "");
    if (code == QN_OK)
        code = qn_sqlite_put_body(p, p->sqlite, query->body->right, &text, &step);
    if (code == QN_OK)
        code = check_types(p, cte, query->body->right->mark, &step);
    if (code == QN_OK) {
        qn_buf_printf(out, "%s%s(", p->sqlite->walks ? ", " : "", cte->rows.walk);
        for (uint32_t i = 0; i < cte->rows.n_columns; i++)
            qn_buf_printf(out, "%sc%u", i ? ", " : "", i);
        qn_buf_printf(out, ") AS (%.*s)", (int)text.len, (const char *)text.data);
    }
    qn_buf_fini(&text);
    return code;
}

static qn_code define(struct qn_query_planner *p, struct qn_query_cte *cte)
{
    struct qn_sql_query *query;
    struct qn_buf walk;
    QN_TRY(qn_sql_parse_again(p->arena, p->text, cte->cte, &query, p->complaint));
    QN_TRY(check_step(p, cte->cte, query));
    cte->statement = p->sqlite;
    struct qn_query_cte *ctes = p->ctes;
    struct qn_query_scope *scope = p->scope;
    p->scope = NULL;
    qn_buf_init(&walk);
    qn_code code = put_walk(p, cte, query, &walk);
    const char *before = p->sqlite->walks ? p->sqlite->walks : "";
    p->sqlite->walks =
        qn_arena_printf(p->arena, "%s%.*s", before, (int)walk.len, (const char *)walk.data);
    if (code == QN_OK && (walk.failed || !p->sqlite->walks))
        code = QN_QUERY_NOMEM(p);
    qn_buf_fini(&walk);
    p->scope = scope;
    p->ctes = ctes;
    return code;
}

qn_code qn_query_walk(struct qn_query_planner *p, struct qn_query_cte *cte,
                      struct qn_query_rows *out)
{
    if (cte->beginning)
        return QN_QUERY_REFUSE(p, cte->cte->name.mark, NULL,
                               "the first rows of a recursive query read it");
    if (cte->statement != p->sqlite)
        QN_TRY(define(p, cte));
    *out = cte->rows;
    return QN_OK;
}
