/* What a name in an expression stands for. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "query/parse.h"
#include "query/planner.h"

enum { SHOWN = 12 }; /* columns that a complaint lists */

bool qn_query_name_taken(const struct qn_query_names *names, struct qn_strv name)
{
    for (uint32_t i = 0; i < names->n; i++)
        if (qn_strv_eq_nocase(name, qn_strv_from(names->items[i])))
            return true;
    return false;
}

const char *qn_query_fresh_name(struct qn_query_planner *p, struct qn_query_scope *scope,
                                struct qn_strv wish)
{
    if (!qn_strv_is_identifier(wish) || wish.len > 50)
        wish = QN_STRV_LIT("c");
    const char *name = qn_arena_strdup(p->arena, wish);
    for (uint32_t i = 1; name && qn_query_name_taken(&scope->taken, qn_strv_from(name)); i++)
        name = qn_arena_printf(p->arena, "%.*s_%u", QN_STRV_ARG(wish), i);
    return name && qn_query_names_add(p->arena, &scope->taken, name) ? name : NULL;
}

static qn_code check_alias(struct qn_query_planner *p, const struct qn_query_scope *scope,
                           const struct qn_query_relation *relation)
{
    for (uint32_t i = 0; i < scope->n_relations && relation->alias.data; i++)
        if (qn_strv_eq_nocase(scope->relations[i].alias, relation->alias))
            return QN_QUERY_REFUSE(p, relation->mark, "give one of them another name: AS t2",
                                   "two relations are called '%.*s'",
                                   QN_SHORT_ARG(relation->alias));
    return QN_OK;
}

qn_code qn_query_scope_add(struct qn_query_planner *p, struct qn_query_scope *scope,
                           const struct qn_query_relation *relation)
{
    const struct qn_query_rows *rows = &relation->rows;
    if (scope->n_relations == QN_QUERY_RELATIONS)
        return QN_QUERY_REFUSE(p, relation->mark, "join some of them in a subquery",
                               "more than %d relations in one SELECT", QN_QUERY_RELATIONS);
    QN_TRY(check_alias(p, scope, relation));
    uint32_t n = scope->n_fields + rows->n_columns;
    struct qn_query_field *fields = QN_NEW_ARRAY(p->arena, struct qn_query_field, n);
    if (!fields)
        return QN_QUERY_NOMEM(p);
    if (scope->n_fields)
        memcpy(fields, scope->fields, scope->n_fields * sizeof *fields);
    for (uint32_t i = 0; i < rows->n_columns; i++) {
        const struct qn_query_column *column = &rows->columns[i];
        fields[scope->n_fields + i] = (struct qn_query_field){.shown = column->shown,
                                                              .source = column->name,
                                                              .type = column->type,
                                                              .relation = scope->n_relations};
        if (relation->written && relation->written->joined)
            fields[scope->n_fields + i].table = column->table;
        if (!qn_query_name_taken(&scope->taken, qn_strv_from(column->name)) &&
            !qn_query_names_add(p->arena, &scope->taken, column->name))
            return QN_QUERY_NOMEM(p);
    }
    scope->relations[scope->n_relations] = *relation;
    scope->relations[scope->n_relations++].first = scope->n_fields;
    scope->fields = fields;
    scope->n_fields = n;
    return QN_OK;
}

/* --- columns as trees ------------------------------------------------------------------------ */

/* A resolved tree once more: its columns are used once more. */
static struct qn_ast *copy_tree(struct qn_query_planner *p, struct qn_query_scope *scope,
                                const struct qn_ast *ast)
{
    struct qn_ast *copy = QN_NEW(p->arena, struct qn_ast);
    if (!copy)
        return NULL;
    *copy = *ast;
    copy->args = QN_NEW_ARRAY(p->arena, struct qn_ast *, ast->n_args);
    if (!copy->args)
        return NULL;
    for (uint32_t i = 0; i < ast->n_args; i++) {
        copy->args[i] = copy_tree(p, scope, ast->args[i]);
        if (!copy->args[i])
            return NULL;
    }
    if (ast->kind == QN_AST_COLUMN)
        scope->fields[ast->number - 1].uses++;
    return copy;
}

