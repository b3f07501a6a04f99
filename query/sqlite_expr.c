/* Expressions as SQLite is asked them: it sees columns, aggregates, windows and queries; what is
 * worked out from these is a call of our own evaluator, so that it means the same. */
#include <string.h>

#include "query/parse.h"
#include "query/sqlite_one.h"
#include "query/sqlite_sum.h"
#include "query/sqlite_text.h"

/* --- leaves ---------------------------------------------------------------------------------- */

enum { LEAVES = 64 };

/* What our evaluator is given: each as SQLite is asked it. */
struct leaves {
    const char *sql[LEAVES];
    struct qn_query_column columns[LEAVES];
    uint32_t n;
};

static bool is_leaf(const struct qn_ast *ast)
{
    switch (ast->kind) {
    case QN_AST_COLUMN:
    case QN_AST_AGGREGATE:
    case QN_AST_SUBQUERY:
    case QN_AST_EXISTS:
    case QN_AST_IN_QUERY:
    case QN_AST_WINDOW: return true;
    default: return false;
    }
}

static bool is_plain(const struct qn_ast *ast)
{
    if (is_leaf(ast))
        return ast->kind == QN_AST_COLUMN && ast->outer == 0;
    for (uint32_t i = 0; i < ast->n_args; i++)
        if (!is_plain(ast->args[i]))
            return false;
    return true;
}

qn_code qn_sqlite_canonical(struct qn_sqlite_select *s, const struct qn_ast *ast, const char **out)
{
    *out = NULL;
    return is_plain(ast) ? qn_query_render(s->p, &s->scope, NULL, ast, out) : QN_OK;
}

static const struct qn_sqlite_key *find_key(const struct qn_sqlite_select *s, const char *text)
{
    for (uint32_t i = 0; text && i < s->n_keys; i++)
        if (strcmp(s->keys[i].text, text) == 0)
            return &s->keys[i];
    return NULL;
}

/* The key of the groups that the expression is. */
static qn_code as_key(struct qn_sqlite_select *s, const struct qn_ast *ast,
                      const struct qn_sqlite_key **out)
{
    const char *text = NULL;
    *out = NULL;
    if (!s->grouped || s->inside)
        return QN_OK;
    QN_TRY(qn_sqlite_canonical(s, ast, &text));
    *out = find_key(s, text);
    return QN_OK;
}

static qn_code put_column(struct qn_sqlite_select *s, const struct qn_ast *ast, struct qn_buf *out,
                          struct qn_type *type)
{
    const struct qn_query_scope *scope = &s->scope;
    for (uint32_t i = 0; i < ast->outer; i++)
        scope = scope->outer;
    const struct qn_query_field *field = &scope->fields[ast->number - 1];
    if (ast->outer ? scope->closed : s->grouped && !s->inside)
        return QN_QUERY_REFUSE(s->p, ast->mark,
                               ast->outer ? "group in a subquery of FROM, and read its columns"
                                          : "add it to GROUP BY, or write min(x), max(x), ...",
                               ast->outer ? "column '%s' of a query with groups is read inside"
                                          : "column '%s' is neither in GROUP BY nor inside an "
                                            "aggregate",
                               field->shown);
    qn_buf_printf(out, "%s", field->name);
    *type = field->type;
    return QN_OK;
}

/* --- aggregates ------------------------------------------------------------------------------ */

static bool reads_outer(const struct qn_ast *ast)
{
    bool outer = ast->kind == QN_AST_COLUMN && ast->outer;
    for (uint32_t i = 0; i < ast->n_args && !outer; i++)
        outer = reads_outer(ast->args[i]);
    return outer;
}

bool qn_sqlite_one_of(struct qn_strv name, const char *const *names)
{
    for (; *names; names++)
        if (qn_strv_eq_nocase(name, qn_strv_from(*names)))
            return true;
    return false;
}

bool qn_sqlite_knows_aggregate(struct qn_strv name)
{
    static const char *const names[] = {"count", "sum", "avg", "min", "max", NULL};
    return qn_sqlite_one_of(name, names);
}

