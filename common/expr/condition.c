#include "expr/condition.h"

#include <math.h>

#include "base/int128.h"
#include "expr/kernels.h"
#include "flow/value.h"

struct finder {
    struct qn_arena *arena;
    bool nomem;
};

static const struct qn_condition *kept(struct finder *f, const struct qn_condition *condition)
{
    f->nomem |= !condition;
    return condition;
}

static const struct qn_condition *never(struct finder *f)
{
    return kept(f, qn_condition_new(f->arena, QN_CONDITION_ANY, 0));
}

static const struct qn_condition *of_column(struct finder *f, enum qn_condition_op op,
                                            uint32_t column, const struct qn_column *values,
                                            uint32_t n)
{
    struct qn_condition *made = qn_condition_new(f->arena, op, column);
    if (made && values) {
        made->values = *values;
        made->n_values = n;
    }
    return kept(f, made);
}

static const struct qn_condition *of_integer(struct finder *f, enum qn_condition_op op,
                                             uint32_t column, int64_t value)
{
    struct qn_column values = {.type = {.id = QN_INT64}, .i64 = QN_NEW(f->arena, int64_t)};
    f->nomem |= !values.i64;
    if (!values.i64)
        return NULL;
    values.i64[0] = value;
    return of_column(f, op, column, &values, 1);
}

/* --- operators ------------------------------------------------------------------------------- */

static enum qn_condition_op op_of(int64_t token)
{
    switch (token) {
    case QN_TOK_EQ: return QN_CONDITION_IN;
    case QN_TOK_NE: return QN_CONDITION_NE;
    case QN_TOK_LT: return QN_CONDITION_LT;
    case QN_TOK_LE: return QN_CONDITION_LE;
    case QN_TOK_GT: return QN_CONDITION_GT;
    default: return QN_CONDITION_GE;
    }
}

/* c < x for x > c. */
static enum qn_condition_op mirrored(enum qn_condition_op op)
{
    switch (op) {
    case QN_CONDITION_LT: return QN_CONDITION_GT;
    case QN_CONDITION_LE: return QN_CONDITION_GE;
    case QN_CONDITION_GT: return QN_CONDITION_LT;
    case QN_CONDITION_GE: return QN_CONDITION_LE;
    default: return op;
    }
}

/* NOT x < c is x >= c: columns hold no NaN. */
static enum qn_condition_op inverse(enum qn_condition_op op)
{
    switch (op) {
    case QN_CONDITION_LT: return QN_CONDITION_GE;
    case QN_CONDITION_LE: return QN_CONDITION_GT;
    case QN_CONDITION_GT: return QN_CONDITION_LE;
    case QN_CONDITION_GE: return QN_CONDITION_LT;
    case QN_CONDITION_NE: return QN_CONDITION_IN;
    default: return QN_CONDITION_NE;
    }
}

/* --- comparisons ----------------------------------------------------------------------------- */

/* A number that integers are compared with: `whole`, and something more that is less than 1. */
struct target {
    qn_i128 whole;
    bool more;
};

static const struct qn_condition *beside_target(struct finder *f, enum qn_condition_op op,
                                                uint32_t column, struct target to)
{
    bool below = to.whole<INT64_MIN, above = to.whole> INT64_MAX;
    bool holds = op == QN_CONDITION_NE ||
                 (above && (op == QN_CONDITION_LT || op == QN_CONDITION_LE)) ||
                 (below && (op == QN_CONDITION_GT || op == QN_CONDITION_GE));
    if (to.more && op == QN_CONDITION_LT)
        op = QN_CONDITION_LE;
    if (to.more && op == QN_CONDITION_GE)
        op = QN_CONDITION_GT;
    bool apart = to.more && (op == QN_CONDITION_IN || op == QN_CONDITION_NE);
    if (below || above || apart)
        return holds ? of_column(f, QN_CONDITION_NOT_NULL, column, NULL, 0) : never(f);
    return of_integer(f, op, column, (int64_t)to.whole);
}

static struct target divided(qn_i128 value, int64_t by)
{
    qn_i128 rest = value % by, whole = value / by - (rest < 0);
    return (struct target){whole, rest != 0};
}

static struct target of_double(double value)
{
    const double limit = 1e30; /* past all integers */
    double whole = floor(value < limit ? value > -limit ? value : -limit : limit);
    return (struct target){(qn_i128)whole, whole != value};
}

/* The column that a step gives, or integers of a boolean, or times of a date; NULL: no such. */
static const struct qn_step *column_below(const struct qn_step *step, int64_t *factor)
{
    *factor = 1;
    if (step->kind == QN_STEP_KERNEL && step->kernel == qn_kernel_bool_to_i64)
        step = step->args[0];
    else if (step->kind == QN_STEP_KERNEL && step->kernel == qn_kernel_date_to_timestamp) {
        *factor = QN_DAY_MICROS;
        step = step->args[0];
    }
    return step->kind == QN_STEP_COLUMN ? step : NULL;
}

static bool is_comparison(const struct qn_step *step)
{
    return step->kernel == qn_kernel_compare_i64 || step->kernel == qn_kernel_compare_f64 ||
           step->kernel == qn_kernel_compare_i64_f64 || step->kernel == qn_kernel_compare_scaled ||
           step->kernel == qn_kernel_compare_text;
}

