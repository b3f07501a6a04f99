/* eval: runs the steps of an expression over a batch. */
#include <string.h>

#include "expr/step.h"

qn_code qn_call_nomem(struct qn_call *call)
{
    return qn_err_nomem(call->err, "the values of an expression");
}

qn_code qn_call_values(struct qn_call *call, struct qn_column *out)
{
    size_t width = qn_type_layout(out->type) == QN_LAYOUT_BOOL ? 1 : 8;
    out->bytes = qn_arena_alloc(call->arena, width * call->n);
    return out->bytes ? QN_OK : qn_call_nomem(call);
}

qn_code qn_call_own_validity(struct qn_call *call, struct qn_column *out)
{
    if (call->owns_validity)
        return QN_OK;
    size_t bytes = qn_validity_words(call->n) * sizeof(uint64_t);
    uint64_t *own = qn_arena_alloc(call->arena, bytes);
    if (!own)
        return qn_call_nomem(call);
    if (out->validity)
        memcpy(own, out->validity, bytes);
    else
        memset(own, 0xFF, bytes);
    out->validity = own;
    call->owns_validity = true;
    return QN_OK;
}

uint64_t qn_vec_bool_word(const struct qn_vec *vec, size_t word, uint32_t n)
{
    if (vec->constant)
        return vec->column.bools[0] ? ~UINT64_C(0) : 0;
    const uint8_t *at = vec->column.bools + word * 64;
    size_t left = n - word * 64;
    uint64_t bits = 0;
    if (left >= 64) {
        /* The multiplication gathers the low bits of eight bytes into the top byte. */
        for (unsigned i = 0; i < 8; i++) {
            uint64_t eight;
            memcpy(&eight, at + i * 8, sizeof eight);
            eight &= UINT64_C(0x0101010101010101);
            bits |= (eight * UINT64_C(0x0102040810204080) >> 56) << (i * 8);
        }
        return bits;
    }
    for (size_t i = 0; i < left; i++)
        bits |= (uint64_t)(at[i] & 1) << i;
    return bits;
}

void qn_bools_put_word(uint8_t *bools, size_t word, uint32_t n, uint64_t bits)
{
    uint8_t *at = bools + word * 64;
    size_t left = n - word * 64 < 64 ? n - word * 64 : 64;
    for (size_t i = 0; left == 64 && i < 64; i += 8) {
        /* Eight copies of a byte, of each its own bit, then any bit to the lowest. */
        uint64_t eight = (bits >> i & 0xFF) * UINT64_C(0x0101010101010101);
        eight &= UINT64_C(0x8040201008040201);
        eight = (eight + UINT64_C(0x7F7F7F7F7F7F7F7F)) >> 7 & UINT64_C(0x0101010101010101);
        memcpy(at + i, &eight, sizeof eight);
    }
    for (size_t i = 0; left < 64 && i < left; i++)
        at[i] = (uint8_t)(bits >> i & 1);
}

/* Rows where every argument has a value. Shares the bitmap when only one argument has NULLs. */
static qn_code strict_validity(struct qn_call *call, struct qn_column *out)
{
    for (uint32_t i = 0; i < call->n_args; i++) {
        const struct qn_vec *arg = call->args[i];
        if (!arg->column.validity)
            continue;
        if (!out->validity && !arg->constant) {
            out->validity = arg->column.validity;
            continue;
        }
        QN_TRY(qn_call_own_validity(call, out));
        for (size_t w = 0; w < qn_validity_words(call->n); w++)
            out->validity[w] &= qn_vec_valid_word(arg, w);
    }
    return QN_OK;
}

qn_code qn_step_run(const struct qn_step *step, const struct qn_vec *const *args, uint32_t n_rows,
                    struct qn_arena *arena, struct qn_vec *out, struct qn_err *err)
{
    *out = (struct qn_vec){.column = {.type = step->type}, .constant = true};
    for (uint32_t i = 0; i < step->n_args; i++)
        out->constant &= args[i]->constant;
    struct qn_call call = {
        .step = step,
        .args = args,
        .n_args = step->n_args,
        .n = out->constant ? 1 : n_rows,
        .arena = arena,
        .err = err,
    };
    if (step->strict)
        QN_TRY(strict_validity(&call, &out->column));
    return step->kernel(&call, &out->column);
}