qn_code qn_sqlite_aggregate_type(struct qn_sqlite_select *s, const struct qn_ast *ast,
                                 struct qn_strv name, const struct qn_type *argument,
                                 struct qn_type *type)
{
    const struct qn_field field = {"x", argument ? *argument : (struct qn_type){.id = QN_INT64}};
    const struct qn_schema schema = {&field, 1};
    struct qn_agg_call call;
    const char *text =
        qn_arena_printf(s->p->arena, "%.*s(%s)", QN_STRV_ARG(name), argument ? "x" : "*");
    if (!text)
        return QN_QUERY_NOMEM(s->p);
    qn_code code = qn_agg_compile(s->p->arena, qn_strv_from(text), &schema, &call, s->p->complaint);
    if (code == QN_EINPUT) {
        s->p->complaint->offset = ast->mark.offset;
        s->p->complaint->width = ast->mark.width;
    }
    QN_TRY(code);
    *type = call.type;
    return QN_OK;
}

void qn_sqlite_put_function(struct qn_strv name, const struct qn_type *argument, struct qn_buf *out)
{
    char ours[QN_SQLITE_SUM_NAME];
    bool sum = qn_strv_eq_nocase(name, QN_STRV_LIT("sum"));
    if (argument && (sum || qn_strv_eq_nocase(name, QN_STRV_LIT("avg"))))
        qn_buf_printf(out, "%s(", qn_sqlite_sum_name(!sum, *argument, ours));
    else
        qn_buf_printf(out, "%.*s(", QN_STRV_ARG(name));
}

qn_code qn_sqlite_refuse_function(struct qn_sqlite_select *s, const struct qn_ast *ast)
{
    return QN_QUERY_REFUSE(s->p, ast->mark, "put it into a subquery in FROM",
                           "%.*s is not supported in a query that SQLite answers",
                           QN_SHORT_ARG(ast->text));
}

static qn_code put_aggregate_call(struct qn_sqlite_select *s, const struct qn_ast *ast,
                                  struct qn_buf *out, struct qn_type *type)
{
    const struct qn_agg_ast *call = ast->aggregate;
    struct qn_type argument;
    bool untyped;
    struct qn_buf text;
    qn_buf_init(&text);
    qn_code code =
        call->n_args ? qn_sqlite_expr(s, call->args[0], &text, &argument, &untyped) : QN_OK;
    qn_sqlite_put_function(call->name, call->n_args ? &argument : NULL, out);
    qn_buf_printf(out, "%s%s", call->distinct ? "DISTINCT " : "", call->star ? "*" : "");
    qn_buf_put(out, text.data, text.len);
    qn_buf_put_u8(out, ')');
    qn_buf_fini(&text);
    QN_TRY(code);
    return qn_sqlite_aggregate_type(s, ast, call->name, call->n_args ? &argument : NULL, type);
}

static qn_code put_aggregate(struct qn_sqlite_select *s, const struct qn_ast *ast,
                             struct qn_buf *out, struct qn_type *type)
{
    const struct qn_agg_ast *call = ast->aggregate;
    bool texts = qn_sql_joins_texts(call->name);
    if (!texts && (!qn_sqlite_knows_aggregate(call->name) || call->n_args > 1 || call->order))
        return qn_sqlite_refuse_function(s, ast);
    if (s->inside || !s->grouped)
        return QN_QUERY_REFUSE(s->p, ast->mark, NULL, "an aggregate at this place");
    for (uint32_t i = 0; i < call->n_args; i++)
        if (reads_outer(call->args[i]))
            return QN_QUERY_REFUSE(s->p, ast->mark, NULL,
                                   "an aggregate of a column of the query around this one");
    s->inside = true;
    QN_TRY(texts ? qn_sqlite_put_texts(s, ast, out, type) : put_aggregate_call(s, ast, out, type));
    if (call->filter) {
        qn_buf_printf(out, " FILTER (WHERE ");
        QN_TRY(qn_sqlite_condition(s, call->filter, out));
        qn_buf_printf(out, ")");
    }
    s->inside = false;
    return QN_OK;
}

