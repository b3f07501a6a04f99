/* number: exact arithmetic over sums, so that results do not depend on the order of rows. */
#ifndef QN_JOBS_ETL_NUMBER_H
#define QN_JOBS_ETL_NUMBER_H

#include "base/buf.h"
#include "flow/value.h"

/* numerator / denominator (> 0), to the nearest double, ties to even. */
double qn_ratio_f64(qn_i128 numerator, qn_i128 denominator);

/* numerator / denominator (> 0), to the nearest integer, halves away from zero, as SQL's round. */
qn_i128 qn_ratio_round(qn_i128 numerator, qn_i128 denominator);

/* value rounded to `places` decimals, halves away from zero. */
double qn_round_f64(double value, int places);

void qn_put_i128(struct qn_buf *buf, qn_i128 value);
qn_i128 qn_unpack_i128(struct qn_unpack *in);

#endif
