/* operators: comparisons, arithmetic and logic over typed operands. */
#include "expr/build.h"
#include "expr/kernels.h"
#include "flow/value.h"

static uint8_t scale_of(struct qn_type type)
{
    return type.id == QN_DECIMAL ? type.scale : 0;
}

static const char *operator_text(enum qn_token_kind op)
{
    switch (op) {
    case QN_TOK_PLUS: return "+";
    case QN_TOK_MINUS: return "-";
    case QN_TOK_STAR: return "*";
    case QN_TOK_SLASH: return "/";
    case QN_TOK_PERCENT: return "%";
    case QN_TOK_AMPERSAND: return "&";
    case QN_TOK_PIPE: return "|";
    case QN_TOK_SHIFT_LEFT: return "<<";
    case QN_TOK_SHIFT_RIGHT: return ">>";
    case QN_TOK_NE: return "<>";
    case QN_TOK_LT: return "<";
    case QN_TOK_LE: return "<=";
    case QN_TOK_GT: return ">";
    case QN_TOK_GE: return ">=";
    default: return "=";
    }
}

/* --- comparisons ----------------------------------------------------------------------------- */

static qn_code mixed_comparison(struct qn_build *b, struct qn_type left, struct qn_type right,
                                const struct qn_ast *ast)
{
    char x[QN_TYPE_NAME], y[QN_TYPE_NAME];
    bool text = left.id == QN_TEXT || right.id == QN_TEXT;
    bool number = qn_type_is_number(left) || qn_type_is_number(right);
    const char *hint = NULL;
    if (text && number)
        hint = "write numbers without quotes, or CAST the text to a number";
    else if (text)
        hint = "read the text as a date with date(x) or CAST(x AS timestamp)";
    return qn_complain(b->complaint, ast->mark, hint, "%s and %s cannot be compared",
                       qn_type_name(left, x), qn_type_name(right, y));
}

static enum qn_token_kind mirrored(enum qn_token_kind op)
{
    switch (op) {
    case QN_TOK_LT: return QN_TOK_GT;
    case QN_TOK_LE: return QN_TOK_GE;
    case QN_TOK_GT: return QN_TOK_LT;
    case QN_TOK_GE: return QN_TOK_LE;
    default: return op;
    }
}

static bool is_small_constant(const struct qn_step *step)
{
    const int64_t exact = INT64_C(1) << 53;
    return step->kind == QN_STEP_CONSTANT && step->value.i64[0] <= exact &&
           step->value.i64[0] >= -exact;
}

/* A constant integer or decimal with the digits of `scale`, when it has no more and still fits. */
static qn_code align_constant(struct qn_build *b, struct qn_step **step, uint8_t scale)
{
    uint8_t own = scale_of((*step)->type);
    int64_t value;
    if ((*step)->kind != QN_STEP_CONSTANT || own >= scale ||
        __builtin_mul_overflow((*step)->value.i64[0], qn_pow10((uint8_t)(scale - own)), &value))
        return QN_OK;
    return qn_build_i64(b, qn_type_decimal(QN_DECIMAL_MAX_PRECISION, scale), value, step);
}

