/* train: a job that fits a model. Stages:
 *
 *   split      (only when stratified) rows by bucket and class -> which bucket is held out
 *   prepare    what imputation, scaling and encoding need of the training rows -> preparation
 *   round      loss, gradient and Hessian at one point -> the next point; until it converges
 *   evaluate   a score for every labelled row: to the job's table, and as one partition of
 *              (score, label, split)
 *   metrics    that partition, sorted -> metrics, model file, promotion
 *
 * Files: compile.c reads the spec, tasks.c runs on workers (walk.c: their way through the rows),
 * merges.c on the coordinator; evaluate.c, measure.c, register.c and promote.c are the last two
 * stages. */
#ifndef QN_JOBS_TRAIN_TRAIN_H
#define QN_JOBS_TRAIN_TRAIN_H

#include "flow/job.h"
#include "jobs/learn/fit.h"
#include "jobs/learn/logistic.h"
#include "jobs/learn/metrics.h"
#include "jobs/learn/prepare.h"
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
    struct qn_prepare_plan prepare;
    double test, validation;
    bool stratify;
    uint64_t seed;
    struct qn_logistic_params params;
    const char *alias; /* NULL: no promotion */
    const struct qn_train_rule *rules;
    uint32_t n_rules;
    int split_stage; /* -1: none */
    uint32_t prepare_stage, round_stage, evaluate_stage, metrics_stage;
};

extern const struct qn_spec_keys qn_train_keys;
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

/* The state of round 0, made of what the prepare stage found. */
QN_CHECK qn_code qn_train_begin(const struct qn_train *train, const struct qn_strv *states,
                                struct qn_logistic_state *state, struct qn_err *err);

/* State of the prepare stage: census, then the preparation. */
QN_CHECK qn_code qn_train_state_unpack(struct qn_strv bytes, struct qn_train_census *census,
                                       struct qn_prepared *prepared, struct qn_err *err);

#endif
