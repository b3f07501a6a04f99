/* job: how a kind of job is compiled, run and merged. One kind is one file (or folder) in jobs/
 * that fills one const struct qn_job_ops, and one line in jobs.def.
 *
 * A job compiles to stages that run one after another. Every stage maps a task over units of input:
 *   CHUNKS       the chunks of the job's source, or the parts of the dataset it reads
 *   PARTITIONS   ranges of the P key partitions that an earlier stage of the job made: as many as
 *                its rows are worth, so a task must not depend on how many there are
 *   SIDE         the parts of a dataset that the job reads beside its input
 *   TRIALS       numbers 0 .. n_trials - 1, whose meaning is the job's: tasks open what they read
 * and each task gives out one or more of
 *   partial      bytes, merged by the coordinator in chunk order into the stage's state, which is
 *                broadcast to the tasks of later stages (imputation means, gradients, ...)
 *   partitions   batches by key hash, read by the tasks of a PARTITIONS stage in chunk order
 *   rows         batches for the job's table and dataset, committed in chunk order
 *   rejects      refused rows, committed with the chunk (stages that count)
 *   counters     the row equation's terms (stages that count; see qn_counters)
 *
 * compile() is a function of its inputs: coordinator and workers call it on the same plan. run() is
 * called by many threads on a job that nobody changes; merge() and finish() by the coordinator, or
 * by a worker that leads rounds. */
#ifndef QN_FLOW_JOB_H
#define QN_FLOW_JOB_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/limits.h"
#include "flow/findings.h"
#include "flow/into.h"
#include "flow/source.h"
#include "flow/stage.h"
#include "flow/task.h"

struct qn_node;      /* spec/node.h: a checked YAML node */
struct qn_spec_keys; /* spec/keys.h: the table a mapping is checked against */
struct qn_gaps;      /* jobs/lookup.h: columns that mistakes keep from view */
struct qn_job;

/* Where rows come from. */
enum qn_input_kind { QN_INPUT_NONE, QN_INPUT_SOURCE, QN_INPUT_DATASET };
struct qn_input {
    enum qn_input_kind kind;
    uint32_t index; /* in the spec's sources, or in its jobs */
    const char *name;
    const struct qn_schema *schema; /* whole rows; the projection is per stage */
    const struct qn_gaps *gaps;     /* NULL: none, as in every plan that runs */
    uint32_t partitions; /* how many a shuffle of its rows makes: by spec and input alone */
};

/* END: the job is over, without the stages that are left. It gives no rows, and what its table held
 * stays; rows count as this stage's tasks counted them. */
enum qn_verdict {
    QN_VERDICT_NEXT,
    QN_VERDICT_REPEAT, /* another round; see finish() for the accumulator */
    QN_VERDICT_END,
    QN_VERDICT_ANEW, /* as REPEAT, and the next round needs nothing of the accumulator: whoever has
                        the state can run it, and the ones after it */
};

/* What compile() is given. Schemas of all inputs are known. */
struct qn_job_env {
    struct qn_arena *arena;     /* the plan's */
    struct qn_diags *diags;     /* complaints about the spec go here, all of them */
    const struct qn_node *node; /* the job's mapping, already checked against ops->keys */
    uint64_t seed;
    /* A source or an earlier job by name; false (and a complaint at `node`) when it gives no rows.
     * One that is not there (`node` may be NULL) or has mistakes (said too) comes with gaps: checks
     * can go on. */
    bool (*input)(const struct qn_job_env *env, const struct qn_node *node, struct qn_input *out);
    /* Tests the source's columns declare; NULL when the input is no source with declarations. */
    const struct qn_node *(*source_node)(const struct qn_job_env *env, const struct qn_input *in);
    /* The mapping of the train job of this spec that registers `model`; NULL when none does. */
    const struct qn_node *(*training_node)(const struct qn_job_env *env, const char *model);
    /* The mapping of an earlier job by name; NULL when there is none. */
    const struct qn_node *(*job_node)(const struct qn_job_env *env, const char *name);
    uint64_t input_bytes; /* size of the job's first input as far as known at plan time, else 0 */
    uint32_t partitions;  /* how many partitions a shuffle of this job uses: by spec and input */
};

