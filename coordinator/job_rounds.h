/* job_rounds: the rounds of the repeating stage that a job's run is in. Each is run unit by unit by
 * any workers; or one that is alone with the caches of all units leads: it is leased one task,
 * numbered behind the units, and runs round after round from the state there is (worker/lead.h).
 * What it hands in is logged round by round, as if each had ended here. When a lead comes to
 * nothing, or its worker is lost, the round is as it was. */
#ifndef QN_COORDINATOR_JOB_ROUNDS_H
#define QN_COORDINATOR_JOB_ROUNDS_H

#include "coordinator/job_run.h"

/* Before the first round: takes up those that an earlier life finished (the logs are in `folder`).
 * *over: all of them. */
QN_CHECK qn_code qn_job_rounds_recall(struct qn_job_run *run, const char *folder, bool *over,
                                      struct qn_err *err);
/* Closes the logs; a stage that does not repeat has none. */
void qn_job_rounds_close(struct qn_job_run *run);

/* A unit's result has come, and may have to wait for its turn: its part is logged, so that nobody
 * has to run it again. */
QN_CHECK qn_code qn_job_rounds_keep(struct qn_job_run *run, const struct qn_token *token,
                                    const struct qn_spooled *part, struct qn_hash128 digest,
                                    struct qn_err *err);
/* Whether an earlier life logged this unit of the round under way. */
bool qn_job_rounds_knows(const struct qn_job_run *run, uint32_t unit);
/* Merges what such units below `unit` gave, if it is not merged yet. */
QN_CHECK qn_code qn_job_rounds_catch_up(struct qn_job_run *run, uint32_t unit, struct qn_err *err);

/* What the merges of the round under way gave. The round that follows, if any, is under way now. */
QN_CHECK qn_code qn_job_rounds_take(struct qn_job_run *run, struct qn_strv given,
                                    enum qn_verdict verdict, struct qn_err *err);

/* The round can be led, and is: false when it needs what this process gathered, or leads came to
 * nothing of late. */
bool qn_job_rounds_begin_lead(struct qn_job_run *run);
/* Takes in the part of a lead. */
QN_CHECK qn_code qn_job_rounds_absorb(struct qn_job_run *run, const struct qn_spooled *part,
                                      struct qn_err *err);
/* As its last round says. */
enum qn_verdict qn_job_rounds_end_lead(struct qn_job_run *run);

#endif
