/* aggregate_call: sum(x), count(*) filter (where ...), last(x order by ts) and their like. */
#include "expr/build.h"

#include <stdio.h>

enum takes {
    ANY,     /* value */
    NUMBER,  /* booleans count as 0 and 1 */
    REAL,    /* a number, made a double */
    BETWEEN, /* what has something between two values: a number, a date, a timestamp */
    ORDERED, /* the same, as it is */
    TRUTH,
};

static const struct aggregate {
    const char *name;
    enum qn_agg_fn fn;
    enum takes takes;
    const char *usage;
    uint8_t n_args;
    bool greatest, latest; /* PICK */
    bool ordered;          /* takes ORDER BY */
} aggregates[] = {
    {"count", QN_AGG_COUNT, ANY, "count(*), count(x) or count(distinct x)", 1, 0, 0, 0},
    {"sum", QN_AGG_SUM, NUMBER, "sum(x)", 1, 0, 0, 0},
    {"avg", QN_AGG_AVG, NUMBER, "avg(x)", 1, 0, 0, 0},
    {"mean", QN_AGG_AVG, NUMBER, "mean(x)", 1, 0, 0, 0},
    {"min", QN_AGG_MIN, ANY, "min(x)", 1, 0, 0, 0},
    {"max", QN_AGG_MAX, ANY, "max(x)", 1, 0, 0, 0},
    {"any_value", QN_AGG_MIN, ANY, "any_value(x)", 1, 0, 0, 0}, /* so it is the same every time */
    {"bool_and", QN_AGG_MIN, TRUTH, "bool_and(x)", 1, 0, 0, 0},
    {"bool_or", QN_AGG_MAX, TRUTH, "bool_or(x)", 1, 0, 0, 0},
    {"stddev", QN_AGG_STDDEV, NUMBER, "stddev(x)", 1, 0, 0, 0},
    {"stddev_samp", QN_AGG_STDDEV, NUMBER, "stddev_samp(x)", 1, 0, 0, 0},
    {"stddev_pop", QN_AGG_STDDEV_POP, NUMBER, "stddev_pop(x)", 1, 0, 0, 0},
    {"variance", QN_AGG_VARIANCE, NUMBER, "variance(x)", 1, 0, 0, 0},
    {"var_samp", QN_AGG_VARIANCE, NUMBER, "var_samp(x)", 1, 0, 0, 0},
    {"var_pop", QN_AGG_VARIANCE_POP, NUMBER, "var_pop(x)", 1, 0, 0, 0},
    {"variance_pop", QN_AGG_VARIANCE_POP, NUMBER, "variance_pop(x)", 1, 0, 0, 0},
    {"median", QN_AGG_QUANTILE, BETWEEN, "median(x)", 1, 0, 0, 0},
    {"quantile", QN_AGG_QUANTILE, BETWEEN, "quantile(x, 0.9)", 2, 0, 0, 0},
    {"quantile_cont", QN_AGG_QUANTILE, BETWEEN, "quantile_cont(x, 0.9)", 2, 0, 0, 0},
    {"quantile_disc", QN_AGG_QUANTILE_DISC, ORDERED, "quantile_disc(x, 0.9)", 2, 0, 0, 0},
    {"mode", QN_AGG_MODE, ANY, "mode(x)", 1, 0, 0, 0},
    {"first", QN_AGG_PICK, ANY, "first(x order by y)", 1, 0, 0, 1},
    {"last", QN_AGG_PICK, ANY, "last(x order by y)", 1, 1, 1, 1},
    {"arg_min", QN_AGG_PICK, ANY, "arg_min(x, y)", 2, 0, 0, 0},
    {"arg_max", QN_AGG_PICK, ANY, "arg_max(x, y)", 2, 1, 0, 0},
    {"approx_distinct", QN_AGG_APPROX_DISTINCT, ANY, "approx_distinct(x)", 1, 0, 0, 0},
    {"approx_count_distinct", QN_AGG_APPROX_DISTINCT, ANY, "approx_count_distinct(x)", 1, 0, 0, 0},
    {"approx_quantile", QN_AGG_APPROX_QUANTILE, REAL, "approx_quantile(x, 0.9)", 2, 0, 0, 0},
};

