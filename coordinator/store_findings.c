/* What finished jobs found out: tests and profiles. Models: store_models.c, what was measured of
 * them: store_evaluation.c. */
#include "coordinator/store_internal.h"

static qn_code forget(struct qn_store *store, const char *run_id, const char *job,
                      struct qn_err *err)
{
    static const char tests[] = "DELETE FROM _quern_tests WHERE run_id = ? AND job = ?";
    static const char profile[] = "DELETE FROM _quern_profile WHERE run_id = ? AND job = ?";
    static const char *const statements[] = {tests, profile};
    static const char doing[] = "write the findings";
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        struct qn_sqlite_args args;
        QN_TRY(qn_store_args(store, statements[i], doing, &args, err));
        qn_sqlite_text(&args, run_id);
        qn_sqlite_text(&args, job);
        QN_TRY(qn_sqlite_run(&args, doing, err));
    }
    return QN_OK;
}

static qn_code test_put(struct qn_store *store, const char *run_id, const char *job,
                        const struct qn_test_finding *test, struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_tests VALUES(?,?,?,?,?,?,?,?,?)";
    static const char doing[] = "write a test's outcome";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, job);
    qn_sqlite_text(&args, test->column && test->column[0] ? test->column : NULL);
    qn_sqlite_text(&args, test->test);
    qn_sqlite_text(&args, test->severity);
    qn_sqlite_text(&args, test->status);
    qn_sqlite_u64(&args, test->failures);
    qn_sqlite_u64(&args, test->rows);
    qn_sqlite_text(&args, test->message);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code profile_put(struct qn_store *store, const char *run_id, const char *job,
                           const struct qn_profile_finding *profile, struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_profile VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    static const char doing[] = "write a column's profile";
    struct qn_sqlite_args args;
    QN_TRY(qn_store_args(store, sql, doing, &args, err));
    qn_sqlite_text(&args, run_id);
    qn_sqlite_text(&args, job);
    qn_sqlite_text(&args, profile->column);
    qn_sqlite_text(&args, profile->type);
    qn_sqlite_u64(&args, profile->rows);
    qn_sqlite_u64(&args, profile->nulls);
    qn_sqlite_u64(&args, profile->imputed);
    qn_sqlite_u64(&args, profile->distinct_count);
    qn_sqlite_u64(&args, profile->distinct_approximate);
    qn_sqlite_text(&args, profile->min);
    qn_sqlite_text(&args, profile->max);
    qn_sqlite_f64(&args, profile->mean);
    qn_sqlite_f64(&args, profile->stddev);
    qn_sqlite_text(&args, profile->quantiles);
    qn_sqlite_text(&args, profile->top_values);
    qn_sqlite_text(&args, profile->histogram);
    return qn_sqlite_run(&args, doing, err);
}

qn_code qn_store_findings_put(struct qn_store *store, const char *run_id, const char *job,
                              const struct qn_findings *findings, const char *spec_sha256,
                              uint64_t seed, uint32_t *version, struct qn_err *err)
{
    *version = 0;
    QN_TRY(qn_store_inside(store, "write the findings", err));
    /* A job that ends again, after a crash in between, tells the same once more. */
    QN_TRY(forget(store, run_id, job, err));
    QN_TRY(qn_store_evaluation_forget(store, run_id, job, err));
    for (uint32_t i = 0; i < findings->n_tests; i++)
        QN_TRY(test_put(store, run_id, job, &findings->tests[i], err));
    for (uint32_t i = 0; i < findings->n_profiles; i++)
        QN_TRY(profile_put(store, run_id, job, &findings->profiles[i], err));
    const char *model = findings->failed ? NULL : findings->model.name;
    if (model)
        QN_TRY(qn_store_model_put(store, run_id, job, &findings->model, spec_sha256, seed, version,
                                  err));
    return qn_store_evaluation_put(store, run_id, job, findings, model, *version, err);
}
