#include "wire/sort_merge.h"

#include <stdlib.h>

/* Where a run is read. */
struct place {
    struct qn_reader *reader;
    struct qn_batch batch;
    uint32_t row;
    uint64_t prefix; /* of the row */
};

/* Runs that have rows left, as a heap by their rows: the first comes next. */
struct merge {
    const struct qn_sort_order *order;
    struct place *places; /* by run */
    uint32_t *heap;
    uint32_t n;
};

static bool comes_before(const struct merge *merge, uint32_t a, uint32_t b)
{
    const struct place *left = &merge->places[a], *right = &merge->places[b];
    if (left->prefix != right->prefix)
        return left->prefix < right->prefix;
    int order = qn_sort_compare(merge->order, &left->batch, left->row, &right->batch, right->row);
    return order ? order < 0 : a < b;
}

/* The run at `at` moves down to where it belongs. */
static void sink(struct merge *merge, uint32_t at)
{
    uint32_t run = merge->heap[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= merge->n)
            break;
        if (child + 1 < merge->n && comes_before(merge, merge->heap[child + 1], merge->heap[child]))
            child++;
        if (!comes_before(merge, merge->heap[child], run))
            break;
        merge->heap[at] = merge->heap[child];
        at = child;
    }
    merge->heap[at] = run;
}

/* The next row of a run; *end: there is none. */
static qn_code advance(const struct merge *merge, struct place *place, bool *end,
                       struct qn_err *err)
{
    if (++place->row >= place->batch.n_rows) {
        QN_TRY(place->reader->ops->next(place->reader, &place->batch, NULL, err));
        place->row = 0;
    }
    *end = place->batch.n_rows == 0;
    if (!*end)
        place->prefix = qn_sort_prefix(merge->order, &place->batch, place->row);
    return QN_OK;
}

static qn_code open_runs(struct merge *merge, const struct qn_schema *schema,
                         struct qn_sort_run *const *runs, uint32_t n_runs, struct qn_err *err)
{
    for (uint32_t i = 0; i < n_runs; i++) {
        bool end;
        struct place *place = &merge->places[i];
        QN_TRY(qn_scratch_open(&runs[i]->scratch, schema, NULL, &place->reader, err));
        QN_TRY(advance(merge, place, &end, err));
        if (!end)
            merge->heap[merge->n++] = i;
    }
    for (uint32_t i = merge->n / 2; i-- > 0;)
        sink(merge, i);
    return QN_OK;
}

static qn_code give(struct qn_batch_builder *builder, const struct qn_sort_out *out,
                    struct qn_err *err)
{
    struct qn_batch batch;
    if (qn_builder_rows(builder) == 0)
        return QN_OK;
    qn_builder_batch(builder, &batch);
    QN_TRY(out->each(out->context, &batch, err));
    qn_builder_clear(builder);
    return QN_OK;
}

static qn_code merge_rows(struct merge *merge, const struct qn_schema *schema,
                          struct qn_batch_builder *builder, const struct qn_sort_out *out,
                          struct qn_err *err)
{
    for (uint64_t n = 0; merge->n && n < out->most; n++) {
        struct place *place = &merge->places[merge->heap[0]];
        bool end;
        for (uint32_t c = 0; c < schema->n_fields; c++)
            qn_builder_value(builder, c, &place->batch.columns[c], place->row);
        QN_TRY(qn_builder_row(builder, err));
        if (qn_builder_rows(builder) == out->rows_at_once)
            QN_TRY(give(builder, out, err));
        QN_TRY(advance(merge, place, &end, err));
        if (end)
            merge->heap[0] = merge->heap[--merge->n];
        sink(merge, 0);
    }
    return give(builder, out, err);
}

qn_code qn_sort_merge(const struct qn_sort_order *order, const struct qn_schema *schema,
                      struct qn_sort_run *const *runs, uint32_t n_runs,
                      const struct qn_sort_out *out, struct qn_err *err)
{
    struct merge merge = {.order = order,
                          .places = calloc(n_runs + 1, sizeof(struct place)),
                          .heap = calloc(n_runs + 1, sizeof(uint32_t))};
    struct qn_batch_builder *builder = NULL;
    qn_code code = merge.places && merge.heap ? QN_OK : qn_err_nomem(err, "runs of rows");
    if (code == QN_OK)
        code = qn_builder_new(schema, &builder, err);
    if (code == QN_OK)
        code = open_runs(&merge, schema, runs, n_runs, err);
    if (code == QN_OK)
        code = merge_rows(&merge, schema, builder, out, err);
    for (uint32_t i = 0; merge.places && i < n_runs; i++)
        if (merge.places[i].reader)
            merge.places[i].reader->ops->close(merge.places[i].reader);
    if (builder)
        qn_builder_free(builder);
    free(merge.places);
    free(merge.heap);
    return code;
}
