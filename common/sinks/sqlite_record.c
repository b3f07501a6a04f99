#include "sinks/sqlite_record.h"

#include <string.h>

#include "flow/value.h"

/* Serial types; integers of 1, 2, 3, 4, 6 and 8 bytes are 1 to 6, a text of n bytes is 13 + 2 n. */
enum { TYPE_NULL = 0, TYPE_DOUBLE = 7, TYPE_ZERO = 8, TYPE_ONE = 9, TYPE_TEXT = 13 };
enum { VARINT_BYTES = 9, NUMBER_BYTES = 8 };

void qn_sqlite_record_init(struct qn_sqlite_record *record)
{
    *record = (struct qn_sqlite_record){0};
    qn_buf_init(&record->types);
    qn_buf_init(&record->room);
}

void qn_sqlite_record_fini(struct qn_sqlite_record *record)
{
    qn_buf_fini(&record->types);
    qn_buf_fini(&record->room);
}

uint8_t *qn_sqlite_varint_put(uint8_t *at, uint64_t value)
{
    if (value < 1 << 7) {
        *at = (uint8_t)value;
        return at + 1;
    }
    if (value < 1 << 14) {
        at[0] = (uint8_t)(value >> 7 | 0x80);
        at[1] = (uint8_t)(value & 0x7f);
        return at + 2;
    }
    uint8_t digits[VARINT_BYTES];
    bool nine = value >> 56 != 0;
    int n = 0;
    if (nine) {
        digits[n++] = (uint8_t)value;
        value >>= 8;
    }
    for (; value || (nine && n < VARINT_BYTES); value >>= 7, n++)
        digits[n] = (uint8_t)((value & 0x7f) | (n ? 0x80 : 0));
    while (n)
        *at++ = digits[--n];
    return at;
}

/* --- room ------------------------------------------------------------------------------------- */

/* A bound of the bytes of any row's value. */
static size_t widest(const struct qn_column *column, uint32_t n_rows)
{
    uint32_t most = 0;
    switch ((enum qn_type_id)column->type.id) {
    case QN_TEXT:
        for (uint32_t i = 0; i < n_rows; i++) {
            uint32_t bytes = column->offsets[i + 1] - column->offsets[i];
            most = bytes > most ? bytes : most;
        }
        return most;
    case QN_DATE:
    case QN_TIMESTAMP: return QN_VALUE_TEXT;
    case QN_BOOL:
    case QN_INT64:
    case QN_DOUBLE:
    case QN_DECIMAL: break;
    }
    return NUMBER_BYTES;
}

qn_code qn_sqlite_record_begin(struct qn_sqlite_record *record, const struct qn_batch *batch,
                               struct qn_err *err)
{
    uint32_t n = batch->schema->n_fields;
    size_t types_room = (size_t)n * VARINT_BYTES;
    size_t body = NUMBER_BYTES; /* numbers are stored whole, whatever they need */
    for (uint32_t i = 0; i < n; i++)
        body += widest(&batch->columns[i], batch->n_rows);
    qn_buf_clear(&record->types);
    qn_buf_clear(&record->room);
    record->batch = batch;
    record->header_room = types_room + VARINT_BYTES;
    record->header = qn_buf_reserve(&record->types, types_room);
    if (!record->header || !qn_buf_reserve(&record->room, record->header_room + body))
        return qn_err_nomem(err, "a record");
    return QN_OK;
}

/* --- values ----------------------------------------------------------------------------------- */

/* Where the next type and the next value go. Passed and given back by value: in memory, they would
 * be stored and read again around every byte. */
struct ends {
    uint8_t *type, *value;
};

static inline struct ends put_type(struct ends ends, uint8_t type)
{
    *ends.type++ = type;
    return ends;
}

static inline struct ends put_big_endian(struct ends ends, uint64_t bits, unsigned bytes)
{
    uint64_t swapped = __builtin_bswap64(bits << (64 - 8 * bytes) % 64);
    memcpy(ends.value, &swapped, sizeof swapped);
    ends.value += bytes;
    return ends;
}

/* By the number of bits that differ from the sign; 0 and 1 are types without bytes. No branch asks,
 * for which of a column's counts are small cannot be foreseen. */
