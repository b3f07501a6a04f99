/* train: a job that fits a model. Stages:
 *
 *   drift      (only with retrain) rows that came since the champion was trained, by the bins of
 *              its baseline -> whether the job goes on or the champion stays (drift.h)
 *   split      (only when stratified) rows by bucket and class -> which bucket is held out;
 *              or (by shares of time), repeated, rows by time -> when the sides begin
 *   search     (only when asked for) which parameters to fit with (search.h)
 *   prepare    what the algorithm needs to know of the training rows -> preparation
 *   round      the algorithm's sums at the state so far -> the next state; until it is done
 *   calibrate  (only when asked for) scores of the rows set apart for it -> their calibration
 *   evaluate   a score for every labelled row: to the job's table, and as one partition of
 *              (score, label, split), with the champion's score where models are compared
 *   importance (unless turned off) some of the held-out rows -> what features are worth to the
 *              model (importance.h)
 *   metrics    that partition, sorted -> metrics, model file, promotion
 *
 * Files: compile.c reads the spec, tasks.c runs on workers (walk.c: their way through the rows),
 * merges.c on the coordinator; drift.c and retrain.c are the first stage, evaluate.c, evaluated.c,
 * measure.c, register.c and promote.c the last two. */
#ifndef QN_JOBS_TRAIN_TRAIN_H
#define QN_JOBS_TRAIN_TRAIN_H

#include "flow/job.h"
#include "jobs/learn/algorithm.h"
#include "jobs/learn/calibrate.h"
#include "jobs/learn/drift.h"
#include "jobs/learn/guard.h"
#include "jobs/learn/metrics.h"
#include "jobs/learn/split.h"
#include "jobs/learn/threshold.h"
#include "jobs/train/importance.h"
#include "jobs/train/search.h"

struct qn_train_rule { /* what must hold of a metric of the held-out rows */
    const char *metric;
    double min, max; /* infinite: none */
    bool versus;     /* it must beat that of qn_train.versus: the lower end of the difference's
                        interval is above 0, or with a margin, not below -margin */
    bool has_margin;
    double margin, confidence;
};

/* When a job that has a champion trains at all. */
struct qn_retrain_plan {
    enum qn_drift_metric metric;
    double above; /* of any feature */
    uint64_t min_new_rows;
};

enum qn_guards { QN_GUARDS_WARN, QN_GUARDS_REFUSE, QN_GUARDS_OFF };

struct qn_train {
    const struct qn_schema *in;
    uint32_t label, key;     /* columns of it */
    const char *positive;    /* text labels: the value that counts as 1; else NULL */
    const uint32_t *columns; /* by feature */
    const struct qn_prepare_feature *features;
    uint32_t n_features;
    const struct qn_algorithm *algorithm;
    const void *plan;             /* the algorithm's; NULL: the search tells (qn_train_plan) */
    struct qn_search *search;     /* NULL: none */
    const struct qn_split *split; /* what the spec says of it: qn_train_split_read */
    uint32_t by;                  /* the column that it goes by: the key, unless the spec says */
    bool stratify;
    bool reads_files; /* rows come as a source has them, with places in files */
    uint64_t seed;
    enum qn_guards guards;
    struct qn_guard_plan guard;
    uint32_t label_time;              /* a column, when guard.n_dates is not 0 */
    const uint32_t *dates;            /* columns, by date of the guard */
    const struct qn_fit_note *before; /* what the spec alone tells: columns that an earlier job has
                                         fitted on all rows */
    uint32_t n_before;
    const uint32_t *slices; /* columns whose values are measured apart */
    uint32_t n_slices;
    struct qn_threshold_plan threshold;
    struct qn_schema scores;          /* of the evaluate stage's partition */
    struct qn_importance *importance; /* NULL: nobody asks */
    const char *alias;                /* NULL: no promotion */
    const char *versus;               /* the alias that rules compare with; NULL: none does */
    const char *beside; /* whose version scores the held-out rows too: versus, or else alias */
    const struct qn_train_rule *rules;
    uint32_t n_rules;
    const struct qn_retrain_plan *retrain; /* NULL: it always trains */
    int drift_stage, split_stage;          /* -1: none */
    uint32_t prepare_stage, round_stage, calibrate_stage, evaluate_stage, metrics_stage;
    enum qn_calibration_method calibrate; /* NOT: there is no calibrate_stage */
};

