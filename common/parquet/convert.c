#include "parquet/convert.h"

#include <math.h>

#include "base/limits.h"
#include "base/utf8.h"
#include "flow/value.h"
#include "parquet/bits.h"

enum { SHOWN_BYTES = 60 };

/* --- which type, which way ------------------------------------------------------------------- */

struct qn_type qn_pq_natural_type(const struct qn_pq_node *leaf, bool fits)
{
    switch ((enum qn_pq_kind)leaf->kind) {
    case QN_PQ_KIND_BOOL: return (struct qn_type){.id = QN_BOOL};
    case QN_PQ_KIND_INT: return (struct qn_type){.id = QN_INT64};
    case QN_PQ_KIND_UINT:
        return (struct qn_type){.id = leaf->bits < 64 || fits ? QN_INT64 : QN_TEXT};
    case QN_PQ_KIND_FLOAT:
    case QN_PQ_KIND_DOUBLE:
    case QN_PQ_KIND_FLOAT16: return (struct qn_type){.id = QN_DOUBLE};
    case QN_PQ_KIND_DECIMAL: {
        bool small = leaf->precision <= QN_DECIMAL_MAX_PRECISION;
        if (!small && (!fits || leaf->scale > QN_DECIMAL_MAX_PRECISION))
            return (struct qn_type){.id = QN_TEXT};
        return (struct qn_type){QN_DECIMAL,
                                small ? (uint8_t)leaf->precision : QN_DECIMAL_MAX_PRECISION,
                                (uint8_t)leaf->scale};
    }
    case QN_PQ_KIND_DATE: return (struct qn_type){.id = QN_DATE};
    case QN_PQ_KIND_TIMESTAMP:
    case QN_PQ_KIND_INT96: return (struct qn_type){.id = QN_TIMESTAMP};
    default: return (struct qn_type){.id = QN_TEXT};
    }
}

static void limit_to_digits(struct qn_pq_convert *c, uint8_t precision)
{
    c->high = qn_pow10(precision) - 1;
    c->low = -c->high;
}

static enum qn_pq_way way_to_decimal(struct qn_pq_convert *c)
{
    const struct qn_pq_node *leaf = c->leaf;
    bool integer = leaf->kind == QN_PQ_KIND_INT;
    int32_t scale = integer ? 0 : leaf->scale;
    if ((!integer && leaf->kind != QN_PQ_KIND_DECIMAL) || c->to.scale < scale)
        return QN_PQ_WAY_BY_TEXT;
    limit_to_digits(c, c->to.precision);
    c->factor = qn_pow10((uint8_t)(c->to.scale - scale));
    if (c->form == QN_PQ_FORM_BYTES)
        return QN_PQ_WAY_BIG;
    return c->factor > 1 ? QN_PQ_WAY_MULTIPLY : QN_PQ_WAY_RANGE;
}

static enum qn_pq_way way_to_integer(struct qn_pq_convert *c)
{
    switch ((enum qn_pq_kind)c->leaf->kind) {
    case QN_PQ_KIND_INT:
    case QN_PQ_KIND_DATE:
    case QN_PQ_KIND_TIME:
    case QN_PQ_KIND_TIMESTAMP: return QN_PQ_WAY_SAME;
    case QN_PQ_KIND_UINT:
        if (c->leaf->bits < 64)
            return QN_PQ_WAY_MASK;
        c->low = 0;
        return QN_PQ_WAY_RANGE;
    case QN_PQ_KIND_INT96: c->factor = 1; return QN_PQ_WAY_INT96;
    default: return QN_PQ_WAY_BY_TEXT;
    }
}

static enum qn_pq_way way_to_double(struct qn_pq_convert *c)
{
    switch ((enum qn_pq_kind)c->leaf->kind) {
    case QN_PQ_KIND_FLOAT:
    case QN_PQ_KIND_DOUBLE: return QN_PQ_WAY_SAME;
    case QN_PQ_KIND_FLOAT16: return QN_PQ_WAY_FLOAT16;
    case QN_PQ_KIND_INT: return QN_PQ_WAY_REAL;
    default: return QN_PQ_WAY_BY_TEXT;
    }
}

static enum qn_pq_way way_to_timestamp(struct qn_pq_convert *c)
{
    c->low = qn_days_from_civil(-9999, 1, 1) * INT64_C(86400000000);
    c->high = (qn_days_from_civil(9999, 12, 31) + 1) * INT64_C(86400000000) - 1;
    c->factor = 1000;
    if (c->leaf->kind == QN_PQ_KIND_INT96)
        return QN_PQ_WAY_INT96;
    if (c->leaf->kind != QN_PQ_KIND_TIMESTAMP)
        return QN_PQ_WAY_BY_TEXT;
    return c->leaf->unit == QN_PQ_MILLIS   ? QN_PQ_WAY_MULTIPLY
           : c->leaf->unit == QN_PQ_MICROS ? QN_PQ_WAY_RANGE
                                           : QN_PQ_WAY_DIVIDE;
}

