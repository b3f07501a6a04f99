/* What a star stands for: the columns of relations, in the order in which these were written. */
#include "query/parse.h"
#include "query/planner.h"

/* Columns of a join in parentheses keep the names of their own relations. */
struct qn_strv qn_query_field_alias(const struct qn_query_scope *scope, uint32_t field)
{
    const char *table = scope->fields[field].table;
    return table ? qn_strv_from(table) : scope->relations[scope->fields[field].relation].alias;
}

static bool is_meant(const struct qn_query_scope *scope, const struct qn_sql_item *star,
                     uint32_t field)
{
    struct qn_strv alias = qn_query_field_alias(scope, field);
    if (!scope->relations[scope->fields[field].relation].visible)
        return false;
    return star->table.text.data ? qn_strv_eq_nocase(alias, star->table.text)
                                 : !scope->fields[field].hidden;
}

static bool is_named(const struct qn_sql_name *name, const char *shown)
{
    return qn_strv_eq_nocase(name->text, qn_strv_from(shown));
}

static bool is_excluded(const struct qn_sql_item *star, const char *shown)
{
    for (uint32_t i = 0; i < star->n_excluded; i++)
        if (is_named(&star->excluded[i], shown))
            return true;
    return false;
}

static qn_code add(struct qn_query_planner *p, struct qn_query_scope *scope,
                   const struct qn_sql_item *star, uint32_t field, struct qn_query_starred *out)
{
    struct qn_query_starred_item *item;
    struct qn_strv alias = qn_query_field_alias(scope, field);
    const char *shown = scope->fields[field].shown;
    out->items = qn_sql_grow(p->arena, out->items, out->n, sizeof *out->items);
    if (!out->items)
        return QN_QUERY_NOMEM(p);
    item = &out->items[out->n++];
    *item = (struct qn_query_starred_item){.shown = shown};
    for (uint32_t i = 0; i < star->n_replaced; i++)
        if (is_named(&star->replaced[i].alias, shown)) {
            item->expr = star->replaced[i].expr;
            return qn_query_resolve(p, scope, item->expr);
        }
    item->table = alias.data ? qn_arena_strdup(p->arena, alias) : NULL;
    item->expr = qn_query_field_ast(p, scope, field, !star->table.text.data, star->mark);
    return item->expr ? QN_OK : QN_QUERY_NOMEM(p);
}

/* A name behind EXCLUDE or REPLACE is one of the star's columns. */
static qn_code check_name(struct qn_query_planner *p, const struct qn_query_scope *scope,
                          const struct qn_sql_item *star, const struct qn_sql_name *name)
{
    for (uint32_t i = 0; i < scope->n_fields; i++)
        if (is_meant(scope, star, i) && is_named(name, scope->fields[i].shown))
            return QN_OK;
    return QN_QUERY_REFUSE(p, name->mark, NULL, "the star has no column '%.*s'",
                           QN_SHORT_ARG(name->text));
}

qn_code qn_query_expand_star(struct qn_query_planner *p, struct qn_query_scope *scope,
                             const struct qn_sql_item *star, struct qn_query_starred *out)
{
    bool any = false;
    *out = (struct qn_query_starred){0};
    for (uint32_t i = 0; i < star->n_excluded; i++)
        QN_TRY(check_name(p, scope, star, &star->excluded[i]));
    for (uint32_t i = 0; i < star->n_replaced; i++)
        QN_TRY(check_name(p, scope, star, &star->replaced[i].alias));
    for (uint32_t i = 0; i < scope->n_fields; i++) {
        if (!is_meant(scope, star, i))
            continue;
        any = true;
        if (!is_excluded(star, scope->fields[i].shown))
            QN_TRY(add(p, scope, star, i, out));
    }
    if (any && !out->n)
        return QN_QUERY_REFUSE(p, star->mark, NULL, "EXCLUDE leaves no column");
    if (!any && star->table.text.data)
        return QN_QUERY_REFUSE(p, star->mark, NULL, "no relation here is called '%.*s'",
                               QN_SHORT_ARG(star->table.text));
    return any ? QN_OK : QN_QUERY_REFUSE(p, star->mark, NULL, "there is nothing to select from");
}

/* --- GROUP BY ALL ---------------------------------------------------------------------------- */

qn_code qn_query_group_by_all(struct qn_query_planner *p, struct qn_sql_body *body,
                              const struct qn_sql_item *items, uint32_t n)
{
    if (!body->group_all)
        return QN_OK;
    body->group_by = QN_NEW_ARRAY(p->arena, struct qn_ast *, n);
    body->n_group_by = 0;
    if (!body->group_by)
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < n; i++)
        if (!qn_query_has(items[i].expr, QN_AST_AGGREGATE) &&
            !qn_query_has(items[i].expr, QN_AST_WINDOW))
            body->group_by[body->n_group_by++] = items[i].expr;
    return QN_OK;
}
