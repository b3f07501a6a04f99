/* threshold: from which score on a row is worth the effort. */
#ifndef QN_JOBS_LEARN_THRESHOLD_H
#define QN_JOBS_LEARN_THRESHOLD_H

#include "jobs/learn/metrics.h"

enum qn_threshold_rule { QN_THRESHOLD_NONE, QN_THRESHOLD_COST, QN_THRESHOLD_BUDGET };

struct qn_threshold_plan {
    enum qn_threshold_rule rule;
    double false_positive, false_negative; /* COST: of one row */
    double share;                          /* BUDGET: of rows that may be called positive, or */
    uint64_t rows;                         /* how many of all labelled rows; 0: see share */
};

/* Above every score: nobody is worth it. */
#define QN_THRESHOLD_NOBODY 2.0

/* The threshold with the least cost (the highest of those that tie), or the lowest one that keeps
 * within the share (rows of one score go together). Scores must be sorted, and some. */
double qn_threshold_choose(const struct qn_threshold_plan *plan, const struct qn_scores *scores,
                           uint64_t all_rows);

/* What a threshold comes to on other rows. */
struct qn_threshold_result {
    double threshold;
    double share;             /* of rows that are called positive */
    double precision, recall; /* 0 where the ratio has no rows */
    double cost;              /* a row, COST; NaN otherwise */
};
void qn_threshold_try(const struct qn_threshold_plan *plan, const struct qn_scores *scores,
                      double threshold, struct qn_threshold_result *out);

struct qn_threshold_value {
    const char *name; /* "threshold", "threshold_share", ... */
    double value;
};
enum { QN_N_THRESHOLD_VALUES = 5 };
void qn_threshold_list(const struct qn_threshold_result *result,
                       struct qn_threshold_value out[QN_N_THRESHOLD_VALUES]);

#endif
