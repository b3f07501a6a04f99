/* What the rows of jobs are put together to: one job, or the tree of set operations over several, and
 * what orders such rows. */
#include <string.h>

#include "query/parse.h"
#include "query/planner.h"

/* Rows of one job, at a leaf of the tree. */
struct leaf {
    struct qn_query_tree *tree;
    struct qn_query_rows rows;
    struct qn_mark mark;
};

struct leaves {
    struct leaf *items;
    uint32_t n;
};

/* Rows of a file go through a job. */
static qn_code as_job(struct qn_query_planner *p, struct qn_query_rows *rows)
{
    struct qn_query_stage stage;
    struct qn_query_names names = {0};
    struct qn_query_rows read = *rows;
    if (rows->is_job)
        return QN_OK;
    QN_TRY(qn_query_stage_begin(p, &read, &stage));
    for (uint32_t i = 0; i < read.n_columns; i++)
        if (!qn_query_names_add(p->arena, &names, read.columns[i].name))
            return QN_QUERY_NOMEM(p);
    QN_TRY(qn_query_stage_end(p, &stage, &names, rows));
    rows->columns = read.columns;
    rows->single = read.single;
    return QN_OK;
}

static qn_code add_leaf(struct qn_query_planner *p, struct leaves *leaves,
                        const struct qn_query_rows *rows, struct qn_mark mark,
                        struct qn_query_tree **out)
{
    *out = QN_NEW(p->arena, struct qn_query_tree);
    leaves->items = qn_sql_grow(p->arena, leaves->items, leaves->n, sizeof *leaves->items);
    if (!*out || !leaves->items)
        return QN_QUERY_NOMEM(p);
    struct leaf *leaf = &leaves->items[leaves->n++];
    *leaf = (struct leaf){*out, *rows, mark};
    QN_TRY(as_job(p, &leaf->rows));
    (*out)->job = leaf->rows.input;
    uint32_t n = leaves->items[0].rows.n_columns;
    if (leaf->rows.n_columns == n)
        return QN_OK;
    return QN_QUERY_REFUSE(p, mark, NULL, "this has %u columns, the query before it %u",
                           leaf->rows.n_columns, n);
}

static qn_code plan_tree(struct qn_query_planner *p, struct qn_sql_body *body,
                         struct leaves *leaves, struct qn_query_tree **out)
{
    static const enum qn_query_op ops[] = {[QN_SQL_UNION] = QN_QUERY_UNION,
                                           [QN_SQL_INTERSECT] = QN_QUERY_INTERSECT,
                                           [QN_SQL_EXCEPT] = QN_QUERY_EXCEPT};
    if (body->op == QN_SQL_SELECT) {
        struct qn_query_selected selected;
        QN_TRY(qn_query_select(p, body, NULL, 0, &selected));
        return add_leaf(p, leaves, &selected.rows, body->mark, out);
    }
    if (body->op == QN_SQL_NESTED) {
        struct qn_query_rows rows;
        QN_TRY(qn_query_nested(p, body->query, &rows));
        return add_leaf(p, leaves, &rows, body->mark, out);
    }
    struct qn_query_tree *left, *right;
    QN_TRY(plan_tree(p, body->left, leaves, &left));
    QN_TRY(plan_tree(p, body->right, leaves, &right));
    *out = QN_NEW(p->arena, struct qn_query_tree);
    if (!*out)
        return QN_QUERY_NOMEM(p);
    **out =
        (struct qn_query_tree){.op = ops[body->op], .all = body->all, .left = left, .right = right};
    return QN_OK;
}

/* The type that holds values of both, as CASE would find it. */
static qn_code widen(struct qn_query_planner *p, const struct leaf *leaf, uint32_t column,
                     struct qn_query_column *common)
{
    const struct qn_query_column *b = &leaf->rows.columns[column];
    const struct qn_field fields[] = {{"a", common->type}, {"b", b->type}};
    const struct qn_schema schema = {fields, 2};
    struct qn_expr_complaint complaint;
    struct qn_expr *expr;
    if (common->untyped) {
        common->type = b->type;
        common->untyped = b->untyped;
        return QN_OK;
    }
    if (b->untyped || qn_type_eq(common->type, b->type))
        return QN_OK;
    qn_code code =
        qn_expr_compile(p->arena, QN_STRV_LIT("coalesce(a, b)"), &schema, &expr, &complaint);
    char left[QN_TYPE_NAME], right[QN_TYPE_NAME];
    if (code == QN_EINPUT)
        return QN_QUERY_REFUSE(p, leaf->mark, "write CAST(... AS ...) around one of them",
                               "column %u, '%.40s', is %s in one query and %s in the other",
                               column + 1, common->shown, qn_type_name(common->type, left),
                               qn_type_name(b->type, right));
    if (code == QN_OK)
        common->type = qn_expr_type(expr);
    return code;
}