static qn_code compare_numbers(struct qn_build *b, enum qn_token_kind op, struct qn_step *x,
                               struct qn_step *y, const struct qn_ast *ast, struct qn_step **out)
{
    const struct qn_type result = qn_type_of(QN_BOOL), as_double = qn_type_of(QN_DOUBLE);
    if (x->type.id == QN_BOOL)
        QN_TRY(qn_build_cast(b, ast, qn_type_of(QN_INT64), &x));
    if (y->type.id == QN_BOOL)
        QN_TRY(qn_build_cast(b, ast, qn_type_of(QN_INT64), &y));
    if (x->type.id == QN_DOUBLE || y->type.id == QN_DOUBLE) {
        if (x->type.id == QN_DECIMAL || (x->type.id == QN_INT64 && is_small_constant(x)))
            QN_TRY(qn_build_cast(b, ast, as_double, &x));
        if (y->type.id == QN_DECIMAL || (y->type.id == QN_INT64 && is_small_constant(y)))
            QN_TRY(qn_build_cast(b, ast, as_double, &y));
        if (x->type.id == QN_INT64)
            return qn_build_call2(b, qn_kernel_compare_i64_f64, result, op, x, y, out);
        if (y->type.id == QN_INT64)
            return qn_build_call2(b, qn_kernel_compare_i64_f64, result, mirrored(op), y, x, out);
        return qn_build_call2(b, qn_kernel_compare_f64, result, op, x, y, out);
    }
    QN_TRY(align_constant(b, &x, scale_of(y->type)));
    QN_TRY(align_constant(b, &y, scale_of(x->type)));
    unsigned left = scale_of(x->type), right = scale_of(y->type);
    if (left == right)
        return qn_build_call2(b, qn_kernel_compare_i64, result, op, x, y, out);
    int64_t number =
        qn_scaled_number(op, right > left ? right - left : 0, left > right ? left - right : 0);
    return qn_build_call2(b, qn_kernel_compare_scaled, result, number, x, y, out);
}

static qn_code compare_temporal(struct qn_build *b, enum qn_token_kind op, struct qn_operand left,
                                struct qn_operand right, const struct qn_ast *ast,
                                struct qn_step **out)
{
    if (qn_step_is_text_constant(left.step))
        QN_TRY(qn_build_temporal_text(b, &left));
    if (qn_step_is_text_constant(right.step))
        QN_TRY(qn_build_temporal_text(b, &right));
    struct qn_type x = left.step->type, y = right.step->type;
    if (!qn_type_is_temporal(x) || !qn_type_is_temporal(y))
        return mixed_comparison(b, x, y, ast);
    if (x.id != y.id) {
        QN_TRY(qn_build_cast(b, left.ast, qn_type_of(QN_TIMESTAMP), &left.step));
        QN_TRY(qn_build_cast(b, right.ast, qn_type_of(QN_TIMESTAMP), &right.step));
    }
    return qn_build_call2(b, qn_kernel_compare_i64, qn_type_of(QN_BOOL), op, left.step, right.step,
                          out);
}

qn_code qn_build_compare(struct qn_build *b, enum qn_token_kind op, struct qn_operand left,
                         struct qn_operand right, const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_type x = left.step->type, y = right.step->type;
    if (x.id == 0 || y.id == 0)
        return qn_build_null(b, qn_type_of(QN_BOOL), out);
    if (qn_type_is_temporal(x) || qn_type_is_temporal(y))
        return compare_temporal(b, op, left, right, ast, out);
    if (qn_type_is_number(x) && qn_step_is_text_constant(right.step))
        QN_TRY(qn_build_number_text(b, x, &right));
    else if (qn_type_is_number(y) && qn_step_is_text_constant(left.step))
        QN_TRY(qn_build_number_text(b, y, &left));
    x = left.step->type;
    y = right.step->type;
    if (qn_type_is_number(x) && qn_type_is_number(y)) {
        if (qn_step_is_null(left.step) || qn_step_is_null(right.step))
            return qn_build_null(b, qn_type_of(QN_BOOL), out);
        return compare_numbers(b, op, left.step, right.step, ast, out);
    }
    if (x.id != y.id)
        return mixed_comparison(b, x, y, ast);
    return qn_build_call2(b, qn_kernel_compare_text, qn_type_of(QN_BOOL), op, left.step, right.step,
                          out);
}

/* --- arithmetic ------------------------------------------------------------------------------ */

static qn_code no_arithmetic(struct qn_build *b, enum qn_token_kind op, struct qn_type x,
                             struct qn_type y, const struct qn_ast *ast)
{
    char left[QN_TYPE_NAME], right[QN_TYPE_NAME];
    const char *hint = NULL;
    if (x.id == QN_TEXT || y.id == QN_TEXT)
        hint = op == QN_TOK_PLUS ? "join texts with ||, or CAST the text to a number"
                                 : "CAST the text to a number";
    else if (qn_type_is_temporal(x) || qn_type_is_temporal(y))
        hint = "dates know date + days, date - days and date - date";
    return qn_complain(b->complaint, ast->mark, hint, "%s %s %s has no meaning",
                       x.id ? qn_type_name(x, left) : "NULL", operator_text(op),
                       y.id ? qn_type_name(y, right) : "NULL");
}

