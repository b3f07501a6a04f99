#include "sources/jsonl_decode.h"

#include <assert.h>

#include "sources/json_number.h"
#include "sources/text_value.h"

enum { LONGEST_TYPED = 64 };

/* --- life ------------------------------------------------------------------------------------ */

qn_code qn_jsonl_decoder_init(struct qn_jsonl_decoder *decoder,
                              const struct qn_jsonl_dialect *dialect,
                              const struct qn_schema *schema, const bool *wanted, uint32_t capacity,
                              struct qn_arena *arena, struct qn_err *err)
{
    *decoder = (struct qn_jsonl_decoder){.capacity = capacity};
    decoder->columns = QN_NEW_ARRAY(arena, struct qn_column_store, schema->n_fields + 1U);
    decoder->nulls = QN_NEW_ARRAY(arena, const struct qn_null_texts *, schema->n_fields + 1U);
    decoder->origin = QN_NEW_ARRAY(arena, uint32_t, capacity);
    decoder->wrong = QN_NEW_ARRAY(arena, uint16_t, capacity);
    if (!decoder->columns || !decoder->nulls || !decoder->origin || !decoder->wrong)
        return qn_err_nomem(err, "jsonl columns");
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        if (wanted && !wanted[i])
            continue;
        uint32_t c = decoder->n_columns++;
        decoder->nulls[c] = &dialect->columns[i].nulls;
        QN_TRY(
            qn_column_store_init(&decoder->columns[c], &schema->fields[i], capacity, arena, err));
    }
    return QN_OK;
}

void qn_jsonl_decoder_fini(struct qn_jsonl_decoder *decoder)
{
    for (uint32_t c = 0; c < decoder->n_columns; c++)
        qn_column_store_fini(&decoder->columns[c]);
    decoder->n_columns = 0;
}

void qn_jsonl_decoder_clear(struct qn_jsonl_decoder *decoder)
{
    decoder->n = 0;
    for (uint32_t c = 0; c < decoder->n_columns; c++)
        qn_column_store_clear(&decoder->columns[c]);
}

/* --- values ---------------------------------------------------------------------------------- */

enum outcome { VALUE, NO_VALUE, WRONG };

static enum outcome read_text(const struct qn_null_texts *nulls, struct qn_type type,
                              struct qn_strv s, bool escaped, int64_t *out)
{
    char plain[LONGEST_TYPED];
    if (s.len > LONGEST_TYPED)
        return WRONG;
    if (escaped)
        s = (struct qn_strv){plain, qn_json_unescape(s, plain)};
    struct qn_strv trimmed = qn_strv_trim(s);
    if (nulls->declared && (qn_null_texts_has(nulls, s) || qn_null_texts_has(nulls, trimmed)))
        return NO_VALUE;
    return qn_text_parse_any(type, trimmed, out) ? VALUE : WRONG;
}

static bool read_truth(struct qn_type type, bool truth, int64_t *out)
{
    *out = truth;
    return type.id == QN_BOOL;
}

/* Any cell. Strings are read as texts are anywhere: "12" is an integer where one is expected. */
static __attribute__((noinline)) enum outcome read_any(const struct qn_null_texts *nulls,
                                                       struct qn_type type, const char *bytes,
                                                       struct qn_jsonl_cell cell, int64_t *out)
{
    enum qn_jsonl_kind kind = qn_jsonl_cell_kind(cell);
    struct qn_strv s = {bytes + cell.at, cell.is & QN_JSONL_LENGTH};
    bool good = false;
    switch (kind) {
    case QN_JSONL_NOTHING: return NO_VALUE;
    case QN_JSONL_STRING:
    case QN_JSONL_ESCAPED: return read_text(nulls, type, s, kind == QN_JSONL_ESCAPED, out);
    case QN_JSONL_NUMBER: good = qn_json_number(type, s, out); break;
    case QN_JSONL_TRUE:
    case QN_JSONL_FALSE: good = read_truth(type, kind == QN_JSONL_TRUE, out); break;
    case QN_JSONL_COUNT:
        *out = cell.at;
        good = type.id == QN_INT64;
        break;
    case QN_JSONL_NESTED:
    case QN_JSONL_MADE: break;
    }
    return good ? VALUE : WRONG;
}

