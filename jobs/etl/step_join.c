/* join: columns of another dataset beside the rows with equal keys. The other side is read whole,
 * once by each worker, and kept as a table that its executors share while the run lasts (a
 * broadcast join), so it is the smaller one.
 *
 * Rows with a NULL in the key match nothing. Several matches make several rows, in the order of the
 * other side. inner: rows without a match are filtered; left: they get NULLs; semi and anti keep or
 * drop rows by whether there is a match and add no columns. */
#include <stdlib.h>
#include <string.h>

#include "jobs/etl/build.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/join_table.h"

enum how { INNER, LEFT, SEMI, ANTI };

struct join {
    enum how how;
    uint32_t side; /* in job->sides */
    const char *to;
    uint32_t *left, *right; /* key columns of the input and of the side */
    uint32_t n_keys;
    uint32_t *added; /* side columns appended to the output */
    uint32_t n_added;
    bool *stored; /* side columns kept in memory: keys and what some stage needs */
    uint32_t n_stored;
};

/* --- the side -------------------------------------------------------------------------------- */

static void table_free(void *data)
{
    qn_join_table_fini(data);
    free(data);
}

static qn_code too_large(const struct join *join, const struct qn_join_table *table,
                         const struct qn_task_in *in, struct qn_err *err)
{
    uint64_t need = (qn_join_table_bytes(table) >> 20) + 1;
    return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                      "join: the rows of %s take %llu MiB of memory, a worker has %llu MiB for "
                      "them: give workers more (--memory), join from its side to the smaller one, "
                      "or keep fewer columns of it",
                      join->to, (unsigned long long)need,
                      (unsigned long long)(in->shared_bytes >> 20));
}

static qn_code read_side(const struct join *join, struct qn_join_table *table,
                         struct qn_reader *reader, const struct qn_task_in *in, struct qn_err *err)
{
    struct qn_rejects rejects; /* of a dataset there are none */
    QN_TRY(qn_rejects_init(&rejects, err));
    qn_code code;
    for (;;) {
        struct qn_batch batch;
        code = reader->ops->next(reader, &batch, &rejects, err);
        if (code == QN_OK && batch.n_rows && batch.schema->n_fields != join->n_stored)
            code = qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "%s has other columns than planned",
                              join->to);
        if (code != QN_OK || batch.n_rows == 0)
            break;
        code = qn_join_table_add(table, &batch, in->shared_bytes, err);
        if (code == QN_OK && atomic_load(in->cancelled))
            code = qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        if (code != QN_OK)
            break;
    }
    qn_rejects_fini(&rejects);
    return code;
}

static qn_code fill_table(const struct join *join, struct qn_join_table *table,
                          struct qn_task_in *in, struct qn_err *err)
{
    struct qn_reader *reader;
    QN_TRY(in->open_side(in, join->side, join->stored, &reader, err));
    qn_code code = read_side(join, table, reader, in, err);
    reader->ops->close(reader);
    if (code == QN_OK && qn_join_table_bytes(table) > in->shared_bytes)
        code = too_large(join, table, in, err);
    return code == QN_OK ? qn_join_table_link(table, err) : code;
}

struct making {
    const struct join *join;
    struct qn_etl_step_ctx *ctx;
};

static qn_code make_table(void *context, struct qn_task_cache *made, struct qn_err *err)
{
    const struct making *making = context;
    const struct join *join = making->join;
    struct qn_join_table *table = calloc(1, sizeof *table);
    if (!table)
        return qn_err_nomem(err, "a join's table");
    qn_code code = qn_join_table_init(table, making->ctx->job->sides[join->side].schema,
                                      join->stored, join->right, join->n_keys, err);
    if (code == QN_OK)
        code = fill_table(join, table, making->ctx->in, err);
    if (code != QN_OK) {
        table_free(table);
        return code;
    }
    *made = (struct qn_task_cache){
        .data = table, .free = table_free, .bytes = qn_join_table_bytes(table)};
    return QN_OK;
}

/* --- acting ---------------------------------------------------------------------------------- */

struct join_run {
    const struct qn_join_table *table;
    const uint32_t *first; /* by row of the batch: 1 + its first match, or 0 */
    uint32_t at;           /* row of the batch to go on with */
    uint32_t match;        /* 1 + the match of it to go on with; 0: its first */
    bool midway;           /* the batch has more to give */
};

static qn_code join_open(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void **run,
                         struct qn_err *err)
{
    const struct join *join = step->impl;
    struct join_run *self = QN_NEW(ctx->in->arena, struct join_run);
    if (!self)
        return qn_err_nomem(err, "a join");
    struct making making = {join, ctx};
    const void *table;
    QN_TRY(ctx->in->share(ctx->in, join->side, make_table, &making, &table, err));
    self->table = table;
    *run = self;
    return QN_OK;
}

static void store(struct join *join, uint32_t column)
{
    join->n_stored += !join->stored[column];
    join->stored[column] = true;
}

static void join_needs(const struct qn_etl_step *step, const bool *after, bool *before)
{
    struct join *join = step->impl;
    for (uint32_t i = 0; i < step->in->n_fields; i++)
        before[i] = before[i] || after[i];
    for (uint32_t k = 0; k < join->n_keys; k++)
        before[join->left[k]] = true;
    for (uint32_t i = 0; i < join->n_added; i++) /* compiling is one thread: this is its table */
        if (after[step->in->n_fields + i])
            store(join, join->added[i]);
}

struct pairs {
    uint32_t *left, *right; /* rows side by side; right UINT32_MAX: none */
    uint32_t n;
};

static void put_pair(struct pairs *pairs, uint32_t left, uint32_t right)
{
    pairs->left[pairs->n] = left;
    pairs->right[pairs->n++] = right;
}

