/* Train jobs that hold out the latest rows, and those that train only when rows have drifted. */
#include <jansson.h>

#include "tests/support/training.h"

static struct qn_test_finding find_test(const struct qn_runner *runner, const char *test)
{
    for (uint32_t i = 0; i < runner->findings.n_tests; i++)
        if (strcmp(runner->findings.tests[i].test, test) == 0)
            return runner->findings.tests[i];
    fail_msg("nothing was said of '%s'", test);
    return (struct qn_test_finding){0};
}

static struct qn_strv champion_of(const char *yaml)
{
    struct qn_runner runner;
    start(&runner, yaml);
    runner_run(&runner, 3, 0);
    struct qn_strv model = runner.findings.model.artefact;
    char *copy = malloc(model.len);
    memcpy(copy, model.data, model.len);
    learning_fini(&runner, &spec);
    return (struct qn_strv){copy, model.len};
}

/* --- drift, and sides by time ----------------------------------------------------------------- */

#define RETRAIN(above, rows)                                                                       \
    "retrain: {on_drift: {any_feature_above: " above "}, min_new_rows: " rows "}\n"

static void decides(struct qn_strv champion, const char *retrain, bool stale, bool trains,
                    const char *words)
{
    struct qn_runner runner;
    char yaml[1000];
    snprintf(yaml, sizeof yaml, HEAD SOME SPLIT INTO "%s%s", PROMOTE("{metric: roc_auc, min: 0}"),
             retrain);
    start(&runner, yaml);
    runner.model = champion;
    runner.model_version = 7;
    runner.stale = stale;
    runner.distrust = true;
    for (uint32_t n_units = 1; n_units < 8; n_units += 3) {
        runner_run(&runner, n_units, n_units);
        struct qn_test_finding said = find_test(&runner, "retrain");
        if (!strstr(said.message, words))
            fail_msg("'%s' is not in: %s", words, said.message);
        assert_true((runner.findings.model.name != NULL) == trains);
        assert_true((runner_rows(&runner)[0] != 0) == trains);
        assert_int_equal(runner.findings.n_drifts, champion.len && !stale ? 4 : 0);
    }
    learning_fini(&runner, &spec);
}

static void drift_decides_whether_it_trains(void **state)
{
    (void)state;
    struct qn_strv champion = champion_of(HEAD SOME SPLIT REGISTER), none = {0};
    decides(none, RETRAIN("0.25", "1"), false, true, "trained: there is no m@champion yet");
    decides(champion, RETRAIN("0.25", "100"), false, false, "kept champion v7: largest psi 0.0");
    decides(champion, RETRAIN("0.25", "100"), true, false,
            "kept champion v7: 0 new rows < min_new_rows 100");
    decides(champion, RETRAIN("0.25", "100000"), false, false, " new rows < min_new_rows 100000");
    decides(champion, RETRAIN("0.00001", "100"), false, true,
            "trained, as rows drifted from those of champion v7: largest psi 0.0");
    struct qn_buf without; /* the file of an older engine has no baseline */
    qn_buf_init(&without);
    json_t *json = json_loadb(champion.data, champion.len, 0, NULL);
    json_object_del(json, "baseline");
    char *text = json_dumps(json, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(json);
    decides((struct qn_strv){text, strlen(text)}, RETRAIN("0.25", "1") "params: {l2: 2}\n", true,
            true, "does not say how its training rows were spread");
    free(text);
    free((void *)(uintptr_t)champion.data);
}

static void sides_by_time_are_the_same_however_cut(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, BOOSTING
          "split: {method: time, column: since, test: 0.2, validation: 0.1}\n" INTO REGISTER
          "params: {num_rounds: 5, early_stopping_rounds: 2}\n");
    runner_run(&runner, 1, 0);
    struct qn_strv model = runner.findings.model.artefact;
    char *rows = strdup(runner_rows(&runner));
    double labelled = metric_of(&runner, "train", "rows") + metric_of(&runner, "test", "rows") +
                      metric_of(&runner, "validation", "rows");
    assert_int_equal(metric_of(&runner, "test", "rows"), rint(0.2 * labelled)); /* no ties */
    runner.distrust = true;
    for (uint32_t trial = 2; trial < 7; trial++) {
        runner_run(&runner, trial, trial);
        assert_true(qn_strv_eq(runner.findings.model.artefact, model));
        assert_string_equal(runner_rows(&runner), rows);
    }
    free(rows);
    learning_fini(&runner, &spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drift_decides_whether_it_trains),
        cmocka_unit_test(sides_by_time_are_the_same_however_cut),
    };
    return cmocka_run_group_tests(tests, make_table, drop_table);
}
