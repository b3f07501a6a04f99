#include "sources/csv_decode.h"

#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "sources/csv_escape.h"
#include "sources/text_value.h"

enum { LONGEST_ESCAPED_NUMBER = 64 };

/* --- life ------------------------------------------------------------------------------------ */

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static qn_code list_first_bytes(struct qn_csv_column *column, struct qn_arena *arena,
                                struct qn_err *err)
{
    if (!column->nulls.declared)
        return QN_OK;
    column->may_be_null = QN_NEW_ARRAY(arena, bool, 256);
    if (!column->may_be_null)
        return qn_err_nomem(err, "csv null texts");
    for (unsigned c = 0; c < 256; c++)
        column->may_be_null[c] = is_blank((char)c);
    for (uint32_t i = 0; i < column->nulls.n; i++)
        if (column->nulls.texts[i].len)
            column->may_be_null[(unsigned char)column->nulls.texts[i].data[0]] = true;
    return QN_OK;
}

qn_code qn_csv_decoder_init(struct qn_csv_decoder *decoder, const struct qn_csv_dialect *dialect,
                            const bool *wanted, const uint32_t *field_of, uint32_t n_columns,
                            struct qn_row_store *store, struct qn_arena *arena, struct qn_err *err)
{
    *decoder = (struct qn_csv_decoder){.dialect = dialect, .store = store};
    decoder->columns = QN_NEW_ARRAY(arena, struct qn_csv_column, store->schema.n_fields + 1U);
    if (!decoder->columns)
        return qn_err_nomem(err, "csv columns");
    for (uint32_t i = 0, c = 0; i < n_columns; i++) {
        if (wanted && !wanted[i])
            continue;
        struct qn_csv_column *column = &decoder->columns[c++];
        column->field = field_of ? field_of[i] : i;
        column->nulls = dialect->nulls[i];
        QN_TRY(list_first_bytes(column, arena, err));
    }
    return QN_OK;
}

/* --- NULL ------------------------------------------------------------------------------------ */

static inline bool is_null_value(const struct qn_null_texts *nulls, struct qn_strv raw,
                                 struct qn_strv trimmed)
{
    if (!nulls->declared)
        return trimmed.len == 0;
    return qn_null_texts_has(nulls, raw) || qn_null_texts_has(nulls, trimmed);
}

/* Quoting says "this is a text": a quoted empty field is not NULL, other null texts are. */
static inline bool is_null_text(const struct qn_null_texts *nulls, struct qn_strv s, bool quoted)
{
    if (s.len == 0 && quoted)
        return false;
    return nulls->declared ? qn_null_texts_has(nulls, s) : s.len == 0;
}

/* --- values ---------------------------------------------------------------------------------- */

enum outcome { VALUE, NO_VALUE, WRONG };

/* Any field: blanks, escapes and null texts are seen to. */
static __attribute__((noinline)) enum outcome read_any(const struct qn_csv_column *column,
                                                       struct qn_type type,
                                                       const struct qn_csv_rows *rows,
                                                       struct qn_csv_field field, int64_t *out)
{
    const struct qn_csv_scanner *s = &rows->scanner;
    char scratch[LONGEST_ESCAPED_NUMBER];
    struct qn_strv raw = {s->bytes + field.at, field.flags & QN_CSV_LENGTH};
    if ((field.flags & QN_CSV_ESCAPED) && raw.len <= LONGEST_ESCAPED_NUMBER)
        raw = (struct qn_strv){scratch, qn_csv_unescape(s->dialect, raw, scratch)};
    struct qn_strv trimmed = qn_strv_trim(raw);
    if (is_null_value(&column->nulls, raw, trimmed) ||
        (type.id == QN_DOUBLE && qn_strv_eq_nocase(trimmed, QN_STRV_LIT("nan"))))
        return NO_VALUE;
    return qn_text_parse_any(type, trimmed, out) ? VALUE : WRONG;
}

