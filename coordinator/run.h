/* run: one execution of a plan: which jobs may start, what their stages gave, what is committed.
 *
 * The loop (coordinator.c) moves messages and asks the schedule; this side knows jobs, parts,
 * ledger and warehouse. Commits of several units share a transaction until qn_run_flush(), which
 * makes them durable; only then may their workers be told. */
#ifndef QN_COORDINATOR_RUN_H
#define QN_COORDINATOR_RUN_H

#include "coordinator/blob_table.h"
#include "coordinator/job_run.h"
#include "coordinator/journal.h"
#include "coordinator/schedule.h"
#include "coordinator/store.h"

struct qn_removal; /* coordinator/scratch.h */

struct qn_run_options {
    const struct qn_plan *plan;
    struct qn_strv plan_bytes; /* qn_plan_pack */
    const char *state_folder;  /* absolute */
    bool full_refresh;         /* an unfinished run of this plan is given up, not gone on with */
    bool fleeting; /* nothing of it is to outlive the process: nothing waits for the disk */
    const struct qn_run_tap *tap; /* NULL: none */
};

/* Who wants rows themselves, beside tables: told of every part of a job's rows as it is committed,
 * in unit order, by its file. Scratch is not removed then: the files are the tap's. */
struct qn_run_tap {
    QN_CHECK qn_code (*part)(void *context, const char *job, const char *path, bool *enough,
                             struct qn_err *err);
    void *context;
};

struct qn_run {
    const struct qn_plan *plan;
    char run_id[64];
    bool resumed;
    struct qn_arena arena;
    struct qn_store *store;
    const char *warehouse; /* its path, without links */
    int lock;              /* of the warehouse; -1: none */
    struct qn_journal *journal;
    struct qn_schedule *schedule; /* borrowed */
    struct qn_blob_table blobs;
    char plan_hash[QN_SHA256_HEX];
    const char *state_folder; /* borrowed */
    char *spool_folder, *part_folder;
    struct qn_removal *removal; /* of both, at the end */
    struct qn_job_run *jobs;
    struct qn_ledger_row *ledger; /* what an earlier life committed */
    uint32_t n_ledger;
    bool in_transaction, end_recorded;
    bool stage_over;            /* since the last commit: what it came to is to be durable soon */
    struct qn_job_run *loading; /* whose sink holds rows of the transaction back, or NULL */
    uint32_t n_commits;         /* each waits for the disk */
    uint64_t rows_read;         /* for progress */
    uint64_t kept_bytes;        /* the least that a worker can keep of tables; 0: none came yet */
    const struct qn_run_tap *tap;
    bool enough; /* the tap wants no more: the run may end */
};

/* Makes state folder and warehouse ours alone, or says who has them; qn_run_close() comes either
 * way. */
QN_CHECK qn_code qn_run_claim(struct qn_run *run, const struct qn_run_options *options,
                              struct qn_err *err);

/* Opens the warehouse of a claimed run; goes on with an unfinished run of the same plan over the
 * same inputs, else begins a new one. */
QN_CHECK qn_code qn_run_open(struct qn_run *run, const struct qn_run_options *options,
                             struct qn_err *err);
/* Closes the warehouse and with it all jobs; only the names of the run are left. */
void qn_run_close_store(struct qn_run *run);
void qn_run_close(struct qn_run *run);

/* Starts every job whose needs are met; adds stages to the schedule. */
QN_CHECK qn_code qn_run_advance(struct qn_run *run, struct qn_err *err);

/* A worker came whose tasks may keep so much in memory. (run_sides.c) */
void qn_run_note_worker(struct qn_run *run, uint64_t kept_bytes);
/* The parts of the datasets that a job about to start reads beside its input, and how: whole where
 * they fit the smallest worker that ever was here, by partitions elsewhere. (run_sides.c) */
QN_CHECK qn_code qn_run_choose_sides(struct qn_run *run, struct qn_job_run *job,
                                     struct qn_err *err);

/* Units that an earlier life committed of the stage that the job is in. (run_stage.c) */
uint32_t qn_run_committed_units(const struct qn_run *run, const struct qn_job_run *job);
/* Begins the stage that the job is in, or its next round: replays what an earlier life committed
 * and adds the rest to the schedule, or goes on when nothing is left. (run_stage.c) */
QN_CHECK qn_code qn_run_start_stage(struct qn_run *run, struct qn_job_run *job, struct qn_err *err);
/* The stage that the job is in is over: on to the next one, or the job's end. */
QN_CHECK qn_code qn_run_next_stage(struct qn_run *run, struct qn_job_run *job, struct qn_err *err);

/* Whether a token is of a stage that repeats: its results are merged and gone. (run_stage.c) */
bool qn_run_repeats(const struct qn_run *run, const struct qn_token *token);

/* What all tasks of the stage that the job is in are told, into job->brief_hashes; but for what a
 * stage's own rounds give, which goes to workers round by round. (run_brief.c) */
QN_CHECK qn_code qn_run_make_brief(struct qn_run *run, struct qn_job_run *job, struct qn_err *err);

/* What a worker is told of a task. Texts are borrowed from the run. */
void qn_run_lease(const struct qn_run *run, const struct qn_token *token, struct qn_msg_task *out);

/* Commits a unit by its part. *redo: it does not follow the chunk before it; nothing
 * was committed and the unit is to be run again. */
QN_CHECK qn_code qn_run_commit(struct qn_run *run, const struct qn_msg *done,
                               const struct qn_spooled *part, bool *redo, struct qn_err *err);

/* All units of the job's stage are committed: on to the next round, stage, or the job's end. */
QN_CHECK qn_code qn_run_stage_done(struct qn_run *run, uint32_t job, struct qn_err *err);

/* The job cannot be done; those that need it are skipped, others go on. */
QN_CHECK qn_code qn_run_fail_job(struct qn_run *run, uint32_t job, const char *why,
                                 struct qn_err *err);

QN_CHECK qn_code qn_run_flush(struct qn_run *run, struct qn_err *err);

/* No job is pending or running. */
bool qn_run_is_over(const struct qn_run *run);
/* Every wanted job succeeded. */
bool qn_run_succeeded(const struct qn_run *run);
/* Records the end; scratch of a run that is over is removed. */
QN_CHECK qn_code qn_run_finish(struct qn_run *run, struct qn_err *err);

#endif