struct qn_ast *qn_query_field_ast(struct qn_query_planner *p, struct qn_query_scope *scope,
                                  uint32_t field, bool bare, struct qn_mark mark)
{
    struct qn_ast column = {.kind = QN_AST_COLUMN,
                            .mark = mark,
                            .number = (int64_t)field + 1,
                            .text = qn_strv_from(scope->fields[field].shown)};
    const struct qn_ast *merged = bare ? scope->fields[field].merged : NULL;
    struct qn_ast *copy = copy_tree(p, scope, merged ? merged : &column);
    if (copy)
        copy->mark = mark;
    return copy;
}

/* --- finding --------------------------------------------------------------------------------- */

struct found {
    uint32_t field, n; /* n of them */
};

static bool may_see(const struct qn_query_scope *scope, uint32_t field, struct qn_strv table)
{
    struct qn_strv alias = qn_query_field_alias(scope, field);
    if (!scope->relations[scope->fields[field].relation].visible)
        return false;
    if (!table.data)
        return !scope->fields[field].hidden;
    return alias.data && qn_strv_eq_nocase(alias, table);
}

/* The exact case wins, else the only one that differs in case. */
static struct found find_field(const struct qn_query_scope *scope, struct qn_strv table,
                               struct qn_strv name, bool exactly)
{
    struct found found = {0};
    for (uint32_t i = 0; i < scope->n_fields; i++) {
        struct qn_strv shown = qn_strv_from(scope->fields[i].shown);
        if (!may_see(scope, i, table))
            continue;
        if (exactly ? qn_strv_eq(shown, name) : qn_strv_eq_nocase(shown, name)) {
            found.field = i;
            found.n++;
        }
    }
    return found;
}

static qn_code ambiguous(struct qn_query_planner *p, const struct qn_query_scope *scope,
                         const struct qn_ast *ast)
{
    char hint[160] = "";
    size_t at = 0;
    for (uint32_t i = 0; i < scope->n_fields && at + 64 < sizeof hint; i++) {
        const struct qn_query_field *field = &scope->fields[i];
        struct qn_strv alias = qn_query_field_alias(scope, i);
        if (!qn_strv_eq_nocase(qn_strv_from(field->shown), ast->text) || !alias.data ||
            !may_see(scope, i, ast->table))
            continue;
        at += (size_t)snprintf(hint + at, sizeof hint - at, "%s%.20s.%.20s", at ? " or " : "write ",
                               qn_arena_strdup(p->arena, alias), field->shown);
    }
    if (ast->table.data) /* which is the one that has several */
        snprintf(hint, sizeof hint, "give one of them another name, with AS");
    return QN_QUERY_REFUSE(p, ast->mark, at ? hint : NULL, "column '%.*s' is ambiguous",
                           QN_SHORT_ARG(ast->text));
}

static bool has_table(const struct qn_query_scope *scope, struct qn_strv table)
{
    for (uint32_t i = 0; i < scope->n_fields; i++)
        if (may_see(scope, i, table))
            return true;
    return false;
}

/* Whether a SELECT around this one has the column, and how many further out it is. */
static struct found find_outer(struct qn_query_scope *scope, const struct qn_ast *ast,
                               struct qn_query_scope **where, uint32_t *out)
{
    struct found found = {0};
    *out = 0;
    for (*where = scope->outer; *where && found.n == 0; *where = (*where)->outer) {
        ++*out;
        found = find_field(*where, ast->table, ast->text, true);
        if (found.n == 0)
            found = find_field(*where, ast->table, ast->text, false);
        if (found.n)
            break;
    }
    return found;
}

static void read_outside(struct qn_ast *ast, uint32_t outer)
{
    if (ast->kind == QN_AST_COLUMN)
        ast->outer = outer;
    for (uint32_t i = 0; i < ast->n_args; i++)
        read_outside(ast->args[i], outer);
}

