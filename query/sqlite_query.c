/* Whole queries as SQLite is asked them: SELECTs put together, their order and limit, and the statement
 * around all of them. */
#include "query/parse.h"
#include "query/sqlite_text.h"

/* --- set operations -------------------------------------------------------------------------- */

static qn_code unify(struct qn_query_planner *p, struct qn_mark mark,
                     struct qn_sqlite_columns *left, const struct qn_sqlite_columns *right)
{
    char a[QN_TYPE_NAME], b[QN_TYPE_NAME];
    if (left->n != right->n)
        return QN_QUERY_REFUSE(p, mark, NULL, "one query has %u columns, the other %u", left->n,
                               right->n);
    for (uint32_t i = 0; i < left->n; i++) {
        struct qn_query_column *x = &left->items[i];
        const struct qn_query_column *y = &right->items[i];
        if (x->untyped) {
            x->type = y->type;
            x->untyped = y->untyped;
        } else if (!y->untyped && !qn_type_eq(x->type, y->type)) {
            return QN_QUERY_REFUSE(p, mark, "write CAST(... AS ...) around one of them",
                                   "column %u is %s in one query and %s in the other", i + 1,
                                   qn_type_name(x->type, a), qn_type_name(y->type, b));
        }
    }
    left->single = false;
    left->n_shown = left->n;
    return QN_OK;
}

static qn_code put_query(struct qn_query_planner *p, struct qn_query_sqlite *sqlite,
                         struct qn_sql_query *query, struct qn_buf *out,
                         struct qn_sqlite_columns *columns);

/* SQLite's set operations all bind alike: each side is a query of its own. */
qn_code qn_sqlite_put_body(struct qn_query_planner *p, struct qn_query_sqlite *sqlite,
                           struct qn_sql_body *body, struct qn_buf *out,
                           struct qn_sqlite_columns *columns)
{
    static const char *const words[] = {
        [QN_SQL_UNION] = "UNION", [QN_SQL_INTERSECT] = "INTERSECT", [QN_SQL_EXCEPT] = "EXCEPT"};
    struct qn_sqlite_columns right;
    if (body->op == QN_SQL_SELECT)
        return qn_sqlite_put_select(p, sqlite, body, NULL, 0, NULL, out, columns);
    if (body->op == QN_SQL_NESTED)
        return put_query(p, sqlite, body->query, out, columns);
    if (body->all && body->op != QN_SQL_UNION)
        return QN_QUERY_REFUSE(p, body->mark, NULL,
                               "%s ALL is not supported in a query that SQLite answers",
                               words[body->op]);
    qn_buf_printf(out, "SELECT * FROM (");
    QN_TRY(qn_sqlite_put_body(p, sqlite, body->left, out, columns));
    qn_buf_printf(out, ") %s%s SELECT * FROM (", words[body->op], body->all ? " ALL" : "");
    QN_TRY(qn_sqlite_put_body(p, sqlite, body->right, out, &right));
    qn_buf_printf(out, ")");
    return unify(p, body->mark, columns, &right);
}

/* Of rows put together only what they are called can be ordered by. */
static qn_code key_by_name(struct qn_query_planner *p, const struct qn_sqlite_columns *columns,
                           const struct qn_sql_order *order, struct qn_sort_key *key)
{
    const struct qn_ast *ast = order->expr;
    *key = (struct qn_sort_key){0, order->descending, order->nulls_first};
    if (ast->kind == QN_AST_INTEGER && ast->number >= 1 && ast->number <= columns->n) {
        key->column = (uint32_t)(ast->number - 1);
        return QN_OK;
    }
    for (; ast->kind == QN_AST_COLUMN && key->column < columns->n; key->column++)
        if (qn_strv_eq_nocase(ast->text, qn_strv_from(columns->items[key->column].shown)))
            return QN_OK;
    return QN_QUERY_REFUSE(p, ast->mark, "name a column of the first SELECT, or its position",
                           "rows that a set operation put together cannot be ordered by this");
}

/* --- queries --------------------------------------------------------------------------------- */

static qn_code put_ordered(struct qn_query_planner *p, struct qn_query_sqlite *sqlite,
                           struct qn_sql_query *query, struct qn_buf *out,
                           struct qn_sqlite_columns *columns, struct qn_sort_key **keys)
{
    *keys = QN_NEW_ARRAY(p->arena, struct qn_sort_key, query->n_order);
    if (!*keys)
        return QN_QUERY_NOMEM(p);
    if (query->body->op == QN_SQL_SELECT)
        return qn_sqlite_put_select(p, sqlite, query->body, query->order, query->n_order, *keys,
                                    out, columns);
    QN_TRY(qn_sqlite_put_body(p, sqlite, query->body, out, columns));
    for (uint32_t i = 0; i < query->n_order; i++)
        QN_TRY(key_by_name(p, columns, &query->order[i], &(*keys)[i]));
    return QN_OK;
}

