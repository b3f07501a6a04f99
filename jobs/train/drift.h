/* drift: how far rows that came since the champion was trained have moved from those that it was
 * trained on, feature by feature.
 *
 * The baseline comes with the champion's file. Tasks count the labelled rows of fresh units
 * (qn_task_in.fresh) in its bins; the coordinator adds counts, so neither chunks nor workers
 * matter. */
#ifndef QN_JOBS_TRAIN_DRIFT_H
#define QN_JOBS_TRAIN_DRIFT_H

#include "jobs/learn/baseline.h"
#include "jobs/learn/model.h"
#include "jobs/train/walk.h"

struct qn_train_drift {
    struct qn_arena arena;
    uint32_t version; /* of the champion; 0: there is none */
    bool has_baseline;
    struct qn_baseline baseline;
    bool *found;      /* by its features: the rows have it, of a type that fits */
    uint64_t *counts; /* by its bins */
    uint64_t rows;    /* labelled ones of fresh units */
    uint64_t known;   /* of them there already, */
    uint64_t most;    /* and new at most: see qn_task_in */
    /* Of a task: */
    struct qn_model *model;
    int32_t *positions; /* by feature, in the reader's batches */
    const struct qn_column **columns;
};

/* Empty, for merges. Finish it also when one of the others fails. */
void qn_train_drift_init(struct qn_train_drift *drift);
void qn_train_drift_fini(struct qn_train_drift *drift);

/* An initialised one, for the model and the rows of a task. */
QN_CHECK qn_code qn_train_drift_start(struct qn_train_drift *drift,
                                      const struct qn_train_walk *walk, struct qn_err *err);
/* The batch that the walk stands at: all its labelled rows, whatever their side. */
QN_CHECK qn_code qn_train_drift_add(struct qn_train_drift *drift, const struct qn_train_walk *walk,
                                    struct qn_err *err);

void qn_train_drift_pack(struct qn_buf *out, const struct qn_train_drift *drift);
/* Adds what was packed; in->failed on what no pack wrote. */
QN_CHECK qn_code qn_train_drift_merge(struct qn_train_drift *drift, struct qn_unpack *in,
                                      struct qn_err *err);

/* How many of the rows are new. */
uint64_t qn_train_drift_new_rows(const struct qn_train_drift *drift);

/* Adds a row of _quern_drift for each feature. */
QN_CHECK qn_code qn_train_drift_report(const struct qn_job *job, const struct qn_train_drift *drift,
                                       struct qn_findings *findings, struct qn_err *err);

/* --- the stage of its own, with `retrain` ----------------------------------------------------- */

QN_CHECK qn_code qn_train_run_drift(struct qn_train_walk *walk, struct qn_err *err);
/* Its end: reports, and tells whether the job trains or keeps the champion (QN_VERDICT_END). */
QN_CHECK qn_code qn_train_finish_drift(const struct qn_job *job, const struct qn_train_drift *drift,
                                       struct qn_findings *findings, enum qn_verdict *verdict,
                                       struct qn_err *err);

#endif