static uint8_t capped(unsigned digits)
{
    return (uint8_t)(digits < QN_DECIMAL_MAX_PRECISION ? digits : QN_DECIMAL_MAX_PRECISION);
}

static unsigned precision_of(struct qn_type type)
{
    return type.id == QN_DECIMAL ? type.precision : 19;
}

static qn_code decimal_sum(struct qn_build *b, enum qn_token_kind op, struct qn_step *x,
                           struct qn_step *y, const struct qn_ast *ast, struct qn_step **out)
{
    unsigned left = scale_of(x->type), right = scale_of(y->type);
    unsigned scale = left > right ? left : right;
    unsigned x_digits = precision_of(x->type) - left, y_digits = precision_of(y->type) - right;
    unsigned digits = (x_digits > y_digits ? x_digits : y_digits) + 1 + scale;
    struct qn_type type = qn_type_decimal(capped(digits), (uint8_t)scale);
    struct qn_type wide = qn_type_decimal(QN_DECIMAL_MAX_PRECISION, (uint8_t)scale);
    if (left != scale || x->type.id == QN_INT64)
        QN_TRY(qn_build_cast(b, ast, wide, &x));
    if (right != scale || y->type.id == QN_INT64)
        QN_TRY(qn_build_cast(b, ast, wide, &y));
    return qn_build_call2(b, qn_kernel_arith_i64, type, op, x, y, out);
}

/* Scales add; what exceeds 18 places rounds away. */
static qn_code decimal_product(struct qn_build *b, struct qn_step *x, struct qn_step *y,
                               struct qn_step **out)
{
    unsigned scale = (unsigned)scale_of(x->type) + scale_of(y->type);
    unsigned drop = scale > QN_DECIMAL_MAX_PRECISION ? scale - QN_DECIMAL_MAX_PRECISION : 0;
    struct qn_type type = qn_type_decimal(capped(precision_of(x->type) + precision_of(y->type)),
                                          (uint8_t)(scale - drop));
    return qn_build_call2(b, qn_kernel_decimal_multiply, type, drop, x, y, out);
}

static qn_code number_arithmetic(struct qn_build *b, enum qn_token_kind op, struct qn_step *x,
                                 struct qn_step *y, const struct qn_ast *ast, struct qn_step **out)
{
    const struct qn_type integer = qn_type_of(QN_INT64), real = qn_type_of(QN_DOUBLE);
    if (x->type.id == QN_BOOL || x->type.id == 0)
        QN_TRY(qn_build_cast(b, ast, integer, &x));
    if (y->type.id == QN_BOOL || y->type.id == 0)
        QN_TRY(qn_build_cast(b, ast, integer, &y));
    if (x->type.id == QN_INT64 && y->type.id == QN_INT64)
        return qn_build_call2(b, qn_kernel_arith_i64, integer, op, x, y, out);
    bool exact = x->type.id != QN_DOUBLE && y->type.id != QN_DOUBLE;
    if (exact && (op == QN_TOK_PLUS || op == QN_TOK_MINUS))
        return decimal_sum(b, op, x, y, ast, out);
    if (exact && op == QN_TOK_STAR)
        return decimal_product(b, x, y, out);
    QN_TRY(qn_build_cast(b, ast, real, &x));
    QN_TRY(qn_build_cast(b, ast, real, &y));
    return qn_build_call2(b, qn_kernel_arith_f64, real, op, x, y, out);
}

/* date - date, in whole days; with a timestamp on either side, in days as a double. */
static qn_code temporal_difference(struct qn_build *b, struct qn_operand x, struct qn_operand y,
                                   struct qn_step **out)
{
    const struct qn_type timestamp = qn_type_of(QN_TIMESTAMP);
    if (x.step->type.id == QN_DATE && y.step->type.id == QN_DATE)
        return qn_build_call2(b, qn_kernel_arith_i64, qn_type_of(QN_INT64), QN_TOK_MINUS, x.step,
                              y.step, out);
    QN_TRY(qn_build_cast(b, x.ast, timestamp, &x.step));
    QN_TRY(qn_build_cast(b, y.ast, timestamp, &y.step));
    return qn_build_call2(b, qn_kernel_days_between, qn_type_of(QN_DOUBLE), 0, x.step, y.step, out);
}