/* Makes sure that there is a value per row of a step that ran. */
static qn_code need_rows(struct qn_expr_memo *memo, uint32_t slot, struct qn_err *err)
{
    if (memo->have[slot])
        return QN_OK;
    memo->vecs[slot] = (struct qn_vec){0};
    QN_TRY(qn_coded_spread(memo, &memo->coded[slot], &memo->vecs[slot].column, err));
    memo->have[slot] = true;
    return QN_OK;
}

/* Over the distinct texts when all depends on one column of them, else over the rows. */
static qn_code run_kernel(struct qn_expr_memo *memo, const struct qn_step *step,
                          const struct qn_vec **args, struct qn_err *err)
{
    const struct qn_coded *common = qn_coded_common(memo, step);
    for (uint32_t i = 0; i < step->n_args; i++) {
        uint32_t slot = step->args[i]->slot;
        bool by_text = common && memo->coded[slot].codes;
        if (!by_text)
            QN_TRY(need_rows(memo, slot, err));
        args[i] = by_text ? &memo->coded[slot].vec : &memo->vecs[slot];
    }
    if (!common) {
        memo->have[step->slot] = true;
        return qn_step_run(step, args, memo->batch->n_rows, memo->arena, &memo->vecs[step->slot],
                           err);
    }
    struct qn_coded *out = &memo->coded[step->slot];
    out->n = common->n;
    out->codes = common->codes;
    return qn_step_run(step, args, out->n, memo->arena, &out->vec, err);
}

/* Runs the steps that did not run before; the result's slot has rows, codes or both. */
static qn_code run(const struct qn_expr *expr, struct qn_expr_memo *memo, struct qn_err *err)
{
    const struct qn_vec **args =
        QN_NEW_ARRAY(memo->arena, const struct qn_vec *, (size_t)expr->n_arguments + 1);
    if (!args)
        return qn_err_nomem(err, "the steps of an expression");
    for (uint32_t s = 0; s < expr->n_steps; s++) {
        const struct qn_step *step = expr->steps[s];
        struct qn_vec *vec = &memo->vecs[step->slot];
        if (memo->have[step->slot] || memo->coded[step->slot].codes)
            continue;
        if (step->kind == QN_STEP_KERNEL) {
            QN_TRY(run_kernel(memo, step, args, err));
            continue;
        }
        *vec = (struct qn_vec){.column = step->value, .constant = true};
        if (step->kind == QN_STEP_COLUMN) {
            *vec = (struct qn_vec){.column = memo->batch->columns[step->column]};
            QN_TRY(qn_coded_column(memo, &vec->column, &memo->coded[step->slot], err));
        }
        memo->have[step->slot] = true;
    }
    return QN_OK;
}

static uint32_t result_slot(const struct qn_expr *expr)
{
    return expr->steps[expr->n_steps - 1]->slot;
}

static qn_code memo_init(struct qn_expr_memo *memo, uint32_t n_slots, const struct qn_batch *batch,
                         struct qn_arena *arena, struct qn_err *err)
{
    *memo = (struct qn_expr_memo){
        .batch = batch,
        .arena = arena,
        .vecs = QN_NEW_ARRAY(arena, struct qn_vec, n_slots),
        .coded = QN_NEW_ARRAY(arena, struct qn_coded, n_slots),
        .have = QN_NEW_ARRAY(arena, bool, n_slots),
    };
    return memo->vecs && memo->coded && memo->have
               ? QN_OK
               : qn_err_nomem(err, "the steps of an expression");
}

qn_code qn_expr_memo_new(const struct qn_expr_scope *scope, const struct qn_batch *batch,
                         struct qn_arena *arena, struct qn_expr_memo **out, struct qn_err *err)
{
    *out = QN_NEW(arena, struct qn_expr_memo);
    if (!*out)
        return qn_err_nomem(err, "the steps of an expression");
    return memo_init(*out, qn_expr_scope_slots(scope), batch, arena, err);
}

/* Slots of an expression on its own: its result was made last. */
static uint32_t slots_of(const struct qn_expr *expr)
{
    return result_slot(expr) + 1;
}

/* Writes a constant out as n rows. */
static qn_code spread(const struct qn_column *one, uint32_t n, struct qn_arena *arena,
                      struct qn_column *out, struct qn_err *err)
{
    uint32_t *rows = QN_NEW_ARRAY(arena, uint32_t, n);
    if (!rows)
        return qn_err_nomem(err, "a constant column");
    return qn_column_take(arena, one, 1, rows, n, out, err);
}

