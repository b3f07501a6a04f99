/* findings: what a job has to say to people when it ends: tests, profiles, metrics, a model. */
#ifndef QN_FLOW_FINDINGS_H
#define QN_FLOW_FINDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/strv.h"

/* Written to the system tables when the job succeeds or fails. All texts are in the arena. */
struct qn_test_finding {
    const char *column, *test, *severity, *status; /* status: pass | warn | fail | error */
    uint64_t failures, rows;
    const char *message;
};
struct qn_profile_finding {
    const char *column, *type;
    uint64_t rows, nulls, imputed, distinct_count;
    bool distinct_approximate;
    const char *min, *max;  /* as text; NULL: none */
    double mean, stddev;    /* NaN: not numeric */
    const char *quantiles;  /* JSON array of 5 (min, q1, median, q3, max), or NULL */
    const char *top_values; /* JSON array of [value, count], or NULL */
    const char *histogram;  /* JSON array of [low, high, sampled values], or NULL */
};
struct qn_metric_finding {
    const char *split, *metric; /* "test", "roc_auc" */
    double value;
};
/* Rows of a split by score; see docs/warehouse.md, _quern_model_bins. */
struct qn_bin_finding {
    const char *split, *kind;
    uint32_t number;
    uint64_t rows, positives;
    double low, high, mean_score, positive_share, lift, gain;
};
/* A point along the thresholds, from the highest down. */
struct qn_curve_finding {
    const char *split;
    uint32_t number;
    double threshold;
    uint64_t true_positives, false_positives;
    double true_positive_rate, false_positive_rate, precision;
};
/* A metric of the rows of a split that have one value in a column. */
struct qn_slice_finding {
    const char *split, *column;
    const char *value; /* NULL: rows without one */
    const char *metric;
    double number;
};
/* What a feature is worth to a model; see docs/warehouse.md, _quern_model_importance. */
struct qn_importance_finding {
    const char *feature, *kind; /* kind: gain | permutation | shap */
    const char *metric;         /* of a permutation; else NULL */
    double value, spread;       /* spread NaN: there are no repeats */
    uint32_t repeats;
    uint64_t rows; /* 0: of training */
};
/* Rows for which a feature adds about the same to the margin. */
struct qn_swarm_finding {
    const char *feature;
    double low, high;
    int32_t level; /* of the feature's value among the rows, from 0; -1: none */
    uint64_t rows;
};
/* The new model beside another version on rows that neither has seen. */
struct qn_comparison_finding {
    const char *alias; /* that the other version had */
    uint32_t against;  /* the other version */
    const char *split, *metric;
    uint64_t rows, positives;
    double value, against_value;
    double difference, std_error; /* positive: the new one is better */
    double confidence, low;       /* the lower end of the one-sided interval */
    double margin;                /* what it may fall short by */
    bool holds;
};
/* How a candidate of a search did. */
struct qn_candidate_finding {
    uint32_t candidate; /* 1, 2, ... */
    const char *params; /* JSON: those that were searched */
    uint32_t fold;      /* 1, 2, ...; 0: the mean over folds */
    double share;       /* of the rows that it was tried on */
    const char *metric;
    double value;
    bool chosen;
};
/* How far a feature of the rows that came since has moved from those that a version was trained on;
 * see docs/warehouse.md, _quern_drift. */
struct qn_drift_finding {
    const char *model;
    uint32_t version;
    const char *feature;
    double psi, js;
    uint64_t rows, baseline_rows;
    const char *bins; /* JSON */
};
struct qn_model_finding {
    const char *name; /* NULL: no model */
    const char *algorithm;
    struct qn_strv artefact; /* the model file, bytes */
    const char *parameters;  /* JSON */
    const char *predictions; /* the table that has its scores of labelled rows; NULL: none */
    const char *alias;       /* promote to this when `promote` holds; NULL: none */
    bool promote;
    const char *promote_note;
};
struct qn_findings {
    struct qn_arena *arena;
    struct qn_test_finding *tests;
    uint32_t n_tests, most_tests;
    struct qn_profile_finding *profiles;
    uint32_t n_profiles;
    struct qn_metric_finding *metrics;
    uint32_t n_metrics;
    struct qn_bin_finding *bins;
    uint32_t n_bins;
    struct qn_curve_finding *points;
    uint32_t n_points;
    struct qn_slice_finding *slices;
    uint32_t n_slices;
    struct qn_importance_finding *importances;
    uint32_t n_importances;
    struct qn_swarm_finding *swarm;
    uint32_t n_swarm;
    struct qn_comparison_finding *comparisons;
    uint32_t n_comparisons;
    struct qn_candidate_finding *candidates;
    uint32_t n_candidates;
    struct qn_drift_finding *drifts;
    uint32_t n_drifts;
    struct qn_model_finding model;
    bool failed;         /* a test of severity error failed: nothing is published */
    const char *failure; /* why, for people */
};

/* A new one behind the tests there are, for the caller to fill; NULL: no memory. */
struct qn_test_finding *qn_findings_add_test(struct qn_findings *findings);

#endif
