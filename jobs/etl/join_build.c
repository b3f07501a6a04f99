/* Compiling joins: keys, columns and stages. */
#include <string.h>

#include "jobs/etl/etl.h"
#include "jobs/etl/join.h"

void qn_join_store(struct qn_join *join, uint32_t column)
{
    join->n_stored += !join->stored[column];
    join->stored[column] = true;
}

static bool same_kind(struct qn_type a, struct qn_type b)
{
    return a.id == b.id && (a.id != QN_DECIMAL || a.scale == b.scale);
}

static bool add_key(struct qn_etl_build *build, struct qn_join *join, const struct qn_input *side,
                    struct qn_strv left_name, struct qn_span left_span, struct qn_strv right_name,
                    struct qn_span right_span)
{
    int32_t left = qn_etl_build_find(build, build->schema, left_name, left_span);
    int32_t right = qn_lookup_column(side->schema, side->gaps, right_name, right_span, " here",
                                     build->env->diags);
    if (left < 0 || right < 0)
        return false;
    struct qn_type a = build->schema->fields[left].type, b = side->schema->fields[right].type;
    char a_name[QN_TYPE_NAME], b_name[QN_TYPE_NAME];
    if (!same_kind(a, b)) {
        qn_diags_add(build->env->diags, left_span, NULL, "cast one of them in a derive first",
                     "'%.*s' is %s here and %s in %s", QN_STRV_ARG(left_name),
                     qn_type_name(a, a_name), qn_type_name(b, b_name), join->to);
        return false;
    }
    join->left[join->n_keys] = (uint32_t)left;
    join->right[join->n_keys++] = (uint32_t)right;
    qn_join_store(join, (uint32_t)right);
    return true;
}

static bool add_keys(struct qn_etl_build *build, struct qn_join *join, const struct qn_input *side,
                     const struct qn_node *on)
{
    bool fine = true;
    uint32_t n = on->n;
    const struct qn_node *items = on->kind == QN_NODE_MAP ? NULL : qn_node_items(on, &n);
    join->left = QN_BUILD_ARRAY(build, uint32_t, n);
    join->right = QN_BUILD_ARRAY(build, uint32_t, n);
    join->stored = QN_BUILD_ARRAY(build, bool, side->schema->n_fields);
    if (!join->left || !join->right || !join->stored)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_pair *pair = items ? NULL : &on->pairs[i];
        const struct qn_node *name = items ? &items[i] : &pair->value;
        if (name->kind != QN_NODE_SCALAR) {
            qn_diags_add(build->env->diags, name->span, "on: [a, b] or on: {left: right}", NULL,
                         "expected a column's name");
            fine = false;
            continue;
        }
        fine = add_key(build, join, side, items ? name->text : pair->key,
                       items ? name->span : pair->key_span, name->text, name->span) &&
               fine;
    }
    if (n == 0)
        qn_diags_add(build->env->diags, on->span, "on: [a, b] or on: {left: right}", NULL,
                     "a join needs a key");
    return fine && n > 0;
}

/* Columns of the side but its keys come after the others. */
static const struct qn_schema *joined_schema(struct qn_etl_build *build, struct qn_join *join,
                                             const struct qn_schema *side,
                                             const struct qn_node *node)
{
    const struct qn_schema *old = build->schema;
    struct qn_field *fields;
    struct qn_schema *out = qn_etl_build_schema(build, old->n_fields + side->n_fields, &fields);
    join->added = QN_BUILD_ARRAY(build, uint32_t, side->n_fields);
    if (!out || !join->added)
        return NULL;
    memcpy(fields, old->fields, old->n_fields * sizeof *fields);
    for (uint32_t i = 0;
         i < side->n_fields && join->how != QN_JOIN_SEMI && join->how != QN_JOIN_ANTI; i++) {
        bool is_key = false;
        for (uint32_t k = 0; k < join->n_keys; k++)
            is_key = is_key || join->right[k] == i;
        if (is_key)
            continue;
        if (qn_schema_find(old, qn_strv_from(side->fields[i].name)) >= 0)
            qn_diags_add(build->env->diags, node->span, NULL, "rename or drop it on one side",
                         "both sides of the join have a column '%s'", side->fields[i].name);
        fields[old->n_fields + join->n_added] = side->fields[i];
        join->added[join->n_added++] = i;
    }
    out->n_fields = old->n_fields + join->n_added;
    if (out->n_fields > QN_MAX_COLUMNS)
        qn_diags_add(build->env->diags, node->span, NULL, NULL,
                     "the join makes more than %d columns", QN_MAX_COLUMNS);
    return out;
}

