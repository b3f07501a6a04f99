/* curves: what plots and lift tables need of scores, from exact ranks and counts.
 *
 *   bins     rows by score: ten of equal width and fifty for a histogram, or by rank: tenths from
 *            the highest score down. Rows of one score stay together, in the tenth of their middle
 *            rank, so tenths may be uneven
 *   points   along the thresholds, from the highest down: where either class gains a hundredth
 *
 * Scores must be sorted (qn_scores_sort). */
#ifndef QN_JOBS_LEARN_CURVES_H
#define QN_JOBS_LEARN_CURVES_H

#include "jobs/learn/metrics.h"

enum qn_bin_kind { QN_BINS_WIDTH, QN_BINS_DECILE, QN_BINS_HISTOGRAM, QN_N_BIN_KINDS };
const char *qn_bin_kind_name(enum qn_bin_kind kind); /* "width", "decile", "histogram" */

struct qn_bin {
    uint32_t number; /* from 1; of tenths 1 is the one with the highest scores */
    uint64_t rows, positives;
    double low, high; /* WIDTH, HISTOGRAM: its edges; DECILE: its lowest and highest score */
    double mean_score;
    double lift; /* its share of positives over that of all rows; NaN without positives */
    double gain; /* the share of all positives in it and in bins of higher scores */
};
enum { QN_MOST_BINS = 50 };

/* Bins that hold rows; returns how many. */
uint32_t qn_bins_of(const struct qn_scores *scores, enum qn_bin_kind kind,
                    struct qn_bin out[QN_MOST_BINS]);

struct qn_curve_point {
    double threshold;                         /* rows from here on up are called positive */
    uint64_t true_positives, false_positives; /* of those */
};
enum { QN_MOST_POINTS = 202 };

/* Returns how many; none without rows of both classes. */
uint32_t qn_curve_of(const struct qn_scores *scores, struct qn_curve_point out[QN_MOST_POINTS]);

#endif
