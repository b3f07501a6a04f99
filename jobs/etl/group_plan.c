/* group_by and aggregate as the spec has them, made into a plan: which values are needed of a row,
 * and what is kept of them in every group. Not a step: it cuts the steps in two. */
#include <string.h>

#include "jobs/etl/etl.h"
#include "jobs/etl/group.h"
#include "jobs/etl/slot_pick.h"

static bool add_aggregate(struct qn_etl_build *build, const struct qn_pair *pair,
                          struct qn_expr_scope *scope, struct qn_agg *agg)
{
    const struct qn_node *node = &pair->value;
    if (node->kind != QN_NODE_SCALAR) {
        qn_diags_add(build->env->diags, node->span, "sum(amount), count(*), ...", NULL,
                     "expected an aggregate");
        return false;
    }
    struct qn_expr_complaint complaint = {0};
    qn_code code = qn_agg_compile_in(scope, node->text, &agg->call, &complaint);
    agg->name = qn_arena_strdup(build->env->arena, pair->key);
    build->nomem = build->nomem || code == QN_ENOMEM || !agg->name;
    if (code != QN_OK && code != QN_ENOMEM)
        qn_etl_build_complain(build, node, &complaint);
    if (code != QN_OK)
        return false;
    if (agg->call.argument)
        agg->argument = qn_expr_type(agg->call.argument);
    agg->slot = -1;
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

/* --- what is needed of a row ----------------------------------------------------------------- */

/* Where an argument or an order stands among the inputs; added when no earlier one is the same. */
static int32_t add_input(struct qn_group_plan *plan, struct qn_expr *expr,
                         const struct qn_strv *text, const struct qn_strv **texts)
{
    if (!expr)
        return -1;
    for (uint32_t i = 0; i < plan->n_inputs; i++)
        if (qn_strv_eq(*texts[i], *text) &&
            qn_type_eq(qn_expr_type(plan->inputs[i]), qn_expr_type(expr)))
            return (int32_t)i;
    texts[plan->n_inputs] = text;
    plan->inputs[plan->n_inputs] = expr;
    return (int32_t)plan->n_inputs++;
}

static int32_t add_filter(struct qn_group_plan *plan, const struct qn_agg *agg,
                          const struct qn_strv **texts)
{
    if (!agg->call.filter)
        return -1;
    for (uint32_t i = 0; i < plan->n_filters; i++)
        if (qn_strv_eq(*texts[i], agg->call.filter_text))
            return (int32_t)i;
    texts[plan->n_filters] = &agg->call.filter_text;
    plan->filters[plan->n_filters] = agg->call.filter;
    return (int32_t)plan->n_filters++;
}

/* --- what is kept of it ---------------------------------------------------------------------- */

static const struct qn_slot_ops *ops_of(const struct qn_agg *agg)
{
    switch (agg->call.fn) {
    case QN_AGG_COUNT: return &qn_slot_count;
    case QN_AGG_SUM:
    case QN_AGG_AVG: return agg->argument.id == QN_DOUBLE ? &qn_slot_real : &qn_slot_sum;
    case QN_AGG_STDDEV:
    case QN_AGG_VARIANCE:
    case QN_AGG_STDDEV_POP:
    case QN_AGG_VARIANCE_POP: return &qn_slot_spread;
    case QN_AGG_DISTINCT:
    case QN_AGG_QUANTILE:
    case QN_AGG_QUANTILE_DISC:
    case QN_AGG_MODE:
    case QN_AGG_APPROX_QUANTILE: return &qn_slot_bag;
    case QN_AGG_PICK: return &qn_slot_pick;
    case QN_AGG_APPROX_DISTINCT: return &qn_slot_sketch;
    case QN_AGG_MIN:
    case QN_AGG_MAX: break;
    }
    return agg->argument.id == QN_TEXT ? &qn_slot_extreme_text : &qn_slot_extreme;
}

/* A count is told by any slot of the same values: each has its n; but a pick by rank has that of
 * rows with a rank. */
static bool tells(const struct qn_slot *slot, const struct qn_slot *wanted)
{
    if (slot->input != wanted->input || slot->filter != wanted->filter)
        return false;
    if (wanted->ops == &qn_slot_count)
        return slot->order < 0;
    return slot->ops == wanted->ops && slot->least == wanted->least &&
           slot->latest == wanted->latest && slot->order == wanted->order &&
           slot->rounded == wanted->rounded;
}

static bool wants_least(const struct qn_agg_call *call)
{
    return call->fn == QN_AGG_MIN || (call->fn == QN_AGG_PICK && !call->greatest);
}

static bool wants_order(enum qn_agg_fn fn)
{
    return fn == QN_AGG_QUANTILE || fn == QN_AGG_QUANTILE_DISC || fn == QN_AGG_APPROX_QUANTILE;
}

static struct qn_slot wanted_slot(struct qn_group_plan *plan, const struct qn_agg *agg,
                                  const struct qn_strv **inputs, const struct qn_strv **filters)
{
    const struct qn_agg_call *call = &agg->call;
    struct qn_slot slot = {
        .ops = ops_of(agg),
        .input = add_input(plan, call->argument, &call->argument_text, inputs),
        .order = add_input(plan, call->order, &call->order_text, inputs),
        .filter = add_filter(plan, agg, filters),
        .type = agg->argument,
        .least = wants_least(call),
        .latest = call->latest,
        .rounded = call->fn == QN_AGG_APPROX_QUANTILE,
        .sorted = wants_order(call->fn),
    };
    if (call->order)
        slot.order_type = qn_expr_type(call->order);
    plan->has_places |= slot.ops == &qn_slot_pick;
    return slot;
}

static void add_slot(struct qn_group_plan *plan, struct qn_agg *agg, struct qn_slot wanted)
{
    for (uint32_t i = 0; i < plan->n_slots; i++)
        if (tells(&plan->slots[i], &wanted)) {
            agg->slot = (int32_t)i;
            plan->slots[i].sorted |= wanted.sorted;
            return;
        }
    agg->slot = (int32_t)plan->n_slots;
    wanted.offset = plan->state_bytes;
    plan->state_bytes += wanted.ops->bytes;
    plan->slots[plan->n_slots++] = wanted;
}

/* Counts come last, so that they find the slots of the others. */
static void add_slots(struct qn_etl_build *build, struct qn_group_plan *plan)
{
    plan->inputs = QN_BUILD_ARRAY(build, struct qn_expr *, 2 * plan->n_aggs);
    plan->filters = QN_BUILD_ARRAY(build, struct qn_expr *, plan->n_aggs);
    plan->slots = QN_BUILD_ARRAY(build, struct qn_slot, plan->n_aggs);
    struct qn_slot *wanted = QN_BUILD_ARRAY(build, struct qn_slot, plan->n_aggs);
    const struct qn_strv **inputs = QN_BUILD_ARRAY(build, const struct qn_strv *, 2 * plan->n_aggs);
    const struct qn_strv **filters = QN_BUILD_ARRAY(build, const struct qn_strv *, plan->n_aggs);
    if (build->nomem)
        return;
    plan->state_bytes = sizeof(int64_t);
    for (uint32_t a = 0; a < plan->n_aggs; a++)
        wanted[a] = wanted_slot(plan, &plan->aggs[a], inputs, filters);
    for (int counts = 0; counts < 2; counts++)
        for (uint32_t a = 0; a < plan->n_aggs; a++) {
            bool is_rows = wanted[a].input < 0 && wanted[a].filter < 0;
            if (!is_rows && (plan->aggs[a].call.fn == QN_AGG_COUNT) == counts)
                add_slot(plan, &plan->aggs[a], wanted[a]);
        }
}

/* --- schemas --------------------------------------------------------------------------------- */

uint32_t qn_group_bit_columns(const struct qn_group_plan *plan)
{
    return (plan->n_filters + QN_FILTERS_A_COLUMN - 1) / QN_FILTERS_A_COLUMN;
}

static uint32_t n_place_columns(const struct qn_group_plan *plan)
{
    return plan->has_places ? QN_PLACE_FIELDS : 0;
}

static uint32_t put_keys(const struct qn_etl_build *build, const struct qn_group_plan *plan,
                         struct qn_field *fields)
{
    for (uint32_t k = 0; k < plan->n_keys; k++)
        fields[k] = build->schema->fields[plan->keys[k]];
    return plan->n_keys;
}

static void put_evaluated(const struct qn_group_plan *plan, struct qn_field *fields)
{
    for (uint32_t i = 0; i < plan->n_inputs; i++)
        *fields++ = (struct qn_field){"input", qn_expr_type(plan->inputs[i])};
    for (uint32_t i = 0; i < qn_group_bit_columns(plan); i++)
        *fields++ = (struct qn_field){"filters", {.id = QN_INT64}};
    for (uint32_t i = 0; i < n_place_columns(plan); i++)
        *fields++ = (struct qn_field){"place", {.id = QN_INT64}};
}

static uint32_t put_states(struct qn_group_plan *plan, struct qn_field *fields)
{
    uint32_t n = plan->n_keys;
    fields[n++] = (struct qn_field){"rows", {.id = QN_INT64}};
    for (uint32_t s = 0; s < plan->n_slots; s++) {
        struct qn_slot *slot = &plan->slots[s];
        struct qn_type types[QN_SLOT_FIELDS];
        slot->first_field = n;
        slot->n_fields = slot->ops->fields(slot, types);
        for (uint32_t f = 0; f < slot->n_fields; f++)
            fields[n++] = (struct qn_field){"state", types[f]};
    }
    return n;
}

static void make_schemas(struct qn_etl_build *build, struct qn_group_plan *plan)
{
    struct qn_field *fields, *sent, *evaluated;
    struct qn_schema *out = qn_etl_build_schema(build, plan->n_keys + plan->n_aggs, &fields);
    uint32_t n_evaluated =
        plan->n_keys + plan->n_inputs + qn_group_bit_columns(plan) + n_place_columns(plan);
    struct qn_schema *rows = qn_etl_build_schema(build, n_evaluated, &evaluated);
    struct qn_schema *states =
        qn_etl_build_schema(build, plan->n_keys + 1 + QN_SLOT_FIELDS * plan->n_slots, &sent);
    if (!out || !rows || !states)
        return;
    put_keys(build, plan, fields);
    put_keys(build, plan, sent);
    put_evaluated(plan, evaluated + put_keys(build, plan, evaluated));
    for (uint32_t a = 0; a < plan->n_aggs; a++)
        fields[plan->n_keys + a] = (struct qn_field){plan->aggs[a].name, plan->aggs[a].call.type};
    states->n_fields = put_states(plan, sent);
    plan->schema = *out;
    plan->evaluated = *rows;
    plan->by = qn_partitioning_of(&plan->evaluated, plan->n_keys, build->etl->n_partitions);
    plan->partition = *states;
    build->etl->group = plan;
    build->schema = &plan->schema;
}

/* --- the whole ------------------------------------------------------------------------------- */

void qn_etl_build_group(struct qn_etl_build *build, const struct qn_node *group_by,
                        const struct qn_node *aggregate)
{
    struct qn_group_plan *plan = QN_BUILD_ARRAY(build, struct qn_group_plan, 1);
    uint32_t n = aggregate && aggregate->kind == QN_NODE_MAP ? aggregate->n : 0;
    struct qn_agg *aggs = QN_BUILD_ARRAY(build, struct qn_agg, n);
    if (!plan || !aggs)
        return;
    uint32_t *keys = NULL;
    *plan = (struct qn_group_plan){.aggs = aggs,
                                   .in = build->schema,
                                   .scope = qn_expr_scope_new(build->env->arena, build->schema)};
    build->nomem = build->nomem || !plan->scope;
    if (build->nomem)
        return;
    bool keys_known =
        !group_by || qn_etl_build_columns(build, build->schema, group_by, &keys, &plan->n_keys);
    plan->keys = keys;
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_pair *pair = &aggregate->pairs[i];
        if (!is_fresh(build, plan, pair))
            continue;
        if (add_aggregate(build, pair, plan->scope, &aggs[plan->n_aggs]))
            plan->n_aggs++;
        else
            qn_etl_build_mark_broken(build, pair->key);
    }
    if (!keys_known)
        build->gaps->any = true; /* which key was meant? */
    if (plan->n_keys + plan->n_aggs == 0 && !build->gaps->any && !build->gaps->n_names) {
        const struct qn_node *at = group_by ? group_by : aggregate;
        qn_diags_add(build->env->diags, at->span, "group_by, aggregate or both", NULL,
                     "nothing to group by and nothing to aggregate");
        return;
    }
    add_slots(build, plan);
    if (!build->nomem)
        make_schemas(build, plan);
}

