/* kernels_code: texts and what they are made of: hexadecimal bytes and code points. */
#include "expr/kernels.h"
#include "expr/textout.h"

qn_code qn_kernel_hex(struct qn_call *call, struct qn_column *out)
{
    static const char digits[] = "0123456789ABCDEF";
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 16));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv s = qn_vec_text(call->args[0], i);
        char *at;
        QN_TRY(qn_textout_room(&w, s.len * 2, &at));
        for (size_t k = 0; k < s.len; k++) {
            *at++ = digits[(unsigned char)s.data[k] >> 4];
            *at++ = digits[(unsigned char)s.data[k] & 15];
        }
        w.len += s.len * 2;
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

/* The code point at the start of a text that is not empty, and valid. */
static int64_t first_code_point(struct qn_strv s)
{
    unsigned char lead = (unsigned char)s.data[0];
    size_t n = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    int64_t point = n == 1 ? lead : lead & (0x7F >> n);
    for (size_t i = 1; i < n && i < s.len; i++)
        point = point << 6 | ((unsigned char)s.data[i] & 0x3F);
    return point;
}

qn_code qn_kernel_unicode(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv s = qn_vec_text(call->args[0], i);
        out->i64[i] = s.len ? first_code_point(s) : 0;
        if (s.len)
            continue;
        QN_TRY(qn_call_own_validity(call, out));
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}

/* UTF-8 of a code point; those that are none, and surrogates, give U+FFFD. */
static size_t put_code_point(char *out, int64_t point)
{
    if (point < 0 || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
        point = 0xFFFD;
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3F));
    out[0] = (char)((0xF00 >> n & 0xFF) | point);
    return n;
}

qn_code qn_kernel_char(struct qn_call *call, struct qn_column *out)
{
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 4));
    for (uint32_t i = 0; i < call->n; i++) {
        for (uint32_t k = 0; k < call->n_args; k++) {
            char *at;
            QN_TRY(qn_textout_room(&w, 4, &at));
            w.len += put_code_point(at, qn_vec_i64(call->args[k], i));
        }
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}
