/* step: one thing an etl job does to its rows (filter, derive, impute, ...). A step is one file
 * that adds itself while the job compiles, against the schema the steps before it leave, and then
 * turns batches into batches.
 *
 * Batches are as wide as the schema at their place in the pipeline, but columns that nobody
 * downstream needs are empty structs: needs() says, backwards, which ones must be there.
 *
 * A step that must see all rows before it can act (impute, dedupe, unique) has `fit`: one or two
 * stages of their own, run over the steps before it, whose state apply() then reads. */
#ifndef QN_JOBS_ETL_STEP_H
#define QN_JOBS_ETL_STEP_H

#include "flow/job.h"

struct qn_etl;
struct qn_etl_stage;
struct qn_etl_step;
struct qn_join;
struct qn_check_tally;

/* Names a row whatever the chunk size: the file (or dataset part), the position in it, and which
 * copy of it when a join multiplied it. Ordered as rows are read. */
struct qn_row_id {
    uint32_t file, copy;
    uint64_t position;
};

/* Rows of this batch that impute filled, by column (ascending origins; see qn_imputed_count). */
struct qn_imputed {
    uint32_t *origins;
    uint32_t n;
};

/* One task on its way through the steps. */
struct qn_etl_step_ctx {
    const struct qn_job *job;
    const struct qn_etl *etl;
    const struct qn_etl_stage *stage;
    struct qn_task_in *in;
    struct qn_task_out *out;
    struct qn_arena *arena;         /* cleared before the next batch */
    struct qn_counters *counters;   /* the task's, or scratch where the stage does not count */
    uint32_t file;                  /* of row ids */
    uint64_t base;                  /* of row ids: what origins count from */
    struct qn_check_tally *tallies; /* by check */
    struct qn_imputed *imputed;     /* by imputed column */
};

struct qn_fit_ops {
    const char *stage;        /* "fit impute", "distinct" */
    const char *reduce_stage; /* "duplicates"; NULL: the first stage merges */
    /* Columns of the step's input that fitting reads (sets, never clears). */
    void (*needs)(const struct qn_etl_step *step, bool *before);

    /* Worker: a task of the first stage. What begin makes lives in ctx->in->arena or is freed by
     * end, which is called in any case; `failed`: give nothing out. */
    QN_CHECK qn_code (*begin)(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                              void **fit, struct qn_err *err);
    QN_CHECK qn_code (*update)(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                               void *fit, const struct qn_batch *batch, struct qn_err *err);
    QN_CHECK qn_code (*end)(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *fit,
                            bool failed, struct qn_err *err);
    /* Worker: a task of the second stage, over one partition; gives a partial. */
    QN_CHECK qn_code (*reduce)(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                               struct qn_err *err);

    /* Coordinator. *acc is NULL at first. */
    QN_CHECK qn_code (*merge)(const struct qn_etl_step *step, void **acc, struct qn_strv partial,
                              struct qn_err *err);
    QN_CHECK qn_code (*finish)(const struct qn_etl_step *step, void **acc, struct qn_buf *state,
                               struct qn_err *err);
    void (*free_acc)(void *acc);
};

struct qn_etl_step_ops {
    const char *name;
    /* Which columns of `in` must be there for `after` of `out` to come out right. `before` starts
     * all false. */
    void (*needs)(const struct qn_etl_step *step, const bool *after, bool *before);
    /* What a task keeps between batches, in ctx->in->arena; NULL: nothing. close (NULL: nothing to
     * do) is called on what open made, however it ended. */
    QN_CHECK qn_code (*open)(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                             void **run, struct qn_err *err);
    void (*close)(void *run);
    /* Changes the batch in place: its columns array has room for the widest schema of the job. */
    QN_CHECK qn_code (*apply)(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                              void *run, const bool *live, struct qn_batch *batch,
                              struct qn_err *err);
    /* Steps that make more rows than they take: true while apply has more to give for the same
     * input. NULL: never. */
    bool (*more)(const void *run);
    /* The column of `in` that a column of `out` is, its values as they were, of some of the rows
     * and no others. NULL: it may be none. */
    uint32_t (*from)(const struct qn_etl_step *step, uint32_t column);
    const struct qn_fit_ops *fit; /* NULL: needs no fitting */
};

struct qn_etl_step {
    const struct qn_etl_step_ops *ops;
    const struct qn_schema *in, *out;
    bool fitted;          /* it needs its fit stages (a constant impute does not) */
    uint32_t first_stage; /* fitted: its first stage */
    uint32_t state_stage; /* fitted: the stage whose state apply reads */
    struct qn_join *join; /* it is one, with three stages that may be needed; NULL */
    void *impl;
};

/* Rows in order: the copies of one origin (made by a join) are numbered from 0. */
struct qn_copy_counter {
    uint32_t origin, copies;
    bool any;
};
static inline struct qn_row_id qn_etl_step_row_id(const struct qn_etl_step_ctx *ctx,
                                                  struct qn_copy_counter *counter,
                                                  const struct qn_batch *batch, uint32_t row)
{
    uint32_t origin = batch->origin[row];
    counter->copies = counter->any && counter->origin == origin ? counter->copies + 1 : 0;
    counter->origin = origin;
    counter->any = true;
    return (struct qn_row_id){ctx->file, counter->copies, ctx->base + origin};
}

static inline int qn_row_id_cmp(struct qn_row_id a, struct qn_row_id b)
{
    if (a.file != b.file)
        return a.file < b.file ? -1 : 1;
    if (a.position != b.position)
        return a.position < b.position ? -1 : 1;
    return (a.copy > b.copy) - (a.copy < b.copy);
}

/* Keeps rows[0..n) of the live columns. */
QN_CHECK qn_code qn_etl_step_take(struct qn_etl_step_ctx *ctx, const bool *live,
                                  struct qn_batch *batch, const uint32_t *rows, uint32_t n,
                                  struct qn_err *err);

/* needs() of a step that leaves the schema as it is and reads nothing itself. */
void qn_etl_step_needs_same(const struct qn_etl_step *step, const bool *after, bool *before);

/* Refuses a row: it goes to the rejects with its place in the file. The caller drops it. */
QN_CHECK qn_code qn_etl_step_reject(struct qn_etl_step_ctx *ctx, const struct qn_batch *batch,
                                    uint32_t row, const char *column, const char *rule,
                                    struct qn_strv message, struct qn_err *err);

/* Where a row stands, for messages: the file and its byte offset, as far as known. */
QN_CHECK qn_code qn_etl_step_locate(struct qn_etl_step_ctx *ctx, const struct qn_batch *batch,
                                    uint32_t row, struct qn_location *out, struct qn_err *err);

#endif