/* A date or timestamp, and a number of days. */
static qn_code temporal_shift(struct qn_build *b, enum qn_token_kind op, struct qn_step *date,
                              struct qn_step *days, struct qn_step **out)
{
    if (date->type.id == QN_TIMESTAMP)
        QN_TRY(qn_build_call1(b, qn_kernel_scale_i64, qn_type_of(QN_INT64), QN_DAY_MICROS, days,
                              &days));
    return qn_build_call2(b, qn_kernel_arith_i64, date->type, op, date, days, out);
}

static bool is_days(struct qn_type type)
{
    return type.id == QN_INT64 || type.id == 0;
}

static qn_code temporal_arithmetic(struct qn_build *b, enum qn_token_kind op, struct qn_operand x,
                                   struct qn_operand y, const struct qn_ast *ast,
                                   struct qn_step **out)
{
    if (op == QN_TOK_MINUS && qn_step_is_text_constant(x.step))
        QN_TRY(qn_build_temporal_text(b, &x));
    if (op == QN_TOK_MINUS && qn_step_is_text_constant(y.step))
        QN_TRY(qn_build_temporal_text(b, &y));
    bool left = qn_type_is_temporal(x.step->type), right = qn_type_is_temporal(y.step->type);
    if (op == QN_TOK_MINUS && left && right)
        return temporal_difference(b, x, y, out);
    if (op == QN_TOK_PLUS && right && is_days(x.step->type))
        return temporal_shift(b, op, y.step, x.step, out);
    if ((op == QN_TOK_PLUS || op == QN_TOK_MINUS) && left && is_days(y.step->type))
        return temporal_shift(b, op, x.step, y.step, out);
    return no_arithmetic(b, op, x.step->type, y.step->type, ast);
}

qn_code qn_build_arithmetic(struct qn_build *b, enum qn_token_kind op, struct qn_operand left,
                            struct qn_operand right, const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_type x = left.step->type, y = right.step->type;
    if (qn_type_is_temporal(x) || qn_type_is_temporal(y))
        return temporal_arithmetic(b, op, left, right, ast, out);
    if (x.id == QN_TEXT || y.id == QN_TEXT)
        return no_arithmetic(b, op, x, y, ast);
    return number_arithmetic(b, op, left.step, right.step, ast, out);
}

/* Both sides as integers, which doubles and decimals are cut to. */
qn_code qn_build_bits(struct qn_build *b, enum qn_token_kind op, struct qn_operand left,
                      struct qn_operand right, const struct qn_ast *ast, struct qn_step **out)
{
    const struct qn_type integer = qn_type_of(QN_INT64);
    struct qn_type x = left.step->type, y = right.step->type;
    if ((x.id && !qn_type_is_number(x)) || (y.id && !qn_type_is_number(y)))
        return no_arithmetic(b, op, x, y, ast);
    QN_TRY(qn_build_cast(b, left.ast, integer, &left.step));
    QN_TRY(qn_build_cast(b, right.ast, integer, &right.step));
    return qn_build_call2(b, qn_kernel_bits, integer, op, left.step, right.step, out);
}

/* --- logic ----------------------------------------------------------------------------------- */

qn_code qn_build_logic(struct qn_build *b, bool is_and, struct qn_step *left, struct qn_step *right,
                       struct qn_step **out)
{
    struct qn_kernel_use use = {.kernel = is_and ? qn_kernel_and : qn_kernel_or,
                                .type = qn_type_of(QN_BOOL)};
    return qn_build_call(b, use, (struct qn_step *[]){left, right}, 2, out);
}

qn_code qn_build_not(struct qn_build *b, struct qn_step *x, struct qn_step **out)
{
    return qn_build_call1(b, qn_kernel_not, qn_type_of(QN_BOOL), 0, x, out);
}
