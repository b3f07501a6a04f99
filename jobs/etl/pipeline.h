/* pipeline: one task's rows through the steps of its stage and out of their end. */
#ifndef QN_JOBS_ETL_PIPELINE_H
#define QN_JOBS_ETL_PIPELINE_H

#include "jobs/etl/checks.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/step.h"

struct qn_pipeline {
    struct qn_etl_step_ctx ctx;
    struct qn_arena arena;      /* of the batch at hand */
    struct qn_counters scratch; /* where a stage that does not count counts */
    void **runs;                /* what each step keeps, by step */
    uint64_t made_rows;         /* rows that had no origin and got one: their number so far */
    /* What leaves the last step. The batch is good for the call. */
    QN_CHECK qn_code (*emit)(void *self, struct qn_etl_step_ctx *ctx, struct qn_batch *batch,
                             struct qn_err *err);
    void *self;
};

/* Everything the task keeps lives in in->arena; fini frees what belongs to the batches. */
QN_CHECK qn_code qn_pipeline_init(struct qn_pipeline *pipeline, const struct qn_job *job,
                                  struct qn_task_in *in, struct qn_task_out *out,
                                  struct qn_err *err);
void qn_pipeline_fini(struct qn_pipeline *pipeline);

/* Reads the chunk to its end through the steps, counting rows in and what the reader refused. */
QN_CHECK qn_code qn_pipeline_read(struct qn_pipeline *pipeline, struct qn_err *err);

/* Pushes one batch of full width (of the schema before the stage's first step); its columns array
 * has room for etl->width. */
QN_CHECK qn_code qn_pipeline_push(struct qn_pipeline *pipeline, struct qn_batch *batch,
                                  struct qn_err *err);

#endif
