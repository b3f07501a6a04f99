/* Whether a new version gets the alias: every rule of register.promote must hold, on held-out
 * rows. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "jobs/train/evaluate.h"
#include "jobs/train/evaluated.h"

static const struct qn_metric_finding *find_metric(const struct qn_findings *findings,
                                                   const char *split, const char *metric)
{
    for (uint32_t i = 0; i < findings->n_metrics; i++)
        if (strcmp(findings->metrics[i].split, split) == 0 &&
            strcmp(findings->metrics[i].metric, metric) == 0)
            return &findings->metrics[i];
    return NULL;
}

/* What rules are tried on, and what came of it. */
struct trial {
    const struct qn_train *train;
    const struct qn_train_measured *measured;
    const struct qn_train_champion *champion;
    struct qn_findings *findings;
    const char *split;
    uint64_t held_out; /* rows of that split */
    struct qn_buf held, failed;
};

static struct qn_buf *begin_clause(struct trial *trial, bool holds)
{
    struct qn_buf *out = holds ? &trial->held : &trial->failed;
    if (out->len)
        qn_buf_printf(out, "; ");
    return out;
}

/* "test roc_auc 0.84 is below 0.999", to the rules that held or to those that failed. */
static void try_bounds(struct trial *trial, const struct qn_train_rule *rule,
                       const struct qn_metric_finding *found)
{
    bool holds = found && found->value >= rule->min && found->value <= rule->max;
    struct qn_buf *out = begin_clause(trial, holds);
    qn_buf_printf(out, "%s %s ", trial->split, rule->metric);
    if (found)
        qn_buf_printf(out, "%.6g is ", found->value);
    else
        qn_buf_printf(out, "does not exist: ");
    if (isfinite(rule->min) && (holds || !found || found->value < rule->min))
        qn_buf_printf(out, "%s %g", holds ? "at least" : "below", rule->min);
    else
        qn_buf_printf(out, "%s %g", holds ? "at most" : "above", rule->max);
}

/* Models that cannot be compared: a rule that asks for more than noise does not hold. */
static bool is_comparable(struct trial *trial, const struct qn_train_rule *rule)
{
    const struct qn_train_champion *champion = trial->champion;
    const char *alias = trial->train->versus;
    uint64_t shared = trial->measured->shared[0] + trial->measured->shared[1];
    if (champion->version == 0)
        qn_buf_printf(begin_clause(trial, true), "there is no @%s to beat yet", alias);
    else if (champion->problem.len)
        qn_buf_printf(begin_clause(trial, false), "%s cannot be compared with @%s (v%u): %.*s",
                      rule->metric, alias, champion->version,
                      QN_STRV_ARG(qn_buf_strv(&champion->problem)));
    else if (!trial->measured->compared)
        qn_buf_printf(begin_clause(trial, false),
                      "%s cannot be compared with @%s (v%u): of %" PRIu64 " %s rows it has not "
                      "seen %" PRIu64 ", %" PRIu64 " of them positive; 10 of each class are "
                      "needed",
                      rule->metric, alias, champion->version, trial->held_out, trial->split, shared,
                      trial->measured->shared[1]);
    else
        return true;
    return false;
}

/* "test roc_auc 0.8461 beats 0.8440 of @champion (v3) by 0.0021, at least 0.0004 with 95 %
 * confidence, on 1409 rows that neither was trained on". */
static void tell_difference(struct trial *trial, const struct qn_comparison_finding *found)
{
    struct qn_buf *out = begin_clause(trial, found->holds);
    qn_buf_printf(out, "%s %s %.6g %s %.6g of @%s (v%u)", found->split, found->metric, found->value,
                  found->holds ? found->margin > 0 ? "is as good as" : "beats" : "does not beat",
                  found->against_value, found->alias, found->against);
    if (found->margin > 0)
        qn_buf_printf(out, " within %g", found->margin);
    qn_buf_printf(out,
                  ": better by %.4g, at least %.4g with %g %% confidence, on %" PRIu64
                  " of %" PRIu64 " rows, which neither was trained on",
                  found->difference, found->low, 100 * found->confidence, found->rows,
                  trial->held_out);
}

