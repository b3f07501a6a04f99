/* kernels_arith: + - * / % over integers, decimals and doubles.
 *
 * Each loop computes all rows, also those under a NULL, and notes whether any row failed; only then
 * a second loop finds the rows and makes them NULL. */
#include "expr/kernels.h"
#include "flow/value.h"

void qn_type_range(struct qn_type type, int64_t *low, int64_t *high)
{
    *low = INT64_MIN;
    *high = INT64_MAX;
    if (type.id == QN_DECIMAL) {
        *high = qn_pow10(type.precision) - 1;
        *low = -*high;
    } else if (type.id == QN_DATE || type.id == QN_TIMESTAMP) {
        *low = QN_FIRST_DAY;
        *high = QN_LAST_DAY;
    }
    if (type.id == QN_TIMESTAMP) {
        *low *= QN_DAY_MICROS;
        *high = (*high + 1) * QN_DAY_MICROS - 1;
    }
}

/* One row; false when it has no result. */
static inline bool arith_i64(int64_t op, int64_t a, int64_t b, int64_t *out)
{
    switch (op) {
    case QN_TOK_PLUS: return !__builtin_add_overflow(a, b, out);
    case QN_TOK_MINUS: return !__builtin_sub_overflow(a, b, out);
    case QN_TOK_STAR: return !__builtin_mul_overflow(a, b, out);
    default: break;
    }
    *out = 0;
    if (b == 0)
        return false;
    if (b == -1) { /* INT64_MIN / -1 traps; x % -1 is 0 */
        if (op == QN_TOK_PERCENT)
            return true;
        return !__builtin_sub_overflow((int64_t)0, a, out);
    }
    *out = op == QN_TOK_SLASH ? a / b : a % b;
    return true;
}

/* The wrapped result and whether it overflowed, without a branch. */
#define ADD(a, b, r, bad)                                                                          \
    r = (int64_t)((uint64_t)(a) + (uint64_t)(b));                                                  \
    bad |= ((a) ^ (r)) & ((b) ^ (r))
#define SUB(a, b, r, bad)                                                                          \
    r = (int64_t)((uint64_t)(a) - (uint64_t)(b));                                                  \
    bad |= ((a) ^ (b)) & ((a) ^ (r))
#define MUL(a, b, r, bad) bad |= -(int64_t)__builtin_mul_overflow(a, b, &(r))
#define DIVIDE(a, b, r, bad) bad |= -(int64_t)!arith_i64(QN_TOK_SLASH, a, b, &(r))
#define MODULO(a, b, r, bad) bad |= -(int64_t)!arith_i64(QN_TOK_PERCENT, a, b, &(r))

/* Integers need no range: every r is one. */
#define LOOP(OP, A, B)                                                                             \
    for (uint32_t i = 0; i < n; i++) {                                                             \
        int64_t r;                                                                                 \
        OP(A, B, r, bad);                                                                          \
        out[i] = r;                                                                                \
    }
#define SHAPES(LOOP_KIND, OP)                                                                      \
    if (y->constant) {                                                                             \
        const int64_t c = b[0];                                                                    \
        LOOP_KIND(OP, a[i], c)                                                                     \
    } else if (x->constant) {                                                                      \
        const int64_t c = a[0];                                                                    \
        LOOP_KIND(OP, c, b[i])                                                                     \
    } else {                                                                                       \
        LOOP_KIND(OP, a[i], b[i])                                                                  \
    }

/* Negative when some row overflowed or has no result. */
static int64_t integers(int64_t op, const struct qn_vec *x, const struct qn_vec *y, uint32_t n,
                        int64_t *restrict out)
{
    const int64_t *a = x->column.i64, *b = y->column.i64;
    int64_t bad = 0;
    switch (op) {
    case QN_TOK_PLUS: SHAPES(LOOP, ADD) break;
    case QN_TOK_MINUS: SHAPES(LOOP, SUB) break;
    case QN_TOK_STAR: SHAPES(LOOP, MUL) break;
    case QN_TOK_SLASH: SHAPES(LOOP, DIVIDE) break;
    default: SHAPES(LOOP, MODULO) break;
    }
    return bad;
}

/* Decimals and dates. For + and - their range keeps them from wrapping, but the values under a NULL
 * may be anything, so that is checked too. */
static int64_t bounded(int64_t op, const struct qn_vec *x, const struct qn_vec *y, uint32_t n,
                       int64_t *restrict out, struct qn_type type)
{
    const int64_t *a = x->column.i64, *b = y->column.i64;
    int64_t bad = 0, low, high;
    qn_type_range(type, &low, &high);
#define LOOP_RANGE(OP, A, B)                                                                       \
    for (uint32_t i = 0; i < n; i++) {                                                             \
        int64_t r;                                                                                 \
        OP(A, B, r, bad);                                                                          \
        bad |= -(int64_t)((r < low) | (r > high));                                                 \
        out[i] = r;                                                                                \
    }
    if (op == QN_TOK_PLUS) {
        SHAPES(LOOP_RANGE, ADD)
    } else if (op == QN_TOK_STAR) {
        SHAPES(LOOP_RANGE, MUL)
    } else {
        SHAPES(LOOP_RANGE, SUB)
    }
    return bad;
}

