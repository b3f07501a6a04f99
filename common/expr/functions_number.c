/* functions_number: calls whose result has the type of their number. */
#include "expr/functions.h"
#include "expr/kernels.h"

qn_code qn_build_abs(struct qn_build *b, const struct qn_function_call *call, struct qn_step **out)
{
    QN_TRY(qn_function_argument(b, call, 0, 'N'));
    struct qn_step *x = call->args[0].step;
    qn_kernel *kernel = x->type.id == QN_DOUBLE ? qn_kernel_abs_f64 : qn_kernel_abs_i64;
    return qn_build_call1(b, kernel, x->type, 0, x, out);
}

qn_code qn_build_sign(struct qn_build *b, const struct qn_function_call *call, struct qn_step **out)
{
    QN_TRY(qn_function_argument(b, call, 0, 'N'));
    struct qn_step *x = call->args[0].step;
    qn_kernel *kernel = x->type.id == QN_DOUBLE ? qn_kernel_sign_f64 : qn_kernel_sign_i64;
    return qn_build_call1(b, kernel, qn_type_of(QN_INT64), 0, x, out);
}

/* One more digit before the point than the operand has: 9.9 rounds to 10. */
static struct qn_type rounded_decimal(struct qn_type type, uint8_t scale)
{
    unsigned precision = (unsigned)(type.precision - type.scale) + 1 + scale;
    if (precision > QN_DECIMAL_MAX_PRECISION)
        precision = QN_DECIMAL_MAX_PRECISION;
    return qn_type_decimal((uint8_t)precision, scale);
}

/* A decimal to a number of places that the type has to know, hence a constant. */
static qn_code round_decimal(struct qn_build *b, struct qn_step *x, int64_t places,
                             struct qn_step **out)
{
    *out = x;
    if (places >= x->type.scale)
        return QN_OK;
    uint8_t scale = places < 0 ? 0 : (uint8_t)places;
    return qn_build_call1(b, qn_kernel_rescale, rounded_decimal(x->type, scale), x->type.scale, x,
                          out);
}

qn_code qn_build_round(struct qn_build *b, const struct qn_function_call *call,
                       struct qn_step **out)
{
    QN_TRY(qn_function_argument(b, call, 0, 'N'));
    struct qn_step *places = NULL, *x = call->args[0].step;
    if (call->n > 1) {
        QN_TRY(qn_function_argument(b, call, 1, 'I'));
        places = call->args[1].step;
    }
    bool known = !places || (places->kind == QN_STEP_CONSTANT && !qn_step_is_null(places));
    if (x->type.id == QN_DECIMAL && known)
        return round_decimal(b, x, places ? places->value.i64[0] : 0, out);
    QN_TRY(qn_function_argument(b, call, 0, 'D'));
    x = call->args[0].step;
    if (!places)
        return qn_build_call1(b, qn_kernel_round_f64, x->type, 0, x, out);
    return qn_build_call2(b, qn_kernel_round_f64, x->type, 0, x, places, out);
}

qn_code qn_build_integral(struct qn_build *b, const struct qn_function_call *call,
                          struct qn_step **out)
{
    QN_TRY(qn_function_argument(b, call, 0, 'N'));
    struct qn_step *x = call->args[0].step;
    *out = x;
    if (x->type.id == QN_DOUBLE)
        return qn_build_call1(b, qn_kernel_integral_f64, x->type, call->number, x, out);
    if (x->type.id == QN_DECIMAL && x->type.scale > 0)
        return qn_build_call1(b, qn_kernel_integral_decimal, rounded_decimal(x->type, 0),
                              call->number | x->type.scale << 2, x, out);
    return QN_OK;
}

qn_code qn_build_pi(struct qn_build *b, const struct qn_function_call *call, struct qn_step **out)
{
    (void)call;
    return qn_build_f64(b, 3.141592653589793, out);
}

qn_code qn_build_log(struct qn_build *b, const struct qn_function_call *call, struct qn_step **out)
{
    const struct qn_type type = qn_type_of(QN_DOUBLE);
    for (uint32_t i = 0; i < call->n; i++)
        QN_TRY(qn_function_argument(b, call, i, 'D'));
    if (call->n == 1)
        return qn_build_call1(b, qn_kernel_math1, type, QN_MATH_LOG10, call->args[0].step, out);
    return qn_build_call2(b, qn_kernel_math2, type, QN_MATH_LOG, call->args[0].step,
                          call->args[1].step, out);
}
