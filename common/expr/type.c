/* type: turns a syntax tree into typed steps. The tree's depth is bounded by the parser. */
#include "expr/build.h"
#include "expr/kernels.h"
#include "flow/value.h"

static qn_code build_operand(struct qn_build *b, const struct qn_ast *ast, struct qn_operand *out)
{
    out->ast = ast;
    return qn_build_ast(b, ast, &out->step);
}

/* All arguments of a node, in the arena. */
static qn_code build_operands(struct qn_build *b, const struct qn_ast *ast, struct qn_operand **out)
{
    struct qn_operand *operands =
        QN_NEW_ARRAY(b->arena, struct qn_operand, (size_t)ast->n_args + 1);
    *out = operands;
    if (!operands)
        return qn_complain_nomem(b->complaint);
    for (uint32_t i = 0; i < ast->n_args; i++)
        QN_TRY(build_operand(b, ast->args[i], &operands[i]));
    return QN_OK;
}

static qn_code negate_if(struct qn_build *b, bool negated, struct qn_step **step)
{
    return negated ? qn_build_not(b, *step, step) : QN_OK;
}

/* --- leaves ---------------------------------------------------------------------------------- */

static qn_code unknown_column(struct qn_build *b, const struct qn_ast *ast)
{
    const struct qn_schema *schema = b->schema;
    const char **names = QN_NEW_ARRAY(b->arena, const char *, (size_t)schema->n_fields + 1);
    if (!names)
        return qn_complain_nomem(b->complaint);
    for (uint32_t i = 0; i < schema->n_fields; i++)
        names[i] = schema->fields[i].name;
    const char *closest = qn_strv_closest(ast->text, names, schema->n_fields);
    char hint[128];
    qn_hint_closest(hint, sizeof hint, closest);
    if (!closest && (qn_strv_eq_nocase(ast->text, QN_STRV_LIT("current_date")) ||
                     qn_strv_eq_nocase(ast->text, QN_STRV_LIT("current_timestamp"))))
        return qn_complain(b->complaint, ast->mark,
                           "a run must give the same answer tomorrow: pass the date as a "
                           "parameter, '${param:today}'",
                           "the clock is no part of an expression");
    if (!closest && ast->negated)
        return qn_complain(b->complaint, ast->mark, "text goes in single quotes",
                           "no column \"%.*s\"", QN_SHORT_ARG(ast->text));
    return qn_complain(b->complaint, ast->mark, hint, "no column '%.*s'", QN_SHORT_ARG(ast->text));
}

/* The exact name, else the only one that differs in case. */
static qn_code build_column_ref(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    const struct qn_schema *schema = b->schema;
    int32_t found = qn_schema_find(schema, ast->text);
    for (uint32_t i = 0; found < 0 && i < schema->n_fields; i++) {
        if (!qn_strv_eq_nocase(ast->text, qn_strv_from(schema->fields[i].name)))
            continue;
        for (uint32_t k = i + 1; k < schema->n_fields; k++)
            if (qn_strv_eq_nocase(ast->text, qn_strv_from(schema->fields[k].name)))
                return qn_complain(b->complaint, ast->mark, "write the name with its exact case",
                                   "'%.*s' could be column '%s' or '%s'", QN_SHORT_ARG(ast->text),
                                   schema->fields[i].name, schema->fields[k].name);
        found = (int32_t)i;
    }
    if (found >= 0)
        return qn_build_column(b, (uint32_t)found, out);
    qn_code code = unknown_column(b, ast);
    if (b->complaint)
        b->complaint->unknown_column = true;
    return code;
}

static qn_code build_float(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    double value;
    if (!qn_parse_double(ast->text, &value))
        return qn_complain(b->complaint, ast->mark, NULL, "the number does not fit a double");
    return qn_build_f64(b, value, out);
}

/* 0.05 is the decimal(2,2) it says; with more than 18 digits, the nearest double. */
static qn_code build_decimal(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    const struct qn_strv text = ast->text;
    size_t point = 0, zeros = 0;
    while (text.data[point] != '.')
        point++;
    while (zeros < point && text.data[zeros] == '0')
        zeros++;
    size_t scale = text.len - point - 1, precision = point - zeros + scale;
    int64_t value;
    if (precision == 0)
        precision = 1;
    if (precision > QN_DECIMAL_MAX_PRECISION ||
        !qn_parse_decimal(text, (uint8_t)precision, (uint8_t)scale, &value))
        return build_float(b, ast, out);
    return qn_build_i64(b, qn_type_decimal((uint8_t)precision, (uint8_t)scale), value, out);
}

