#include "cli/pick_run.h"

#include "flow/job.h"
#include "flow/source.h"

static qn_code take_run(void *context, int n, const char *const *names, const char *const *values)
{
    (void)n;
    (void)names;
    snprintf(context, QN_RUN_ID, "%s", values[0]);
    return QN_OK;
}

qn_code qn_pick_run(struct qn_store *store, const char *warehouse, const char *named,
                    char run_id[QN_RUN_ID], struct qn_err *err)
{
    static const char find_last[] =
        "select run_id from _quern_runs order by started_at desc limit 1";
    static const char find_named[] = "select run_id from _quern_runs where run_id = ?1";
    char last[QN_RUN_ID] = "";
    run_id[0] = '\0';
    QN_TRY(qn_store_query(store, find_last, NULL, 0, take_run, last, err));
    if (!last[0])
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "%s holds no run yet", warehouse);
    if (!named) {
        memcpy(run_id, last, sizeof last);
        return QN_OK;
    }
    QN_TRY(qn_store_query(store, find_named, &named, 1, take_run, run_id, err));
    if (!run_id[0])
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "%s holds no run '%s'; the last is %s",
                          warehouse, named, last);
    return QN_OK;
}

qn_code qn_pick_spec(struct qn_spec *spec, const char *path, const struct qn_cli_common *common,
                     struct qn_err *err)
{
    qn_code code = qn_spec_read(spec, path, (struct qn_strv){0}, NULL, common->settings,
                                common->n_settings, qn_job_all(), qn_source_all(), err);
    if (code == QN_EINPUT)
        qn_err_set(err, code, QN_BLAME_JOB, "%s has mistakes: see quern validate %s", path, path);
    return code == QN_EIO ? QN_EINPUT : code; /* the command is wrong, nothing failed */
}