static inline struct ends put_i64(struct ends ends, int64_t value)
{
    enum { SMALL = 65 };
    static const struct {
        uint8_t type, bytes;
    } forms[SMALL + 2] = {
#define BITS8(type, bytes)                                                                         \
    {type, bytes}, {type, bytes}, {type, bytes}, {type, bytes}, {type, bytes}, {type, bytes},      \
        {type, bytes}, {type, bytes}
        BITS8(1, 1), BITS8(2, 2), BITS8(3, 3), BITS8(4, 4),    BITS8(5, 6),   BITS8(5, 6),
        BITS8(6, 8), BITS8(6, 8), {6, 8},      {TYPE_ZERO, 0}, {TYPE_ONE, 0},
#undef BITS8
    };
    uint64_t magnitude = (uint64_t)(value ^ (value >> 63));
    size_t form = 64 - (size_t)__builtin_clzll(magnitude | 1);
    form = (uint64_t)value <= 1 ? SMALL + (size_t)value : form;
    return put_big_endian(put_type(ends, forms[form].type), (uint64_t)value, forms[form].bytes);
}

/* SQLite's own rule for REAL columns: whole numbers of up to six bytes are kept as integers. */
static inline struct ends put_f64(struct ends ends, double value)
{
    static const double six_bytes = 0x1p47;
    if (value >= -six_bytes && value < six_bytes && value == (double)(int64_t)value)
        return put_i64(ends, (int64_t)value);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (value != value)
        return put_type(ends, TYPE_NULL);
    return put_big_endian(put_type(ends, TYPE_DOUBLE), bits, NUMBER_BYTES);
}

/* Of the n bytes that were written where the next value goes. */
static inline struct ends end_text(struct ends ends, size_t n)
{
    uint64_t type = TYPE_TEXT + 2 * (uint64_t)n;
    ends.value += n;
    if (type < 1 << 7)
        return put_type(ends, (uint8_t)type);
    ends.type = qn_sqlite_varint_put(ends.type, type);
    return ends;
}

static inline struct ends put_text(struct ends ends, struct qn_strv text)
{
    qn_copy_text((char *)ends.value, text.data, text.len); /* most are short */
    return end_text(ends, text.len);
}

static inline struct ends put_value(struct ends ends, const struct qn_column *column, uint32_t row)
{
    if (!qn_is_valid(column, row))
        return put_type(ends, TYPE_NULL);
    switch ((enum qn_type_id)column->type.id) {
    case QN_BOOL: return put_type(ends, column->bools[row] ? TYPE_ONE : TYPE_ZERO);
    case QN_INT64: return put_i64(ends, column->i64[row]);
    case QN_DOUBLE: return put_f64(ends, column->f64[row]);
    case QN_DECIMAL:
        return put_f64(ends, qn_decimal_to_double(column->i64[row], column->type.scale));
    case QN_TEXT: return put_text(ends, qn_text_at(column, row));
    case QN_DATE: return end_text(ends, qn_format_date(column->i64[row], (char *)ends.value));
    case QN_TIMESTAMP:
        return end_text(ends, qn_format_timestamp(column->i64[row], (char *)ends.value));
    }
    return ends;
}

/* --- records ---------------------------------------------------------------------------------- */

/* The header's length counts the bytes of its own varint. */
static size_t header_bytes(size_t types)
{
    if (types + 1 < 1 << 7)
        return types + 1;
    return types + 2 < 1 << 14 ? types + 2 : types + 3;
}

struct qn_strv qn_sqlite_record_of(struct qn_sqlite_record *record, uint32_t row)
{
    const struct qn_batch *batch = record->batch;
    uint8_t *body = record->room.data + record->header_room;
    struct ends ends = {record->header, body};
    for (uint32_t i = 0; i < batch->schema->n_fields; i++)
        ends = put_value(ends, &batch->columns[i], row);
    size_t types = (size_t)(ends.type - record->header);
    size_t header = header_bytes(types);
    uint8_t *begin = body - header;
    memcpy(qn_sqlite_varint_put(begin, header), record->header, types);
    return (struct qn_strv){(const char *)begin, (size_t)(ends.value - begin)};
}
