#include "wire/sorter.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum {
    SPARE_ROWS = 1 << 14, /* past the limit, before those that are not wanted are let go */
    RUNS_AT_ONCE = 16,    /* of one level: they are merged before another is begun */
};

void qn_sorter_init(struct qn_sorter *sorter, const struct qn_sorter_options *options)
{
    *sorter = (struct qn_sorter){.options = *options};
    if (!options->spare_rows)
        sorter->options.spare_rows = SPARE_ROWS;
    qn_arena_init(&sorter->arena);
}

/* Rows in memory are gone. */
static void forget_rows(struct qn_sorter *sorter)
{
    qn_arena_clear(&sorter->arena);
    sorter->n_batches = 0;
    sorter->n_rows = 0;
    sorter->cut = false;
    free(sorter->rows);
    sorter->rows = NULL;
}

static void drop_runs(struct qn_sorter *sorter, uint32_t left)
{
    while (sorter->n_runs > left) {
        struct qn_sort_run *run = sorter->runs[--sorter->n_runs];
        qn_scratch_fini(&run->scratch);
        free(run);
    }
}

void qn_sorter_fini(struct qn_sorter *sorter)
{
    forget_rows(sorter);
    drop_runs(sorter, 0);
    free(sorter->runs);
    qn_arena_fini(&sorter->arena);
    free(sorter->batches);
}

/* --- rows in memory -------------------------------------------------------------------------- */

