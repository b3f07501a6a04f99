/* functions: how calls become steps. The table itself is functions.def. */
#ifndef QN_EXPR_FUNCTIONS_H
#define QN_EXPR_FUNCTIONS_H

#include "expr/build.h"

/* Checked arguments of one call. */
struct qn_function_call {
    const struct qn_ast *ast;
    struct qn_operand *args;
    uint32_t n;
    int64_t number; /* the table's */
};

/* Builds the steps of a call whose types the table alone does not decide. */
typedef qn_code qn_function_build(struct qn_build *b, const struct qn_function_call *call,
                                  struct qn_step **out);

/* functions_number.c, functions_choice.c, functions_text.c, functions_date.c */
qn_function_build qn_build_abs, qn_build_sign, qn_build_round, qn_build_integral, qn_build_log;
qn_function_build qn_build_coalesce, qn_build_nullif, qn_build_iif, qn_build_least, qn_build_hex;
qn_function_build qn_build_concat_call, qn_build_concat_ws, qn_build_typeof, qn_build_pi;
qn_function_build qn_build_left, qn_build_right;
qn_function_build qn_build_to_temporal, qn_build_date_diff, qn_build_date_trunc, qn_build_strftime;
qn_function_build qn_build_date_add, qn_build_greatest;
qn_function_build qn_build_date_part, qn_build_moment_part, qn_build_julianday, qn_build_time;

/* Converts an argument by its letter of functions.def, or complains. */
QN_CHECK qn_code qn_function_argument(struct qn_build *b, const struct qn_function_call *call,
                                      uint32_t i, char letter);

#endif