static enum qn_pq_way way_to(struct qn_pq_convert *c)
{
    switch ((enum qn_type_id)c->to.id) {
    case QN_BOOL: return c->leaf->kind == QN_PQ_KIND_BOOL ? QN_PQ_WAY_SAME : QN_PQ_WAY_BY_TEXT;
    case QN_INT64: return way_to_integer(c);
    case QN_DOUBLE: return way_to_double(c);
    case QN_DECIMAL: return way_to_decimal(c);
    case QN_TEXT: return c->leaf->kind == QN_PQ_KIND_TEXT ? QN_PQ_WAY_TEXT : QN_PQ_WAY_BY_TEXT;
    case QN_DATE:
        c->low = qn_days_from_civil(-9999, 1, 1);
        c->high = qn_days_from_civil(9999, 12, 31);
        return c->leaf->kind == QN_PQ_KIND_DATE ? QN_PQ_WAY_RANGE : QN_PQ_WAY_BY_TEXT;
    case QN_TIMESTAMP: return way_to_timestamp(c);
    }
    return QN_PQ_WAY_BY_TEXT;
}

void qn_pq_convert_init(struct qn_pq_convert *c, const struct qn_pq_node *leaf, struct qn_type to,
                        const struct qn_strv *nulls, uint32_t n_nulls)
{
    *c = (struct qn_pq_convert){.leaf = leaf,
                                .to = to,
                                .form = (uint8_t)qn_pq_form_of(leaf),
                                .factor = 1,
                                .low = INT64_MIN,
                                .high = INT64_MAX,
                                .nulls = nulls,
                                .n_nulls = n_nulls};
    c->way = n_nulls ? QN_PQ_WAY_BY_TEXT : (uint8_t)way_to(c);
}

void qn_pq_convert_fini(struct qn_pq_convert *c)
{
    qn_buf_fini(&c->text);
}

/* --- numbers --------------------------------------------------------------------------------- */

/* Parses the text of a value; out points to one value of the type's layout. */
static bool parse(const struct qn_pq_convert *c, struct qn_strv text, void *out)
{
    bool flag = false;
    switch ((enum qn_type_id)c->to.id) {
    case QN_BOOL:
        if (!qn_parse_bool(text, &flag))
            return false;
        *(uint8_t *)out = flag;
        return true;
    case QN_INT64: return qn_strv_to_i64(text, out);
    case QN_DOUBLE: return qn_parse_any_double(text, out);
    case QN_DECIMAL: return qn_parse_any_decimal(text, c->to.precision, c->to.scale, out);
    case QN_DATE: return qn_parse_date(text, out);
    case QN_TIMESTAMP: return qn_parse_timestamp(text, out);
    case QN_TEXT: break;
    }
    return false;
}

static bool is_null_text(const struct qn_pq_convert *c, struct qn_strv text)
{
    for (uint32_t i = 0; i < c->n_nulls; i++)
        if (qn_strv_eq(c->nulls[i], text))
            return true;
    return false;
}

static bool is_nan(const struct qn_pq_convert *c, union qn_pq_raw raw)
{
    if (c->form == QN_PQ_FORM_F64)
        return isnan(raw.f64);
    return c->leaf->kind == QN_PQ_KIND_FLOAT16 && isnan(qn_pq_float16(raw.bytes));
}

/* Too long for anything: its text is not even made. */
static bool is_long(const struct qn_pq_convert *c, union qn_pq_raw raw)
{
    return c->form == QN_PQ_FORM_BYTES && raw.bytes.len > QN_MAX_FIELD_BYTES;
}

static enum qn_pq_fate number_by_text(struct qn_pq_convert *c, union qn_pq_raw raw, void *out)
{
    qn_buf_clear(&c->text);
    if (is_long(c, raw) || !qn_pq_text_put(&c->text, c->leaf, raw) || c->text.failed)
        return QN_PQ_BAD;
    struct qn_strv text = qn_buf_strv(&c->text);
    if (is_null_text(c, text) || (c->to.id == QN_DOUBLE && is_nan(c, raw)))
        return QN_PQ_IS_NULL;
    if (c->leaf->kind == QN_PQ_KIND_TEXT)
        text = qn_strv_trim(text);
    return parse(c, text, out) ? QN_PQ_GOOD : QN_PQ_BAD;
}

