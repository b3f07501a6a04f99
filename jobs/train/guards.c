#include "jobs/train/guards.h"

#include <string.h>

/* --- tasks ------------------------------------------------------------------------------------ */

qn_code qn_train_guarding_init(struct qn_train_guarding *guarding, const struct qn_train_walk *walk,
                               struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    struct qn_arena *arena = walk->in->arena;
    uint32_t n = train->guard.n_dates;
    *guarding = (struct qn_train_guarding){.label_time = -1};
    if (train->guards == QN_GUARDS_OFF)
        return QN_OK;
    QN_TRY(qn_guard_new(&train->guard, &guarding->guard, err));
    guarding->dates = QN_NEW_ARRAY(arena, int32_t, n);
    guarding->date_columns = QN_NEW_ARRAY(arena, const struct qn_column *, n);
    if (!guarding->dates || !guarding->date_columns)
        return qn_err_nomem(err, "the guards");
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(qn_train_walk_find(walk, train->dates[i], &guarding->dates[i], err));
    return n ? qn_train_walk_find(walk, train->label_time, &guarding->label_time, err) : QN_OK;
}

void qn_train_guarding_fini(struct qn_train_guarding *guarding)
{
    qn_guard_free(guarding->guard);
}

qn_code qn_train_guarding_add(struct qn_train_guarding *guarding, const struct qn_train_walk *walk,
                              struct qn_err *err)
{
    const struct qn_column *columns = walk->batch.columns;
    int32_t time = guarding->label_time;
    if (!guarding->guard || walk->n == 0)
        return QN_OK;
    for (uint32_t i = 0; i < walk->train->guard.n_dates; i++)
        guarding->date_columns[i] = &columns[guarding->dates[i]];
    const struct qn_guard_rows rows = {.features = walk->columns,
                                       .key = &columns[walk->key],
                                       .label_time = time < 0 ? NULL : &columns[time],
                                       .dates = guarding->date_columns,
                                       .rows = walk->rows,
                                       .labels = walk->labels,
                                       .sides = walk->sides,
                                       .hashes = walk->hashes,
                                       .n = walk->n};
    return qn_guard_add(guarding->guard, &rows, err);
}

/* --- coordinator ------------------------------------------------------------------------------ */

/* Notes on their way to findings. */
struct report {
    const struct qn_train *train;
    struct qn_findings *findings;
    uint64_t rows;
    struct qn_buf refused; /* tests and columns */
};

/* A column without spread harms nobody, and the fit says so of every one. */
static bool is_harmless(const struct qn_fit_note *note)
{
    return strcmp(note->test, "constant") == 0;
}

static bool is_told(const struct qn_findings *findings, const struct qn_fit_note *note)
{
    for (uint32_t i = 0; i < findings->n_tests; i++)
        if (note->feature[0] && strcmp(findings->tests[i].column, note->feature) == 0)
            return true;
    return false;
}

/* Of one column the first note is enough. */
static qn_code tell(struct report *report, const struct qn_fit_note *note, struct qn_err *err)
{
    struct qn_findings *findings = report->findings;
    struct qn_arena *arena = findings->arena;
    bool refuse = report->train->guards == QN_GUARDS_REFUSE && !is_harmless(note);
    if (is_told(findings, note))
        return QN_OK;
    struct qn_test_finding *test = qn_findings_add_test(findings);
    const char *column = qn_arena_strdup(arena, qn_strv_from(note->feature));
    const char *message = qn_arena_strdup(arena, qn_strv_from(note->message));
    if (!test || !column || !message)
        return qn_err_nomem(err, "findings");
    *test = (struct qn_test_finding){.column = column,
                                     .test = note->test,
                                     .severity = refuse ? "error" : "warn",
                                     .status = refuse ? "fail" : "warn",
                                     .failures = 1,
                                     .rows = report->rows,
                                     .message = message};
    if (refuse)
        qn_buf_printf(&report->refused, "%s%s: %s", report->refused.len ? "; " : "", note->test,
                      note->message);
    return QN_OK;
}

static qn_code tell_all(struct report *report, const struct qn_fit_note *notes, uint32_t n,
                        struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(tell(report, &notes[i], err));
    return QN_OK;
}

static qn_code refuse(struct report *report, struct qn_err *err)
{
    struct qn_findings *findings = report->findings;
    if (report->refused.len == 0)
        return QN_OK;
    findings->failed = true;
    findings->failure = qn_arena_printf(findings->arena, "guards: refuse: %.*s",
                                        QN_STRV_ARG(qn_buf_strv(&report->refused)));
    return findings->failure ? qn_buf_check(&report->refused, "findings", err)
                             : qn_err_nomem(err, "findings");
}

qn_code qn_train_guard_report(const struct qn_train *train, struct qn_guard *guard,
                              const struct qn_fit_note *fitted, uint32_t n_fitted, uint64_t rows,
                              struct qn_findings *findings, struct qn_err *err)
{
    struct qn_fit_note *seen = NULL;
    uint32_t n_seen = 0;
    struct report report = {.train = train, .findings = findings, .rows = rows};
    if (guard)
        QN_TRY(qn_guard_finish(guard, findings->arena, &seen, &n_seen, err));
    qn_buf_init(&report.refused);
    qn_code code = tell_all(&report, fitted, n_fitted, err);
    if (code == QN_OK)
        code = tell_all(&report, seen, n_seen, err);
    if (code == QN_OK)
        code = tell_all(&report, train->before, train->n_before, err);
    if (code == QN_OK)
        code = refuse(&report, err);
    qn_buf_fini(&report.refused);
    return code;
}