/* The name is that of a column of this scope, `outer` SELECTs around the one it stands in. */
static qn_code become_column(struct qn_query_planner *p, struct qn_query_scope *scope,
                             uint32_t field, uint32_t outer, struct qn_ast *ast)
{
    if (ast->table.data || !scope->fields[field].merged) {
        ast->number = (int64_t)field + 1;
        ast->outer = outer;
        scope->fields[field].uses++;
        return QN_OK;
    }
    struct qn_ast *merged = qn_query_field_ast(p, scope, field, true, ast->mark);
    if (!merged)
        return QN_QUERY_NOMEM(p);
    *ast = *merged;
    read_outside(ast, outer);
    return QN_OK;
}

/* A column of a SELECT around this one: SQLite is to answer that. */
static qn_code resolve_outer(struct qn_query_planner *p, struct qn_query_scope *scope,
                             struct qn_ast *ast, bool *found)
{
    struct qn_query_scope *where;
    uint32_t out;
    struct found field = find_outer(scope, ast, &where, &out);
    *found = field.n > 0;
    if (!*found)
        return QN_OK;
    if (field.n > 1)
        return ambiguous(p, where, ast);
    if (scope->in_sqlite && where->in_sqlite)
        return become_column(p, where, field.field, out, ast);
    qn_query_leave(p, where->query);
    return QN_QUERY_REFUSE(p, ast->mark,
                           "write a join: JOIN (SELECT k, max(x) AS m FROM t GROUP BY k) AS q ON "
                           "q.k = u.k",
                           "'%.*s' is a column of the query around this one, which is not "
                           "supported at this place",
                           QN_SHORT_ARG(ast->text));
}

static qn_code unknown_table(struct qn_query_planner *p, const struct qn_query_scope *scope,
                             const struct qn_ast *ast)
{
    const char *names[QN_QUERY_RELATIONS] = {0};
    uint32_t n = 0;
    char hint[160];
    for (uint32_t i = 0; i < scope->n_relations; i++)
        if (scope->relations[i].alias.data && scope->relations[i].visible)
            names[n++] = qn_arena_strdup(p->arena, scope->relations[i].alias);
    const char *closest = qn_strv_closest(ast->table, names, n);
    if (!closest && n == 1)
        snprintf(hint, sizeof hint, "the only one is '%.100s'", names[0]);
    else
        qn_hint_closest(hint, sizeof hint, closest);
    return QN_QUERY_REFUSE(p, ast->mark, hint[0] ? hint : NULL,
                           "no relation of this SELECT is called '%.*s'", QN_SHORT_ARG(ast->table));
}

static qn_code unknown_column(struct qn_query_planner *p, const struct qn_query_scope *scope,
                              const struct qn_ast *ast)
{
    const char **names = QN_NEW_ARRAY(p->arena, const char *, (size_t)scope->n_fields + 1);
    char hint[160] = "";
    uint32_t n = 0;
    size_t at = 0;
    if (!names)
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < scope->n_fields; i++)
        if (may_see(scope, i, ast->table))
            names[n++] = scope->fields[i].shown;
    const char *closest = qn_strv_closest(ast->text, names, n);
    if (closest)
        qn_hint_closest(hint, sizeof hint, closest);
    for (uint32_t i = 0; !closest && i < n && i < SHOWN && at + 40 < sizeof hint; i++)
        at += (size_t)snprintf(hint + at, sizeof hint - at, "%s%.30s",
                               i ? ", " : "columns: ", names[i]);
    if (ast->negated && !ast->table.data)
        snprintf(hint, sizeof hint, "text goes in single quotes: '%.*s'", QN_SHORT_ARG(ast->text));
    return QN_QUERY_REFUSE(p, ast->mark, hint[0] ? hint : NULL, "there is no column '%.*s'",
                           QN_SHORT_ARG(ast->text));
}

/* --- resolving ------------------------------------------------------------------------------- */

static const struct qn_sql_item *find_item(const struct qn_query_scope *scope,
                                           const struct qn_ast *ast)
{
    for (uint32_t i = 0; i < scope->n_items && !ast->table.data; i++)
        if (scope->items[i].expr && scope->items[i].alias.text.data &&
            qn_strv_eq_nocase(scope->items[i].alias.text, ast->text))
            return &scope->items[i];
    return NULL;
}