qn_code qn_expr_eval_in(const struct qn_expr *expr, struct qn_expr_memo *memo,
                        struct qn_column *out, struct qn_err *err)
{
    QN_TRY(run(expr, memo, err));
    QN_TRY(need_rows(memo, result_slot(expr), err));
    const struct qn_vec *result = &memo->vecs[result_slot(expr)];
    if (result->constant)
        return spread(&result->column, memo->batch->n_rows, memo->arena, out, err);
    *out = result->column;
    return QN_OK;
}

qn_code qn_expr_eval(const struct qn_expr *expr, const struct qn_batch *batch,
                     struct qn_arena *arena, struct qn_column *out, struct qn_err *err)
{
    struct qn_expr_memo memo;
    QN_TRY(memo_init(&memo, slots_of(expr), batch, arena, err));
    return qn_expr_eval_in(expr, &memo, out, err);
}

/* One bit a row for numbers that are not zero. */
static uint64_t truth_word(const struct qn_vec *vec, size_t word, uint32_t n)
{
    enum qn_layout layout = qn_type_layout(vec->column.type);
    if (layout == QN_LAYOUT_BOOL)
        return qn_vec_bool_word(vec, word, n);
    uint64_t bits = 0;
    size_t left = n - word * 64 < 64 ? n - word * 64 : 64;
    for (size_t i = 0; i < left; i++) {
        size_t row = vec->constant ? 0 : word * 64 + i;
        bool truth = layout == QN_LAYOUT_F64 ? vec->column.f64[row] != 0.0
                                             : layout == QN_LAYOUT_I64 && vec->column.i64[row] != 0;
        bits |= (uint64_t)truth << i;
    }
    return bits;
}

/* Whether the condition is true of the row, of the text of that code. */
static uint64_t is_true(const struct qn_vec *vec, uint32_t row, uint32_t n)
{
    uint64_t bits = truth_word(vec, row / 64, n) & qn_vec_valid_word(vec, row / 64);
    return bits >> (row % 64) & 1;
}

/* Which texts are wanted, then which rows hold one of them, without a branch. */
static qn_code filter_coded(struct qn_expr_memo *memo, const struct qn_coded *coded, uint32_t *rows,
                            uint32_t *n, struct qn_err *err)
{
    const uint16_t *codes = coded->codes;
    const uint32_t n_rows = memo->batch->n_rows;
    uint8_t *wanted = qn_arena_alloc(memo->arena, coded->n);
    if (!wanted)
        return qn_err_nomem(err, "a filter");
    for (uint32_t k = 0; k < coded->n; k++)
        wanted[k] = (uint8_t)is_true(&coded->vec, k, coded->n);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < n_rows; i++) {
        rows[taken] = i;
        taken += wanted[codes[i]];
    }
    *n = taken;
    return QN_OK;
}

qn_code qn_expr_filter_in(const struct qn_expr *expr, struct qn_expr_memo *memo, uint32_t *rows,
                          uint32_t *n, struct qn_err *err)
{
    QN_TRY(run(expr, memo, err));
    if (!memo->have[result_slot(expr)])
        return filter_coded(memo, &memo->coded[result_slot(expr)], rows, n, err);
    const struct qn_vec *result = &memo->vecs[result_slot(expr)];
    const uint32_t n_rows = memo->batch->n_rows;
    uint32_t taken = 0;
    for (size_t w = 0; w < qn_validity_words(n_rows); w++) {
        uint64_t bits = truth_word(result, w, n_rows) & qn_vec_valid_word(result, w);
        uint32_t left = n_rows - (uint32_t)w * 64;
        if (left < 64)
            bits &= (UINT64_C(1) << left) - 1;
        for (; bits; bits &= bits - 1)
            rows[taken++] = (uint32_t)w * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    *n = taken;
    return QN_OK;
}

static void mark_codes(const uint64_t *by_code, const uint16_t *codes, uint32_t n_rows,
                       uint64_t *marks)
{
    for (uint32_t row = 0; row < n_rows; row++)
        marks[row] = by_code[codes[row]];
}

/* What is marked of texts that the conditions share is looked up once a row. *by_code lives in the
 * memo's arena. */
static qn_code mark_coded(struct qn_expr *const *conditions, uint32_t n, struct qn_expr_memo *memo,
                          const struct qn_coded *shared, uint64_t **by_code, uint64_t *marks,
                          struct qn_err *err)
{
    *by_code = QN_NEW_ARRAY(memo->arena, uint64_t, shared->n);
    if (!*by_code)
        return qn_err_nomem(err, "a filter");
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_coded *coded = &memo->coded[result_slot(conditions[i])];
        for (uint32_t k = 0; coded->codes == shared->codes && k < shared->n; k++)
            (*by_code)[k] |= is_true(&coded->vec, k, coded->n) << i;
    }
    mark_codes(*by_code, shared->codes, memo->batch->n_rows, marks);
    return QN_OK;
}

