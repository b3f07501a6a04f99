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
};
struct qn_metric_finding {
    const char *split, *metric; /* "test", "roc_auc" */
    double value;
};
struct qn_model_finding {
    const char *name; /* NULL: no model */
    const char *algorithm;
    struct qn_strv artefact; /* the model file, bytes */
    const char *parameters;  /* JSON */
    const char *alias;       /* promote to this when `promote` holds; NULL: none */
    bool promote;
    const char *promote_note;
};
struct qn_findings {
    struct qn_arena *arena;
    struct qn_test_finding *tests;
    uint32_t n_tests;
    struct qn_profile_finding *profiles;
    uint32_t n_profiles;
    struct qn_metric_finding *metrics;
    uint32_t n_metrics;
    struct qn_model_finding model;
    bool failed;         /* a test of severity error failed: nothing is published */
    const char *failure; /* why, for people */
};

#endif
