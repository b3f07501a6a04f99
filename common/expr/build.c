#include "expr/build.h"

#include <string.h>

#include "base/hash.h"
#include "base/limits.h"

/* --- equal steps are one --------------------------------------------------------------------- */

/* The value of a constant as bytes. */
static struct qn_strv value_bytes(const struct qn_step *step)
{
    const struct qn_column *value = &step->value;
    if (!qn_is_valid(value, 0))
        return (struct qn_strv){"", 0};
    if (value->type.id == QN_TEXT)
        return qn_text_at(value, 0);
    return (struct qn_strv){value->bytes, value->type.id == QN_BOOL ? 1 : sizeof(int64_t)};
}

static uint64_t step_hash(const struct qn_step *step)
{
    uint64_t hash =
        qn_mix64(step->kind | (uint64_t)step->type.id << 8 | (uint64_t)step->column << 32);
    if (step->kind == QN_STEP_CONSTANT) {
        struct qn_strv bytes = value_bytes(step);
        return hash ^ qn_hash64(bytes.data, bytes.len, 1);
    }
    hash = qn_mix64(hash ^ (uint64_t)(uintptr_t)step->kernel ^ (uint64_t)step->number << 20);
    for (uint32_t i = 0; i < step->n_args; i++)
        hash = qn_mix64(hash + (uint64_t)(uintptr_t)step->args[i]);
    return hash;
}

static bool constant_eq(const struct qn_step *a, const struct qn_step *b)
{
    return qn_is_valid(&a->value, 0) == qn_is_valid(&b->value, 0) &&
           qn_strv_eq(value_bytes(a), value_bytes(b));
}

static bool step_eq(const struct qn_step *a, const struct qn_step *b)
{
    if (a->kind != b->kind || !qn_type_eq(a->type, b->type) || a->column != b->column ||
        a->kernel != b->kernel || a->number != b->number || a->n_args != b->n_args ||
        !qn_strv_eq(a->key, b->key))
        return false;
    for (uint32_t i = 0; i < a->n_args; i++)
        if (a->args[i] != b->args[i])
            return false;
    return a->kind != QN_STEP_CONSTANT || constant_eq(a, b);
}

/* Where the table has the step, or the free place for it. */
static struct qn_step **place(struct qn_step **table, uint32_t n_slots, const struct qn_step *step)
{
    uint64_t at = step_hash(step);
    while (table[at & (n_slots - 1)] && !step_eq(table[at & (n_slots - 1)], step))
        at++;
    return &table[at & (n_slots - 1)];
}

/* Room for one step more in both the list and the table. */
static qn_code grow(struct qn_build *b)
{
    if (b->n_steps < b->capacity)
        return QN_OK;
    uint32_t capacity = b->capacity ? b->capacity * 2 : 16, n_slots = capacity * 2;
    struct qn_step **steps = QN_NEW_ARRAY(b->arena, struct qn_step *, capacity);
    struct qn_step **table = QN_NEW_ARRAY(b->arena, struct qn_step *, n_slots);
    if (!steps || !table)
        return qn_complain_nomem(b->complaint);
    for (uint32_t i = 0; i < b->n_steps; i++) {
        steps[i] = b->steps[i];
        *place(table, n_slots, steps[i]) = steps[i];
    }
    b->steps = steps;
    b->table = table;
    b->capacity = capacity;
    b->n_slots = n_slots;
    return QN_OK;
}

static qn_code step_new(struct qn_build *b, struct qn_step step, struct qn_step **out)
{
    QN_TRY(grow(b));
    struct qn_step **at = place(b->table, b->n_slots, &step);
    *out = *at;
    if (*at)
        return QN_OK;
    struct qn_step *made = QN_NEW(b->arena, struct qn_step);
    if (!made)
        return qn_complain_nomem(b->complaint);
    *made = step;
    made->slot = b->n_steps;
    b->steps[b->n_steps++] = made;
    *at = *out = made;
    return QN_OK;
}

