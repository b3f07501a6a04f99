/* kernels_compare: = <> < <= > >= over every layout. Text compares bytewise (BINARY). */
#include "expr/kernels.h"
#include "flow/value.h"

#define LOOP(EXPR)                                                                                 \
    for (uint32_t i = 0; i < n; i++)                                                               \
        out[i] = (uint8_t)(EXPR);                                                                  \
    break
/* One loop an operator, so that the operator is outside of it. */
#define BY_OPERATOR(op, A, B)                                                                      \
    switch (op) {                                                                                  \
    case QN_TOK_EQ: LOOP((A) == (B));                                                              \
    case QN_TOK_NE: LOOP((A) != (B));                                                              \
    case QN_TOK_LT: LOOP((A) < (B));                                                               \
    case QN_TOK_LE: LOOP((A) <= (B));                                                              \
    case QN_TOK_GT: LOOP((A) > (B));                                                               \
    default: LOOP((A) >= (B));                                                                     \
    }

/* What the operator says of an order (-1, 0, 1). */
static inline bool holds(int64_t op, int order)
{
    switch (op) {
    case QN_TOK_EQ: return order == 0;
    case QN_TOK_NE: return order != 0;
    case QN_TOK_LT: return order < 0;
    case QN_TOK_LE: return order <= 0;
    case QN_TOK_GT: return order > 0;
    default: return order >= 0;
    }
}

/* `a < c` for `c > a`: constants then always stand on the right. */
static int64_t mirrored(int64_t op)
{
    switch (op) {
    case QN_TOK_LT: return QN_TOK_GT;
    case QN_TOK_LE: return QN_TOK_GE;
    case QN_TOK_GT: return QN_TOK_LT;
    case QN_TOK_GE: return QN_TOK_LE;
    default: return op;
    }
}

struct sides {
    const struct qn_vec *x, *y;
    int64_t op;
};

static struct sides constant_right(const struct qn_call *call)
{
    if (call->args[0]->constant && !call->args[1]->constant)
        return (struct sides){call->args[1], call->args[0], mirrored(call->step->number)};
    return (struct sides){call->args[0], call->args[1], call->step->number};
}

qn_code qn_kernel_compare_i64(struct qn_call *call, struct qn_column *column)
{
    QN_TRY(qn_call_values(call, column));
    const struct sides s = constant_right(call);
    const uint32_t n = call->n;
    uint8_t *restrict out = column->bools;
    const int64_t *a = s.x->column.i64, *b = s.y->column.i64;
    if (s.y->constant) {
        const int64_t c = b[0];
        BY_OPERATOR(s.op, a[i], c)
    } else {
        BY_OPERATOR(s.op, a[i], b[i])
    }
    return QN_OK;
}

qn_code qn_kernel_compare_f64(struct qn_call *call, struct qn_column *column)
{
    QN_TRY(qn_call_values(call, column));
    const struct sides s = constant_right(call);
    const uint32_t n = call->n;
    uint8_t *restrict out = column->bools;
    const double *a = s.x->column.f64, *b = s.y->column.f64;
    if (s.y->constant) {
        const double c = b[0];
        BY_OPERATOR(s.op, a[i], c)
    } else {
        BY_OPERATOR(s.op, a[i], b[i])
    }
    return QN_OK;
}

/* Rounding an integer to a double keeps the order, so that only a tie needs the integers. */
static int order_i64_f64(int64_t a, double b)
{
    double x = (double)a;
    if (x != b)
        return x < b ? -1 : 1;
    if (b >= 9223372036854775808.0)
        return -1;
    int64_t y = (int64_t)b;
    return (a > y) - (a < y);
}

qn_code qn_kernel_compare_i64_f64(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        double b = y->column.f64[y->constant ? 0 : i];
        out->bools[i] = holds(call->step->number, order_i64_f64(qn_vec_i64(x, i), b));
    }
    return QN_OK;
}

int64_t qn_scaled_number(enum qn_token_kind op, unsigned left_shift, unsigned right_shift)
{
    return (int64_t)op | (int64_t)left_shift << 8 | (int64_t)right_shift << 16;
}

qn_code qn_kernel_compare_scaled(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    const int64_t number = call->step->number, op = number & 0xFF;
    const qn_i128 left = qn_pow10((uint8_t)(number >> 8 & 0xFF));
    const qn_i128 right = qn_pow10((uint8_t)(number >> 16 & 0xFF));
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        qn_i128 a = left * qn_vec_i64(x, i), b = right * qn_vec_i64(y, i);
        out->bools[i] = holds(op, (a > b) - (a < b));
    }
    return QN_OK;
}

qn_code qn_kernel_compare_text(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    const struct sides s = constant_right(call);
    bool equality = s.op == QN_TOK_EQ || s.op == QN_TOK_NE;
    if (equality && s.y->constant && !s.x->constant) {
        uint8_t *same = out->bools;
        for (uint32_t i = 0; i < call->n; i++)
            same[i] = s.op == QN_TOK_NE;
        qn_text_flip_equal(&s.x->column, qn_text_at(&s.y->column, 0), call->n, same);
        return QN_OK;
    }
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_strv a = qn_vec_text(s.x, i), b = qn_vec_text(s.y, i);
        int order = equality && a.len != b.len ? 1 : qn_strv_cmp(a, b);
        out->bools[i] = holds(s.op, order);
    }
    return QN_OK;
}
