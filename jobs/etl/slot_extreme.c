/* Slots of min and max. */
#include "jobs/etl/slot_extreme.h"

#include <string.h>

static uint32_t extreme_fields(const struct qn_slot *slot, struct qn_type out[QN_SLOT_FIELDS])
{
    out[0] = (struct qn_type){.id = QN_INT64};
    out[1] = slot->type;
    return 2;
}

/* --- numbers, dates, booleans ---------------------------------------------------------------- */

static inline void meet_i64(struct qn_slot_extreme_state *state, int64_t value, bool least)
{
    if (state->n++ == 0 || (least ? value < state->i64 : value > state->i64))
        state->i64 = value;
}

static inline void meet_f64(struct qn_slot_extreme_state *state, double value, bool least)
{
    if (state->n++ == 0 || (least ? value < state->f64 : value > state->f64))
        state->f64 = value;
}

static qn_code extreme_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                            struct qn_err *err)
{
    (void)err;
    const struct qn_column *values = fold->values;
    bool least = slot->least;
    if (values->type.id == QN_DOUBLE)
        QN_SLOT_EACH(slot, fold, struct qn_slot_extreme_state,
                     meet_f64(state, values->f64[row], least););
    else if (values->type.id == QN_BOOL)
        QN_SLOT_EACH(slot, fold, struct qn_slot_extreme_state,
                     meet_i64(state, values->bools[row], least););
    else
        QN_SLOT_EACH(slot, fold, struct qn_slot_extreme_state,
                     meet_i64(state, values->i64[row], least););
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

static qn_code new_column(const struct qn_slot *slot, const struct qn_slot_view *view,
                          struct qn_column *out, struct qn_err *err)
{
    QN_TRY(qn_column_new(view->arena, slot->type, view->n, out, err));
    bool all = true;
    for (uint32_t i = 0; i < view->n && all; i++)
        all = *(const int64_t *)qn_slot_picked(slot, view, i) > 0;
    if (all)
        return QN_OK;
    out->validity = qn_validity_new(view->arena, view->n, false);
    if (!out->validity)
        return qn_err_nomem(err, "aggregates");
    for (uint32_t i = 0; i < view->n; i++)
        if (*(const int64_t *)qn_slot_picked(slot, view, i) > 0)
            qn_valid_set(out->validity, i);
    return QN_OK;
}

static void fill_numbers(const struct qn_slot *slot, const struct qn_slot_view *view,
                         struct qn_column *out)
{
    for (uint32_t i = 0; i < view->n; i++) {
        const struct qn_slot_extreme_state *state = qn_slot_picked(slot, view, i);
        if (slot->type.id == QN_BOOL)
            out->bools[i] = state->i64 != 0;
        else
            out->i64[i] = state->i64; /* the bits of a double as well */
    }
}

static qn_code fill_texts(const struct qn_slot *slot, const struct qn_slot_view *view,
                          struct qn_column *out, struct qn_err *err)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < view->n; i++)
        total += ((const struct qn_slot_text_state *)qn_slot_picked(slot, view, i))->text.len;
    out->bytes = total < UINT32_MAX ? qn_arena_alloc(view->arena, (size_t)total + 1) : NULL;
    if (!out->bytes)
        return qn_err_nomem(err, "aggregates of text");
    for (uint32_t i = 0; i < view->n; i++) {
        const struct qn_slot_text_state *state = qn_slot_picked(slot, view, i);
        if (state->text.len)
            memcpy(out->bytes + out->offsets[i], state->text.data, state->text.len);
        out->offsets[i + 1] = out->offsets[i] + (uint32_t)state->text.len;
    }
    return QN_OK;
}

qn_code qn_slot_extreme_column(const struct qn_slot *slot, const struct qn_slot_view *view,
                               struct qn_column *out, struct qn_err *err)
{
    QN_TRY(new_column(slot, view, out, err));
    if (slot->type.id == QN_TEXT)
        return fill_texts(slot, view, out, err);
    fill_numbers(slot, view, out);
    return QN_OK;
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

static qn_code meet_text(struct qn_slot_text_state *state, struct qn_strv text, bool least,
                         struct qn_arena *arena, struct qn_err *err)
{
    int order = state->n++ == 0 ? 0 : qn_strv_cmp(text, state->text);
    if (state->n > 1 && (least ? order >= 0 : order <= 0))
        return QN_OK;
    char *copy = qn_arena_strdup(arena, text);
    if (!copy)
        return qn_err_nomem(err, "an aggregate's text");
    state->text = (struct qn_strv){copy, text.len};
    return QN_OK;
}

static qn_code text_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                         struct qn_err *err)
{
    const struct qn_column *values = fold->values;
    QN_SLOT_EACH(slot, fold, struct qn_slot_text_state,
                 QN_TRY(meet_text(state, qn_text_at(values, row), slot->least, fold->arena, err)););
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
        QN_TRY(meet_text(state, qn_text_at(values, row), slot->least, fold->arena, err));
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
