/* calibrate: from scores to probabilities, fitted on rows that nothing else was fitted on.
 *
 *   platt      q = expit(slope z + intercept), z = log(p / (1 - p)) of the score p, by Newton's
 *              method on Platt's targets ((P + 1) / (P + 2) and 1 / (N + 2) instead of 1 and 0)
 *   isotonic   the nearest function that never falls, by pooling adjacent violators; straight lines
 *              between its steps, flat outside
 *
 * Scores are sorted and those that are equal counted together; sums are exact and means are
 * compared as fractions, so order and chunks change nothing. */
#ifndef QN_JOBS_LEARN_CALIBRATE_H
#define QN_JOBS_LEARN_CALIBRATE_H

#include <jansson.h>

#include "base/arena.h"
#include "jobs/learn/metrics.h"

enum qn_calibration_method { QN_CALIBRATE_NOT, QN_CALIBRATE_PLATT, QN_CALIBRATE_ISOTONIC };

struct qn_calibration {
    enum qn_calibration_method method;
    uint64_t rows, positives; /* it was fitted on */
    double slope, intercept;  /* PLATT */
    double *scores, *values;  /* ISOTONIC: [n], ascending; values do not fall */
    uint32_t n;
};

/* "platt", "isotonic", or NULL when it is neither. */
const char *qn_calibration_name(enum qn_calibration_method method);

/* Sorts the scores; arrays live in the arena. QN_EINPUT (blame input) unless there are two rows of
 * each class. */
QN_CHECK qn_code qn_calibration_fit(enum qn_calibration_method method, struct qn_scores *scores,
                                    struct qn_arena *arena, struct qn_calibration *out,
                                    struct qn_err *err);

/* A score as it comes with QN_CALIBRATE_NOT. */
double qn_calibration_apply(const struct qn_calibration *calibration, double score);

/* {"method", "rows", "positives", "slope", "intercept"} or {"method", ..., "scores": [...],
 * "values": [...]}; null without a method. NULL when memory ran out. */
json_t *qn_calibration_to_json(const struct qn_calibration *calibration);
/* False on what to_json does not write. A missing or null object is no calibration. */
bool qn_calibration_from_json(const json_t *object, struct qn_arena *arena,
                              struct qn_calibration *out);

#endif
