#include "flow/batch.h"

#include <stdatomic.h>
#include <string.h>

#include "flow/value.h"

uint64_t qn_dictionary_new_id(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

static size_t value_bytes(enum qn_layout layout)
{
    return layout == QN_LAYOUT_BOOL ? 1 : 8;
}

qn_code qn_column_new(struct qn_arena *arena, struct qn_type type, uint32_t n_rows,
                      struct qn_column *out, struct qn_err *err)
{
    enum qn_layout layout = qn_type_layout(type);
    *out = (struct qn_column){.type = type};
    if (layout == QN_LAYOUT_TEXT) {
        out->offsets = QN_NEW_ARRAY(arena, uint32_t, (size_t)n_rows + 1);
        return out->offsets ? QN_OK : qn_err_nomem(err, "a column");
    }
    out->bools = qn_arena_zalloc(arena, (size_t)n_rows + 1, value_bytes(layout));
    return out->bools ? QN_OK : qn_err_nomem(err, "a column");
}

uint64_t *qn_validity_new(struct qn_arena *arena, uint32_t n_rows, bool all_valid)
{
    size_t bytes = (qn_validity_words(n_rows) + 1) * sizeof(uint64_t);
    uint64_t *validity = qn_arena_alloc(arena, bytes);
    return validity ? memset(validity, all_valid ? 0xFF : 0, bytes) : NULL;
}

uint32_t qn_column_count_valid(const struct qn_column *column, uint32_t n_rows)
{
    if (!column->validity)
        return n_rows;
    uint32_t count = 0;
    for (uint32_t word = 0; word < n_rows / 64; word++)
        count += (uint32_t)__builtin_popcountll(column->validity[word]);
    if (n_rows % 64) {
        uint64_t mask = (UINT64_C(1) << (n_rows % 64)) - 1;
        count += (uint32_t)__builtin_popcountll(column->validity[n_rows / 64] & mask);
    }
    return count;
}

/* --- take ------------------------------------------------------------------------------------ */

/* A row of UINT32_MAX takes NULL. The loops below are written twice, with and without such rows:
 * most takes have none, and a test a value costs as much as the value. */
static bool takes_nulls(const uint32_t *rows, uint32_t n)
{
    uint32_t greatest = 0;
    for (uint32_t i = 0; i < n; i++)
        greatest = rows[i] > greatest ? rows[i] : greatest;
    return greatest == UINT32_MAX;
}

static bool is_taken(const uint32_t *rows, uint32_t i)
{
    return rows[i] != UINT32_MAX;
}

static uint32_t length_at(const struct qn_column *column, uint32_t row)
{
    return column->offsets[row + 1] - column->offsets[row];
}

/* Offsets of the texts taken; their total length. */
static uint64_t take_offsets(const struct qn_column *column, const uint32_t *rows, uint32_t n,
                             bool nulls, uint32_t *offsets)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        offsets[i] = (uint32_t)total;
        total += nulls && !is_taken(rows, i) ? 0 : length_at(column, rows[i]);
    }
    offsets[n] = (uint32_t)total;
    return total;
}

static qn_code take_text(struct qn_arena *arena, const struct qn_column *column,
                         const uint32_t *rows, uint32_t n, bool nulls, struct qn_column *out,
                         struct qn_err *err)
{
    out->offsets = qn_arena_alloc(arena, ((size_t)n + 1) * sizeof *out->offsets);
    if (!out->offsets)
        return qn_err_nomem(err, "a text column");
    uint64_t total = take_offsets(column, rows, n, nulls, out->offsets);
    if (total > UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "a batch of text would take %llu bytes, 4 GiB are the limit",
                          (unsigned long long)total);
    out->bytes = qn_arena_alloc(arena, (size_t)total + 1);
    if (!out->bytes)
        return qn_err_nomem(err, "a text column");
    for (uint32_t i = 0; i < n; i++)
        if (!nulls || is_taken(rows, i))
            qn_copy_text(out->bytes + out->offsets[i], column->bytes + column->offsets[rows[i]],
                         length_at(column, rows[i]));
    return QN_OK;
}

