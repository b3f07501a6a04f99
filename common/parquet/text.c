#include "parquet/text.h"

#include <math.h>
#include <stdio.h>

#include "base/utf8.h"
#include "flow/value.h"
#include "parquet/bits.h"

enum {
    MAX_DECIMAL_BYTES = 256,
    DIGITS_PER_LIMB = 9,
    LIMB = 1000000000,
    JULIAN_DAY_OF_1970 = 2440588,
};
#define NANOS_PER_DAY INT64_C(86400000000000)
#define NANOS_PER_SECOND INT64_C(1000000000)
#define SECONDS_PER_DAY INT64_C(86400)

enum qn_pq_form qn_pq_form_of(const struct qn_pq_node *leaf)
{
    switch (leaf->element->type) {
    case QN_PQ_BOOLEAN:
    case QN_PQ_INT32:
    case QN_PQ_INT64: return QN_PQ_FORM_I64;
    case QN_PQ_FLOAT:
    case QN_PQ_DOUBLE: return QN_PQ_FORM_F64;
    default: return QN_PQ_FORM_BYTES;
    }
}

/* --- bytes ----------------------------------------------------------------------------------- */

bool qn_pq_is_text(struct qn_strv bytes)
{
    return bytes.len == 0 || (!memchr(bytes.data, 0, bytes.len) && qn_utf8_valid(bytes));
}

void qn_pq_bytes_put(struct qn_buf *out, struct qn_strv bytes)
{
    if (qn_pq_is_text(bytes) && (bytes.len < 2 || !memmem(bytes.data, bytes.len, "\\x", 2))) {
        qn_buf_put(out, bytes.data, bytes.len);
        return;
    }
    for (size_t at = 0; at < bytes.len;) {
        size_t before = at;
        uint32_t point = qn_utf8_next(bytes, &at);
        if (point == QN_UTF8_BAD || point == 0 || point == '\\')
            qn_buf_printf(out, "\\x%02X", (unsigned)(unsigned char)bytes.data[before]);
        else
            qn_buf_put(out, bytes.data + before, at - before);
    }
}

static void put_uuid(struct qn_buf *out, struct qn_strv bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        qn_buf_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                      (unsigned)(unsigned char)bytes.data[i]);
}

/* Months, days and milliseconds, none of which is so many of another: ISO 8601. */
static void put_interval(struct qn_buf *out, struct qn_strv bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    uint32_t millis = qn_pq_load32(at + 8);
    qn_buf_printf(out, "P%uM%uDT%u.%03uS", qn_pq_load32(at), qn_pq_load32(at + 4), millis / 1000,
                  millis % 1000);
}

/* --- numbers --------------------------------------------------------------------------------- */

double qn_pq_float16(struct qn_strv bytes)
{
    unsigned bits = (unsigned char)bytes.data[0] | (unsigned)(unsigned char)bytes.data[1] << 8;
    int exponent = bits >> 10 & 31;
    double fraction = (double)(bits & 1023), value;
    if (exponent == 31)
        value = fraction > 0 ? (double)NAN : (double)INFINITY;
    else
        value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return bits >> 15 ? -value : value;
}

static void put_double(struct qn_buf *out, double value)
{
    char text[QN_VALUE_TEXT];
    if (isnan(value))
        qn_buf_put(out, "NaN", 3);
    else if (isinf(value))
        qn_buf_printf(out, value < 0 ? "-inf" : "inf");
    else
        qn_buf_put(out, text, qn_format_double(value, text));
}

bool qn_pq_big_endian(struct qn_strv bytes, qn_i128 *out)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    size_t n = bytes.len;
    bool negative = n && at[0] >> 7;
    uint8_t sign = negative ? 0xff : 0;
    while (n > sizeof(qn_i128)) { /* more than the sign must not stand there */
        if (*at != sign || (at[1] >> 7) != negative)
            return false;
        at++;
        n--;
    }
    qn_u128 value = negative ? ~(qn_u128)0 : 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | at[i];
    *out = (qn_i128)value;
    return true;
}

