/* kernels_cast_text: values to text, and the number at the start of a text, as SQLite casts. */
#include <stdlib.h>
#include <string.h>

#include "expr/kernels.h"
#include "expr/textout.h"
#include "flow/value.h"

static size_t format(const struct qn_column *x, uint32_t row, char *out)
{
    switch (x->type.id) {
    case QN_BOOL: return qn_format_i64(x->bools[row] & 1, out);
    case QN_INT64: return qn_format_i64(x->i64[row], out);
    case QN_DOUBLE: return qn_sqlite_double(x->f64[row], out);
    case QN_DECIMAL: return qn_format_decimal(x->i64[row], x->type.scale, out);
    case QN_DATE: return qn_format_date(x->i64[row], out);
    default: return qn_format_timestamp(x->i64[row], out);
    }
}

qn_code qn_kernel_to_text(struct qn_call *call, struct qn_column *out)
{
    const struct qn_column *x = &call->args[0]->column;
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 12));
    for (uint32_t i = 0; i < call->n; i++) {
        char *at;
        QN_TRY(qn_textout_room(&w, QN_VALUE_TEXT + 2, &at));
        if (qn_is_valid(x, i))
            w.len += format(x, i, at);
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static struct qn_strv skip_space(struct qn_strv s)
{
    while (s.len && is_space(s.data[0]))
        s.data++, s.len--;
    return s;
}

/* The whole number at the start; 0 when there is none; the nearest end when it does not fit. */
static int64_t leading_i64(struct qn_strv s)
{
    s = skip_space(s);
    size_t i = 0;
    bool negative = s.len && s.data[0] == '-';
    if (s.len && (s.data[0] == '-' || s.data[0] == '+'))
        i++;
    int64_t value = 0; /* grows downwards, so that INT64_MIN fits */
    for (; i < s.len && is_digit(s.data[i]); i++)
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.data[i] - '0', &value))
            return negative ? INT64_MIN : INT64_MAX;
    if (negative)
        return value;
    return value == INT64_MIN ? INT64_MAX : -value;
}

/* The parts of the decimal number at the start of a text. */
struct number {
    struct qn_strv text; /* sign to exponent; empty: there is none */
    bool exponent;
};

static size_t digits_from(struct qn_strv s, size_t i)
{
    while (i < s.len && is_digit(s.data[i]))
        i++;
    return i;
}

static struct number leading_number(struct qn_strv s)
{
    s = skip_space(s);
    size_t start = s.len && (s.data[0] == '-' || s.data[0] == '+') ? 1 : 0;
    size_t i = digits_from(s, start), digits = i - start;
    if (i < s.len && s.data[i] == '.') {
        size_t end = digits_from(s, i + 1);
        digits += end - i - 1;
        i = end;
    }
    struct number number = {.text = {s.data, digits ? i : 0}};
    if (!digits || i == s.len || (s.data[i] | 0x20) != 'e')
        return number;
    size_t sign = i + 1 < s.len && (s.data[i + 1] == '-' || s.data[i + 1] == '+');
    size_t end = digits_from(s, i + 1 + sign);
    if (end > i + 1 + sign)
        number = (struct number){.text = {s.data, end}, .exponent = true};
    return number;
}

/* Past the largest double lies infinity, as in SQLite. */
static qn_code leading_f64(struct qn_call *call, struct qn_strv s, double *out)
{
    struct number number = leading_number(s);
    *out = 0.0;
    if (number.text.len == 0 || qn_parse_double(number.text, out))
        return QN_OK;
    const char *copy = qn_arena_strdup(call->arena, number.text);
    if (!copy)
        return qn_call_nomem(call);
    *out = strtod(copy, NULL);
    return QN_OK;
}

/* Exact to the scale, further digits round half away from zero. */
static bool leading_decimal(struct qn_strv s, uint8_t scale, int64_t limit, int64_t *out)
{
    const struct qn_strv text = leading_number(s).text;
    qn_i128 value = 0;
    int places = -1; /* digits after the point; -1: before it */
    bool up = false;
    for (size_t i = 0; i < text.len && (text.data[i] | 0x20) != 'e'; i++) {
        if (text.data[i] == '.')
            places = 0;
        if (!is_digit(text.data[i]))
            continue;
        if (places == scale) {
            up = text.data[i] >= '5';
            break;
        }
        value = value * 10 + (text.data[i] - '0');
        places += places >= 0;
        if (value > (qn_i128)1 << 100)
            return false;
    }
    for (int i = places < 0 ? 0 : places; i < scale && value <= limit; i++)
        value *= 10;
    value += up;
    bool negative = text.len && text.data[0] == '-';
    *out = (int64_t)(negative ? -value : value);
    return value <= limit;
}

static qn_code set_null(struct qn_call *call, struct qn_column *out, uint32_t row)
{
    QN_TRY(qn_call_own_validity(call, out));
    qn_valid_clear(out->validity, row);
    return QN_OK;
}

qn_code qn_kernel_text_to_i64(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++)
        out->i64[i] = leading_i64(qn_vec_text(call->args[0], i));
    return QN_OK;
}

qn_code qn_kernel_text_to_f64(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++)
        QN_TRY(leading_f64(call, qn_vec_text(call->args[0], i), &out->f64[i]));
    return QN_OK;
}

/* Numbers with an exponent go through a double: whoever writes 1e3 has no exact digits. */
static bool text_to_decimal(struct qn_strv s, uint8_t scale, int64_t limit, int64_t *out)
{
    struct number number = leading_number(s);
    double value;
    if (!number.exponent)
        return leading_decimal(s, scale, limit, out);
    return qn_parse_double(number.text, &value) && qn_scale_double(value, scale, limit, out);
}

qn_code qn_kernel_text_to_decimal(struct qn_call *call, struct qn_column *out)
{
    int64_t low, high;
    qn_type_range(out->type, &low, &high);
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv text = qn_vec_text(call->args[0], i);
        if (text_to_decimal(text, out->type.scale, high, &out->i64[i]))
            continue;
        out->i64[i] = 0;
        QN_TRY(set_null(call, out, i));
    }
    return QN_OK;
}

qn_code qn_kernel_text_to_bool(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        bool value = false;
        if (!qn_parse_bool(qn_strv_trim(qn_vec_text(call->args[0], i)), &value))
            QN_TRY(set_null(call, out, i));
        out->bools[i] = value;
    }
    return QN_OK;
}

/* Text that is no date is NULL; of a text with a time, a date takes the date. */
qn_code qn_kernel_text_to_date(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv text = qn_strv_trim(qn_vec_text(call->args[0], i));
        int64_t micros;
        out->i64[i] = 0;
        if (qn_parse_date(text, &out->i64[i]))
            continue;
        if (qn_parse_timestamp(text, &micros))
            out->i64[i] = qn_floor_div(micros, QN_DAY_MICROS);
        else
            QN_TRY(set_null(call, out, i));
    }
    return QN_OK;
}

qn_code qn_kernel_text_to_timestamp(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv text = qn_strv_trim(qn_vec_text(call->args[0], i));
        out->i64[i] = 0;
        if (!qn_parse_timestamp(text, &out->i64[i]))
            QN_TRY(set_null(call, out, i));
    }
    return QN_OK;
}
