/* top: of rows in some order the first are wanted; those that a task knows to come behind as many
 * others go. What stays are candidates, in the order in which they were read: more than are wanted,
 * by how the input is cut. Whoever orders them all takes the first (query/). */
#include "jobs/etl/build.h"
#include "jobs/etl/etl.h"
#include "wire/sorter.h"

enum {
    SPARE_ROWS = 1024, /* past those wanted, before the order is looked at again */
    MANY_ROWS = 64     /* of one batch: it is looked at at once */
};

struct top {
    struct qn_sort_key *keys; /* by column of the schema below */
    uint32_t *columns;        /* of the rows */
    const struct qn_schema *schema;
    uint64_t n_rows;
};

static void top_needs(const struct qn_etl_step *step, const bool *after, bool *before)
{
    const struct top *top = step->impl;
    qn_etl_step_needs_same(step, after, before);
    for (uint32_t i = 0; i < top->schema->n_fields; i++)
        before[top->columns[i]] = true;
}

static qn_code top_open(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void **run,
                        struct qn_err *err)
{
    const struct top *top = step->impl;
    struct qn_sorter *sorter = QN_NEW(ctx->in->arena, struct qn_sorter);
    if (!sorter)
        return qn_err_nomem(err, "the first rows");
    qn_sorter_init(sorter, &(struct qn_sorter_options){.schema = top->schema,
                                                       .order = {top->keys, top->schema->n_fields},
                                                       .most = top->n_rows,
                                                       .spare_rows = SPARE_ROWS,
                                                       .memory_bytes = UINT64_MAX});
    *run = sorter;
    return QN_OK;
}

static void top_close(void *run)
{
    qn_sorter_fini(run);
}

/* Of rows[0..n) those before the last one wanted so far, or equal to it; *n is how many. */
static void keep_before(const struct qn_sorter *sorter, const struct qn_batch *keys, bool or_equal,
                        uint32_t *rows, uint32_t *n)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *n; i++)
        if (qn_sorter_against_last(sorter, keys, rows[i]) < or_equal)
            rows[kept++] = rows[i];
    *n = kept;
}

/* Rows that are equal to the last one come too late. Where many are wanted, as in a file that goes
 * the other way, those of the batch itself may be too many. */
static qn_code top_apply(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *run,
                         const bool *live, struct qn_batch *batch, struct qn_err *err)
{
    const struct top *top = step->impl;
    uint32_t n_keys = top->schema->n_fields, n = batch->n_rows;
    struct qn_column *columns = QN_NEW_ARRAY(ctx->arena, struct qn_column, n_keys);
    uint32_t *rows = qn_arena_alloc(ctx->arena, batch->n_rows * sizeof *rows);
    if (!columns || !rows)
        return qn_err_nomem(err, "the first rows");
    for (uint32_t i = 0; i < n_keys; i++)
        columns[i] = batch->columns[top->columns[i]];
    const struct qn_batch keys = {
        .schema = top->schema, .columns = columns, .n_rows = batch->n_rows};
    for (uint32_t row = 0; row < n; row++)
        rows[row] = row;
    keep_before(run, &keys, false, rows, &n);
    if (n)
        QN_TRY(qn_sorter_add(run, &keys, err));
    if (n > MANY_ROWS) {
        QN_TRY(qn_sorter_settle(run, err));
        keep_before(run, &keys, true, rows, &n);
    }
    ctx->counters->filtered += batch->n_rows - n;
    return qn_etl_step_take(ctx, live, batch, rows, n, err);
}

static const struct qn_etl_step_ops top_ops = {
    .name = "top", .needs = top_needs, .open = top_open, .close = top_close, .apply = top_apply};

static bool read_keys(struct qn_etl_build *build, const struct qn_node *by, struct top *top)
{
    struct qn_field *fields;
    uint32_t n = 0;
    const struct qn_node *items = qn_node_items(by, &n);
    struct qn_schema *schema = qn_etl_build_schema(build, n, &fields);
    top->keys = QN_BUILD_ARRAY(build, struct qn_sort_key, n);
    top->columns = QN_BUILD_ARRAY(build, uint32_t, n);
    if (!schema || !top->keys || !top->columns)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        int32_t at = qn_etl_build_column(build, build->schema, qn_node_get(&items[i], "column"));
        if (at < 0)
            return false;
        bool descending = qn_node_bool(qn_node_get(&items[i], "descending"), false);
        bool nulls_first = qn_node_bool(qn_node_get(&items[i], "nulls_first"), !descending);
        top->columns[i] = (uint32_t)at;
        top->keys[i] = (struct qn_sort_key){i, descending, nulls_first};
        fields[i] = build->schema->fields[at];
    }
    top->schema = schema;
    return n > 0;
}

void qn_etl_build_top(struct qn_etl_build *build, const struct qn_node *node)
{
    struct top *top = QN_BUILD_ARRAY(build, struct top, 1);
    if (!top || !read_keys(build, qn_node_get(node, "by"), top))
        return;
    top->n_rows = (uint64_t)qn_node_i64(qn_node_get(node, "rows"), 1);
    const struct qn_node *into = qn_node_get(build->env->node, "into");
    if (into)
        qn_diags_add(build->env->diags, into->span, NULL,
                     "quern query \"... ORDER BY ... LIMIT n\"",
                     "a job with top gives candidates for its reader to cut, and has no into");
    else
        (void)qn_etl_build_step(build, &top_ops, build->schema, top);
}
