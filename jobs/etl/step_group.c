/* group_by and aggregate: what is read from the spec. Not a step: it cuts the steps in two. */
#include <string.h>

#include "jobs/etl/etl.h"
#include "jobs/etl/group.h"

static enum qn_agg_class class_of(const struct qn_agg_call *call, struct qn_type argument)
{
    switch (call->fn) {
    case QN_AGG_COUNT: return QN_AGG_OF_COUNT;
    case QN_AGG_SUM:
    case QN_AGG_AVG: return argument.id == QN_DOUBLE ? QN_AGG_OF_SUM_F64 : QN_AGG_OF_SUM;
    case QN_AGG_STDDEV:
    case QN_AGG_VARIANCE: return QN_AGG_OF_MOMENTS;
    case QN_AGG_MIN:
    case QN_AGG_MAX: break;
    }
    return QN_AGG_OF_EXTREME;
}

static bool add_aggregate(struct qn_etl_build *build, const struct qn_pair *pair,
                          struct qn_agg *agg)
{
    const struct qn_node *node = &pair->value;
    if (node->kind != QN_NODE_SCALAR) {
        qn_diags_add(build->env->diags, node->span, "sum(amount), count(*), ...", NULL,
                     "expected an aggregate");
        return false;
    }
    struct qn_expr_complaint complaint = {0};
    qn_code code =
        qn_agg_compile(build->env->arena, node->text, build->schema, &agg->call, &complaint);
    agg->name = qn_arena_strdup(build->env->arena, pair->key);
    build->nomem = build->nomem || code == QN_ENOMEM || !agg->name;
    if (code != QN_OK && code != QN_ENOMEM)
        qn_etl_build_complain(build, node, &complaint);
    if (code != QN_OK)
        return false;
    if (agg->call.argument)
        agg->argument = qn_expr_type(agg->call.argument);
    agg->class = class_of(&agg->call, agg->argument);
    return true;
}

/* Names of the result must differ; complains at the aggregate's. */
static bool is_fresh(struct qn_etl_build *build, const struct qn_group_plan *plan,
                     const struct qn_pair *pair)
{
    if (!qn_strv_is_identifier(pair->key)) {
        qn_diags_add(build->env->diags, pair->key_span, "letters, digits and _, at most 63", NULL,
                     "'%.*s' is no column name", QN_STRV_ARG(pair->key));
        return false;
    }
    for (uint32_t k = 0; k < plan->n_keys; k++)
        if (qn_strv_is(pair->key, build->schema->fields[plan->keys[k]].name)) {
            qn_diags_add(build->env->diags, pair->key_span, NULL, "choose another name",
                         "'%.*s' is a column of group_by already", QN_STRV_ARG(pair->key));
            return false;
        }
    return true;
}

static void make_schemas(struct qn_etl_build *build, struct qn_group_plan *plan)
{
    struct qn_field *fields, *sent;
    struct qn_schema *out = qn_etl_build_schema(build, plan->n_keys + plan->n_aggs, &fields);
    struct qn_schema *partition =
        qn_etl_build_schema(build, plan->n_keys + 1 + 3 * plan->n_aggs, &sent);
    if (!out || !partition)
        return;
    uint32_t n = 0;
    for (; n < plan->n_keys; n++)
        fields[n] = sent[n] = build->schema->fields[plan->keys[n]];
    sent[n++] = (struct qn_field){.name = "rows", .type = {.id = QN_INT64}};
    for (uint32_t a = 0; a < plan->n_aggs; a++) {
        struct qn_agg *agg = &plan->aggs[a];
        fields[plan->n_keys + a] = (struct qn_field){agg->name, agg->call.type};
        agg->first_field = n;
        n += qn_agg_fields(agg, &sent[n]);
    }
    partition->n_fields = n;
    plan->schema = *out;
    plan->partition = *partition;
    build->etl->group = plan;
    build->schema = &plan->schema;
}

void qn_etl_build_group(struct qn_etl_build *build, const struct qn_node *group_by,
                        const struct qn_node *aggregate)
{
    struct qn_group_plan *plan = QN_BUILD_ARRAY(build, struct qn_group_plan, 1);
    uint32_t n = aggregate && aggregate->kind == QN_NODE_MAP ? aggregate->n : 0;
    struct qn_agg *aggs = QN_BUILD_ARRAY(build, struct qn_agg, n);
    if (!plan || !aggs)
        return;
    uint32_t *keys = NULL;
    *plan = (struct qn_group_plan){
        .aggs = aggs, .in = build->schema, .n_partitions = build->etl->n_partitions};
    if (group_by)
        (void)qn_etl_build_columns(build, build->schema, group_by, &keys, &plan->n_keys);
    plan->keys = keys;
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_pair *pair = &aggregate->pairs[i];
        if (!is_fresh(build, plan, pair))
            continue;
        if (add_aggregate(build, pair, &aggs[plan->n_aggs]))
            plan->n_aggs++;
        else
            qn_etl_build_mark_broken(build, pair->key);
    }
    if (plan->n_keys + plan->n_aggs == 0) {
        const struct qn_node *at = group_by ? group_by : aggregate;
        qn_diags_add(build->env->diags, at->span, "group_by, aggregate or both", NULL,
                     "nothing to group by and nothing to aggregate");
        return;
    }
    make_schemas(build, plan);
}

void qn_group_needs(const struct qn_group_plan *plan, bool *before)
{
    for (uint32_t k = 0; k < plan->n_keys; k++)
        before[plan->keys[k]] = true;
    for (uint32_t a = 0; a < plan->n_aggs; a++) {
        if (plan->aggs[a].call.argument)
            qn_expr_columns(plan->aggs[a].call.argument, before);
        if (plan->aggs[a].call.filter)
            qn_expr_columns(plan->aggs[a].call.filter, before);
    }
}
