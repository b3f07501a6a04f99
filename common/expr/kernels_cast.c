/* kernels_cast: between booleans, numbers, dates and timestamps. */
#include "expr/kernels.h"
#include "flow/value.h"

#define EACH(MEMBER, EXPR)                                                                         \
    const struct qn_vec *x = call->args[0];                                                        \
    QN_TRY(qn_call_values(call, out));                                                             \
    for (uint32_t i = 0; i < call->n; i++)                                                         \
        out->MEMBER[i] = EXPR;                                                                     \
    return QN_OK

qn_code qn_kernel_bool_to_i64(struct qn_call *call, struct qn_column *out)
{
    EACH(i64, x->column.bools[i] & 1);
}

qn_code qn_kernel_i64_to_bool(struct qn_call *call, struct qn_column *out)
{
    EACH(bools, x->column.i64[i] != 0);
}

qn_code qn_kernel_f64_to_bool(struct qn_call *call, struct qn_column *out)
{
    EACH(bools, x->column.f64[i] != 0.0);
}

qn_code qn_kernel_i64_to_f64(struct qn_call *call, struct qn_column *out)
{
    EACH(f64, (double)x->column.i64[i]);
}

/* Cut towards zero; values past the ends take the ends, as in SQLite. */
static int64_t cut(double value)
{
    const double edge = 9223372036854775808.0;
    if (value >= edge)
        return INT64_MAX;
    return value <= -edge || value != value ? INT64_MIN : (int64_t)value;
}

qn_code qn_kernel_f64_to_i64(struct qn_call *call, struct qn_column *out)
{
    EACH(i64, cut(x->column.f64[i]));
}

/* Up to 2^53 both sides of the division are exact doubles, so that it rounds correctly. */
qn_code qn_kernel_decimal_to_f64(struct qn_call *call, struct qn_column *out)
{
    const int64_t *x = call->args[0]->column.i64, exact = INT64_C(1) << 53;
    const uint8_t scale = (uint8_t)call->step->number;
    const double unit = (double)qn_pow10(scale);
    QN_TRY(qn_call_values(call, out));
    double *restrict values = out->f64;
    int large = 0;
    for (uint32_t i = 0; i < call->n; i++) {
        large |= (x[i] > exact) | (x[i] < -exact);
        values[i] = (double)x[i] / unit;
    }
    for (uint32_t i = 0; large && i < call->n; i++)
        values[i] = qn_decimal_to_double(x[i], scale);
    return QN_OK;
}

static qn_i128 pow10_wide(unsigned exponent)
{
    qn_i128 power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

/* x * 10^scale, half away from zero. Small values round as their decimal text does (2.675 is 2.68
 * to two places); past 2^50 there is no text to be true to and the double's exact value counts. */
bool qn_scale_double(double x, uint8_t scale, int64_t limit, int64_t *out)
{
    double magnitude = x < 0 ? -x : x;
    if (!(magnitude < 1e18)) /* an infinity too */
        return false;
    double small = qn_round_double(magnitude, scale) * (double)qn_pow10(scale);
    qn_i128 value;
    if (small < 1125899906842624.0) {
        value = (qn_i128)(small + 0.5);
    } else {
        int exponent = 0;
        while (magnitude < 4503599627370496.0) { /* to an integer of 53 bits */
            magnitude *= 2;
            exponent++;
        }
        value = (qn_i128)magnitude * pow10_wide(scale);
        if (exponent > 0)
            value = (value + ((qn_i128)1 << (exponent - 1))) >> exponent;
    }
    *out = (int64_t)(x < 0 ? -value : value);
    return value <= limit;
}

qn_code qn_kernel_f64_to_decimal(struct qn_call *call, struct qn_column *out)
{
    int64_t low, high;
    qn_type_range(out->type, &low, &high);
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        if (qn_scale_double(call->args[0]->column.f64[i], out->type.scale, high, &out->i64[i]))
            continue;
        out->i64[i] = 0;
        QN_TRY(qn_call_own_validity(call, out));
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}

/* From scale `number` to the result's; digits that fall away round half away from zero. */
qn_code qn_kernel_rescale(struct qn_call *call, struct qn_column *out)
{
    const int64_t *x = call->args[0]->column.i64;
    int shift = out->type.scale - (int)call->step->number;
    qn_i128 up = shift > 0 ? pow10_wide((unsigned)shift) : 1;
    qn_i128 down = shift < 0 ? pow10_wide((unsigned)-shift) : 1;
    int64_t low, high;
    qn_type_range(out->type, &low, &high);
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        qn_i128 value = x[i] * up;
        if (down > 1)
            value = (value + (value < 0 ? -(down / 2) : down / 2)) / down;
        out->i64[i] = (int64_t)value;
        if (value >= low && value <= high)
            continue;
        QN_TRY(qn_call_own_validity(call, out));
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}

qn_code qn_kernel_decimal_to_i64(struct qn_call *call, struct qn_column *out)
{
    const int64_t unit = qn_pow10((uint8_t)call->step->number);
    EACH(i64, x->column.i64[i] / unit);
}

/* Dates fit: their range is that of timestamps. Values under a NULL may not. */
qn_code qn_kernel_date_to_timestamp(struct qn_call *call, struct qn_column *out)
{
    EACH(i64, (int64_t)((uint64_t)x->column.i64[i] * (uint64_t)QN_DAY_MICROS));
}

qn_code qn_kernel_timestamp_to_date(struct qn_call *call, struct qn_column *out)
{
    EACH(i64, qn_floor_div(x->column.i64[i], QN_DAY_MICROS));
}