static enum qn_pq_fate one_wide(const struct qn_pq_convert *c, qn_i128 value, int64_t *out)
{
    if (value < c->low || value > c->high)
        return QN_PQ_BAD;
    *out = (int64_t)value;
    return QN_PQ_GOOD;
}

static enum qn_pq_fate one_big(const struct qn_pq_convert *c, struct qn_strv bytes, int64_t *out)
{
    qn_i128 value;
    if (!qn_pq_big_endian(bytes, &value) || value < c->low || value > c->high)
        return QN_PQ_BAD;
    return one_wide(c, value * c->factor, out);
}

static enum qn_pq_fate one_int96(const struct qn_pq_convert *c, struct qn_strv bytes, int64_t *out)
{
    qn_i128 nanos = qn_pq_int96(bytes);
    return nanos % c->factor ? QN_PQ_BAD : one_wide(c, nanos / c->factor, out);
}

/* The ways that look at each value. */
static enum qn_pq_fate convert_one(struct qn_pq_convert *c, union qn_pq_raw raw, void *out)
{
    switch ((enum qn_pq_way)c->way) {
    case QN_PQ_WAY_MULTIPLY: return one_wide(c, (qn_i128)raw.i64 * c->factor, out);
    case QN_PQ_WAY_DIVIDE:
        return raw.i64 % c->factor ? QN_PQ_BAD : one_wide(c, raw.i64 / c->factor, out);
    case QN_PQ_WAY_RANGE: return one_wide(c, raw.i64, out);
    case QN_PQ_WAY_BIG: return one_big(c, raw.bytes, out);
    case QN_PQ_WAY_INT96: return one_int96(c, raw.bytes, out);
    case QN_PQ_WAY_FLOAT16:
        *(double *)out = qn_pq_float16(raw.bytes);
        return isnan(*(double *)out) ? QN_PQ_IS_NULL : QN_PQ_GOOD;
    case QN_PQ_WAY_SAME: /* a double */
        *(double *)out = raw.f64;
        return isnan(raw.f64) ? QN_PQ_IS_NULL : QN_PQ_GOOD;
    default: return number_by_text(c, raw, out);
    }
}

static uint32_t convert_each(struct qn_pq_convert *c, const void *in, uint32_t n, void *out,
                             uint8_t *fates)
{
    uint32_t n_other = 0;
    size_t width = c->to.id == QN_BOOL ? 1 : 8;
    for (uint32_t i = 0; i < n; i++) {
        char *to = (char *)out + i * width;
        memset(to, 0, width);
        fates[i] = (uint8_t)convert_one(c, qn_pq_raw_at(c, in, i), to);
        n_other += fates[i] != QN_PQ_GOOD;
    }
    return n_other;
}

/* Are all within the limits? */
static bool all_in_range(const int64_t *in, uint32_t n, int64_t low, int64_t high)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (uint32_t i = 0; i < n; i++) {
        least = in[i] < least ? in[i] : least;
        most = in[i] > most ? in[i] : most;
    }
    return n == 0 || (least >= low && most <= high);
}

bool qn_pq_convert_keeps(const struct qn_pq_convert *c, const void *values, uint32_t n)
{
    const double *reals = values;
    bool no_nan = true;
    if (c->form == QN_PQ_FORM_BYTES || c->to.id == QN_BOOL)
        return false;
    if (c->way == QN_PQ_WAY_RANGE)
        return all_in_range(values, n, c->low, c->high);
    for (uint32_t i = 0; c->form == QN_PQ_FORM_F64 && i < n; i++)
        no_nan &= !isnan(reals[i]);
    return c->way == QN_PQ_WAY_SAME && no_nan;
}

/* The way without a look at each value; false: there is none for these. */
static bool convert_all(struct qn_pq_convert *c, const void *in, uint32_t n, void *out)
{
    const int64_t *integers = in;
    int64_t *to = out;
    switch ((enum qn_pq_way)c->way) {
    case QN_PQ_WAY_SAME:
    case QN_PQ_WAY_RANGE:
        if (c->to.id == QN_BOOL) {
            for (uint32_t i = 0; i < n; i++)
                ((uint8_t *)out)[i] = (uint8_t)integers[i];
            return true;
        }
        if (!qn_pq_convert_keeps(c, in, n))
            return false;
        memcpy(out, in, 8 * (size_t)n);
        return true;
    case QN_PQ_WAY_MASK:
        for (uint32_t i = 0; i < n; i++)
            to[i] = integers[i] & ((INT64_C(1) << c->leaf->bits) - 1);
        return true;
    case QN_PQ_WAY_MULTIPLY:
        if (!all_in_range(integers, n, c->low / c->factor, c->high / c->factor))
            return false;
        for (uint32_t i = 0; i < n; i++)
            to[i] = integers[i] * c->factor;
        return true;
    case QN_PQ_WAY_REAL:
        for (uint32_t i = 0; i < n; i++)
            ((double *)out)[i] = (double)integers[i];
        return true;
    default: return false;
    }
}

