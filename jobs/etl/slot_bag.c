/* Slots that keep every different value of a group, and how often it came. */
#include "jobs/etl/slot_bag.h"

/* Doubles that are only to be told within 0.2 % keep 8 binary digits: a group then has few
 * different ones, and those are told exactly. */
enum { DIGITS_DROPPED = 52 - 7 };

static int64_t rounded(int64_t key)
{
    const int64_t unit = INT64_C(1) << DIGITS_DROPPED, infinity = INT64_C(0x7ff) << 52;
    bool negative = key < 0;
    int64_t magnitude = negative ? ~key : key;
    int64_t up = (magnitude + unit / 2) & -unit;
    if (up >= infinity && magnitude < infinity) /* what is finite stays so */
        up -= unit;
    return negative ? ~up : up;
}

static qn_code keys_of(const struct qn_slot *slot, struct qn_bag *bag,
                       const struct qn_column *values, const uint32_t *rows, uint32_t n,
                       int64_t *keys, struct qn_err *err)
{
    switch (qn_type_layout(values->type)) {
    case QN_LAYOUT_TEXT: return qn_texts_number(&bag->texts, values, rows, n, keys, err);
    case QN_LAYOUT_BOOL:
        for (uint32_t i = 0; i < n; i++)
            keys[i] = values->bools[rows[i]];
        break;
    case QN_LAYOUT_I64:
        for (uint32_t i = 0; i < n; i++)
            keys[i] = values->i64[rows[i]];
        break;
    case QN_LAYOUT_F64:
        for (uint32_t i = 0; i < n; i++)
            keys[i] = qn_bag_key_f64(values->f64[rows[i]]);
        for (uint32_t i = 0; slot->rounded && i < n; i++)
            keys[i] = rounded(keys[i]);
        break;
    }
    return QN_OK;
}

/* counts: how often each row's value came, by row; NULL: once. */
static qn_code put_rows(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                        const struct qn_column *values, const int64_t *counts, const uint32_t *rows,
                        uint32_t n, struct qn_err *err)
{
    int64_t keys[QN_BAG_BLOCK], times[QN_BAG_BLOCK];
    uint32_t groups[QN_BAG_BLOCK];
    QN_TRY(keys_of(slot, fold->bag, values, rows, n, keys, err));
    for (uint32_t i = 0; i < n; i++) {
        groups[i] = fold->group_of[rows[i]];
        times[i] = counts ? counts[rows[i]] : 1;
        ((struct qn_slot_bag_state *)qn_slot_at(slot, fold->states, fold->stride, groups[i]))->n +=
            times[i];
    }
    return qn_bag_add(fold->bag, groups, keys, counts ? times : NULL, n, NULL, err);
}

static uint32_t bag_fields(const struct qn_slot *slot, struct qn_type out[QN_SLOT_FIELDS])
{
    out[0] = (struct qn_type){.id = QN_INT64};
    out[1] = slot->type;
    return 2;
}

static qn_code bag_fold(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                        struct qn_err *err)
{
    uint32_t rows[QN_BAG_BLOCK];
    for (uint32_t first = fold->first; first < fold->n_rows; first += QN_BAG_BLOCK) {
        uint32_t n = qn_slot_rows(fold, first, rows);
        QN_TRY(put_rows(slot, fold, fold->values, NULL, rows, n, err));
    }
    return QN_OK;
}

static qn_code bag_merge(const struct qn_slot *slot, const struct qn_slot_fold *fold,
                         struct qn_err *err)
{
    const struct qn_column *counts = &fold->values[0], *values = &fold->values[1];
    uint32_t rows[QN_BAG_BLOCK];
    for (uint32_t row = 0; row < fold->n_rows;) {
        uint32_t n = 0;
        for (; row < fold->n_rows && n < QN_BAG_BLOCK; row++)
            if (counts->i64[row] > 0 && qn_is_valid(values, row))
                rows[n++] = row;
        QN_TRY(put_rows(slot, fold, values, counts->i64, rows, n, err));
    }
    return QN_OK;
}

/* --- giving out ------------------------------------------------------------------------------ */

qn_code qn_slot_bag_entries(const struct qn_slot_view *view, const struct qn_bag_entry ***out,
                            struct qn_err *err)
{
    *out = QN_NEW_ARRAY(view->arena, const struct qn_bag_entry *, view->n);
    if (!*out)
        return qn_err_nomem(err, "aggregates");
    for (uint32_t i = 0; i < view->n; i++) {
        uint32_t group = qn_slot_bag_group(view, i), piece = qn_slot_piece(view, i);
        if (piece < qn_bag_pairs(view->bag, group))
            (*out)[i] = qn_bag_at(view->bag, group) + piece;
    }
    return QN_OK;
}

static qn_code bag_pack(const struct qn_slot *slot, const struct qn_slot_view *view,
                        struct qn_column *out, struct qn_err *err)
{
    const struct qn_bag_entry **entries;
    QN_TRY(qn_slot_bag_entries(view, &entries, err));
    QN_TRY(qn_slot_column(view, (struct qn_type){.id = QN_INT64}, &out[0], err));
    for (uint32_t i = 0; i < view->n; i++)
        out[0].i64[i] = entries[i] ? (int64_t)qn_bag_count(view->bag, entries[i]) : 0;
    return qn_bag_column(view->bag, entries, view->n, slot->type, view->arena, &out[1], err);
}

const struct qn_slot_ops qn_slot_bag = {
    .bytes = sizeof(struct qn_slot_bag_state),
    .has_bag = true,
    .fields = bag_fields,
    .fold = bag_fold,
    .merge = bag_merge,
    .pack = bag_pack,
};
