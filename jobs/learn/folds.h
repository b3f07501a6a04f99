/* folds: training rows in k parts of much the same size and share of positives, for fits that leave
 * one part out and are measured on it.
 *
 * Rows fall into 2^16 buckets by the hash of their group (fold_hash); a bucket is never divided, so
 * rows of one group stay together. Buckets are dealt in order, each to the fold that has the least
 * of the classes it brings. Counts are integers: neither the order of rows nor how they are cut
 * matters. */
#ifndef QN_JOBS_LEARN_FOLDS_H
#define QN_JOBS_LEARN_FOLDS_H

#include "flow/batch.h"
#include "jobs/learn/split.h"

struct qn_folds {
    uint32_t n;
    uint8_t of_bucket[QN_SPLIT_BUCKETS];
};

/* Of the value that names a row's group; has nothing to do with the hash that splits rows. */
uint64_t qn_folds_hash(const struct qn_column *group, uint32_t row, uint64_t seed);

/* Whether a row is of a sample: the same rows for all candidates, all of them for share 1; rows of
 * one group are in or out together, and a larger share's sample holds a smaller one's. */
bool qn_folds_sampled(uint64_t hash, double share);

/* n: 2..QN_MAX_FOLDS. */
void qn_folds_deal(struct qn_folds *folds, uint32_t n, const struct qn_split_counts *counts);
static inline uint32_t qn_folds_of(const struct qn_folds *folds, uint64_t hash)
{
    return folds->of_bucket[hash >> 48];
}

#endif
