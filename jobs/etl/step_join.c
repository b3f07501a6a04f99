/* join: columns of another dataset beside the rows with equal keys. The other side is read whole by
 * every executor and kept as a hash table for the run (a broadcast join), so it is the smaller one.
 *
 * Rows with a NULL in the key match nothing. Several matches make several rows, in the order of the
 * other side. inner: rows without a match are filtered; left: they get NULLs; semi and anti keep or
 * drop rows by whether there is a match and add no columns. */
#include <stdlib.h>
#include <string.h>

#include "jobs/etl/build.h"
#include "jobs/etl/colstore.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/keys.h"

enum how { INNER, LEFT, SEMI, ANTI };

struct join {
    enum how how;
    uint32_t side; /* in job->sides */
    const char *to;
    uint32_t *left, *right; /* key columns of the input and of the side */
    uint32_t n_keys;
    uint32_t *added; /* side columns appended to the output */
    uint32_t n_added;
    uint32_t n_right; /* columns of the side */
    bool *stored;     /* side columns kept in memory: keys and what some stage needs */
};

/* --- the side, as a hash table --------------------------------------------------------------- */

struct table {
    struct qn_colstore *columns; /* [n_right]; those not stored stay empty */
    struct qn_column *views, *keys;
    uint64_t *hashes;       /* by row */
    uint32_t *heads, *next; /* 1 + row; chains in row order */
    uint32_t n_columns, n_rows, n_heads;
    bool built;
};

static void table_free(struct table *table)
{
    for (uint32_t i = 0; table->columns && i < table->n_columns; i++)
        qn_colstore_fini(&table->columns[i]);
    free(table->columns);
    free(table->views);
    free(table->keys);
    free(table->hashes);
    free(table->heads);
    free(table->next);
    *table = (struct table){0};
}

static qn_code table_store(const struct join *join, struct table *table,
                           const struct qn_batch *batch, struct qn_err *err)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < join->n_right; i++) {
        if (!join->stored[i])
            continue;
        QN_TRY(qn_colstore_add_all(&table->columns[i], &batch->columns[i], batch->n_rows, err));
        bytes += qn_colstore_bytes(&table->columns[i]);
    }
    if (bytes > QN_MAX_JOIN_SIDE_BYTES)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                          "join: %s takes more than %d MiB of memory: join from its side to the "
                          "smaller one, or keep fewer columns of it",
                          join->to, QN_MAX_JOIN_SIDE_BYTES >> 20);
    table->n_rows += batch->n_rows;
    return QN_OK;
}

static qn_code table_link(const struct join *join, struct table *table, struct qn_err *err)
{
    table->n_heads = 64;
    while (table->n_heads < table->n_rows && table->n_heads < UINT32_C(1) << 31)
        table->n_heads *= 2;
    table->views = calloc(join->n_right + 1, sizeof *table->views);
    table->keys = calloc(join->n_keys + 1, sizeof *table->keys);
    table->hashes = calloc((size_t)table->n_rows + 1, sizeof *table->hashes);
    table->heads = calloc(table->n_heads, sizeof *table->heads);
    table->next = calloc((size_t)table->n_rows + 1, sizeof *table->next);
    if (!table->views || !table->keys || !table->hashes || !table->heads || !table->next)
        return qn_err_nomem(err, "a join's table");
    for (uint32_t i = 0; i < join->n_right; i++)
        table->views[i] = qn_colstore_view(&table->columns[i]);
    for (uint32_t k = 0; k < join->n_keys; k++)
        table->keys[k] = table->views[join->right[k]];
    qn_keys_hash(table->keys, join->n_keys, table->n_rows, table->hashes);
    for (uint32_t row = table->n_rows; row-- > 0;) { /* backwards: chains come out ascending */
        if (qn_keys_any_null(table->keys, join->n_keys, row))
            continue;
        uint32_t *head = &table->heads[table->hashes[row] & (table->n_heads - 1)];
        table->next[row] = *head;
        *head = row + 1;
    }
    return QN_OK;
}