static uint32_t mark_wrong(struct qn_jsonl_decoder *decoder, uint32_t n_rows, uint32_t row,
                           uint32_t column, uint32_t n_wrong)
{
    if (n_wrong == 0)
        memset(decoder->wrong, 0, n_rows * sizeof *decoder->wrong);
    if (decoder->wrong[row])
        return n_wrong;
    decoder->wrong[row] = (uint16_t)(column + 1);
    return n_wrong + 1;
}

/* Numbers stand as such, dates and times in strings. */
__attribute__((always_inline)) static inline bool is_usual(enum qn_type_id id,
                                                           enum qn_jsonl_kind kind)
{
    return kind == (id == QN_DATE || id == QN_TIMESTAMP ? QN_JSONL_STRING : QN_JSONL_NUMBER);
}

/* One loop per type: `id` is a constant at every call. */
__attribute__((always_inline)) static inline uint32_t
decode_column(struct qn_jsonl_decoder *decoder, uint32_t index, const struct qn_jsonl_rows *rows,
              enum qn_type_id id, uint32_t n_wrong)
{
    struct qn_column_store *store = &decoder->columns[index];
    const struct qn_type type = store->of->type;
    const char *bytes = rows->frame.bytes;
    const struct qn_jsonl_cell *cells = qn_jsonl_rows_column(rows, index);
    const bool any_null_text = decoder->nulls[index]->declared;
    const uint32_t n = rows->n;
    uint8_t *bools = (uint8_t *)store->values + decoder->n;
    int64_t *values = (int64_t *)store->values + decoder->n;
    struct qn_text_day day = {0};
    for (uint32_t r = 0; r < n; r++) {
        struct qn_jsonl_cell cell = cells[r];
        struct qn_strv s = {bytes + cell.at, cell.is & QN_JSONL_LENGTH};
        int64_t value = 0;
        if (!is_usual(id, qn_jsonl_cell_kind(cell)) || !s.len || any_null_text ||
            !qn_text_parse_usual(id, type, s, &day, &value)) {
            enum outcome outcome = read_any(decoder->nulls[index], type, bytes, cell, &value);
            if (outcome != VALUE)
                value = 0;
            if (outcome == NO_VALUE)
                qn_column_store_set_null(store, decoder->n + r);
            else if (outcome == WRONG)
                n_wrong = mark_wrong(decoder, n, r, index, n_wrong);
        }
        if (id == QN_BOOL)
            bools[r] = (uint8_t)value;
        else
            values[r] = value;
    }
    return n_wrong;
}

#define DECODE(id)                                                                                 \
    case id: n_wrong = decode_column(decoder, c, rows, id, n_wrong); break

