/* functions_date: calls over dates that take a unit or a format. */
#include "expr/functions.h"
#include "expr/kernels.h"

/* Seconds since 1970, when the modifier after the number says so. */
static qn_code from_epoch(struct qn_build *b, const struct qn_function_call *call, uint32_t at,
                          struct qn_step **out)
{
    const struct qn_operand *x = &call->args[at];
    bool said =
        at + 1 < call->n && qn_step_is_text_constant(call->args[at + 1].step) &&
        qn_strv_eq_nocase(qn_text_at(&call->args[at + 1].step->value, 0), QN_STRV_LIT("unixepoch"));
    if (!said)
        return qn_complain(b->complaint, x->ast->mark,
                           "for seconds since 1970 write datetime(x, 'unixepoch')",
                           "a number is no date");
    *out = x->step;
    QN_TRY(qn_build_cast(b, x->ast, qn_type_of(QN_INT64), out));
    return qn_build_call1(b, qn_kernel_from_epoch, qn_type_of(QN_TIMESTAMP), 0, *out, out);
}

static qn_code check_modifier(struct qn_build *b, const struct qn_operand *arg)
{
    struct qn_shift shift;
    if (!qn_step_is_text_constant(arg->step))
        return QN_OK;
    struct qn_strv text = qn_text_at(&arg->step->value, 0);
    if (qn_shift_parse(text, &shift))
        return QN_OK;
    return qn_complain(b->complaint, arg->ast->mark,
                       "'+7 days', '-1 month', 'start of month', 'weekday 1', ...",
                       "'%.*s' does not modify a date", QN_SHORT_ARG(text));
}

/* The date or timestamp of argument `at`, moved by the modifiers after it. */
static qn_code moment_argument(struct qn_build *b, const struct qn_function_call *call, uint32_t at,
                               struct qn_step **out)
{
    struct qn_kernel_use use = {
        .kernel = qn_kernel_date_shift, .type = qn_type_of(QN_TIMESTAMP), .strict = true};
    struct qn_step **steps = QN_NEW_ARRAY(b->arena, struct qn_step *, (size_t)call->n + 1);
    uint32_t n = 1, next = at + 1;
    if (!steps)
        return qn_complain_nomem(b->complaint);
    if (qn_type_is_number(call->args[at].step->type)) {
        QN_TRY(from_epoch(b, call, at, out));
        next++;
    } else {
        QN_TRY(qn_function_argument(b, call, at, 'W'));
        *out = call->args[at].step;
    }
    for (; next < call->n; next++) {
        QN_TRY(check_modifier(b, &call->args[next]));
        QN_TRY(qn_function_argument(b, call, next, 'T'));
        steps[n++] = call->args[next].step;
    }
    if (n == 1)
        return QN_OK;
    QN_TRY(qn_build_cast(b, call->ast, use.type, out));
    steps[0] = *out;
    return qn_build_call(b, use, steps, n, out);
}

/* date() and datetime(), which keeps whole seconds. */
qn_code qn_build_to_temporal(struct qn_build *b, const struct qn_function_call *call,
                             struct qn_step **out)
{
    const struct qn_type type = qn_type_of((uint8_t)call->number);
    QN_TRY(moment_argument(b, call, 0, out));
    QN_TRY(qn_build_cast(b, call->ast, type, out));
    if (type.id == QN_DATE)
        return QN_OK;
    return qn_build_call1(b, qn_kernel_date_trunc, type, QN_UNIT_SECOND, *out, out);
}

qn_code qn_build_julianday(struct qn_build *b, const struct qn_function_call *call,
                           struct qn_step **out)
{
    QN_TRY(moment_argument(b, call, 0, out));
    QN_TRY(qn_build_cast(b, call->ast, qn_type_of(QN_TIMESTAMP), out));
    return qn_build_call1(b, qn_kernel_julianday, qn_type_of(QN_DOUBLE), 0, *out, out);
}

