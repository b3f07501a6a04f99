#include "jobs/learn/folds.h"

#include "base/hash.h"
#include "base/limits.h"

/* Keep what is drawn for folds apart from what is drawn for the split, and samples from folds. */
#define FOLD_SALT UINT64_C(0x666f6c6473)
#define SAMPLE_SALT UINT64_C(0x73616d706c65)

uint64_t qn_folds_hash(const struct qn_column *group, uint32_t row, uint64_t seed)
{
    return qn_split_hash(group, row, qn_mix64(seed ^ FOLD_SALT));
}

bool qn_folds_sampled(uint64_t hash, double share)
{
    return share >= 1 || (double)(qn_mix64(hash ^ SAMPLE_SALT) >> 11) < share * 0x1p53;
}

/* How full a fold is with what the bucket brings: each class by its share of all. */
static double fullness(const uint64_t held[2], const uint64_t brought[2], const uint64_t all[2])
{
    double sum = 0;
    for (int c = 0; c < 2; c++)
        if (brought[c])
            sum += (double)brought[c] / (double)all[c] * (double)held[c];
    return sum;
}

void qn_folds_deal(struct qn_folds *folds, uint32_t n, const struct qn_split_counts *counts)
{
    uint64_t all[2] = {0}, held[QN_MAX_FOLDS][2] = {{0}};
    for (uint32_t b = 0; b < QN_SPLIT_BUCKETS; b++)
        for (int c = 0; c < 2; c++)
            all[c] += counts->rows[b][c];
    folds->n = n;
    for (uint32_t b = 0; b < QN_SPLIT_BUCKETS; b++) {
        const uint64_t *brought = counts->rows[b];
        uint32_t best = 0;
        double least = fullness(held[0], brought, all);
        for (uint32_t f = 1; f < n; f++) {
            double here = fullness(held[f], brought, all);
            if (here < least) {
                least = here;
                best = f;
            }
        }
        folds->of_bucket[b] = (uint8_t)best;
        held[best][0] += brought[0];
        held[best][1] += brought[1];
    }
}
