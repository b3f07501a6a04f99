/* The relations of a SELECT: those of its FROM, and queries that stand in its expressions. */
#include <string.h>

#include "query/parse.h"
#include "query/planner.h"

/* --- relations ------------------------------------------------------------------------------- */

static struct qn_query_cte *find_cte(struct qn_query_planner *p,
                                     const struct qn_sql_relation *relation)
{
    for (struct qn_query_cte *cte = p->ctes; cte && !relation->folder.text.data; cte = cte->outer)
        if (qn_strv_eq_nocase(cte->cte->name.text, relation->name.text))
            return cte;
    return NULL;
}

qn_code qn_query_rename(struct qn_query_planner *p, const struct qn_sql_name *names, uint32_t n,
                        struct qn_query_rows *rows)
{
    if (n > rows->n_columns)
        return QN_QUERY_REFUSE(p, names[rows->n_columns].mark, NULL, "%u names for %u columns", n,
                               rows->n_columns);
    struct qn_query_column *columns =
        QN_NEW_ARRAY(p->arena, struct qn_query_column, rows->n_columns);
    if (!columns)
        return QN_QUERY_NOMEM(p);
    memcpy(columns, rows->columns, rows->n_columns * sizeof *columns);
    for (uint32_t i = 0; i < n; i++)
        columns[i].shown = qn_arena_strdup(p->arena, names[i].text);
    rows->columns = columns;
    return QN_OK;
}

/* A CTE's rows, planned once a phase. Its query sees the CTEs before it alone. */
static qn_code open_cte(struct qn_query_planner *p, struct qn_query_cte *cte,
                        struct qn_query_rows *out)
{
    if (cte->phase != p->phase + 1) {
        struct qn_query_cte *in_force = p->ctes;
        struct qn_sql_query *query = cte->cte->query;
        if (cte->phase)
            QN_TRY(qn_sql_parse_again(p->arena, p->text, cte->cte, &query, p->complaint));
        p->ctes = cte->outer;
        QN_TRY(qn_query_nested(p, query, &cte->rows));
        p->ctes = in_force;
        cte->phase = p->phase + 1;
        if (cte->cte->n_columns)
            QN_TRY(qn_query_rename(p, cte->cte->columns, cte->cte->n_columns, &cte->rows));
    }
    *out = cte->rows;
    return QN_OK;
}

/* A query that reads itself is nothing that jobs do. */
static qn_code open_walk(struct qn_query_planner *p, const struct qn_query_scope *scope,
                         const struct qn_sql_relation *relation, struct qn_query_cte *cte,
                         struct qn_query_rows *out)
{
    if (scope->in_sqlite)
        return qn_query_walk(p, cte, out);
    qn_query_leave(p, p->asked);
    return QN_QUERY_REFUSE(p, relation->mark, NULL,
                           "a recursive query is not supported at this place");
}

static qn_code open_relation(struct qn_query_planner *p, const struct qn_query_scope *scope,
                             const struct qn_sql_relation *relation, struct qn_query_rows *out)
{
    struct qn_query_cte *cte = relation->name.text.data ? find_cte(p, relation) : NULL;
    if (relation->query)
        QN_TRY(qn_query_nested(p, relation->query, out));
    else if (cte && qn_query_reads_itself(cte->cte))
        QN_TRY(open_walk(p, scope, relation, cte, out));
    else if (cte)
        QN_TRY(open_cte(p, cte, out));
    else
        QN_TRY(qn_query_open_file(p, relation, out));
    return relation->n_columns ? qn_query_rename(p, relation->columns, relation->n_columns, out)
                               : QN_OK;
}

/* The alias, the table's name, or the file's without folder and suffix. */
static struct qn_strv alias_of(const struct qn_sql_relation *relation)
{
    if (relation->alias.text.data)
        return relation->alias.text;
    if (relation->name.text.data)
        return relation->name.text;
    struct qn_strv path = relation->path.text;
    for (size_t i = path.len; i-- > 0;)
        if (path.data[i] == '/') {
            path = (struct qn_strv){path.data + i + 1, path.len - i - 1};
            break;
        }
    for (size_t i = 0; i < path.len; i++)
        if (path.data[i] == '.')
            path.len = i;
    return qn_strv_is_identifier(path) ? path : (struct qn_strv){0};
}

/* --- conditions ------------------------------------------------------------------------------ */