/* One loop per type and kind of fields: `id` and `plain` are constants at every call. Plain fields
 * are what stands between their ends. */
__attribute__((always_inline)) static inline uint32_t
decode_column(const struct qn_csv_decoder *decoder, uint32_t index, const struct qn_csv_rows *rows,
              enum qn_type_id id, bool plain, uint32_t n_wrong)
{
    const struct qn_csv_column *column = &decoder->columns[index];
    struct qn_row_store *store = decoder->store;
    struct qn_column_store *to_column = &store->columns[index];
    const struct qn_type type = to_column->of->type;
    const char *bytes = rows->scanner.bytes;
    const uint32_t f = column->field, n_fields = rows->n_fields, n = rows->n;
    const uint32_t *to = rows->ends + f, *from = f ? to - 1 : rows->starts;
    const uint32_t step = f ? n_fields : 1, past = f > 0;
    const bool *may_be_null = column->may_be_null;
    uint8_t *bools = (uint8_t *)to_column->values + store->n;
    int64_t *values = (int64_t *)to_column->values + store->n;
    struct qn_text_day day = {0};
    for (uint32_t r = 0; r < n; r++, from += step, to += n_fields) {
        struct qn_csv_field field = {*from + past, 0};
        field.flags = *to - field.at;
        if (!plain)
            field = qn_csv_rows_field(rows, r, f);
        struct qn_strv s = {bytes + field.at, field.flags & QN_CSV_LENGTH};
        int64_t value = 0;
        if (!s.len || (may_be_null && may_be_null[(unsigned char)s.data[0]]) ||
            !qn_text_parse_usual(id, type, s, &day, &value)) {
            enum outcome outcome = read_any(column, type, rows, field, &value);
            if (outcome != VALUE)
                value = 0;
            if (outcome == NO_VALUE)
                qn_column_store_set_null(to_column, store->n + r);
            else if (outcome == WRONG)
                n_wrong = qn_row_store_mark_wrong(store, n, r, index, n_wrong);
        }
        if (id == QN_BOOL)
            bools[r] = (uint8_t)value;
        else
            values[r] = value;
    }
    return n_wrong;
}

static bool is_plain(const struct qn_csv_rows *rows, uint32_t field)
{
    return !rows->quoted && !(rows->crlf && field + 1 == rows->n_fields);
}

#define DECODE(id)                                                                                 \
    case id:                                                                                       \
        n_wrong = plain ? decode_column(decoder, c, rows, id, true, n_wrong)                       \
                        : decode_column(decoder, c, rows, id, false, n_wrong);                     \
        break

uint32_t qn_csv_decoder_typed(struct qn_csv_decoder *decoder, const struct qn_csv_rows *rows)
{
    const struct qn_row_store *store = decoder->store;
    assert(rows->n <= store->capacity - store->n);
    uint32_t n_wrong = 0;
    for (uint32_t c = 0; c < store->schema.n_fields; c++) {
        bool plain = is_plain(rows, decoder->columns[c].field);
        switch ((enum qn_type_id)store->schema.fields[c].type.id) {
            DECODE(QN_BOOL);
            DECODE(QN_INT64);
            DECODE(QN_DECIMAL);
            DECODE(QN_DOUBLE);
            DECODE(QN_DATE);
            DECODE(QN_TIMESTAMP);
        case QN_TEXT: break;
        }
    }
    return n_wrong;
}

/* --- text ------------------------------------------------------------------------------------ */

static size_t count_bytes(const struct qn_csv_rows *rows, uint32_t field)
{
    size_t sum = 0;
    for (uint32_t r = 0; r < rows->n; r++)
        sum += rows->ends[(size_t)r * rows->n_fields + field] - qn_csv_rows_from(rows, r, field);
    return sum;
}