static qn_code take_codes(struct qn_arena *arena, const struct qn_column *column,
                          const uint32_t *rows, uint32_t n, struct qn_column *out,
                          struct qn_err *err)
{
    uint16_t *codes = qn_arena_alloc(arena, n * sizeof *codes + 1);
    if (!codes)
        return qn_err_nomem(err, "text codes");
    for (uint32_t i = 0; i < n; i++)
        codes[i] = is_taken(rows, i) ? column->codes[rows[i]] : QN_CODE_NULL;
    out->codes = codes;
    out->dictionary = column->dictionary;
    return QN_OK;
}

static qn_code take_fixed(struct qn_arena *arena, const struct qn_column *column,
                          const uint32_t *rows, uint32_t n, bool nulls, struct qn_column *out,
                          struct qn_err *err)
{
    enum qn_layout layout = qn_type_layout(column->type);
    const struct qn_column from = *column; /* what is stored does not touch it */
    uint8_t *bools = qn_arena_alloc(arena, ((size_t)n + 1) * value_bytes(layout));
    if (!bools)
        return qn_err_nomem(err, "a column");
    out->bools = bools;
    int64_t *i64 = out->i64;
    if (layout == QN_LAYOUT_BOOL)
        for (uint32_t i = 0; i < n; i++)
            bools[i] = is_taken(rows, i) ? from.bools[rows[i]] : 0;
    else if (nulls) /* doubles move as their bits */
        for (uint32_t i = 0; i < n; i++)
            i64[i] = is_taken(rows, i) ? from.i64[rows[i]] : 0;
    else
        for (uint32_t i = 0; i < n; i++)
            i64[i] = from.i64[rows[i]];
    return QN_OK;
}

static qn_code take_validity(struct qn_arena *arena, const struct qn_column *column,
                             const uint32_t *rows, uint32_t n, struct qn_column *out,
                             struct qn_err *err)
{
    out->validity = qn_validity_new(arena, n, false);
    if (!out->validity)
        return qn_err_nomem(err, "a validity bitmap");
    for (uint32_t i = 0; i < n; i++)
        out->validity[i >> 6] |= (uint64_t)(is_taken(rows, i) && qn_is_valid(column, rows[i]))
                                 << (i & 63);
    return QN_OK;
}

qn_code qn_column_take(struct qn_arena *arena, const struct qn_column *column, uint32_t n_rows,
                       const uint32_t *rows, uint32_t n, struct qn_column *out, struct qn_err *err)
{
    (void)n_rows;
    bool nulls = takes_nulls(rows, n);
    *out = (struct qn_column){.type = column->type};
    if (qn_type_layout(column->type) == QN_LAYOUT_TEXT)
        QN_TRY(take_text(arena, column, rows, n, nulls, out, err));
    else
        QN_TRY(take_fixed(arena, column, rows, n, nulls, out, err));
    if (column->codes)
        QN_TRY(take_codes(arena, column, rows, n, out, err));
    return nulls || column->validity ? take_validity(arena, column, rows, n, out, err) : QN_OK;
}

qn_code qn_batch_take(struct qn_arena *arena, const struct qn_batch *batch, const uint32_t *rows,
                      uint32_t n, struct qn_batch *out, struct qn_err *err)
{
    uint32_t n_fields = batch->schema->n_fields;
    struct qn_batch taken = {.schema = batch->schema, .n_rows = n};
    taken.columns = QN_NEW_ARRAY(arena, struct qn_column, n_fields);
    if (!taken.columns)
        return qn_err_nomem(err, "a batch");
    for (uint32_t c = 0; c < n_fields; c++)
        QN_TRY(qn_column_take(arena, &batch->columns[c], batch->n_rows, rows, n, &taken.columns[c],
                              err));
    if (batch->origin) {
        taken.origin = QN_NEW_ARRAY(arena, uint32_t, n);
        if (!taken.origin)
            return qn_err_nomem(err, "a batch");
        for (uint32_t i = 0; i < n; i++)
            taken.origin[i] = batch->origin[rows[i]];
    }
    *out = taken;
    return QN_OK;
}

