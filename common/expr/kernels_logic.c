/* kernels_logic: three-valued AND, OR, NOT and IS, 64 rows at a time where NULLs are possible. */
#include "expr/kernels.h"

/* Bitmaps of 64 rows; a row in neither is NULL. */
struct truth {
    uint64_t yes, no;
};

static struct truth truth_word(const struct qn_vec *vec, size_t word, uint32_t n)
{
    uint64_t valid = qn_vec_valid_word(vec, word), bits = qn_vec_bool_word(vec, word, n);
    return (struct truth){valid & bits, valid & ~bits};
}

/* Validity of its own for a kernel that writes every word. */
static qn_code fresh_validity(struct qn_call *call, struct qn_column *out)
{
    out->validity = qn_arena_alloc(call->arena, qn_validity_words(call->n) * sizeof(uint64_t));
    call->owns_validity = true;
    return out->validity ? QN_OK : qn_call_nomem(call);
}

static qn_code combine(struct qn_call *call, struct qn_column *out, bool is_and)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    QN_TRY(fresh_validity(call, out));
    for (size_t w = 0; w < qn_validity_words(call->n); w++) {
        struct truth a = truth_word(x, w, call->n), b = truth_word(y, w, call->n);
        uint64_t yes = is_and ? a.yes & b.yes : a.yes | b.yes;
        uint64_t no = is_and ? a.no | b.no : a.no & b.no;
        qn_bools_put_word(out->bools, w, call->n, yes);
        out->validity[w] = yes | no;
    }
    return QN_OK;
}

static qn_code logic(struct qn_call *call, struct qn_column *out, bool is_and)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    QN_TRY(qn_call_values(call, out));
    if (x->column.validity || y->column.validity || x->constant || y->constant)
        return combine(call, out, is_and);
    const uint8_t *a = x->column.bools, *b = y->column.bools;
    uint8_t *restrict result = out->bools;
    if (is_and) {
        for (uint32_t i = 0; i < call->n; i++)
            result[i] = a[i] & b[i];
    } else {
        for (uint32_t i = 0; i < call->n; i++)
            result[i] = a[i] | b[i];
    }
    return QN_OK;
}

qn_code qn_kernel_and(struct qn_call *call, struct qn_column *out)
{
    return logic(call, out, true);
}

qn_code qn_kernel_or(struct qn_call *call, struct qn_column *out)
{
    return logic(call, out, false);
}

qn_code qn_kernel_not(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0];
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++)
        out->bools[i] = x->column.bools[x->constant ? 0 : i] ^ 1;
    return QN_OK;
}

qn_code qn_kernel_is_null(struct qn_call *call, struct qn_column *out)
{
    uint64_t flip = call->step->number ? 0 : ~UINT64_C(0);
    QN_TRY(qn_call_values(call, out));
    for (size_t w = 0; w < qn_validity_words(call->n); w++)
        qn_bools_put_word(out->bools, w, call->n, qn_vec_valid_word(call->args[0], w) ^ flip);
    return QN_OK;
}

/* True where both have a value and x = y, or neither has one. */
qn_code qn_kernel_is(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (size_t w = 0; w < qn_validity_words(call->n); w++) {
        uint64_t x = qn_vec_valid_word(call->args[1], w), y = qn_vec_valid_word(call->args[2], w);
        uint64_t equal = truth_word(call->args[0], w, call->n).yes;
        qn_bools_put_word(out->bools, w, call->n, equal | ~(x | y));
    }
    return QN_OK;
}

qn_code qn_kernel_is_true(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (size_t w = 0; w < qn_validity_words(call->n); w++)
        qn_bools_put_word(out->bools, w, call->n, truth_word(call->args[0], w, call->n).yes);
    return QN_OK;
}