struct qn_job {
    const char *name;
    const struct qn_job_ops *ops;
    uint32_t index;
    struct qn_input input;               /* kind NONE: the job has none */
    struct qn_input sides[QN_MAX_SIDES]; /* read whole */
    uint32_t n_sides;
    const char *model;          /* the registry name of a model that it reads; NULL */
    const char *model_selector; /* "@champion", ":3" or "" (latest) */
    bool model_optional;        /* nothing is wrong when there is no such model yet */
    const char *registers;      /* train: the registry name it writes; NULL */
    struct qn_stage stages[QN_MAX_STAGES];
    uint32_t n_stages;
    struct qn_schema out;       /* n_fields 0: the job gives no rows */
    const struct qn_gaps *gaps; /* of out; NULL: none */
    struct qn_into into;
    bool may_end; /* it may end without giving rows (QN_VERDICT_END): no job can read them */
    bool is_read; /* a job of the plan reads its rows: they are kept as a dataset */
    void *impl;   /* the kind's own, in the plan's arena; read-only after compile */
};

struct qn_job_ops {
    const char *kind;
    const char *summary;             /* one line for --help and docs */
    const struct qn_spec_keys *keys; /* what its mapping may hold */

    /* Checks the node, fills job. Complaints go to env->diags; QN_EINPUT when there were any. */
    QN_CHECK qn_code (*compile)(const struct qn_job_env *env, struct qn_job *job,
                                struct qn_err *err);
    /* Worker. One task. */
    QN_CHECK qn_code (*run)(const struct qn_job *job, struct qn_task_in *in,
                            struct qn_task_out *out, struct qn_err *err);
    /* Coordinator, or a worker that leads rounds (worker/lead.h), as finish. Adds one partial, or
     * the next piece of one, in unit order, to *acc (NULL at first, the kind's own). `states` as in
     * qn_task_in. */
    QN_CHECK qn_code (*merge)(const struct qn_job *job, uint32_t stage, void **acc,
                              const struct qn_strv *states, struct qn_strv partial,
                              struct qn_err *err);
    /* Worker that leads rounds; both NULL: run and merge do. To *acc, which nobody else has, what
     * merge would of the partials that run would give of n tasks of a round, whose unit caches are
     * full. And what fold gathered in `more`, which is then as after finish. */
    QN_CHECK qn_code (*fold)(const struct qn_job *job, struct qn_task_in *const *tasks, uint32_t n,
                             void **acc, struct qn_err *err);
    QN_CHECK qn_code (*join)(const struct qn_job *job, uint32_t stage, void **acc,
                             const struct qn_strv *states, void *more, struct qn_err *err);
    /* After the last merge of a stage (of a round): the state to broadcast, what to
     * tell people, and whether to repeat. `states` as in qn_task_in. Of a round that is to be
     * repeated the accumulator stays for the next one's merges; freed and set to NULL here, or when
     * the stage ends. A resumed run makes it again, where an earlier life was killed: it merges
     * and finishes once more the rounds since the last one that gave ANEW, and wants of them
     * nothing but that. Where the power went it may lack them, and begin with NULL in the middle:
     * what comes out in the end must not depend on it.
     * Rounds before are not finished again: findings are for the stages after. */
    QN_CHECK qn_code (*finish)(const struct qn_job *job, uint32_t stage, uint32_t round, void **acc,
                               const struct qn_strv *states, struct qn_buf *state,
                               struct qn_findings *findings, enum qn_verdict *verdict,
                               struct qn_err *err);
    void (*free_acc)(void *acc);
    /* Coordinator; NULL: any row may. Whether a row of a file of the input can count for anything,
     * by what is known of the file's columns: files of which none can are not read. */
    QN_CHECK qn_code (*may_pass)(const struct qn_job *job, const struct qn_facts *facts,
                                 struct qn_arena *arena, bool *out, struct qn_err *err);
};

const struct qn_job_ops *qn_job_find(const char *kind); /* (jobs/registry.c) */
const struct qn_job_ops *const *qn_job_all(void);

#endif
