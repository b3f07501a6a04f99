/* drift: how far apart two samples of rows are, told by how many of each fall into the same bins.
 *
 *   psi   sum over bins of (q - p) ln(q / p), p and q being the bins' shares of either sample: the
 *         population stability index. Below 0.1 little, above 0.25 much has changed, they say.
 *   js    the Jensen-Shannon divergence in bits: half of sum p log2(p / m) + half of
 *         sum q log2(q / m), m = (p + q) / 2. Between 0 and 1.
 *
 * A bin that is empty on one side would make psi infinite: it counts as half a row there. A bin
 * that is empty on both sides adds nothing. Sums go over bins in their order. */
#ifndef QN_JOBS_LEARN_DRIFT_H
#define QN_JOBS_LEARN_DRIFT_H

#include <stdint.h>

enum qn_drift_metric { QN_DRIFT_PSI, QN_DRIFT_JS, QN_N_DRIFT_METRICS };
const char *qn_drift_metric_name(enum qn_drift_metric metric); /* "psi", "js" */

/* Rows by bin of both samples. NaN when one of them has no rows. */
double qn_drift_measure(enum qn_drift_metric metric, const uint64_t *before, const uint64_t *now,
                        uint32_t n_bins);

#endif
