/* One SELECT as jobs:  join, filter  ->  groups  ->  having, what is selected  ->  DISTINCT; each
 * arrow is another job only when the one before cannot take it in. */
#include <string.h>

#include "query/parse.h"
#include "query/planner.h"

struct selecting {
    struct qn_query_planner *p;
    struct qn_sql_body *body;
    const struct qn_sql_order *order;
    uint32_t n_order;
    struct qn_query_scope scope;
    struct qn_query_stage stage;
    struct qn_sql_item *items; /* stars replaced by their columns */
    uint32_t n_items;
    const char **shown; /* by item */
    bool grouped;       /* there are groups; folded: the stage's rows are they */
    bool folded;
    struct qn_query_pairs known; /* keys, then aggregates: columns by the text of what they are */
    struct qn_query_names select;
};

/* --- items ----------------------------------------------------------------------------------- */

static qn_code add_item(struct selecting *s, const struct qn_sql_item *item, const char *shown)
{
    struct qn_query_planner *p = s->p;
    struct qn_query_names names = {s->shown, s->n_items};
    if (s->n_items == QN_MAX_COLUMNS)
        return QN_QUERY_REFUSE(p, item->mark, NULL, "more than %d columns are refused",
                               QN_MAX_COLUMNS);
    s->items = qn_sql_grow(p->arena, s->items, s->n_items, sizeof *s->items);
    if (!s->items || !qn_query_names_add(p->arena, &names, shown))
        return QN_QUERY_NOMEM(p);
    s->shown = names.items;
    s->items[s->n_items++] = *item;
    return QN_OK;
}

static qn_code add_star(struct selecting *s, const struct qn_sql_item *star)
{
    struct qn_query_starred starred;
    if (s->body->n_from == 0)
        return QN_QUERY_REFUSE(s->p, star->mark, NULL, "there is nothing to select from");
    QN_TRY(qn_query_expand_star(s->p, &s->scope, star, &starred));
    for (uint32_t i = 0; i < starred.n; i++) {
        const struct qn_query_starred_item *found = &starred.items[i];
        struct qn_sql_item item = {.expr = found->expr, .mark = star->mark};
        if (found->table)
            item.table.text = qn_strv_from(found->table);
        QN_TRY(add_item(s, &item, found->shown));
    }
    return QN_OK;
}

/* The alias, the column's name, or the expression as it was written. */
static const char *shown_name(const struct selecting *s, const struct qn_sql_item *item)
{
    if (item->alias.text.data)
        return qn_arena_strdup(s->p->arena, item->alias.text);
    if (item->expr->kind == QN_AST_COLUMN)
        return qn_arena_strdup(s->p->arena, item->expr->text);
    struct qn_strv text = {s->p->text.data + item->mark.offset, item->mark.width};
    return qn_arena_strdup(s->p->arena, text);
}

static qn_code read_items(struct selecting *s)
{
    for (uint32_t i = 0; i < s->body->n_items; i++) {
        struct qn_sql_item *item = &s->body->items[i];
        if (!item->expr) {
            QN_TRY(add_star(s, item));
            continue;
        }
        const char *shown = shown_name(s, item);
        QN_TRY(qn_query_resolve(s->p, &s->scope, item->expr));
        QN_TRY(add_item(s, item, shown));
    }
    s->scope.items = s->items; /* from here on their names are known */
    s->scope.n_items = s->n_items;
    return QN_OK;
}

