#include "coordinator/status.h"

#include "base/clock.h"

static struct qn_msg_job job_status(const struct qn_job_run *run)
{
    const struct qn_job *job = run->job;
    struct qn_msg_job out = {.name = qn_strv_from(job->name),
                             .kind = qn_strv_from(job->ops->kind),
                             .status = qn_strv_from(qn_job_status_name(run->status)),
                             .n_stages = job->n_stages,
                             .counters = run->counters,
                             .micros = (uint64_t)(run->seconds * 1e6)};
    if (run->status != QN_JOB_RUNNING)
        return out;
    out.stage = qn_strv_from(job->stages[run->stage].name);
    out.stage_number = run->stage;
    out.round = run->round;
    out.done = run->n_committed;
    out.total = qn_job_run_units(run, run->stage);
    out.micros = (uint64_t)(qn_clock_ms() - run->started_ms) * 1000;
    return out;
}

qn_code qn_status_tell(const struct qn_run *run, const struct qn_schedule_counts *counts,
                       int64_t started_us, struct qn_arena *arena, struct qn_msg *out,
                       struct qn_err *err)
{
    *out = (struct qn_msg){.kind = QN_MSG_STATUS};
    out->status.run_id = qn_strv_from(run->run_id);
    out->status.spec = qn_strv_from(run->plan->spec.name);
    out->status.micros = (uint64_t)(qn_clock_us() - started_us);
    out->status.rows_read = run->rows_read;
    out->status.workers = counts->workers;
    out->status.slots = counts->slots;
    out->status.draining = counts->draining;
    out->status.items = QN_NEW_ARRAY(arena, struct qn_msg_job, run->plan->n_order);
    if (!out->status.items)
        return qn_err_nomem(err, "a status");
    for (uint32_t i = 0; i < run->plan->n_order; i++)
        if (run->plan->jobs[run->plan->order[i]].wanted)
            out->status.items[out->status.n++] = job_status(&run->jobs[run->plan->order[i]]);
    return QN_OK;
}
