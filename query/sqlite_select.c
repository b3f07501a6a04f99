/* SELECTs as SQLite is asked them. Its FROM reads tables that are filled from jobs: with the
 * columns that are used, and of the rows those that conditions about one relation leave. */
#include <string.h>

#include "query/parse.h"
#include "query/sqlite_text.h"

enum { MAX_ITEMS = 1000 };

/* A SELECT, with what its text is put together from. */
struct writing {
    struct qn_sqlite_select s;
    struct qn_sql_body *body;
    struct qn_query_stage stages[QN_QUERY_RELATIONS];
    struct qn_sql_item *items; /* stars replaced by their columns */
    uint32_t n_items;
    struct qn_query_column *columns; /* by item, then what only orders the rows */
    uint32_t n_columns;
    struct qn_ast *where; /* what is left of it; NULL: nothing */
};

/* --- items ----------------------------------------------------------------------------------- */

static qn_code add_item(struct writing *w, struct qn_ast *expr, const char *shown,
                        struct qn_mark mark)
{
    struct qn_query_planner *p = w->s.p;
    if (w->n_items == MAX_ITEMS)
        return QN_QUERY_REFUSE(p, mark, NULL, "more than %d columns are refused", MAX_ITEMS);
    w->items = qn_sql_grow(p->arena, w->items, w->n_items, sizeof *w->items);
    w->columns = qn_sql_grow(p->arena, w->columns, w->n_items, sizeof *w->columns);
    if (!w->items || !w->columns || !shown)
        return QN_QUERY_NOMEM(p);
    w->items[w->n_items] = (struct qn_sql_item){.expr = expr, .mark = mark};
    w->columns[w->n_items++] = (struct qn_query_column){.shown = shown};
    w->n_columns = w->n_items;
    return QN_OK;
}

static qn_code add_star(struct writing *w, const struct qn_sql_item *star)
{
    struct qn_query_starred starred;
    QN_TRY(qn_query_expand_star(w->s.p, &w->s.scope, star, &starred));
    for (uint32_t i = 0; i < starred.n; i++) {
        QN_TRY(add_item(w, starred.items[i].expr, starred.items[i].shown, star->mark));
        w->columns[w->n_items - 1].table = starred.items[i].table;
    }
    return QN_OK;
}

static const char *shown_name(const struct qn_query_planner *p, const struct qn_sql_item *item)
{
    if (item->alias.text.data)
        return qn_arena_strdup(p->arena, item->alias.text);
    if (item->expr->kind == QN_AST_COLUMN)
        return qn_arena_strdup(p->arena, item->expr->text);
    return qn_arena_strdup(p->arena,
                           (struct qn_strv){p->text.data + item->mark.offset, item->mark.width});
}

