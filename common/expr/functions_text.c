/* functions_text: calls over texts that treat NULL in their own way, or become other calls. */
#include "expr/functions.h"
#include "expr/kernels.h"

/* Argument i as text, NULL as an empty one. */
static qn_code text_or_empty(struct qn_build *b, const struct qn_function_call *call, uint32_t i,
                             struct qn_step **out)
{
    struct qn_kernel_use use = {.kernel = qn_kernel_coalesce, .type = qn_type_of(QN_TEXT)};
    struct qn_step *steps[2];
    QN_TRY(qn_function_argument(b, call, i, 'T'));
    steps[0] = call->args[i].step;
    QN_TRY(qn_build_text(b, QN_STRV_LIT(""), &steps[1]));
    return qn_build_call(b, use, steps, 2, out);
}

/* The one function for which SQLite takes NULL as an empty text. */
qn_code qn_build_hex(struct qn_build *b, const struct qn_function_call *call, struct qn_step **out)
{
    QN_TRY(text_or_empty(b, call, 0, out));
    return qn_build_call1(b, qn_kernel_hex, qn_type_of(QN_TEXT), 0, *out, out);
}

qn_code qn_build_concat_call(struct qn_build *b, const struct qn_function_call *call,
                             struct qn_step **out)
{
    struct qn_kernel_use use = {
        .kernel = qn_kernel_concat, .type = qn_type_of(QN_TEXT), .strict = true};
    struct qn_step **steps = QN_NEW_ARRAY(b->arena, struct qn_step *, call->n);
    if (!steps)
        return qn_complain_nomem(b->complaint);
    for (uint32_t i = 0; i < call->n; i++)
        QN_TRY(text_or_empty(b, call, i, &steps[i]));
    return qn_build_call(b, use, steps, call->n, out);
}

qn_code qn_build_concat_ws(struct qn_build *b, const struct qn_function_call *call,
                           struct qn_step **out)
{
    struct qn_kernel_use use = {.kernel = qn_kernel_concat_ws, .type = qn_type_of(QN_TEXT)};
    struct qn_step **steps = QN_NEW_ARRAY(b->arena, struct qn_step *, call->n);
    if (!steps)
        return qn_complain_nomem(b->complaint);
    for (uint32_t i = 0; i < call->n; i++) {
        QN_TRY(qn_function_argument(b, call, i, 'T'));
        steps[i] = call->args[i].step;
    }
    return qn_build_call(b, use, steps, call->n, out);
}

/* SQLite's name of the type its column would have, or 'null'. */
qn_code qn_build_typeof(struct qn_build *b, const struct qn_function_call *call,
                        struct qn_step **out)
{
    static const char *const names[] = {
        [0] = "null",         [QN_BOOL] = "integer",  [QN_INT64] = "integer",
        [QN_DOUBLE] = "real", [QN_DECIMAL] = "real",  [QN_TEXT] = "text",
        [QN_DATE] = "text",   [QN_TIMESTAMP] = "text"};
    struct qn_kernel_use is_null = {.kernel = qn_kernel_is_null, .type = qn_type_of(QN_BOOL)};
    struct qn_kernel_use choose = {
        .kernel = qn_kernel_case, .type = qn_type_of(QN_TEXT), .number = 1};
    struct qn_step *steps[3], *x = call->args[0].step;
    QN_TRY(qn_build_call(b, is_null, &x, 1, &steps[0]));
    QN_TRY(qn_build_text(b, QN_STRV_LIT("null"), &steps[1]));
    QN_TRY(qn_build_text(b, qn_strv_from(names[x->type.id]), &steps[2]));
    return qn_build_call(b, choose, steps, 3, out);
}

/* The larger of n and 0, as an integer step. */
static qn_code count_argument(struct qn_build *b, const struct qn_function_call *call,
                              struct qn_step **out)
{
    struct qn_step *zero;
    QN_TRY(qn_function_argument(b, call, 1, 'I'));
    QN_TRY(qn_build_i64(b, qn_type_of(QN_INT64), 0, &zero));
    return qn_build_call2(b, qn_kernel_least_i64, qn_type_of(QN_INT64), 1, call->args[1].step, zero,
                          out);
}

/* left(s, n) is substr(s, 1, n). */
qn_code qn_build_left(struct qn_build *b, const struct qn_function_call *call, struct qn_step **out)
{
    struct qn_kernel_use use = {
        .kernel = qn_kernel_substr, .type = qn_type_of(QN_TEXT), .strict = true};
    struct qn_step *steps[3];
    QN_TRY(qn_function_argument(b, call, 0, 'T'));
    steps[0] = call->args[0].step;
    QN_TRY(qn_build_i64(b, qn_type_of(QN_INT64), 1, &steps[1]));
    QN_TRY(count_argument(b, call, &steps[2]));
    return qn_build_call(b, use, steps, 3, out);
}

/* right(s, n) is what stands before the end: substr(s, length(s) + 1, -n). */
qn_code qn_build_right(struct qn_build *b, const struct qn_function_call *call,
                       struct qn_step **out)
{
    const struct qn_type integer = qn_type_of(QN_INT64);
    struct qn_kernel_use use = {
        .kernel = qn_kernel_substr, .type = qn_type_of(QN_TEXT), .strict = true};
    struct qn_step *steps[3], *zero, *one;
    QN_TRY(qn_function_argument(b, call, 0, 'T'));
    steps[0] = call->args[0].step;
    QN_TRY(qn_build_i64(b, integer, 0, &zero));
    QN_TRY(qn_build_i64(b, integer, 1, &one));
    QN_TRY(qn_build_call1(b, qn_kernel_length, integer, 0, steps[0], &steps[1]));
    QN_TRY(qn_build_call2(b, qn_kernel_arith_i64, integer, QN_TOK_PLUS, steps[1], one, &steps[1]));
    QN_TRY(count_argument(b, call, &steps[2]));
    QN_TRY(
        qn_build_call2(b, qn_kernel_arith_i64, integer, QN_TOK_MINUS, zero, steps[2], &steps[2]));
    return qn_build_call(b, use, steps, 3, out);
}
