/* kernels_fill: texts found in others, filled up, turned round and cut into pieces. */
#include <string.h>

#include "base/limits.h"
#include "expr/kernels.h"
#include "expr/textout.h"

static const char *find(struct qn_strv s, struct qn_strv what)
{
    return s.len < what.len ? NULL : what.len ? memmem(s.data, s.len, what.data, what.len) : s.data;
}

static bool has(struct qn_strv s, struct qn_strv part, int64_t where)
{
    if (s.len < part.len || part.len == 0)
        return part.len == 0;
    if (where == QN_PLACE_ANYWHERE)
        return find(s, part) != NULL;
    const char *at = where == QN_PLACE_START ? s.data : s.data + s.len - part.len;
    return memcmp(at, part.data, part.len) == 0;
}

qn_code qn_kernel_has_part(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++)
        out->bools[i] =
            has(qn_vec_text(call->args[0], i), qn_vec_text(call->args[1], i), call->step->number);
    return QN_OK;
}

/* --- filled up ------------------------------------------------------------------------------- */

static bool starts_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

/* Bytes of the first n characters, and how many there are (at most n). */
static size_t first_bytes(struct qn_strv s, int64_t n, int64_t *found)
{
    size_t i = 0;
    for (*found = 0; i < s.len; i++)
        if (starts_character(s.data[i]) && (*found)++ == n) {
            *found = n;
            return i;
        }
    return i;
}

/* The text again and again, n characters of it; past the limit of a field the row becomes NULL. */
static qn_code put_repeated(struct qn_textout *w, struct qn_strv s, int64_t n)
{
    size_t begin = w->len;
    int64_t found;
    while (n > 0 && s.len && w->len - begin <= QN_MAX_FIELD_BYTES) {
        size_t bytes = first_bytes(s, n, &found);
        QN_TRY(qn_textout_put(w, (struct qn_strv){s.data, bytes}));
        n -= found;
    }
    return QN_OK;
}

/* number: 1 for what is filled on the right. */
qn_code qn_kernel_pad(struct qn_call *call, struct qn_column *out)
{
    struct qn_textout w;
    bool right = call->step->number == 1;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 16));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv s = qn_vec_text(call->args[0], i);
        int64_t n = qn_vec_i64(call->args[1], i), found;
        struct qn_strv fill = call->n_args > 2 ? qn_vec_text(call->args[2], i) : QN_STRV_LIT(" ");
        s.len = first_bytes(s, n < 0 ? 0 : n, &found);
        if (right)
            QN_TRY(qn_textout_put(&w, s));
        QN_TRY(put_repeated(&w, fill, n - found));
        if (!right)
            QN_TRY(qn_textout_put(&w, s));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

qn_code qn_kernel_repeat(struct qn_call *call, struct qn_column *out)
{
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 16));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv s = qn_vec_text(call->args[0], i);
        int64_t n = s.len ? qn_vec_i64(call->args[1], i) : 0;
        size_t begin = w.len;
        for (; n > 0 && w.len - begin <= QN_MAX_FIELD_BYTES; n--)
            QN_TRY(qn_textout_put(&w, s));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

/* --- turned round, cut ----------------------------------------------------------------------- */

qn_code qn_kernel_reverse(struct qn_call *call, struct qn_column *out)
{
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 16));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv s = qn_vec_text(call->args[0], i);
        for (size_t end = s.len; end > 0;) {
            size_t at = end - 1;
            while (at > 0 && !starts_character(s.data[at]))
                at--;
            QN_TRY(qn_textout_put(&w, (struct qn_strv){s.data + at, end - at}));
            end = at;
        }
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

static int64_t count_parts(struct qn_strv s, struct qn_strv separator)
{
    int64_t n = 1;
    for (const char *at; separator.len && (at = find(s, separator)); n++) {
        size_t skipped = (size_t)(at - s.data) + separator.len;
        s = (struct qn_strv){s.data + skipped, s.len - skipped};
    }
    return n;
}

/* Part n from 1 on, or from the end for n below zero; empty where there is none. */
static struct qn_strv part_of(struct qn_strv s, struct qn_strv separator, int64_t n)
{
    if (n < 0)
        n = n < -(int64_t)s.len - 1 ? 0 : count_parts(s, separator) + 1 + n;
    for (; n > 0; n--) {
        const char *at = separator.len ? find(s, separator) : NULL;
        size_t len = at ? (size_t)(at - s.data) : s.len;
        if (n == 1)
            return (struct qn_strv){s.data, len};
        if (!at)
            break;
        s = (struct qn_strv){at + separator.len, s.len - len - separator.len};
    }
    return (struct qn_strv){s.data, 0};
}

qn_code qn_kernel_split_part(struct qn_call *call, struct qn_column *out)
{
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 16));
    for (uint32_t i = 0; i < call->n; i++) {
        QN_TRY(
            qn_textout_put(&w, part_of(qn_vec_text(call->args[0], i), qn_vec_text(call->args[1], i),
                                       qn_vec_i64(call->args[2], i))));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}