static qn_code read_items(struct writing *w)
{
    for (uint32_t i = 0; i < w->body->n_items; i++) {
        struct qn_sql_item *item = &w->body->items[i];
        if (!item->expr) {
            QN_TRY(add_star(w, item));
            continue;
        }
        const char *shown = shown_name(w->s.p, item);
        QN_TRY(qn_query_resolve(w->s.p, &w->s.scope, item->expr));
        QN_TRY(add_item(w, item->expr, shown, item->mark));
        w->items[w->n_items - 1].alias = item->alias;
    }
    w->s.scope.items = w->items;
    w->s.scope.n_items = w->n_items;
    return QN_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static qn_code at_position(struct writing *w, const struct qn_ast *ast, uint32_t *out)
{
    if (ast->number < 1 || ast->number > (int64_t)w->n_items)
        return QN_QUERY_REFUSE(w->s.p, ast->mark, NULL, "there is no column %lld, but 1 to %u",
                               (long long)ast->number, w->n_items);
    *out = (uint32_t)(ast->number - 1);
    return QN_OK;
}

static qn_code read_groups(struct writing *w)
{
    QN_TRY(qn_query_group_by_all(w->s.p, w->body, w->items, w->n_items));
    for (uint32_t i = 0; i < w->body->n_group_by; i++) {
        struct qn_ast **key = &w->body->group_by[i];
        uint32_t item = 0;
        if ((*key)->kind != QN_AST_INTEGER) {
            QN_TRY(qn_query_resolve(w->s.p, &w->s.scope, *key));
            continue;
        }
        QN_TRY(at_position(w, *key, &item));
        *key = w->items[item].expr;
    }
    return QN_OK;
}

static qn_code read_clauses(struct writing *w, const struct qn_sql_order *order, uint32_t n_order)
{
    struct qn_sql_body *body = w->body;
    struct qn_sqlite_select *s = &w->s;
    if (body->n_from)
        QN_TRY(qn_query_from(s->p, &s->scope, body));
    QN_TRY(read_items(w));
    if (body->where)
        QN_TRY(qn_query_resolve(s->p, &s->scope, body->where));
    QN_TRY(read_groups(w));
    if (body->having)
        QN_TRY(qn_query_resolve(s->p, &s->scope, body->having));
    if (body->qualify)
        QN_TRY(qn_query_resolve(s->p, &s->scope, body->qualify));
    bool grouped = body->grouped || body->having;
    for (uint32_t i = 0; i < n_order; i++) {
        QN_TRY(qn_query_resolve_key(s->p, &s->scope, order[i].expr));
        grouped |= qn_query_has(order[i].expr, QN_AST_AGGREGATE);
    }
    for (uint32_t i = 0; i < w->n_items; i++)
        grouped |= qn_query_has(w->items[i].expr, QN_AST_AGGREGATE);
    s->scope.grouped = grouped;
    return QN_OK;
}

/* --- relations ------------------------------------------------------------------------------- */

static qn_code begin_tables(struct writing *w)
{
    struct qn_query_scope *scope = &w->s.scope;
    scope->first_table = w->s.out->n_relations;
    w->s.out->n_relations += scope->n_relations;
    for (uint32_t i = 0; i < scope->n_relations; i++)
        if (!scope->relations[i].rows.walk)
            QN_TRY(qn_query_stage_begin(w->s.p, &scope->relations[i].rows, &w->stages[i]));
    return QN_OK;
}

/* Rows of a relation that joins may lack are not to be dropped before. */
static bool may_filter(const struct qn_query_scope *scope, uint32_t relation)
{
    for (uint32_t i = 1; i < scope->n_relations; i++) {
        enum qn_sql_how how = scope->relations[i].how;
        bool inner = how == QN_SQL_CROSS || how == QN_SQL_INNER;
        if (!inner && !(how == QN_SQL_LEFT && relation == 0))
            return false;
    }
    return true;
}

/* Conditions of WHERE about one relation are the jobs'; *left are the others. */
static qn_code push_down(struct writing *w, struct qn_ast *ast, struct qn_ast **left)
{
    struct qn_query_planner *p = w->s.p;
    const char *text;
    struct qn_query_text condition;
    *left = ast;
    if (ast->kind == QN_AST_BINARY && ast->op == QN_TOK_AND) {
        struct qn_ast *a, *b;
        QN_TRY(push_down(w, ast->args[0], &a));
        QN_TRY(push_down(w, ast->args[1], &b));
        ast->args[0] = a ? a : b;
        ast->args[1] = b ? b : a;
        *left = a && b ? ast : a ? a : b;
        return QN_OK;
    }
    QN_TRY(qn_sqlite_canonical(&w->s, ast, &text));
    uint32_t reads = text ? qn_query_reads(&w->s.scope, ast) : 0;
    if (!reads || (reads & (reads - 1)))
        return QN_OK;
    uint32_t relation = (uint32_t)__builtin_ctz(reads);
    if (!may_filter(&w->s.scope, relation) || w->s.scope.relations[relation].rows.walk)
        return QN_OK;
    QN_TRY(qn_query_express(p, &w->s.scope, &w->stages[relation], NULL, ast, &condition));
    QN_TRY(qn_query_truth(p, condition.type, ast));
    qn_query_count(&w->s.scope, ast, -1);
    *left = NULL;
    return qn_query_stage_filter(p, &w->stages[relation], condition.text);
}

/* Columns as the statement names them: no two alike, in what texts are compared. */
static qn_code name_columns(struct writing *w)
{
    struct qn_query_scope *scope = &w->s.scope;
    for (uint32_t i = 0; i < scope->n_fields; i++) {
        struct qn_query_field *field = &scope->fields[i];
        field->name =
            qn_arena_printf(w->s.p->arena, "r%u.c%u", scope->first_table + field->relation,
                            i - scope->relations[field->relation].first);
        if (!field->name)
            return QN_QUERY_NOMEM(w->s.p);
    }
    return QN_OK;
}

/* A table gets the columns that are in use; one of them, if none is. */
static qn_code end_table(struct writing *w, uint32_t at)
{
    struct qn_query_planner *p = w->s.p;
    struct qn_query_sqlite *out = w->s.out;
    const struct qn_query_relation *relation = &w->s.scope.relations[at];
    struct qn_query_names names = {0}, columns = {0};
    struct qn_query_rows rows;
    for (uint32_t c = 0; c < relation->rows.n_columns; c++) {
        const struct qn_query_field *field = &w->s.scope.fields[relation->first + c];
        if (!field->uses && (names.n || c + 1 < relation->rows.n_columns))
            continue;
        if (!qn_query_names_add(p->arena, &names, field->source) ||
            !qn_query_names_add(p->arena, &columns, qn_arena_printf(p->arena, "c%u", c)))
            return QN_QUERY_NOMEM(p);
    }
    QN_TRY(qn_query_stage_end(p, &w->stages[at], &names, &rows));
    struct qn_field *fields = QN_NEW_ARRAY(p->arena, struct qn_field, names.n);
    out->tables = qn_sql_grow(p->arena, out->tables, out->n_tables, sizeof *out->tables);
    const char *name = qn_arena_printf(p->arena, "r%u", w->s.scope.first_table + at);
    if (!fields || !out->tables || !name)
        return QN_QUERY_NOMEM(p);
    for (uint32_t c = 0; c < names.n; c++)
        fields[c] = (struct qn_field){rows.columns[c].name, rows.columns[c].type};
    out->tables[out->n_tables++] =
        (struct qn_query_staged){rows.input, name, {fields, names.n}, columns.items};
    return QN_OK;
}

static qn_code end_tables(struct writing *w)
{
    for (uint32_t i = 0; i < w->s.scope.n_relations; i++)
        if (!w->s.scope.relations[i].rows.walk)
            QN_TRY(end_table(w, i));
    return QN_OK;
}

/* An index of a filled table by the column, when it is a relation's of this SELECT. */
static qn_code add_index(struct writing *w, const struct qn_ast *column)
{
    struct qn_query_sqlite *out = w->s.out;
    const struct qn_query_field *field = &w->s.scope.fields[column->number - 1];
    const char *name = strchr(field->name, '.') + 1;
    uint32_t table = w->s.scope.first_table + field->relation;
    if (w->s.scope.relations[field->relation].rows.walk)
        return QN_OK;
    out->indexes =
        qn_arena_printf(w->s.p->arena, "%sCREATE INDEX IF NOT EXISTS r%u_%s ON r%u(%s); ",
                        out->indexes ? out->indexes : "", table, name, table, name);
    return out->indexes ? QN_OK : QN_QUERY_NOMEM(w->s.p);
}

static bool is_inner(const struct qn_ast *ast)
{
    return ast->kind == QN_AST_COLUMN && !ast->outer;
}

/* For equalities of a join that keeps rows of its right side. SQLite makes no index of its own
 * there: it would go through all of them for every row of the left. */
static qn_code index_join(struct writing *w, const struct qn_ast *on, uint32_t relation)
{
    if (on->kind == QN_AST_BINARY && on->op == QN_TOK_AND) {
        QN_TRY(index_join(w, on->args[0], relation));
        return index_join(w, on->args[1], relation);
    }
    for (uint32_t i = 0; i < 2 && on->kind == QN_AST_BINARY && on->op == QN_TOK_EQ; i++)
        if (is_inner(on->args[i]) &&
            w->s.scope.fields[on->args[i]->number - 1].relation == relation)
            QN_TRY(add_index(w, on->args[i]));
    return QN_OK;
}

/* For equalities with a column of the query around this one: SQLite would make its index anew for
 * every row of that one. */
static qn_code index_correlation(struct writing *w, const struct qn_ast *where)
{
    if (where->kind == QN_AST_BINARY && where->op == QN_TOK_AND) {
        QN_TRY(index_correlation(w, where->args[0]));
        return index_correlation(w, where->args[1]);
    }
    for (uint32_t i = 0; i < 2 && where->kind == QN_AST_BINARY && where->op == QN_TOK_EQ; i++) {
        const struct qn_ast *other = where->args[1 - i];
        if (is_inner(where->args[i]) && other->kind == QN_AST_COLUMN && other->outer)
            QN_TRY(add_index(w, where->args[i]));
    }
    return QN_OK;
}

/* --- clauses --------------------------------------------------------------------------------- */

static qn_code put_from(struct writing *w, struct qn_buf *out)
{
    static const char *const words[] = {[QN_SQL_CROSS] = "CROSS JOIN",
                                        [QN_SQL_INNER] = "JOIN",
                                        [QN_SQL_LEFT] = "LEFT JOIN",
                                        [QN_SQL_RIGHT] = "RIGHT JOIN",
                                        [QN_SQL_FULL] = "FULL JOIN"};
    const struct qn_query_scope *scope = &w->s.scope;
    for (uint32_t i = 0; i < scope->n_relations; i++) {
        const struct qn_query_relation *relation = &scope->relations[i];
        if (relation->how == QN_SQL_SEMI || relation->how == QN_SQL_ANTI)
            return QN_QUERY_REFUSE(w->s.p, relation->mark, "write EXISTS (SELECT ...)",
                                   "SEMI and ANTI joins in a query that SQLite answers");
        const char *walk = relation->rows.walk;
        qn_buf_printf(out, " %s %s%sr%u", i ? words[relation->how] : "FROM", walk ? walk : "",
                      walk ? " AS " : "", scope->first_table + i);
        if (!relation->on)
            continue;
        qn_buf_printf(out, " ON ");
        QN_TRY(qn_sqlite_condition(&w->s, relation->on, out));
        if (relation->how == QN_SQL_FULL || relation->how == QN_SQL_RIGHT)
            QN_TRY(index_join(w, relation->on, i));
    }
    return QN_OK;
}

/* Keys are known from here on. */
static qn_code put_groups(struct writing *w, struct qn_buf *out)
{
    struct qn_query_planner *p = w->s.p;
    uint32_t n = w->body->n_group_by;
    struct qn_sqlite_key *keys = QN_NEW_ARRAY(p->arena, struct qn_sqlite_key, n);
    if (!keys)
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_ast *ast = w->body->group_by[i];
        struct qn_buf sql;
        bool untyped;
        QN_TRY(qn_sqlite_canonical(&w->s, ast, &keys[i].text));
        if (!keys[i].text)
            return QN_QUERY_REFUSE(p, ast->mark, "group by a column of a subquery in FROM",
                                   "this cannot be grouped by in a query that SQLite answers");
        qn_buf_init(&sql);
        qn_code code = qn_sqlite_expr(&w->s, ast, &sql, &keys[i].type, &untyped);
        keys[i].sql = qn_arena_strdup(p->arena, qn_buf_strv(&sql));
        qn_buf_fini(&sql);
        QN_TRY(code);
        qn_buf_printf(out, "%s%s", i ? ", " : " GROUP BY ", keys[i].sql);
    }
    w->s.keys = keys;
    w->s.n_keys = n;
    w->s.grouped = w->s.scope.closed = w->s.scope.grouped;
    return QN_OK;
}