/* --- leaves ---------------------------------------------------------------------------------- */

qn_code qn_build_column(struct qn_build *b, uint32_t column, struct qn_step **out)
{
    struct qn_step step = {
        .kind = QN_STEP_COLUMN, .type = b->schema->fields[column].type, .column = column};
    return step_new(b, step, out);
}

static qn_code constant_new(struct qn_build *b, struct qn_column value, struct qn_step **out)
{
    struct qn_step step = {.kind = QN_STEP_CONSTANT, .type = value.type, .value = value};
    return step_new(b, step, out);
}

qn_code qn_build_null(struct qn_build *b, struct qn_type type, struct qn_step **out)
{
    /* Zeroes of every layout: values under a NULL are initialised. */
    struct qn_column value = {.type = type};
    uint64_t *words = QN_NEW_ARRAY(b->arena, uint64_t, 3);
    if (!words)
        return qn_complain_nomem(b->complaint);
    value.validity = words;
    value.i64 = (int64_t *)(words + 1);
    value.offsets = (uint32_t *)(words + 2);
    return constant_new(b, value, out);
}

qn_code qn_build_i64(struct qn_build *b, struct qn_type type, int64_t value, struct qn_step **out)
{
    struct qn_column column = {.type = type, .i64 = QN_NEW(b->arena, int64_t)};
    if (!column.i64)
        return qn_complain_nomem(b->complaint);
    if (type.id == QN_BOOL)
        column.bools[0] = value != 0;
    else
        column.i64[0] = value;
    return constant_new(b, column, out);
}

qn_code qn_build_f64(struct qn_build *b, double value, struct qn_step **out)
{
    struct qn_column column = {.type = qn_type_of(QN_DOUBLE), .f64 = QN_NEW(b->arena, double)};
    if (!column.f64)
        return qn_complain_nomem(b->complaint);
    column.f64[0] = value;
    return constant_new(b, column, out);
}

qn_code qn_build_text(struct qn_build *b, struct qn_strv text, struct qn_step **out)
{
    struct qn_column column = {.type = qn_type_of(QN_TEXT),
                               .bytes = qn_arena_strdup(b->arena, text),
                               .offsets = QN_NEW_ARRAY(b->arena, uint32_t, 2)};
    if (!column.bytes || !column.offsets)
        return qn_complain_nomem(b->complaint);
    column.offsets[1] = (uint32_t)text.len;
    return constant_new(b, column, out);
}

static qn_code constant_from(struct qn_build *b, const struct qn_column *value,
                             struct qn_step **out)
{
    if (!qn_is_valid(value, 0))
        return qn_build_null(b, value->type, out);
    switch (qn_type_layout(value->type)) {
    case QN_LAYOUT_BOOL: return qn_build_i64(b, value->type, value->bools[0], out);
    case QN_LAYOUT_I64: return qn_build_i64(b, value->type, value->i64[0], out);
    case QN_LAYOUT_F64: return qn_build_f64(b, value->f64[0], out);
    default: return qn_build_text(b, qn_text_at(value, 0), out);
    }
}

/* Runs a step over its constant arguments. Long texts stay a step that runs per batch, so that
 * nested replace() calls cannot fill the memory at compile time; *out is NULL then. */