/* The item at a position: GROUP BY 1, ORDER BY 2. */
static qn_code at_position(struct selecting *s, const struct qn_ast *ast, uint32_t *out)
{
    if (ast->number < 1 || ast->number > (int64_t)s->n_items)
        return QN_QUERY_REFUSE(s->p, ast->mark, NULL, "there is no column %lld, but 1 to %u",
                               (long long)ast->number, s->n_items);
    *out = (uint32_t)(ast->number - 1);
    return QN_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static qn_code refuse_aggregate(struct selecting *s, const struct qn_ast *ast, const char *where,
                                const char *hint)
{
    if (!ast || !qn_query_has(ast, QN_AST_AGGREGATE))
        return QN_OK;
    return QN_QUERY_REFUSE(s->p, ast->mark, hint, "an aggregate in %s", where);
}

static qn_code read_groups(struct selecting *s)
{
    QN_TRY(qn_query_group_by_all(s->p, s->body, s->items, s->n_items));
    for (uint32_t i = 0; i < s->body->n_group_by; i++) {
        struct qn_ast **key = &s->body->group_by[i];
        uint32_t item = 0;
        if ((*key)->kind == QN_AST_INTEGER) {
            QN_TRY(at_position(s, *key, &item));
            *key = s->items[item].expr;
        } else {
            QN_TRY(qn_query_resolve(s->p, &s->scope, *key));
        }
        QN_TRY(refuse_aggregate(s, *key, "GROUP BY", "group in a subquery first"));
    }
    return QN_OK;
}

static qn_code read_clauses(struct selecting *s)
{
    struct qn_sql_body *body = s->body;
    if (body->qualify) {
        qn_query_leave(s->p, s->p->asked);
        return QN_QUERY_REFUSE(s->p, body->qualify->mark, "filter the rows of a subquery",
                               "QUALIFY and DISTINCT ON are not supported at this place");
    }
    QN_TRY(qn_query_from(s->p, &s->scope, body));
    QN_TRY(read_items(s));
    if (body->where)
        QN_TRY(qn_query_resolve(s->p, &s->scope, body->where));
    QN_TRY(refuse_aggregate(s, body->where, "WHERE", "conditions of groups stand in HAVING"));
    QN_TRY(read_groups(s));
    if (body->having)
        QN_TRY(qn_query_resolve(s->p, &s->scope, body->having));
    for (uint32_t i = 0; i < s->n_order; i++)
        QN_TRY(qn_query_resolve_key(s->p, &s->scope, s->order[i].expr));
    s->grouped = body->grouped || body->having;
    for (uint32_t i = 0; i < s->n_items; i++)
        s->grouped |= qn_query_has(s->items[i].expr, QN_AST_AGGREGATE);
    for (uint32_t i = 0; i < s->n_order; i++)
        s->grouped |= qn_query_has(s->order[i].expr, QN_AST_AGGREGATE);
    return QN_OK;
}

/* Of no rows at all there is still one group, but none that a value could stand beside. */
static qn_code pull_values(struct selecting *s, struct qn_ast *ast)
{
    if (!s->grouped || ast->kind == QN_AST_AGGREGATE)
        return qn_query_pull_values(s->p, &s->scope, ast);
    if (s->body->n_group_by)
        return qn_query_pull_group_values(s->p, &s->scope, ast);
    for (uint32_t i = 0; i < ast->n_args; i++)
        QN_TRY(pull_values(s, ast->args[i]));
    return QN_OK;
}

/* Queries in WHERE and in what is selected. */

static qn_code pull_queries(struct selecting *s)
{
    if (s->body->where)
        QN_TRY(qn_query_pull_conditions(s->p, &s->scope, &s->body->where));
    for (uint32_t i = 0; i < s->body->n_group_by; i++)
        QN_TRY(qn_query_pull_values(s->p, &s->scope, s->body->group_by[i]));
    for (uint32_t i = 0; i < s->n_items; i++)
        QN_TRY(pull_values(s, s->items[i].expr));
    return s->body->having ? pull_values(s, s->body->having) : QN_OK;
}

/* --- columns of the stage -------------------------------------------------------------------- */

/* What is to be kept of the stage when another job begins. */
static qn_code next_stage(struct selecting *s)
{
    struct qn_query_names names = {0};
    if (!s->folded)
        QN_TRY(qn_query_used(s->p, &s->scope, &names));
    for (uint32_t i = 0; i < s->known.n; i++)
        if (!qn_query_name_taken(&names, qn_strv_from(s->known.items[i].name)) &&
            !qn_query_names_add(s->p->arena, &names, s->known.items[i].name))
            return QN_QUERY_NOMEM(s->p);
    return qn_query_stage_next(s->p, &s->stage, &names);
}

/* A column for the expression: one that is there, unless it is none of `reuse`'s kind, else a new
 * one. Expressions need a job without joins and groups so far. */
static qn_code make_column(struct selecting *s, const struct qn_ast *ast, struct qn_strv wish,
                           const struct qn_query_names *but, const char **out)
{
    struct qn_query_planner *p = s->p;
    struct qn_query_text text;
    QN_TRY(qn_query_express(p, &s->scope, &s->stage, s->folded ? &s->known : NULL, ast, &text));
    *out = text.column;
    if (*out && !(but && (qn_query_name_taken(but, qn_strv_from(*out)) ||
                          !qn_strv_is_identifier(qn_strv_from(*out)))))
        return QN_OK;
    if (s->stage.joined || s->stage.grouped)
        QN_TRY(next_stage(s));
    *out = qn_query_fresh_name(p, &s->scope, wish);
    if (!*out || !qn_query_pairs_add(p->arena, &s->stage.job->derive, *out, text.text))
        return QN_QUERY_NOMEM(p);
    return qn_query_stage_add(p, &s->stage, *out, text.type);
}

/* --- groups ---------------------------------------------------------------------------------- */

static bool is_known(const struct selecting *s, const char *text)
{
    for (uint32_t i = 0; i < s->known.n; i++)
        if (strcmp(s->known.items[i].text, text) == 0)
            return true;
    return false;
}

/* The alias of the item that is this expression, or another wish. */
static struct qn_strv wish_for(const struct selecting *s, const struct qn_ast *ast,
                               struct qn_strv other)
{
    for (uint32_t i = 0; i < s->n_items; i++)
        if (s->items[i].alias.text.data &&
            (s->items[i].expr == ast || (s->items[i].expr->args == ast->args && ast->args)))
            return s->items[i].alias.text;
    return other;
}

static qn_code add_keys(struct selecting *s)
{
    for (uint32_t i = 0; i < s->body->n_group_by; i++) {
        const struct qn_ast *ast = s->body->group_by[i];
        const char *text, *name;
        QN_TRY(qn_query_render(s->p, &s->scope, NULL, ast, &text));
        if (is_known(s, text))
            continue;
        QN_TRY(make_column(s, ast, wish_for(s, ast, QN_STRV_LIT("group_key")), NULL, &name));
        if (!qn_query_pairs_add(s->p->arena, &s->known, name, text))
            return QN_QUERY_NOMEM(s->p);
    }
    return QN_OK;
}

/* Every aggregate call of the tree, each once. */
static qn_code add_aggregates(struct selecting *s, const struct qn_ast *ast,
                              struct qn_field *fields, uint32_t *n)
{
    struct qn_query_planner *p = s->p;
    struct qn_query_text text;
    if (ast->kind != QN_AST_AGGREGATE) {
        for (uint32_t i = 0; i < ast->n_args; i++)
            QN_TRY(add_aggregates(s, ast->args[i], fields, n));
        return QN_OK;
    }
    QN_TRY(qn_query_express(p, &s->scope, &s->stage, NULL, ast, &text));
    if (is_known(s, text.text))
        return QN_OK;
    if (*n == QN_MAX_COLUMNS)
        return QN_QUERY_REFUSE(p, ast->mark, NULL, "more than %d aggregates", QN_MAX_COLUMNS);
    const char *name = qn_query_fresh_name(p, &s->scope, wish_for(s, ast, ast->aggregate->name));
    if (!name || !qn_query_pairs_add(p->arena, &s->known, name, text.text) ||
        !qn_query_pairs_add(p->arena, &s->stage.job->aggregate, name, text.text))
        return QN_QUERY_NOMEM(p);
    fields[(*n)++] = (struct qn_field){name, text.type};
    return QN_OK;
}

static qn_code all_aggregates(struct selecting *s, struct qn_field *fields, uint32_t *n)
{
    for (uint32_t i = 0; i < s->n_items; i++)
        QN_TRY(add_aggregates(s, s->items[i].expr, fields, n));
    if (s->body->having)
        QN_TRY(add_aggregates(s, s->body->having, fields, n));
    for (uint32_t i = 0; i < s->n_order; i++)
        QN_TRY(add_aggregates(s, s->order[i].expr, fields, n));
    return QN_OK;
}

static qn_code fold(struct selecting *s)
{
    struct qn_query_planner *p = s->p;
    struct qn_query_stage *stage = &s->stage;
    struct qn_field *made = QN_NEW_ARRAY(p->arena, struct qn_field, QN_MAX_COLUMNS + 1);
    struct qn_query_stage groups = {.grouped = true, .bytes = stage->bytes / 8};
    uint32_t n = 0;
    if (!made)
        return QN_QUERY_NOMEM(p);
    QN_TRY(add_keys(s)); /* may begin another job */
    groups.job = stage->job;
    uint32_t n_keys = s->known.n;
    const struct qn_schema before = {stage->fields, stage->n_fields};
    QN_TRY(all_aggregates(s, made, &n));
    if (s->known.n == 0) { /* one group of all rows, of which nothing is asked */
        if (!qn_query_pairs_add(p->arena, &stage->job->aggregate, "n_rows", "count(*)"))
            return QN_QUERY_NOMEM(p);
        made[n++] = (struct qn_field){"n_rows", {.id = QN_INT64}};
    }
    for (uint32_t i = 0; i < n_keys; i++) {
        const char *name = s->known.items[i].name;
        int32_t at = qn_schema_find(&before, qn_strv_from(name));
        QN_TRY(qn_query_stage_add(p, &groups, name, before.fields[at].type));
        if (!qn_query_names_add(p->arena, &groups.job->group_by, name))
            return QN_QUERY_NOMEM(p);
    }
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(qn_query_stage_add(p, &groups, made[i].name, made[i].type));
    *stage = groups;
    s->folded = true;
    return QN_OK;
}

static qn_code filter_groups(struct selecting *s)
{
    struct qn_query_text text;
    if (!s->body->having)
        return QN_OK;
    QN_TRY(next_stage(s));
    QN_TRY(qn_query_express(s->p, &s->scope, &s->stage, &s->known, s->body->having, &text));
    QN_TRY(qn_query_truth(s->p, text.type, s->body->having));
    return qn_query_stage_filter(s->p, &s->stage, text.text);
}

/* --- what goes out --------------------------------------------------------------------------- */

static qn_code select_items(struct selecting *s)
{
    for (uint32_t i = 0; i < s->n_items; i++) {
        const char *name;
        struct qn_strv wish =
            s->items[i].alias.text.data ? s->items[i].alias.text : qn_strv_from(s->shown[i]);
        QN_TRY(make_column(s, s->items[i].expr, wish, &s->select, &name));
        if (!qn_query_names_add(s->p->arena, &s->select, name))
            return QN_QUERY_NOMEM(s->p);
    }
    return QN_OK;
}

/* The item that is this expression. */
static qn_code find_item(struct selecting *s, const struct qn_ast *ast, uint32_t *out)
{
    const char *text, *other;
    QN_TRY(qn_query_render(s->p, &s->scope, NULL, ast, &text));
    for (*out = 0; *out < s->n_items; ++*out) {
        QN_TRY(qn_query_render(s->p, &s->scope, NULL, s->items[*out].expr, &other));
        if (strcmp(text, other) == 0)
            break;
    }
    return QN_OK;
}

static qn_code order_by(struct selecting *s, const struct qn_sql_order *order, uint32_t *column)
{
    const char *name;
    if (order->expr->kind == QN_AST_INTEGER)
        return at_position(s, order->expr, column);
    QN_TRY(find_item(s, order->expr, column));
    if (*column < s->n_items)
        return QN_OK;
    if (s->body->distinct)
        return QN_QUERY_REFUSE(s->p, order->expr->mark, "select it as well",
                               "SELECT DISTINCT is ordered by what is not selected");
    QN_TRY(make_column(s, order->expr, QN_STRV_LIT("order_key"), NULL, &name));
    for (*column = 0; *column < s->select.n; ++*column)
        if (strcmp(s->select.items[*column], name) == 0)
            return QN_OK;
    return qn_query_names_add(s->p->arena, &s->select, name) ? QN_OK : QN_QUERY_NOMEM(s->p);
}

static qn_code order_keys(struct selecting *s, struct qn_sort_key **out)
{
    struct qn_sort_key *keys = *out = QN_NEW_ARRAY(s->p->arena, struct qn_sort_key, s->n_order);
    if (!keys)
        return QN_QUERY_NOMEM(s->p);
    for (uint32_t i = 0; i < s->n_order; i++) {
        keys[i].descending = s->order[i].descending;
        keys[i].nulls_first = s->order[i].nulls_first;
        QN_TRY(order_by(s, &s->order[i], &keys[i].column));
    }
    return QN_OK;
}

/* Equal rows are one: groups of which nothing is asked. */
static qn_code make_distinct(struct selecting *s)
{
    if (!s->body->distinct)
        return QN_OK;
    if (s->stage.grouped)
        QN_TRY(qn_query_stage_next(s->p, &s->stage, &s->select));
    s->stage.job->group_by = s->select;
    s->stage.grouped = true;
    return QN_OK;
}

static void describe(const struct selecting *s, struct qn_query_selected *out)
{
    for (uint32_t i = 0; i < s->n_items; i++) {
        out->rows.columns[i].shown = s->shown[i];
        out->rows.columns[i].untyped = s->items[i].expr->kind == QN_AST_NULL;
        out->rows.columns[i].table =
            s->items[i].table.text.data ? s->items[i].table.text.data : NULL;
    }
    out->n_shown = s->n_items;
    out->rows.single = s->body->n_from == 0 || (s->grouped && s->body->n_group_by == 0);
    if (out->rows.single)
        out->rows.bytes = 0;
}

qn_code qn_query_select(struct qn_query_planner *p, struct qn_sql_body *body,
                        const struct qn_sql_order *order, uint32_t n_order,
                        struct qn_query_selected *out)
{
    struct selecting s = {.p = p, .body = body, .order = order, .n_order = n_order};
    s.scope.outer = p->scope;
    s.scope.query = p->asked;
    p->scope = &s.scope;
    QN_TRY(read_clauses(&s));
    QN_TRY(pull_queries(&s));
    p->scope = s.scope.outer;
    QN_TRY(qn_query_join(p, &s.scope, body->where, &s.stage));
    if (s.grouped) {
        QN_TRY(fold(&s));
        QN_TRY(filter_groups(&s));
    }
    QN_TRY(select_items(&s));
    QN_TRY(order_keys(&s, &out->keys));
    QN_TRY(make_distinct(&s));
    QN_TRY(qn_query_stage_end(p, &s.stage, &s.select, &out->rows));
    describe(&s, out);
    return QN_OK;
}
