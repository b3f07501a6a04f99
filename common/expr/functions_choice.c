/* functions_choice: calls that give one of their arguments. */
#include "expr/functions.h"
#include "expr/kernels.h"

static const char *name_of(struct qn_build *b, const struct qn_function_call *call)
{
    const char *name = qn_arena_strdup(b->arena, call->ast->text);
    return name ? name : "the call";
}

static struct qn_step **steps_of(struct qn_build *b, const struct qn_function_call *call)
{
    struct qn_step **steps = QN_NEW_ARRAY(b->arena, struct qn_step *, call->n);
    for (uint32_t i = 0; steps && i < call->n; i++)
        steps[i] = call->args[i].step;
    return steps;
}

qn_code qn_build_coalesce(struct qn_build *b, const struct qn_function_call *call,
                          struct qn_step **out)
{
    struct qn_kernel_use use = {.kernel = qn_kernel_coalesce};
    QN_TRY(qn_build_unify(b, call->args, call->n, name_of(b, call), &use.type));
    if (use.type.id == 0)
        return qn_build_null(b, use.type, out);
    struct qn_step **steps = steps_of(b, call);
    if (!steps)
        return qn_complain_nomem(b->complaint);
    return qn_build_call(b, use, steps, call->n, out);
}

qn_code qn_build_nullif(struct qn_build *b, const struct qn_function_call *call,
                        struct qn_step **out)
{
    struct qn_step *x = call->args[0].step, *equal;
    struct qn_kernel_use use = {.kernel = qn_kernel_nullif, .type = x->type};
    *out = x;
    if (x->type.id == 0 || call->args[1].step->type.id == 0)
        return QN_OK;
    QN_TRY(qn_build_compare(b, QN_TOK_EQ, call->args[0], call->args[1], call->ast, &equal));
    return qn_build_call(b, use, (struct qn_step *[]){x, equal}, 2, out);
}

qn_code qn_build_iif(struct qn_build *b, const struct qn_function_call *call, struct qn_step **out)
{
    struct qn_kernel_use use = {.kernel = qn_kernel_case, .number = 1};
    QN_TRY(qn_build_truth(b, call->args[0].ast, &call->args[0].step));
    QN_TRY(qn_build_unify(b, call->args + 1, 2, "iif", &use.type));
    if (use.type.id == 0)
        return qn_build_null(b, use.type, out);
    struct qn_step *steps[] = {call->args[0].step, call->args[1].step, call->args[2].step};
    return qn_build_call(b, use, steps, 3, out);
}

/* greatest and least of those arguments that are no NULL: of two, the one that is there. */
qn_code qn_build_greatest(struct qn_build *b, const struct qn_function_call *call,
                          struct qn_step **out)
{
    struct qn_type type;
    struct qn_operand pair[2] = {call->args[0]};
    QN_TRY(qn_build_unify(b, call->args, call->n, name_of(b, call), &type));
    if (type.id == 0)
        return qn_build_null(b, type, out);
    *out = call->args[0].step;
    for (uint32_t i = 1; i < call->n; i++) {
        struct qn_function_call two = {call->ast, pair, 2, call->number};
        struct qn_kernel_use first = {.kernel = qn_kernel_coalesce};
        struct qn_step *both, *left = *out;
        pair[0] = (struct qn_operand){left, call->args[0].ast};
        pair[1] = call->args[i];
        QN_TRY(qn_build_least(b, &two, &both));
        first.type = both->type;
        QN_TRY(qn_build_call(b, first, (struct qn_step *[]){both, pair[0].step, pair[1].step}, 3,
                             out));
    }
    return type.id == QN_BOOL ? qn_build_cast(b, call->ast, type, out) : QN_OK;
}

/* min and max of the arguments, pair by pair. */
qn_code qn_build_least(struct qn_build *b, const struct qn_function_call *call,
                       struct qn_step **out)
{
    struct qn_type type;
    QN_TRY(qn_build_unify(b, call->args, call->n, name_of(b, call), &type));
    if (type.id == 0)
        return qn_build_null(b, type, out);
    if (type.id == QN_BOOL)
        for (uint32_t i = 0; i < call->n; i++)
            QN_TRY(qn_function_argument(b, call, i, 'N'));
    type = call->args[0].step->type;
    qn_kernel *kernel = type.id == QN_TEXT     ? qn_kernel_least_text
                        : type.id == QN_DOUBLE ? qn_kernel_least_f64
                                               : qn_kernel_least_i64;
    *out = call->args[0].step;
    for (uint32_t i = 1; i < call->n; i++)
        QN_TRY(qn_build_call2(b, kernel, type, call->number, *out, call->args[i].step, out));
    return QN_OK;
}
