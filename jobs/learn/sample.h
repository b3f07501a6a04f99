/* sample: the k values whose rows hash lowest: a uniform sample that does not depend on order or
 * chunks, for medians and bins. The k smallest of a union are the k smallest of the parts' k
 * smallest, so it merges; with at most k rows it holds them all, and the median is exact.
 *
 * Rows are told apart by hash; rows of equal hash (one key) are ordered by value, so that ties
 * do not bring order back in. */
#ifndef QN_JOBS_LEARN_SAMPLE_H
#define QN_JOBS_LEARN_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct qn_sample_item {
    uint64_t hash;
    double value;
};

struct qn_sample {
    struct qn_sample_item *items; /* up to 1.5 k of them, unsorted; cut to k when full */
    uint32_t n, capacity, k;
    bool full;                     /* it was cut: */
    struct qn_sample_item highest; /* of what was kept, so that others need not come in at all */
};

void qn_sample_init(struct qn_sample *sample, uint32_t k);
void qn_sample_fini(struct qn_sample *sample);
QN_CHECK qn_code qn_sample_add(struct qn_sample *sample, uint64_t hash, double value,
                               struct qn_err *err);
/* The k lowest by value, ascending, in items[0..n). */
QN_CHECK qn_code qn_sample_sort(struct qn_sample *sample, struct qn_err *err);
/* The middle value of the k lowest, or the mean of the middle two; NaN when empty. Reorders. */
QN_CHECK qn_code qn_sample_median(struct qn_sample *sample, double *median, struct qn_err *err);

void qn_sample_pack(struct qn_buf *out, struct qn_sample *sample); /* cuts to k first */
QN_CHECK qn_code qn_sample_merge(struct qn_sample *sample, struct qn_unpack *in,
                                 struct qn_err *err);

#endif
