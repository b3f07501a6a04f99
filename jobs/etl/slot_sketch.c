/* Slots of approx_distinct. */
#include "jobs/etl/slot_sketch.h"

#include <string.h>

#include "jobs/etl/keys.h"

enum { HASH = 1, REGISTERS = 2 };
/* Registers travel as text, one printable character each. */
enum { LEAST_CHARACTER = '0', MOST_RANK = 64 };

static uint64_t hash_of(const struct qn_column *values, uint32_t row)
{
    switch (qn_type_layout(values->type)) {
    case QN_LAYOUT_BOOL: return qn_hash_u64(values->bools[row]);
    case QN_LAYOUT_I64: return qn_hash_u64((uint64_t)values->i64[row]);
    case QN_LAYOUT_F64: return qn_hash_u64((uint64_t)qn_bag_key_f64(values->f64[row]));
    case QN_LAYOUT_TEXT: return qn_hash_text(qn_text_at(values, row));
    }
    return 0;
}

static qn_code to_registers(struct qn_slot_sketch_state *state, struct qn_arena *arena,
                            struct qn_err *err)
{
    if (!state->registers)
        state->registers = qn_arena_zalloc(arena, QN_SKETCH_REGISTERS, 1);
    return state->registers ? QN_OK : qn_err_nomem(err, "a sketch");
}

static struct qn_slot_sketch_state *state_of(const struct qn_slot *slot,
                                             const struct qn_slot_fold *fold, uint32_t group)
{
    return qn_slot_at(slot, fold->states, fold->stride, group);
}

/* Hashes to where their groups keep them. */
static qn_code put_hashes(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                          uint32_t *groups, int64_t *hashes, uint32_t n, struct qn_err *err)
{
    bool fresh[QN_BAG_BLOCK];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct qn_slot_sketch_state *state = state_of(slot, fold, groups[i]);
        if (state->registers) {
            struct qn_sketch sketch = {.registers = state->registers};
            qn_sketch_register(&sketch, (uint64_t)hashes[i]);
        } else {
            groups[kept] = groups[i];
            hashes[kept++] = hashes[i];
        }
    }
    QN_TRY(qn_bag_add(fold->bag, groups, hashes, NULL, kept, fresh, err));
    for (uint32_t i = 0; i < kept; i++) {
        struct qn_slot_sketch_state *state = state_of(slot, fold, groups[i]);
        state->few += fresh[i];
        if (state->few > QN_SLOT_SKETCH_EXACT)
            QN_TRY(to_registers(state, fold->arena, err));
    }
    return QN_OK;
}

static uint32_t sketch_fields(const struct qn_slot *slot, struct qn_type out[QN_SLOT_FIELDS])
{
    (void)slot;
    out[0] = out[HASH] = (struct qn_type){.id = QN_INT64};
    out[REGISTERS] = (struct qn_type){.id = QN_TEXT};
    return 3;
}

static qn_code sketch_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                           struct qn_err *err)
{
    uint32_t rows[QN_BAG_BLOCK], groups[QN_BAG_BLOCK];
    int64_t hashes[QN_BAG_BLOCK];
    for (uint32_t first = fold->first; first < fold->n_rows; first += QN_BAG_BLOCK) {
        uint32_t n = qn_slot_rows(fold, first, rows);
        for (uint32_t i = 0; i < n; i++) {
            groups[i] = fold->group_of[rows[i]];
            hashes[i] = (int64_t)hash_of(fold->values, rows[i]);
            state_of(slot, fold, groups[i])->n++;
        }
        QN_TRY(put_hashes(slot, fold, groups, hashes, n, err));
    }
    return QN_OK;
}

/* --- over the wire --------------------------------------------------------------------------- */

static qn_code take_registers(struct qn_slot_sketch_state *state, struct qn_strv text,
                              struct qn_arena *arena, struct qn_err *err)
{
    if (text.len != QN_SKETCH_REGISTERS)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a sketch is damaged");
    QN_TRY(to_registers(state, arena, err));
    for (size_t i = 0; i < text.len; i++) {
        uint8_t rank = (uint8_t)(text.data[i] - LEAST_CHARACTER);
        if (rank > MOST_RANK)
            return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a sketch is damaged");
        if (rank > state->registers[i])
            state->registers[i] = rank;
    }
    return QN_OK;
}

