/* numeric: values of a numeric or boolean column as doubles. */
#ifndef QN_JOBS_LEARN_NUMERIC_H
#define QN_JOBS_LEARN_NUMERIC_H

#include "flow/batch.h"

/* Larger magnitudes are refused: their squares would overflow. */
#define QN_NUMERIC_LARGEST 1e140

/* Rows rows[0..n) of a column into out; NaN where there is no value. Decimals give the nearest
 * double. QN_EINPUT (blame input) names `name` when a value is not finite or too large. */
QN_CHECK qn_code qn_numeric_take(const struct qn_column *column, const char *name,
                                 const uint32_t *rows, uint32_t n, double *out, struct qn_err *err);

#endif