uint32_t qn_pq_convert_numbers(struct qn_pq_convert *c, const void *in, uint32_t n, void *out,
                               uint8_t *fates)
{
    return convert_all(c, in, n, out) ? 0 : convert_each(c, in, n, out, fates);
}

/* --- texts ----------------------------------------------------------------------------------- */

/* Are these bytes ASCII without NUL? Then all texts in them are good. */
static bool is_plain(const uint8_t *bytes, size_t n)
{
    uint8_t high = 0, zero = 0;
    for (size_t i = 0; i < n; i++) {
        high |= bytes[i];
        zero |= bytes[i] == 0;
    }
    return !(high & 0x80) && !zero;
}

bool qn_pq_convert_plain_texts(const struct qn_pq_convert *c, const struct qn_strv *texts,
                               uint32_t n, struct qn_buf *out, uint32_t *ends, uint32_t *longest)
{
    size_t total = 0, most = 0, before = out->len;
    if (c->way != QN_PQ_WAY_TEXT)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        total += texts[i].len;
        most = texts[i].len > most ? texts[i].len : most;
    }
    char *to = (char *)qn_buf_reserve(out, total + QN_PQ_SLACK);
    if (!to || most > QN_MAX_FIELD_BYTES || before + total > UINT32_MAX)
        return false;
    uint32_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (most <= 16)
            memcpy(to + at, texts[i].data, 16);
        else
            memcpy(to + at, texts[i].data, texts[i].len);
        at += (uint32_t)texts[i].len;
        ends[i] = (uint32_t)before + at;
    }
    if (!is_plain(out->data + before, total)) {
        for (uint32_t i = 0; i < n; i++)
            if (!qn_pq_is_text(texts[i]))
                return false;
    }
    out->len = before + total;
    *longest = (uint32_t)most;
    return true;
}

enum qn_pq_fate qn_pq_convert_text(struct qn_pq_convert *c, union qn_pq_raw value,
                                   struct qn_buf *out)
{
    size_t before = out->len;
    if (is_long(c, value))
        return QN_PQ_BAD;
    bool whole = qn_pq_text_put(out, c->leaf, value) || c->shows_all;
    struct qn_strv text = {(const char *)out->data + before, out->len - before};
    if (whole && c->n_nulls && is_null_text(c, text)) {
        out->len = before;
        return QN_PQ_IS_NULL;
    }
    if (whole && text.len <= QN_MAX_FIELD_BYTES)
        return QN_PQ_GOOD;
    out->len = before;
    return QN_PQ_BAD;
}

/* --- complaints ------------------------------------------------------------------------------ */

/* Nanoseconds that microseconds cannot hold have a way out, which is said. */
static bool has_rest(const struct qn_pq_convert *c, union qn_pq_raw value)
{
    if (c->way == QN_PQ_WAY_INT96)
        return qn_pq_int96(value.bytes) % c->factor != 0;
    return c->way == QN_PQ_WAY_DIVIDE && value.i64 % c->factor != 0;
}

const char *qn_pq_convert_complain(struct qn_pq_convert *c, union qn_pq_raw value,
                                   struct qn_arena *arena, const char **rule)
{
    char type[QN_TYPE_NAME];
    qn_buf_clear(&c->text);
    if (is_long(c, value)) {
        *rule = "limit";
        return qn_arena_printf(arena, "field longer than %d bytes", QN_MAX_FIELD_BYTES);
    }
    *rule = "type";
    bool whole = qn_pq_text_put(&c->text, c->leaf, value);
    struct qn_strv text = qn_buf_strv(&c->text);
    if (c->to.id == QN_TEXT && !whole && c->leaf->kind == QN_PQ_KIND_TEXT) {
        *rule = "encoding";
        return memchr(value.bytes.data, 0, value.bytes.len) ? "NUL byte" : "not valid UTF-8";
    }
    if (c->to.id == QN_TEXT && whole) {
        *rule = "limit";
        return qn_arena_printf(arena, "field longer than %d bytes", QN_MAX_FIELD_BYTES);
    }
    bool cut = text.len > SHOWN_BYTES;
    if (cut)
        text.len = qn_utf8_prefix((struct qn_strv){text.data, SHOWN_BYTES});
    return qn_arena_printf(arena, "expected %s, got '%.*s%s'%s", qn_type_name(c->to, type),
                           QN_STRV_ARG(text), cut ? "..." : "",
                           has_rest(c, value) ? "; declare the column text, or integer for its "
                                                "nanoseconds since 1970, to keep them"
                                              : "");
}