static qn_code put_items(struct writing *w, struct qn_buf *out)
{
    w->s.windows = true;
    for (uint32_t i = 0; i < w->n_items; i++) {
        struct qn_query_column *column = &w->columns[i];
        qn_buf_printf(out, "%s", i ? ", " : "");
        QN_TRY(qn_sqlite_expr(&w->s, w->items[i].expr, out, &column->type, &column->untyped));
        column->name = qn_arena_printf(w->s.p->arena, "c%u", i + 1);
        if (!column->name)
            return QN_QUERY_NOMEM(w->s.p);
    }
    return QN_OK;
}

/* The item that is ordered by, or n_items. */
static qn_code find_item(struct writing *w, const struct qn_ast *ast, uint32_t *out)
{
    const char *text, *other;
    if (ast->kind == QN_AST_INTEGER)
        return at_position(w, ast, out);
    QN_TRY(qn_sqlite_canonical(&w->s, ast, &text));
    for (*out = 0; *out < w->n_items; ++*out) {
        const struct qn_ast *item = w->items[*out].expr;
        if (item == ast || (item->args && item->args == ast->args) ||
            (item->aggregate && item->aggregate == ast->aggregate) ||
            (item->query && item->query == ast->query))
            return QN_OK;
        QN_TRY(qn_sqlite_canonical(&w->s, item, &other));
        if (text && other && strcmp(text, other) == 0)
            return QN_OK;
    }
    return QN_OK;
}