bool qn_sqlite_equals_alike(struct qn_type a, struct qn_type b)
{
    bool numbers =
        (a.id == QN_INT64 || a.id == QN_DOUBLE) && (b.id == QN_INT64 || b.id == QN_DOUBLE);
    return numbers || (a.id == b.id && (a.id != QN_DECIMAL || a.scale == b.scale));
}

/* --- queries --------------------------------------------------------------------------------- */

static qn_code put_subquery(struct qn_sqlite_select *s, const struct qn_ast *ast,
                            struct qn_buf *out, struct qn_type *type)
{
    struct qn_sqlite_columns columns;
    struct qn_buf inner;
    qn_buf_init(&inner);
    qn_code code = qn_sqlite_inner(s, ast->query, &inner, &columns);
    bool one = code != QN_OK || columns.single; /* else it is seen when it runs */
    qn_buf_printf(out, one ? "(" : "(WITH v(c) AS (");
    qn_buf_put(out, inner.data, inner.len);
    qn_buf_printf(out, one ? ")" : ") SELECT " QN_SQLITE_ONE_NAME "(c) FROM v)");
    qn_buf_fini(&inner);
    QN_TRY(code);
    if (columns.n != 1)
        return QN_QUERY_REFUSE(s->p, ast->query->mark, NULL,
                               "expected a query of one column, found %u", columns.n);
    *type = columns.items[0].type;
    return QN_OK;
}

/* Equal values are to be equal in SQLite, too. */
static qn_code check_sought(struct qn_sqlite_select *s, const struct qn_ast *ast,
                            struct qn_type sought, bool untyped,
                            const struct qn_query_column *among)
{
    char a[QN_TYPE_NAME], b[QN_TYPE_NAME];
    if (untyped || among->untyped || qn_sqlite_equals_alike(sought, among->type))
        return QN_OK;
    return QN_QUERY_REFUSE(s->p, ast->mark, "write CAST(... AS ...) around one of them",
                           "%s is sought among %s", qn_type_name(sought, a),
                           qn_type_name(among->type, b));
}

static qn_code put_in(struct qn_sqlite_select *s, const struct qn_ast *ast, struct qn_buf *out)
{
    struct qn_sqlite_columns columns;
    struct qn_type *types = QN_NEW_ARRAY(s->p->arena, struct qn_type, ast->n_args);
    bool *untyped = QN_NEW_ARRAY(s->p->arena, bool, ast->n_args);
    if (!types || !untyped)
        return QN_QUERY_NOMEM(s->p);
    qn_buf_printf(out, ast->n_args > 1 ? "((" : "(");
    for (uint32_t i = 0; i < ast->n_args; i++) {
        qn_buf_printf(out, "%s", i ? ", " : "");
        QN_TRY(qn_sqlite_expr(s, ast->args[i], out, &types[i], &untyped[i]));
    }
    qn_buf_printf(out, "%s %sIN (", ast->n_args > 1 ? ")" : "", ast->negated ? "NOT " : "");
    QN_TRY(qn_sqlite_inner(s, ast->query, out, &columns));
    qn_buf_printf(out, "))");
    if (columns.n != ast->n_args)
        return QN_QUERY_REFUSE(s->p, ast->query->mark, NULL,
                               "expected a query of %u column%s, found %u", ast->n_args,
                               ast->n_args == 1 ? "" : "s", columns.n);
    for (uint32_t i = 0; i < columns.n; i++)
        QN_TRY(check_sought(s, ast, types[i], untyped[i], &columns.items[i]));
    return QN_OK;
}

static qn_code put_exists(struct qn_sqlite_select *s, const struct qn_ast *ast, struct qn_buf *out)
{
    struct qn_sqlite_columns columns;
    qn_buf_printf(out, "EXISTS (");
    QN_TRY(qn_sqlite_inner(s, ast->query, out, &columns));
    qn_buf_printf(out, ")");
    return QN_OK;
}