static qn_code clear_failed_i64(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    int64_t low, high;
    qn_type_range(out->type, &low, &high);
    QN_TRY(qn_call_own_validity(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        int64_t r;
        bool good = arith_i64(call->step->number, qn_vec_i64(x, i), qn_vec_i64(y, i), &r);
        if (!good || r < low || r > high)
            qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}

qn_code qn_kernel_arith_i64(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    QN_TRY(qn_call_values(call, out));
    int64_t bad = out->type.id == QN_INT64
                      ? integers(call->step->number, x, y, call->n, out->i64)
                      : bounded(call->step->number, x, y, call->n, out->i64, out->type);
    return bad < 0 ? clear_failed_i64(call, out) : QN_OK;
}

/* As SQLite: both sides cut to integers, the result a double. */
static double modulo_f64(double a, double b)
{
    const double edge = 9223372036854775808.0;
    int64_t x = a <= -edge ? INT64_MIN : a >= edge ? INT64_MAX : (int64_t)a;
    int64_t y = b <= -edge ? INT64_MIN : b >= edge ? INT64_MAX : (int64_t)b;
    int64_t r;
    return arith_i64(QN_TOK_PERCENT, x, y, &r) ? (double)r : __builtin_nan("");
}

#define LOOP_F64(EXPR)                                                                             \
    for (uint32_t i = 0; i < n; i++) {                                                             \
        out[i] = EXPR;                                                                             \
    }
#define SHAPES_F64(OP)                                                                             \
    if (y->constant) {                                                                             \
        const double c = b[0];                                                                     \
        LOOP_F64(OP(a[i], c))                                                                      \
    } else if (x->constant) {                                                                      \
        const double c = a[0];                                                                     \
        LOOP_F64(OP(c, b[i]))                                                                      \
    } else {                                                                                       \
        LOOP_F64(OP(a[i], b[i]))                                                                   \
    }
#define ADD_F64(a, b) (a) + (b)
#define SUB_F64(a, b) (a) - (b)
#define MUL_F64(a, b) (a) * (b)
/* x / 0 is NULL, which a NaN stands for until the end of the kernel. */
#define DIV_F64(a, b) (b) == 0.0 ? __builtin_nan("") : (a) / (b)

static void doubles(int64_t op, const struct qn_vec *x, const struct qn_vec *y, uint32_t n,
                    double *restrict out)
{
    const double *a = x->column.f64, *b = y->column.f64;
    switch (op) {
    case QN_TOK_PLUS: SHAPES_F64(ADD_F64) break;
    case QN_TOK_MINUS: SHAPES_F64(SUB_F64) break;
    case QN_TOK_STAR: SHAPES_F64(MUL_F64) break;
    case QN_TOK_SLASH: SHAPES_F64(DIV_F64) break;
    default: SHAPES_F64(modulo_f64) break;
    }
}

qn_code qn_call_nan_to_null(struct qn_call *call, struct qn_column *out)
{
    double *values = out->f64;
    int any = 0;
    for (uint32_t i = 0; i < call->n; i++)
        any |= values[i] != values[i];
    if (!any)
        return QN_OK;
    QN_TRY(qn_call_own_validity(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        if (values[i] == values[i])
            continue;
        values[i] = 0.0;
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}

qn_code qn_kernel_arith_f64(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    doubles(call->step->number, call->args[0], call->args[1], call->n, out->f64);
    return qn_call_nan_to_null(call, out);
}

qn_code qn_kernel_decimal_multiply(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    qn_i128 drop = 1;
    int64_t low, high;
    for (int64_t i = 0; i < call->step->number; i++)
        drop *= 10;
    qn_type_range(out->type, &low, &high);
    QN_TRY(qn_call_values(call, out));
    if (drop == 1 && bounded(QN_TOK_STAR, x, y, call->n, out->i64, out->type) >= 0)
        return QN_OK;
    for (uint32_t i = 0; i < call->n; i++) {
        qn_i128 product = (qn_i128)qn_vec_i64(x, i) * qn_vec_i64(y, i);
        if (drop > 1) /* half away from zero */
            product = (product + (product < 0 ? -(drop / 2) : drop / 2)) / drop;
        out->i64[i] = (int64_t)product;
        if (product >= low && product <= high)
            continue;
        QN_TRY(qn_call_own_validity(call, out));
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}

qn_code qn_kernel_scale_i64(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0];
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        if (!__builtin_mul_overflow(qn_vec_i64(x, i), call->step->number, &out->i64[i]))
            continue;
        QN_TRY(qn_call_own_validity(call, out));
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}

qn_code qn_kernel_days_between(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        int64_t micros = (int64_t)((uint64_t)qn_vec_i64(x, i) - (uint64_t)qn_vec_i64(y, i));
        out->f64[i] = (double)micros / (double)QN_DAY_MICROS;
    }
    return QN_OK;
}