uint32_t qn_jsonl_decoder_typed(struct qn_jsonl_decoder *decoder, const struct qn_jsonl_rows *rows)
{
    assert(rows->n <= decoder->capacity - decoder->n);
    uint32_t n_wrong = 0;
    for (uint32_t c = 0; c < decoder->n_columns; c++) {
        switch ((enum qn_type_id)decoder->columns[c].of->type.id) {
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

/* Values of the rows that are kept move together. Returns how many rows those are. */
static uint32_t drop_wrong(struct qn_jsonl_decoder *decoder, uint32_t n_rows)
{
    uint32_t kept = 0;
    for (uint32_t r = 0; r < n_rows; r++) {
        if (decoder->wrong[r])
            continue;
        for (uint32_t c = 0; kept != r && c < decoder->n_columns; c++)
            qn_column_store_move(&decoder->columns[c], decoder->n + r, decoder->n + kept);
        kept++;
    }
    for (uint32_t c = 0; c < decoder->n_columns; c++)
        qn_column_store_unmark(&decoder->columns[c], decoder->n + kept, decoder->n + n_rows);
    return kept;
}

/* --- text ------------------------------------------------------------------------------------ */

static inline size_t copy_text(struct qn_strv s, bool escaped, char *out)
{
    if (__builtin_expect(escaped, 0))
        return qn_json_unescape(s, out);
    memcpy(out, s.data, QN_TEXT_STRIDE);
    if (__builtin_expect(s.len > QN_TEXT_STRIDE, 0))
        memcpy(out + QN_TEXT_STRIDE, s.data + QN_TEXT_STRIDE, s.len - QN_TEXT_STRIDE);
    return s.len;
}

static size_t count_bytes(const struct qn_jsonl_cell *cells, uint32_t n)
{
    size_t sum = 0;
    for (uint32_t r = 0; r < n; r++)
        sum += cells[r].is & QN_JSONL_LENGTH;
    return sum;
}

static bool is_null_text(const struct qn_null_texts *nulls, struct qn_strv s, bool escaped)
{
    char plain[LONGEST_TYPED];
    if (escaped && s.len <= LONGEST_TYPED)
        s = (struct qn_strv){plain, qn_json_unescape(s, plain)};
    return qn_null_texts_has(nulls, s);
}

/* `wrong` NULL: all rows are taken. */
static qn_code decode_text(struct qn_jsonl_decoder *decoder, uint32_t index,
                           const struct qn_jsonl_rows *rows, const uint16_t *wrong, uint32_t kept,
                           struct qn_err *err)
{
    struct qn_column_store *store = &decoder->columns[index];
    const struct qn_jsonl_cell *cells = qn_jsonl_rows_column(rows, index);
    const struct qn_null_texts *nulls = decoder->nulls[index];
    const char *bytes = rows->frame.bytes, *made = (const char *)rows->parser.made.data;
    QN_TRY(qn_column_store_reserve(store, count_bytes(cells, rows->n), err));
    uint32_t *offset = store->offsets + decoder->n;
    size_t len = store->bytes_len;
    for (uint32_t r = 0; r < rows->n; r++) {
        if (wrong && wrong[r])
            continue;
        enum qn_jsonl_kind kind = qn_jsonl_cell_kind(cells[r]);
        struct qn_strv s = {bytes + cells[r].at, cells[r].is & QN_JSONL_LENGTH};
        if (kind == QN_JSONL_NOTHING ||
            (nulls->declared && is_null_text(nulls, s, kind == QN_JSONL_ESCAPED)))
            qn_column_store_set_null(store, (uint32_t)(offset - store->offsets));
        else if (kind == QN_JSONL_MADE)
            memcpy(store->bytes + len, made + cells[r].at, s.len), len += s.len;
        else
            len += copy_text(s, kind == QN_JSONL_ESCAPED, store->bytes + len);
        *++offset = (uint32_t)len;
    }
    store->bytes_len = len;
    qn_column_store_encode(store, decoder->n, kept);
    return QN_OK;
}

qn_code qn_jsonl_decoder_finish(struct qn_jsonl_decoder *decoder, const struct qn_jsonl_rows *rows,
                                uint32_t n_wrong, uint32_t base, struct qn_err *err)
{
    const uint16_t *wrong = n_wrong ? decoder->wrong : NULL;
    uint32_t kept = wrong ? drop_wrong(decoder, rows->n) : rows->n;
    for (uint32_t c = 0; c < decoder->n_columns; c++)
        if (!decoder->columns[c].values)
            QN_TRY(decode_text(decoder, c, rows, wrong, kept, err));
    uint32_t *origin = decoder->origin + decoder->n;
    for (uint32_t r = 0; r < rows->n; r++)
        if (!wrong || !wrong[r])
            *origin++ = base + rows->starts[r];
    decoder->n += kept;
    return QN_OK;
}

size_t qn_jsonl_decoder_text_bytes(const struct qn_jsonl_decoder *decoder)
{
    size_t sum = 0;
    for (uint32_t c = 0; c < decoder->n_columns; c++)
        sum += decoder->columns[c].bytes_len;
    return sum;
}

void qn_jsonl_decoder_batch(const struct qn_jsonl_decoder *decoder, struct qn_column *columns,
                            struct qn_batch *batch)
{
    for (uint32_t c = 0; c < decoder->n_columns; c++)
        columns[c] = qn_column_store_view(&decoder->columns[c]);
    batch->columns = columns;
    batch->n_rows = decoder->n;
    batch->origin = decoder->origin;
}