enum { N_AGGREGATES = sizeof aggregates / sizeof aggregates[0] };

static const struct aggregate *named(struct qn_strv name)
{
    for (size_t i = 0; i < N_AGGREGATES; i++)
        if (qn_strv_eq_nocase(name, qn_strv_from(aggregates[i].name)))
            return &aggregates[i];
    return NULL;
}

bool qn_is_aggregate(struct qn_strv name)
{
    return named(name) != NULL;
}

static qn_code unknown(const struct qn_agg_ast *ast, struct qn_expr_complaint *complaint)
{
    const char *names[N_AGGREGATES];
    for (size_t i = 0; i < N_AGGREGATES; i++)
        names[i] = aggregates[i].name;
    char hint[160];
    const char *closest = qn_strv_closest(ast->name, names, N_AGGREGATES);
    qn_hint_closest(hint, sizeof hint, closest);
    return qn_complain(complaint, ast->name_mark,
                       closest ? hint
                               : "aggregates: count, sum, avg, min, max, stddev, variance, median, "
                                 "quantile, mode, first, last, bool_and, bool_or, approx_distinct",
                       "aggregate '%.*s' is unknown", QN_SHORT_ARG(ast->name));
}

static qn_code check(const struct qn_agg_ast *ast, const struct aggregate *aggregate,
                     struct qn_expr_complaint *complaint)
{
    char hint[160];
    snprintf(hint, sizeof hint, "write %s", aggregate->usage);
    if (ast->distinct && aggregate->fn != QN_AGG_COUNT)
        return qn_complain(complaint, ast->distinct_mark, "only count takes distinct",
                           "%.*s(distinct ...) is not supported", QN_SHORT_ARG(ast->name));
    if (ast->star && (aggregate->fn != QN_AGG_COUNT || ast->distinct))
        return qn_complain(complaint, ast->mark, ast->distinct ? hint : "only count takes a star",
                           "%.*s(%s*) has no meaning", QN_SHORT_ARG(ast->name),
                           ast->distinct ? "distinct " : "");
    if (!ast->star && ast->n_args != aggregate->n_args)
        return qn_complain(complaint, ast->mark, hint, "%.*s takes %u argument%s, not %u",
                           QN_SHORT_ARG(ast->name), aggregate->n_args,
                           aggregate->n_args == 1 ? "" : "s", ast->n_args);
    if (ast->order && !aggregate->ordered)
        return qn_complain(complaint, ast->order->mark, "first and last are ordered",
                           "%.*s does not depend on an order", QN_SHORT_ARG(ast->name));
    return QN_OK;
}

static struct qn_type result_type(enum qn_agg_fn fn, struct qn_type argument)
{
    switch (fn) {
    case QN_AGG_COUNT:
    case QN_AGG_DISTINCT:
    case QN_AGG_APPROX_DISTINCT: return qn_type_of(QN_INT64);
    case QN_AGG_SUM:
        return argument.id == QN_DECIMAL ? qn_type_decimal(QN_DECIMAL_MAX_PRECISION, argument.scale)
                                         : argument;
    case QN_AGG_MIN:
    case QN_AGG_MAX:
    case QN_AGG_MODE:
    case QN_AGG_PICK:
    case QN_AGG_QUANTILE_DISC: return argument;
    case QN_AGG_QUANTILE: return qn_type_of(argument.id == QN_TIMESTAMP ? QN_TIMESTAMP : QN_DOUBLE);
    default: return qn_type_of(QN_DOUBLE);
    }
}

static qn_code argument_type(struct qn_build *b, const struct qn_agg_ast *ast, enum takes takes,
                             struct qn_step **step)
{
    const struct qn_ast *x = ast->args[0];
    struct qn_type type = (*step)->type;
    bool is_when = qn_type_is_temporal(type) && (takes == BETWEEN || takes == ORDERED);
    if (takes == TRUTH)
        return qn_build_truth(b, x, step);
    if (takes != ANY && type.id != 0 && !qn_type_is_number(type) && !is_when) {
        char name[QN_TYPE_NAME];
        return qn_complain(b->complaint, x->mark,
                           type.id == QN_TEXT ? "CAST the text to a number" : NULL,
                           "%.*s takes a number%s, not %s", QN_SHORT_ARG(ast->name),
                           takes == BETWEEN || takes == ORDERED ? ", date or timestamp" : "",
                           qn_type_name(type, name));
    }
    if (takes == REAL)
        return qn_build_cast(b, x, qn_type_of(QN_DOUBLE), step);
    if (takes == BETWEEN && type.id == QN_DATE) /* between two days there are hours */
        return qn_build_cast(b, x, qn_type_of(QN_TIMESTAMP), step);
    if (type.id == 0 || (takes != ANY && type.id == QN_BOOL))
        return qn_build_cast(b, x, qn_type_of(QN_INT64), step);
    return QN_OK;
}

