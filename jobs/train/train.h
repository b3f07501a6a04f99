/* train: a job that fits a model. Stages:
 *
 *   split      (only when stratified) rows by bucket and class -> which bucket is held out
 *   prepare    what the algorithm needs to know of the training rows -> preparation
 *   round      the algorithm's sums at the state so far -> the next state; until it is done
 *   evaluate   a score for every labelled row: to the job's table, and as one partition of
 *              (score, label, split)
 *   metrics    that partition, sorted -> metrics, model file, promotion
 *
 * Which algorithm fits is behind learn/algorithm.h. Files: compile.c and params.c read the spec,
 * tasks.c runs on workers, merges.c on the coordinator. */
#ifndef QN_JOBS_TRAIN_TRAIN_H
#define QN_JOBS_TRAIN_TRAIN_H

#include "flow/job.h"
#include "jobs/learn/algorithm.h"
#include "jobs/learn/metrics.h"
#include "jobs/learn/split.h"

struct qn_train_rule { /* a bound that the held-out metric must keep */
    const char *metric;
    double min, max; /* infinite: none */
};

struct qn_train {
    const struct qn_schema *in;
    uint32_t label, key;      /* columns of it */
    const char *positive;     /* text labels: the value that counts as 1; else NULL */
    const uint32_t *features; /* columns, by feature */
    uint32_t n_features;
    const struct qn_algorithm *algorithm;
    const void *plan; /* the algorithm's */
    double test, validation;
    bool stratify;
    uint64_t seed;
    const char *alias; /* NULL: no promotion */
    const struct qn_train_rule *rules;
    uint32_t n_rules;
    int split_stage; /* -1: none */
    uint32_t prepare_stage, round_stage, evaluate_stage, metrics_stage;
};

extern const struct qn_spec_keys qn_train_keys;
extern const struct qn_spec_keys qn_train_params_keys; /* of all algorithms (params.c) */
/* Complains about parameters that mean nothing to the algorithm. */
void qn_train_check_params(const struct qn_job_env *env, const struct qn_algorithm *algorithm);
QN_CHECK qn_code qn_train_compile(const struct qn_job_env *env, struct qn_job *job,
                                  struct qn_err *err);
QN_CHECK qn_code qn_train_run(const struct qn_job *job, struct qn_task_in *in,
                              struct qn_task_out *out, struct qn_err *err);
QN_CHECK qn_code qn_train_merge(const struct qn_job *job, uint32_t stage, void **acc,
                                struct qn_strv partial, struct qn_err *err);
QN_CHECK qn_code qn_train_finish(const struct qn_job *job, uint32_t stage, uint32_t round,
                                 void **acc, const struct qn_strv *states, struct qn_buf *state,
                                 struct qn_findings *findings, enum qn_verdict *verdict,
                                 struct qn_err *err);
void qn_train_free_acc(void *acc);

/* What the label looked like: part of the prepare stage's partials and state. */
struct qn_train_census {
    uint64_t rows[QN_N_SIDES][2]; /* by side and class */
    /* Text labels: values besides the one that counts as 1, as first seen; data NULL: not seen.
     * A label that is right has one. */
    struct qn_strv others[2];
};
/* Where a value is to be kept of those in others[]; NULL: it is known, or two others are. */
struct qn_strv *qn_train_other_place(struct qn_strv others[2], struct qn_strv value);
void qn_train_census_pack(struct qn_buf *out, const struct qn_train_census *census);
/* Texts borrow from the bytes. */
void qn_train_census_unpack(struct qn_unpack *in, struct qn_train_census *census);

/* State of the prepare stage: census, then what the algorithm prepared. Borrows from the bytes. */
QN_CHECK qn_code qn_train_state_unpack(struct qn_strv bytes, struct qn_train_census *census,
                                       struct qn_strv *prepared, struct qn_err *err);

#endif