/* The digits of a number of any length, the last first; false: past reason. */
static bool digits_of(struct qn_strv bytes, char *out, size_t *n_out, bool *negative)
{
    uint8_t magnitude[MAX_DECIMAL_BYTES];
    size_t n = bytes.len, n_digits = 0, first = 0;
    if (n > MAX_DECIMAL_BYTES)
        return false;
    *negative = n && (unsigned char)bytes.data[0] >> 7;
    unsigned carry = 1;
    for (size_t i = n; i-- > 0;) {
        unsigned byte = (unsigned char)bytes.data[i];
        unsigned sum = *negative ? (byte ^ 0xff) + carry : byte;
        carry = sum >> 8;
        magnitude[i] = (uint8_t)sum;
    }
    while (first < n) {
        uint64_t rest = 0;
        for (size_t i = first; i < n; i++) {
            rest = rest << 8 | magnitude[i];
            magnitude[i] = (uint8_t)(rest / LIMB);
            rest %= LIMB;
        }
        while (first < n && magnitude[first] == 0)
            first++;
        for (int k = 0; k < DIGITS_PER_LIMB; k++, rest /= 10)
            out[n_digits++] = (char)('0' + rest % 10);
    }
    while (n_digits && out[n_digits - 1] == '0')
        n_digits--;
    *n_out = n_digits;
    return true;
}

static bool put_decimal(struct qn_buf *out, const struct qn_pq_node *leaf, struct qn_strv bytes)
{
    char digits[MAX_DECIMAL_BYTES * 3];
    size_t n = 0, scale = (size_t)leaf->scale;
    bool negative = false;
    if (!digits_of(bytes, digits, &n, &negative)) {
        qn_pq_bytes_put(out, bytes);
        return false;
    }
    if (negative)
        qn_buf_put_u8(out, '-');
    size_t all = n > scale ? n : scale + 1;
    for (size_t i = all; i-- > 0;) {
        qn_buf_put_u8(out, i < n ? (uint8_t)digits[i] : '0');
        if (i == scale && scale)
            qn_buf_put_u8(out, '.');
    }
    return true;
}

/* --- moments --------------------------------------------------------------------------------- */

qn_i128 qn_pq_int96(struct qn_strv bytes)
{
    const uint8_t *at = (const uint8_t *)bytes.data;
    int64_t nanos = (int64_t)qn_pq_load64(at), day = (int32_t)qn_pq_load32(at + 8);
    return (qn_i128)(day - JULIAN_DAY_OF_1970) * NANOS_PER_DAY + nanos;
}

static int64_t nanos_per(uint8_t unit)
{
    return unit == QN_PQ_MILLIS ? 1000000 : unit == QN_PQ_MICROS ? 1000 : 1;
}

static void put_i128(struct qn_buf *out, qn_i128 value)
{
    char digits[48];
    size_t n = sizeof digits;
    qn_u128 rest = value < 0 ? -(qn_u128)value : (qn_u128)value;
    do
        digits[--n] = (char)('0' + (int)(rest % 10));
    while (rest /= 10);
    if (value < 0)
        digits[--n] = '-';
    qn_buf_put(out, digits + n, sizeof digits - n);
}

static void put_time(struct qn_buf *out, int64_t value, uint8_t unit)
{
    int64_t per_second = NANOS_PER_SECOND / nanos_per(unit);
    int64_t seconds = value / per_second, rest = value % per_second;
    if (value < 0 || seconds >= SECONDS_PER_DAY) {
        qn_buf_printf(out, "%lld", (long long)value);
        return;
    }
    qn_buf_printf(out, "%02d:%02d:%02d.%0*lld", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                  (int)(seconds % 60), unit == QN_PQ_NANOS ? 9 : 6,
                  (long long)(unit == QN_PQ_MILLIS ? rest * 1000 : rest));
}

/* Milliseconds and microseconds as timestamps are written everywhere here; nanoseconds with all
 * their nine digits. Past the years that have four, the number. */