static qn_code build_date(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    int64_t value;
    bool is_date = ast->kind == QN_AST_DATE;
    if (is_date ? qn_parse_date(ast->text, &value) : qn_parse_timestamp(ast->text, &value))
        return qn_build_i64(b, qn_type_of(is_date ? QN_DATE : QN_TIMESTAMP), value, out);
    return qn_complain(
        b->complaint, ast->mark,
        is_date ? "write DATE 'YYYY-MM-DD'" : "write TIMESTAMP 'YYYY-MM-DD HH:MM:SS'",
        "'%.*s' is not a %s", QN_SHORT_ARG(ast->text), is_date ? "date" : "timestamp");
}

/* --- operators ------------------------------------------------------------------------------- */

static qn_code build_negate(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_operand zero = {.ast = ast}, x;
    QN_TRY(build_operand(b, ast->args[0], &x));
    if (x.ast->kind == QN_AST_FLOAT) /* the literal -0e0, where 0 - 0e0 would be 0e0 */
        return qn_build_f64(b, -x.step->value.f64[0], out);
    if (x.step->type.id == QN_DECIMAL) { /* no digit more than its operand */
        QN_TRY(qn_build_i64(b, x.step->type, 0, &zero.step));
        return qn_build_call2(b, qn_kernel_arith_i64, x.step->type, QN_TOK_MINUS, zero.step, x.step,
                              out);
    }
    if (qn_type_is_temporal(x.step->type) || x.step->type.id == QN_TEXT) {
        char name[QN_TYPE_NAME];
        return qn_complain(b->complaint, ast->mark, NULL, "%s has no negative",
                           qn_type_name(x.step->type, name));
    }
    QN_TRY(qn_build_i64(b, qn_type_of(QN_INT64), 0, &zero.step));
    return qn_build_arithmetic(b, QN_TOK_MINUS, zero, x, ast, out);
}

/* ~x is -1 - x, which never overflows. */
static qn_code build_bit_not(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_operand x;
    struct qn_step *ones;
    char name[QN_TYPE_NAME];
    QN_TRY(build_operand(b, ast->args[0], &x));
    if (x.step->type.id && !qn_type_is_number(x.step->type))
        return qn_complain(b->complaint, ast->mark, NULL, "%s has no bits",
                           qn_type_name(x.step->type, name));
    QN_TRY(qn_build_cast(b, x.ast, qn_type_of(QN_INT64), &x.step));
    QN_TRY(qn_build_i64(b, qn_type_of(QN_INT64), -1, &ones));
    return qn_build_call2(b, qn_kernel_arith_i64, qn_type_of(QN_INT64), QN_TOK_MINUS, ones, x.step,
                          out);
}

static qn_code build_not_ast(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    QN_TRY(qn_build_ast(b, ast->args[0], out));
    QN_TRY(qn_build_truth(b, ast->args[0], out));
    return qn_build_not(b, *out, out);
}

/* A chain of || is one call over all of its texts. */
static qn_code build_concat(struct qn_build *b, struct qn_operand x, struct qn_operand y,
                            struct qn_step **out)
{
    struct qn_kernel_use use = {
        .kernel = qn_kernel_concat, .type = qn_type_of(QN_TEXT), .strict = true};
    QN_TRY(qn_build_cast(b, x.ast, use.type, &x.step));
    QN_TRY(qn_build_cast(b, y.ast, use.type, &y.step));
    struct qn_step *const *left = &x.step;
    uint32_t n = 1;
    if (x.step->kind == QN_STEP_KERNEL && x.step->kernel == qn_kernel_concat) {
        left = x.step->args;
        n = x.step->n_args;
    }
    struct qn_step **steps = QN_NEW_ARRAY(b->arena, struct qn_step *, (size_t)n + 1);
    if (!steps)
        return qn_complain_nomem(b->complaint);
    for (uint32_t i = 0; i < n; i++)
        steps[i] = left[i];
    steps[n] = y.step;
    return qn_build_call(b, use, steps, n + 1, out);
}