static qn_code put_leaf(struct qn_sqlite_select *s, const struct qn_ast *ast, struct qn_buf *out,
                        struct qn_type *type)
{
    *type = (struct qn_type){.id = QN_BOOL};
    switch (ast->kind) {
    case QN_AST_COLUMN: return put_column(s, ast, out, type);
    case QN_AST_AGGREGATE: return put_aggregate(s, ast, out, type);
    case QN_AST_WINDOW: return qn_sqlite_put_window(s, ast, out, type);
    case QN_AST_SUBQUERY: return put_subquery(s, ast, out, type);
    case QN_AST_IN_QUERY: return put_in(s, ast, out);
    default: return put_exists(s, ast, out);
    }
}

/* --- what is worked out ---------------------------------------------------------------------- */

/* The tree with columns in place of leaves: what our evaluator sees. */
static qn_code replace_leaves(struct qn_sqlite_select *s, const struct qn_ast *ast,
                              struct leaves *leaves, struct qn_ast **out)
{
    struct qn_query_planner *p = s->p;
    const struct qn_sqlite_key *key;
    struct qn_ast *copy = *out = QN_NEW(p->arena, struct qn_ast);
    if (!copy)
        return QN_QUERY_NOMEM(p);
    *copy = *ast;
    QN_TRY(as_key(s, ast, &key));
    if (!key && !is_leaf(ast)) {
        copy->args = QN_NEW_ARRAY(p->arena, struct qn_ast *, ast->n_args);
        if (!copy->args)
            return QN_QUERY_NOMEM(p);
        for (uint32_t i = 0; i < ast->n_args; i++)
            QN_TRY(replace_leaves(s, ast->args[i], leaves, &copy->args[i]));
        return QN_OK;
    }
    if (leaves->n == LEAVES)
        return QN_QUERY_REFUSE(p, ast->mark, "work some of it out in a subquery",
                               "an expression of more than %d values", LEAVES);
    struct qn_buf sql;
    struct qn_type type = key ? key->type : (struct qn_type){0};
    qn_buf_init(&sql);
    qn_code code = key ? QN_OK : put_leaf(s, ast, &sql, &type);
    uint32_t n = leaves->n++;
    leaves->sql[n] = key ? key->sql : qn_arena_strdup(p->arena, qn_buf_strv(&sql));
    qn_buf_fini(&sql);
    QN_TRY(code);
    const char *name = qn_arena_printf(p->arena, "a%u", n);
    if (!leaves->sql[n] || !name)
        return QN_QUERY_NOMEM(p);
    leaves->columns[n] = (struct qn_query_column){.name = name, .shown = name, .type = type};
    *copy = (struct qn_ast){.kind = QN_AST_COLUMN,
                            .mark = ast->mark,
                            .depth = ast->depth,
                            .text = qn_strv_from(name),
                            .number = (int64_t)n + 1};
    return QN_OK;
}

static qn_code add_scalar(struct qn_sqlite_select *s, const struct qn_query_text *text,
                          const struct qn_query_stage *stage)
{
    struct qn_query_sqlite *out = s->out;
    out->scalars = qn_sql_grow(s->p->arena, out->scalars, out->n_scalars, sizeof *out->scalars);
    if (!out->scalars)
        return QN_QUERY_NOMEM(s->p);
    struct qn_query_scalar *scalar = &out->scalars[out->n_scalars++];
    *scalar =
        (struct qn_query_scalar){.text = text->text, .schema = {stage->fields, stage->n_fields}};
    return qn_expr_compile(s->p->arena, qn_strv_from(text->text), &scalar->schema, &scalar->expr,
                           s->p->complaint);
}

static qn_code put_scalar(struct qn_sqlite_select *s, const struct qn_ast *ast, struct qn_buf *out,
                          struct qn_type *type)
{
    struct qn_query_planner *p = s->p;
    struct leaves *leaves = QN_NEW(p->arena, struct leaves);
    struct qn_query_scope *scope = QN_NEW(p->arena, struct qn_query_scope);
    struct qn_query_stage stage = {0};
    struct qn_query_text text;
    struct qn_ast *tree;
    if (!leaves || !scope)
        return QN_QUERY_NOMEM(p);
    QN_TRY(replace_leaves(s, ast, leaves, &tree));
    QN_TRY(qn_query_scope_add(
        p, scope,
        &(struct qn_query_relation){.rows = {.columns = leaves->columns, .n_columns = leaves->n}}));
    for (uint32_t i = 0; i < leaves->n; i++)
        QN_TRY(qn_query_stage_add(p, &stage, leaves->columns[i].name, leaves->columns[i].type));
    QN_TRY(qn_query_express(p, scope, &stage, NULL, tree, &text));
    qn_buf_printf(out, "qn(%u", s->out->n_scalars);
    for (uint32_t i = 0; i < leaves->n; i++)
        qn_buf_printf(out, ", %s", leaves->sql[i]);
    qn_buf_printf(out, ")");
    *type = text.type;
    return add_scalar(s, &text, &stage);
}

