/* condition: what an expression's columns must meet for it to be true, as far as conditions of one
 * column and constants say it (flow/condition.h). */
#ifndef QN_EXPR_CONDITION_H
#define QN_EXPR_CONDITION_H

#include "expr/expr.h"
#include "flow/condition.h"

/* Comparisons with constants, IN, BETWEEN, IS NULL, and AND, OR and NOT of them; whatever else
 * there is may be true. Columns are the schema's that it was compiled for. In the arena, but
 * constants may be the expression's. *out NULL: it tells nothing. QN_ENOMEM. */
QN_CHECK qn_code qn_expr_condition(const struct qn_expr *expr, struct qn_arena *arena,
                                   const struct qn_condition **out, struct qn_err *err);

#endif