static void build_one(struct qn_etl_build *build, const struct qn_node *node)
{
    const struct qn_node *to = qn_node_get(node, "to"), *on = qn_node_get(node, "on");
    struct qn_join *join = QN_BUILD_ARRAY(build, struct qn_join, 1);
    struct qn_job *job = build->job;
    struct qn_input side = {0};
    if (!join || !to || !on || !build->env->input(build->env, to, &side)) {
        build->gaps->any = true;
        return;
    }
    if (side.kind == QN_INPUT_SOURCE) {
        qn_diags_add(build->env->diags, to->span, "an etl job", "load the source by an etl job",
                     "'%.*s' is a source: a join reads the rows of a job", QN_STRV_ARG(to->text));
        return;
    }
    if (job->n_sides == QN_MAX_SIDES) {
        qn_diags_add(build->env->diags, node->span, NULL, NULL, "more than %d joins in one job",
                     QN_MAX_SIDES);
        return;
    }
    static const char *const names[] = {"inner", "left", "semi", "anti"};
    const char *how = qn_node_text(qn_node_get(node, "how"), "inner");
    for (enum qn_join_how h = QN_JOIN_INNER; h <= QN_JOIN_ANTI; h++)
        if (strcmp(how, names[h]) == 0)
            join->how = h;
    join->to = side.name;
    join->side = job->n_sides;
    bool fine = add_keys(build, join, &side, on);
    qn_etl_build_add_gaps(build, side.gaps);
    if (!fine) {
        build->gaps->any = true;
        return;
    }
    const struct qn_schema *out = joined_schema(build, join, side.schema, node);
    job->sides[job->n_sides++] = side;
    struct qn_etl_step *step = out ? qn_etl_build_step(build, &qn_join_step, out, join) : NULL;
    if (step)
        step->join = join;
    join->n_partitions =
        side.partitions > build->etl->n_partitions ? side.partitions : build->etl->n_partitions;
}

void qn_etl_build_join(struct qn_etl_build *build, const struct qn_node *node)
{
    uint32_t n = 0;
    const struct qn_node *items = qn_node_items(node, &n);
    for (uint32_t i = 0; i < n; i++)
        build_one(build, &items[i]);
}

/* --- shuffled -------------------------------------------------------------------------------- */

/* Keys first: a key that is named twice is sent twice. */
static uint32_t list_sent(const struct qn_join *join, uint32_t n_fields, uint32_t *sent)
{
    uint32_t n = 0;
    for (uint32_t k = 0; k < join->n_keys; k++)
        sent[n++] = join->right[k];
    for (uint32_t c = 0; c < n_fields; c++) {
        bool is_key = false;
        for (uint32_t k = 0; k < join->n_keys; k++)
            is_key = is_key || join->right[k] == c;
        if (join->stored[c] && !is_key)
            sent[n++] = c;
    }
    return n;
}

void qn_join_shape(struct qn_etl_build *build, struct qn_join *join)
{
    struct qn_job *job = build->job;
    const struct qn_schema *side = job->sides[join->side].schema;
    struct qn_field *rows = QN_BUILD_ARRAY(build, struct qn_field, side->n_fields + join->n_keys);
    struct qn_field *keys = QN_BUILD_ARRAY(build, struct qn_field, join->n_keys + 1);
    join->sent = QN_BUILD_ARRAY(build, uint32_t, side->n_fields + join->n_keys);
    if (!rows || !keys || !join->sent)
        return;
    join->n_sent = list_sent(join, side->n_fields, join->sent);
    for (uint32_t i = 0; i < join->n_sent; i++)
        rows[i] = side->fields[join->sent[i]];
    memcpy(keys, rows, join->n_keys * sizeof *keys);
    keys[join->n_keys] = (struct qn_field){"chunk", {.id = QN_INT64}};
    join->rows = (struct qn_schema){rows, join->n_sent};
    join->keys = (struct qn_schema){keys, join->n_keys + 1};
    join->side_by = qn_partitioning_of(&join->rows, join->n_keys, join->n_partitions);
    join->keys_by = qn_partitioning_of(&join->keys, join->n_keys, join->n_partitions);
    struct qn_stage *from_side = &job->stages[join->side_stage];
    struct qn_stage *from_input = &job->stages[join->keys_stage];
    from_side->partition_schema = from_side->raw_schema = join->rows;
    from_input->partition_schema = from_input->raw_schema = join->keys;
    job->stages[join->match_stage].partition_schema = join->rows;
}
