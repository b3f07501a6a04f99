/* top: of rows in some order the first are wanted; those that a task knows to come behind as many
 * others go. What stays are candidates, in the order in which they were read: more than are wanted,
 * by how the input is cut. Whoever orders them all takes the first (query/).
 *
 * Once there are enough, the reader is told of the first key what is still wanted, so that it may
 * pass over rows that it knows enough of: row groups of Parquet by their statistics. */
#include "jobs/etl/build.h"
#include "jobs/etl/etl.h"
#include "wire/sorter.h"

enum {
    SPARE_SHARE = 8, /* of the rows wanted may be more, before the order is looked at again: the */
                     /* sooner it is, the less has to be read of what comes next */
    MANY_ROWS = 64   /* of one batch: it is looked at at once */
};

struct top {
    struct qn_sort_key *keys; /* by column of the schema below */
    uint32_t *columns;        /* of the rows */
    const struct qn_schema *schema;
    uint64_t n_rows;
    int32_t
        source; /* the column of the source that the first key is; -1: none, or it is not told */
};

/* What a task keeps. */
struct top_run {
    struct qn_sorter sorter;
    const struct qn_condition *told; /* the reader, of the first key */
    bool only_nulls;                 /* that was the last of it */
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
    struct top_run *task = QN_NEW(ctx->in->arena, struct top_run);
    if (!task)
        return qn_err_nomem(err, "the first rows");
    qn_sorter_init(&task->sorter,
                   &(struct qn_sorter_options){.schema = top->schema,
                                               .order = {top->keys, top->schema->n_fields},
                                               .most = top->n_rows,
                                               .spare_rows = top->n_rows / SPARE_SHARE + 1,
                                               .memory_bytes = UINT64_MAX});
    *run = task;
    return QN_OK;
}

static void top_close(void *run)
{
    struct top_run *task = run;
    qn_sorter_fini(&task->sorter);
}

/* --- what is wanted yet ---------------------------------------------------------------------- */

/* The column's value in that row, of a column of one; false: nothing follows from it. NaN has no
 * place in an order of conditions, and booleans have other forms there. */
static bool copy_bound(const struct qn_column *column, uint32_t row, struct qn_arena *arena,
                       struct qn_column *out)
{
    enum qn_layout layout = qn_type_layout(column->type);
    *out = (struct qn_column){.type = column->type};
    if (!qn_is_valid(column, row))
        return false;
    if (layout == QN_LAYOUT_I64) {
        out->i64 = QN_NEW(arena, int64_t);
        if (out->i64)
            *out->i64 = column->i64[row];
        return out->i64 != NULL;
    }
    if (layout == QN_LAYOUT_F64) {
        out->f64 = QN_NEW(arena, double);
        if (out->f64)
            *out->f64 = column->f64[row];
        return out->f64 && *out->f64 == *out->f64;
    }
    if (layout != QN_LAYOUT_TEXT)
        return false;
    struct qn_strv text = qn_text_at(column, row);
    out->offsets = QN_NEW_ARRAY(arena, uint32_t, 2);
    out->bytes = qn_arena_strdup(arena, text);
    if (out->offsets)
        out->offsets[1] = (uint32_t)text.len;
    return out->offsets && out->bytes;
}

static bool is_bound(const struct qn_condition *told, const struct qn_column *column, uint32_t row)
{
    if (!told || !qn_is_valid(column, row))
        return false;
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_TEXT: return qn_strv_eq(qn_text_at(&told->values, 0), qn_text_at(column, row));
    case QN_LAYOUT_F64: return told->values.f64[0] == column->f64[row];
    default: return told->values.i64[0] == column->i64[row];
    }
}

/* Rows that are equal in their first key may come before in the next. */
static enum qn_condition_op op_of(const struct top *top)
{
    bool alone = top->schema->n_fields == 1;
    if (top->keys[0].descending)
        return alone ? QN_CONDITION_GT : QN_CONDITION_GE;
    return alone ? QN_CONDITION_LT : QN_CONDITION_LE;
}

