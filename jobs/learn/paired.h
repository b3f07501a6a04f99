/* paired: two models compared on the same rows.
 *
 * For each metric the difference (positive: the first model is the better one) and its standard
 * error:
 *   roc_auc             DeLong, DeLong and Clarke-Pearson (1988): the variance of the difference
 *                       of two correlated areas from each row's placement among the other class
 *   log_loss, brier     the rows' differences: their mean, and deviation / sqrt(n)
 *   average_precision   a bootstrap of 200 replicates: a row counts as often as a Poisson(1) draw
 *                       from its key's hash says, so rows of one key go together
 *
 * Placements and their squares are integers, losses are summed exactly and bootstrap weights come
 * from hashes: neither the order of rows nor how they were cut into chunks changes a bit. */
#ifndef QN_JOBS_LEARN_PAIRED_H
#define QN_JOBS_LEARN_PAIRED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum { QN_PAIRED_MOST_ROWS = 1 << 30 }; /* so that sums of squared placements fit 128 bits */

struct qn_paired {
    double *scores[2]; /* of the first model and of the other */
    uint64_t *hashes;  /* of the rows' keys */
    uint8_t *labels;
    uint32_t n, capacity;
};

void qn_paired_init(struct qn_paired *rows);
void qn_paired_fini(struct qn_paired *rows);
/* QN_EWIRE unless both scores are probabilities; QN_ELIMIT past QN_PAIRED_MOST_ROWS. */
QN_CHECK qn_code qn_paired_add(struct qn_paired *rows, double first, double other, bool positive,
                               uint64_t hash, struct qn_err *err);

struct qn_paired_result {
    double value[2]; /* of the metric */
    double difference, std_error;
};

/* Whether two models can be compared by a metric; qn_paired_metrics() lists those that can. */
bool qn_paired_knows(const char *metric);
const char *qn_paired_metrics(void); /* "roc_auc, ..." */

/* There must be two rows of each class. */
QN_CHECK qn_code qn_paired_compare(const struct qn_paired *rows, const char *metric,
                                   struct qn_paired_result *out, struct qn_err *err);

/* The lower end of a one-sided interval of the difference: of models that are truly no better,
 * 1 - confidence get above 0. */
double qn_paired_low(const struct qn_paired_result *result, double confidence);

#endif
