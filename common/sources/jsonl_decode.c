#include "sources/jsonl_decode.h"

#include <assert.h>

#include "sources/json_number.h"
#include "sources/text_value.h"

enum { LONGEST_TYPED = 64 };

qn_code qn_jsonl_decoder_init(struct qn_jsonl_decoder *decoder,
                              const struct qn_jsonl_dialect *dialect, const bool *wanted,
                              uint32_t n_columns, struct qn_row_store *store,
                              struct qn_arena *arena, struct qn_err *err)
{
    *decoder = (struct qn_jsonl_decoder){.store = store};
    decoder->nulls = QN_NEW_ARRAY(arena, const struct qn_null_texts *, store->schema.n_fields + 1U);
    if (!decoder->nulls)
        return qn_err_nomem(err, "jsonl columns");
    for (uint32_t i = 0, c = 0; i < n_columns; i++)
        if (!wanted || wanted[i])
            decoder->nulls[c++] = &dialect->columns[i].nulls;
    return QN_OK;
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

/* Numbers stand as such, dates and times in strings. */
__attribute__((always_inline)) static inline bool is_usual(enum qn_type_id id,
                                                           enum qn_jsonl_kind kind)
{
    return kind == (id == QN_DATE || id == QN_TIMESTAMP ? QN_JSONL_STRING : QN_JSONL_NUMBER);
}

/* One loop per type: `id` is a constant at every call. */
__attribute__((always_inline)) static inline uint32_t
decode_column(const struct qn_jsonl_decoder *decoder, uint32_t index,
              const struct qn_jsonl_rows *rows, enum qn_type_id id, uint32_t n_wrong)
{
    struct qn_row_store *store = decoder->store;
    struct qn_column_store *column = &store->columns[index];
    const struct qn_type type = column->of->type;
    const char *bytes = rows->frame.bytes;
    const struct qn_jsonl_cell *cells = qn_jsonl_rows_column(rows, index);
    const bool any_null_text = decoder->nulls[index]->declared;
    const uint32_t n = rows->n;
    uint8_t *bools = (uint8_t *)column->values + store->n;
    int64_t *values = (int64_t *)column->values + store->n;
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
                qn_column_store_set_null(column, store->n + r);
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

#define DECODE(id)                                                                                 \
    case id: n_wrong = decode_column(decoder, c, rows, id, n_wrong); break

uint32_t qn_jsonl_decoder_typed(struct qn_jsonl_decoder *decoder, const struct qn_jsonl_rows *rows)
{
    const struct qn_row_store *store = decoder->store;
    assert(rows->n <= store->capacity - store->n);
    uint32_t n_wrong = 0;
    for (uint32_t c = 0; c < store->schema.n_fields; c++) {
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
static qn_code decode_text(const struct qn_jsonl_decoder *decoder, uint32_t index,
                           const struct qn_jsonl_rows *rows, const uint16_t *wrong, uint32_t kept,
                           struct qn_err *err)
{
    struct qn_column_store *store = &decoder->store->columns[index];
    const uint32_t first = decoder->store->n;
    const struct qn_jsonl_cell *cells = qn_jsonl_rows_column(rows, index);
    const struct qn_null_texts *nulls = decoder->nulls[index];
    const char *bytes = rows->frame.bytes, *made = (const char *)rows->parser.made.data;
    QN_TRY(qn_column_store_reserve(store, count_bytes(cells, rows->n), err));
    uint32_t *offset = store->offsets + first;
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
    qn_column_store_encode(store, first, kept);
    return QN_OK;
}

qn_code qn_jsonl_decoder_finish(struct qn_jsonl_decoder *decoder, const struct qn_jsonl_rows *rows,
                                uint32_t n_wrong, uint32_t base, struct qn_err *err)
{
    struct qn_row_store *store = decoder->store;
    const uint16_t *wrong = n_wrong ? store->wrong : NULL;
    uint32_t kept = wrong ? qn_row_store_drop_wrong(store, rows->n) : rows->n;
    for (uint32_t c = 0; c < store->schema.n_fields; c++)
        if (!store->columns[c].values)
            QN_TRY(decode_text(decoder, c, rows, wrong, kept, err));
    qn_row_store_add(store, rows->starts, rows->n, wrong, kept, base);
    return QN_OK;
}
