/* kernels_round: abs, sign, round, floor, ceil, trunc. */
#include <string.h>

#include "expr/kernels.h"
#include "flow/value.h"

qn_code qn_kernel_abs_i64(struct qn_call *call, struct qn_column *out)
{
    const int64_t *x = call->args[0]->column.i64;
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        out->i64[i] = x[i] < 0 ? (int64_t)(0 - (uint64_t)x[i]) : x[i];
        if (x[i] != INT64_MIN)
            continue;
        QN_TRY(qn_call_own_validity(call, out));
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}

#define EACH(MEMBER, EXPR)                                                                         \
    QN_TRY(qn_call_values(call, out));                                                             \
    for (uint32_t i = 0; i < call->n; i++)                                                         \
        out->MEMBER[i] = EXPR;                                                                     \
    return QN_OK

qn_code qn_kernel_abs_f64(struct qn_call *call, struct qn_column *out)
{
    const double *x = call->args[0]->column.f64;
    EACH(f64, x[i] < 0 ? -x[i] : x[i]);
}

qn_code qn_kernel_sign_i64(struct qn_call *call, struct qn_column *out)
{
    const int64_t *x = call->args[0]->column.i64;
    EACH(i64, (x[i] > 0) - (x[i] < 0));
}

qn_code qn_kernel_sign_f64(struct qn_call *call, struct qn_column *out)
{
    const double *x = call->args[0]->column.f64;
    EACH(i64, (x[i] > 0) - (x[i] < 0));
}

/* Towards zero, for magnitudes below 2^52: a conversion there and back, without libm. */
static double cut(double x)
{
    return (double)(int64_t)x;
}

static bool has_fraction(double x)
{
    return x > -4503599627370496.0 && x < 4503599627370496.0; /* 2^52 */
}

static int binary_exponent(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (int)(bits >> 52 & 0x7FF) - 1023;
}

/* Ties are meant in decimal: 2.675 is a little less than its text says, and still rounds to 2.68.
 * The nudge of 3e-16 of the value is more than what the text and one product can lose. As in
 * SQLite, values with 15 digits and more are taken as they are. */
double qn_round_double(double x, int64_t digits)
{
    if (!has_fraction(x))
        return x;
    double magnitude = x < 0 ? -x : x, unit = 1.0;
    if (digits <= 0)
        return x < 0 ? 0.0 - cut(magnitude + 0.5) : cut(magnitude + 0.5);
    if (digits > 22) /* 10^22 is the last power that is a double */
        return x;
    for (int64_t i = 0; i < digits; i++)
        unit *= 10.0;
    double scaled = magnitude * unit;
    if (!has_fraction(scaled))
        return x;
    double nudge = digits + binary_exponent(magnitude) / 3 < 15 ? scaled * 3e-16 : 0.0;
    double rounded = cut(scaled + 0.5 + nudge) / unit;
    return x < 0 ? -rounded : rounded;
}

qn_code qn_kernel_round_f64(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0];
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        int64_t digits = call->n_args > 1 ? qn_vec_i64(call->args[1], i) : 0;
        out->f64[i] = qn_round_double(x->column.f64[x->constant ? 0 : i], digits);
    }
    return QN_OK;
}

static double integral(double x, int64_t how)
{
    if (!has_fraction(x))
        return x;
    double whole = cut(x);
    if (how == QN_ROUND_FLOOR && whole > x)
        whole -= 1;
    else if (how == QN_ROUND_CEIL && whole < x)
        whole += 1;
    return __builtin_copysign(whole, x); /* -0.5 has the ceiling -0.0 */
}

qn_code qn_kernel_integral_f64(struct qn_call *call, struct qn_column *out)
{
    const double *x = call->args[0]->column.f64;
    EACH(f64, integral(x[i], call->step->number));
}

qn_code qn_kernel_integral_decimal(struct qn_call *call, struct qn_column *out)
{
    const int64_t *x = call->args[0]->column.i64, how = call->step->number & 3;
    const int64_t unit = qn_pow10((uint8_t)(call->step->number >> 2));
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        int64_t whole = x[i] / unit, rest = x[i] % unit;
        out->i64[i] =
            whole + (how == QN_ROUND_CEIL && rest > 0) - (how == QN_ROUND_FLOOR && rest < 0);
    }
    return QN_OK;
}