static struct qn_ast *make_binary(struct qn_query_planner *p, enum qn_token_kind op,
                                  struct qn_ast *left, struct qn_ast *right, struct qn_mark mark)
{
    struct qn_ast *ast = QN_NEW(p->arena, struct qn_ast);
    if (!left || !right) /* and: the other alone; =: no memory */
        return op == QN_TOK_AND ? (left ? left : right) : NULL;
    if (!ast)
        return NULL;
    ast->args = QN_NEW_ARRAY(p->arena, struct qn_ast *, 2);
    if (!ast->args)
        return NULL;
    ast->kind = QN_AST_BINARY;
    ast->op = op;
    ast->mark = mark;
    ast->n_args = 2;
    ast->args[0] = left;
    ast->args[1] = right;
    return ast;
}

/* A column of USING, among the relations from `first` to before `end`. */
static qn_code using_field(struct qn_query_planner *p, const struct qn_query_scope *scope,
                           const struct qn_sql_name *name, uint32_t first, uint32_t end,
                           uint32_t *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < scope->n_fields; i++) {
        const struct qn_query_field *field = &scope->fields[i];
        bool sought = field->relation >= first && field->relation < end && !field->hidden &&
                      scope->relations[field->relation].visible;
        if (sought && qn_strv_eq_nocase(qn_strv_from(field->shown), name->text)) {
            *out = i;
            n++;
        }
    }
    if (n == 1)
        return QN_OK;
    return QN_QUERY_REFUSE(p, name->mark, "write ON a.x = b.y instead",
                           n ? "column '%.*s' of USING is there more than once"
                             : "column '%.*s' of USING is not on both sides",
                           QN_SHORT_ARG(name->text));
}

/* Names that a column of both sides has. */
static qn_code natural_names(struct qn_query_planner *p, const struct qn_query_scope *scope,
                             uint32_t at, struct qn_sql_name **names, uint32_t *n)
{
    const struct qn_query_relation *relation = &scope->relations[at];
    for (uint32_t i = 0; i < relation->rows.n_columns; i++) {
        struct qn_strv name = qn_strv_from(scope->fields[relation->first + i].shown);
        bool common = false;
        for (uint32_t k = 0; k < relation->first && !common; k++)
            common = !scope->fields[k].hidden &&
                     scope->relations[scope->fields[k].relation].visible &&
                     qn_strv_eq_nocase(qn_strv_from(scope->fields[k].shown), name);
        if (!common)
            continue;
        *names = qn_sql_grow(p->arena, *names, *n, sizeof **names);
        if (!*names)
            return QN_QUERY_NOMEM(p);
        (*names)[(*n)++] = (struct qn_sql_name){name, relation->written->join_mark};
    }
    return QN_OK;
}

/* Of a FULL JOIN either side may lack the value: the name stands for the one that is there. */
static qn_code merge(struct qn_query_planner *p, struct qn_query_scope *scope, uint32_t field,
                     const struct qn_ast *equal)
{
    struct qn_ast *merged = QN_NEW(p->arena, struct qn_ast);
    if (!merged)
        return QN_QUERY_NOMEM(p);
    *merged = (struct qn_ast){.kind = QN_AST_CALL,
                              .mark = equal->mark,
                              .name_mark = equal->mark,
                              .text = QN_STRV_LIT("coalesce"),
                              .args = equal->args,
                              .n_args = equal->n_args};
    scope->fields[field].merged = merged;
    return QN_OK;
}

static qn_code read_using(struct qn_query_planner *p, struct qn_query_scope *scope, uint32_t at)
{
    struct qn_query_relation *relation = &scope->relations[at];
    struct qn_sql_name *names = relation->written->using_;
    uint32_t n = relation->written->n_using;
    if (relation->written->natural)
        QN_TRY(natural_names(p, scope, at, &names, &n));
    relation->by_names = n > 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_sql_name *name = &names[i];
        uint32_t left, right;
        QN_TRY(using_field(p, scope, name, 0, at, &left));
        QN_TRY(using_field(p, scope, name, at, at + 1, &right));
        /* of an outer join, the side whose rows all stay has the value */
        scope->fields[relation->how == QN_SQL_RIGHT ? left : right].hidden = true;
        struct qn_ast *equal =
            make_binary(p, QN_TOK_EQ, qn_query_field_ast(p, scope, left, true, name->mark),
                        qn_query_field_ast(p, scope, right, true, name->mark), name->mark);
        if (!equal)
            return QN_QUERY_NOMEM(p);
        relation->on = make_binary(p, QN_TOK_AND, relation->on, equal, name->mark);
        if (relation->how == QN_SQL_FULL)
            QN_TRY(merge(p, scope, left, equal));
    }
    return QN_OK;
}