/* --- copy ------------------------------------------------------------------------------------ */

static void *copy_bytes(struct qn_arena *arena, const void *from, size_t bytes)
{
    void *to = qn_arena_alloc(arena, bytes + 1);
    if (to && bytes)
        memcpy(to, from, bytes);
    return to;
}

static qn_code column_copy(struct qn_arena *arena, const struct qn_column *column, uint32_t n_rows,
                           struct qn_column *out, struct qn_err *err)
{
    enum qn_layout layout = qn_type_layout(column->type);
    *out = *column;
    out->codes = NULL; /* the reader's dictionary may be gone before the copy is */
    out->dictionary = NULL;
    if (layout == QN_LAYOUT_TEXT) {
        /* Offsets may start past 0 when the column is a slice: keep them, copy up to the end. */
        out->offsets = copy_bytes(arena, column->offsets, ((size_t)n_rows + 1) * sizeof(uint32_t));
        out->bytes = copy_bytes(arena, column->bytes, column->offsets[n_rows]);
    } else {
        out->bools = copy_bytes(arena, column->bools, n_rows * value_bytes(layout));
    }
    if (column->validity)
        out->validity =
            copy_bytes(arena, column->validity, qn_validity_words(n_rows) * sizeof(uint64_t));
    bool whole = out->bools && (layout != QN_LAYOUT_TEXT || out->offsets) &&
                 (!column->validity || out->validity);
    return whole ? QN_OK : qn_err_nomem(err, "a copied column");
}

uint64_t qn_batch_bytes(const struct qn_batch *batch)
{
    uint64_t bytes = 0, n = batch->n_rows;
    for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
        const struct qn_column *column = &batch->columns[c];
        bytes += column->validity ? qn_validity_words(batch->n_rows) * sizeof(uint64_t) : 0;
        if (column->type.id == QN_TEXT)
            bytes += (n + 1) * sizeof(uint32_t) + column->offsets[n];
        else
            bytes += n * (column->type.id == QN_BOOL ? 1 : sizeof(int64_t));
    }
    return bytes;
}

qn_code qn_batch_copy(struct qn_arena *arena, const struct qn_batch *batch, struct qn_batch *out,
                      struct qn_err *err)
{
    uint32_t n_fields = batch->schema->n_fields;
    struct qn_batch copy = *batch;
    copy.columns = QN_NEW_ARRAY(arena, struct qn_column, n_fields);
    if (!copy.columns)
        return qn_err_nomem(err, "a batch");
    for (uint32_t c = 0; c < n_fields; c++)
        QN_TRY(column_copy(arena, &batch->columns[c], batch->n_rows, &copy.columns[c], err));
    if (batch->origin) {
        copy.origin = copy_bytes(arena, batch->origin, batch->n_rows * sizeof(uint32_t));
        if (!copy.origin)
            return qn_err_nomem(err, "a batch");
    }
    *out = copy;
    return QN_OK;
}

void qn_value_format(struct qn_buf *buf, const struct qn_column *column, uint32_t row)
{
    if (!qn_is_valid(column, row))
        return;
    char text[QN_VALUE_TEXT];
    switch ((enum qn_type_id)column->type.id) {
    case QN_BOOL: qn_buf_printf(buf, "%s", column->bools[row] ? "true" : "false"); break;
    case QN_TEXT: {
        struct qn_strv value = qn_text_at(column, row);
        qn_buf_put(buf, value.data, value.len);
        break;
    }
    case QN_INT64: qn_buf_put(buf, text, qn_format_i64(column->i64[row], text)); break;
    case QN_DOUBLE: qn_buf_put(buf, text, qn_format_double(column->f64[row], text)); break;
    case QN_DECIMAL:
        qn_buf_put(buf, text, qn_format_decimal(column->i64[row], column->type.scale, text));
        break;
    case QN_DATE: qn_buf_put(buf, text, qn_format_date(column->i64[row], text)); break;
    case QN_TIMESTAMP: qn_buf_put(buf, text, qn_format_timestamp(column->i64[row], text)); break;
    }
}
