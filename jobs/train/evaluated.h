/* evaluated: what the evaluate stage tells beside scores: of the version that the model is compared
 * with, how the training rows are spread over the bins of the model's baseline, and how far rows
 * have drifted from the champion's (where that is not a stage of its own). */
#ifndef QN_JOBS_TRAIN_EVALUATED_H
#define QN_JOBS_TRAIN_EVALUATED_H

#include "jobs/train/champion.h"
#include "jobs/train/drift.h"

struct qn_train_evaluated {
    struct qn_arena arena;
    struct qn_train_champion champion;
    struct qn_baseline baseline; /* rows: of this task; of all, once merged */
    struct qn_train_drift drift;
    uint32_t *training; /* of a task: a batch's training rows */
    uint32_t capacity;
};

/* Empty, for merges. Finish it also when one of the others fails. */
void qn_train_evaluated_init(struct qn_train_evaluated *evaluated);
void qn_train_evaluated_fini(struct qn_train_evaluated *evaluated);

/* An initialised one, for the rows of a task. */
QN_CHECK qn_code qn_train_evaluated_start(struct qn_train_evaluated *evaluated,
                                          const struct qn_job *job,
                                          const struct qn_train_walk *walk, struct qn_err *err);
/* Counts the batch that the walk stands at. */
QN_CHECK qn_code qn_train_evaluated_add(struct qn_train_evaluated *evaluated,
                                        const struct qn_train_walk *walk, struct qn_err *err);

/* The stage's partials, and its state. */
void qn_train_evaluated_pack(struct qn_buf *out, const struct qn_train_evaluated *evaluated);
QN_CHECK qn_code qn_train_evaluated_merge(struct qn_train_evaluated *evaluated,
                                          struct qn_strv bytes, struct qn_err *err);

#endif