static void try_versus(struct trial *trial, uint32_t index)
{
    const struct qn_train_rule *rule = &trial->train->rules[index];
    const struct qn_paired_result *result = &trial->measured->results[index];
    struct qn_findings *findings = trial->findings;
    if (!is_comparable(trial, rule))
        return;
    struct qn_comparison_finding *found = &findings->comparisons[findings->n_comparisons++];
    *found = (struct qn_comparison_finding){
        .alias = trial->train->versus,
        .against = trial->champion->version,
        .split = trial->split,
        .metric = rule->metric,
        .rows = trial->measured->shared[0] + trial->measured->shared[1],
        .positives = trial->measured->shared[1],
        .value = result->value[0],
        .against_value = result->value[1],
        .difference = result->difference,
        .std_error = result->std_error,
        .confidence = rule->confidence,
        .low = qn_paired_low(result, rule->confidence),
        .margin = rule->margin,
    };
    found->holds = rule->has_margin ? found->low >= -rule->margin : found->low > 0;
    tell_difference(trial, found);
}

static void try_rule(struct trial *trial, uint32_t index)
{
    const struct qn_train_rule *rule = &trial->train->rules[index];
    if (isfinite(rule->min) || isfinite(rule->max))
        try_bounds(trial, rule, find_metric(trial->findings, trial->split, rule->metric));
    if (rule->versus)
        try_versus(trial, index);
}

/* The verdict as a test, so that whoever asks for the alias later can be told why it is not there.
 * Store and people find it by the words before the first colon. */
static qn_code report(struct qn_findings *findings, uint64_t rows, struct qn_err *err)
{
    const struct qn_model_finding *model = &findings->model;
    struct qn_test_finding *test = qn_findings_add_test(findings);
    const char *message = qn_arena_printf(findings->arena, "model %s %s @%s: %s", model->name,
                                          model->promote ? "becomes" : "does not become",
                                          model->alias, model->promote_note);
    if (!test || !message)
        return qn_err_nomem(err, "findings");
    *test = (struct qn_test_finding){.column = "",
                                     .test = "promote",
                                     .severity = "warn",
                                     .status = model->promote ? "pass" : "warn",
                                     .failures = !model->promote,
                                     .rows = rows,
                                     .message = message};
    return QN_OK;
}

static qn_code decide(struct trial *trial, struct qn_err *err)
{
    const struct qn_train *train = trial->train;
    struct qn_findings *findings = trial->findings;
    struct qn_model_finding *model = &findings->model;
    findings->comparisons =
        QN_NEW_ARRAY(findings->arena, struct qn_comparison_finding, train->n_rules);
    if (!findings->comparisons)
        return qn_err_nomem(err, "findings");
    for (uint32_t i = 0; i < train->n_rules; i++)
        try_rule(trial, i);
    model->alias = train->alias;
    model->promote = train->alias && trial->failed.len == 0;
    struct qn_strv note = qn_buf_strv(trial->failed.len ? &trial->failed : &trial->held);
    model->promote_note = qn_arena_strdup(findings->arena, note);
    if (trial->held.failed || trial->failed.failed || !model->promote_note)
        return qn_err_nomem(err, "findings");
    return train->alias && train->n_rules ? report(findings, trial->held_out, err) : QN_OK;
}

qn_code qn_train_promote(const struct qn_train *train, const struct qn_train_evaluated *evaluated,
                         const struct qn_train_census *census,
                         const struct qn_train_measured *measured, struct qn_findings *findings,
                         struct qn_err *err)
{
    const uint64_t *test = census->rows[QN_SIDE_TEST];
    enum qn_side side = test[0] + test[1] ? QN_SIDE_TEST : QN_SIDE_VALIDATION;
    struct trial trial = {.train = train,
                          .measured = measured,
                          .champion = &evaluated->champion,
                          .findings = findings,
                          .split = qn_side_name(side),
                          .held_out = census->rows[side][0] + census->rows[side][1]};
    qn_buf_init(&trial.held);
    qn_buf_init(&trial.failed);
    qn_code code = decide(&trial, err);
    qn_buf_fini(&trial.held);
    qn_buf_fini(&trial.failed);
    return code;
}