static qn_code build_binary(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_operand x, y;
    QN_TRY(build_operand(b, ast->args[0], &x));
    QN_TRY(build_operand(b, ast->args[1], &y));
    switch (ast->op) {
    case QN_TOK_AND:
    case QN_TOK_OR:
        QN_TRY(qn_build_truth(b, x.ast, &x.step));
        QN_TRY(qn_build_truth(b, y.ast, &y.step));
        return qn_build_logic(b, ast->op == QN_TOK_AND, x.step, y.step, out);
    case QN_TOK_CONCAT: return build_concat(b, x, y, out);
    case QN_TOK_PLUS:
    case QN_TOK_MINUS:
    case QN_TOK_STAR:
    case QN_TOK_SLASH:
    case QN_TOK_PERCENT: return qn_build_arithmetic(b, ast->op, x, y, ast, out);
    case QN_TOK_AMPERSAND:
    case QN_TOK_PIPE:
    case QN_TOK_SHIFT_LEFT:
    case QN_TOK_SHIFT_RIGHT: return qn_build_bits(b, ast->op, x, y, ast, out);
    default: return qn_build_compare(b, ast->op, x, y, ast, out);
    }
}

static qn_code build_is_null(struct qn_build *b, struct qn_step *x, bool negated,
                             struct qn_step **out)
{
    struct qn_kernel_use use = {
        .kernel = qn_kernel_is_null, .type = qn_type_of(QN_BOOL), .number = negated};
    return qn_build_call(b, use, &x, 1, out);
}

/* x IS TRUE asks whether x counts as true, and never gives NULL. */
static qn_code build_is_truth(struct qn_build *b, struct qn_operand x, bool wanted,
                              struct qn_step **out)
{
    struct qn_kernel_use use = {.kernel = qn_kernel_is_true, .type = qn_type_of(QN_BOOL)};
    QN_TRY(qn_build_truth(b, x.ast, &x.step));
    QN_TRY(negate_if(b, !wanted, &x.step));
    return qn_build_call(b, use, &x.step, 1, out);
}

static qn_code build_is(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_operand x, y;
    struct qn_step *equal;
    QN_TRY(build_operand(b, ast->args[0], &x));
    QN_TRY(build_operand(b, ast->args[1], &y));
    if (qn_step_is_null(y.step))
        return build_is_null(b, x.step, ast->negated, out);
    if (qn_step_is_null(x.step))
        return build_is_null(b, y.step, ast->negated, out);
    if (y.ast->kind == QN_AST_BOOL) {
        QN_TRY(build_is_truth(b, x, y.ast->number != 0, out));
        return negate_if(b, ast->negated, out);
    }
    QN_TRY(qn_build_compare(b, QN_TOK_EQ, x, y, ast, &equal));
    struct qn_kernel_use use = {.kernel = qn_kernel_is, .type = qn_type_of(QN_BOOL)};
    QN_TRY(qn_build_call(b, use, (struct qn_step *[]){equal, x.step, y.step}, 3, out));
    return negate_if(b, ast->negated, out);
}

static qn_code build_between(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_operand x, low, high;
    struct qn_step *above, *below;
    QN_TRY(build_operand(b, ast->args[0], &x));
    QN_TRY(build_operand(b, ast->args[1], &low));
    QN_TRY(build_operand(b, ast->args[2], &high));
    QN_TRY(qn_build_compare(b, QN_TOK_GE, x, low, ast, &above));
    QN_TRY(qn_build_compare(b, QN_TOK_LE, x, high, ast, &below));
    QN_TRY(qn_build_logic(b, true, above, below, out));
    return negate_if(b, ast->negated, out);
}

/* The escape character of LIKE, as the kernel takes it. */
static qn_code like_number(struct qn_build *b, const struct qn_ast *ast,
                           const struct qn_operand *escape, int64_t *number)
{
    *number = ast->op == QN_TOK_GLOB;
    if (ast->n_args < 3)
        return QN_OK;
    if (ast->op == QN_TOK_GLOB)
        return qn_complain(b->complaint, escape->ast->mark, "write [*] to match a star",
                           "GLOB has no ESCAPE");
    struct qn_strv text = {0};
    if (qn_step_is_text_constant(escape->step))
        text = qn_text_at(&escape->step->value, 0);
    if (text.len != 1 || text.data[0] & 0x80)
        return qn_complain(b->complaint, escape->ast->mark, "as in LIKE '10!%' ESCAPE '!'",
                           "ESCAPE takes one ASCII character in quotes");
    *number = (int64_t)text.data[0] << 1;
    return QN_OK;
}

