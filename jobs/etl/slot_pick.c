/* Slots of first, last, arg_min and arg_max. Rows without a value or a rank do not count; of equal
 * ranks the row's place in the input decides, so that no order of arrival shows. */
#include "jobs/etl/slot_pick.h"

#include <stddef.h>

enum { PLACE = 1, VALUE = PLACE + QN_PLACE_FIELDS, ORDER };

static uint32_t pick_fields(const struct qn_slot *slot, struct qn_type out[QN_SLOT_FIELDS])
{
    out[0] = out[PLACE] = out[PLACE + 1] = (struct qn_type){.id = QN_INT64};
    out[VALUE] = slot->type;
    out[ORDER] = slot->order_type;
    return slot->order < 0 ? ORDER : ORDER + 1;
}

/* Whether the row comes before the one held. */
static inline bool is_better(const struct qn_slot *slot, const struct qn_slot_pick_state *state,
                             const struct qn_column *order, const struct qn_column *places,
                             uint32_t row)
{
    if (state->n == 0)
        return true;
    int rank = order ? qn_slot_value_cmp(order, row, &state->order) : 0;
    if (rank)
        return slot->least ? rank < 0 : rank > 0;
    int place = qn_row_id_cmp(qn_place_at(places, row), state->place);
    return slot->latest ? place > 0 : place < 0;
}

static qn_code hold(struct qn_slot_pick_state *state, const struct qn_column *values,
                    const struct qn_column *order, const struct qn_column *places, uint32_t row,
                    struct qn_arena *arena, struct qn_err *err)
{
    state->place = qn_place_at(places, row);
    if (order)
        QN_TRY(qn_slot_value_set(&state->order, order, row, arena, err));
    return qn_slot_value_set(&state->value, values, row, arena, err);
}

static qn_code pick_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                         struct qn_err *err)
{
    const struct qn_column *order = fold->order, *places = fold->places;
    QN_SLOT_EACH(slot, fold, struct qn_slot_pick_state, {
        if (order && !qn_is_valid(order, row))
            continue;
        if (is_better(slot, state, order, places, row))
            QN_TRY(hold(state, fold->values, order, places, row, fold->arena, err));
        state->n++;
    });
    return QN_OK;
}

static qn_code pick_merge(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                          struct qn_err *err)
{
    const struct qn_column *in = fold->values, *places = &in[PLACE];
    const struct qn_column *order = slot->order < 0 ? NULL : &in[ORDER];
    for (uint32_t row = 0; row < fold->n_rows; row++) {
        struct qn_slot_pick_state *state =
            qn_slot_at(slot, fold->states, fold->stride, fold->group_of[row]);
        if (in[0].i64[row] <= 0 || !qn_is_valid(&in[VALUE], row) ||
            (order && !qn_is_valid(order, row)))
            continue;
        if (is_better(slot, state, order, places, row))
            QN_TRY(hold(state, &in[VALUE], order, places, row, fold->arena, err));
        state->n += in[0].i64[row];
    }
    return QN_OK;
}

static qn_code pick_pack(const struct qn_slot *slot, const struct qn_slot_view *view,
                         struct qn_column *out, struct qn_err *err)
{
    for (int f = 0; f < VALUE; f++)
        QN_TRY(qn_slot_column(view, (struct qn_type){.id = QN_INT64}, &out[f], err));
    for (uint32_t i = 0; i < view->n; i++) {
        const struct qn_slot_pick_state *state = qn_slot_picked(slot, view, i);
        out[0].i64[i] = state->n;
        qn_place_put(&out[PLACE], i, state->place);
    }
    QN_TRY(qn_slot_pick_column(slot, view, &out[VALUE], err));
    return slot->order < 0
               ? QN_OK
               : qn_slot_value_column(slot, view, slot->order_type,
                                      offsetof(struct qn_slot_pick_state, order), &out[ORDER], err);
}

qn_code qn_slot_pick_column(const struct qn_slot *slot, const struct qn_slot_view *view,
                            struct qn_column *out, struct qn_err *err)
{
    return qn_slot_value_column(slot, view, slot->type, offsetof(struct qn_slot_pick_state, value),
                                out, err);
}

const struct qn_slot_ops qn_slot_pick = {
    .bytes = sizeof(struct qn_slot_pick_state),
    .fields = pick_fields,
    .fold = pick_fold,
    .merge = pick_merge,
    .pack = pick_pack,
};