static qn_code read_condition(struct qn_query_planner *p, struct qn_query_scope *scope, uint32_t at)
{
    struct qn_query_relation *relation = &scope->relations[at];
    relation->visible = true;
    QN_TRY(read_using(p, scope, at));
    if (relation->written->on) {
        if (qn_query_has(relation->written->on, QN_AST_AGGREGATE))
            return QN_QUERY_REFUSE(p, relation->written->on->mark, "aggregate in a subquery first",
                                   "an aggregate in ON");
        QN_TRY(qn_query_resolve(p, scope, relation->written->on));
        relation->on = relation->written->on;
    }
    if (relation->how == QN_SQL_SEMI || relation->how == QN_SQL_ANTI)
        relation->visible = false;
    return QN_OK;
}

qn_code qn_query_from(struct qn_query_planner *p, struct qn_query_scope *scope,
                      const struct qn_sql_body *body)
{
    if (body->n_from == 0) {
        struct qn_query_relation relation = {.mark = body->mark};
        QN_TRY(qn_query_one_row(p, &relation.rows));
        return qn_query_scope_add(p, scope, &relation); /* its column is nobody's to see */
    }
    for (uint32_t i = 0; i < body->n_from; i++) {
        const struct qn_sql_relation *written = &body->from[i];
        struct qn_query_relation relation = {.alias = alias_of(written),
                                             .mark = written->mark,
                                             .how = written->how,
                                             .written = written};
        if (!scope->in_sqlite &&
            ((written->how == QN_SQL_RIGHT && i != 1) || written->how == QN_SQL_FULL)) {
            qn_query_leave(p, p->asked);
            return QN_QUERY_REFUSE(p, written->join_mark, NULL,
                                   "such a join is not supported here");
        }
        QN_TRY(open_relation(p, scope, written, &relation.rows));
        QN_TRY(qn_query_scope_add(p, scope, &relation));
        QN_TRY(read_condition(p, scope, i));
    }
    return QN_OK;
}

/* --- queries in expressions ------------------------------------------------------------------ */

static qn_code add_query(struct qn_query_planner *p, struct qn_query_scope *scope,
                         const struct qn_ast *ast, enum qn_sql_how how, uint32_t *first)
{
    struct qn_query_relation relation = {.mark = ast->mark, .how = how};
    QN_TRY(qn_query_nested(p, ast->query, &relation.rows));
    *first = scope->n_fields;
    return qn_query_scope_add(p, scope, &relation);
}

static qn_code check_columns(struct qn_query_planner *p, const struct qn_query_scope *scope,
                             const struct qn_ast *ast, uint32_t expected)
{
    uint32_t n = scope->relations[scope->n_relations - 1].rows.n_columns;
    return n == expected ? QN_OK
                         : QN_QUERY_REFUSE(p, ast->query->mark, NULL,
                                           "expected a query of %u column%s, found %u", expected,
                                           expected == 1 ? "" : "s", n);
}

/* (SELECT max(x) FROM t): a relation of at most one row, beside every row. */
static qn_code pull_value(struct qn_query_planner *p, struct qn_query_scope *scope,
                          struct qn_ast *ast)
{
    uint32_t field;
    QN_TRY(add_query(p, scope, ast, QN_SQL_LEFT, &field));
    QN_TRY(check_columns(p, scope, ast, 1));
    if (!scope->relations[scope->n_relations - 1].rows.single) {
        qn_query_expect_one(p, ast->query->mark.offset);
        return QN_QUERY_REFUSE(p, ast->mark, "write an aggregate, min(x), or LIMIT 1",
                               "this query may give several rows, where one value is expected");
    }
    struct qn_ast *column = qn_query_field_ast(p, scope, field, false, ast->mark);
    if (!column)
        return QN_QUERY_NOMEM(p);
    *ast = *column;
    return QN_OK;
}

