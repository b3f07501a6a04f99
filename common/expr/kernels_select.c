/* kernels_select: CASE, coalesce, nullif, least and greatest: which value a row takes. */
#include <string.h>

#include "expr/kernels.h"
#include "expr/textout.h"

/* The values to choose from and the choice of each row. */
struct choice {
    const struct qn_vec *const *values;
    uint32_t n_values;
    const uint16_t *row; /* index into values */
};

#define TAKE(MEMBER, TYPE)                                                                         \
    for (uint32_t v = 0; v < choice->n_values; v++) {                                              \
        const TYPE *from = choice->values[v]->column.MEMBER;                                       \
        TYPE *restrict to = out->MEMBER;                                                           \
        if (choice->values[v]->constant) {                                                         \
            const TYPE c = from[0];                                                                \
            for (uint32_t i = 0; i < n; i++)                                                       \
                to[i] = row[i] == v ? c : to[i];                                                   \
        } else {                                                                                   \
            for (uint32_t i = 0; i < n; i++)                                                       \
                to[i] = row[i] == v ? from[i] : to[i];                                             \
        }                                                                                          \
    }

/* One pass a value, each without a branch: expressions choose between few values. */
static void take_fixed(const struct choice *choice, uint32_t n, struct qn_column *out)
{
    const uint16_t *restrict row = choice->row;
    switch (qn_type_layout(out->type)) {
    case QN_LAYOUT_BOOL:
        memset(out->bools, 0, n);
        TAKE(bools, uint8_t)
        break;
    case QN_LAYOUT_F64:
        memset(out->f64, 0, n * sizeof(double));
        TAKE(f64, double)
        break;
    default:
        memset(out->i64, 0, n * sizeof(int64_t));
        TAKE(i64, int64_t)
        break;
    }
}

static qn_code take_text(struct qn_call *call, const struct choice *choice, struct qn_column *out)
{
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 8));
    for (uint32_t i = 0; i < call->n; i++) {
        const struct qn_vec *value = choice->values[choice->row[i]];
        if (qn_vec_valid(value, i))
            QN_TRY(qn_textout_put(&w, qn_vec_text(value, i)));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}

static qn_code take_validity(struct qn_call *call, const struct choice *choice,
                             struct qn_column *out)
{
    bool nulls = false;
    for (uint32_t v = 0; v < choice->n_values; v++)
        nulls |= choice->values[v]->column.validity != NULL;
    if (!nulls)
        return QN_OK;
    QN_TRY(qn_call_own_validity(call, out));
    for (uint32_t i = 0; i < call->n; i++)
        if (!qn_vec_valid(choice->values[choice->row[i]], i))
            qn_valid_clear(out->validity, i);
    return QN_OK;
}

static qn_code take(struct qn_call *call, const struct choice *choice, struct qn_column *out)
{
    QN_TRY(take_validity(call, choice, out));
    if (out->type.id == QN_TEXT)
        return take_text(call, choice, out);
    QN_TRY(qn_call_values(call, out));
    take_fixed(choice, call->n, out);
    return QN_OK;
}

static qn_code choice_new(struct qn_call *call, uint16_t first, uint16_t **row)
{
    *row = qn_arena_alloc(call->arena, call->n * sizeof **row);
    if (!*row)
        return qn_call_nomem(call);
    for (uint32_t i = 0; i < call->n; i++)
        (*row)[i] = first;
    return QN_OK;
}

/* Rows where the condition is true choose v. */
static void choose_where(const struct qn_vec *condition, uint16_t v, uint32_t n,
                         uint16_t *restrict row)
{
    const uint8_t *truth = condition->column.bools;
    if (condition->constant) {
        bool yes = qn_vec_valid(condition, 0) && truth[0];
        for (uint32_t i = 0; i < n; i++)
            row[i] = yes ? v : row[i];
    } else if (!condition->column.validity) {
        for (uint32_t i = 0; i < n; i++)
            row[i] = truth[i] ? v : row[i];
    } else {
        for (uint32_t i = 0; i < n; i++)
            row[i] = truth[i] && qn_is_valid(&condition->column, i) ? v : row[i];
    }
}

qn_code qn_kernel_case(struct qn_call *call, struct qn_column *out)
{
    uint16_t conditions = (uint16_t)call->step->number, *row;
    QN_TRY(choice_new(call, conditions, &row));
    for (uint16_t v = conditions; v-- > 0;) /* backwards: the first true one wins */
        choose_where(call->args[v], v, call->n, row);
    struct choice choice = {call->args + conditions, call->n_args - conditions, row};
    return take(call, &choice, out);
}

qn_code qn_kernel_coalesce(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *first = call->args[0];
    if (!first->column.validity && (!first->constant || call->n == 1)) {
        *out = first->column; /* has no NULL to replace */
        return QN_OK;
    }
    uint16_t last = (uint16_t)(call->n_args - 1), *row;
    QN_TRY(choice_new(call, last, &row));
    for (uint16_t v = last; v-- > 0;)
        for (uint32_t i = 0; i < call->n; i++)
            row[i] = qn_vec_valid(call->args[v], i) ? v : row[i];
    struct choice choice = {call->args, call->n_args, row};
    return take(call, &choice, out);
}

/* x with the rows where x = y taken out. */
qn_code qn_kernel_nullif(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *equal = call->args[1];
    if (x->constant && !equal->constant) { /* one value becomes n */
        uint16_t *row;
        QN_TRY(choice_new(call, 0, &row));
        struct choice choice = {call->args, 1, row};
        QN_TRY(take(call, &choice, out));
    } else {
        struct qn_type type = out->type;
        *out = x->column;
        out->type = type;
        out->codes = NULL; /* they do not know the rows that become NULL */
        out->dictionary = NULL;
    }
    QN_TRY(qn_call_own_validity(call, out));
    for (size_t w = 0; w < qn_validity_words(call->n); w++)
        out->validity[w] &= ~(qn_vec_valid_word(equal, w) & qn_vec_bool_word(equal, w, call->n));
    return QN_OK;
}

#define LEAST(MEMBER, TYPE)                                                                        \
    const struct qn_vec *x = call->args[0], *y = call->args[1];                                    \
    QN_TRY(qn_call_values(call, out));                                                             \
    for (uint32_t i = 0; i < call->n; i++) {                                                       \
        TYPE a = x->column.MEMBER[x->constant ? 0 : i], b = y->column.MEMBER[y->constant ? 0 : i]; \
        bool second = call->step->number ? b > a : b < a;                                          \
        out->MEMBER[i] = second ? b : a;                                                           \
    }                                                                                              \
    return QN_OK

qn_code qn_kernel_least_i64(struct qn_call *call, struct qn_column *out)
{
    LEAST(i64, int64_t);
}

qn_code qn_kernel_least_f64(struct qn_call *call, struct qn_column *out)
{
    LEAST(f64, double);
}

qn_code qn_kernel_least_text(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 8));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv a = qn_vec_text(x, i), b = qn_vec_text(y, i);
        int order = qn_strv_cmp(b, a);
        QN_TRY(qn_textout_put(&w, (call->step->number ? order > 0 : order < 0) ? b : a));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}