static qn_code build_like(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_operand *args;
    struct qn_kernel_use use = {
        .kernel = qn_kernel_like, .type = qn_type_of(QN_BOOL), .strict = true};
    QN_TRY(build_operands(b, ast, &args));
    QN_TRY(like_number(b, ast, &args[2], &use.number));
    for (unsigned i = 0; i < 2; i++)
        QN_TRY(qn_build_cast(b, args[i].ast, qn_type_of(QN_TEXT), &args[i].step));
    if (qn_step_is_text_constant(args[1].step)) {
        use.data = qn_pattern_new(b->arena, qn_text_at(&args[1].step->value, 0), use.number);
        if (!use.data)
            return qn_complain_nomem(b->complaint);
    }
    struct qn_step *steps[] = {args[0].step, args[1].step};
    QN_TRY(qn_build_call(b, use, steps, 2, out));
    return negate_if(b, ast->negated, out);
}

/* --- IN -------------------------------------------------------------------------------------- */

/* Whether a constant can be cast to x's type without changing what it equals. */
static bool fits_set(struct qn_type x, const struct qn_step *item)
{
    if (item->kind != QN_STEP_CONSTANT || x.id == QN_BOOL)
        return false;
    if (qn_type_eq(x, item->type))
        return true;
    bool integer = item->type.id == QN_INT64, decimal = item->type.id == QN_DECIMAL;
    if (x.id == QN_DOUBLE) {
        const int64_t exact = INT64_C(1) << 53;
        return decimal || (integer && item->value.i64[0] <= exact && item->value.i64[0] >= -exact);
    }
    if (x.id != QN_DECIMAL || (!integer && !decimal))
        return false;
    unsigned scale = decimal ? item->type.scale : 0;
    int64_t value, low, high;
    qn_type_range(x, &low, &high);
    return scale <= x.scale &&
           !__builtin_mul_overflow(item->value.i64[0], qn_pow10((uint8_t)(x.scale - scale)),
                                   &value) &&
           value >= low && value <= high;
}

/* A hash set of the items; *out is NULL when they need comparisons one by one. */
static qn_code build_set(struct qn_build *b, struct qn_operand x, struct qn_operand *items,
                         uint32_t n, struct qn_step **out)
{
    *out = NULL;
    struct qn_step **steps = QN_NEW_ARRAY(b->arena, struct qn_step *, (size_t)n + 1);
    if (!steps)
        return qn_complain_nomem(b->complaint);
    for (uint32_t i = 0; i < n; i++)
        if (!fits_set(x.step->type, items[i].step))
            return QN_OK;
    for (uint32_t i = 0; i < n; i++) {
        QN_TRY(qn_build_cast(b, items[i].ast, x.step->type, &items[i].step));
        steps[i] = items[i].step;
    }
    struct qn_kernel_use use = {.kernel = qn_kernel_in,
                                .type = qn_type_of(QN_BOOL),
                                .strict = true,
                                .data = qn_set_new(b->arena, steps, n),
                                .key = {(const char *)steps, n * sizeof(struct qn_step *)}};
    if (!use.data)
        return qn_complain_nomem(b->complaint);
    return qn_build_call(b, use, &x.step, 1, out);
}

/* x = a OR x = b OR ... */
static qn_code build_any(struct qn_build *b, struct qn_operand x, struct qn_operand *items,
                         uint32_t n, const struct qn_ast *ast, struct qn_step **out)
{
    QN_TRY(qn_build_i64(b, qn_type_of(QN_BOOL), 0, out));
    for (uint32_t i = 0; i < n; i++) {
        struct qn_step *equal;
        QN_TRY(qn_build_compare(b, QN_TOK_EQ, x, items[i], ast, &equal));
        QN_TRY(qn_build_logic(b, false, *out, equal, out));
    }
    return QN_OK;
}

static qn_code build_in(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_operand *operands, x;
    QN_TRY(build_operands(b, ast, &operands));
    x = operands[0];
    bool has_null = false;
    uint32_t n = 0;
    struct qn_operand *items = operands + 1; /* those that are not NULL move to the front */
    for (uint32_t i = 0; i + 1 < ast->n_args; i++) {
        bool null = qn_step_is_null(items[i].step);
        has_null |= null;
        if (qn_type_is_temporal(x.step->type) && qn_step_is_text_constant(items[i].step))
            QN_TRY(qn_build_temporal_text(b, &items[i]));
        if (qn_type_is_number(x.step->type) && qn_step_is_text_constant(items[i].step))
            QN_TRY(qn_build_number_text(b, x.step->type, &items[i]));
        if (!null)
            items[n++] = items[i];
    }
    *out = NULL;
    if (n > 0 && x.step->type.id != 0)
        QN_TRY(build_set(b, x, items, n, out));
    if (!*out)
        QN_TRY(build_any(b, x, items, n, ast, out));
    if (has_null) {
        struct qn_step *null;
        QN_TRY(qn_build_null(b, qn_type_of(QN_BOOL), &null));
        QN_TRY(qn_build_logic(b, false, *out, null, out));
    }
    return negate_if(b, ast->negated, out);
}