qn_code qn_query_pull_values(struct qn_query_planner *p, struct qn_query_scope *scope,
                             struct qn_ast *ast)
{
    struct qn_agg_ast *call = ast->aggregate;
    if (ast->kind == QN_AST_SUBQUERY)
        return pull_value(p, scope, ast);
    for (uint32_t i = 0; i < ast->n_args; i++)
        QN_TRY(qn_query_pull_values(p, scope, ast->args[i]));
    for (uint32_t i = 0; call && i < call->n_args; i++)
        QN_TRY(qn_query_pull_values(p, scope, call->args[i]));
    return call && call->filter ? qn_query_pull_values(p, scope, call->filter) : QN_OK;
}

/* Beside groups the value is the greatest of the equal ones that their rows have. */
static qn_code pull_group_value(struct qn_query_planner *p, struct qn_query_scope *scope,
                                struct qn_ast *ast)
{
    struct qn_ast *value = QN_NEW(p->arena, struct qn_ast);
    struct qn_agg_ast *call = QN_NEW(p->arena, struct qn_agg_ast);
    struct qn_ast **args = QN_NEW_ARRAY(p->arena, struct qn_ast *, 1);
    if (!value || !call || !args)
        return QN_QUERY_NOMEM(p);
    *value = *ast;
    QN_TRY(pull_value(p, scope, value));
    args[0] = value;
    *call = (struct qn_agg_ast){.name = QN_STRV_LIT("max"),
                                .name_mark = ast->mark,
                                .mark = ast->mark,
                                .args = args,
                                .n_args = 1};
    *ast = (struct qn_ast){
        .kind = QN_AST_AGGREGATE, .mark = ast->mark, .text = call->name, .aggregate = call};
    return QN_OK;
}

qn_code qn_query_pull_group_values(struct qn_query_planner *p, struct qn_query_scope *scope,
                                   struct qn_ast *ast)
{
    if (ast->kind == QN_AST_SUBQUERY)
        return pull_group_value(p, scope, ast);
    if (ast->kind == QN_AST_AGGREGATE)
        return qn_query_pull_values(p, scope, ast);
    for (uint32_t i = 0; i < ast->n_args; i++)
        QN_TRY(qn_query_pull_group_values(p, scope, ast->args[i]));
    return QN_OK;
}

/* How many rows a query gives, and how many values: a relation of one row. */
static qn_code add_counts(struct qn_query_planner *p, struct qn_query_scope *scope,
                          const struct qn_query_rows *rows, struct qn_mark mark, uint32_t *first)
{
    struct qn_query_relation relation = {.mark = mark, .how = QN_SQL_LEFT};
    struct qn_query_stage stage;
    struct qn_query_names names = {0};
    QN_TRY(qn_query_stage_begin(p, rows, &stage));
    const char *column = rows->columns[0].name;
    const char *values = qn_arena_printf(p->arena, "count(\"%s\")", column);
    if (!qn_query_pairs_add(p->arena, &stage.job->aggregate, "n_rows", "count(*)") ||
        !qn_query_pairs_add(p->arena, &stage.job->aggregate, "n_values", values) ||
        !qn_query_names_add(p->arena, &names, "n_rows") ||
        !qn_query_names_add(p->arena, &names, "n_values"))
        return QN_QUERY_NOMEM(p);
    QN_TRY(qn_query_stage_add(p, &stage, "n_rows", (struct qn_type){.id = QN_INT64}));
    QN_TRY(qn_query_stage_add(p, &stage, "n_values", (struct qn_type){.id = QN_INT64}));
    QN_TRY(qn_query_stage_end(p, &stage, &names, &relation.rows));
    relation.rows.single = true;
    *first = scope->n_fields;
    return qn_query_scope_add(p, scope, &relation);
}

static struct qn_ast *make_number(struct qn_query_planner *p, struct qn_mark mark)
{
    struct qn_ast *ast = QN_NEW(p->arena, struct qn_ast);
    if (ast) {
        ast->kind = QN_AST_INTEGER;
        ast->mark = mark;
    }
    return ast;
}

static struct qn_ast *make_not_null(struct qn_query_planner *p, struct qn_ast *x)
{
    struct qn_ast *null = make_number(p, x->mark),
                  *ast = make_binary(p, QN_TOK_IS, x, null, x->mark);
    if (ast) {
        null->kind = QN_AST_NULL;
        ast->kind = QN_AST_IS;
        ast->negated = true;
    }
    return ast;
}

