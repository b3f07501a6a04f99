/* condition_rows: a condition over rows that are there, by a byte for each. */
#include <string.h>

#include "base/limits.h"
#include "flow/condition.h"

enum {
    MAX_DEPTH = 8,   /* of lists; what lies deeper may hold of any row */
    MAX_VALUES = 16, /* of an IN; more are not looked through row by row */
};

struct rows {
    const struct qn_column *columns;
    const uint32_t *places;
    uint32_t n;
};

typedef uint8_t marks[QN_BATCH_ROWS];

#define COMPARE(VALUE, BESIDE)                                                                     \
    switch (op) {                                                                                  \
    case QN_CONDITION_LT:                                                                          \
        for (uint32_t i = 0; i < n; i++)                                                           \
            out[i] = (VALUE) < (BESIDE);                                                           \
        break;                                                                                     \
    case QN_CONDITION_LE:                                                                          \
        for (uint32_t i = 0; i < n; i++)                                                           \
            out[i] = (VALUE) <= (BESIDE);                                                          \
        break;                                                                                     \
    case QN_CONDITION_GT:                                                                          \
        for (uint32_t i = 0; i < n; i++)                                                           \
            out[i] = (VALUE) > (BESIDE);                                                           \
        break;                                                                                     \
    case QN_CONDITION_GE:                                                                          \
        for (uint32_t i = 0; i < n; i++)                                                           \
            out[i] = (VALUE) >= (BESIDE);                                                          \
        break;                                                                                     \
    case QN_CONDITION_NE:                                                                          \
        for (uint32_t i = 0; i < n; i++)                                                           \
            out[i] = (VALUE) != (BESIDE);                                                          \
        break;                                                                                     \
    default:                                                                                       \
        for (uint32_t i = 0; i < n; i++)                                                           \
            out[i] = (VALUE) == (BESIDE);                                                          \
    }

/* How the rows' values stand to value `k`; of rows without one it says nothing. */
static void compare(const struct qn_column *x, uint32_t n, enum qn_condition_op op,
                    const struct qn_column *values, uint32_t k, uint8_t *restrict out)
{
    switch (qn_type_layout(x->type)) {
    case QN_LAYOUT_F64: COMPARE(x->f64[i], values->f64[k]) break;
    case QN_LAYOUT_BOOL: COMPARE((int64_t)(x->bools[i] != 0), values->i64[k]) break;
    case QN_LAYOUT_TEXT: {
        struct qn_strv beside = qn_text_at(values, k);
        COMPARE(qn_strv_cmp(qn_text_at(x, i), beside), 0)
        break;
    }
    default: COMPARE(x->i64[i], values->i64[k])
    }
}

static void mark_values(const struct qn_condition *condition, const struct qn_column *x, uint32_t n,
                        uint8_t *out)
{
    marks one;
    bool any_null = x->validity != NULL;
    if (condition->op == QN_CONDITION_NOT_NULL) {
        memset(out, 1, n);
    } else if (condition->op != QN_CONDITION_IN) {
        compare(x, n, condition->op, &condition->values, 0, out);
    } else {
        memset(out, condition->n_values > MAX_VALUES, n);
        for (uint32_t k = 0; k < condition->n_values && condition->n_values <= MAX_VALUES; k++) {
            compare(x, n, QN_CONDITION_IN, &condition->values, k, one);
            for (uint32_t i = 0; i < n; i++)
                out[i] |= one[i];
        }
    }
    for (uint32_t i = 0; any_null && i < n; i++)
        out[i] &= qn_is_valid(x, i);
}

static void mark(const struct qn_condition *condition, const struct rows *rows, unsigned depth,
                 uint8_t *out)
{
    bool any = condition->op == QN_CONDITION_ANY;
    marks one;
    if (!any && condition->op != QN_CONDITION_ALL) {
        const struct qn_column *x = &rows->columns[rows->places[condition->column]];
        if (condition->op != QN_CONDITION_IS_NULL) {
            mark_values(condition, x, rows->n, out);
            return;
        }
        for (uint32_t i = 0; i < rows->n; i++)
            out[i] = !qn_is_valid(x, i);
        return;
    }
    memset(out, !any || depth == MAX_DEPTH, rows->n);
    for (uint32_t k = 0; k < condition->n_args && depth < MAX_DEPTH; k++) {
        mark(condition->args[k], rows, depth + 1, one);
        for (uint32_t i = 0; i < rows->n; i++)
            out[i] = any ? out[i] | one[i] : out[i] & one[i];
    }
}

bool qn_condition_may_hold_of(const struct qn_condition *condition, const struct qn_column *columns,
                              const uint32_t *places, uint32_t n)
{
    const struct rows rows = {columns, places, n};
    marks met;
    if (!condition)
        return true;
    mark(condition, &rows, 0, met);
    return memchr(met, 1, n) != NULL;
}
