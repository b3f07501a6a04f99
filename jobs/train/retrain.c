/* The drift stage of a job with `retrain`: does it train, or does the champion stay? */
#include <inttypes.h>
#include <math.h>

#include "jobs/learn/drift.h"
#include "jobs/train/drift.h"

static qn_code count_rows(struct qn_train_walk *walk, struct qn_train_drift *drift,
                          struct qn_err *err)
{
    do {
        QN_TRY(qn_train_walk_next(walk, err));
        walk->out->counters.absorbed += walk->n;
        QN_TRY(qn_train_drift_add(drift, walk, err));
    } while (walk->batch.n_rows);
    return QN_OK;
}

qn_code qn_train_run_drift(struct qn_train_walk *walk, struct qn_err *err)
{
    struct qn_train_drift drift;
    struct qn_buf partial;
    qn_train_drift_init(&drift);
    qn_buf_init(&partial);
    qn_code code = qn_train_drift_start(&drift, walk, err);
    if (code == QN_OK)
        code = count_rows(walk, &drift, err);
    if (code == QN_OK)
        qn_train_drift_pack(&partial, &drift);
    qn_train_drift_fini(&drift);
    if (code == QN_OK)
        return qn_train_give(walk->out, &partial, err);
    qn_buf_fini(&partial);
    return code;
}

/* --- decision --------------------------------------------------------------------------------- */

static double value_of(const struct qn_drift_finding *found, enum qn_drift_metric metric)
{
    return metric == QN_DRIFT_PSI ? found->psi : found->js;
}

/* The feature that moved most; the first of those that tie. NULL: none was compared. */
static const struct qn_drift_finding *find_largest(const struct qn_findings *findings,
                                                   enum qn_drift_metric metric)
{
    const struct qn_drift_finding *largest = NULL;
    for (uint32_t i = 0; i < findings->n_drifts; i++)
        if (!largest || value_of(&findings->drifts[i], metric) > value_of(largest, metric))
            largest = &findings->drifts[i];
    return largest;
}

/* "champion v3", or "v3" where the job gives no alias. */
static void name_champion(struct qn_buf *out, const struct qn_job *job,
                          const struct qn_train_drift *drift)
{
    const char *alias = job->model_selector[0] == '@' ? job->model_selector + 1 : "";
    qn_buf_printf(out, "%s%sv%u", alias, alias[0] ? " " : "", drift->version);
}

static bool tell_unknown(struct qn_buf *out, const struct qn_job *job,
                         const struct qn_train_drift *drift)
{
    if (drift->version == 0)
        qn_buf_printf(out, "trained: there is no %s%s yet", job->model, job->model_selector);
    else if (!drift->has_baseline) {
        qn_buf_printf(out, "trained: the file of ");
        name_champion(out, job, drift);
        qn_buf_printf(out, " does not say how its training rows were spread");
    }
    return out->len > 0;
}

/* What comes of it, and why; true: the job trains. */
static bool decide(struct qn_buf *out, const struct qn_job *job, const struct qn_train_drift *drift,
                   const struct qn_findings *findings)
{
    const struct qn_train *train = job->impl;
    const struct qn_retrain_plan *plan = train->retrain;
    const char *metric = qn_drift_metric_name(plan->metric);
    const struct qn_drift_finding *largest = find_largest(findings, plan->metric);
    uint64_t rows = qn_train_drift_new_rows(drift);
    if (tell_unknown(out, job, drift))
        return true;
    double value = largest ? value_of(largest, plan->metric) : 0;
    bool drifted = largest && value > plan->above, enough = rows >= plan->min_new_rows && rows;
    qn_buf_printf(out, drifted && enough ? "trained, as rows drifted from those of " : "kept ");
    name_champion(out, job, drift);
    if (rows == 0 && plan->min_new_rows == 0)
        qn_buf_printf(out, ": no new rows");
    else if (!enough)
        qn_buf_printf(out, ": %" PRIu64 " new rows < min_new_rows %" PRIu64, rows,
                      plan->min_new_rows);
    if (largest)
        qn_buf_printf(out, "%s largest %s %.4g at %s %s %g", enough ? ":" : ";", metric, value,
                      largest->feature,
                      drifted               ? ">"
                      : value < plan->above ? "<"
                                            : "=",
                      plan->above);
    else if (enough)
        qn_buf_printf(out, ": no feature of the job is one of its");
    if (enough)
        qn_buf_printf(out, " (%" PRIu64 " new rows)", rows);
    return drifted && enough;
}

qn_code qn_train_finish_drift(const struct qn_job *job, const struct qn_train_drift *drift,
                              struct qn_findings *findings, enum qn_verdict *verdict,
                              struct qn_err *err)
{
    struct qn_buf why;
    QN_TRY(qn_train_drift_report(job, drift, findings, err));
    qn_buf_init(&why);
    bool trains = decide(&why, job, drift, findings);
    struct qn_test_finding *test = qn_findings_add_test(findings);
    const char *message = qn_arena_strdup(findings->arena, qn_buf_strv(&why));
    qn_code code =
        test && message ? qn_buf_check(&why, "findings", err) : qn_err_nomem(err, "findings");
    qn_buf_fini(&why);
    if (code != QN_OK)
        return code;
    *test = (struct qn_test_finding){.column = "",
                                     .test = "retrain",
                                     .severity = "warn",
                                     .status = "pass",
                                     .rows = qn_train_drift_new_rows(drift),
                                     .message = message};
    *verdict = trains ? QN_VERDICT_NEXT : QN_VERDICT_END;
    return QN_OK;
}