static qn_code read_side(const struct join *join, struct table *table, struct qn_reader *reader,
                         struct qn_etl_step_ctx *ctx, struct qn_err *err)
{
    struct qn_rejects rejects;
    QN_TRY(qn_rejects_init(&rejects, err));
    qn_code code;
    for (;;) {
        struct qn_batch batch;
        code = reader->ops->next(reader, &batch, &rejects, err);
        if (code == QN_OK && batch.n_rows && batch.schema->n_fields != join->n_right)
            code = qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "%s has other columns than planned",
                              join->to);
        if (code != QN_OK || batch.n_rows == 0)
            break;
        code = table_store(join, table, &batch, err);
        if (code == QN_OK && atomic_load(ctx->in->cancelled))
            code = qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        if (code != QN_OK)
            break;
    }
    qn_rejects_fini(&rejects);
    return code;
}

static qn_code table_build(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                           struct table *table, struct qn_err *err)
{
    const struct join *join = step->impl;
    const struct qn_schema *schema = ctx->job->sides[join->side].schema;
    table->columns = calloc(join->n_right + 1, sizeof *table->columns);
    if (!table->columns)
        return qn_err_nomem(err, "a join's table");
    table->n_columns = join->n_right;
    for (uint32_t i = 0; i < join->n_right; i++)
        qn_colstore_init(&table->columns[i], schema->fields[i].type);
    struct qn_reader *reader;
    QN_TRY(ctx->in->open_side(ctx->in, join->side, &reader, err));
    qn_code code = read_side(join, table, reader, ctx, err);
    reader->ops->close(reader);
    if (code == QN_OK)
        code = table_link(join, table, err);
    table->built = code == QN_OK;
    return code;
}

/* All tables of a job, kept by each executor while the run lasts. */
struct tables {
    uint32_t n;
    struct table tables[];
};

static void tables_free(void *data)
{
    struct tables *tables = data;
    for (uint32_t i = 0; i < tables->n; i++)
        table_free(&tables->tables[i]);
    free(tables);
}

/* --- acting ---------------------------------------------------------------------------------- */

struct join_run {
    const struct table *table;
    uint32_t at;    /* row of the batch to go on with */
    uint32_t match; /* 1 + the match of it to go on with; 0: look it up */
    bool midway;    /* the batch has more to give */
};

static qn_code join_open(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void **run,
                         struct qn_err *err)
{
    const struct join *join = step->impl;
    struct qn_task_cache *cache = ctx->in->job_cache;
    struct join_run *self = QN_NEW(ctx->in->arena, struct join_run);
    if (!self)
        return qn_err_nomem(err, "a join");
    if (!cache->data) {
        uint32_t n = ctx->job->n_sides;
        struct tables *fresh = calloc(1, sizeof *fresh + n * sizeof fresh->tables[0]);
        if (!fresh)
            return qn_err_nomem(err, "a join");
        fresh->n = n;
        cache->data = fresh;
        cache->free = tables_free;
    }
    struct tables *tables = cache->data;
    struct table *table = &tables->tables[join->side];
    if (!table->built) {
        qn_code code = table_build(step, ctx, table, err);
        if (code != QN_OK) {
            table_free(table);
            return code;
        }
    }
    self->table = table;
    *run = self;
    return QN_OK;
}

static void join_needs(const struct qn_etl_step *step, const bool *after, bool *before)
{
    const struct join *join = step->impl;
    for (uint32_t i = 0; i < step->in->n_fields; i++)
        before[i] = before[i] || after[i];
    for (uint32_t k = 0; k < join->n_keys; k++)
        before[join->left[k]] = true;
    for (uint32_t i = 0; i < join->n_added; i++) /* compiling is one thread: this is its table */
        if (after[step->in->n_fields + i])
            join->stored[join->added[i]] = true;
}

static bool is_match(const struct join *join, const struct table *table,
                     const struct qn_column *keys, uint32_t row, uint64_t hash, uint32_t right)
{
    if (table->hashes[right] != hash)
        return false;
    for (uint32_t k = 0; k < join->n_keys; k++)
        if (!qn_key_equal(&keys[k], row, &table->keys[k], right))
            return false;
    return true;
}