void qn_group_needs(const struct qn_group_plan *plan, bool *before)
{
    for (uint32_t k = 0; k < plan->n_keys; k++)
        before[plan->keys[k]] = true;
    for (uint32_t a = 0; a < plan->n_aggs; a++) {
        if (plan->aggs[a].call.argument)
            qn_expr_columns(plan->aggs[a].call.argument, before);
        if (plan->aggs[a].call.order)
            qn_expr_columns(plan->aggs[a].call.order, before);
        if (plan->aggs[a].call.filter)
            qn_expr_columns(plan->aggs[a].call.filter, before);
    }
}

/* --- evaluating ------------------------------------------------------------------------------ */

/* Columns of bits: of every row, which filters it passes. */
static qn_code add_bits(const struct qn_group_plan *plan, struct qn_expr_memo *memo,
                        struct qn_expr_marks *known, const struct qn_batch *batch,
                        struct qn_arena *arena, struct qn_column *out, struct qn_err *err)
{
    for (uint32_t first = 0; first < plan->n_filters; first += QN_FILTERS_A_COLUMN, out++) {
        uint32_t n = plan->n_filters - first;
        *out = (struct qn_column){.type = {.id = QN_INT64}};
        out->i64 = qn_arena_alloc(arena, batch->n_rows * sizeof *out->i64);
        if (!out->i64)
            return qn_err_nomem(err, "filters");
        if (n > QN_FILTERS_A_COLUMN)
            n = QN_FILTERS_A_COLUMN;
        QN_TRY(qn_expr_marks_in(plan->filters + first, n, memo, known ? known++ : NULL,
                                (uint64_t *)out->i64, err));
    }
    return QN_OK;
}

