/* The etl kind: what a task of each stage does, and how the coordinator merges what they give. */
#include <stdlib.h>
#include <string.h>

#include "jobs/etl/checks.h"
#include "jobs/etl/compile.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/group.h"
#include "jobs/etl/join.h"
#include "jobs/etl/output.h"
#include "jobs/etl/pipeline.h"
#include "jobs/etl/profile.h"
#include "jobs/etl/prune.h"

/* --- fit stages ------------------------------------------------------------------------------ */

struct fit_task {
    const struct qn_etl_step *step;
    void *fit;
};

static qn_code emit_fit(void *self, struct qn_etl_step_ctx *ctx, struct qn_batch *batch,
                        struct qn_err *err)
{
    struct fit_task *task = self;
    return task->step->ops->fit->update(task->step, ctx, task->fit, batch, err);
}

static qn_code run_fit(struct qn_pipeline *pipeline, const struct qn_etl_step *step,
                       struct qn_err *err)
{
    struct fit_task task = {.step = step};
    const struct qn_fit_ops *fit = step->ops->fit;
    QN_TRY(fit->begin(step, &pipeline->ctx, &task.fit, err));
    pipeline->emit = emit_fit;
    pipeline->self = &task;
    qn_code code = qn_pipeline_read(pipeline, err);
    qn_code ended = fit->end(step, &pipeline->ctx, task.fit, code != QN_OK, err);
    return code != QN_OK ? code : ended;
}

/* --- map without groups ---------------------------------------------------------------------- */

static qn_code run_rows(struct qn_pipeline *pipeline, struct qn_err *err)
{
    struct qn_output output;
    qn_code code = qn_output_init(&output, pipeline, err);
    if (code == QN_OK)
        code = qn_pipeline_read(pipeline, err);
    if (code == QN_OK)
        code = qn_output_end(&output, pipeline, err);
    qn_output_fini(&output);
    return code;
}

/* Refused rows in the order they stand in the file: steps refuse a batch at a time, one after the
 * other, and the reader before all of them. */
static int compare_rejects(const void *left, const void *right, void *context)
{
    const uint32_t *a = left, *b = right;
    const struct qn_batch *rows = context;
    struct qn_reject x = qn_reject_at(rows, *a), y = qn_reject_at(rows, *b);
    if (x.byte_offset != y.byte_offset)
        return x.byte_offset < y.byte_offset ? -1 : 1;
    return (*a > *b) - (*a < *b);
}

static qn_code sort_rejects(struct qn_rejects *rejects, struct qn_arena *arena, struct qn_err *err)
{
    uint32_t n = qn_rejects_count(rejects);
    uint32_t *order = qn_arena_alloc(arena, n * sizeof *order);
    struct qn_rejects sorted;
    struct qn_batch rows;
    if (!order)
        return qn_err_nomem(err, "refused rows");
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    qn_builder_batch(rejects->rows, &rows);
    qsort_r(order, n, sizeof *order, compare_rejects, &rows);
    QN_TRY(qn_rejects_init(&sorted, err));
    for (uint32_t i = 0; i < n; i++) {
        struct qn_reject reject = qn_reject_at(&rows, order[i]);
        qn_code code = qn_rejects_add(&sorted, &reject, err);
        if (code != QN_OK) {
            qn_rejects_fini(&sorted);
            return code;
        }
    }
    qn_rejects_fini(rejects);
    *rejects = sorted;
    return QN_OK;
}

static qn_code etl_run(const struct qn_job *job, struct qn_task_in *in, struct qn_task_out *out,
                       struct qn_err *err)
{
    const struct qn_etl *etl = job->impl;
    const struct qn_etl_stage *stage = &etl->stages[in->stage];
    struct qn_pipeline pipeline;
    qn_code code = qn_pipeline_init(&pipeline, job, in, out, err);
    if (code == QN_OK) {
        switch (stage->kind) {
        case QN_ETL_FIT: code = run_fit(&pipeline, stage->fit, err); break;
        case QN_ETL_FIT_REDUCE:
            code = stage->fit->ops->fit->reduce(stage->fit, &pipeline.ctx, err);
            break;
        case QN_ETL_JOIN_SIDE: code = qn_join_send_side(&pipeline, stage->join, err); break;
        case QN_ETL_JOIN_KEYS: code = qn_join_send_keys(&pipeline, stage->join, err); break;
        case QN_ETL_JOIN_MATCH: code = qn_join_match(&pipeline, stage->join, err); break;
        case QN_ETL_MAP:
            code = etl->group ? qn_group_map(&pipeline, err) : run_rows(&pipeline, err);
            break;
        case QN_ETL_REDUCE: code = qn_group_reduce(&pipeline, err); break;
        }
    }
    qn_pipeline_fini(&pipeline);
    if (code == QN_OK && job->stages[in->stage].counts && qn_rejects_count(&out->rejects) > 1)
        code = sort_rejects(&out->rejects, in->arena, err);
    return code;
}

/* --- coordinator ----------------------------------------------------------------------------- */

