/* Slots that only count: count(x), under a filter or not, and count(*) under one, which group.c
 * folds for all filters together. */
#include "jobs/etl/slot.h"

struct state {
    int64_t n;
};

qn_code qn_slot_column(const struct qn_slot_view *view, struct qn_type type, struct qn_column *out,
                       struct qn_err *err)
{
    *out = (struct qn_column){.type = type};
    out->i64 = qn_arena_alloc(view->arena, view->n * sizeof *out->i64);
    return out->i64 ? QN_OK : qn_err_nomem(err, "aggregates");
}

static uint32_t count_fields(const struct qn_slot *slot, struct qn_type out[QN_SLOT_FIELDS])
{
    (void)slot;
    out[0] = (struct qn_type){.id = QN_INT64};
    return 1;
}

static qn_code count_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                          struct qn_err *err)
{
    (void)err;
    QN_SLOT_EACH(slot, fold, struct state, state->n++;);
    return QN_OK;
}

static qn_code count_merge(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                           struct qn_err *err)
{
    (void)err;
    const int64_t *n = fold->values[0].i64;
    char *at = fold->states + slot->offset;
    for (uint32_t row = 0; row < fold->n_rows; row++)
        ((struct state *)(void *)(at + fold->group_of[row] * fold->stride))->n += n[row];
    return QN_OK;
}

static qn_code count_pack(const struct qn_slot *slot, const struct qn_slot_view *view,
                          struct qn_column *out, struct qn_err *err)
{
    QN_TRY(qn_slot_column(view, (struct qn_type){.id = QN_INT64}, &out[0], err));
    for (uint32_t i = 0; i < view->n; i++)
        out[0].i64[i] = ((const struct state *)qn_slot_picked(slot, view, i))->n;
    return QN_OK;
}

const struct qn_slot_ops qn_slot_count = {
    .bytes = sizeof(struct state),
    .fields = count_fields,
    .fold = count_fold,
    .merge = count_merge,
    .pack = count_pack,
};
