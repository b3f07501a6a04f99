#include "coordinator/given_up.h"

#include "base/log.h"

static bool appends(const struct qn_plan *plan, const char *job)
{
    int32_t index = qn_plan_find_job(plan, job);
    if (index < 0 || !plan->jobs[index].wanted)
        return false;
    const struct qn_into *into = &plan->jobs[index].job.into;
    return into->disposition == QN_WRITE_APPEND && (into->table || into->files.dataset);
}

struct coming {
    const struct qn_plan *plan;
};

static qn_code warn_of(void *context, int n_columns, const char *const *names,
                       const char *const *values)
{
    const struct coming *coming = context;
    (void)names;
    if (n_columns == 2 && values[0] && values[1] && appends(coming->plan, values[1]))
        qn_log_warn(
            "run %s did not succeed, but its job %s did: what that appended stays, and this "
            "run appends again",
            values[0], values[1]);
    return QN_OK;
}

qn_code qn_given_up_warn(struct qn_store *store, const struct qn_plan *plan, struct qn_err *err)
{
    static const char sql[] =
        "select r.run_id, j.job from _quern_runs r join _quern_jobs j using (run_id) "
        "where j.status = 'success' and (r.status = 'running' or "
        "(r.status = 'failed' and r.rowid = (select max(rowid) from _quern_runs))) order by 1, 2";
    struct coming coming = {plan};
    return qn_store_query(store, sql, NULL, 0, warn_of, &coming, err);
}
