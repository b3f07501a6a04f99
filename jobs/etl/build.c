#include "jobs/etl/build.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "jobs/etl/etl.h"

void *qn_etl_build_alloc(struct qn_etl_build *build, size_t n, size_t size)
{
    void *at = qn_arena_zalloc(build->env->arena, n ? n : 1, size);
    if (!at)
        build->nomem = true;
    return at;
}

struct qn_etl_step *qn_etl_build_step(struct qn_etl_build *build, const struct qn_etl_step_ops *ops,
                                      const struct qn_schema *out, void *impl)
{
    struct qn_etl *etl = build->etl;
    struct qn_etl_step *step = impl && out ? QN_BUILD_ARRAY(build, struct qn_etl_step, 1) : NULL;
    if (!step) {
        build->nomem = true;
        return NULL;
    }
    assert(etl->n_steps < build->max_steps);
    *step = (struct qn_etl_step){.ops = ops, .in = build->schema, .out = out, .impl = impl};
    etl->steps[etl->n_steps++] = step;
    build->schema = out;
    return step;
}

void qn_etl_build_mark_broken(struct qn_etl_build *build, struct qn_strv name)
{
    struct qn_gaps *gaps = build->gaps;
    const char **names = QN_BUILD_ARRAY(build, const char *, gaps->n_names + 1);
    char *copy = qn_arena_strdup(build->env->arena, name);
    if (!names || !copy) {
        build->nomem = true;
        return;
    }
    for (uint32_t i = 0; i < gaps->n_names; i++)
        names[i] = gaps->names[i];
    names[gaps->n_names] = copy;
    gaps->names = names;
    gaps->n_names++;
}

void qn_etl_build_add_gaps(struct qn_etl_build *build, const struct qn_gaps *gaps)
{
    for (uint32_t i = 0; gaps && i < gaps->n_names; i++)
        qn_etl_build_mark_broken(build, qn_strv_from(gaps->names[i]));
    if (gaps && gaps->any)
        build->gaps->any = true;
}

int32_t qn_etl_build_find(struct qn_etl_build *build, const struct qn_schema *schema,
                          struct qn_strv name, struct qn_span span)
{
    return qn_lookup_column(schema, build->gaps, name, span, " here", build->env->diags);
}

int32_t qn_etl_build_column(struct qn_etl_build *build, const struct qn_schema *schema,
                            const struct qn_node *node)
{
    if (node->kind != QN_NODE_SCALAR) {
        qn_diags_add(build->env->diags, node->span, "the name of a column", NULL,
                     "expected a column's name");
        return -1;
    }
    return qn_etl_build_find(build, schema, node->text, node->span);
}

bool qn_etl_build_columns(struct qn_etl_build *build, const struct qn_schema *schema,
                          const struct qn_node *list, uint32_t **columns, uint32_t *n)
{
    uint32_t n_items = 0;
    const struct qn_node *items = qn_node_items(list, &n_items);
    *n = 0;
    *columns = QN_BUILD_ARRAY(build, uint32_t, n_items);
    bool *seen = QN_BUILD_ARRAY(build, bool, schema->n_fields);
    if (!*columns || !seen)
        return false;
    bool fine = true;
    for (uint32_t i = 0; i < n_items; i++) {
        int32_t column = qn_etl_build_column(build, schema, &items[i]);
        if (column >= 0 && seen[column])
            qn_diags_add(build->env->diags, items[i].span, NULL, NULL,
                         "column '%.*s' is named twice", QN_STRV_ARG(items[i].text));
        if (column < 0 || seen[column]) {
            fine = false;
            continue;
        }
        seen[column] = true;
        (*columns)[(*n)++] = (uint32_t)column;
    }
    return fine;
}

void qn_etl_build_complain(struct qn_etl_build *build, const struct qn_node *node,
                           const struct qn_expr_complaint *complaint)
{
    if (complaint->offset + complaint->width <= node->text.len) {
        struct qn_strv word = {node->text.data + complaint->offset, complaint->width};
        const struct qn_gaps named = {build->gaps->names, build->gaps->n_names, false};
        if (qn_gaps_hide(complaint->unknown_column ? build->gaps : &named, word))
            return;
    }
    qn_diags_add(build->env->diags, qn_node_span_at(node, complaint->offset, complaint->width),
                 NULL, complaint->hint[0] ? complaint->hint : NULL, "%s", complaint->message);
}

struct qn_expr *qn_etl_build_expr(struct qn_etl_build *build, const struct qn_schema *schema,
                                  const struct qn_node *node)
{
    if (node->kind != QN_NODE_SCALAR) {
        qn_diags_add(build->env->diags, node->span, "a SQL expression", NULL,
                     "expected an expression");
        return NULL;
    }
    struct qn_expr *expr = NULL;
    struct qn_expr_complaint complaint = {0};
    qn_code code = qn_expr_compile(build->env->arena, node->text, schema, &expr, &complaint);
    if (code == QN_OK)
        return expr;
    if (code == QN_ENOMEM)
        build->nomem = true;
    else
        qn_etl_build_complain(build, node, &complaint);
    return NULL;
}

struct qn_schema *qn_etl_build_schema(struct qn_etl_build *build, uint32_t n,
                                      struct qn_field **fields)
{
    struct qn_schema *schema = QN_BUILD_ARRAY(build, struct qn_schema, 1);
    *fields = QN_BUILD_ARRAY(build, struct qn_field, n);
    if (!schema || !*fields)
        return NULL;
    *schema = (struct qn_schema){.fields = *fields, .n_fields = n};
    if (n > build->etl->width)
        build->etl->width = n;
    return schema;
}

const struct qn_schema *qn_etl_build_with(struct qn_etl_build *build, const char *name,
                                          struct qn_type type, int32_t replace)
{
    const struct qn_schema *old = build->schema;
    struct qn_field *fields;
    uint32_t n = old->n_fields + (replace < 0 ? 1 : 0);
    struct qn_schema *schema = qn_etl_build_schema(build, n, &fields);
    if (!schema)
        return NULL;
    for (uint32_t i = 0; i < old->n_fields; i++)
        fields[i] = old->fields[i];
    fields[replace < 0 ? old->n_fields : (uint32_t)replace] =
        (struct qn_field){.name = name, .type = type};
    return schema;
}
