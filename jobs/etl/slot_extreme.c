/* Slots of min and max. */
#include "jobs/etl/slot_extreme.h"

#include <stddef.h>

static uint32_t extreme_fields(const struct qn_slot *slot, struct qn_type out[QN_SLOT_FIELDS])
{
    out[0] = (struct qn_type){.id = QN_INT64};
    out[1] = slot->type;
    return 2;
}

/* --- numbers, dates, booleans ---------------------------------------------------------------- */

/* Without a branch: which value is the next extreme cannot be foreseen. */
static inline void meet_i64(struct qn_slot_extreme_state *state, int64_t value, bool least)
{
    int64_t kept = state->n++ ? state->i64 : value;
    bool better = least ? value < kept : value > kept;
    state->i64 = better ? value : kept;
}

static inline void meet_f64(struct qn_slot_extreme_state *state, double value, bool least)
{
    double kept = state->n++ ? state->f64 : value;
    bool better = least ? value < kept : value > kept;
    state->f64 = better ? value : kept;
}

static qn_code extreme_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                            struct qn_err *err)
{
    (void)err;
    const struct qn_column values = *fold->values;
    bool least = slot->least;
    if (values.type.id == QN_DOUBLE)
        QN_SLOT_EACH(slot, fold, struct qn_slot_extreme_state,
                     meet_f64(state, values.f64[row], least););
    else if (values.type.id == QN_BOOL)
        QN_SLOT_EACH(slot, fold, struct qn_slot_extreme_state,
                     meet_i64(state, values.bools[row], least););
    else
        QN_SLOT_EACH(slot, fold, struct qn_slot_extreme_state,
                     meet_i64(state, values.i64[row], least););
    return QN_OK;
}

static qn_code extreme_merge(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                             struct qn_err *err)
{
    (void)err;
    const struct qn_column *n = &fold->values[0], *values = &fold->values[1];
    for (uint32_t row = 0; row < fold->n_rows; row++) {
        struct qn_slot_extreme_state *state =
            qn_slot_at(slot, fold->states, fold->stride, fold->group_of[row]);
        if (n->i64[row] <= 0 || !qn_is_valid(values, row))
            continue;
        if (values->type.id == QN_DOUBLE)
            meet_f64(state, values->f64[row], slot->least);
        else
            meet_i64(state, qn_slot_i64(values, row), slot->least);
        state->n += n->i64[row] - 1;
    }
    return QN_OK;
}

_Static_assert(offsetof(struct qn_slot_extreme_state, i64) ==
                   offsetof(struct qn_slot_text_state, value),
               "one place for both kinds of extremes");

qn_code qn_slot_extreme_column(const struct qn_slot *slot, const struct qn_slot_view *view,
                               struct qn_column *out, struct qn_err *err)
{
    return qn_slot_value_column(slot, view, slot->type, offsetof(struct qn_slot_text_state, value),
                                out, err);
}

static qn_code extreme_pack(const struct qn_slot *slot, const struct qn_slot_view *view,
                            struct qn_column *out, struct qn_err *err)
{
    QN_TRY(qn_slot_column(view, (struct qn_type){.id = QN_INT64}, &out[0], err));
    for (uint32_t i = 0; i < view->n; i++)
        out[0].i64[i] = *(const int64_t *)qn_slot_picked(slot, view, i);
    return qn_slot_extreme_column(slot, view, &out[1], err);
}

const struct qn_slot_ops qn_slot_extreme = {
    .bytes = sizeof(struct qn_slot_extreme_state),
    .fields = extreme_fields,
    .fold = extreme_fold,
    .merge = extreme_merge,
    .pack = extreme_pack,
};

/* --- texts ----------------------------------------------------------------------------------- */

static qn_code meet_text(struct qn_slot_text_state *state, const struct qn_column *values,
                         uint32_t row, bool least, struct qn_arena *arena, struct qn_err *err)
{
    if (state->n++) {
        int order = qn_slot_value_cmp(values, row, &state->value);
        if (least ? order >= 0 : order <= 0)
            return QN_OK;
    }
    return qn_slot_value_set(&state->value, values, row, arena, err);
}

static qn_code text_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                         struct qn_err *err)
{
    const struct qn_column *values = fold->values;
    QN_SLOT_EACH(slot, fold, struct qn_slot_text_state,
                 QN_TRY(meet_text(state, values, row, slot->least, fold->arena, err)););
    return QN_OK;
}

static qn_code text_merge(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                          struct qn_err *err)
{
    const struct qn_column *n = &fold->values[0], *values = &fold->values[1];
    for (uint32_t row = 0; row < fold->n_rows; row++) {
        struct qn_slot_text_state *state =
            qn_slot_at(slot, fold->states, fold->stride, fold->group_of[row]);
        if (n->i64[row] <= 0 || !qn_is_valid(values, row))
            continue;
        QN_TRY(meet_text(state, values, row, slot->least, fold->arena, err));
        state->n += n->i64[row] - 1;
    }
    return QN_OK;
}

const struct qn_slot_ops qn_slot_extreme_text = {
    .bytes = sizeof(struct qn_slot_text_state),
    .fields = extreme_fields,
    .fold = text_fold,
    .merge = text_merge,
    .pack = extreme_pack,
};
