/* What all tasks of a stage are told: qn_run_make_brief(). */
#include "coordinator/run.h"

static void brief_sides(const struct qn_run *run, const struct qn_job_run *job,
                        struct qn_brief *brief)
{
    for (uint32_t side = 0; side < job->job->n_sides; side++) {
        const struct qn_job_run *other = &run->jobs[job->job->sides[side].index];
        for (uint32_t s = 0; s < other->job->n_stages; s++)
            if (other->job->stages[s].rows)
                brief->sides[side] = other->parts[s];
    }
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
    const struct qn_stage *stage = &job->job->stages[job->stage];
    struct qn_brief brief = {.n_units = qn_job_run_units(job, job->stage)};
    for (uint32_t i = 0; i < QN_MAX_STAGES; i++)
        if (i != job->stage || !stage->repeats)
            brief.states[i] = qn_buf_strv(&job->states[i]);
    if (stage->over == QN_OVER_PARTITIONS)
        brief.partitions = job->parts[stage->partitions_from];
    brief_sides(run, job, &brief);
    struct qn_buf model;
    qn_buf_init(&model);
    qn_code code = QN_OK;
    if (job->job->model)
        code = qn_store_model_read(run->store, job->job->model, job->job->model_selector, &model,
                                   &brief.model_version, err);
    brief.model = qn_buf_strv(&model);
    if (code == QN_OK)
        code = keep(run, job, &brief, err);
    qn_buf_fini(&model);
    return code;
}
