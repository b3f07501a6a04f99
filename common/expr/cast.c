/* cast: explicit and implicit conversions, and the common type of several operands. */
#include <stdio.h>
#include <string.h>

#include "expr/build.h"
#include "expr/kernels.h"
#include "flow/value.h"

enum { INTEGER_DIGITS = 19 };

static uint8_t scale_of(struct qn_type type)
{
    return type.id == QN_DECIMAL ? type.scale : 0;
}

/* The kernel of every pair of types that one step converts, or NULL. */
static qn_kernel *direct(struct qn_type from, struct qn_type to)
{
    static qn_kernel *const kernels[QN_TIMESTAMP + 1][QN_TIMESTAMP + 1] = {
        [QN_BOOL] = {[QN_INT64] = qn_kernel_bool_to_i64},
        [QN_INT64] = {[QN_BOOL] = qn_kernel_i64_to_bool,
                      [QN_DOUBLE] = qn_kernel_i64_to_f64,
                      [QN_DECIMAL] = qn_kernel_rescale,
                      [QN_TEXT] = qn_kernel_to_text},
        [QN_DOUBLE] = {[QN_BOOL] = qn_kernel_f64_to_bool,
                       [QN_INT64] = qn_kernel_f64_to_i64,
                       [QN_DECIMAL] = qn_kernel_f64_to_decimal,
                       [QN_TEXT] = qn_kernel_to_text},
        [QN_DECIMAL] = {[QN_BOOL] = qn_kernel_i64_to_bool,
                        [QN_INT64] = qn_kernel_decimal_to_i64,
                        [QN_DOUBLE] = qn_kernel_decimal_to_f64,
                        [QN_DECIMAL] = qn_kernel_rescale,
                        [QN_TEXT] = qn_kernel_to_text},
        [QN_TEXT] = {[QN_BOOL] = qn_kernel_text_to_bool,
                     [QN_INT64] = qn_kernel_text_to_i64,
                     [QN_DOUBLE] = qn_kernel_text_to_f64,
                     [QN_DECIMAL] = qn_kernel_text_to_decimal,
                     [QN_DATE] = qn_kernel_text_to_date,
                     [QN_TIMESTAMP] = qn_kernel_text_to_timestamp},
        [QN_DATE] = {[QN_TEXT] = qn_kernel_to_text, [QN_TIMESTAMP] = qn_kernel_date_to_timestamp},
        [QN_TIMESTAMP] = {[QN_TEXT] = qn_kernel_to_text, [QN_DATE] = qn_kernel_timestamp_to_date},
    };
    return kernels[from.id][to.id];
}

static qn_code refuse(struct qn_build *b, const struct qn_ast *ast, struct qn_type from,
                      struct qn_type to)
{
    char from_name[QN_TYPE_NAME], to_name[QN_TYPE_NAME];
    const char *hint = NULL;
    if (qn_type_is_temporal(from))
        hint = "take a part such as year(x), or subtract two dates for the days between";
    else if (qn_type_is_temporal(to))
        hint = "only text, dates and timestamps become dates";
    return qn_complain(b->complaint, ast->mark, hint, "%s cannot become %s",
                       qn_type_name(from, from_name), qn_type_name(to, to_name));
}

qn_code qn_build_cast(struct qn_build *b, const struct qn_ast *ast, struct qn_type type,
                      struct qn_step **step)
{
    struct qn_type from = (*step)->type;
    if (qn_type_eq(from, type))
        return QN_OK;
    if (from.id == 0)
        return qn_build_null(b, type, step);
    if (from.id == QN_BOOL && type.id != QN_INT64) { /* 0 and 1, as in SQLite */
        QN_TRY(qn_build_cast(b, ast, qn_type_of(QN_INT64), step));
        from = (*step)->type;
    }
    qn_kernel *kernel = direct(from, type);
    if (!kernel)
        return refuse(b, ast, from, type);
    return qn_build_call1(b, kernel, type, scale_of(from), *step, step);
}

/* A text constant as a date or, when it has a time, a timestamp. */
qn_code qn_build_temporal_text(struct qn_build *b, struct qn_operand *operand)
{
    struct qn_strv text = qn_text_at(&operand->step->value, 0);
    int64_t value;
    if (qn_parse_date(text, &value))
        return qn_build_i64(b, qn_type_of(QN_DATE), value, &operand->step);
    if (qn_parse_timestamp(text, &value))
        return qn_build_i64(b, qn_type_of(QN_TIMESTAMP), value, &operand->step);
    return qn_complain(b->complaint, operand->ast->mark,
                       "write 'YYYY-MM-DD' or 'YYYY-MM-DD HH:MM:SS'", "'%.*s' is not a date",
                       QN_SHORT_ARG(text));
}

