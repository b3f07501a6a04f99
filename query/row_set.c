#include "query/row_set.h"

#include <stdlib.h>
#include <string.h>

struct qn_row_count {
    struct qn_hash128 hash;
    uint64_t count;
    bool taken;
};

enum { LEAST_SLOTS = 1024 };

void qn_row_set_init(struct qn_row_set *set, uint64_t memory_bytes)
{
    *set = (struct qn_row_set){.most_slots = LEAST_SLOTS, .last = UINT64_MAX};
    /* while it grows there are two of them, of which one is half as large */
    while (set->most_slots * 3 * sizeof *set->slots <= memory_bytes)
        set->most_slots *= 2;
    qn_buf_init(&set->key);
}

void qn_row_set_fini(struct qn_row_set *set)
{
    free(set->slots);
    qn_buf_fini(&set->key);
    *set = (struct qn_row_set){0};
}

/* Zeros of both signs are one number. */
static void put_double(struct qn_buf *key, double value)
{
    qn_buf_put_f64(key, value == 0 ? 0.0 : value);
}

static void put_value(struct qn_buf *key, const struct qn_column *column, uint32_t row)
{
    bool valid = qn_is_valid(column, row);
    qn_buf_put_u8(key, valid);
    if (!valid)
        return;
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: qn_buf_put_u8(key, column->bools[row]); break;
    case QN_LAYOUT_I64: qn_buf_put_i64(key, column->i64[row]); break;
    case QN_LAYOUT_F64: put_double(key, column->f64[row]); break;
    case QN_LAYOUT_TEXT: qn_buf_put_str(key, qn_text_at(column, row)); break;
    }
}

static struct qn_row_count *slot_of(struct qn_row_count *slots, size_t n_slots,
                                    struct qn_hash128 hash)
{
    size_t at = (size_t)hash.low & (n_slots - 1);
    while (slots[at].taken && (slots[at].hash.low != hash.low || slots[at].hash.high != hash.high))
        at = (at + 1) & (n_slots - 1);
    return &slots[at];
}

/* Into as many slots as are asked for, without those that are not in the range. */
static bool rehash(struct qn_row_set *set, size_t n_slots)
{
    struct qn_row_count *slots = calloc(n_slots, sizeof *slots);
    if (!slots)
        return false;
    set->n = 0;
    for (size_t i = 0; i < set->n_slots; i++)
        if (set->slots[i].taken && set->slots[i].hash.high <= set->last) {
            *slot_of(slots, n_slots, set->slots[i].hash) = set->slots[i];
            set->n++;
        }
    free(set->slots);
    set->slots = slots;
    set->n_slots = n_slots;
    return true;
}

/* At most half full. */
static bool make_room(struct qn_row_set *set)
{
    while (set->n * 2 >= set->n_slots) {
        bool narrow = set->n_slots >= set->most_slots && set->first < set->last;
        size_t n_slots = set->n_slots ? set->n_slots * 2 : LEAST_SLOTS;
        if (narrow)
            set->last = set->first + (set->last - set->first) / 2;
        if (!rehash(set, narrow ? set->n_slots : n_slots))
            return false;
    }
    return true;
}

qn_code qn_row_set_find(struct qn_row_set *set, const struct qn_batch *batch, uint32_t row,
                        uint64_t **count, struct qn_err *err)
{
    *count = NULL;
    qn_buf_clear(&set->key);
    for (uint32_t c = 0; c < batch->schema->n_fields; c++)
        put_value(&set->key, &batch->columns[c], row);
    if (set->key.failed || !make_room(set))
        return qn_err_nomem(err, "rows of a set operation");
    struct qn_hash128 hash = qn_hash128(set->key.data, set->key.len, 0);
    if (hash.high < set->first || hash.high > set->last)
        return QN_OK;
    struct qn_row_count *slot = slot_of(set->slots, set->n_slots, hash);
    if (!slot->taken) {
        *slot = (struct qn_row_count){.hash = hash, .taken = true};
        set->n++;
    }
    *count = &slot->count;
    return QN_OK;
}

bool qn_row_set_next(struct qn_row_set *set)
{
    uint64_t width = set->last - set->first;
    if (set->last == UINT64_MAX)
        return false;
    set->first = set->last + 1;
    set->last = set->first <= UINT64_MAX - width ? set->first + width : UINT64_MAX;
    memset(set->slots, 0, set->n_slots * sizeof *set->slots);
    set->n = 0;
    return true;
}
