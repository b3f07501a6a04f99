/* stage: what a job compiles to: tasks over units of input, and what these give out. (job.h) */
#ifndef QN_FLOW_STAGE_H
#define QN_FLOW_STAGE_H

#include "base/limits.h"
#include "flow/schema.h"

enum qn_stage_over { QN_OVER_CHUNKS, QN_OVER_PARTITIONS, QN_OVER_SIDE, QN_OVER_TRIALS };

struct qn_condition;

struct qn_stage {
    const char *name; /* "fit impute", "map", "reduce", "round", "evaluate" */
    enum qn_stage_over over;
    const bool *wanted;              /* CHUNKS: columns of the input to decode; NULL: all */
    const struct qn_condition *only; /* CHUNKS: rows that do not meet it count as filtered, whether
                                        they are read or not; NULL: all count */
    bool merges;                     /* tasks give a partial; merge and finish are called */
    bool partitions;                 /* tasks give partitions */
    bool rows;                       /* tasks give rows: one stage of a job at most */
    bool counts;           /* its counters and rejects are the job's; the passes that only fit
                                 something see the same rows again and do not count */
    bool model;            /* tasks are given the job's model */
    bool fresh;            /* with model: tasks are told what came since it was trained */
    bool repeats;          /* finish may ask for another round over the same chunks */
    bool appends;          /* repeats: what finish gives is added to the end of the stage's state,
                              which else it takes the place of. What grows goes out once. */
    uint32_t n_partitions; /* partitions: how many; 1..QN_MAX_PARTITIONS */
    struct qn_schema partition_schema; /* partitions: the columns of their batches */
    struct qn_schema raw_schema;       /* partitions: of what raw() gives out; no fields: none */
    uint32_t partitions_from;          /* PARTITIONS: the stage that made them */
    uint64_t reads;    /* a bit a stage: whose partitions tasks open besides (open_partitions) */
    uint32_t side;     /* SIDE: in qn_job.sides */
    uint32_t n_trials; /* TRIALS: how many */
    bool spare;        /* run only when that side is shuffled; its units are none otherwise */
};

_Static_assert(QN_MAX_STAGES <= 64, "qn_stage.reads has a bit a stage");

#endif