/* What all fields of the rows take is more than enough and known at once; counting comes after. */
static qn_code reserve_text(struct qn_column_store *store, uint32_t field,
                            const struct qn_csv_rows *rows, struct qn_err *err)
{
    if (rows->n == 0)
        return QN_OK;
    size_t all = rows->ends[(size_t)rows->n * rows->n_fields - 1] - rows->starts[0];
    if (store->bytes_len + QN_TEXT_STRIDE + all <= store->bytes_capacity)
        return QN_OK;
    return qn_column_store_reserve(store, count_bytes(rows, field), err);
}

static inline size_t copy_text(const struct qn_csv_dialect *dialect, struct qn_strv s, bool escaped,
                               char *out)
{
    if (__builtin_expect(escaped, 0))
        return qn_csv_unescape(dialect, s, out);
    memcpy(out, s.data, QN_TEXT_STRIDE);
    if (__builtin_expect(s.len > QN_TEXT_STRIDE, 0))
        memcpy(out + QN_TEXT_STRIDE, s.data + QN_TEXT_STRIDE, s.len - QN_TEXT_STRIDE);
    return s.len;
}

/* As decode_column, of rows from `first` on. `wrong` NULL: all rows are taken. */
__attribute__((always_inline)) static inline void
decode_text(struct qn_column_store *store, uint32_t first, const struct qn_csv_column *column,
            const struct qn_csv_rows *rows, const uint16_t *wrong, bool plain)
{
    const char *bytes = rows->scanner.bytes;
    const bool *may_be_null = column->may_be_null;
    const uint32_t f = column->field, n_fields = rows->n_fields, n = rows->n;
    const uint32_t *to = rows->ends + f, *from = f ? to - 1 : rows->starts;
    const uint32_t step = f ? n_fields : 1, past = f > 0;
    char *out = store->bytes;
    uint32_t *offset = store->offsets + first;
    size_t len = store->bytes_len;
    for (uint32_t r = 0; r < n; r++, from += step, to += n_fields) {
        if (wrong && wrong[r])
            continue;
        struct qn_csv_field field = {*from + past, 0};
        field.flags = *to - field.at;
        if (!plain)
            field = qn_csv_rows_field(rows, r, f);
        struct qn_strv s = {bytes + field.at, field.flags & QN_CSV_LENGTH};
        if ((!s.len || (may_be_null && may_be_null[(unsigned char)s.data[0]])) &&
            is_null_text(&column->nulls, s, (field.flags & QN_CSV_QUOTED) != 0))
            qn_column_store_set_null(store, (uint32_t)(offset - store->offsets));
        else
            len +=
                copy_text(rows->scanner.dialect, s, (field.flags & QN_CSV_ESCAPED) != 0, out + len);
        *++offset = (uint32_t)len;
    }
    store->bytes_len = len;
}

static qn_code add_texts(const struct qn_csv_decoder *decoder, uint32_t index,
                         const struct qn_csv_rows *rows, const uint16_t *wrong, uint32_t kept,
                         struct qn_err *err)
{
    const struct qn_csv_column *column = &decoder->columns[index];
    struct qn_column_store *store = &decoder->store->columns[index];
    uint32_t first = decoder->store->n;
    QN_TRY(reserve_text(store, column->field, rows, err));
    if (is_plain(rows, column->field))
        decode_text(store, first, column, rows, wrong, true);
    else
        decode_text(store, first, column, rows, wrong, false);
    qn_column_store_encode(store, first, kept);
    return QN_OK;
}

qn_code qn_csv_decoder_finish(struct qn_csv_decoder *decoder, const struct qn_csv_rows *rows,
                              uint32_t n_wrong, uint32_t base, struct qn_err *err)
{
    struct qn_row_store *store = decoder->store;
    const uint16_t *wrong = n_wrong ? store->wrong : NULL;
    uint32_t kept = wrong ? qn_row_store_drop_wrong(store, rows->n) : rows->n;
    for (uint32_t c = 0; c < store->schema.n_fields; c++)
        if (!store->columns[c].values)
            QN_TRY(add_texts(decoder, c, rows, wrong, kept, err));
    qn_row_store_add(store, rows->starts, rows->n, wrong, kept, base);
    return QN_OK;
}