static qn_code fold(struct qn_build *b, const struct qn_step *step, struct qn_step **out)
{
    struct qn_arena scratch;
    qn_arena_init(&scratch);
    struct qn_vec *vecs = QN_NEW_ARRAY(&scratch, struct qn_vec, (size_t)step->n_args + 1);
    const struct qn_vec **args =
        QN_NEW_ARRAY(&scratch, const struct qn_vec *, (size_t)step->n_args + 1);
    qn_code code = vecs && args ? QN_OK : QN_ENOMEM;
    struct qn_vec result;
    if (code == QN_OK) {
        for (uint32_t i = 0; i < step->n_args; i++) {
            vecs[i] = (struct qn_vec){.column = step->args[i]->value, .constant = true};
            args[i] = &vecs[i];
        }
        code = qn_step_run(step, args, 1, &scratch, &result, NULL);
    }
    *out = NULL;
    if (code != QN_OK)
        code = qn_complain_nomem(b->complaint);
    else if (step->type.id != QN_TEXT || qn_text_at(&result.column, 0).len <= QN_MAX_EXPR_BYTES)
        code = constant_from(b, &result.column, out);
    qn_arena_fini(&scratch);
    return code;
}

qn_code qn_build_call(struct qn_build *b, struct qn_kernel_use use, struct qn_step *const *args,
                      uint32_t n_args, struct qn_step **out)
{
    bool constant = true;
    for (uint32_t i = 0; i < n_args; i++) {
        if (use.strict && qn_step_is_null(args[i]))
            return qn_build_null(b, use.type, out);
        constant &= args[i]->kind == QN_STEP_CONSTANT;
    }
    struct qn_step step = {.kind = QN_STEP_KERNEL,
                           .type = use.type,
                           .strict = use.strict,
                           .kernel = use.kernel,
                           .n_args = n_args,
                           .number = use.number,
                           .data = use.data,
                           .key = use.key};
    step.args = QN_NEW_ARRAY(b->arena, struct qn_step *, (size_t)n_args + 1);
    if (!step.args)
        return qn_complain_nomem(b->complaint);
    for (uint32_t i = 0; i < n_args; i++)
        step.args[i] = args[i];
    if (constant) {
        QN_TRY(fold(b, &step, out));
        if (*out)
            return QN_OK;
    }
    return step_new(b, step, out);
}

qn_code qn_build_call1(struct qn_build *b, qn_kernel *kernel, struct qn_type type, int64_t number,
                       struct qn_step *x, struct qn_step **out)
{
    struct qn_kernel_use use = {.kernel = kernel, .type = type, .strict = true, .number = number};
    return qn_build_call(b, use, &x, 1, out);
}

qn_code qn_build_call2(struct qn_build *b, qn_kernel *kernel, struct qn_type type, int64_t number,
                       struct qn_step *x, struct qn_step *y, struct qn_step **out)
{
    struct qn_kernel_use use = {.kernel = kernel, .type = type, .strict = true, .number = number};
    return qn_build_call(b, use, (struct qn_step *[]){x, y}, 2, out);
}

/* Arguments are made before what uses them, so one pass backwards finds what is needed. The result
 * is the last of them. */
static uint32_t mark_live(struct qn_build *b, struct qn_step *result, uint32_t *n_arguments)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_steps; i++)
        b->steps[i]->live = false;
    result->live = true;
    for (uint32_t i = b->n_steps; i-- > 0;) {
        struct qn_step *step = b->steps[i];
        if (!step->live)
            continue;
        n++;
        if (step->n_args > *n_arguments)
            *n_arguments = step->n_args;
        for (uint32_t a = 0; a < step->n_args; a++)
            step->args[a]->live = true;
    }
    return n;
}

qn_code qn_build_finish(struct qn_build *b, struct qn_step *result, struct qn_expr **out)
{
    struct qn_expr *expr = QN_NEW(b->arena, struct qn_expr);
    uint32_t n_arguments = 0;
    uint32_t n = mark_live(b, result, &n_arguments);
    struct qn_step **live = QN_NEW_ARRAY(b->arena, struct qn_step *, n);
    if (!expr || !live)
        return qn_complain_nomem(b->complaint);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < b->n_steps; i++)
        if (b->steps[i]->live)
            live[kept++] = b->steps[i];
    *expr = (struct qn_expr){
        .steps = live, .n_steps = n, .n_arguments = n_arguments, .type = result->type};
    *out = expr;
    return QN_OK;
}