/* What NOT IN says of NULLs: without rows it is true; else x must be one, and no value a NULL. */
static qn_code check_not_in(struct qn_query_planner *p, struct qn_query_scope *scope,
                            struct qn_ast *x, uint32_t rows, struct qn_mark mark,
                            struct qn_ast **out)
{
    uint32_t counts = 0;
    QN_TRY(add_counts(p, scope, &scope->relations[rows].rows, mark, &counts));
    qn_query_count(scope, x, 1);
    struct qn_ast *none =
        make_binary(p, QN_TOK_EQ, qn_query_field_ast(p, scope, counts, false, mark),
                    make_number(p, mark), mark);
    struct qn_ast *whole =
        make_binary(p, QN_TOK_EQ, qn_query_field_ast(p, scope, counts, false, mark),
                    qn_query_field_ast(p, scope, counts + 1, false, mark), mark);
    struct qn_ast *known = make_not_null(p, x);
    if (!none || !whole || !known)
        return QN_QUERY_NOMEM(p);
    *out = make_binary(p, QN_TOK_OR, none, make_binary(p, QN_TOK_AND, known, whole, mark), mark);
    return *out ? QN_OK : QN_QUERY_NOMEM(p);
}

/* x [NOT] IN (SELECT ...): a semi or anti join. */
static qn_code pull_in(struct qn_query_planner *p, struct qn_query_scope *scope,
                       struct qn_ast **ast, bool negated)
{
    struct qn_ast *in = *ast, *on = NULL;
    uint32_t field;
    if (negated && in->n_args > 1) { /* a NULL beside what differs anyway says nothing */
        qn_query_leave(p, p->asked);
        return QN_QUERY_REFUSE(p, in->mark, NULL, "NOT IN of rows of values");
    }
    for (uint32_t i = 0; i < in->n_args; i++)
        QN_TRY(qn_query_pull_values(p, scope, in->args[i]));
    QN_TRY(add_query(p, scope, in, negated ? QN_SQL_ANTI : QN_SQL_SEMI, &field));
    QN_TRY(check_columns(p, scope, in, in->n_args));
    uint32_t at = scope->n_relations - 1;
    for (uint32_t i = 0; i < in->n_args; i++) {
        struct qn_ast *equal =
            make_binary(p, QN_TOK_EQ, in->args[i],
                        qn_query_field_ast(p, scope, field + i, false, in->mark), in->mark);
        if (!equal)
            return QN_QUERY_NOMEM(p);
        on = make_binary(p, QN_TOK_AND, on, equal, in->mark);
    }
    scope->relations[at].on = on;
    *ast = NULL;
    return negated ? check_not_in(p, scope, in->args[0], at, in->mark, ast) : QN_OK;
}

static qn_code pull_exists(struct qn_query_planner *p, struct qn_query_scope *scope,
                           struct qn_ast **ast, bool negated)
{
    uint32_t field;
    QN_TRY(add_query(p, scope, *ast, negated ? QN_SQL_ANTI : QN_SQL_SEMI, &field));
    *ast = NULL;
    return QN_OK;
}

qn_code qn_query_pull_conditions(struct qn_query_planner *p, struct qn_query_scope *scope,
                                 struct qn_ast **ast)
{
    struct qn_ast *whole = *ast;
    bool is_not = whole->kind == QN_AST_NOT;
    struct qn_ast *inner = is_not ? whole->args[0] : whole;
    if (whole->kind == QN_AST_BINARY && whole->op == QN_TOK_AND) {
        struct qn_ast *left = whole->args[0], *right = whole->args[1];
        QN_TRY(qn_query_pull_conditions(p, scope, &left));
        QN_TRY(qn_query_pull_conditions(p, scope, &right));
        *ast = left || right ? make_binary(p, QN_TOK_AND, left, right, whole->mark) : NULL;
        return *ast || (!left && !right) ? QN_OK : QN_QUERY_NOMEM(p);
    }
    if (inner->kind != QN_AST_IN_QUERY && inner->kind != QN_AST_EXISTS)
        return qn_query_pull_values(p, scope, whole);
    *ast = inner;
    if (inner->kind == QN_AST_IN_QUERY)
        return pull_in(p, scope, ast, inner->negated != is_not);
    return pull_exists(p, scope, ast, is_not);
}