/* What orders the rows and is no item becomes a column behind them. */
static qn_code put_key(struct writing *w, const struct qn_sql_order *order, struct qn_buf *items,
                       struct qn_sort_key *key)
{
    struct qn_query_planner *p = w->s.p;
    *key = (struct qn_sort_key){0, order->descending, order->nulls_first};
    QN_TRY(find_item(w, order->expr, &key->column));
    if (key->column < w->n_items)
        return QN_OK;
    if (w->body->distinct)
        return QN_QUERY_REFUSE(p, order->expr->mark, "select it as well",
                               "SELECT DISTINCT is ordered by what is not selected");
    key->column = w->n_columns;
    w->columns = qn_sql_grow(p->arena, w->columns, w->n_columns, sizeof *w->columns);
    if (!w->columns)
        return QN_QUERY_NOMEM(p);
    struct qn_query_column *column = &w->columns[w->n_columns++];
    *column = (struct qn_query_column){.shown = ""};
    column->name = qn_arena_printf(p->arena, "c%u", w->n_columns);
    qn_buf_printf(items, ", ");
    QN_TRY(qn_sqlite_expr(&w->s, order->expr, items, &column->type, &column->untyped));
    return column->name ? QN_OK : QN_QUERY_NOMEM(p);
}

static bool has_aggregate(const struct writing *w)
{
    bool found = qn_query_has(w->body->having, QN_AST_AGGREGATE);
    for (uint32_t i = 0; i < w->n_items && !found; i++)
        found = qn_query_has(w->items[i].expr, QN_AST_AGGREGATE);
    return found;
}

