/* step: one vector operation of a compiled expression, and the values that flow between steps.
 *
 * An expression is a list of steps in which arguments come before what uses them, so evaluation is
 * one loop without recursion and a shared operand is computed once. A kernel sees whole vectors;
 * a vector whose `constant` is set holds one row that stands for all of them, so constants are not
 * written out. */
#ifndef QN_EXPR_STEP_H
#define QN_EXPR_STEP_H

#include "expr/expr.h"

struct qn_vec {
    struct qn_column column;
    bool constant; /* row 0 stands for every row */
};

/* The other form of a vector that depends on nothing but a text column with few distinct texts: a
 * row for each of them. */
struct qn_coded {
    struct qn_vec vec;
    const uint16_t *codes; /* by row of the batch: the row of vec; NULL: there is no such form */
    uint32_t n;            /* rows of vec */
};

struct qn_step;

/* What a kernel is given. Kernels fill the values of n rows (1 when all arguments are constant). */
struct qn_call {
    const struct qn_step *step;
    const struct qn_vec *const *args;
    uint32_t n_args, n;
    struct qn_arena *arena;
    bool owns_validity; /* out->validity may be written */
    struct qn_err *err;
};

/* `out` has its type set, and for strict steps the validity of the arguments together.
 * QN_ENOMEM only. */
typedef qn_code qn_kernel(struct qn_call *call, struct qn_column *out);

enum qn_step_kind { QN_STEP_COLUMN, QN_STEP_CONSTANT, QN_STEP_KERNEL };

struct qn_step {
    enum qn_step_kind kind;
    struct qn_type type; /* id 0: a NULL that nobody gave a type yet */
    bool strict;         /* a NULL argument gives NULL */
    bool live;           /* the result depends on it */
    uint32_t slot;       /* where its vector is kept during evaluation: its place in the build */
    uint32_t column;     /* COLUMN: position in the schema */
    qn_kernel *kernel;
    struct qn_step **args;
    uint32_t n_args;
    struct qn_column value; /* CONSTANT: one row */
    int64_t number;         /* the kernel's own: an operator, a unit, a factor */
    const void *data;       /* the kernel's own, in the expression's arena */
    struct qn_strv key;     /* stands for data where steps are compared */
};

struct qn_expr {
    struct qn_step *const *steps; /* the live ones, arguments first; the last is the result */
    uint32_t n_steps;
    uint32_t n_arguments; /* most arguments of a step */
    struct qn_type type;
};

/* The vectors of steps that ran over one batch, by slot. */
struct qn_expr_memo {
    const struct qn_batch *batch;
    struct qn_arena *arena;
    struct qn_vec *vecs;    /* where have[slot] */
    struct qn_coded *coded; /* where codes are set */
    bool *have;
};

/* coded.c. The form by distinct texts of a column, if it has one that is worth it. */
QN_CHECK qn_code qn_coded_column(struct qn_expr_memo *memo, const struct qn_column *column,
                                 struct qn_coded *out, struct qn_err *err);
/* The codes that all arguments of a kernel have in common, constants aside; NULL: none. */
const struct qn_coded *qn_coded_common(const struct qn_expr_memo *memo, const struct qn_step *step);
/* A value per row of the batch. */
QN_CHECK qn_code qn_coded_spread(struct qn_expr_memo *memo, const struct qn_coded *coded,
                                 struct qn_column *out, struct qn_err *err);

/* Runs one step over its arguments' vectors. */
QN_CHECK qn_code qn_step_run(const struct qn_step *step, const struct qn_vec *const *args,
                             uint32_t n_rows, struct qn_arena *arena, struct qn_vec *out,
                             struct qn_err *err);

/* For kernels. Room for the values of fixed-width results, not initialised. */
QN_CHECK qn_code qn_call_values(struct qn_call *call, struct qn_column *out);
/* A validity that the kernel may clear bits of. */
QN_CHECK qn_code qn_call_own_validity(struct qn_call *call, struct qn_column *out);
QN_CHECK qn_code qn_call_nomem(struct qn_call *call);
/* DOUBLE results: NaN stands for NULL until the end of a kernel, as in SQLite. */
QN_CHECK qn_code qn_call_nan_to_null(struct qn_call *call, struct qn_column *out);

static inline bool qn_vec_valid(const struct qn_vec *vec, uint32_t row)
{
    return qn_is_valid(&vec->column, vec->constant ? 0 : row);
}

static inline struct qn_strv qn_vec_text(const struct qn_vec *vec, uint32_t row)
{
    return qn_text_at(&vec->column, vec->constant ? 0 : row);
}

static inline int64_t qn_vec_i64(const struct qn_vec *vec, uint32_t row)
{
    return vec->column.i64[vec->constant ? 0 : row];
}

/* Bit i: row 64 * word + i has a value. */
static inline uint64_t qn_vec_valid_word(const struct qn_vec *vec, size_t word)
{
    if (!vec->column.validity)
        return ~UINT64_C(0);
    if (vec->constant)
        return vec->column.validity[0] & 1 ? ~UINT64_C(0) : 0;
    return vec->column.validity[word];
}

/* Bit i: row 64 * word + i of a BOOL vector of n rows is 1 (whether valid or not). */
uint64_t qn_vec_bool_word(const struct qn_vec *vec, size_t word, uint32_t n);
/* The opposite: 64 bits to bytes 0 and 1; writes at most n - 64 * word of them. */
void qn_bools_put_word(uint8_t *bools, size_t word, uint32_t n, uint64_t bits);

#endif
