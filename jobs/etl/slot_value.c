#include "jobs/etl/slot_value.h"

#include <string.h>

enum { FIRST_BYTES = 16 };

static qn_code set_text(struct qn_slot_text *text, struct qn_strv from, struct qn_arena *arena,
                        struct qn_err *err)
{
    if (from.len > text->capacity) {
        size_t capacity = text->capacity ? (size_t)text->capacity * 2 : FIRST_BYTES;
        while (capacity < from.len)
            capacity *= 2;
        text->data = capacity < UINT32_MAX ? qn_arena_alloc(arena, capacity) : NULL;
        if (!text->data)
            return qn_err_nomem(err, "an aggregate's text");
        text->capacity = (uint32_t)capacity;
    }
    if (from.len)
        memcpy(text->data, from.data, from.len);
    text->len = (uint32_t)from.len;
    return QN_OK;
}

qn_code qn_slot_value_set(union qn_slot_value *value, const struct qn_column *from, uint32_t row,
                          struct qn_arena *arena, struct qn_err *err)
{
    switch (from->type.id) {
    case QN_TEXT: return set_text(&value->text, qn_text_at(from, row), arena, err);
    case QN_DOUBLE: value->f64 = from->f64[row]; return QN_OK;
    default: value->i64 = qn_slot_i64(from, row); return QN_OK;
    }
}

/* --- as a column ----------------------------------------------------------------------------- */

static bool has_value(const struct qn_slot *slot, const struct qn_slot_view *view, uint32_t i)
{
    return *(const int64_t *)qn_slot_picked(slot, view, i) > 0;
}

static const union qn_slot_value *
value_at(const struct qn_slot *slot, const struct qn_slot_view *view, size_t offset, uint32_t i)
{
    return (const void *)((const char *)qn_slot_picked(slot, view, i) + offset);
}

static qn_code new_column(const struct qn_slot *slot, const struct qn_slot_view *view,
                          struct qn_type type, struct qn_column *out, struct qn_err *err)
{
    QN_TRY(qn_column_new(view->arena, type, view->n, out, err));
    bool all = true;
    for (uint32_t i = 0; i < view->n && all; i++)
        all = has_value(slot, view, i);
    if (all)
        return QN_OK;
    out->validity = qn_validity_new(view->arena, view->n, false);
    if (!out->validity)
        return qn_err_nomem(err, "aggregates");
    for (uint32_t i = 0; i < view->n; i++)
        if (has_value(slot, view, i))
            qn_valid_set(out->validity, i);
    return QN_OK;
}

static qn_code fill_texts(const struct qn_slot *slot, const struct qn_slot_view *view,
                          size_t offset, struct qn_column *out, struct qn_err *err)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < view->n; i++)
        total += value_at(slot, view, offset, i)->text.len;
    out->bytes = total < UINT32_MAX ? qn_arena_alloc(view->arena, (size_t)total + 1) : NULL;
    if (!out->bytes)
        return qn_err_nomem(err, "aggregates of text");
    for (uint32_t i = 0; i < view->n; i++) {
        const struct qn_slot_text *text = &value_at(slot, view, offset, i)->text;
        if (text->len)
            memcpy(out->bytes + out->offsets[i], text->data, text->len);
        out->offsets[i + 1] = out->offsets[i] + text->len;
    }
    return QN_OK;
}

qn_code qn_slot_value_column(const struct qn_slot *slot, const struct qn_slot_view *view,
                             struct qn_type type, size_t offset, struct qn_column *out,
                             struct qn_err *err)
{
    QN_TRY(new_column(slot, view, type, out, err));
    if (type.id == QN_TEXT)
        return fill_texts(slot, view, offset, out, err);
    for (uint32_t i = 0; i < view->n; i++)
        if (type.id == QN_BOOL)
            out->bools[i] = value_at(slot, view, offset, i)->i64 != 0;
        else
            out->i64[i] = value_at(slot, view, offset, i)->i64;
    return QN_OK;
}