/* 1 + the first match of the row in the chain from `link` on, or 0. */
static uint32_t next_match(const struct join *join, const struct table *table,
                           const struct qn_column *keys, uint32_t row, uint64_t hash, uint32_t link)
{
    while (link && !is_match(join, table, keys, row, hash, link - 1))
        link = table->next[link - 1];
    return link;
}

struct pairs {
    uint32_t *left, *right; /* rows side by side; right UINT32_MAX: none */
    uint32_t n;
};

/* Matches from where the run stands until QN_BATCH_ROWS pairs or the batch's end. */
static void find_pairs(const struct join *join, struct join_run *run, const struct qn_column *keys,
                       const uint64_t *hashes, uint32_t n_rows, struct pairs *pairs,
                       struct qn_counters *counters)
{
    const struct table *table = run->table;
    for (; run->at < n_rows; run->at++, run->match = 0) {
        uint32_t row = run->at, link = run->match;
        bool begun = link != 0;
        if (!begun && !qn_keys_any_null(keys, join->n_keys, row))
            link = next_match(join, table, keys, row, hashes[row],
                              table->heads[hashes[row] & (table->n_heads - 1)]);
        if (join->how == SEMI || join->how == ANTI || !link) {
            bool stays = join->how == LEFT || (join->how == SEMI) == (link != 0);
            if (join->how == INNER)
                stays = false;
            if (pairs->n == QN_BATCH_ROWS)
                return;
            if (stays) {
                pairs->left[pairs->n] = row;
                pairs->right[pairs->n++] = UINT32_MAX;
            } else {
                counters->filtered++;
            }
            continue;
        }
        for (; link;
             link = next_match(join, table, keys, row, hashes[row], table->next[link - 1])) {
            if (pairs->n == QN_BATCH_ROWS) {
                run->match = link;
                return;
            }
            counters->added += begun;
            begun = true;
            pairs->left[pairs->n] = row;
            pairs->right[pairs->n++] = link - 1;
        }
    }
}

static qn_code append_columns(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                              const struct join_run *run, const bool *live,
                              const struct pairs *pairs, struct qn_batch *batch, struct qn_err *err)
{
    const struct join *join = step->impl;
    uint32_t n_left = step->in->n_fields;
    QN_TRY(qn_etl_step_take(ctx, live, batch, pairs->left, pairs->n, err));
    for (uint32_t i = 0; i < join->n_added; i++) {
        batch->columns[n_left + i] = (struct qn_column){0};
        if (live[n_left + i])
            QN_TRY(qn_column_take(ctx->arena, &run->table->views[join->added[i]],
                                  run->table->n_rows, pairs->right, pairs->n,
                                  &batch->columns[n_left + i], err));
    }
    batch->schema = step->out;
    return QN_OK;
}

static qn_code join_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                          const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    const struct join *join = step->impl;
    struct join_run *self = run;
    struct qn_column *keys = QN_NEW_ARRAY(ctx->arena, struct qn_column, join->n_keys);
    uint64_t *hashes = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *hashes);
    struct pairs pairs = {
        .left = qn_arena_alloc(ctx->arena, QN_BATCH_ROWS * sizeof *pairs.left),
        .right = qn_arena_alloc(ctx->arena, QN_BATCH_ROWS * sizeof *pairs.right),
    };
    if (!keys || !hashes || !pairs.left || !pairs.right)
        return qn_err_nomem(err, "a join");
    for (uint32_t k = 0; k < join->n_keys; k++)
        keys[k] = batch->columns[join->left[k]];
    qn_keys_hash(keys, join->n_keys, batch->n_rows, hashes);
    find_pairs(join, self, keys, hashes, batch->n_rows, &pairs, ctx->counters);
    self->midway = self->at < batch->n_rows;
    if (!self->midway)
        self->at = self->match = 0;
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
    join->stored[right] = true;
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
    join->n_right = side.schema->n_fields;
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
