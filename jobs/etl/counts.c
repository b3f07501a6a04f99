#include "jobs/etl/counts.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/keys.h"

void qn_counts_init(struct qn_counts *counts, struct qn_type type, uint32_t limit)
{
    *counts = (struct qn_counts){.limit = limit};
    qn_colstore_init(&counts->values, type);
}

void qn_counts_fini(struct qn_counts *counts)
{
    qn_colstore_fini(&counts->values);
    free(counts->counts);
    free(counts->slots);
    counts->counts = NULL;
    counts->slots = NULL;
    counts->n_slots = counts->counts_capacity = 0;
}

static uint64_t hash_at(const struct qn_column *column, uint32_t row)
{
    enum qn_layout layout = qn_type_layout(column->type);
    struct qn_column one = *column;
    uint64_t hash;
    one.validity = NULL;
    one.codes = NULL;
    if (layout == QN_LAYOUT_TEXT)
        one.offsets += row;
    else if (layout == QN_LAYOUT_BOOL)
        one.bools += row;
    else
        one.i64 += row;
    qn_keys_hash(&one, 1, 1, &hash);
    return hash;
}

static uint32_t *find_slot(const struct qn_counts *counts, const struct qn_column *column,
                           uint32_t row)
{
    uint32_t at = (uint32_t)hash_at(column, row) & (counts->n_slots - 1);
    while (counts->slots[at] &&
           !qn_key_equal(&counts->values.column, counts->slots[at] - 1, column, row))
        at = (at + 1) & (counts->n_slots - 1);
    return &counts->slots[at];
}

static qn_code grow(struct qn_counts *counts, struct qn_err *err)
{
    uint32_t n_slots = counts->n_slots ? counts->n_slots * 2 : 64;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    uint64_t *grown = realloc(counts->counts, n_slots * sizeof *grown);
    if (grown)
        counts->counts = grown;
    if (!slots || !grown) {
        free(slots);
        return qn_err_nomem(err, "counted values");
    }
    free(counts->slots);
    counts->slots = slots;
    counts->n_slots = n_slots;
    for (uint32_t i = 0; i < counts->values.n; i++)
        *find_slot(counts, &counts->values.column, i) = i + 1;
    return QN_OK;
}

qn_code qn_counts_add(struct qn_counts *counts, const struct qn_column *column, uint32_t row,
                      uint64_t times, struct qn_err *err)
{
    if ((uint64_t)counts->values.n * 2 >= counts->n_slots)
        QN_TRY(grow(counts, err));
    uint32_t *slot = find_slot(counts, column, row);
    if (!*slot) {
        if (counts->values.n == counts->limit)
            return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "more than %u distinct values to count",
                              counts->limit);
        QN_TRY(qn_colstore_add(&counts->values, column, row, err));
        counts->counts[counts->values.n - 1] = 0;
        *slot = counts->values.n;
    }
    counts->counts[*slot - 1] += times;
    return QN_OK;
}

struct qn_cell qn_counts_top(const struct qn_counts *counts)
{
    struct qn_cell top = {0};
    uint64_t most = 0;
    for (uint32_t i = 0; i < counts->values.n; i++) {
        struct qn_cell cell = qn_cell_at(&counts->values.column, i);
        bool better =
            counts->counts[i] > most ||
            (counts->counts[i] == most && qn_cell_cmp(counts->values.column.type, cell, top) < 0);
        if (better) {
            most = counts->counts[i];
            top = cell;
        }
    }
    return top;
}

void qn_counts_pack(const struct qn_counts *counts, struct qn_buf *buf)
{
    qn_buf_put_u32(buf, counts->values.n);
    for (uint32_t i = 0; i < counts->values.n; i++) {
        qn_cell_pack(buf, counts->values.column.type, qn_cell_at(&counts->values.column, i));
        qn_buf_put_u64(buf, counts->counts[i]);
    }
}

qn_code qn_counts_merge(struct qn_counts *counts, struct qn_unpack *in, struct qn_err *err)
{
    struct qn_type type = counts->values.column.type;
    struct qn_colstore one;
    qn_colstore_init(&one, type);
    uint32_t n = qn_unpack_count(in, 9);
    qn_code code = QN_OK;
    for (uint32_t i = 0; i < n && !in->failed && code == QN_OK; i++) {
        struct qn_cell cell = qn_cell_unpack(in, type);
        uint64_t times = qn_unpack_u64(in);
        if (in->failed)
            break;
        qn_colstore_clear(&one);
        code = qn_colstore_add_cell(&one, cell, err);
        if (code == QN_OK)
            code = qn_counts_add(counts, &one.column, 0, times, err);
    }
    qn_colstore_fini(&one);
    return code;
}
