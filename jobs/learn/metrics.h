/* metrics: how good scores are against labels, exactly: ranks and counts are integers, sums are
 * exact, so neither the order of rows nor how they were spread changes a bit.
 *
 *   roc_auc             (pairs ranked right + half of the tied ones) / (P N)
 *   roc_auc_std_error   its standard error by DeLong (see delong.h)
 *   average_precision   sum over thresholds, from high to low, of (R_k - R_k-1) precision_k
 *   log_loss            mean of -log(probability of the true label), probabilities kept within
 *                       [2^-52, 1 - 2^-52] as scikit-learn does
 *   brier               mean (score - label)^2
 *   ece                 expected calibration error: ten bins of equal width [i/10, (i+1)/10), mean
 *                       |mean score - share of positives|, weighted by rows
 *   ks                  largest gap between the two classes' cumulative shares
 *   threshold 0.5       a row counts as positive when its score is >= 0.5
 *   best_f1             over all thresholds; the highest one on a tie
 *
 * With one class only, roc_auc, ks, average_precision and best_f1 have no meaning: NaN. */
#ifndef QN_JOBS_LEARN_METRICS_H
#define QN_JOBS_LEARN_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Scores and labels of one split, in any order. */
struct qn_scores {
    uint64_t *items; /* score and label in one sortable word */
    uint64_t n, capacity;
};

void qn_scores_init(struct qn_scores *scores);
void qn_scores_fini(struct qn_scores *scores);
/* QN_EWIRE unless 0 <= score <= 1. */
QN_CHECK qn_code qn_scores_add(struct qn_scores *scores, double score, bool positive,
                               struct qn_err *err);

/* Ascending by score; what reads ranks needs it. */
QN_CHECK qn_code qn_scores_sort(struct qn_scores *scores, struct qn_err *err);
double qn_scores_score(const struct qn_scores *scores, uint64_t row);
static inline bool qn_scores_label(const struct qn_scores *scores, uint64_t row)
{
    return scores->items[row] & 1;
}

struct qn_metrics {
    uint64_t rows, positives;
    uint64_t true_positives, false_positives, true_negatives, false_negatives; /* at 0.5 */
    double base_rate, roc_auc, roc_auc_std_error, average_precision, log_loss, brier, ece, ks;
    double accuracy, precision, recall, f1; /* at 0.5; 0 where the ratio has no rows */
    double best_f1, best_f1_threshold;
};

/* Sorts the scores. */
QN_CHECK qn_code qn_metrics_of(struct qn_scores *scores, struct qn_metrics *out,
                               struct qn_err *err);

/* The metrics by name, in a fixed order: what _quern_model_metrics and promotion rules use. */
struct qn_metric_value {
    const char *name;
    double value;
};
enum { QN_N_METRICS = 20 };
void qn_metrics_list(const struct qn_metrics *metrics, struct qn_metric_value out[QN_N_METRICS]);

#endif
