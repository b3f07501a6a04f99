/* histogram: exact sums of a node's rows by feature and code, from which splits are found.
 *
 * For logistic loss with weights w <= 2^shift the derivatives are |g| <= 2^shift and
 * 0 <= h <= 2^(shift - 2); they are rounded once, to g 2^(30 - shift) and h 2^(32 - shift), and
 * then only added as integers, so neither order nor chunks nor workers change a bit, and a child is
 * exactly its parent without its sibling. */
#ifndef QN_JOBS_LEARN_HISTOGRAM_H
#define QN_JOBS_LEARN_HISTOGRAM_H

#include "jobs/learn/bins.h"

/* Derivatives of one row, rounded: |g| <= 2^30 in the low half, 0 <= h <= 2^30 in the high one. */
struct qn_gradient {
    uint64_t halves;
};

struct qn_sums {
    int64_t g;
    uint64_t h, n; /* n: rows */
};

/* Sums by cell (bins->n_cells of them; see qn_bin_feature.first). */
struct qn_histogram {
    uint32_t n_cells;
    struct qn_sums *cells;
};
QN_CHECK qn_code qn_histogram_init(struct qn_histogram *histogram, uint32_t n_cells,
                                   struct qn_err *err);
void qn_histogram_fini(struct qn_histogram *histogram);

/* Adds up rows of several histograms at a time: memory that is used again; one thread's. */
struct qn_histogram_maker;
QN_CHECK qn_code qn_histogram_maker_new(const struct qn_bins *bins, struct qn_histogram_maker **out,
                                        struct qn_err *err);
void qn_histogram_maker_free(struct qn_histogram_maker *maker);
/* Room for n of them. */
QN_CHECK qn_code qn_histogram_maker_reserve(struct qn_histogram_maker *maker, uint32_t n,
                                            struct qn_err *err);
/* Forgets what was not drained. */
void qn_histogram_maker_clear(struct qn_histogram_maker *maker);
/* Takes rows rows[0..n) (NULL: the rows 0..n; n <= 2^16) of bytes as qn_binner_take() gives them
 * for the i-th histogram. What the maker has no room for goes to `out`, the rest with the drain. */
void qn_histogram_add(struct qn_histogram_maker *maker, uint32_t i, const uint8_t *bytes,
                      const struct qn_gradient *gradients, const uint16_t *rows, uint32_t n,
                      struct qn_histogram *out);
void qn_histogram_drain(struct qn_histogram_maker *maker, uint32_t i, struct qn_histogram *out);

/* all := all + more */
void qn_histogram_join(struct qn_histogram *all, const struct qn_histogram *more);
/* all := all - part, for a part of its rows. */
void qn_histogram_subtract(struct qn_histogram *all, const struct qn_histogram *part);
/* The sums of all its rows: those of any feature's cells. */
struct qn_sums qn_histogram_total(const struct qn_histogram *histogram, const struct qn_bins *bins);

void qn_histogram_pack(struct qn_buf *out, const struct qn_histogram *histogram);
/* Adds packed sums; in->failed on bytes that no pack of as many cells wrote. */
void qn_histogram_merge(struct qn_histogram *histogram, struct qn_unpack *in);

#endif