/* The one column that all conditions are about, if it has codes; else NULL. */
static const struct qn_column *coded_subject(struct qn_expr *const *conditions, uint32_t n,
                                             const struct qn_batch *batch)
{
    const struct qn_column *subject = NULL;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t s = 0; s < conditions[i]->n_steps; s++) {
            const struct qn_step *step = conditions[i]->steps[s];
            if (step->kind != QN_STEP_COLUMN)
                continue;
            if (subject && subject != &batch->columns[step->column])
                return NULL;
            subject = &batch->columns[step->column];
        }
    return subject && subject->codes ? subject : NULL;
}

static bool is_known(const struct qn_expr_marks *known, const struct qn_column *subject)
{
    return known->dictionary == subject->dictionary->id && known->n == subject->dictionary->n &&
           known->nulls == (subject->validity != NULL);
}

static void keep_marks(struct qn_expr_marks *known, const struct qn_column *subject,
                       const uint64_t *by_code)
{
    known->dictionary = subject->dictionary->id;
    known->n = subject->dictionary->n;
    known->nulls = subject->validity != NULL;
    memcpy(known->by_code, by_code, known->n * sizeof *by_code);
}

static void mark_rows(const struct qn_vec *result, uint32_t bit, uint32_t n_rows, uint64_t *marks)
{
    for (uint32_t row = 0; row < n_rows; row += 64) {
        uint64_t bits = truth_word(result, row / 64, n_rows) & qn_vec_valid_word(result, row / 64);
        uint32_t few = n_rows - row < 64 ? n_rows - row : 64;
        for (uint32_t i = 0; i < few; i++)
            marks[row + i] |= (bits >> i & 1) << bit;
    }
}

/* Of conditions whose results have a value per row, or codes that others do not share. */
static qn_code mark_others(struct qn_expr *const *conditions, uint32_t n, struct qn_expr_memo *memo,
                           const struct qn_coded *shared, uint64_t *marks, struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t slot = result_slot(conditions[i]);
        if (shared && memo->coded[slot].codes == shared->codes)
            continue;
        QN_TRY(need_rows(memo, slot, err));
        mark_rows(&memo->vecs[slot], i, memo->batch->n_rows, marks);
    }
    return QN_OK;
}

qn_code qn_expr_marks_in(struct qn_expr *const *conditions, uint32_t n, struct qn_expr_memo *memo,
                         struct qn_expr_marks *known, uint64_t *marks, struct qn_err *err)
{
    const struct qn_column *subject = known ? coded_subject(conditions, n, memo->batch) : NULL;
    const struct qn_coded *shared = NULL;
    uint64_t *by_code = NULL;
    uint32_t n_rows = memo->batch->n_rows, n_shared = 0;
    if (subject && is_known(known, subject)) {
        mark_codes(known->by_code, subject->codes, n_rows, marks);
        return QN_OK;
    }
    for (uint32_t i = 0; i < n; i++) {
        QN_TRY(run(conditions[i], memo, err));
        const struct qn_coded *coded = &memo->coded[result_slot(conditions[i])];
        if (!shared && coded->codes)
            shared = coded;
        n_shared += shared && coded->codes == shared->codes;
    }
    if (shared)
        QN_TRY(mark_coded(conditions, n, memo, shared, &by_code, marks, err));
    else if (n_rows)
        memset(marks, 0, n_rows * sizeof *marks);
    if (subject && n_shared == n)
        keep_marks(known, subject, by_code);
    return mark_others(conditions, n, memo, shared, marks, err);
}

qn_code qn_expr_filter(const struct qn_expr *expr, const struct qn_batch *batch,
                       struct qn_arena *arena, uint32_t *rows, uint32_t *n, struct qn_err *err)
{
    struct qn_expr_memo memo;
    QN_TRY(memo_init(&memo, slots_of(expr), batch, arena, err));
    return qn_expr_filter_in(expr, &memo, rows, n, err);
}

struct qn_type qn_expr_type(const struct qn_expr *expr)
{
    return expr->type;
}

void qn_expr_columns(const struct qn_expr *expr, bool *used)
{
    for (uint32_t s = 0; s < expr->n_steps; s++)
        if (expr->steps[s]->kind == QN_STEP_COLUMN)
            used[expr->steps[s]->column] = true;
}
