/* task: one unit of a stage of a job, as the job sees it: what it works on, and where what it makes
 * goes. Workers fill this in, and so do tests. See flow/job.h. */
#ifndef QN_FLOW_TASK_H
#define QN_FLOW_TASK_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/limits.h"
#include "flow/source.h"

/* Terms of  rows_in + added = rows_out + quarantined + filtered + deduplicated + absorbed.
 * A map task counts its own chunk; with a reduce, the map stage counts all but rows_out and the
 * reduce counts rows_out and what happens to groups (absorbed = rows folded in - groups). */
struct qn_counters {
    uint64_t rows_in, rows_out, quarantined, filtered, deduplicated, added, absorbed;
};

/* Where a task's results go: over the wire in workers, to memory in tests. A partial that is large
 * comes in several calls, as pieces that are merged one by one: nobody has to hold all of it. */
struct qn_task_out {
    const struct qn_task_out_ops *ops;
    struct qn_counters counters;
    struct qn_rejects rejects;
};
struct qn_task_out_ops {
    QN_CHECK qn_code (*rows)(struct qn_task_out *out, const struct qn_batch *batch,
                             struct qn_err *err);
    QN_CHECK qn_code (*partition)(struct qn_task_out *out, uint32_t partition,
                                  const struct qn_batch *batch, struct qn_err *err);
    /* The same with a batch of the stage's raw_schema: what is not worth folding before it is sent.
     * A reader of the partition gives both, in the order given out; a batch's schema tells. */
    QN_CHECK qn_code (*raw)(struct qn_task_out *out, uint32_t partition,
                            const struct qn_batch *batch, struct qn_err *err);
    QN_CHECK qn_code (*partial)(struct qn_task_out *out, struct qn_strv bytes, struct qn_err *err);
};

/* A thing that is dear to make, and how to free it. */
struct qn_task_cache {
    void *data;
    void (*free)(void *data);
    uint64_t bytes; /* memory it holds; 0: too little to matter */
    /* Where it is worth more than a place in memory: moves what is large of it to a file without a
     * name in the folder, and returns what it holds then. NULL: there is no such way. */
    uint64_t (*shrink)(void *data, const char *folder);
};
typedef qn_code (*qn_make_fn)(void *context, struct qn_task_cache *made, struct qn_err *err);

_Static_assert(QN_MAX_SIDES <= 32, "qn_task_in.shuffled has a bit a side");

/* What a task works on. */
struct qn_task_in {
    uint32_t stage, round; /* round: 0, 1, ... in a stage that repeats */
    uint32_t unit;         /* chunk or partition number: the order of commits */
    uint32_t n_units;
    struct qn_reader *reader; /* CHUNKS: rows of the chunk or part; of a stage that repeats NULL
                                      until open_rows. PARTITIONS: rows of these partitions, of all
                                      chunks in chunk order */
    /* Stages that repeat: opens `reader`, for the cache may have what the task needs of them. */
    QN_CHECK qn_code (*open_rows)(struct qn_task_in *in, struct qn_err *err);
    uint32_t first_partition, n_partitions; /* PARTITIONS: the unit's range */
    /* PARTITIONS: rows of one partition alone, counted from the range's first. The caller closes
     * the reader. */
    QN_CHECK qn_code (*open_partition)(struct qn_task_in *in, uint32_t partition,
                                       struct qn_reader **out, struct qn_err *err);
    /* What the task may keep of things that grow with its input; past it, they go to files in the
     * folder `scratch` (wire/scratch.h). What comes out must not depend on it. */
    uint64_t memory_bytes;
    const char *scratch;
    const struct qn_strv *states; /* by stage: bytes of finished stages; of a repeating one what
                                      its rounds so far gave (empty in round 0) */
    struct qn_arena *arena;       /* the task's: cleared when it ends */
    /* All rows of another dataset that the job reads whole (a broadcast join's side, by position
     * in qn_job.sides); wanted[i] false: without column i. The caller closes the reader. */
    QN_CHECK qn_code (*open_side)(struct qn_task_in *in, uint32_t side, const bool *wanted,
                                  struct qn_reader **out, struct qn_err *err);
    /* A bit a side: too large for a worker to hold, so that its rows went through the stages that
     * are spare otherwise. A choice of the coordinator: the job's result must not depend on it. */
    uint32_t shuffled;
    /* Rows of one partition of a stage that this one `reads`, of all its tasks in unit order. The
     * caller closes the reader. */
    QN_CHECK qn_code (*open_partitions)(struct qn_task_in *in, uint32_t stage, uint32_t partition,
                                        struct qn_reader **out, struct qn_err *err);
    uint32_t n_chunks; /* units of the job's CHUNKS stages */
    /* What all executors of a worker have of this job and number: made by the first that asks,
     * while others wait for it, then only read. Kept while the run lasts. It may take shared_bytes
     * of memory. */
    QN_CHECK qn_code (*share)(struct qn_task_in *in, uint32_t number, qn_make_fn make,
                              void *context, const void **data, struct qn_err *err);
    uint64_t shared_bytes;
    /* The model that the job names, as bytes, in stages that ask for it; empty: there is none. */
    struct qn_strv model;
    uint32_t model_version;
    /* Stages that ask for it: whether rows of this unit came since the model was trained (or may
     * have), as far as the ledger knows. Of the rows of all such units so many were known then, and
     * no more than so many are new. */
    bool fresh;
    uint64_t fresh_known, fresh_most;
    /* Places for what is dear to make and can be made again (a design matrix per unit, a model per
     * job). No other task has them at the same time; the worker keeps them for the next one as
     * long as it has the memory (set `bytes`). `data` is NULL at first. */
    struct qn_task_cache *unit_cache; /* per (job, unit), until a later stage begins */
    struct qn_task_cache *job_cache;  /* per job */
    const atomic_bool *cancelled;     /* polled between batches; then return QN_ECANCEL */
    uint64_t seed;
};

#endif
