/* delong: areas under two ROC curves on the same rows, and the standard error of their difference.
 *
 * A positive row's placement is the share of negative rows that score below it (ties half), a
 * negative row's that of positive rows above it. With D the difference of a row's two placements,
 *     difference = mean D,    variance = var D of positives / m + var D of negatives / n
 * Doubled placements are integers up to twice the rows, so all sums are exact. */
#ifndef QN_JOBS_LEARN_DELONG_H
#define QN_JOBS_LEARN_DELONG_H

#include "jobs/learn/paired.h"

/* At least two rows of each class. */
QN_CHECK qn_code qn_delong_compare(const struct qn_paired *rows, struct qn_paired_result *out,
                                   struct qn_err *err);

#endif