static qn_code sketch_merge(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                            struct qn_err *err)
{
    const struct qn_column *in = fold->values;
    uint32_t groups[QN_BAG_BLOCK];
    int64_t hashes[QN_BAG_BLOCK];
    for (uint32_t row = 0; row < fold->n_rows;) {
        uint32_t n = 0;
        for (; row < fold->n_rows && n < QN_BAG_BLOCK; row++) {
            struct qn_slot_sketch_state *state = state_of(slot, fold, fold->group_of[row]);
            state->n += in[0].i64[row];
            if (qn_is_valid(&in[REGISTERS], row))
                QN_TRY(take_registers(state, qn_text_at(&in[REGISTERS], row), fold->arena, err));
            if (!qn_is_valid(&in[HASH], row))
                continue;
            groups[n] = fold->group_of[row];
            hashes[n++] = in[HASH].i64[row];
        }
        QN_TRY(put_hashes(slot, fold, groups, hashes, n, err));
    }
    return QN_OK;
}

static qn_code pack_registers(const struct qn_slot *slot, const struct qn_slot_view *view,
                              struct qn_column *out, struct qn_err *err)
{
    uint32_t n = 0;
    QN_TRY(qn_column_new(view->arena, (struct qn_type){.id = QN_TEXT}, view->n, out, err));
    out->validity = qn_validity_new(view->arena, view->n, false);
    for (uint32_t i = 0; i < view->n; i++)
        n += ((const struct qn_slot_sketch_state *)qn_slot_picked(slot, view, i))->registers != 0;
    out->bytes = qn_arena_alloc(view->arena, (size_t)n * QN_SKETCH_REGISTERS + 1);
    if (!out->validity || !out->bytes)
        return qn_err_nomem(err, "sketches");
    for (uint32_t i = 0; i < view->n; i++) {
        const struct qn_slot_sketch_state *state = qn_slot_picked(slot, view, i);
        out->offsets[i + 1] = out->offsets[i];
        if (!state->registers)
            continue;
        qn_valid_set(out->validity, i);
        for (uint32_t r = 0; r < QN_SKETCH_REGISTERS; r++)
            out->bytes[out->offsets[i + 1]++] = (char)(state->registers[r] + LEAST_CHARACTER);
    }
    return QN_OK;
}

static qn_code sketch_pack(const struct qn_slot *slot, const struct qn_slot_view *view,
                           struct qn_column *out, struct qn_err *err)
{
    const struct qn_bag_entry **entries;
    QN_TRY(qn_slot_bag_entries(view, &entries, err));
    QN_TRY(qn_slot_column(view, (struct qn_type){.id = QN_INT64}, &out[0], err));
    for (uint32_t i = 0; i < view->n; i++)
        out[0].i64[i] = ((const struct qn_slot_sketch_state *)qn_slot_picked(slot, view, i))->n;
    QN_TRY(qn_bag_column(view->bag, entries, view->n, (struct qn_type){.id = QN_INT64}, view->arena,
                         &out[HASH], err));
    return pack_registers(slot, view, &out[REGISTERS], err);
}

/* --- the count ------------------------------------------------------------------------------- */

int64_t qn_slot_sketch_count(const struct qn_slot *slot, const struct qn_slot_view *view,
                             uint32_t i)
{
    const struct qn_slot_sketch_state *state = qn_slot_picked(slot, view, i);
    uint32_t group = qn_slot_bag_group(view, i);
    const struct qn_bag_entry *entries = qn_bag_at(view->bag, group);
    uint8_t registers[QN_SKETCH_REGISTERS];
    struct qn_sketch sketch = {.registers = registers};
    if (!state->registers)
        return state->few;
    memcpy(registers, state->registers, QN_SKETCH_REGISTERS);
    for (uint32_t e = 0; e < qn_bag_pairs(view->bag, group); e++)
        qn_sketch_register(&sketch, (uint64_t)entries[e].value);
    return (int64_t)qn_sketch_count(&sketch);
}

const struct qn_slot_ops qn_slot_sketch = {
    .bytes = sizeof(struct qn_slot_sketch_state),
    .has_bag = true,
    .fields = sketch_fields,
    .fold = sketch_fold,
    .merge = sketch_merge,
    .pack = sketch_pack,
};
