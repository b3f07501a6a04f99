#include "query/sorter.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum { SPARE_ROWS = 1 << 17 }; /* past the limit, before the others are let go */

void qn_sorter_init(struct qn_sorter *sorter, const struct qn_schema *schema,
                    const struct qn_query_key *keys, uint32_t n_keys, uint64_t most,
                    uint64_t memory_bytes)
{
    *sorter = (struct qn_sorter){.schema = schema,
                                 .keys = keys,
                                 .n_keys = n_keys,
                                 .most = most,
                                 .memory_bytes = memory_bytes};
    qn_arena_init(&sorter->arena);
}

void qn_sorter_fini(struct qn_sorter *sorter)
{
    qn_arena_fini(&sorter->arena);
    free(sorter->batches);
    free(sorter->order);
}

/* --- order ----------------------------------------------------------------------------------- */

static int compare_values(const struct qn_column *a, uint32_t i, const struct qn_column *b,
                          uint32_t k)
{
    switch (qn_type_layout(a->type)) {
    case QN_LAYOUT_BOOL: return a->bools[i] - b->bools[k];
    case QN_LAYOUT_I64: return (a->i64[i] > b->i64[k]) - (a->i64[i] < b->i64[k]);
    case QN_LAYOUT_F64: return (a->f64[i] > b->f64[k]) - (a->f64[i] < b->f64[k]);
    case QN_LAYOUT_TEXT: return qn_strv_cmp(qn_text_at(a, i), qn_text_at(b, k));
    }
    return 0;
}

static int compare_key(const struct qn_query_key *key, const struct qn_column *a, uint32_t i,
                       const struct qn_column *b, uint32_t k)
{
    bool has_a = qn_is_valid(a, i), has_b = qn_is_valid(b, k);
    if (!has_a || !has_b) {
        int order = has_a - has_b; /* NULLs first */
        return key->nulls_first ? order : -order;
    }
    int order = compare_values(a, i, b, k);
    return key->descending ? -order : order;
}

static int compare_rows(const void *left, const void *right, void *context)
{
    const struct qn_sorter *sorter = context;
    const struct qn_sorter_row *a = left, *b = right;
    for (uint32_t i = 0; i < sorter->n_keys; i++) {
        const struct qn_query_key *key = &sorter->keys[i];
        int order = compare_key(key, &sorter->batches[a->batch].columns[key->column], a->row,
                                &sorter->batches[b->batch].columns[key->column], b->row);
        if (order)
            return order;
    }
    if (a->batch != b->batch)
        return a->batch < b->batch ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

static qn_code sort(struct qn_sorter *sorter, struct qn_err *err)
{
    free(sorter->order);
    sorter->order = calloc(sorter->n_rows + 1, sizeof *sorter->order);
    if (!sorter->order)
        return qn_err_nomem(err, "an order");
    uint64_t n = 0;
    for (uint32_t b = 0; b < sorter->n_batches; b++)
        for (uint32_t row = 0; row < sorter->batches[b].n_rows; row++)
            sorter->order[n++] = (struct qn_sorter_row){b, row};
    qsort_r(sorter->order, n, sizeof *sorter->order, compare_rows, sorter);
    return QN_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

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
    sorter->batches[sorter->n_batches++].schema = sorter->schema;
    sorter->n_rows += batch->n_rows;
    return QN_OK;
}

qn_code qn_sorter_each(struct qn_sorter *sorter, qn_sorter_fn each, void *context,
                       struct qn_err *err)
{
    if (sorter->n_rows == 0)
        return QN_OK;
    QN_TRY(sort(sorter, err));
    uint64_t n = sorter->n_rows < sorter->most ? sorter->n_rows : sorter->most;
    struct qn_batch_builder *builder;
    QN_TRY(qn_builder_new(sorter->schema, &builder, err));
    qn_code code = QN_OK;
    for (uint64_t i = 0; i < n && code == QN_OK; i++) {
        const struct qn_batch *from = &sorter->batches[sorter->order[i].batch];
        for (uint32_t c = 0; c < sorter->schema->n_fields; c++)
            qn_builder_value(builder, c, &from->columns[c], sorter->order[i].row);
        code = qn_builder_row(builder, err);
        if (code == QN_OK && (qn_builder_rows(builder) == QN_BATCH_ROWS || i + 1 == n)) {
            struct qn_batch batch;
            qn_builder_batch(builder, &batch);
            code = each(context, &batch, err);
            qn_builder_clear(builder);
        }
    }
    qn_builder_free(builder);
    return code;
}

static qn_code keep_in(void *context, const struct qn_batch *batch, struct qn_err *err)
{
    return keep(context, batch, err);
}

/* Only the first rows go on. They are in order then, so that equal ones stay as they came. */
static qn_code let_go(struct qn_sorter *sorter, struct qn_err *err)
{
    struct qn_sorter first;
    qn_sorter_init(&first, sorter->schema, sorter->keys, sorter->n_keys, sorter->most,
                   sorter->memory_bytes);
    qn_code code = qn_sorter_each(sorter, keep_in, &first, err);
    if (code != QN_OK) {
        qn_sorter_fini(&first);
        return code;
    }
    qn_sorter_fini(sorter);
    *sorter = first;
    return QN_OK;
}

qn_code qn_sorter_add(struct qn_sorter *sorter, const struct qn_batch *batch, struct qn_err *err)
{
    QN_TRY(keep(sorter, batch, err));
    if (sorter->most < UINT64_MAX / 2 && sorter->n_rows > sorter->most * 2 + SPARE_ROWS)
        QN_TRY(let_go(sorter, err));
    uint64_t used = sorter->arena.used_bytes + sorter->n_rows * sizeof *sorter->order;
    if (used <= sorter->memory_bytes)
        return QN_OK;
    return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                      "ORDER BY: %llu rows take more than %llu MiB of memory; add a LIMIT, select "
                      "fewer columns, or give it more (--memory)",
                      (unsigned long long)sorter->n_rows,
                      (unsigned long long)(sorter->memory_bytes >> 20));
}