static int compare_rows(const void *left, const void *right, void *context)
{
    const struct qn_sorter *sorter = context;
    const struct qn_sorter_row *a = left, *b = right;
    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    int order = qn_sort_compare(&sorter->options.order, &sorter->batches[a->batch], a->row,
                                &sorter->batches[b->batch], b->row);
    if (order)
        return order;
    if (a->batch != b->batch)
        return a->batch < b->batch ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static qn_code sort_rows(struct qn_sorter *sorter, struct qn_err *err)
{
    const struct qn_sort_order *order = &sorter->options.order;
    free(sorter->rows);
    sorter->rows = calloc(sorter->n_rows + 1, sizeof *sorter->rows);
    if (!sorter->rows)
        return qn_err_nomem(err, "an order");
    uint64_t n = 0;
    for (uint32_t b = 0; b < sorter->n_batches; b++)
        for (uint32_t row = 0; row < sorter->batches[b].n_rows; row++)
            sorter->rows[n++] = (struct qn_sorter_row){
                order->n_keys ? qn_sort_prefix(order, &sorter->batches[b], row) : 0, b, row};
    qsort_r(sorter->rows, n, sizeof *sorter->rows, compare_rows, sorter);
    return QN_OK;
}

static qn_code give_rows(struct qn_sorter *sorter, struct qn_batch_builder *builder,
                         const struct qn_sort_out *out, struct qn_err *err)
{
    uint64_t n = sorter->n_rows < out->most ? sorter->n_rows : out->most;
    for (uint64_t i = 0; i < n; i++) {
        const struct qn_batch *from = &sorter->batches[sorter->rows[i].batch];
        for (uint32_t c = 0; c < sorter->options.schema->n_fields; c++)
            qn_builder_value(builder, c, &from->columns[c], sorter->rows[i].row);
        QN_TRY(qn_builder_row(builder, err));
        if (qn_builder_rows(builder) < out->rows_at_once && i + 1 < n)
            continue;
        struct qn_batch batch;
        qn_builder_batch(builder, &batch);
        QN_TRY(out->each(out->context, &batch, err));
        qn_builder_clear(builder);
    }
    return QN_OK;
}

static qn_code each_in_memory(struct qn_sorter *sorter, const struct qn_sort_out *out,
                              struct qn_err *err)
{
    struct qn_batch_builder *builder;
    if (sorter->n_rows == 0)
        return QN_OK;
    QN_TRY(sort_rows(sorter, err));
    QN_TRY(qn_builder_new(sorter->options.schema, &builder, err));
    qn_code code = give_rows(sorter, builder, out, err);
    qn_builder_free(builder);
    return code;
}

/* --- runs ------------------------------------------------------------------------------------ */

static qn_code add_run(struct qn_sorter *sorter, struct qn_sort_run **out, struct qn_err *err)
{
    if (sorter->n_runs == sorter->runs_capacity) {
        uint32_t capacity = sorter->runs_capacity ? sorter->runs_capacity * 2 : RUNS_AT_ONCE;
        struct qn_sort_run **runs = realloc(sorter->runs, capacity * sizeof(struct qn_sort_run *));
        if (!runs)
            return qn_err_nomem(err, "runs of rows");
        sorter->runs = runs;
        sorter->runs_capacity = capacity;
    }
    struct qn_sort_run *run = *out = calloc(1, sizeof *run);
    if (!run)
        return qn_err_nomem(err, "runs of rows");
    sorter->runs[sorter->n_runs++] = run;
    qn_scratch_init(&run->scratch);
    return qn_scratch_begin(&run->scratch, sorter->options.folder, err);
}

static qn_code put_in_run(void *context, const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_sort_run *run = context;
    return qn_scratch_put(&run->scratch, QN_PART_PARTITION, batch, err);
}

static struct qn_sort_out into_run(const struct qn_sorter *sorter, struct qn_sort_run *run)
{
    return (struct qn_sort_out){put_in_run, run, QN_SORT_RUN_ROWS, sorter->options.most};
}

/* The last runs, as many as have one level and are too many, become one of the next level; that may
 * be one too many there. Runs stay in the order in which their rows came. */
static qn_code merge_levels(struct qn_sorter *sorter, struct qn_err *err)
{
    for (;;) {
        uint32_t n = 0, level = sorter->runs[sorter->n_runs - 1]->level;
        while (n < sorter->n_runs && sorter->runs[sorter->n_runs - 1 - n]->level == level)
            n++;
        if (n < RUNS_AT_ONCE)
            return QN_OK;
        uint32_t first = sorter->n_runs - n;
        struct qn_sort_run *merged;
        QN_TRY(add_run(sorter, &merged, err));
        struct qn_sort_out out = into_run(sorter, merged);
        QN_TRY(qn_sort_merge(&sorter->options.order, sorter->options.schema, &sorter->runs[first],
                             n, &out, err));
        merged->level = level + 1;
        sorter->n_runs--;
        drop_runs(sorter, first);
        sorter->runs[sorter->n_runs++] = merged;
    }
}

/* What is in memory becomes a run. */
static qn_code set_aside(struct qn_sorter *sorter, struct qn_err *err)
{
    struct qn_sort_run *run;
    if (sorter->n_rows == 0)
        return QN_OK;
    QN_TRY(add_run(sorter, &run, err));
    struct qn_sort_out out = into_run(sorter, run);
    QN_TRY(each_in_memory(sorter, &out, err));
    forget_rows(sorter);
    return merge_levels(sorter, err);
}

/* --- adding ---------------------------------------------------------------------------------- */

static qn_code keep(struct qn_sorter *sorter, const struct qn_batch *batch, struct qn_err *err)
{
    if (sorter->n_batches == sorter->capacity) {
        uint32_t capacity = sorter->capacity ? sorter->capacity * 2 : 16;
        struct qn_batch *batches = realloc(sorter->batches, capacity * sizeof *batches);
        if (!batches)
            return qn_err_nomem(err, "rows to be ordered");
        sorter->batches = batches;
        sorter->capacity = capacity;
    }
    QN_TRY(qn_batch_copy(&sorter->arena, batch, &sorter->batches[sorter->n_batches], err));
    sorter->batches[sorter->n_batches++].schema = sorter->options.schema;
    sorter->n_rows += batch->n_rows;
    return QN_OK;
}

static qn_code keep_in(void *context, const struct qn_batch *batch, struct qn_err *err)
{
    return keep(context, batch, err);
}

/* Only the first rows go on. They are in order then, so that equal ones stay as they came. */
static qn_code let_go(struct qn_sorter *sorter, struct qn_err *err)
{
    struct qn_sorter first;
    qn_sorter_init(&first, &sorter->options);
    const struct qn_sort_out out = {keep_in, &first, QN_BATCH_ROWS, sorter->options.most};
    qn_code code = each_in_memory(sorter, &out, err);
    if (code != QN_OK) {
        qn_sorter_fini(&first);
        return code;
    }
    first.cut = first.n_rows == sorter->options.most && first.n_rows > 0;
    first.n_cut_batches = first.n_batches;
    first.runs = sorter->runs;
    first.n_runs = sorter->n_runs;
    first.runs_capacity = sorter->runs_capacity;
    sorter->runs = NULL;
    sorter->n_runs = 0;
    qn_sorter_fini(sorter);
    *sorter = first;
    return QN_OK;
}

int qn_sorter_against_last(const struct qn_sorter *sorter, const struct qn_batch *batch,
                           uint32_t row)
{
    if (!sorter->cut)
        return -1;
    const struct qn_batch *last = &sorter->batches[sorter->n_cut_batches - 1];
    return qn_sort_compare(&sorter->options.order, batch, row, last, last->n_rows - 1);
}

qn_code qn_sorter_settle(struct qn_sorter *sorter, struct qn_err *err)
{
    return sorter->n_rows > sorter->options.most ? let_go(sorter, err) : QN_OK;
}

/* Rows that come before the last of those wanted so far: equal ones come too late. */
static qn_code keep_wanted(struct qn_sorter *sorter, const struct qn_batch *batch,
                           struct qn_err *err)
{
    uint32_t rows[QN_BATCH_ROWS], n = 0;
    if (batch->n_rows > QN_BATCH_ROWS)
        return keep(sorter, batch, err);
    for (uint32_t row = 0; row < batch->n_rows; row++)
        if (qn_sorter_against_last(sorter, batch, row) < 0)
            rows[n++] = row;
    if (n == 0)
        return QN_OK;
    struct qn_arena arena;
    struct qn_batch wanted;
    qn_arena_init(&arena);
    qn_code code = qn_batch_take(&arena, batch, rows, n, &wanted, err);
    if (code == QN_OK)
        code = keep(sorter, &wanted, err);
    qn_arena_fini(&arena);
    return code;
}

/* Sorting takes twice the order. */
static bool is_full(const struct qn_sorter *sorter)
{
    uint64_t order = 2 * sorter->n_rows * sizeof *sorter->rows;
    return sorter->arena.used_bytes + order > sorter->options.memory_bytes;
}

qn_code qn_sorter_add(struct qn_sorter *sorter, const struct qn_batch *batch, struct qn_err *err)
{
    uint64_t most = sorter->options.most;
    bool cuts = most < UINT64_MAX / 2;
    QN_TRY(sorter->cut ? keep_wanted(sorter, batch, err) : keep(sorter, batch, err));
    if (cuts && (sorter->n_rows > most * 2 + sorter->options.spare_rows ||
                 (is_full(sorter) && sorter->n_rows / 2 > most)))
        QN_TRY(let_go(sorter, err));
    return is_full(sorter) ? set_aside(sorter, err) : QN_OK;
}

qn_code qn_sorter_each(struct qn_sorter *sorter, qn_sort_fn each, void *context, struct qn_err *err)
{
    const struct qn_sort_out out = {each, context, QN_BATCH_ROWS, sorter->options.most};
    if (sorter->n_runs == 0)
        return each_in_memory(sorter, &out, err);
    QN_TRY(set_aside(sorter, err));
    return qn_sort_merge(&sorter->options.order, sorter->options.schema, sorter->runs,
                         sorter->n_runs, &out, err);
}