static qn_code add_places(struct qn_etl_step_ctx *ctx, struct qn_copy_counter *copies,
                          const struct qn_batch *batch, struct qn_column out[QN_PLACE_FIELDS],
                          struct qn_err *err)
{
    const struct qn_type type = {.id = QN_INT64};
    for (uint32_t f = 0; f < QN_PLACE_FIELDS; f++)
        QN_TRY(qn_column_new(ctx->arena, type, batch->n_rows, &out[f], err));
    for (uint32_t row = 0; row < batch->n_rows; row++)
        qn_place_put(out, row, qn_etl_step_row_id(ctx, copies, batch, row));
    return QN_OK;
}

qn_code qn_group_evaluate(const struct qn_group_plan *plan, struct qn_etl_step_ctx *ctx,
                          struct qn_copy_counter *copies, struct qn_expr_marks *known,
                          const struct qn_batch *batch, struct qn_batch *out, struct qn_err *err)
{
    *out = (struct qn_batch){.schema = &plan->evaluated, .n_rows = batch->n_rows};
    out->columns = QN_NEW_ARRAY(ctx->arena, struct qn_column, plan->evaluated.n_fields);
    if (!out->columns)
        return qn_err_nomem(err, "groups");
    struct qn_column *at = out->columns;
    struct qn_expr_memo *memo;
    QN_TRY(qn_expr_memo_new(plan->scope, batch, ctx->arena, &memo, err));
    for (uint32_t k = 0; k < plan->n_keys; k++)
        *at++ = batch->columns[plan->keys[k]];
    for (uint32_t i = 0; i < plan->n_inputs; i++)
        QN_TRY(qn_expr_eval_in(plan->inputs[i], memo, at++, err));
    QN_TRY(add_bits(plan, memo, known, batch, ctx->arena, at, err));
    at += qn_group_bit_columns(plan);
    return plan->has_places ? add_places(ctx, copies, batch, at, err) : QN_OK;
}