static const struct qn_condition *find_comparison(struct finder *f, const struct qn_step *step,
                                                  bool negated)
{
    const struct qn_step *x = step->args[0], *y = step->args[1];
    enum qn_condition_op op = op_of(step->number & 0xFF);
    bool swapped = x->kind == QN_STEP_CONSTANT, scaled = step->kernel == qn_kernel_compare_scaled;
    uint8_t left = scaled ? (uint8_t)(step->number >> 8) : 0;
    uint8_t right = scaled ? (uint8_t)(step->number >> 16) : 0, own = swapped ? right : left;
    int64_t factor;
    if (swapped) {
        x = step->args[1];
        y = step->args[0];
        op = mirrored(op);
    }
    const struct qn_step *column = column_below(x, &factor);
    if (!column || y->kind != QN_STEP_CONSTANT)
        return NULL;
    op = negated ? inverse(op) : op;
    if (step->kernel == qn_kernel_compare_text || step->kernel == qn_kernel_compare_f64)
        return of_column(f, op, column->column, &y->value, 1);
    if (step->kernel == qn_kernel_compare_i64_f64)
        return column->type.id == QN_DOUBLE
                   ? NULL
                   : beside_target(f, op, column->column, of_double(y->value.f64[0]));
    qn_i128 value = (qn_i128)y->value.i64[0] * qn_pow10(swapped ? left : right);
    return beside_target(f, op, column->column, divided(value, qn_pow10(own) * factor));
}

/* --- the rest -------------------------------------------------------------------------------- */

static const struct qn_condition *find(struct finder *f, const struct qn_step *step, bool negated);

static const struct qn_condition *find_logic(struct finder *f, const struct qn_step *step,
                                             bool negated)
{
    bool all = (step->kernel == qn_kernel_and) != negated;
    const struct qn_condition *a = find(f, step->args[0], negated);
    const struct qn_condition *b = find(f, step->args[1], negated);
    if (all ? !a && !b : !a || !b)
        return NULL;
    return kept(f, qn_condition_join(f->arena, all ? QN_CONDITION_ALL : QN_CONDITION_ANY, a, b));
}

static const struct qn_condition *find_in(struct finder *f, const struct qn_step *step,
                                          bool negated)
{
    const struct qn_step *x = step->args[0];
    struct qn_column values;
    uint32_t n = 0;
    if (x->kind != QN_STEP_COLUMN)
        return NULL;
    if (!qn_set_values(step->data, x->type, f->arena, &values, &n)) {
        f->nomem = true;
        return NULL;
    }
    if (negated && n != 1)
        return NULL;
    return of_column(f, negated ? QN_CONDITION_NE : QN_CONDITION_IN, x->column, &values, n);
}

static const struct qn_condition *find_null(struct finder *f, const struct qn_step *step,
                                            bool negated)
{
    const struct qn_step *x = step->args[0];
    bool is_null = (step->number == 0) != negated;
    if (x->kind != QN_STEP_COLUMN)
        return NULL;
    return of_column(f, is_null ? QN_CONDITION_IS_NULL : QN_CONDITION_NOT_NULL, x->column, NULL, 0);
}

static const struct qn_condition *find_constant(struct finder *f, const struct qn_step *step,
                                                bool negated)
{
    if (qn_is_valid(&step->value, 0) &&
        (step->type.id != QN_BOOL || step->value.bools[0] != negated))
        return NULL;
    return never(f);
}

static const struct qn_condition *find(struct finder *f, const struct qn_step *step, bool negated)
{
    if (f->nomem)
        return NULL;
    if (step->kind == QN_STEP_CONSTANT)
        return find_constant(f, step, negated);
    if (step->kind == QN_STEP_COLUMN)
        return step->type.id == QN_BOOL ? of_integer(f, QN_CONDITION_IN, step->column, !negated)
                                        : NULL;
    if (is_comparison(step))
        return find_comparison(f, step, negated);
    if (step->kernel == qn_kernel_and || step->kernel == qn_kernel_or)
        return find_logic(f, step, negated);
    if (step->kernel == qn_kernel_not)
        return find(f, step->args[0], !negated);
    if (step->kernel == qn_kernel_in)
        return find_in(f, step, negated);
    if (step->kernel == qn_kernel_is_null)
        return find_null(f, step, negated);
    /* What is not true may be NULL. */
    if (!negated && step->kernel == qn_kernel_is_true)
        return find(f, step->args[0], false);
    if (!negated && step->kernel == qn_kernel_is &&
        (step->args[1]->kind == QN_STEP_CONSTANT || step->args[2]->kind == QN_STEP_CONSTANT))
        return find(f, step->args[0], false);
    return NULL;
}

qn_code qn_expr_condition(const struct qn_expr *expr, struct qn_arena *arena,
                          const struct qn_condition **out, struct qn_err *err)
{
    struct finder f = {.arena = arena};
    *out = find(&f, expr->steps[expr->n_steps - 1], false);
    return f.nomem ? qn_err_nomem(err, "a condition") : QN_OK;
}