/* --- CASE ------------------------------------------------------------------------------------ */

static qn_code build_condition(struct qn_build *b, const struct qn_operand *base,
                               const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_operand when;
    QN_TRY(build_operand(b, ast, &when));
    *out = when.step;
    if (base)
        return qn_build_compare(b, QN_TOK_EQ, *base, when, ast, out);
    return qn_build_truth(b, ast, out);
}

static qn_code build_case(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    bool has_base = ast->number & 1, has_else = ast->number & 2;
    uint32_t n = (ast->n_args - has_base - has_else) / 2;
    struct qn_operand base = {0};
    struct qn_operand *values = QN_NEW_ARRAY(b->arena, struct qn_operand, (size_t)n + 1);
    struct qn_step **steps = QN_NEW_ARRAY(b->arena, struct qn_step *, (size_t)n * 2 + 1);
    if (!values || !steps)
        return qn_complain_nomem(b->complaint);
    if (has_base)
        QN_TRY(build_operand(b, ast->args[0], &base));
    for (uint32_t i = 0; i < n; i++) {
        struct qn_ast **pair = ast->args + has_base + (size_t)i * 2;
        QN_TRY(build_condition(b, has_base ? &base : NULL, pair[0], &steps[i]));
        QN_TRY(build_operand(b, pair[1], &values[i]));
    }
    values[n].ast = ast;
    if (has_else)
        QN_TRY(build_operand(b, ast->args[ast->n_args - 1], &values[n]));
    else
        QN_TRY(qn_build_null(b, qn_type_of(0), &values[n].step));
    struct qn_kernel_use use = {.kernel = qn_kernel_case, .number = n};
    QN_TRY(qn_build_unify(b, values, n + 1, "CASE", &use.type));
    for (uint32_t i = 0; i <= n; i++)
        steps[n + i] = values[i].step;
    if (use.type.id == 0)
        return qn_build_null(b, use.type, out);
    return qn_build_call(b, use, steps, n * 2 + 1, out);
}

/* --- all of them ----------------------------------------------------------------------------- */

static qn_code build_cast_ast(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    QN_TRY(qn_build_ast(b, ast->args[0], out));
    return qn_build_cast(b, ast, ast->type, out);
}

static qn_code build_call_ast(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    struct qn_operand *args;
    QN_TRY(qn_check_function(b, ast));
    QN_TRY(build_operands(b, ast, &args));
    return qn_build_function(b, ast, args, out);
}

qn_code qn_build_ast(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out)
{
    switch (ast->kind) {
    case QN_AST_NULL: return qn_build_null(b, qn_type_of(0), out);
    case QN_AST_BOOL: return qn_build_i64(b, qn_type_of(QN_BOOL), ast->number, out);
    case QN_AST_INTEGER: return qn_build_i64(b, qn_type_of(QN_INT64), ast->number, out);
    case QN_AST_DECIMAL: return build_decimal(b, ast, out);
    case QN_AST_FLOAT: return build_float(b, ast, out);
    case QN_AST_TEXT: return qn_build_text(b, ast->text, out);
    case QN_AST_DATE:
    case QN_AST_TIMESTAMP: return build_date(b, ast, out);
    case QN_AST_COLUMN: return build_column_ref(b, ast, out);
    case QN_AST_NEGATE: return build_negate(b, ast, out);
    case QN_AST_PLUS: return qn_build_ast(b, ast->args[0], out);
    case QN_AST_NOT: return build_not_ast(b, ast, out);
    case QN_AST_BIT_NOT: return build_bit_not(b, ast, out);
    case QN_AST_BINARY: return build_binary(b, ast, out);
    case QN_AST_IS: return build_is(b, ast, out);
    case QN_AST_BETWEEN: return build_between(b, ast, out);
    case QN_AST_IN: return build_in(b, ast, out);
    case QN_AST_LIKE: return build_like(b, ast, out);
    case QN_AST_CASE: return build_case(b, ast, out);
    case QN_AST_CAST: return build_cast_ast(b, ast, out);
    default: return build_call_ast(b, ast, out);
    }
}
