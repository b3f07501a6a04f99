/* remake: committed parts that were lost, and are made again.
 *
 * A part that a run has committed is a file in its folder until the run is over. Should one be
 * gone, cut short or damaged, whoever reads it finds out (QN_ELOST) and says so. Then the one task
 * that made it runs again as a new attempt, with the brief it had; its result is kept as the file
 * and nothing else: rows, partial, counters and ledger row are where they were. Stages that read
 * the part rest meanwhile (schedule.h). Bounded: a part that is lost again and again fails the job
 * that reads it. */
#ifndef QN_COORDINATOR_REMAKE_H
#define QN_COORDINATOR_REMAKE_H

#include "coordinator/run.h"

enum qn_loss {
    QN_LOSS_NONE, /* the file is no part of this run's, or it is whole: the reader's own trouble */
    QN_LOSS_MENDED, /* the part is being made again */
    QN_LOSS_FINAL,  /* it cannot be: the reader's job has failed */
};

/* `reader`, a task, could not read `file`. Looks for itself; what is to be made again is added to
 * the schedule, so a step follows. */
QN_CHECK qn_code qn_remake_begin(struct qn_run *run, const struct qn_token *reader,
                                 struct qn_strv file, enum qn_loss *loss, struct qn_err *err);

/* Whether tasks of that stage are run to make parts again. */
bool qn_remake_is_of(const struct qn_run *run, const struct qn_token *token);
/* Instead of qn_run_commit. */
QN_CHECK qn_code qn_remake_commit(struct qn_run *run, const struct qn_msg *done,
                                  const struct qn_spooled *part, bool *redo, struct qn_err *err);
/* Instead of qn_run_stage_done; stages that rest are to be fed. */
QN_CHECK qn_code qn_remake_end(struct qn_run *run, const struct qn_token *token,
                               struct qn_err *err);
/* Instead of qn_run_fail_job: the jobs that wait for the part have failed. */
QN_CHECK qn_code qn_remake_fail(struct qn_run *run, const struct qn_token *token, const char *why,
                                struct qn_err *err);

#endif