extern const struct qn_spec_keys qn_train_keys;
extern const struct qn_spec_keys qn_train_params_keys; /* of all algorithms (params.c) */
/* Complains about parameters that mean nothing to the algorithm. params: may be NULL. */
void qn_train_check_params(struct qn_diags *diags, const struct qn_node *params,
                           const struct qn_algorithm *algorithm);
QN_CHECK qn_code qn_train_compile(const struct qn_job_env *env, struct qn_job *job,
                                  struct qn_err *err);
QN_CHECK qn_code qn_train_run(const struct qn_job *job, struct qn_task_in *in,
                              struct qn_task_out *out, struct qn_err *err);
QN_CHECK qn_code qn_train_merge(const struct qn_job *job, uint32_t stage, void **acc,
                                const struct qn_strv *states, struct qn_strv partial,
                                struct qn_err *err);
QN_CHECK qn_code qn_train_finish(const struct qn_job *job, uint32_t stage, uint32_t round,
                                 void **acc, const struct qn_strv *states, struct qn_buf *state,
                                 struct qn_findings *findings, enum qn_verdict *verdict,
                                 struct qn_err *err);
void qn_train_free_acc(void *acc);
/* Of the round stage, with an algorithm that folds. */
QN_CHECK qn_code qn_train_fold(const struct qn_job *job, struct qn_task_in *const *tasks,
                               uint32_t n, void **acc, struct qn_err *err);
QN_CHECK qn_code qn_train_join(const struct qn_job *job, uint32_t stage, void **acc,
                               const struct qn_strv *states, void *more, struct qn_err *err);

/* The algorithm's plan, once a search is over. */
QN_CHECK qn_code qn_train_plan(const struct qn_train *train, const struct qn_strv *states,
                               const void **plan, struct qn_err *err);

/* Why a row is on no side of the split: it has no value, or one that no side takes. */
enum qn_stray { QN_STRAY_MISSING, QN_STRAY_UNKNOWN, QN_N_STRAYS };

/* What a piece of the prepare stage's partials holds, by its first byte: census and what the guards
 * saw, or features of the fit. */
enum { QN_TRAIN_PIECE_SEEN, QN_TRAIN_PIECE_FIT };

/* What the label looked like: part of the prepare stage's partials and state. */
struct qn_train_census {
    uint64_t rows[QN_N_SIDES][2]; /* by side and class */
    /* Text labels: values besides the one that counts as 1, as first seen; data NULL: not seen.
     * A label that is right has one. */
    struct qn_strv others[2];
    uint64_t strays[QN_N_STRAYS]; /* labelled rows that are on no side */
    struct qn_strv stray;         /* the value of one, as first seen; data NULL: none */
};
/* Where a value is to be kept of those in others[]; NULL: it is known, or two others are. */
struct qn_strv *qn_train_other_place(struct qn_strv others[2], struct qn_strv value);
void qn_train_census_pack(struct qn_buf *out, const struct qn_train_census *census);
/* Texts borrow from the bytes. */
void qn_train_census_unpack(struct qn_unpack *in, struct qn_train_census *census);
/* QN_EINPUT: a label of more than two values, a side or a class without rows. */
QN_CHECK qn_code qn_train_census_check(const struct qn_train *train,
                                       const struct qn_train_census *census, struct qn_err *err);
/* A test that warns of rows on no side, where there are any. */
QN_CHECK qn_code qn_train_census_tell(const struct qn_train *train,
                                      const struct qn_train_census *census,
                                      struct qn_findings *findings, struct qn_err *err);

/* How rows are dealt; where the split has a stage, after that is over. */
QN_CHECK qn_code qn_train_split_read(const struct qn_train *train, const struct qn_strv *states,
                                     struct qn_split *split, struct qn_err *err);

/* The calibration, once its stage is over; none before, or when the job asks for none. */
QN_CHECK qn_code qn_train_calibration_read(const struct qn_train *train,
                                           const struct qn_strv *states, struct qn_arena *arena,
                                           struct qn_calibration *out, struct qn_err *err);

/* State of the prepare stage: census, the bins of the baseline (packed, without rows), then what
 * the algorithm prepared. Borrows from the bytes. */
QN_CHECK qn_code qn_train_state_unpack(struct qn_strv bytes, struct qn_train_census *census,
                                       struct qn_strv *baseline, struct qn_strv *prepared,
                                       struct qn_err *err);

#endif
