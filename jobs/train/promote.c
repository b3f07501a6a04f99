/* Whether a new version gets the alias: every rule of register.promote must hold, on held-out
 * rows. */
#include <math.h>
#include <string.h>

#include "jobs/train/evaluate.h"

static const struct qn_metric_finding *find_metric(const struct qn_findings *findings,
                                                   const char *split, const char *metric)
{
    for (uint32_t i = 0; i < findings->n_metrics; i++)
        if (strcmp(findings->metrics[i].split, split) == 0 &&
            strcmp(findings->metrics[i].metric, metric) == 0)
            return &findings->metrics[i];
    return NULL;
}

/* "test roc_auc 0.84 is below 0.999", to the rules that held or to those that failed. */
static void try_rule(const struct qn_train_rule *rule, const char *split,
                     const struct qn_metric_finding *found, struct qn_buf *held,
                     struct qn_buf *failed)
{
    bool holds = found && found->value >= rule->min && found->value <= rule->max;
    struct qn_buf *out = holds ? held : failed;
    qn_buf_printf(out, "%s%s %s ", out->len ? "; " : "", split, rule->metric);
    if (found)
        qn_buf_printf(out, "%.6g is ", found->value);
    else
        qn_buf_printf(out, "does not exist: ");
    if (isfinite(rule->min) && (holds || !found || found->value < rule->min))
        qn_buf_printf(out, "%s %g", holds ? "at least" : "below", rule->min);
    else
        qn_buf_printf(out, "%s %g", holds ? "at most" : "above", rule->max);
}

/* The verdict as a test, so that whoever asks for the alias later can be told why it is not there.
 * Store and people find it by the words before the first colon. */
static qn_code report(struct qn_findings *findings, uint64_t rows, struct qn_err *err)
{
    const struct qn_model_finding *model = &findings->model;
    struct qn_test_finding *tests =
        QN_NEW_ARRAY(findings->arena, struct qn_test_finding, findings->n_tests + 1);
    const char *message = qn_arena_printf(findings->arena, "model %s %s @%s: %s", model->name,
                                          model->promote ? "becomes" : "does not become",
                                          model->alias, model->promote_note);
    if (!tests || !message)
        return qn_err_nomem(err, "findings");
    if (findings->n_tests)
        memcpy(tests, findings->tests, findings->n_tests * sizeof *tests);
    tests[findings->n_tests++] =
        (struct qn_test_finding){.column = "",
                                 .test = "promote",
                                 .severity = "warn",
                                 .status = model->promote ? "pass" : "warn",
                                 .failures = !model->promote,
                                 .rows = rows,
                                 .message = message};
    findings->tests = tests;
    return QN_OK;
}

qn_code qn_train_promote(const struct qn_train *train, const struct qn_train_census *census,
                         struct qn_findings *findings, struct qn_err *err)
{
    struct qn_model_finding *model = &findings->model;
    const uint64_t *test = census->rows[QN_SIDE_TEST];
    enum qn_side side = test[0] + test[1] ? QN_SIDE_TEST : QN_SIDE_VALIDATION;
    const char *split = qn_side_name(side);
    struct qn_buf held, failed;
    qn_buf_init(&held);
    qn_buf_init(&failed);
    for (uint32_t i = 0; i < train->n_rules; i++)
        try_rule(&train->rules[i], split, find_metric(findings, split, train->rules[i].metric),
                 &held, &failed);
    model->alias = train->alias;
    model->promote = train->alias && failed.len == 0;
    struct qn_strv note = qn_buf_strv(failed.len ? &failed : &held);
    model->promote_note = qn_arena_strdup(findings->arena, note);
    bool whole = !held.failed && !failed.failed && model->promote_note;
    qn_buf_fini(&held);
    qn_buf_fini(&failed);
    if (!whole)
        return qn_err_nomem(err, "findings");
    return train->alias && train->n_rules
               ? report(findings, census->rows[side][0] + census->rows[side][1], err)
               : QN_OK;
}
