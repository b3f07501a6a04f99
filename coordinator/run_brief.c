/* What all tasks of a stage are told: qn_run_make_brief(). */
#include "coordinator/fresh.h"
#include "coordinator/run.h"

static void brief_partitions(const struct qn_job_run *job, struct qn_brief *brief)
{
    const struct qn_stage *stage = &job->job->stages[job->stage];
    for (uint32_t s = 0; s < job->stage; s++)
        if ((stage->reads >> s & 1) ||
            (stage->over == QN_OVER_PARTITIONS && stage->partitions_from == s))
            brief->partitions[s] = job->parts[s];
}

static qn_code brief_fresh(const struct qn_run *run, const struct qn_job_run *job,
                           struct qn_arena *arena, struct qn_brief *brief, struct qn_err *err)
{
    struct qn_fresh fresh;
    QN_TRY(qn_fresh_find(run, job, brief->model_version, arena, &fresh, err));
    brief->fresh = (struct qn_strv){(const char *)fresh.units, fresh.n_bytes};
    brief->fresh_known = fresh.known;
    brief->fresh_most = fresh.most;
    return QN_OK;
}

/* Kept as long as the run: a part that is lost is made again from the same (remake.h). */
static qn_code keep(struct qn_run *run, struct qn_job_run *job, const struct qn_brief *brief,
                    struct qn_err *err)
{
    struct qn_buf packed;
    char *hash = job->brief_hashes[job->stage];
    qn_buf_init(&packed);
    qn_brief_pack(brief, &packed);
    qn_code code = qn_buf_check(&packed, "a brief", err);
    if (code == QN_OK)
        code = qn_blob_table_put(&run->blobs, qn_buf_strv(&packed), hash, err);
    qn_buf_fini(&packed);
    return code;
}

qn_code qn_run_make_brief(struct qn_run *run, struct qn_job_run *job, struct qn_err *err)
{
    struct qn_brief brief = {.n_units = qn_job_run_units(job, job->stage),
                             .shuffled = job->shuffled,
                             .n_chunks = job->n_chunks};
    for (uint32_t i = 0; i < QN_MAX_STAGES; i++)
        if (i != job->stage || !qn_job_run_stage(job)->repeats)
            brief.states[i] = qn_buf_strv(&job->states[i]);
    for (uint32_t i = 0; i < QN_MAX_SIDES; i++)
        brief.sides[i] = job->sides[i];
    brief_partitions(job, &brief);
    struct qn_buf model;
    struct qn_arena arena;
    qn_buf_init(&model);
    qn_arena_init(&arena);
    qn_code code = QN_OK;
    if (qn_job_run_stage(job)->model && job->job->model)
        code = qn_store_model_use(run->store, run->run_id, job->job, &model, &brief.model_version,
                                  err);
    brief.model = qn_buf_strv(&model);
    if (code == QN_OK && qn_job_run_stage(job)->fresh && brief.model_version)
        code = brief_fresh(run, job, &arena, &brief, err);
    if (code == QN_OK)
        code = keep(run, job, &brief, err);
    qn_arena_fini(&arena);
    qn_buf_fini(&model);
    return code;
}
