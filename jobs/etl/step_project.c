/* rename, select, drop: columns get other names or another order; no value is touched. */
#include <string.h>

#include "jobs/etl/build.h"
#include "jobs/etl/etl.h"

struct project {
    uint32_t *from; /* by output column: the input column it is */
};

static void project_needs(const struct qn_etl_step *step, const bool *after, bool *before)
{
    const struct project *project = step->impl;
    for (uint32_t i = 0; i < step->out->n_fields; i++)
        if (after[i])
            before[project->from[i]] = true;
}

static qn_code project_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                             const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    (void)run;
    const struct project *project = step->impl;
    uint32_t n_in = step->in->n_fields, n_out = step->out->n_fields;
    struct qn_column *old = qn_arena_alloc(ctx->arena, n_in * sizeof *old);
    if (!old)
        return qn_err_nomem(err, "a projection");
    memcpy(old, batch->columns, n_in * sizeof *old);
    for (uint32_t i = 0; i < n_out; i++)
        batch->columns[i] = live[i] ? old[project->from[i]] : (struct qn_column){0};
    batch->schema = step->out;
    return QN_OK;
}

static uint32_t project_from(const struct qn_etl_step *step, uint32_t column)
{
    const struct project *project = step->impl;
    return project->from[column];
}

static const struct qn_etl_step_ops project_ops = {
    .name = "project", .needs = project_needs, .apply = project_apply, .from = project_from};

static void add_projection(struct qn_etl_build *build, const struct qn_schema *out, uint32_t *from)
{
    struct project *project = QN_BUILD_ARRAY(build, struct project, 1);
    if (!project)
        return;
    project->from = from;
    (void)qn_etl_build_step(build, &project_ops, out, project);
}

static bool names_are_unique(struct qn_etl_build *build, const struct qn_field *fields, uint32_t n,
                             const struct qn_node *node)
{
    for (uint32_t p = 0; p < node->n; p++) {
        uint32_t uses = 0;
        for (uint32_t i = 0; i < n; i++)
            uses += qn_strv_is(node->pairs[p].value.text, fields[i].name);
        if (uses > 1) {
            qn_diags_add(build->env->diags, node->pairs[p].value.span, NULL, NULL,
                         "two columns would be called '%.*s'",
                         QN_STRV_ARG(node->pairs[p].value.text));
            return false;
        }
    }
    return true;
}

void qn_etl_build_rename(struct qn_etl_build *build, const struct qn_node *node)
{
    const struct qn_schema *old = build->schema;
    struct qn_field *fields;
    struct qn_schema *schema = qn_etl_build_schema(build, old->n_fields, &fields);
    uint32_t *from = QN_BUILD_ARRAY(build, uint32_t, old->n_fields);
    if (!schema || !from)
        return;
    for (uint32_t i = 0; i < old->n_fields; i++) {
        fields[i] = old->fields[i];
        from[i] = i;
    }
    if (node->kind != QN_NODE_MAP) {
        qn_diags_add(build->env->diags, node->span, "a mapping {old: new}", NULL,
                     "expected the new name by the old one");
        return;
    }
    for (uint32_t p = 0; p < node->n; p++) {
        const struct qn_pair *pair = &node->pairs[p];
        if (pair->value.kind != QN_NODE_SCALAR || !qn_strv_is_identifier(pair->value.text)) {
            qn_diags_add(build->env->diags, pair->value.span, "letters, digits and _, at most 63",
                         NULL, "not a column name");
            continue;
        }
        int32_t column = qn_etl_build_find(build, old, pair->key, pair->key_span);
        if (column < 0)
            qn_etl_build_mark_broken(build, pair->value.text);
        else
            fields[column].name = qn_arena_strdup(build->env->arena, pair->value.text);
        if (column >= 0 && !fields[column].name)
            build->nomem = true;
    }
    if (!build->nomem && names_are_unique(build, fields, old->n_fields, node))
        add_projection(build, schema, from);
}

static void keep_columns(struct qn_etl_build *build, uint32_t *columns, uint32_t n)
{
    struct qn_field *fields;
    struct qn_schema *schema = qn_etl_build_schema(build, n, &fields);
    if (!schema)
        return;
    for (uint32_t i = 0; i < n; i++)
        fields[i] = build->schema->fields[columns[i]];
    add_projection(build, schema, columns);
}

static void build_drop(struct qn_etl_build *build, const struct qn_node *drop)
{
    uint32_t *dropped, n_dropped, n = 0;
    bool fine = qn_etl_build_columns(build, build->schema, drop, &dropped, &n_dropped);
    bool *gone = QN_BUILD_ARRAY(build, bool, build->schema->n_fields);
    uint32_t *kept = QN_BUILD_ARRAY(build, uint32_t, build->schema->n_fields);
    if (!fine || !gone || !kept)
        return;
    for (uint32_t i = 0; i < n_dropped; i++)
        gone[dropped[i]] = true;
    for (uint32_t i = 0; i < build->schema->n_fields; i++)
        if (!gone[i])
            kept[n++] = i;
    if (n == 0)
        qn_diags_add(build->env->diags, drop->span, NULL, NULL, "drop leaves no column");
    else
        keep_columns(build, kept, n);
}

void qn_etl_build_select(struct qn_etl_build *build, const struct qn_node *select,
                         const struct qn_node *drop)
{
    if (select && drop) {
        qn_diags_add(build->env->diags, drop->span, NULL, "keep one of the two",
                     "select already says which columns stay");
        return;
    }
    if (drop)
        build_drop(build, drop);
    uint32_t *columns, n;
    if (!select)
        return;
    if (!qn_etl_build_columns(build, build->schema, select, &columns, &n)) {
        build->gaps->any = true;
        if (n && !build->nomem)
            keep_columns(build, columns, n); /* the others would clash with those of a join */
        return;
    }
    if (n == 0)
        qn_diags_add(build->env->diags, select->span, NULL, NULL, "select names no column");
    else
        keep_columns(build, columns, n);
}
