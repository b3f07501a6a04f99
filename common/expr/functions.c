#include "expr/functions.h"

#include <stdio.h>

#include "expr/kernels.h"

struct function {
    const char *name;
    uint32_t least, most;
    const char *usage, *parameters;
    uint8_t result;
    qn_kernel *kernel;
    int64_t number;
    qn_function_build *build;
};

static const struct function functions[] = {
#define QN_FUNCTION(name, least, most, usage, parameters, result, kernel, number, build)           \
    {name, least, most, usage, parameters, result, kernel, number, build},
#include "expr/functions.def"
#undef QN_FUNCTION
};

enum { N_FUNCTIONS = sizeof functions / sizeof functions[0] };

static const struct function *find(struct qn_strv name)
{
    for (size_t i = 0; i < N_FUNCTIONS; i++)
        if (qn_strv_eq_nocase(name, qn_strv_from(functions[i].name)))
            return &functions[i];
    return NULL;
}

static qn_code aggregate_here(struct qn_build *b, const struct qn_ast *ast)
{
    return qn_complain(b->complaint, ast->name_mark,
                       "aggregates stand alone under 'aggregate', beside 'group_by'",
                       "'%.*s' looks at many rows and has no place in an expression of one",
                       QN_SHORT_ARG(ast->text));
}

static qn_code unknown_function(struct qn_build *b, const struct qn_ast *ast)
{
    const char *names[N_FUNCTIONS];
    char hint[128];
    for (size_t i = 0; i < N_FUNCTIONS; i++)
        names[i] = functions[i].name;
    qn_hint_closest(hint, sizeof hint, qn_strv_closest(ast->text, names, N_FUNCTIONS));
    if (qn_strv_eq_nocase(ast->text, QN_STRV_LIT("random")) ||
        qn_strv_eq_nocase(ast->text, QN_STRV_LIT("now")))
        snprintf(hint, sizeof hint, "a run must give the same answer every time");
    return qn_complain(b->complaint, ast->name_mark, hint, "function '%.*s' is unknown",
                       QN_SHORT_ARG(ast->text));
}

qn_code qn_check_function(struct qn_build *b, const struct qn_ast *ast)
{
    const struct function *f = find(ast->text);
    if (qn_ast_is_span(ast))
        return qn_complain(b->complaint, ast->mark, "write x + INTERVAL 1 DAY",
                           "an INTERVAL is added to a date or timestamp, or taken from it");
    if ((!f && qn_is_aggregate(ast->text)) ||
        (f && f->least == 2 && f->most > 2 && ast->n_args == 1 && f->build == qn_build_least))
        return aggregate_here(b, ast);
    if (!f)
        return unknown_function(b, ast);
    if (ast->number || ast->n_args < f->least || ast->n_args > f->most) {
        char hint[128];
        snprintf(hint, sizeof hint, "write %s", f->usage);
        if (ast->number)
            return qn_complain(b->complaint, ast->mark, hint, "%s(*) has no meaning", f->name);
        return qn_complain(
            b->complaint, ast->mark, hint, "%s takes %s%u argument%s, not %u", f->name,
            f->least == f->most      ? ""
            : ast->n_args < f->least ? "at least "
                                     : "at most ",
            ast->n_args < f->least ? f->least : f->most,
            (ast->n_args < f->least ? f->least : f->most) == 1 ? "" : "s", ast->n_args);
    }
    return QN_OK;
}

static qn_code wrong_type(struct qn_build *b, const struct qn_function_call *call, uint32_t i,
                          const char *wanted, const char *hint)
{
    char name[QN_TYPE_NAME];
    return qn_complain(b->complaint, call->args[i].ast->mark, hint, "%.*s takes %s here, not %s",
                       QN_SHORT_ARG(call->ast->text), wanted,
                       qn_type_name(call->args[i].step->type, name));
}

qn_code qn_function_argument(struct qn_build *b, const struct qn_function_call *call, uint32_t i,
                             char letter)
{
    struct qn_operand *arg = &call->args[i];
    struct qn_type type = arg->step->type;
    if (letter == 'T')
        return qn_build_cast(b, arg->ast, qn_type_of(QN_TEXT), &arg->step);
    if (letter == 'W') {
        if (qn_step_is_text_constant(arg->step))
            return qn_build_temporal_text(b, arg);
        if (type.id == QN_TEXT || type.id == 0)
            return qn_build_cast(b, arg->ast, qn_type_of(QN_TIMESTAMP), &arg->step);
        return qn_type_is_temporal(type) ? QN_OK
                                         : wrong_type(b, call, i, "a date or timestamp", NULL);
    }
    if (type.id != 0 && !qn_type_is_number(type))
        return wrong_type(b, call, i, "a number",
                          type.id == QN_TEXT ? "CAST the text to a number" : NULL);
    if (letter == 'N') /* any number: booleans count as integers */
        return type.id == QN_BOOL || type.id == 0
                   ? qn_build_cast(b, arg->ast, qn_type_of(QN_INT64), &arg->step)
                   : QN_OK;
    return qn_build_cast(b, arg->ast, qn_type_of(letter == 'I' ? QN_INT64 : QN_DOUBLE), &arg->step);
}

qn_code qn_build_function(struct qn_build *b, const struct qn_ast *ast, struct qn_operand *args,
                          struct qn_step **out)
{
    const struct function *f = find(ast->text);
    struct qn_function_call call = {
        .ast = ast, .args = args, .n = ast->n_args, .number = f ? f->number : 0};
    if (!f) /* qn_check_function was not asked */
        return unknown_function(b, ast);
    if (f->build)
        return f->build(b, &call, out);
    struct qn_step *steps[4];
    for (uint32_t i = 0; i < call.n; i++) {
        QN_TRY(qn_function_argument(b, &call, i, f->parameters[i]));
        steps[i] = args[i].step;
    }
    struct qn_kernel_use use = {
        .kernel = f->kernel, .type = qn_type_of(f->result), .strict = true, .number = f->number};
    return qn_build_call(b, use, steps, call.n, out);
}
