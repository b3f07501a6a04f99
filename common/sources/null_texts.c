#include "sources/null_texts.h"

enum { MAX_TEXTS = 1000 };

qn_code qn_null_texts_take(const struct qn_source_options *options,
                           const struct qn_column_decl *decl, struct qn_arena *arena,
                           struct qn_null_texts *out, struct qn_err *err)
{
    bool own = decl && decl->n_null_values > 0;
    const char *const *texts = own ? decl->null_values : options->null_values;
    uint32_t n = own ? decl->n_null_values : options->n_null_values;
    struct qn_strv *copies = QN_NEW_ARRAY(arena, struct qn_strv, n + 1U);
    if (!copies)
        return qn_err_nomem(err, "null values");
    for (uint32_t i = 0; i < n; i++) {
        struct qn_strv text = qn_strv_from(texts[i]);
        copies[i] = (struct qn_strv){qn_arena_strdup(arena, text), text.len};
        if (!copies[i].data)
            return qn_err_nomem(err, "null values");
    }
    *out = (struct qn_null_texts){.declared = n > 0, .n = n, .texts = copies};
    return QN_OK;
}

bool qn_null_texts_has(const struct qn_null_texts *nulls, struct qn_strv s)
{
    for (uint32_t i = 0; i < nulls->n; i++)
        if (qn_strv_eq(nulls->texts[i], s))
            return true;
    return false;
}

void qn_null_texts_pack(struct qn_buf *buf, const struct qn_null_texts *nulls)
{
    qn_buf_put_u8(buf, nulls->declared);
    qn_buf_put_u32(buf, nulls->n);
    for (uint32_t i = 0; i < nulls->n; i++)
        qn_buf_put_str(buf, nulls->texts[i]);
}

qn_code qn_null_texts_unpack(struct qn_unpack *in, struct qn_arena *arena,
                             struct qn_null_texts *out, struct qn_err *err)
{
    out->declared = qn_unpack_u8(in) != 0;
    out->n = qn_unpack_count(in, 4);
    if (in->failed || out->n > MAX_TEXTS)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR, "bad null texts");
    struct qn_strv *texts = QN_NEW_ARRAY(arena, struct qn_strv, out->n ? out->n : 1);
    if (!texts)
        return qn_err_nomem(err, "null texts");
    for (uint32_t i = 0; i < out->n; i++) {
        struct qn_strv text = qn_unpack_str(in);
        texts[i].data = qn_arena_strdup(arena, text);
        texts[i].len = text.len;
        if (!texts[i].data)
            return qn_err_nomem(err, "null texts");
    }
    out->texts = texts;
    return QN_OK;
}
