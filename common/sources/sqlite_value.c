#include "sources/sqlite_value.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/utf8.h"
#include "flow/value.h"
#include "sources/text_value.h"

static enum qn_sqlite_fit put_text(struct qn_column_store *store, uint32_t row, struct qn_strv text)
{
    if (text.len > QN_MAX_FIELD_BYTES)
        return QN_SQLITE_TOO_LONG;
    if (qn_column_store_reserve(store, text.len, NULL) != QN_OK)
        return QN_SQLITE_NO_MEMORY;
    if (text.len)
        memcpy(store->bytes + store->offsets[row], text.data, text.len);
    store->bytes_len = store->offsets[row] + text.len;
    store->offsets[row + 1] = (uint32_t)store->bytes_len;
    return QN_SQLITE_FITS;
}

static enum qn_sqlite_fit put_hex(struct qn_column_store *store, uint32_t row,
                                  const unsigned char *bytes, size_t n)
{
    static const char digits[] = "0123456789ABCDEF";
    if (2 * n > QN_MAX_FIELD_BYTES)
        return QN_SQLITE_TOO_LONG;
    if (qn_column_store_reserve(store, 2 * n, NULL) != QN_OK)
        return QN_SQLITE_NO_MEMORY;
    char *to = store->bytes + store->offsets[row];
    for (size_t i = 0; i < n; i++) {
        *to++ = digits[bytes[i] >> 4];
        *to++ = digits[bytes[i] & 15];
    }
    store->bytes_len = store->offsets[row] + 2 * n;
    store->offsets[row + 1] = (uint32_t)store->bytes_len;
    return QN_SQLITE_FITS;
}

static void put_null(struct qn_column_store *store, uint32_t row)
{
    qn_column_store_set_null(store, row);
    if (!store->values) {
        store->bytes_len = store->offsets[row];
        store->offsets[row + 1] = store->offsets[row];
    } else if (store->of->type.id == QN_BOOL) {
        ((uint8_t *)store->values)[row] = 0;
    } else {
        ((int64_t *)store->values)[row] = 0;
    }
}

/* --- by what the column holds ---------------------------------------------------------------- */

static bool integer_fits(struct qn_type type, int64_t value, int64_t *out)
{
    char text[QN_VALUE_TEXT];
    double real = (double)value;
    switch ((enum qn_type_id)type.id) {
    case QN_INT64: *out = value; return true;
    case QN_BOOL: *out = value; return value == 0 || value == 1;
    case QN_DOUBLE: memcpy(out, &real, sizeof real); return true;
    case QN_DECIMAL:
        return qn_parse_decimal((struct qn_strv){text, qn_format_i64(value, text)}, type.precision,
                                type.scale, out);
    default: return false;
    }
}

static bool real_fits(struct qn_type type, double value, int64_t *out)
{
    char text[QN_VALUE_TEXT];
    if (!isfinite(value) && type.id != QN_DOUBLE)
        return false;
    switch ((enum qn_type_id)type.id) {
    case QN_DOUBLE: memcpy(out, &value, sizeof value); return true;
    case QN_INT64:
        *out = fabs(value) < 0x1p63 ? (int64_t)value : 0;
        return fabs(value) < 0x1p63 && (double)*out == value;
    case QN_DECIMAL:
        return qn_parse_any_decimal((struct qn_strv){text, qn_format_double(value, text)},
                                    type.precision, type.scale, out);
    default: return false;
    }
}