static qn_code build_argument(struct qn_build *b, const struct qn_agg_ast *ast, enum takes takes,
                              struct qn_expr **out)
{
    struct qn_step *step;
    QN_TRY(qn_build_ast(b, ast->args[0], &step));
    QN_TRY(argument_type(b, ast, takes, &step));
    return qn_build_finish(b, step, out);
}

static qn_code build_order(struct qn_build *b, const struct qn_ast *ast, struct qn_expr **out)
{
    struct qn_step *step;
    QN_TRY(qn_build_ast(b, ast, &step));
    if (step->type.id == 0)
        QN_TRY(qn_build_cast(b, ast, qn_type_of(QN_INT64), &step));
    return qn_build_finish(b, step, out);
}

static qn_code build_filter(struct qn_build *b, const struct qn_ast *ast, struct qn_expr **out)
{
    struct qn_step *step;
    QN_TRY(qn_build_ast(b, ast, &step));
    QN_TRY(qn_build_truth(b, ast, &step));
    return qn_build_finish(b, step, out);
}

/* A constant from 0 to 1. */
static qn_code read_fraction(struct qn_build *b, const struct qn_ast *ast, double *out)
{
    struct qn_step *step;
    QN_TRY(qn_build_ast(b, ast, &step));
    bool fits = step->kind == QN_STEP_CONSTANT && qn_type_is_numeric(step->type);
    if (fits) {
        QN_TRY(qn_build_cast(b, ast, qn_type_of(QN_DOUBLE), &step));
        fits = qn_is_valid(&step->value, 0) && step->value.f64[0] >= 0 && step->value.f64[0] <= 1;
    }
    if (!fits)
        return qn_complain(b->complaint, ast->mark, "0.5 is the median, 0.9 the 90th percentile",
                           "expected a number from 0 to 1");
    *out = step->value.f64[0];
    return QN_OK;
}

/* A second argument is either the order or the fraction. */
static qn_code build_rest(struct qn_build *b, const struct qn_agg_ast *ast, struct qn_agg_call *out)
{
    const struct qn_ast *order =
        out->fn == QN_AGG_PICK && ast->n_args == 2 ? ast->args[1] : ast->order;
    out->order_text = ast->order ? ast->order_text : ast->arg_texts[1];
    out->greatest ^= ast->descending;
    out->fraction = 0.5;
    if (order)
        return build_order(b, order, &out->order);
    return ast->n_args == 2 ? read_fraction(b, ast->args[1], &out->fraction) : QN_OK;
}

qn_code qn_build_aggregate(struct qn_build *b, struct qn_strv text, struct qn_agg_call *out)
{
    struct qn_agg_ast ast;
    QN_TRY(qn_parse_aggregate(b->arena, text, &ast, b->complaint));
    const struct aggregate *aggregate = named(ast.name);
    if (!aggregate)
        return unknown(&ast, b->complaint);
    QN_TRY(check(&ast, aggregate, b->complaint));
    *out = (struct qn_agg_call){.fn = ast.distinct ? QN_AGG_DISTINCT : aggregate->fn,
                                .argument_text = ast.arg_texts[0],
                                .filter_text = ast.filter_text,
                                .greatest = aggregate->greatest,
                                .latest = aggregate->latest};
    if (!ast.star)
        QN_TRY(build_argument(b, &ast, aggregate->takes, &out->argument));
    QN_TRY(build_rest(b, &ast, out));
    if (ast.filter)
        QN_TRY(build_filter(b, ast.filter, &out->filter));
    out->type = result_type(out->fn, out->argument ? out->argument->type : qn_type_of(0));
    return QN_OK;
}