/* The name of an item stands for its expression, at the place where the name is. */
static void become(struct qn_ast *ast, const struct qn_sql_item *item)
{
    struct qn_mark mark = ast->mark;
    *ast = *item->expr;
    ast->mark = mark;
}

static qn_code resolve_column(struct qn_query_planner *p, struct qn_query_scope *scope,
                              struct qn_ast *ast)
{
    const struct qn_sql_item *item = find_item(scope, ast);
    if (ast->number > 0)
        return QN_OK; /* of an item: resolved */
    if (item && scope->alias_first) {
        become(ast, item); /* uses are those of the item */
        return QN_OK;
    }
    struct found found = find_field(scope, ast->table, ast->text, true);
    if (found.n == 0)
        found = find_field(scope, ast->table, ast->text, false);
    if (found.n == 0 && item) {
        become(ast, item);
        return QN_OK;
    }
    if (found.n > 1)
        return ambiguous(p, scope, ast);
    bool outer = false;
    if (found.n == 0)
        QN_TRY(resolve_outer(p, scope, ast, &outer));
    if (outer)
        return QN_OK;
    if (found.n == 0)
        return !ast->table.data || has_table(scope, ast->table) ? unknown_column(p, scope, ast)
                                                                : unknown_table(p, scope, ast);
    return become_column(p, scope, found.field, 0, ast);
}

static qn_code resolve_aggregate(struct qn_query_planner *p, struct qn_query_scope *scope,
                                 struct qn_agg_ast *call)
{
    for (uint32_t i = 0; i < call->n_args; i++)
        QN_TRY(qn_query_resolve(p, scope, call->args[i]));
    if (call->order)
        QN_TRY(qn_query_resolve(p, scope, call->order));
    return call->filter ? qn_query_resolve(p, scope, call->filter) : QN_OK;
}

qn_code qn_query_resolve(struct qn_query_planner *p, struct qn_query_scope *scope,
                         struct qn_ast *ast)
{
    if (ast->kind == QN_AST_COLUMN)
        return resolve_column(p, scope, ast);
    if (ast->kind == QN_AST_AGGREGATE)
        return resolve_aggregate(p, scope, ast->aggregate);
    for (uint32_t i = 0; i < ast->n_args; i++)
        QN_TRY(qn_query_resolve(p, scope, ast->args[i]));
    return QN_OK;
}

qn_code qn_query_resolve_key(struct qn_query_planner *p, struct qn_query_scope *scope,
                             struct qn_ast *ast)
{
    if (ast->kind == QN_AST_INTEGER)
        return QN_OK;
    scope->alias_first = ast->kind == QN_AST_COLUMN;
    qn_code code = qn_query_resolve(p, scope, ast);
    scope->alias_first = false;
    return code;
}

/* --- asking ---------------------------------------------------------------------------------- */

uint32_t qn_query_reads(const struct qn_query_scope *scope, const struct qn_ast *ast)
{
    uint32_t reads = 0;
    if (ast->kind == QN_AST_COLUMN && ast->number > 0)
        return UINT32_C(1) << scope->fields[ast->number - 1].relation;
    if (ast->kind == QN_AST_AGGREGATE) {
        for (uint32_t i = 0; i < ast->aggregate->n_args; i++)
            reads |= qn_query_reads(scope, ast->aggregate->args[i]);
        return reads;
    }
    for (uint32_t i = 0; i < ast->n_args; i++)
        reads |= qn_query_reads(scope, ast->args[i]);
    return reads;
}

bool qn_query_has(const struct qn_ast *ast, enum qn_ast_kind kind)
{
    bool found = ast->kind == kind;
    for (uint32_t i = 0; i < ast->n_args && !found; i++)
        found = qn_query_has(ast->args[i], kind);
    return found;
}

void qn_query_count(struct qn_query_scope *scope, const struct qn_ast *ast, int uses)
{
    if (ast->kind == QN_AST_COLUMN && ast->number > 0)
        scope->fields[ast->number - 1].uses += (uint32_t)uses;
    for (uint32_t i = 0; i < ast->n_args; i++)
        qn_query_count(scope, ast->args[i], uses);
}
