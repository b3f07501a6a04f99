/* math: all calls of the C library's mathematics, and none elsewhere in this room.
 *
 * The library's last bit may differ between machines; when results must not, this is the one file
 * to change. Where SQLite has no result (NaN, logarithms of what is not positive) it is NULL. */
#include <math.h>

#include "expr/kernels.h"

static double one(int64_t function, double x)
{
    switch (function) {
    case QN_MATH_EXP: return exp(x);
    case QN_MATH_LN: return x > 0 ? log(x) : (double)NAN;
    case QN_MATH_LOG10: return x > 0 ? log10(x) : (double)NAN;
    case QN_MATH_LOG2: return x > 0 ? log2(x) : (double)NAN;
    case QN_MATH_ACOS: return acos(x);
    case QN_MATH_ASIN: return asin(x);
    case QN_MATH_ATAN: return atan(x);
    case QN_MATH_COS: return cos(x);
    case QN_MATH_SIN: return sin(x);
    case QN_MATH_TAN: return tan(x);
    case QN_MATH_ACOSH: return acosh(x);
    case QN_MATH_ASINH: return asinh(x);
    case QN_MATH_ATANH: return atanh(x);
    case QN_MATH_COSH: return cosh(x);
    case QN_MATH_SINH: return sinh(x);
    case QN_MATH_TANH: return tanh(x);
    case QN_MATH_DEGREES: return x * (180.0 / M_PI);
    case QN_MATH_RADIANS: return x * (M_PI / 180.0);
    default: return sqrt(x);
    }
}

/* And log(base, x): bases up to 1 have none, as in SQLite. */
static double two(int64_t function, double x, double y)
{
    if (function == QN_MATH_POW)
        return pow(x, y);
    if (function == QN_MATH_ATAN2)
        return atan2(x, y);
    if (function == QN_MATH_MOD)
        return fmod(x, y);
    if (!(x > 1) || !(y > 0))
        return (double)NAN;
    return log(y) / log(x);
}

qn_code qn_kernel_math1(struct qn_call *call, struct qn_column *out)
{
    const double *x = call->args[0]->column.f64;
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++)
        out->f64[i] = one(call->step->number, x[i]);
    return qn_call_nan_to_null(call, out);
}

qn_code qn_kernel_math2(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        double a = x->column.f64[x->constant ? 0 : i], b = y->column.f64[y->constant ? 0 : i];
        out->f64[i] = two(call->step->number, a, b);
    }
    return qn_call_nan_to_null(call, out);
}
