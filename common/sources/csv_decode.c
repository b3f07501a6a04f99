#include "sources/csv_decode.h"

#include <assert.h>
#include <stdlib.h>

#include "base/limits.h"
#include "sources/csv_number.h"
#include "sources/csv_text.h"

/* Texts are copied 16 bytes at a stride; source and target both have room for the overshoot. */
enum { STRIDE = 16, LONGEST_ESCAPED_NUMBER = 64 };

/* --- life ------------------------------------------------------------------------------------ */

/* UTF-8 to Latin-1 in place; false when a character has no place there. */
static bool to_latin1(char *text, size_t *len)
{
    size_t n = 0;
    for (size_t i = 0; i < *len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x80) {
            if (c > 0xC3 || i + 1 == *len)
                return false;
            c = (unsigned char)((c & 0x03) << 6 | (text[++i] & 0x3F));
        }
        text[n++] = (char)c;
    }
    *len = n;
    return true;
}

/* Null texts are compared as they stand in the file. */
static qn_code nulls_in_encoding(const struct qn_csv_nulls *from, enum qn_csv_encoding encoding,
                                 struct qn_arena *arena, struct qn_csv_nulls *out,
                                 struct qn_err *err)
{
    *out = *from;
    if (encoding == QN_CSV_UTF8 || from->n == 0)
        return QN_OK;
    struct qn_strv *texts = QN_NEW_ARRAY(arena, struct qn_strv, from->n);
    if (!texts)
        return qn_err_nomem(err, "csv null texts");
    out->n = 0;
    out->texts = texts;
    for (uint32_t i = 0; i < from->n; i++) {
        char *copy = qn_arena_strdup(arena, from->texts[i]);
        size_t len = from->texts[i].len;
        if (!copy)
            return qn_err_nomem(err, "csv null texts");
        if (to_latin1(copy, &len))
            texts[out->n++] = (struct qn_strv){copy, len};
    }
    return QN_OK;
}

static qn_code column_init(struct qn_csv_column *column, uint32_t capacity, struct qn_arena *arena,
                           struct qn_err *err)
{
    enum qn_layout layout = qn_type_layout(column->of->type);
    column->validity = qn_arena_alloc(arena, qn_validity_words(capacity) * sizeof(uint64_t));
    if (layout == QN_LAYOUT_TEXT) {
        column->offsets = qn_arena_alloc(arena, ((size_t)capacity + 1) * sizeof(uint32_t));
        column->bytes = malloc(STRIDE);
        if (column->offsets)
            column->offsets[0] = 0;
    } else {
        column->values = qn_arena_alloc(arena, capacity * (layout == QN_LAYOUT_BOOL ? 1U : 8U));
    }
    bool whole = column->validity && (column->values || (column->offsets && column->bytes));
    return whole ? QN_OK : qn_err_nomem(err, "csv columns");
}

qn_code qn_csv_decoder_init(struct qn_csv_decoder *decoder, const struct qn_csv_dialect *dialect,
                            const struct qn_schema *schema, const bool *wanted,
                            const uint32_t *field_of, uint32_t capacity, struct qn_arena *arena,
                            struct qn_err *err)
{
    *decoder = (struct qn_csv_decoder){.dialect = dialect, .capacity = capacity};
    decoder->columns = QN_NEW_ARRAY(arena, struct qn_csv_column, schema->n_fields + 1U);
    decoder->origin = QN_NEW_ARRAY(arena, uint32_t, capacity);
    if (!decoder->columns || !decoder->origin)
        return qn_err_nomem(err, "csv columns");
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (wanted && !wanted[i])
            continue;
        struct qn_csv_column *column = &decoder->columns[decoder->n_columns++];
        column->of = &schema->fields[i];
        column->field = field_of ? field_of[i] : i;
        QN_TRY(
            nulls_in_encoding(&dialect->nulls[i], dialect->encoding, arena, &column->nulls, err));
        QN_TRY(column_init(column, capacity, arena, err));
    }
    return QN_OK;
}