struct final_acc {
    struct qn_arena arena;
    struct qn_check_tally *tallies;
    struct qn_profile profile;
    uint64_t rows_out;
};

struct etl_acc {
    void *data; /* a final_acc, or what the fit keeps */
    void (*free)(void *data);
};

static void final_free(void *data)
{
    struct final_acc *final = data;
    if (!final)
        return;
    qn_profile_fini(&final->profile);
    qn_arena_fini(&final->arena);
    free(final);
}

static void etl_free_acc(void *acc)
{
    struct etl_acc *self = acc;
    if (!self)
        return;
    if (self->data)
        self->free(self->data);
    free(self);
}

static bool is_final(const struct qn_etl_stage *stage)
{
    return stage->kind == QN_ETL_MAP || stage->kind == QN_ETL_REDUCE;
}

/* The stage whose partials carry profiles: the one that gives rows. */
static bool profiles(const struct qn_job *job, uint32_t stage)
{
    return job->stages[stage].rows && ((const struct qn_etl *)job->impl)->profiled;
}

/* NULL: no memory. */
static struct final_acc *final_new(const struct qn_job *job)
{
    const struct qn_etl *etl = job->impl;
    struct final_acc *final = calloc(1, sizeof *final);
    if (!final)
        return NULL;
    qn_arena_init(&final->arena);
    final->tallies = QN_NEW_ARRAY(&final->arena, struct qn_check_tally, etl->n_checks);
    if (final->tallies && qn_profile_init(&final->profile, &job->out, NULL) == QN_OK)
        return final;
    final_free(final);
    return NULL;
}

/* NULL: no memory. The stage's own part is there when it is a final one. */
static struct etl_acc *acc_get(const struct qn_job *job, uint32_t stage, void **acc)
{
    const struct qn_etl_stage *at = &((const struct qn_etl *)job->impl)->stages[stage];
    struct etl_acc *self = *acc;
    if (!self) {
        self = calloc(1, sizeof *self);
        if (!self)
            return NULL;
        self->free = is_final(at) ? final_free : at->fit->ops->fit->free_acc;
        *acc = self;
    }
    if (is_final(at) && !self->data)
        self->data = final_new(job);
    return is_final(at) && !self->data ? NULL : self;
}

static qn_code merge_final(const struct qn_job *job, uint32_t stage, struct final_acc *final,
                           struct qn_strv partial, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(partial);
    final->rows_out += qn_unpack_u64(&in);
    QN_TRY(qn_tallies_merge(job->impl, final->tallies, &in, &final->arena, err));
    if (profiles(job, stage))
        QN_TRY(qn_profile_merge(&final->profile, &in, err));
    return qn_unpack_end(&in, "an etl partial", err);
}

static qn_code etl_merge(const struct qn_job *job, uint32_t stage, void **acc,
                         const struct qn_strv *states, struct qn_strv partial, struct qn_err *err)
{
    (void)states;
    const struct qn_etl_stage *at = &((const struct qn_etl *)job->impl)->stages[stage];
    struct etl_acc *self = acc_get(job, stage, acc);
    if (!self)
        return qn_err_nomem(err, "a merge");
    if (is_final(at))
        return merge_final(job, stage, self->data, partial, err);
    return at->fit->ops->fit->merge(at->fit, &self->data, partial, err);
}

static qn_code etl_finish(const struct qn_job *job, uint32_t stage, uint32_t round, void **acc,
                          const struct qn_strv *states, struct qn_buf *state,
                          struct qn_findings *findings, enum qn_verdict *verdict,
                          struct qn_err *err)
{
    (void)round;
    const struct qn_etl *etl = job->impl;
    const struct qn_etl_stage *at = &etl->stages[stage];
    struct etl_acc *self = acc_get(job, stage, acc);
    *verdict = QN_VERDICT_NEXT;
    if (!self)
        return qn_err_nomem(err, "a merge");
    if (!is_final(at))
        return at->fit->ops->fit->finish(at->fit, &self->data, state, err);
    struct final_acc *final = self->data;
    bool grouped = at->kind == QN_ETL_REDUCE;
    QN_TRY(qn_checks_report(etl, final->tallies, grouped, final->rows_out, states, findings, err));
    return profiles(job, stage) ? qn_profile_report(&final->profile, findings, err) : QN_OK;
}

static qn_code etl_may_pass(const struct qn_job *job, const struct qn_facts *facts,
                            struct qn_arena *arena, bool *out, struct qn_err *err)
{
    const struct qn_etl *etl = job->impl;
    *out = true;
    return etl->prune ? qn_prune_may_pass(etl->prune, facts, arena, out, err) : QN_OK;
}

const struct qn_job_ops qn_job_etl = {
    .kind = "etl",
    .summary = "filter, derive, impute, dedupe, join, group and test rows",
    .keys = &qn_etl_keys,
    .compile = qn_etl_compile,
    .run = etl_run,
    .merge = etl_merge,
    .finish = etl_finish,
    .free_acc = etl_free_acc,
    .may_pass = etl_may_pass,
};
