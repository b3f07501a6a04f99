/* aggregate_call: sum(x), count(*) filter (where ...) and their like. */
#include "expr/build.h"

#include <stdio.h>

static const struct {
    const char *name;
    enum qn_agg_fn fn;
} aggregates[] = {
    {"count", QN_AGG_COUNT},       {"sum", QN_AGG_SUM},  {"avg", QN_AGG_AVG},
    {"min", QN_AGG_MIN},           {"max", QN_AGG_MAX},  {"stddev", QN_AGG_STDDEV},
    {"variance", QN_AGG_VARIANCE}, {"mean", QN_AGG_AVG}, {"stddev_samp", QN_AGG_STDDEV},
    {"var_samp", QN_AGG_VARIANCE},
};

enum { N_AGGREGATES = sizeof aggregates / sizeof aggregates[0] };

static qn_code find(const struct qn_agg_ast *ast, enum qn_agg_fn *fn,
                    struct qn_expr_complaint *complaint)
{
    const char *names[N_AGGREGATES];
    for (size_t i = 0; i < N_AGGREGATES; i++) {
        names[i] = aggregates[i].name;
        if (qn_strv_eq_nocase(ast->name, qn_strv_from(names[i]))) {
            *fn = aggregates[i].fn;
            return QN_OK;
        }
    }
    char hint[160];
    const char *closest = qn_strv_closest(ast->name, names, N_AGGREGATES);
    qn_hint_closest(hint, sizeof hint, closest);
    return qn_complain(complaint, ast->name_mark,
                       closest ? hint : "aggregates: count, sum, avg, min, max, stddev, variance",
                       "aggregate '%.*s' is unknown", QN_SHORT_ARG(ast->name));
}

static qn_code check(const struct qn_agg_ast *ast, enum qn_agg_fn fn,
                     struct qn_expr_complaint *complaint)
{
    if (ast->distinct)
        return qn_complain(complaint, ast->distinct_mark, NULL,
                           "%.*s(distinct ...) is not supported yet", QN_SHORT_ARG(ast->name));
    if (ast->star && fn != QN_AGG_COUNT)
        return qn_complain(complaint, ast->mark, "only count takes a star",
                           "%.*s(*) has no meaning", QN_SHORT_ARG(ast->name));
    if (!ast->star && ast->n_args != 1)
        return qn_complain(complaint, ast->mark,
                           fn == QN_AGG_COUNT ? "write count(*) or count(x)" : NULL,
                           "%.*s takes 1 argument, not %u", QN_SHORT_ARG(ast->name), ast->n_args);
    return QN_OK;
}

static struct qn_type result_type(enum qn_agg_fn fn, struct qn_type argument)
{
    switch (fn) {
    case QN_AGG_COUNT: return qn_type_of(QN_INT64);
    case QN_AGG_SUM:
        return argument.id == QN_DECIMAL ? qn_type_decimal(QN_DECIMAL_MAX_PRECISION, argument.scale)
                                         : argument;
    case QN_AGG_MIN:
    case QN_AGG_MAX: return argument;
    default: return qn_type_of(QN_DOUBLE);
    }
}

/* Numbers are summed as they are, booleans as 0 and 1. */
static qn_code argument_type(struct qn_build *b, const struct qn_agg_ast *ast, enum qn_agg_fn fn,
                             struct qn_step **step)
{
    const struct qn_ast *x = ast->args[0];
    struct qn_type type = (*step)->type;
    bool any = fn == QN_AGG_COUNT || fn == QN_AGG_MIN || fn == QN_AGG_MAX;
    if (!any && type.id != 0 && !qn_type_is_number(type)) {
        char name[QN_TYPE_NAME];
        return qn_complain(
            b->complaint, x->mark, type.id == QN_TEXT ? "CAST the text to a number" : NULL,
            "%.*s takes a number, not %s", QN_SHORT_ARG(ast->name), qn_type_name(type, name));
    }
    if (type.id == 0 || (!any && type.id == QN_BOOL))
        return qn_build_cast(b, x, qn_type_of(QN_INT64), step);
    return QN_OK;
}

static qn_code build_argument(struct qn_build *b, const struct qn_agg_ast *ast, enum qn_agg_fn fn,
                              struct qn_expr **out)
{
    struct qn_step *step;
    QN_TRY(qn_build_ast(b, ast->args[0], &step));
    QN_TRY(argument_type(b, ast, fn, &step));
    return qn_build_finish(b, step, out);
}

static qn_code build_filter(struct qn_build *b, const struct qn_ast *ast, struct qn_expr **out)
{
    struct qn_step *step;
    QN_TRY(qn_build_ast(b, ast, &step));
    QN_TRY(qn_build_truth(b, ast, &step));
    return qn_build_finish(b, step, out);
}

qn_code qn_build_aggregate(struct qn_build *b, struct qn_strv text, struct qn_agg_call *out)
{
    struct qn_agg_ast ast;
    *out = (struct qn_agg_call){0};
    QN_TRY(qn_parse_aggregate(b->arena, text, &ast, b->complaint));
    QN_TRY(find(&ast, &out->fn, b->complaint));
    QN_TRY(check(&ast, out->fn, b->complaint));
    if (!ast.star)
        QN_TRY(build_argument(b, &ast, out->fn, &out->argument));
    if (ast.filter)
        QN_TRY(build_filter(b, ast.filter, &out->filter));
    out->argument_text = ast.argument_text;
    out->filter_text = ast.filter_text;
    out->type = result_type(out->fn, out->argument ? out->argument->type : qn_type_of(0));
    return QN_OK;
}
