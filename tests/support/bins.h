/* Bins that are made of numbers of codes alone, without rows that they were fitted on. */
#ifndef QN_TESTS_SUPPORT_BINS_H
#define QN_TESTS_SUPPORT_BINS_H

#include "jobs/learn/bins.h"
#include "tests/support/test.h"

/* Features not laid out yet. Finish the bins. */
static inline void make_features(struct qn_bins *bins, const uint32_t *n_codes, uint32_t n)
{
    qn_bins_init(bins);
    bins->features = QN_NEW_ARRAY(&bins->arena, struct qn_bin_feature, n);
    assert_non_null(bins->features);
    bins->n_features = n;
    for (uint32_t f = 0; f < n; f++)
        bins->features[f].n_codes = n_codes[f];
}

#endif
