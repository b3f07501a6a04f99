/* kernels_bits: & | << >> over 64-bit integers. */
#include "expr/kernels.h"

/* Towards the high bits; a negative count goes the other way, and copies of the sign come in. */
static inline int64_t shifted(int64_t x, int64_t count)
{
    if (count >= 0)
        return count > 63 ? 0 : (int64_t)((uint64_t)x << count);
    return count < -63 ? -(int64_t)(x < 0) : x >> -count;
}

/* The opposite count; INT64_MIN has none and is as far as any. */
static inline int64_t opposite(int64_t count)
{
    return count == INT64_MIN ? INT64_MAX : -count;
}

#define LOOP(EXPR)                                                                                 \
    for (uint32_t i = 0; i < call->n; i++) {                                                       \
        int64_t a = qn_vec_i64(x, i), b = qn_vec_i64(y, i);                                        \
        values[i] = EXPR;                                                                          \
    }                                                                                              \
    break

qn_code qn_kernel_bits(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    QN_TRY(qn_call_values(call, out));
    int64_t *restrict values = out->i64;
    switch (call->step->number) {
    case QN_TOK_AMPERSAND: LOOP(a & b);
    case QN_TOK_PIPE: LOOP(a | b);
    case QN_TOK_SHIFT_LEFT: LOOP(shifted(a, b));
    default: LOOP(shifted(a, opposite(b)));
    }
    return QN_OK;
}