/* What the first key of rows has to meet that come before the last of those wanted so far; NULL:
 * nothing that is worth telling, or no memory, which is as good. */
static const struct qn_condition *condition_of(const struct top *top, struct top_run *run,
                                               struct qn_arena *arena)
{
    const struct qn_batch *last = &run->sorter.batches[run->sorter.n_cut_batches - 1];
    const struct qn_column *key = &last->columns[0];
    const uint32_t row = last->n_rows - 1, source = (uint32_t)top->source;
    if (run->only_nulls || is_bound(run->told, key, row))
        return NULL;
    struct qn_condition *null = qn_condition_new(arena, QN_CONDITION_IS_NULL, source);
    if (!qn_is_valid(key, row)) {
        run->only_nulls = null && top->keys[0].nulls_first;
        if (run->only_nulls && top->schema->n_fields == 1)
            null->op = QN_CONDITION_ANY; /* of none: never true */
        return run->only_nulls ? null : NULL;
    }
    struct qn_condition *bound = qn_condition_new(arena, op_of(top), source);
    if (!null || !bound || !copy_bound(key, row, arena, &bound->values))
        return NULL;
    bound->n_values = 1;
    run->told = bound;
    return top->keys[0].nulls_first ? qn_condition_join(arena, QN_CONDITION_ANY, bound, null)
                                    : bound;
}

/* Whether the reader knows the rows apart is its own affair: what it gives is looked at as ever. */
static qn_code tell_reader(const struct top *top, struct qn_etl_step_ctx *ctx, struct top_run *run,
                           struct qn_err *err)
{
    struct qn_reader *reader = ctx->in->reader;
    struct qn_arena *arena = ctx->in->arena;
    if (top->source < 0 || !run->sorter.cut || !reader || !reader->ops->only)
        return QN_OK;
    const struct qn_condition *wanted = condition_of(top, run, arena);
    const struct qn_condition *before = ctx->job->stages[ctx->in->stage].only;
    if (wanted && before)
        wanted = qn_condition_join(arena, QN_CONDITION_ALL, before, wanted);
    return wanted ? reader->ops->only(reader, wanted, err) : QN_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

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
    struct top_run *task = run;
    struct qn_sorter *sorter = &task->sorter;
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
    keep_before(sorter, &keys, false, rows, &n);
    if (n)
        QN_TRY(qn_sorter_add(sorter, &keys, err));
    if (n > MANY_ROWS) {
        QN_TRY(qn_sorter_settle(sorter, err));
        keep_before(sorter, &keys, true, rows, &n);
    }
    QN_TRY(tell_reader(top, ctx, task, err));
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

/* Data tests see every row of what is read. */
static int32_t source_of(const struct qn_etl_build *build, uint32_t column)
{
    const struct qn_etl *etl = build->etl;
    if (etl->group || etl->n_checks)
        return -1;
    for (uint32_t i = etl->n_steps; i-- > 0;) {
        if (!etl->steps[i]->ops->from)
            return -1;
        column = etl->steps[i]->ops->from(etl->steps[i], column);
    }
    return (int32_t)column;
}

void qn_etl_build_top(struct qn_etl_build *build, const struct qn_node *node)
{
    struct top *top = QN_BUILD_ARRAY(build, struct top, 1);
    if (!top || !read_keys(build, qn_node_get(node, "by"), top))
        return;
    top->n_rows = (uint64_t)qn_node_i64(qn_node_get(node, "rows"), 1);
    top->source = source_of(build, top->columns[0]);
    const struct qn_node *into = qn_node_get(build->env->node, "into");
    if (into)
        qn_diags_add(build->env->diags, into->span, NULL,
                     "quern query \"... ORDER BY ... LIMIT n\"",
                     "a job with top gives candidates for its reader to cut, and has no into");
    else
        (void)qn_etl_build_step(build, &top_ops, build->schema, top);
}
