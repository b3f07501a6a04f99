#include "jobs/etl/keys.h"

#include <string.h>

static const uint64_t null_hash = UINT64_C(0x5bd1e995a7c39f01);
static const uint64_t no_hash = UINT64_C(0x2545f4914f6cdd1d); /* of a tuple of nothing */

uint64_t qn_hash_long_text(struct qn_strv text)
{
    return qn_hash64(text.data, text.len, 0);
}

static uint64_t double_bits(double value)
{
    if (value == 0)
        value = 0; /* -0.0 too */
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline uint64_t value_hash(const struct qn_column *column, enum qn_layout layout,
                                  uint32_t row)
{
    switch (layout) {
    case QN_LAYOUT_BOOL: return qn_hash_u64(column->bools[row]);
    case QN_LAYOUT_I64: return qn_hash_u64((uint64_t)column->i64[row]);
    case QN_LAYOUT_F64: return qn_hash_u64(double_bits(column->f64[row]));
    case QN_LAYOUT_TEXT: return qn_hash_text(qn_text_at(column, row));
    }
    return 0;
}

static inline uint64_t hash_at(const struct qn_column *column, enum qn_layout layout, uint32_t row)
{
    return qn_is_valid(column, row) ? value_hash(column, layout, row) : null_hash;
}

static inline uint64_t combine(uint64_t tuple, uint64_t value)
{
    return qn_fold_product(tuple ^ QN_HASH_A, value ^ QN_HASH_B);
}

uint64_t qn_keys_hash_row(const struct qn_column *columns, uint32_t n_columns, uint32_t row)
{
    uint64_t hash = no_hash;
    for (uint32_t c = 0; c < n_columns; c++) {
        uint64_t value = hash_at(&columns[c], qn_type_layout(columns[c].type), row);
        hash = c ? combine(hash, value) : value;
    }
    return hash;
}

/* The layout is told outside the loops; what they store does not touch their own copy. */
static void hash_first(const struct qn_column *first, uint32_t n_rows, uint64_t *out)
{
    const struct qn_column column = *first;
    enum qn_layout layout = qn_type_layout(column.type);
    if (column.validity)
        for (uint32_t row = 0; row < n_rows; row++)
            out[row] = hash_at(&column, layout, row);
    else if (layout == QN_LAYOUT_TEXT)
        for (uint32_t row = 0; row < n_rows; row++)
            out[row] = qn_hash_text(qn_text_at(&column, row));
    else if (layout == QN_LAYOUT_I64)
        for (uint32_t row = 0; row < n_rows; row++)
            out[row] = qn_hash_u64((uint64_t)column.i64[row]);
    else
        for (uint32_t row = 0; row < n_rows; row++)
            out[row] = value_hash(&column, layout, row);
}

void qn_keys_hash(const struct qn_column *columns, uint32_t n_columns, uint32_t n_rows,
                  uint64_t *out)
{
    for (uint32_t row = 0; n_columns == 0 && row < n_rows; row++)
        out[row] = no_hash;
    for (uint32_t c = 0; c < n_columns; c++) {
        enum qn_layout layout = qn_type_layout(columns[c].type);
        if (c == 0)
            hash_first(&columns[0], n_rows, out);
        else
            for (uint32_t row = 0; row < n_rows; row++)
                out[row] = combine(out[row], hash_at(&columns[c], layout, row));
    }
}

bool qn_key_equal(const struct qn_column *a, uint32_t row_a, const struct qn_column *b,
                  uint32_t row_b)
{
    bool valid = qn_is_valid(a, row_a);
    if (valid != qn_is_valid(b, row_b))
        return false;
    if (!valid)
        return true;
    switch (qn_type_layout(a->type)) {
    case QN_LAYOUT_BOOL: return a->bools[row_a] == b->bools[row_b];
    case QN_LAYOUT_I64: return a->i64[row_a] == b->i64[row_b];
    case QN_LAYOUT_F64: return double_bits(a->f64[row_a]) == double_bits(b->f64[row_b]);
    case QN_LAYOUT_TEXT: return qn_strv_eq(qn_text_at(a, row_a), qn_text_at(b, row_b));
    }
    return false;
}

static inline bool same_text(struct qn_strv a, struct qn_strv b)
{
    if (a.len != b.len)
        return false;
    if (a.len > 16)
        return memcmp(a.data, b.data, a.len) == 0;
    uint64_t rest_a = 0, rest_b = 0;
    if (a.len > 8) {
        memcpy(&rest_a, a.data + a.len - 8, 8);
        memcpy(&rest_b, b.data + b.len - 8, 8);
    }
    return qn_text_word(a) == qn_text_word(b) && rest_a == rest_b;
}

/* Texts of one width lie where their rows say. */
static uint32_t mismatch_of_even(const char *stored, const uint32_t *stored_at, const char *texts,
                                 size_t width, uint32_t n_rows)
{
    uint32_t row = 0;
    while (row < n_rows && same_text((struct qn_strv){stored + stored_at[row] * width, width},
                                     (struct qn_strv){texts + row * width, width}))
        row++;
    return row;
}

/* Neither column has NULLs. */
static uint32_t mismatch_of_values(const struct qn_column *stored, uint32_t width,
                                   const uint32_t *stored_at, const struct qn_column *column,
                                   uint32_t n_rows)
{
    enum qn_layout layout = qn_type_layout(column->type);
    uint32_t row = 0;
    if (layout == QN_LAYOUT_I64)
        while (row < n_rows && stored->i64[stored_at[row]] == column->i64[row])
            row++;
    else if (layout == QN_LAYOUT_TEXT && width != QN_TEXTS_DIFFER &&
             width == qn_texts_width(column->offsets, n_rows))
        row = mismatch_of_even(stored->bytes + stored->offsets[0], stored_at,
                               column->bytes + column->offsets[0], width, n_rows);
    else if (layout == QN_LAYOUT_TEXT)
        while (row < n_rows &&
               same_text(qn_text_at(stored, stored_at[row]), qn_text_at(column, row)))
            row++;
    else
        while (row < n_rows && qn_key_equal(stored, stored_at[row], column, row))
            row++;
    return row;
}

uint32_t qn_keys_mismatch(const struct qn_column *stored, uint32_t width, const uint32_t *stored_at,
                          const struct qn_column *column, uint32_t n_rows)
{
    uint32_t row = 0;
    if (n_rows && !stored->validity && !column->validity)
        return mismatch_of_values(stored, width, stored_at, column, n_rows);
    while (row < n_rows && qn_key_equal(stored, stored_at[row], column, row))
        row++;
    return row;
}

bool qn_keys_any_null(const struct qn_column *columns, uint32_t n_columns, uint32_t row)
{
    for (uint32_t c = 0; c < n_columns; c++)
        if (!qn_is_valid(&columns[c], row))
            return true;
    return false;
}

struct qn_hash128 qn_keys_hash128(const struct qn_column *columns, uint32_t n_columns, uint32_t row,
                                  uint64_t seed, struct qn_buf *scratch)
{
    qn_buf_clear(scratch);
    for (uint32_t c = 0; c < n_columns; c++) {
        const struct qn_column *column = &columns[c];
        bool valid = qn_is_valid(column, row);
        qn_buf_put_u8(scratch, valid);
        if (!valid)
            continue;
        switch (qn_type_layout(column->type)) {
        case QN_LAYOUT_BOOL: qn_buf_put_u8(scratch, column->bools[row]); break;
        case QN_LAYOUT_I64: qn_buf_put_i64(scratch, column->i64[row]); break;
        case QN_LAYOUT_F64: qn_buf_put_u64(scratch, double_bits(column->f64[row])); break;
        case QN_LAYOUT_TEXT: qn_buf_put_str(scratch, qn_text_at(column, row)); break;
        }
    }
    return qn_hash128(scratch->data, scratch->len, seed);
}