qn_code qn_build_number_text(struct qn_build *b, struct qn_type beside, struct qn_operand *operand)
{
    struct qn_strv text = qn_strv_trim(qn_text_at(&operand->step->value, 0));
    const char *point = text.len ? memchr(text.data, '.', text.len) : NULL;
    size_t places = point ? (size_t)(text.data + text.len - point) - 1 : 0;
    bool truth;
    int64_t value;
    double real;
    if (beside.id == QN_BOOL && qn_parse_bool(text, &truth))
        return qn_build_i64(b, beside, truth, &operand->step);
    if (qn_strv_to_i64(text, &value))
        return qn_build_i64(b, qn_type_of(QN_INT64), value, &operand->step);
    if (places <= QN_DECIMAL_MAX_PRECISION &&
        qn_parse_decimal(text, QN_DECIMAL_MAX_PRECISION, (uint8_t)places, &value))
        return qn_build_i64(b, qn_type_decimal(QN_DECIMAL_MAX_PRECISION, (uint8_t)places), value,
                            &operand->step);
    if (qn_parse_double(text, &real))
        return qn_build_f64(b, real, &operand->step);
    return qn_complain(b->complaint, operand->ast->mark,
                       "write a number, or CAST the other side to text", "'%.*s' is not a %s",
                       QN_SHORT_ARG(text), beside.id == QN_BOOL ? "boolean" : "number");
}

/* Text constants beside dates are read as dates. */
static qn_code read_dates(struct qn_build *b, struct qn_operand *operands, uint32_t n)
{
    bool temporal = false;
    for (uint32_t i = 0; i < n; i++)
        temporal |= qn_type_is_temporal(operands[i].step->type);
    for (uint32_t i = 0; temporal && i < n; i++)
        if (qn_step_is_text_constant(operands[i].step))
            QN_TRY(qn_build_temporal_text(b, &operands[i]));
    return QN_OK;
}

static unsigned integer_digits(struct qn_type type)
{
    if (type.id == QN_DECIMAL)
        return (unsigned)(type.precision - type.scale);
    return type.id == QN_BOOL ? 1 : INTEGER_DIGITS;
}

static struct qn_type common_decimal(struct qn_type a, struct qn_type b)
{
    unsigned left = integer_digits(a), right = integer_digits(b);
    uint8_t scale = scale_of(a) > scale_of(b) ? scale_of(a) : scale_of(b);
    unsigned precision = (left > right ? left : right) + scale;
    if (precision > QN_DECIMAL_MAX_PRECISION)
        precision = QN_DECIMAL_MAX_PRECISION;
    return qn_type_decimal((uint8_t)precision, scale);
}

/* id 0 when the two have no type in common. */
static struct qn_type common_type(struct qn_type a, struct qn_type b)
{
    if (a.id == 0 || qn_type_eq(a, b))
        return b;
    if (b.id == 0)
        return a;
    if (qn_type_is_number(a) && qn_type_is_number(b)) {
        if (a.id == QN_DOUBLE || b.id == QN_DOUBLE)
            return qn_type_of(QN_DOUBLE);
        if (a.id == QN_DECIMAL || b.id == QN_DECIMAL)
            return common_decimal(a, b);
        return qn_type_of(QN_INT64);
    }
    if (qn_type_is_temporal(a) && qn_type_is_temporal(b))
        return qn_type_of(QN_TIMESTAMP);
    return qn_type_of(0);
}

qn_code qn_build_unify(struct qn_build *b, struct qn_operand *operands, uint32_t n,
                       const char *what, struct qn_type *type)
{
    QN_TRY(read_dates(b, operands, n));
    *type = qn_type_of(0);
    for (uint32_t i = 0; i < n; i++) {
        struct qn_type next = operands[i].step->type, common = common_type(*type, next);
        char have[QN_TYPE_NAME], found[QN_TYPE_NAME];
        if (common.id == 0 && type->id != 0)
            return qn_complain(b->complaint, operands[i].ast->mark,
                               "write CAST(... AS ...) around one of them", "%s mixes %s and %s",
                               what, qn_type_name(*type, have), qn_type_name(next, found));
        *type = common;
    }
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(qn_build_cast(b, operands[i].ast, *type, &operands[i].step));
    return QN_OK;
}

qn_code qn_build_truth(struct qn_build *b, const struct qn_ast *ast, struct qn_step **step)
{
    struct qn_type type = (*step)->type;
    char name[QN_TYPE_NAME];
    if (type.id != 0 && !qn_type_is_number(type))
        return qn_complain(b->complaint, ast->mark, "compare it with something, as in x = 'yes'",
                           "expected a condition, found %s", qn_type_name(type, name));
    return qn_build_cast(b, ast, qn_type_of(QN_BOOL), step);
}