/* --- a SELECT -------------------------------------------------------------------------------- */

static qn_code write_clauses(struct writing *w, const struct qn_sql_order *order, uint32_t n_order,
                             struct qn_sort_key *keys, struct qn_buf *items, struct qn_buf *rest)
{
    QN_TRY(put_from(w, rest));
    if (w->where) {
        qn_buf_printf(rest, " WHERE ");
        QN_TRY(qn_sqlite_condition(&w->s, w->where, rest));
        QN_TRY(index_correlation(w, w->where));
    }
    QN_TRY(put_groups(w, rest));
    if (w->body->having) {
        qn_buf_printf(rest, " HAVING ");
        QN_TRY(qn_sqlite_condition(&w->s, w->body->having, rest));
    }
    QN_TRY(put_items(w, items));
    for (uint32_t i = 0; i < n_order; i++)
        QN_TRY(put_key(w, &order[i], items, &keys[i]));
    return QN_OK;
}

/* Windows are worked out for all rows; those that QUALIFY leaves are selected from these. */
static qn_code put_qualified(struct writing *w, struct qn_buf *items, const struct qn_buf *rest,
                             struct qn_buf *out)
{
    qn_buf_printf(items, ", ");
    QN_TRY(qn_sqlite_condition(&w->s, w->body->qualify, items));
    qn_buf_printf(out, "SELECT %s", w->body->distinct ? "DISTINCT " : "");
    for (uint32_t i = 0; i < w->n_columns; i++)
        qn_buf_printf(out, "%sc%u", i ? ", " : "", i + 1);
    qn_buf_printf(out, " FROM (WITH q(");
    for (uint32_t i = 0; i <= w->n_columns; i++)
        qn_buf_printf(out, "%sc%u", i ? ", " : "", i + 1);
    qn_buf_printf(out, ") AS (SELECT %.*s%.*s) SELECT * FROM q) WHERE c%u", (int)items->len,
                  (const char *)items->data, (int)rest->len, (const char *)rest->data,
                  w->n_columns + 1);
    return QN_OK;
}

