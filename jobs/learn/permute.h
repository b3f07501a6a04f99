/* permute: what a feature is worth to a model: by how much a metric of rows gets worse once the
 * feature's values are dealt to other rows.
 *
 *   drop r = metric of the rows - metric with the feature's values in order r  (losses: the other
 *            way round)
 *   value  = mean of the drops, spread = root of their mean squared distance from it
 *
 * Orders come from hashes: of the seed, the feature, the repeat and what tells the row from others,
 * so they do not depend on how rows were cut into chunks. */
#ifndef QN_JOBS_LEARN_PERMUTE_H
#define QN_JOBS_LEARN_PERMUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "jobs/learn/metrics.h"

/* Where a row stands among those that may be drawn, by the hash of its key: evenly in [0, 2^64),
 * and as if drawn anew from what the split made of the same hash. */
uint64_t qn_permute_place(uint64_t key_hash);
/* Whether the row is one of a share of all. Rows of one key go together. */
bool qn_permute_draws(uint64_t place, double share);

/* Into order[n]: rows by their places, those of one key as they came. Into ids[n], in that order:
 * what tells each row from all others. */
QN_CHECK qn_code qn_permute_rank(const uint64_t *places, uint32_t n, uint32_t *order, uint64_t *ids,
                                 struct qn_err *err);

/* Into from[n]: which row's value each row gets. */
QN_CHECK qn_code qn_permute_deal(const uint64_t *ids, uint32_t n, uint64_t seed, uint32_t feature,
                                 uint32_t repeat, uint32_t *from, struct qn_err *err);

struct qn_permute_drops {
    double value, spread;
};
/* n: at least 1. */
struct qn_permute_drops qn_permute_sum(const double *drops, uint32_t n);

/* Metrics that it can be told by: "roc_auc, ..."; -1 where less is better, 1 where more is, 0 of
 * none of them. */
const char *qn_permute_metrics(void);
int qn_permute_sign(const char *metric);
/* NaN where the rows are all of one class. Sorts the scores. */
QN_CHECK qn_code qn_permute_metric(const char *metric, struct qn_scores *scores, double *out,
                                   struct qn_err *err);

#endif