/* What orders the rows and is not selected is left out of what comes out. */
static void put_around(struct qn_buf *out, const struct qn_buf *inner,
                       const struct qn_sqlite_columns *columns)
{
    qn_buf_printf(out, "WITH q(");
    for (uint32_t i = 0; i < columns->n; i++)
        qn_buf_printf(out, "%sc%u", i ? ", " : "", i + 1);
    qn_buf_printf(out, ") AS (%.*s) SELECT ", (int)inner->len, (const char *)inner->data);
    for (uint32_t i = 0; i < columns->n_shown; i++)
        qn_buf_printf(out, "%sc%u", i ? ", " : "", i + 1);
    qn_buf_printf(out, " FROM q");
}

static qn_code put_limited(struct qn_query_planner *p, struct qn_query_sqlite *sqlite,
                           struct qn_sql_query *query, struct qn_buf *out,
                           struct qn_sqlite_columns *columns)
{
    struct qn_sort_key *keys;
    struct qn_buf inner;
    qn_buf_init(&inner);
    qn_code code = put_ordered(p, sqlite, query, &inner, columns, &keys);
    if (code == QN_OK && inner.failed)
        code = QN_QUERY_NOMEM(p);
    if (code == QN_OK)
        put_around(out, &inner, columns);
    qn_buf_fini(&inner);
    QN_TRY(code);
    for (uint32_t i = 0; i < query->n_order; i++)
        qn_buf_printf(out, "%sc%u%s NULLS %s", i ? ", " : " ORDER BY ", keys[i].column + 1,
                      keys[i].descending ? " DESC" : "", keys[i].nulls_first ? "FIRST" : "LAST");
    qn_buf_printf(out, " LIMIT %lld OFFSET %lld", query->has_limit ? (long long)query->limit : -1LL,
                  (long long)query->offset);
    columns->n = columns->n_shown;
    columns->single |= query->has_limit && query->limit <= 1;
    return QN_OK;
}

/* Without a limit its order means nothing. */
static qn_code put_query(struct qn_query_planner *p, struct qn_query_sqlite *sqlite,
                         struct qn_sql_query *query, struct qn_buf *out,
                         struct qn_sqlite_columns *columns)
{
    struct qn_query_cte *ctes = p->ctes;
    if (++p->depth > QN_QUERY_DEPTH)
        return QN_QUERY_REFUSE(p, query->mark, NULL, "queries are nested deeper than %d",
                               QN_QUERY_DEPTH);
    QN_TRY(qn_query_enter(p, query));
    QN_TRY(query->has_limit || query->offset || query->body->n_distinct_on
               ? put_limited(p, sqlite, query, out, columns)
               : qn_sqlite_put_body(p, sqlite, query->body, out, columns));
    p->ctes = ctes;
    p->depth--;
    return QN_OK;
}

qn_code qn_sqlite_inner(struct qn_sqlite_select *around, struct qn_sql_query *query,
                        struct qn_buf *out, struct qn_sqlite_columns *columns)
{
    return put_query(around->p, around->out, query, out, columns);
}

qn_code qn_query_to_sqlite(struct qn_query_planner *p, struct qn_sql_query *query,
                           struct qn_query_phase *out, struct qn_query_rows *rows)
{
    struct qn_query_sqlite *sqlite = QN_NEW(p->arena, struct qn_query_sqlite);
    struct qn_sqlite_columns columns;
    struct qn_sort_key *keys;
    struct qn_buf sql;
    if (!sqlite)
        return QN_QUERY_NOMEM(p);
    struct qn_query_sqlite *around = p->sqlite;
    qn_buf_init(&sql);
    p->sqlite = sqlite;
    qn_code code = put_ordered(p, sqlite, query, &sql, &columns, &keys);
    p->sqlite = around;
    uint64_t most = query->limit + query->offset;
    if (query->has_limit && !query->n_order && query->limit < INT64_MAX - query->offset)
        qn_buf_printf(&sql, " LIMIT %llu", (unsigned long long)most);
    sqlite->sql =
        sql.failed ? NULL
                   : qn_arena_printf(p->arena, "%s%s%s%.*s", sqlite->walks ? "WITH RECURSIVE " : "",
                                     sqlite->walks ? sqlite->walks : "", sqlite->walks ? " " : "",
                                     (int)sql.len, (const char *)sql.data);
    qn_buf_fini(&sql);
    QN_TRY(code);
    out->sqlite = sqlite;
    out->keys = keys;
    out->n_shown = columns.n_shown;
    *rows = (struct qn_query_rows){
        .columns = columns.items, .n_columns = columns.n, .single = columns.single};
    return sqlite->sql ? QN_OK : QN_QUERY_NOMEM(p);
}
