/* Slots of integers, decimals and booleans: how many and their sum, exact in 128 bits. */
#include "flow/value.h"
#include "jobs/etl/slot.h"

static void add(struct qn_slot_sum_state *state, qn_i128 more)
{
    qn_u128 sum = ((qn_u128)state->high << 64) + state->low;
    sum += (qn_u128)more;
    state->low = (uint64_t)sum;
    state->high = (uint64_t)(sum >> 64);
}

static uint32_t sum_fields(const struct qn_slot *slot, struct qn_type out[QN_SLOT_FIELDS])
{
    (void)slot;
    out[0] = out[1] = out[2] = (struct qn_type){.id = QN_INT64};
    return 3;
}

static qn_code sum_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                        struct qn_err *err)
{
    (void)err;
    if (fold->values->type.id == QN_BOOL) {
        const uint8_t *values = fold->values->bools;
        QN_SLOT_EACH(slot, fold, struct qn_slot_sum_state, state->n++; add(state, values[row]););
    } else {
        const int64_t *values = fold->values->i64;
        QN_SLOT_EACH(slot, fold, struct qn_slot_sum_state, state->n++; add(state, values[row]););
    }
    return QN_OK;
}

static qn_code sum_merge(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                         struct qn_err *err)
{
    (void)err;
    const struct qn_column *in = fold->values;
    for (uint32_t row = 0; row < fold->n_rows; row++) {
        struct qn_slot_sum_state *state =
            qn_slot_at(slot, fold->states, fold->stride, fold->group_of[row]);
        qn_u128 more = ((qn_u128)(uint64_t)in[1].i64[row] << 64) + (uint64_t)in[2].i64[row];
        state->n += in[0].i64[row];
        add(state, (qn_i128)more);
    }
    return QN_OK;
}

static qn_code sum_pack(const struct qn_slot *slot, const struct qn_slot_view *view,
                        struct qn_column *out, struct qn_err *err)
{
    for (int f = 0; f < 3; f++)
        QN_TRY(qn_slot_column(view, (struct qn_type){.id = QN_INT64}, &out[f], err));
    for (uint32_t i = 0; i < view->n; i++) {
        const struct qn_slot_sum_state *state = qn_slot_picked(slot, view, i);
        out[0].i64[i] = state->n;
        out[1].i64[i] = (int64_t)state->high;
        out[2].i64[i] = (int64_t)state->low;
    }
    return QN_OK;
}

const struct qn_slot_ops qn_slot_sum = {
    .bytes = sizeof(struct qn_slot_sum_state),
    .fields = sum_fields,
    .fold = sum_fold,
    .merge = sum_merge,
    .pack = sum_pack,
};