/* --- what SQLite does alike ------------------------------------------------------------------ */

static bool compares(enum qn_token_kind op)
{
    return op == QN_TOK_EQ || op == QN_TOK_NE || op == QN_TOK_LT || op == QN_TOK_LE ||
           op == QN_TOK_GT || op == QN_TOK_GE;
}

/* Two columns compared, which an index of SQLite's may help with. */
static qn_code put_comparison(struct qn_sqlite_select *s, const struct qn_ast *ast,
                              struct qn_buf *out, bool *done)
{
    static const char *const symbols[] = {
        [QN_TOK_EQ] = "=",  [QN_TOK_NE] = "<>", [QN_TOK_LT] = "<",
        [QN_TOK_LE] = "<=", [QN_TOK_GT] = ">",  [QN_TOK_GE] = ">="};
    const struct qn_ast *left = ast->args[0], *right = ast->args[1];
    struct qn_type a, b;
    size_t begin = out->len;
    *done = false;
    if (s->grouped && !s->inside)
        return QN_OK;
    if (left->kind != QN_AST_COLUMN || right->kind != QN_AST_COLUMN || !compares(ast->op))
        return QN_OK;
    qn_buf_printf(out, "(");
    QN_TRY(put_column(s, left, out, &a));
    qn_buf_printf(out, " %s ", symbols[ast->op]);
    QN_TRY(put_column(s, right, out, &b));
    qn_buf_printf(out, ")");
    *done = qn_sqlite_equals_alike(a, b);
    if (!*done)
        out->len = begin;
    return QN_OK;
}

static qn_code put_logic(struct qn_sqlite_select *s, const struct qn_ast *ast, struct qn_buf *out)
{
    bool is_not = ast->kind == QN_AST_NOT;
    qn_buf_printf(out, is_not ? "(NOT " : "(");
    QN_TRY(qn_sqlite_condition(s, ast->args[0], out));
    if (!is_not) {
        qn_buf_printf(out, ast->op == QN_TOK_AND ? " AND " : " OR ");
        QN_TRY(qn_sqlite_condition(s, ast->args[1], out));
    }
    qn_buf_printf(out, ")");
    return QN_OK;
}

qn_code qn_sqlite_expr(struct qn_sqlite_select *s, const struct qn_ast *ast, struct qn_buf *out,
                       struct qn_type *type, bool *untyped)
{
    const struct qn_sqlite_key *key;
    bool binary = ast->kind == QN_AST_BINARY, done = false;
    *untyped = ast->kind == QN_AST_NULL;
    QN_TRY(as_key(s, ast, &key));
    if (key) {
        qn_buf_printf(out, "%s", key->sql);
        *type = key->type;
        return QN_OK;
    }
    if (is_leaf(ast))
        return put_leaf(s, ast, out, type);
    *type = (struct qn_type){.id = QN_BOOL};
    if (ast->kind == QN_AST_NOT || (binary && (ast->op == QN_TOK_AND || ast->op == QN_TOK_OR)))
        return put_logic(s, ast, out);
    if (binary)
        QN_TRY(put_comparison(s, ast, out, &done));
    return done ? QN_OK : put_scalar(s, ast, out, type);
}

qn_code qn_sqlite_condition(struct qn_sqlite_select *s, const struct qn_ast *ast,
                            struct qn_buf *out)
{
    struct qn_type type;
    bool untyped;
    QN_TRY(qn_sqlite_expr(s, ast, out, &type, &untyped));
    return qn_query_truth(s->p, type, ast);
}