static void put_timestamp(struct qn_buf *out, qn_i128 nanos, bool all_digits)
{
    qn_i128 day = nanos / NANOS_PER_DAY;
    day -= nanos % NANOS_PER_DAY < 0;
    int64_t rest = (int64_t)(nanos - day * NANOS_PER_DAY);
    char text[QN_VALUE_TEXT];
    if (day < qn_days_from_civil(-9999, 1, 1) || day > qn_days_from_civil(9999, 12, 31)) {
        put_i128(out, nanos);
        return;
    }
    if (!all_digits) {
        int64_t micros = (int64_t)day * SECONDS_PER_DAY * 1000000 + rest / 1000;
        qn_buf_put(out, text, qn_format_timestamp(micros, text));
        return;
    }
    qn_buf_put(out, text, qn_format_date((int64_t)day, text));
    qn_buf_put_u8(out, ' ');
    put_time(out, rest, QN_PQ_NANOS);
}

static void put_date(struct qn_buf *out, int64_t days)
{
    char text[QN_VALUE_TEXT];
    bool known =
        days >= qn_days_from_civil(-9999, 1, 1) && days <= qn_days_from_civil(9999, 12, 31);
    qn_buf_put(out, text, known ? qn_format_date(days, text) : qn_format_i64(days, text));
}

/* --- any ------------------------------------------------------------------------------------- */

static void put_integer(struct qn_buf *out, const struct qn_pq_node *leaf, int64_t value)
{
    char text[QN_VALUE_TEXT];
    uint64_t bits = (uint64_t)value;
    switch ((enum qn_pq_kind)leaf->kind) {
    case QN_PQ_KIND_BOOL: qn_buf_printf(out, value ? "true" : "false"); break;
    case QN_PQ_KIND_UINT:
        if (leaf->bits < 64)
            bits &= (UINT64_C(1) << leaf->bits) - 1;
        qn_buf_printf(out, "%llu", (unsigned long long)bits);
        break;
    case QN_PQ_KIND_DECIMAL:
        if (leaf->scale <= QN_DECIMAL_MAX_PRECISION) {
            qn_buf_put(out, text, qn_format_decimal(value, (uint8_t)leaf->scale, text));
        } else {
            uint64_t swapped = __builtin_bswap64(bits);
            (void)put_decimal(out, leaf, (struct qn_strv){(const char *)&swapped, 8});
        }
        break;
    case QN_PQ_KIND_DATE: put_date(out, value); break;
    case QN_PQ_KIND_TIME: put_time(out, value, leaf->unit); break;
    case QN_PQ_KIND_TIMESTAMP:
        put_timestamp(out, (qn_i128)value * nanos_per(leaf->unit), leaf->unit == QN_PQ_NANOS);
        break;
    default: qn_buf_put(out, text, qn_format_i64(value, text));
    }
}

bool qn_pq_text_put(struct qn_buf *out, const struct qn_pq_node *leaf, union qn_pq_raw value)
{
    switch (qn_pq_form_of(leaf)) {
    case QN_PQ_FORM_I64: put_integer(out, leaf, value.i64); return true;
    case QN_PQ_FORM_F64: put_double(out, value.f64); return true;
    case QN_PQ_FORM_BYTES: break;
    }
    switch ((enum qn_pq_kind)leaf->kind) {
    case QN_PQ_KIND_TEXT:
        if (!qn_pq_is_text(value.bytes)) {
            qn_pq_bytes_put(out, value.bytes);
            return false;
        }
        qn_buf_put(out, value.bytes.data, value.bytes.len);
        return true;
    case QN_PQ_KIND_DECIMAL: return put_decimal(out, leaf, value.bytes);
    case QN_PQ_KIND_INT96: put_timestamp(out, qn_pq_int96(value.bytes), true); return true;
    case QN_PQ_KIND_FLOAT16: put_double(out, qn_pq_float16(value.bytes)); return true;
    case QN_PQ_KIND_UUID: put_uuid(out, value.bytes); return true;
    case QN_PQ_KIND_INTERVAL: put_interval(out, value.bytes); return true;
    default: qn_pq_bytes_put(out, value.bytes); return true;
    }
}
