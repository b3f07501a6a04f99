/* build: makes the steps of an expression: constants, columns, casts and kernel calls, with
 * constant folding. Complaints point at the syntax that asked for the step. */
#ifndef QN_EXPR_BUILD_H
#define QN_EXPR_BUILD_H

#include "expr/parse.h"
#include "expr/step.h"

struct qn_build {
    struct qn_arena *arena;
    const struct qn_schema *schema;
    struct qn_expr_complaint *complaint;
    struct qn_step **steps; /* in the order made: arguments come first */
    uint32_t n_steps, capacity;
    struct qn_step **table; /* the same by content: equal steps are one */
    uint32_t n_slots;       /* of the table, a power of two */
};

/* An operand: the step and the text it came from. */
struct qn_operand {
    struct qn_step *step;
    const struct qn_ast *ast;
};

static inline struct qn_type qn_type_of(uint8_t id)
{
    return (struct qn_type){.id = id};
}

static inline struct qn_type qn_type_decimal(uint8_t precision, uint8_t scale)
{
    return (struct qn_type){.id = QN_DECIMAL, .precision = precision, .scale = scale};
}

static inline bool qn_step_is_null(const struct qn_step *step)
{
    return step->kind == QN_STEP_CONSTANT && !qn_is_valid(&step->value, 0);
}

static inline bool qn_step_is_text_constant(const struct qn_step *step)
{
    return step->kind == QN_STEP_CONSTANT && step->type.id == QN_TEXT &&
           qn_is_valid(&step->value, 0);
}

static inline bool qn_type_is_temporal(struct qn_type type)
{
    return type.id == QN_DATE || type.id == QN_TIMESTAMP;
}

/* Numbers and booleans, which count as 0 and 1. */
static inline bool qn_type_is_number(struct qn_type type)
{
    return type.id == QN_BOOL || qn_type_is_numeric(type);
}

QN_CHECK qn_code qn_build_column(struct qn_build *b, uint32_t column, struct qn_step **out);
/* A NULL of a type (id 0: of any type). */
QN_CHECK qn_code qn_build_null(struct qn_build *b, struct qn_type type, struct qn_step **out);
/* BOOL and every type laid out as int64. */
QN_CHECK qn_code qn_build_i64(struct qn_build *b, struct qn_type type, int64_t value,
                              struct qn_step **out);
QN_CHECK qn_code qn_build_f64(struct qn_build *b, double value, struct qn_step **out);
QN_CHECK qn_code qn_build_text(struct qn_build *b, struct qn_strv text, struct qn_step **out);

struct qn_kernel_use {
    qn_kernel *kernel;
    struct qn_type type; /* of the result */
    bool strict;
    int64_t number;
    const void *data;
    struct qn_strv key; /* says all of data that arguments and number do not */
};
/* A kernel call; the one made before when they are equal; a constant at once when all arguments
 * are. Arguments are copied. */
QN_CHECK qn_code qn_build_call(struct qn_build *b, struct qn_kernel_use use,
                               struct qn_step *const *args, uint32_t n_args, struct qn_step **out);
/* Short forms for strict kernels of one and two arguments. */
QN_CHECK qn_code qn_build_call1(struct qn_build *b, qn_kernel *kernel, struct qn_type type,
                                int64_t number, struct qn_step *x, struct qn_step **out);
QN_CHECK qn_code qn_build_call2(struct qn_build *b, qn_kernel *kernel, struct qn_type type,
                                int64_t number, struct qn_step *x, struct qn_step *y,
                                struct qn_step **out);

/* cast.c: converts *step in place. Complains about casts that mean nothing, at `ast`. */
QN_CHECK qn_code qn_build_cast(struct qn_build *b, const struct qn_ast *ast, struct qn_type type,
                               struct qn_step **step);
/* NULL constants take a type; a text constant beside a date or timestamp is read as one. */
QN_CHECK qn_code qn_build_temporal_text(struct qn_build *b, struct qn_operand *operand);
/* A text constant beside a number or boolean is read as one: i = '5', b = 'yes'. */
QN_CHECK qn_code qn_build_number_text(struct qn_build *b, struct qn_type beside,
                                      struct qn_operand *operand);
/* Casts all operands to their common type. `what` names the place in a complaint. */
QN_CHECK qn_code qn_build_unify(struct qn_build *b, struct qn_operand *operands, uint32_t n,
                                const char *what, struct qn_type *type);
/* To BOOL, as conditions are read: numbers are true when not zero. */
QN_CHECK qn_code qn_build_truth(struct qn_build *b, const struct qn_ast *ast,
                                struct qn_step **step);

/* operators.c */
QN_CHECK qn_code qn_build_compare(struct qn_build *b, enum qn_token_kind op, struct qn_operand left,
                                  struct qn_operand right, const struct qn_ast *ast,
                                  struct qn_step **out);
QN_CHECK qn_code qn_build_arithmetic(struct qn_build *b, enum qn_token_kind op,
                                     struct qn_operand left, struct qn_operand right,
                                     const struct qn_ast *ast, struct qn_step **out);
QN_CHECK qn_code qn_build_bits(struct qn_build *b, enum qn_token_kind op, struct qn_operand left,
                               struct qn_operand right, const struct qn_ast *ast,
                               struct qn_step **out);
QN_CHECK qn_code qn_build_logic(struct qn_build *b, bool is_and, struct qn_step *left,
                                struct qn_step *right, struct qn_step **out);
QN_CHECK qn_code qn_build_not(struct qn_build *b, struct qn_step *x, struct qn_step **out);

/* functions.c: is there such a function, and does it take so many arguments? */
QN_CHECK qn_code qn_check_function(struct qn_build *b, const struct qn_ast *ast);
/* A checked call over typed arguments. */
QN_CHECK qn_code qn_build_function(struct qn_build *b, const struct qn_ast *ast,
                                   struct qn_operand *args, struct qn_step **out);

/* aggregate_call.c: an aggregate call, argument, order and filter as expressions. */
QN_CHECK qn_code qn_build_aggregate(struct qn_build *b, struct qn_strv text,
                                    struct qn_agg_call *out);

/* type.c: the steps of a syntax tree. */
QN_CHECK qn_code qn_build_ast(struct qn_build *b, const struct qn_ast *ast, struct qn_step **out);
/* Keeps what `result` needs, in order, as an expression. The build may go on to the next one. */
QN_CHECK qn_code qn_build_finish(struct qn_build *b, struct qn_step *result, struct qn_expr **out);

#endif
