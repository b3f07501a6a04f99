/* kernels_text: text functions. Positions and lengths count characters (code points). */
#include <string.h>

#include "base/limits.h"
#include "expr/kernels.h"
#include "expr/textout.h"

static bool starts_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

static int64_t count_characters(struct qn_strv s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += starts_character(s.data[i]);
    return n;
}

/* Byte offset of the n-th character (from 0), or the text's length. */
static size_t character_offset(struct qn_strv s, int64_t n)
{
    for (size_t i = 0; i < s.len; i++)
        if (starts_character(s.data[i]) && n-- == 0)
            return i;
    return s.len;
}

/* Bytes of all rows of a vector, to guess the size of a result. */
static size_t total_bytes(const struct qn_vec *x, uint32_t n)
{
    const uint32_t *offsets = x->column.offsets;
    return x->constant ? (size_t)(offsets[1] - offsets[0]) * n : offsets[n] - offsets[0];
}

qn_code qn_kernel_concat(struct qn_call *call, struct qn_column *out)
{
    struct qn_textout w;
    size_t guess = 0;
    for (uint32_t k = 0; k < call->n_args && guess < 1U << 26; k++)
        guess += total_bytes(call->args[k], call->n);
    QN_TRY(qn_textout_start(&w, call, out, guess < 1U << 26 ? guess : 1U << 26));
    for (uint32_t i = 0; i < call->n; i++) {
        for (uint32_t k = 0; k < call->n_args; k++)
            QN_TRY(qn_textout_put(&w, qn_vec_text(call->args[k], i)));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

static qn_code join_row(struct qn_textout *w, const struct qn_call *call, uint32_t row)
{
    bool any = false;
    for (uint32_t k = 1; k < call->n_args; k++) {
        if (!qn_vec_valid(call->args[k], row))
            continue;
        if (any)
            QN_TRY(qn_textout_put(w, qn_vec_text(call->args[0], row)));
        QN_TRY(qn_textout_put(w, qn_vec_text(call->args[k], row)));
        any = true;
    }
    return QN_OK;
}

/* Without a separator there is no result. */
qn_code qn_kernel_concat_ws(struct qn_call *call, struct qn_column *out)
{
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 16));
    for (uint32_t i = 0; i < call->n; i++) {
        if (qn_vec_valid(call->args[0], i)) {
            QN_TRY(join_row(&w, call, i));
        } else {
            QN_TRY(qn_call_own_validity(call, out));
            qn_valid_clear(out->validity, i);
        }
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

/* ASCII letters, all rows at once: the offsets stay what they are. */
qn_code qn_kernel_lower(struct qn_call *call, struct qn_column *out)
{
    const struct qn_column *x = &call->args[0]->column;
    const uint32_t first = x->offsets[0], end = x->offsets[call->n];
    const char low = call->step->number ? 'a' : 'A';
    out->offsets = x->offsets;
    out->bytes = qn_arena_alloc(call->arena, end);
    if (!out->bytes)
        return qn_call_nomem(call);
    const char *from = x->bytes;
    char *restrict to = out->bytes;
    for (uint32_t i = first; i < end; i++) {
        bool letter = (unsigned char)(from[i] - low) < 26;
        to[i] = (char)(from[i] ^ (letter ? 0x20 : 0));
    }
    return QN_OK;
}

/* Length of the character at the start (not empty). */
static size_t first_character(struct qn_strv s)
{
    size_t n = 1;
    while (n < s.len && !starts_character(s.data[n]))
        n++;
    return n;
}

static size_t last_character(struct qn_strv s)
{
    size_t n = 1;
    while (n < s.len && !starts_character(s.data[s.len - n]))
        n++;
    return n;
}

/* Whether the character of `n` bytes at `at` is one of the set. */
static bool in_characters(struct qn_strv set, const char *at, size_t n)
{
    while (set.len) {
        size_t len = first_character(set);
        if (len == n && memcmp(set.data, at, n) == 0)
            return true;
        set.data += len;
        set.len -= len;
    }
    return false;
}

static struct qn_strv trim(struct qn_strv s, struct qn_strv set, int64_t sides)
{
    while (s.len && sides & 1) {
        size_t n = first_character(s);
        if (!in_characters(set, s.data, n))
            break;
        s.data += n;
        s.len -= n;
    }
    while (s.len && sides & 2) {
        size_t n = last_character(s);
        if (!in_characters(set, s.data + s.len - n, n))
            break;
        s.len -= n;
    }
    return s;
}

qn_code qn_kernel_trim(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0];
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 8));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv set = call->n_args > 1 ? qn_vec_text(call->args[1], i) : QN_STRV_LIT(" ");
        QN_TRY(qn_textout_put(&w, trim(qn_vec_text(x, i), set, call->step->number)));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