qn_code qn_sqlite_put_select(struct qn_query_planner *p, struct qn_query_sqlite *sqlite,
                             struct qn_sql_body *body, const struct qn_sql_order *order,
                             uint32_t n_order, struct qn_sort_key *keys, struct qn_buf *out,
                             struct qn_sqlite_columns *columns)
{
    struct writing *w = QN_NEW(p->arena, struct writing);
    struct qn_buf items, rest;
    if (!w)
        return QN_QUERY_NOMEM(p);
    w->s = (struct qn_sqlite_select){.p = p, .out = sqlite};
    w->body = body;
    w->s.scope.in_sqlite = true;
    w->s.scope.outer = p->scope;
    w->s.scope.query = p->asked;
    p->scope = &w->s.scope;
    QN_TRY(read_clauses(w, order, n_order));
    QN_TRY(begin_tables(w));
    w->where = body->where;
    if (body->where && !qn_query_has(body->where, QN_AST_AGGREGATE))
        QN_TRY(push_down(w, body->where, &w->where));
    QN_TRY(name_columns(w));
    if (body->having && !body->n_group_by && !has_aggregate(w))
        return QN_QUERY_REFUSE(p, body->having->mark, "write WHERE",
                               "HAVING without groups and aggregates");
    qn_buf_init(&items);
    qn_buf_init(&rest);
    qn_code code = write_clauses(w, order, n_order, keys, &items, &rest);
    if (code == QN_OK && body->qualify)
        code = put_qualified(w, &items, &rest, out);
    else
        qn_buf_printf(out, "SELECT %s%.*s%.*s", body->distinct ? "DISTINCT " : "", (int)items.len,
                      (const char *)items.data, (int)rest.len, (const char *)rest.data);
    if (items.failed || rest.failed || out->failed)
        code = code == QN_OK ? QN_QUERY_NOMEM(p) : code;
    qn_buf_fini(&items);
    qn_buf_fini(&rest);
    QN_TRY(code);
    p->scope = w->s.scope.outer;
    columns->items = w->columns;
    columns->n = w->n_columns;
    columns->n_shown = w->n_items;
    columns->single = body->n_from == 0 || (w->s.scope.grouped && !body->n_group_by);
    return end_tables(w);
}