/* Matches of one row, from where the run stands; false when there was no room for all. */
static bool put_matches(const struct qn_join_table *table, struct join_run *run,
                        struct pairs *pairs, struct qn_counters *counters)
{
    uint32_t link = run->match ? run->match : run->first[run->at];
    for (bool begun = run->match != 0; link; begun = true) {
        if (pairs->n == QN_BATCH_ROWS) {
            run->match = begun ? link : 0;
            return false;
        }
        counters->added += begun;
        put_pair(pairs, run->at, link - 1);
        link = table->next ? table->next[link - 1] : 0;
    }
    run->match = 0;
    return true;
}

/* From where the run stands until QN_BATCH_ROWS pairs or the batch's end. */
static void find_pairs(const struct join *join, struct join_run *run, uint32_t n_rows,
                       struct pairs *pairs, struct qn_counters *counters)
{
    bool matches = join->how == INNER || join->how == LEFT;
    for (; run->at < n_rows; run->at++) {
        bool found = run->first[run->at] != 0;
        if (found && matches) {
            if (!put_matches(run->table, run, pairs, counters))
                return;
            continue;
        }
        if (join->how == INNER || (join->how == SEMI && !found) || (join->how == ANTI && found)) {
            counters->filtered++;
            continue;
        }
        if (pairs->n == QN_BATCH_ROWS)
            return;
        put_pair(pairs, run->at, UINT32_MAX);
    }
}

/* Rows stay as they are when each made one pair. */
static bool is_identity(const struct pairs *pairs, uint32_t n_rows)
{
    if (pairs->n != n_rows)
        return false;
    for (uint32_t i = 0; i < n_rows; i++)
        if (pairs->left[i] != i)
            return false;
    return true;
}

static qn_code append_columns(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                              const struct join_run *run, const bool *live,
                              const struct pairs *pairs, struct qn_batch *batch, struct qn_err *err)
{
    const struct join *join = step->impl;
    uint32_t n_left = step->in->n_fields;
    if (!is_identity(pairs, batch->n_rows))
        QN_TRY(qn_etl_step_take(ctx, live, batch, pairs->left, pairs->n, err));
    for (uint32_t i = 0; i < join->n_added; i++) {
        batch->columns[n_left + i] = (struct qn_column){0};
        if (live[n_left + i])
            QN_TRY(qn_column_take(ctx->arena, &run->table->views[join->added[i]],
                                  (uint32_t)run->table->n_rows, pairs->right, pairs->n,
                                  &batch->columns[n_left + i], err));
    }
    batch->schema = step->out;
    return QN_OK;
}

/* Looks up the batch's keys. The pipeline calls apply() again while there is more, and keeps the
 * arena until the batch is done. */
static qn_code look_up(const struct join *join, struct join_run *run, struct qn_etl_step_ctx *ctx,
                       const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_column *keys = QN_NEW_ARRAY(ctx->arena, struct qn_column, join->n_keys);
    uint64_t *hashes = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *hashes);
    uint32_t *first = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *first);
    if (!keys || !hashes || !first)
        return qn_err_nomem(err, "a join");
    for (uint32_t k = 0; k < join->n_keys; k++)
        keys[k] = batch->columns[join->left[k]];
    qn_join_table_find(run->table, keys, batch->n_rows, hashes, first);
    run->first = first;
    run->at = run->match = 0;
    return QN_OK;
}

static qn_code join_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                          const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    const struct join *join = step->impl;
    struct join_run *self = run;
    if (!self->midway)
        QN_TRY(look_up(join, self, ctx, batch, err));
    struct pairs pairs = {
        .left = qn_arena_alloc(ctx->arena, QN_BATCH_ROWS * sizeof *pairs.left),
        .right = qn_arena_alloc(ctx->arena, QN_BATCH_ROWS * sizeof *pairs.right),
    };
    if (!pairs.left || !pairs.right)
        return qn_err_nomem(err, "a join");
    find_pairs(join, self, batch->n_rows, &pairs, ctx->counters);
    self->midway = self->at < batch->n_rows;
    return append_columns(step, ctx, self, live, &pairs, batch, err);
}

static bool join_more(const void *run)
{
    const struct join_run *self = run;
    return self->midway;
}

static const struct qn_etl_step_ops join_ops = {
    .name = "join",
    .needs = join_needs,
    .open = join_open,
    .apply = join_apply,
    .more = join_more,
};

/* --- compiling ------------------------------------------------------------------------------- */

static bool same_kind(struct qn_type a, struct qn_type b)
{
    return a.id == b.id && (a.id != QN_DECIMAL || a.scale == b.scale);
}

static bool add_key(struct qn_etl_build *build, struct join *join, const struct qn_input *side,
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
    store(join, (uint32_t)right);
    return true;
}

static bool add_keys(struct qn_etl_build *build, struct join *join, const struct qn_input *side,
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
static const struct qn_schema *joined_schema(struct qn_etl_build *build, struct join *join,
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
    for (uint32_t i = 0; i < side->n_fields && join->how != SEMI && join->how != ANTI; i++) {
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
    struct join *join = QN_BUILD_ARRAY(build, struct join, 1);
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
    for (enum how h = INNER; h <= ANTI; h++)
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
    if (out)
        (void)qn_etl_build_step(build, &join_ops, out, join);
}

void qn_etl_build_join(struct qn_etl_build *build, const struct qn_node *node)
{
    uint32_t n = 0;
    const struct qn_node *items = qn_node_items(node, &n);
    for (uint32_t i = 0; i < n; i++)
        build_one(build, &items[i]);
}
