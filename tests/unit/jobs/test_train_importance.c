/* Importances of a train job: the same however rows are cut and dealt out, of the rows asked for,
 * and what they are by definition. */
#include "jobs/learn/permute.h"
#include "jobs/learn/split.h"
#include "tests/support/training.h"

#define JOB(algorithm) TRAIN(algorithm) SOME "split: {method: hash, test: 0.4, stratify: true}\n"
#define TREES JOB("gradient_boosting") "params: {num_rounds: 12, num_leaves: 6}\n"

/* kind NULL: there is none. */
static struct qn_importance_finding find(const struct qn_runner *runner, const char *kind,
                                         const char *feature)
{
    for (uint32_t i = 0; i < runner->findings.n_importances; i++) {
        const struct qn_importance_finding *found = &runner->findings.importances[i];
        if (strcmp(found->kind, kind) == 0 && strcmp(found->feature, feature) == 0)
            return *found;
    }
    return (struct qn_importance_finding){.kind = NULL};
}

static double value_of(const struct qn_runner *runner, const char *kind, const char *feature)
{
    const struct qn_importance_finding found = find(runner, kind, feature);
    assert_non_null(found.kind);
    return found.value;
}

/* All importances as text; the caller frees it. */
static char *told(const struct qn_runner *runner)
{
    struct qn_buf out;
    qn_buf_init(&out);
    for (uint32_t i = 0; i < runner->findings.n_importances; i++) {
        const struct qn_importance_finding *one = &runner->findings.importances[i];
        qn_buf_printf(&out, "%s %s %s %a %a %u %llu\n", one->kind, one->feature,
                      one->metric ? one->metric : "-", one->value, one->spread, one->repeats,
                      (unsigned long long)one->rows);
    }
    for (uint32_t i = 0; i < runner->findings.n_swarm; i++) {
        const struct qn_swarm_finding *one = &runner->findings.swarm[i];
        qn_buf_printf(&out, "%s %a %a %d %llu\n", one->feature, one->low, one->high, one->level,
                      (unsigned long long)one->rows);
    }
    char *text = strdup(runner_text(&out));
    qn_buf_fini(&out);
    return text;
}

static void same_however_cut_and_dealt_out(void **state)
{
    static const char *const jobs[] = {
        TREES "evaluate: {importance: {}}\n",
        TREES "evaluate: {importance: {rows: 150, shap_rows: 60, metric: log_loss}}\n"};
    (void)state;
    for (size_t j = 0; j < sizeof jobs / sizeof jobs[0]; j++) {
        struct qn_runner runner;
        start(&runner, jobs[j]);
        runner_run(&runner, 7, 0);
        char *expected = told(&runner);
        assert_true(strlen(expected) > 1000);
        for (uint32_t trial = 1; trial < 5; trial++) {
            runner.executors = trial;
            runner_run(&runner, 1 + 6 * trial, trial);
            char *found = told(&runner);
            assert_string_equal(found, expected);
            free(found);
        }
        free(expected);
        learning_fini(&runner, &spec);
    }
}

/* Label by spend, visits, vip and plan: all are worth something, in all ways, to both algorithms.
 * Numbers add up: of SHAP all rows of every feature, of gain what the splits have. */
static void features_are_worth_something(void **state)
{
    static const char *const jobs[] = {TREES "evaluate: {importance: {}}\n",
                                       JOB("logistic_regression") "evaluate: {importance: {}}\n"};
    static const char *const features[] = {"spend", "visits", "vip", "plan"};
    (void)state;
    for (int j = 0; j < 2; j++) {
        struct qn_runner runner;
        start(&runner, jobs[j]);
        runner_run(&runner, 3, 0);
        double rows = metric_of(&runner, "test", "rows");
        for (int f = 0; f < 4; f++) {
            const struct qn_importance_finding found = find(&runner, "permutation", features[f]);
            uint64_t explained = 0;
            assert_non_null(found.kind);
            assert_true(found.value > 0 && found.spread > 0 && found.spread < 0.1);
            assert_true(found.repeats == 5 && (double)found.rows == rows);
            assert_true(value_of(&runner, "shap", features[f]) > 0.01);
            assert_true((find(&runner, "gain", features[f]).kind != NULL) == (j == 0));
            for (uint32_t i = 0; i < runner.findings.n_swarm; i++)
                if (strcmp(runner.findings.swarm[i].feature, features[f]) == 0)
                    explained += runner.findings.swarm[i].rows;
            assert_true((double)explained == rows);
        }
        assert_true(value_of(&runner, "permutation", "visits") >
                    value_of(&runner, "permutation", "vip"));
        learning_fini(&runner, &spec);
    }
}

