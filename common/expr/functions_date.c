/* functions_date: calls over dates that take a unit or a format. */
#include "expr/functions.h"
#include "expr/kernels.h"

qn_code qn_build_to_temporal(struct qn_build *b, const struct qn_function_call *call,
                             struct qn_step **out)
{
    QN_TRY(qn_function_argument(b, call, 0, 'W'));
    *out = call->args[0].step;
    return qn_build_cast(b, call->ast, qn_type_of((uint8_t)call->number), out);
}

/* The text of an argument that must be written out. */
static qn_code constant_text(struct qn_build *b, const struct qn_function_call *call,
                             const char *what, struct qn_strv *out)
{
    const struct qn_operand *arg = &call->args[0];
    if (!qn_step_is_text_constant(arg->step))
        return qn_complain(b->complaint, arg->ast->mark, NULL, "%s must be a text in quotes", what);
    *out = qn_text_at(&arg->step->value, 0);
    return QN_OK;
}

static qn_code unit_argument(struct qn_build *b, const struct qn_function_call *call, int64_t *out)
{
    static const char *const units[] = {
        [QN_UNIT_YEAR] = "year",     [QN_UNIT_QUARTER] = "quarter", [QN_UNIT_MONTH] = "month",
        [QN_UNIT_WEEK] = "week",     [QN_UNIT_DAY] = "day",         [QN_UNIT_HOUR] = "hour",
        [QN_UNIT_MINUTE] = "minute", [QN_UNIT_SECOND] = "second",
    };
    enum { N_UNITS = sizeof units / sizeof units[0] };
    struct qn_strv text;
    QN_TRY(constant_text(b, call, "the unit", &text));
    for (*out = 0; *out < N_UNITS; ++*out)
        if (qn_strv_eq_nocase(text, qn_strv_from(units[*out])))
            return QN_OK;
    char hint[128];
    const char *closest = qn_strv_closest(text, units, N_UNITS);
    qn_hint_closest(hint, sizeof hint, closest);
    return qn_complain(b->complaint, call->args[0].ast->mark,
                       closest ? hint
                               : "units: year, quarter, month, week, day, hour, minute, second",
                       "'%.*s' is not a unit of time", QN_SHORT_ARG(text));
}

qn_code qn_build_date_diff(struct qn_build *b, const struct qn_function_call *call,
                           struct qn_step **out)
{
    struct qn_type type;
    int64_t unit;
    QN_TRY(unit_argument(b, call, &unit));
    QN_TRY(qn_function_argument(b, call, 1, 'W'));
    QN_TRY(qn_function_argument(b, call, 2, 'W'));
    QN_TRY(qn_build_unify(b, call->args + 1, 2, "date_diff", &type));
    return qn_build_call2(b, qn_kernel_date_diff, qn_type_of(QN_INT64), unit, call->args[1].step,
                          call->args[2].step, out);
}

/* Dates stay dates, unless the unit is shorter than a day. */
qn_code qn_build_date_trunc(struct qn_build *b, const struct qn_function_call *call,
                            struct qn_step **out)
{
    int64_t unit;
    QN_TRY(unit_argument(b, call, &unit));
    QN_TRY(qn_function_argument(b, call, 1, 'W'));
    struct qn_operand x = call->args[1];
    if (unit > QN_UNIT_DAY)
        QN_TRY(qn_build_cast(b, x.ast, qn_type_of(QN_TIMESTAMP), &x.step));
    return qn_build_call1(b, qn_kernel_date_trunc, x.step->type, unit, x.step, out);
}

qn_code qn_build_strftime(struct qn_build *b, const struct qn_function_call *call,
                          struct qn_step **out)
{
    struct qn_strv text;
    QN_TRY(constant_text(b, call, "the format", &text));
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%')
            continue;
        i++;
        if (i == text.len || text.data[i] == '\0' || !strchr("YmdHMSjw%", text.data[i]))
            return qn_complain(b->complaint, call->args[0].ast->mark,
                               "letters: %Y %m %d %H %M %S %j %w %%",
                               "the format has a %% without a letter it knows");
    }
    QN_TRY(qn_function_argument(b, call, 1, 'W'));
    struct qn_kernel_use use = {
        .kernel = qn_kernel_strftime, .type = qn_type_of(QN_TEXT), .strict = true};
    use.data = qn_arena_strdup(b->arena, text);
    if (!use.data)
        return qn_complain_nomem(b->complaint);
    return qn_build_call(b, use, &call->args[1].step, 1, out);
}