void qn_csv_decoder_fini(struct qn_csv_decoder *decoder)
{
    for (uint32_t c = 0; c < decoder->n_columns; c++)
        free(decoder->columns[c].bytes);
    decoder->n_columns = 0;
}

void qn_csv_decoder_clear(struct qn_csv_decoder *decoder)
{
    decoder->n = 0;
    for (uint32_t c = 0; c < decoder->n_columns; c++) {
        decoder->columns[c].has_nulls = false;
        decoder->columns[c].bytes_len = 0;
    }
}

/* --- NULL ------------------------------------------------------------------------------------ */

static void set_null(struct qn_csv_column *column, uint32_t capacity, uint32_t row)
{
    if (!column->has_nulls) {
        memset(column->validity, 0xFF, qn_validity_words(capacity) * sizeof(uint64_t));
        column->has_nulls = true;
    }
    qn_valid_clear(column->validity, row);
}

static bool is_listed(const struct qn_csv_nulls *nulls, struct qn_strv s)
{
    for (uint32_t i = 0; i < nulls->n; i++)
        if (qn_strv_eq(nulls->texts[i], s))
            return true;
    return false;
}

static inline bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* qn_strv_trim, inlined into the loop below. */
static inline struct qn_strv trim_blanks(struct qn_strv s)
{
    while (s.len && is_blank(s.data[0]))
        s.data++, s.len--;
    while (s.len && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

static inline bool is_null_value(const struct qn_csv_nulls *nulls, struct qn_strv raw,
                                 struct qn_strv trimmed)
{
    if (!nulls->declared)
        return trimmed.len == 0;
    return is_listed(nulls, raw) || is_listed(nulls, trimmed);
}

/* Quoting says "this is a text": a quoted empty field is not NULL, other null texts are. */
static inline bool is_null_text(const struct qn_csv_nulls *nulls, struct qn_strv s, bool quoted)
{
    if (s.len == 0 && quoted)
        return false;
    return nulls->declared ? is_listed(nulls, s) : s.len == 0;
}

/* --- values ---------------------------------------------------------------------------------- */

typedef bool parse_i64_fn(struct qn_type type, struct qn_strv s, int64_t *out);

static inline bool parse_double(struct qn_type type, struct qn_strv s, int64_t *out)
{
    (void)type;
    double value;
    if (!qn_parse_double(s, &value))
        return false;
    memcpy(out, &value, sizeof value);
    return true;
}

static inline bool parse_date(struct qn_type type, struct qn_strv s, int64_t *out)
{
    (void)type;
    return qn_parse_date(s, out);
}

static inline bool parse_timestamp(struct qn_type type, struct qn_strv s, int64_t *out)
{
    (void)type;
    return qn_parse_timestamp(s, out);
}

static inline struct qn_strv field_view(const struct qn_csv_dialect *dialect, const char *bytes,
                                        struct qn_csv_field field, char *scratch)
{
    struct qn_strv s = {bytes + field.at, field.flags & QN_CSV_LENGTH};
    if (__builtin_expect((field.flags & QN_CSV_ESCAPED) != 0, 0) && s.len <= LONGEST_ESCAPED_NUMBER)
        s = (struct qn_strv){scratch, qn_csv_unescape(dialect, s, scratch)};
    return s;
}

/* One loop per type: `parse` is a constant at every call, so it is compiled into the loop. */
__attribute__((always_inline)) static inline uint32_t
decode_column(struct qn_csv_decoder *decoder, uint32_t index, struct qn_csv_rows *rows,
              const char *bytes, parse_i64_fn *parse, bool narrow)
{
    struct qn_csv_column *column = &decoder->columns[index];
    const struct qn_csv_field *field = rows->fields + column->field;
    char scratch[LONGEST_ESCAPED_NUMBER + QN_CSV_SLACK];
    uint32_t n_failed = 0;
    for (uint32_t r = 0; r < rows->n; r++, field += rows->n_fields) {
        struct qn_strv raw = field_view(decoder->dialect, bytes, *field, scratch);
        struct qn_strv s = trim_blanks(raw);
        int64_t value = 0;
        if (is_null_value(&column->nulls, raw, s)) {
            set_null(column, decoder->capacity, decoder->n + r);
        } else if (!parse(column->of->type, s, &value)) {
            value = 0;
            if (!rows->good[r].fault) {
                rows->good[r].fault = QN_CSV_TYPE;
                rows->good[r].fault_at = field->at;
                rows->good[r].fault_column = index;
                n_failed++;
            }
        }
        if (narrow)
            ((uint8_t *)column->values)[decoder->n + r] = (uint8_t)value;
        else
            ((int64_t *)column->values)[decoder->n + r] = value;
    }
    return n_failed;
}

uint32_t qn_csv_decoder_typed(struct qn_csv_decoder *decoder, struct qn_csv_rows *rows,
                              const char *bytes)
{
    assert(rows->n <= decoder->capacity - decoder->n);
    uint32_t failed = 0;
    for (uint32_t c = 0; c < decoder->n_columns; c++) {
        switch ((enum qn_type_id)decoder->columns[c].of->type.id) {
        case QN_BOOL:
            failed += decode_column(decoder, c, rows, bytes, qn_csv_parse_bool, true);
            break;
        case QN_INT64:
            failed += decode_column(decoder, c, rows, bytes, qn_csv_parse_integer, false);
            break;
        case QN_DECIMAL:
            failed += decode_column(decoder, c, rows, bytes, qn_csv_parse_decimal, false);
            break;
        case QN_DOUBLE:
            failed += decode_column(decoder, c, rows, bytes, parse_double, false);
            break;
        case QN_DATE: failed += decode_column(decoder, c, rows, bytes, parse_date, false); break;
        case QN_TIMESTAMP:
            failed += decode_column(decoder, c, rows, bytes, parse_timestamp, false);
            break;
        case QN_TEXT: break;
        }
    }
    return failed;
}

/* --- dropping refused rows ------------------------------------------------------------------- */

static void move_value(struct qn_csv_column *column, uint32_t from, uint32_t to)
{
    if (!column->values)
        return;
    if (column->of->type.id == QN_BOOL)
        ((uint8_t *)column->values)[to] = ((uint8_t *)column->values)[from];
    else
        ((int64_t *)column->values)[to] = ((int64_t *)column->values)[from];
    if (!column->has_nulls)
        return;
    if (column->validity[from >> 6] >> (from & 63) & 1)
        qn_valid_set(column->validity, to);
    else
        qn_valid_clear(column->validity, to);
}

static void drop_failed(struct qn_csv_decoder *decoder, struct qn_csv_rows *rows)
{
    uint32_t kept = 0;
    for (uint32_t r = 0; r < rows->n; r++) {
        if (rows->good[r].fault)
            continue;
        if (kept != r) {
            rows->good[kept] = rows->good[r];
            memcpy(rows->fields + (size_t)kept * rows->n_fields,
                   rows->fields + (size_t)r * rows->n_fields,
                   rows->n_fields * sizeof *rows->fields);
            for (uint32_t c = 0; c < decoder->n_columns; c++)
                move_value(&decoder->columns[c], decoder->n + r, decoder->n + kept);
        }
        kept++;
    }
    /* Slots given up may hold a NULL mark that the next rows must not inherit. */
    for (uint32_t c = 0; c < decoder->n_columns; c++)
        for (uint32_t r = kept; decoder->columns[c].has_nulls && r < rows->n; r++)
            qn_valid_set(decoder->columns[c].validity, decoder->n + r);
    rows->n = kept;
}

/* --- text ------------------------------------------------------------------------------------ */

static qn_code reserve_text(struct qn_csv_decoder *decoder, struct qn_csv_column *column,
                            const struct qn_csv_rows *rows, struct qn_err *err)
{
    size_t want = column->bytes_len + STRIDE;
    const struct qn_csv_field *field = rows->fields + column->field;
    size_t widest = decoder->dialect->encoding == QN_CSV_LATIN1 ? 2 : 1;
    for (uint32_t r = 0; r < rows->n; r++, field += rows->n_fields)
        want += (field->flags & QN_CSV_LENGTH) * widest;
    if (want > UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "more than 4 GiB of text in a batch");
    if (want <= column->bytes_capacity)
        return QN_OK;
    size_t capacity = want < 2 * column->bytes_capacity ? 2 * column->bytes_capacity : want;
    char *grown = realloc(column->bytes, capacity);
    if (!grown)
        return qn_err_nomem(err, "csv text");
    column->bytes = grown;
    column->bytes_capacity = capacity;
    return QN_OK;
}

static inline size_t copy_text(const struct qn_csv_dialect *dialect, struct qn_strv s, bool escaped,
                               char *out)
{
    if (__builtin_expect(escaped, 0)) {
        s.len = qn_csv_unescape(dialect, s, out);
        if (dialect->encoding == QN_CSV_UTF8)
            return s.len;
        /* Widen in place from behind: the text needs at most twice its length. */
        memmove(out + s.len, out, s.len);
        s.data = out + s.len;
        return qn_csv_from_latin1(s, out);
    }
    if (dialect->encoding == QN_CSV_LATIN1)
        return qn_csv_from_latin1(s, out);
    if (s.len <= STRIDE)
        memcpy(out, s.data, STRIDE);
    else
        memcpy(out, s.data, s.len);
    return s.len;
}

static void decode_text(struct qn_csv_decoder *decoder, struct qn_csv_column *column,
                        const struct qn_csv_rows *rows, const char *bytes)
{
    const struct qn_csv_field *field = rows->fields + column->field;
    size_t len = column->bytes_len;
    for (uint32_t r = 0; r < rows->n; r++, field += rows->n_fields) {
        struct qn_strv s = {bytes + field->at, field->flags & QN_CSV_LENGTH};
        bool escaped = (field->flags & QN_CSV_ESCAPED) != 0;
        if (is_null_text(&column->nulls, s, (field->flags & QN_CSV_QUOTED) != 0))
            set_null(column, decoder->capacity, decoder->n + r);
        else
            len += copy_text(decoder->dialect, s, escaped, column->bytes + len);
        column->offsets[decoder->n + r + 1] = (uint32_t)len;
    }
    column->bytes_len = len;
}

qn_code qn_csv_decoder_finish(struct qn_csv_decoder *decoder, struct qn_csv_rows *rows,
                              const char *bytes, uint32_t n_failed, uint32_t base,
                              struct qn_err *err)
{
    if (n_failed)
        drop_failed(decoder, rows);
    for (uint32_t c = 0; c < decoder->n_columns; c++) {
        struct qn_csv_column *column = &decoder->columns[c];
        if (column->values)
            continue;
        QN_TRY(reserve_text(decoder, column, rows, err));
        decode_text(decoder, column, rows, bytes);
    }
    for (uint32_t r = 0; r < rows->n; r++)
        decoder->origin[decoder->n + r] = base + rows->good[r].at;
    decoder->n += rows->n;
    return QN_OK;
}

size_t qn_csv_decoder_text_bytes(const struct qn_csv_decoder *decoder)
{
    size_t sum = 0;
    for (uint32_t c = 0; c < decoder->n_columns; c++)
        sum += decoder->columns[c].bytes_len;
    return sum;
}

void qn_csv_decoder_batch(const struct qn_csv_decoder *decoder, struct qn_column *columns,
                          struct qn_batch *batch)
{
    for (uint32_t c = 0; c < decoder->n_columns; c++) {
        const struct qn_csv_column *from = &decoder->columns[c];
        columns[c] = (struct qn_column){.type = from->of->type,
                                        .validity = from->has_nulls ? from->validity : NULL,
                                        .offsets = from->offsets};
        if (!from->values)
            columns[c].bytes = from->bytes;
        else
            columns[c].i64 = from->values;
    }
    batch->columns = columns;
    batch->n_rows = decoder->n;
    batch->origin = decoder->origin;
}
