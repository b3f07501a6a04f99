/* job_run: one job of a run under way: its units, the stage it is in, what its tasks gave so far.
 *
 * Everything here can be made again from the ledger, the part files and the logs of rounds: a job
 * of a resumed run starts at its first stage and replays the partials of committed units, in unit
 * order, and what the rounds of a repeating stage gave. */
#ifndef QN_COORDINATOR_JOB_RUN_H
#define QN_COORDINATOR_JOB_RUN_H

#include "coordinator/landing.h"
#include "coordinator/round_log.h"
#include "coordinator/spool.h"
#include "coordinator/store.h"
#include "coordinator/sum_log.h"
#include "flow/round.h"
#include "jobs/brief.h"
#include "jobs/plan.h"
#include "wire/message.h"

enum qn_job_status {
    QN_JOB_PENDING,
    QN_JOB_RUNNING,
    QN_JOB_SUCCESS,
    QN_JOB_FAILED,
    QN_JOB_SKIPPED
};
const char *qn_job_status_name(enum qn_job_status status);

/* What a stage took, over all its rounds. */
struct qn_stage_time {
    uint32_t rounds, tasks;
    int64_t began_us;                   /* of the round under way */
    double seconds;                     /* by the clock, with its merge */
    double worker_seconds, cpu_seconds; /* of its tasks: by the clock, of the processor */
};

/* So many bytes of a repeating stage's state are those of the state of this earlier round. */
struct qn_kept_state {
    uint32_t round;
    uint64_t bytes;
};

/* See job_rounds.h. */
struct qn_job_lead {
    bool settled;            /* the round under way needs nothing but the state */
    bool under_way;          /* it is led */
    uint32_t first;          /* round of the lead */
    uint32_t n_rounds;       /* that the lead brought */
    enum qn_verdict verdict; /* of the last of them */
    uint32_t n_vain;         /* leads in a row that came to nothing */
    uint32_t rests;          /* rounds until the next one is tried */
};

/* What a committed part is to be: see remake.h. */
struct qn_part_seal {
    uint64_t bytes;
    struct qn_hash128 digest;
    uint64_t shuffled_rows; /* of all partitions */
};
struct qn_remake;

struct qn_job_run {
    const struct qn_plan *plan;
    const struct qn_job *job;
    enum qn_job_status status;
    struct qn_arena arena; /* of this job's run */

    struct qn_chunk *chunks; /* units of CHUNKS stages; of a dataset: path is the part's */
    uint32_t n_chunks;
    struct qn_chunk_result *results; /* by chunk, of the stage under way */
    uint64_t *line_bases;            /* by chunk: lines of its file before its first record */
    uint64_t input_rows;
    struct qn_brief_files sides[QN_MAX_SIDES]; /* by qn_job.sides: parts of each dataset */
    uint32_t shuffled;                         /* sides, a bit each: see qn_task_in */

    uint32_t stage, round;
    uint32_t n_committed;  /* units of the stage under way */
    uint32_t n_lost_early; /* parts that were lost before they were committed */
    void *acc;
    struct qn_round_log *log; /* of the repeating stage under way; else NULL */
    struct qn_sum_log *sums;  /* the same */
    struct qn_buf states[QN_MAX_STAGES];
    struct qn_kept_state kept; /* of a repeating stage */
    struct qn_job_lead lead;
    struct qn_brief_files parts[QN_MAX_STAGES]; /* by stage, in unit order */
    uint32_t n_ranges[QN_MAX_STAGES]; /* of partitions, by PARTITIONS stage; 0: not known yet */
    struct qn_part_seal *seals[QN_MAX_STAGES]; /* by stage and unit; NULL: not begun in this life */
    struct qn_remake *remakes[QN_MAX_STAGES];  /* by stage; NULL: no part was lost */
    char brief_hashes[QN_MAX_STAGES][QN_SHA256_HEX]; /* by stage; empty: not begun in this life */

    struct qn_counters counters, stage_counters; /* the latter of the stage under way */
    bool ended;                                  /* by QN_VERDICT_END: it gives no rows */
    struct qn_findings findings;
    struct qn_sink *sink;
    const struct qn_sink_ops *sink_ops;
    struct qn_landing *landing; /* of rows that go to files; NULL: none do */
    struct qn_stage_time times[QN_MAX_STAGES];
    int64_t started_ms;
    double seconds;
    char failure[1200]; /* FAILED: why */
};

static inline const struct qn_stage *qn_job_run_stage(const struct qn_job_run *run)
{
    return &run->job->stages[run->stage];
}

/* Units of a stage; of one over PARTITIONS known once it begins. */
uint32_t qn_job_run_units(const struct qn_job_run *run, uint32_t stage);
/* Whether the stage is one of those that a side that is not shuffled does not need. */
bool qn_job_run_spares(const struct qn_job_run *run, uint32_t stage);

/* Lists the chunks of its input; `upstream` is the job whose dataset it reads, or NULL. */
QN_CHECK qn_code qn_job_run_open(struct qn_job_run *run, const struct qn_job_run *upstream,
                                 struct qn_err *err);
void qn_job_run_close(struct qn_job_run *run);

/* Makes room for the parts of the stage about to run; they will be called
 * FOLDER/JOB-STAGE-UNIT.part. */
QN_CHECK qn_code qn_job_run_begin_stage(struct qn_job_run *run, const char *folder,
                                        struct qn_err *err);

/* True when unit k begins where the one before it ended; else its chunk's start is set to that. */
bool qn_job_run_follows(struct qn_job_run *run, uint32_t unit,
                        const struct qn_chunk_result *result);

/* Counts a task that a worker has done for the stage. */
void qn_job_run_spend(struct qn_job_run *run, uint32_t stage, uint64_t micros, uint64_t cpu_micros);

/* Notes what the part of a unit of the stage under way is. QN_ELOST: it is not whole. */
QN_CHECK qn_code qn_job_run_seal(struct qn_job_run *run, uint32_t unit,
                                 const struct qn_spooled *part, uint64_t bytes,
                                 struct qn_hash128 digest, struct qn_err *err);

/* Merges the partial of a unit whose turn it is. */
QN_CHECK qn_code qn_job_run_merge(struct qn_job_run *run, const struct qn_spooled *part,
                                  struct qn_err *err);
/* Takes in what a committed unit gave: its result, counters, and its part's partial. */
QN_CHECK qn_code qn_job_run_absorb(struct qn_job_run *run, uint32_t unit,
                                   const struct qn_spooled *part,
                                   const struct qn_chunk_result *result,
                                   const struct qn_counters *counters, struct qn_err *err);

/* Rows of a committed unit that go to files, from its part; nothing of a stage without rows. */
QN_CHECK qn_code qn_job_run_land(struct qn_job_run *run, uint32_t unit, const char *part,
                                 struct qn_err *err);

/* What merge and finish are given. */
void qn_job_run_states(const struct qn_job_run *run, struct qn_strv states[QN_MAX_STAGES]);
/* What merges gathered is let go. */
void qn_job_run_drop_acc(struct qn_job_run *run);

/* After the last unit: merges are finished, the state is kept. *verdict says what next; of a round
 * that another one follows, that one is under way now. */
QN_CHECK qn_code qn_job_run_finish_stage(struct qn_job_run *run, enum qn_verdict *verdict,
                                         struct qn_err *err);

/* QN_ESTATE when rows were lost or doubled. */
QN_CHECK qn_code qn_job_run_balance(const struct qn_job_run *run, struct qn_err *err);

#endif