static struct qn_strv trim(struct qn_strv s)
{
    while (s.len && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s.data++;
        s.len--;
    }
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static enum qn_sqlite_fit take_typed(struct qn_column_store *store, uint32_t row,
                                     sqlite3_value *value)
{
    struct qn_type type = store->of->type;
    int64_t bits = 0;
    bool fits = false;
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER: fits = integer_fits(type, sqlite3_value_int64(value), &bits); break;
    case SQLITE_FLOAT: fits = real_fits(type, sqlite3_value_double(value), &bits); break;
    case SQLITE_TEXT: {
        struct qn_strv text = {(const char *)sqlite3_value_text(value), 0};
        text.len = (size_t)sqlite3_value_bytes(value);
        fits = text.data && qn_text_parse_any(type, trim(text), &bits);
        break;
    }
    default: break;
    }
    if (!fits)
        return QN_SQLITE_WRONG_TYPE;
    if (type.id == QN_BOOL)
        ((uint8_t *)store->values)[row] = (uint8_t)bits;
    else
        ((int64_t *)store->values)[row] = bits;
    return QN_SQLITE_FITS;
}

static enum qn_sqlite_fit take_text(struct qn_column_store *store, uint32_t row,
                                    sqlite3_value *value)
{
    char number[QN_VALUE_TEXT];
    switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
        return put_text(
            store, row,
            (struct qn_strv){number, qn_format_i64(sqlite3_value_int64(value), number)});
    case SQLITE_FLOAT:
        return put_text(
            store, row,
            (struct qn_strv){number, qn_format_double(sqlite3_value_double(value), number)});
    case SQLITE_BLOB: {
        const unsigned char *bytes = sqlite3_value_blob(value);
        return put_hex(store, row, bytes, (size_t)sqlite3_value_bytes(value));
    }
    default: break;
    }
    struct qn_strv text = {(const char *)sqlite3_value_text(value), 0};
    text.len = (size_t)sqlite3_value_bytes(value);
    if (!text.data)
        return QN_SQLITE_NO_MEMORY;
    if (!qn_utf8_valid(text) || (text.len && memchr(text.data, 0, text.len)))
        return QN_SQLITE_NOT_UTF8;
    return put_text(store, row, text);
}

enum qn_sqlite_fit qn_sqlite_value_take(struct qn_column_store *store, uint32_t row,
                                        const struct qn_null_texts *nulls, sqlite3_value *value)
{
    int class = sqlite3_value_type(value);
    bool is_null = class == SQLITE_NULL;
    if (class == SQLITE_TEXT && nulls->n) {
        struct qn_strv text = {(const char *)sqlite3_value_text(value), 0};
        text.len = (size_t)sqlite3_value_bytes(value);
        is_null = text.data && qn_null_texts_has(nulls, text);
    }
    if (is_null) {
        put_null(store, row);
        return QN_SQLITE_FITS;
    }
    return store->values ? take_typed(store, row, value) : take_text(store, row, value);
}

/* JSON has no word for infinities. */
static void show_real(struct qn_buf *out, double value)
{
    char text[QN_VALUE_TEXT];
    struct qn_strv number = {text, qn_format_double(value, text)};
    if (isfinite(value))
        qn_buf_put(out, number.data, number.len);
    else
        qn_json_put_text(out, number);
}

void qn_sqlite_value_show(struct qn_buf *out, sqlite3_value *value)
{
    struct qn_strv text;
    switch (sqlite3_value_type(value)) {
    case SQLITE_NULL: qn_buf_put(out, "null", 4); break;
    case SQLITE_INTEGER: qn_buf_printf(out, "%lld", sqlite3_value_int64(value)); break;
    case SQLITE_FLOAT: show_real(out, sqlite3_value_double(value)); break;
    case SQLITE_BLOB: {
        const unsigned char *bytes = sqlite3_value_blob(value);
        qn_buf_put_u8(out, '"');
        for (int i = 0, n = sqlite3_value_bytes(value); i < n && i < 1000; i++)
            qn_buf_printf(out, "%02X", bytes[i]);
        qn_buf_put_u8(out, '"');
        break;
    }
    default:
        text.data = (const char *)sqlite3_value_text(value);
        text.len = text.data ? (size_t)sqlite3_value_bytes(value) : 0;
        qn_json_put_text(out, text);
    }
}