static void only_what_is_asked_for(void **state)
{
    struct qn_runner runner;
    (void)state;
    start(&runner, TREES "evaluate: {importance: {repeats: 0, shap_rows: 50}}\n");
    runner_run(&runner, 3, 0);
    assert_null(find(&runner, "permutation", "spend").kind);
    uint64_t few = find(&runner, "shap", "spend").rows;
    assert_in_range(few, 25, 50);
    learning_fini(&runner, &spec);

    start(&runner, TREES "evaluate: {importance: {repeats: 2, rows: 100, shap_rows: 0}}\n");
    runner_run(&runner, 3, 0);
    assert_null(find(&runner, "shap", "spend").kind);
    assert_int_equal(find(&runner, "permutation", "spend").repeats, 2);
    assert_in_range(find(&runner, "permutation", "spend").rows, 70, 130);
    assert_int_equal(runner.findings.n_swarm, 0);
    learning_fini(&runner, &spec);

    start(&runner, TREES "evaluate: {importance: {repeats: 0, shap_rows: 0}}\n");
    assert_string_equal(runner.job.stages[runner.job.n_stages - 2].name, "evaluate");
    runner_run(&runner, 3, 0);
    assert_int_equal(runner.findings.n_importances, 4); /* gain */
    learning_fini(&runner, &spec);
}

/* Without held-out rows there is nothing to be told but gain. */
static void needs_held_out_rows(void **state)
{
    struct qn_runner runner;
    (void)state;
    start(&runner, "kind: train\nfrom: rows\nlabel: left\nkey: id\nalgorithm: gradient_boosting\n"
                   "params: {num_rounds: 3}\nsplit: {method: hash, test: 0}\n");
    runner_run(&runner, 2, 0);
    assert_null(find(&runner, "permutation", "spend").kind);
    assert_null(find(&runner, "shap", "spend").kind);
    assert_non_null(find(&runner, "gain", "spend").kind);
    learning_fini(&runner, &spec);
}

/* A feature that no tree asks for is worth exactly nothing. */
static void unused_features_are_worth_nothing(void **state)
{
    struct qn_runner runner;
    bool found = false;
    (void)state;
    start(&runner, JOB("gradient_boosting") "params: {num_rounds: 1, num_leaves: 2}\n"
                                            "evaluate: {importance: {}}\n");
    runner_run(&runner, 2, 0);
    for (uint32_t i = 0; i < runner.findings.n_importances; i++) {
        const struct qn_importance_finding *gain = &runner.findings.importances[i];
        if (strcmp(gain->kind, "gain") != 0 || gain->value > 0)
            continue;
        found = true;
        assert_true(value_of(&runner, "permutation", gain->feature) == 0);
        assert_true(value_of(&runner, "shap", gain->feature) == 0);
    }
    assert_true(found);
    learning_fini(&runner, &spec);
}

static void metrics_are_named(void **state)
{
    struct qn_runner runner;
    (void)state;
    learning_init(&runner, &spec, TREES "evaluate: {importance: {metric: recall}}\n", NULL, &table);
    assert_int_equal(runner.compiled, QN_EINPUT);
    assert_non_null(strstr(runner_mistakes(&runner), "importance cannot be told by 'recall'"));
    assert_non_null(strstr(runner_mistakes(&runner), qn_permute_metrics()));
    learning_fini(&runner, &spec);
}

static void partials_are_checked(void **state)
{
    struct qn_runner runner;
    (void)state;
    start(&runner, TREES "evaluate: {importance: {}}\n");
    runner.distrust = true;
    runner_run(&runner, 2, 0);
    learning_fini(&runner, &spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_however_cut_and_dealt_out),
        cmocka_unit_test(features_are_worth_something),
        cmocka_unit_test(only_what_is_asked_for),
        cmocka_unit_test(needs_held_out_rows),
        cmocka_unit_test(unused_features_are_worth_nothing),
        cmocka_unit_test(metrics_are_named),
        cmocka_unit_test(partials_are_checked),
    };
    return cmocka_run_group_tests(tests, make_table, drop_table);
}
