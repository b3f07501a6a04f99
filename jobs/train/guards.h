/* guards: what the prepare stage looks out for besides fitting, and what becomes of it. */
#ifndef QN_JOBS_TRAIN_GUARDS_H
#define QN_JOBS_TRAIN_GUARDS_H

#include "jobs/train/walk.h"

/* A task's walk beside its guard; columns are those of the batch under way. */
struct qn_train_guarding {
    struct qn_guard *guard; /* NULL: `guards: off` */
    int32_t label_time;     /* positions in the reader's batches; -1: none */
    int32_t *dates;
    const struct qn_column **date_columns;
};
/* Finish it also on failure. */
QN_CHECK qn_code qn_train_guarding_init(struct qn_train_guarding *guarding,
                                        const struct qn_train_walk *walk, struct qn_err *err);
void qn_train_guarding_fini(struct qn_train_guarding *guarding);
/* The batch that the walk stands at: all its labelled rows, before any are let go. */
QN_CHECK qn_code qn_train_guarding_add(struct qn_train_guarding *guarding,
                                       const struct qn_train_walk *walk, struct qn_err *err);

/* At the end of the stage: adds what was found to findings->tests, after `fitted`, what the fit of
 * the preparation had to say. With `guards: refuse` any of it but `constant` fails the job. */
QN_CHECK qn_code qn_train_guard_report(const struct qn_train *train, struct qn_guard *guard,
                                       const struct qn_fit_note *fitted, uint32_t n_fitted,
                                       uint64_t rows, struct qn_findings *findings,
                                       struct qn_err *err);

#endif
