#include "expr/textout.h"

#include <string.h>

#include "base/limits.h"

qn_code qn_textout_start(struct qn_textout *w, struct qn_call *call, struct qn_column *out,
                         size_t guess)
{
    *w = (struct qn_textout){.call = call, .out = out, .capacity = guess};
    out->bytes = qn_arena_alloc(call->arena, guess);
    out->offsets = qn_arena_alloc(call->arena, ((size_t)call->n + 1) * sizeof(uint32_t));
    if (!out->bytes || !out->offsets)
        return qn_call_nomem(call);
    out->offsets[0] = 0;
    return QN_OK;
}

qn_code qn_textout_room(struct qn_textout *w, size_t bytes, char **at)
{
    *at = NULL;
    if (bytes > w->capacity - w->len) {
        if (bytes > UINT32_MAX - w->len)
            return qn_err_set(w->call->err, QN_ENOMEM, QN_BLAME_INPUT,
                              "an expression makes more than 4 GiB of text from one batch");
        size_t capacity = w->capacity * 2 > w->len + bytes ? w->capacity * 2 : w->len + bytes;
        char *grown = qn_arena_alloc(w->call->arena, capacity);
        if (!grown)
            return qn_call_nomem(w->call);
        memcpy(grown, w->out->bytes, w->len);
        w->out->bytes = grown;
        w->capacity = capacity;
    }
    *at = w->out->bytes + w->len;
    return QN_OK;
}

qn_code qn_textout_put(struct qn_textout *w, struct qn_strv text)
{
    char *at = NULL;
    QN_TRY(qn_textout_room(w, text.len, &at));
    if (text.len)
        memcpy(at, text.data, text.len);
    w->len += text.len;
    return QN_OK;
}

qn_code qn_textout_end(struct qn_textout *w, uint32_t row)
{
    if (w->len - w->row_start > QN_MAX_FIELD_BYTES) {
        w->len = w->row_start;
        QN_TRY(qn_call_own_validity(w->call, w->out));
        qn_valid_clear(w->out->validity, row);
    }
    w->row_start = w->len;
    w->out->offsets[row + 1] = (uint32_t)w->len;
    return QN_OK;
}