/* unixepoch(x, ...): a part of the moment, which is `number`. */
qn_code qn_build_moment_part(struct qn_build *b, const struct qn_function_call *call,
                             struct qn_step **out)
{
    QN_TRY(moment_argument(b, call, 0, out));
    return qn_build_call1(b, qn_kernel_date_part, qn_type_of(QN_INT64), call->number, *out, out);
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

/* Which of the names the first argument is. `list` says them all. */
static qn_code named_argument(struct qn_build *b, const struct qn_function_call *call,
                              const char *const *names, size_t n, const char *list, int64_t *out)
{
    struct qn_strv text;
    QN_TRY(constant_text(b, call, "the unit", &text));
    for (*out = 0; *out < (int64_t)n; ++*out)
        if (qn_strv_eq_nocase(text, qn_strv_from(names[*out])))
            return QN_OK;
    char hint[128];
    const char *closest = qn_strv_closest(text, names, n);
    qn_hint_closest(hint, sizeof hint, closest);
    return qn_complain(b->complaint, call->args[0].ast->mark, closest ? hint : list,
                       "'%.*s' is not a unit of time", QN_SHORT_ARG(text));
}

static qn_code unit_argument(struct qn_build *b, const struct qn_function_call *call, int64_t *out)
{
    static const char *const units[] = {
        [QN_UNIT_YEAR] = "year",     [QN_UNIT_QUARTER] = "quarter", [QN_UNIT_MONTH] = "month",
        [QN_UNIT_WEEK] = "week",     [QN_UNIT_DAY] = "day",         [QN_UNIT_HOUR] = "hour",
        [QN_UNIT_MINUTE] = "minute", [QN_UNIT_SECOND] = "second",
    };
    return named_argument(b, call, units, sizeof units / sizeof units[0],
                          "units: year, quarter, month, week, day, hour, minute, second", out);
}

/* date_part('year', x) and extract(year FROM x). */
qn_code qn_build_date_part(struct qn_build *b, const struct qn_function_call *call,
                           struct qn_step **out)
{
    static const char *const names[] = {"year",   "quarter", "month", "day",   "hour", "minute",
                                        "second", "dow",     "doy",   "epoch", "week", "isodow"};
    static const uint8_t parts[] = {QN_UNIT_YEAR,   QN_UNIT_QUARTER,  QN_UNIT_MONTH,
                                    QN_UNIT_DAY,    QN_UNIT_HOUR,     QN_UNIT_MINUTE,
                                    QN_UNIT_SECOND, QN_UNIT_WEEKDAY,  QN_UNIT_DAY_OF_YEAR,
                                    QN_UNIT_EPOCH,  QN_UNIT_ISO_WEEK, QN_UNIT_ISO_DAY};
    int64_t which;
    QN_TRY(named_argument(b, call, names, sizeof names / sizeof names[0],
                          "parts: year, quarter, month, week, day, hour, minute, second, dow, "
                          "isodow, doy, epoch",
                          &which));
    QN_TRY(qn_function_argument(b, call, 1, 'W'));
    return qn_build_call1(b, qn_kernel_date_part, qn_type_of(QN_INT64), parts[which],
                          call->args[1].step, out);
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
qn_code qn_build_date_add(struct qn_build *b, const struct qn_function_call *call,
                          struct qn_step **out)
{
    int64_t unit;
    QN_TRY(unit_argument(b, call, &unit));
    QN_TRY(qn_function_argument(b, call, 1, 'I'));
    QN_TRY(qn_function_argument(b, call, 2, 'W'));
    struct qn_operand x = call->args[2];
    if (unit > QN_UNIT_DAY)
        QN_TRY(qn_build_cast(b, x.ast, qn_type_of(QN_TIMESTAMP), &x.step));
    return qn_build_call2(b, qn_kernel_date_add, x.step->type, unit, x.step, call->args[1].step,
                          out);
}

/* The same. */
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

/* time(x): the clock of a moment, as text. */
qn_code qn_build_time(struct qn_build *b, const struct qn_function_call *call, struct qn_step **out)
{
    struct qn_kernel_use use = {.kernel = qn_kernel_strftime,
                                .type = qn_type_of(QN_TEXT),
                                .strict = true,
                                .data = "%H:%M:%S",
                                .key = {"%H:%M:%S", 8}};
    QN_TRY(moment_argument(b, call, 0, out));
    return qn_build_call(b, use, out, 1, out);
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
        if (i == text.len || text.data[i] == '\0' || !strchr("YmdHMSfjwWsJ%", text.data[i]))
            return qn_complain(b->complaint, call->args[0].ast->mark,
                               "letters: %Y %m %d %H %M %S %f %j %w %W %s %J %%",
                               "the format has a %% without a letter it knows");
    }
    QN_TRY(moment_argument(b, call, 1, out));
    struct qn_kernel_use use = {
        .kernel = qn_kernel_strftime, .type = qn_type_of(QN_TEXT), .strict = true};
    use.key = text;
    use.data = qn_arena_strdup(b->arena, text);
    if (!use.data)
        return qn_complain_nomem(b->complaint);
    return qn_build_call(b, use, out, 1, out);
}
