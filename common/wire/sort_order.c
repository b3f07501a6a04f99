#include "wire/sort_order.h"

#include <string.h>

/* --- values ---------------------------------------------------------------------------------- */

static int compare_doubles(double a, double b)
{
    if (a != a || b != b)
        return (a != a) - (b != b);
    return (a > b) - (a < b);
}

static int compare_values(const struct qn_column *a, uint32_t i, const struct qn_column *b,
                          uint32_t k)
{
    switch (qn_type_layout(a->type)) {
    case QN_LAYOUT_BOOL: return a->bools[i] - b->bools[k];
    case QN_LAYOUT_I64: return (a->i64[i] > b->i64[k]) - (a->i64[i] < b->i64[k]);
    case QN_LAYOUT_F64: return compare_doubles(a->f64[i], b->f64[k]);
    case QN_LAYOUT_TEXT: return qn_strv_cmp(qn_text_at(a, i), qn_text_at(b, k));
    }
    return 0;
}

static int compare_key(const struct qn_sort_key *key, const struct qn_column *a, uint32_t i,
                       const struct qn_column *b, uint32_t k)
{
    bool has_a = qn_is_valid(a, i), has_b = qn_is_valid(b, k);
    if (!has_a || !has_b) {
        int order = has_a - has_b; /* NULLs first */
        return key->nulls_first ? order : -order;
    }
    int order = compare_values(a, i, b, k);
    return key->descending ? -order : order;
}

int qn_sort_compare(const struct qn_sort_order *order, const struct qn_batch *a, uint32_t i,
                    const struct qn_batch *b, uint32_t k)
{
    for (uint32_t n = 0; n < order->n_keys; n++) {
        const struct qn_sort_key *key = &order->keys[n];
        int found = compare_key(key, &a->columns[key->column], i, &b->columns[key->column], k);
        if (found)
            return found;
    }
    return 0;
}

/* --- prefixes -------------------------------------------------------------------------------- */

static const uint64_t top = UINT64_C(1) << 63;

/* Ascending as the doubles are. */
static uint64_t prefix_of_double(double value)
{
    uint64_t bits;
    if (value != value)
        return UINT64_MAX;
    value = value == 0 ? 0.0 : value;
    memcpy(&bits, &value, sizeof bits);
    return bits & top ? ~bits : bits | top;
}

/* The first eight bytes; a shorter text is less than those it begins. */
static uint64_t prefix_of_text(struct qn_strv text)
{
    uint64_t prefix = 0;
    for (size_t i = 0; i < 8; i++)
        prefix = prefix << 8 | (i < text.len ? (unsigned char)text.data[i] : 0);
    return prefix;
}

static uint64_t prefix_of_value(const struct qn_column *column, uint32_t row)
{
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: return (uint64_t)column->bools[row] << 1;
    case QN_LAYOUT_I64: return (uint64_t)column->i64[row] ^ top;
    case QN_LAYOUT_F64: return prefix_of_double(column->f64[row]);
    case QN_LAYOUT_TEXT: return prefix_of_text(qn_text_at(column, row));
    }
    return 0;
}

/* Values lie between the NULLs of both kinds. */
uint64_t qn_sort_prefix(const struct qn_sort_order *order, const struct qn_batch *batch,
                        uint32_t row)
{
    const struct qn_sort_key *key = &order->keys[0];
    const struct qn_column *column = &batch->columns[key->column];
    if (!qn_is_valid(column, row))
        return key->nulls_first ? 0 : UINT64_MAX;
    uint64_t value = prefix_of_value(column, row);
    return ((key->descending ? ~value : value) >> 1) + 1;
}