/* Far beyond any text, and far from the ends of int64. */
static int64_t near(int64_t value)
{
    const int64_t far = INT64_C(1) << 40;
    return value < -far ? -far : value > far ? far : value;
}

/* SQLite's rules: a start below zero counts from the end, a length below zero takes what stands
 * before the start, and a start of 0 is the place before the first character. */
static struct qn_strv substr(struct qn_strv s, int64_t start, int64_t length)
{
    bool before = length < 0;
    if (before)
        length = -length;
    if (start < 0) {
        start += count_characters(s);
        if (start < 0) {
            length = length + start < 0 ? 0 : length + start;
            start = 0;
        }
    } else if (start > 0) {
        start--;
    } else if (length > 0) {
        length--;
    }
    if (before) {
        start -= length;
        if (start < 0) {
            length += start;
            start = 0;
        }
    }
    size_t first = character_offset(s, start);
    struct qn_strv rest = {s.data + first, s.len - first};
    return (struct qn_strv){rest.data, length > 0 ? character_offset(rest, length) : 0};
}

qn_code qn_kernel_substr(struct qn_call *call, struct qn_column *out)
{
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 8));
    for (uint32_t i = 0; i < call->n; i++) {
        int64_t start = near(qn_vec_i64(call->args[1], i));
        int64_t length = call->n_args > 2 ? near(qn_vec_i64(call->args[2], i)) : near(INT64_MAX);
        QN_TRY(qn_textout_put(&w, substr(qn_vec_text(call->args[0], i), start, length)));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

static const char *find_bytes(struct qn_strv s, struct qn_strv what)
{
    return s.len < what.len ? NULL : memmem(s.data, s.len, what.data, what.len);
}

static qn_code replace_row(struct qn_textout *w, struct qn_strv s, struct qn_strv what,
                           struct qn_strv with)
{
    size_t before = w->len;
    const char *at = NULL;
    /* Past the limit of a field the row will be NULL: no need to write the rest. */
    while (what.len && w->len - before <= QN_MAX_FIELD_BYTES && (at = find_bytes(s, what))) {
        size_t skipped = (size_t)(at - s.data);
        QN_TRY(qn_textout_put(w, (struct qn_strv){s.data, skipped}));
        QN_TRY(qn_textout_put(w, with));
        s.data += skipped + what.len;
        s.len -= skipped + what.len;
    }
    return qn_textout_put(w, s);
}

qn_code qn_kernel_replace(struct qn_call *call, struct qn_column *out)
{
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 8));
    for (uint32_t i = 0; i < call->n; i++) {
        QN_TRY(replace_row(&w, qn_vec_text(call->args[0], i), qn_vec_text(call->args[1], i),
                           qn_vec_text(call->args[2], i)));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

qn_code qn_kernel_length(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++)
        out->i64[i] = count_characters(qn_vec_text(call->args[0], i));
    return QN_OK;
}

qn_code qn_kernel_instr(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv s = qn_vec_text(call->args[0], i), what = qn_vec_text(call->args[1], i);
        const char *at = what.len ? find_bytes(s, what) : s.data;
        size_t before = at ? (size_t)(at - s.data) : 0;
        bool found = at || what.len == 0;
        out->i64[i] = found ? count_characters((struct qn_strv){s.data, before}) + 1 : 0;
    }
    return QN_OK;
}
