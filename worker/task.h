/* task: one attempt at one unit of a stage, from its chunk to its part. Runs on an executor
 * thread; touches nothing shared but the plan, which nobody changes, the cache, and qn_shared. */
#ifndef QN_WORKER_TASK_H
#define QN_WORKER_TASK_H

#include "jobs/brief.h"
#include "jobs/plan.h"
#include "wire/part_writer.h"
#include "worker/cache.h"
#include "worker/pool.h"
#include "worker/round_states.h"
#include "worker/shared.h"

/* What an executor thread has from task to task. */
struct qn_executor {
    struct qn_part_writer writer;
    const char *folder;  /* shared with the coordinator: large parts are left there. NULL: none */
    const char *scratch; /* folder for files that end with their task */
    struct qn_cache *cache;   /* of all executors of the worker */
    struct qn_shared *shared; /* by all executors of the worker */
    uint64_t kept_bytes;      /* what tasks of all executors and what they share may take */
    uint32_t n_executors;
};

/* A work with what it needs and what came of it. Made and freed by the session thread. */
struct qn_task {
    struct qn_work work; /* first: the pool hands it back */
    struct qn_arena arena;
    const struct qn_plan *plan;
    const struct qn_brief *brief;
    const char *brief_hash;
    struct qn_held_state *state; /* of a repeating stage; NULL: none */
    struct qn_strv states[QN_MAX_STAGES];
    struct qn_chunk chunk; /* path in the arena; of a dataset: the part's file */

    qn_code code; /* QN_OK: the part and what follows are whole */
    struct qn_err err;
    bool left;          /* the part is in the shared folder */
    struct qn_buf part; /* wire/part.h; empty when it was left */
    uint64_t part_bytes;
    struct qn_hash128 digest;
    struct qn_counters counters;
    struct qn_chunk_result result;
    uint64_t micros, cpu_micros;
};

/* Copies what the message lent; brief and states are set by the caller once they are here. NULL: no
 * memory. */
struct qn_task *qn_task_new(const struct qn_msg_task *leased);
void qn_task_free(struct qn_task *task);

/* Fills the outcome. */
void qn_task_run(struct qn_task *task, struct qn_executor *executor);

#endif