/* A job that casts what has another type. */
static qn_code cast_leaf(struct qn_query_planner *p, const struct qn_query_column *common,
                         struct leaf *leaf)
{
    struct qn_query_stage stage;
    struct qn_query_scope scope = {0};
    struct qn_query_names names = {0};
    struct qn_query_rows rows = leaf->rows;
    QN_TRY(qn_query_scope_add(p, &scope, &(struct qn_query_relation){.rows = rows}));
    QN_TRY(qn_query_stage_begin(p, &rows, &stage));
    for (uint32_t i = 0; i < rows.n_columns; i++) {
        const char *name = rows.columns[i].name;
        char type[QN_TYPE_NAME];
        if (!qn_type_eq(rows.columns[i].type, common[i].type)) {
            const char *text = qn_arena_printf(p->arena, "cast(\"%s\" as %s)", name,
                                               qn_type_name(common[i].type, type));
            name = qn_query_fresh_name(p, &scope, qn_strv_from(name));
            if (!name || !qn_query_pairs_add(p->arena, &stage.job->derive, name, text))
                return QN_QUERY_NOMEM(p);
            QN_TRY(qn_query_stage_add(p, &stage, name, common[i].type));
        }
        if (!qn_query_names_add(p->arena, &names, name))
            return QN_QUERY_NOMEM(p);
    }
    QN_TRY(qn_query_stage_end(p, &stage, &names, &leaf->rows));
    leaf->tree->job = leaf->rows.input;
    return QN_OK;
}

/* All leaves get the same types; names are those of the first. */
static qn_code unify(struct qn_query_planner *p, struct leaves *leaves, struct qn_query_rows *out)
{
    const struct qn_query_rows *first = &leaves->items[0].rows;
    struct qn_query_column *common =
        QN_NEW_ARRAY(p->arena, struct qn_query_column, first->n_columns);
    if (!common)
        return QN_QUERY_NOMEM(p);
    memcpy(common, first->columns, first->n_columns * sizeof *common);
    for (uint32_t i = 1; i < leaves->n; i++)
        for (uint32_t c = 0; c < first->n_columns; c++)
            QN_TRY(widen(p, &leaves->items[i], c, &common[c]));
    for (uint32_t i = 0; i < leaves->n; i++) {
        const struct qn_query_rows *rows = &leaves->items[i].rows;
        bool same = true;
        for (uint32_t c = 0; c < rows->n_columns; c++)
            same &= qn_type_eq(rows->columns[c].type, common[c].type);
        if (!same)
            QN_TRY(cast_leaf(p, common, &leaves->items[i]));
    }
    *out = (struct qn_query_rows){.columns = common, .n_columns = first->n_columns};
    return QN_OK;
}

/* Of rows put together only what they are called can be ordered by. */
static qn_code key_by_name(struct qn_query_planner *p, const struct qn_query_rows *rows,
                           const struct qn_ast *ast, uint32_t *out)
{
    if (ast->kind == QN_AST_INTEGER && ast->number >= 1 && ast->number <= rows->n_columns) {
        *out = (uint32_t)(ast->number - 1);
        return QN_OK;
    }
    for (*out = 0; ast->kind == QN_AST_COLUMN && *out < rows->n_columns; ++*out)
        if (qn_strv_eq_nocase(ast->text, qn_strv_from(rows->columns[*out].shown)))
            return QN_OK;
    return QN_QUERY_REFUSE(p, ast->mark, "name a column of the first SELECT, or its position",
                           "rows that a set operation put together cannot be ordered by this");
}

static qn_code order_tree(struct qn_query_planner *p, const struct qn_sql_query *query,
                          const struct qn_query_rows *rows, struct qn_sort_key **out)
{
    *out = QN_NEW_ARRAY(p->arena, struct qn_sort_key, query->n_order);
    if (!*out)
        return QN_QUERY_NOMEM(p);
    for (uint32_t i = 0; i < query->n_order; i++) {
        (*out)[i].descending = query->order[i].descending;
        (*out)[i].nulls_first = query->order[i].nulls_first;
        QN_TRY(key_by_name(p, rows, query->order[i].expr, &(*out)[i].column));
    }
    return QN_OK;
}

/* --- the whole ------------------------------------------------------------------------------- */

qn_code qn_query_one_job(struct qn_query_planner *p, struct qn_query_rows *rows,
                         struct qn_mark mark, struct qn_query_tree **out)
{
    struct leaves leaves = {0};
    return add_leaf(p, &leaves, rows, mark, out);
}

qn_code qn_query_put_together(struct qn_query_planner *p, const struct qn_sql_query *query,
                              struct qn_query_rows *rows, struct qn_query_tree **tree,
                              struct qn_sort_key **keys)
{
    struct leaves leaves = {0};
    QN_TRY(plan_tree(p, query->body, &leaves, tree));
    QN_TRY(unify(p, &leaves, rows));
    return order_tree(p, query, rows, keys);
}
