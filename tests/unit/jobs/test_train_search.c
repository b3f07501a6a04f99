/* The search of a train job: what it chooses, from which rows, and what it refuses. */
#include "jobs/train/search.h"
#include "tests/support/training.h"

#define LOGISTIC HEAD SOME REGISTER
#define TREES BOOSTING SOME REGISTER

static const struct qn_candidate_finding *chosen(const struct qn_runner *runner)
{
    const struct qn_candidate_finding *found = NULL;
    for (uint32_t i = 0; i < runner->findings.n_candidates; i++) {
        const struct qn_candidate_finding *one = &runner->findings.candidates[i];
        if (one->fold != 0 || !one->chosen)
            continue;
        assert_null(found);
        found = one;
    }
    assert_non_null(found);
    return found;
}

/* What was found, as text: equal texts are equal bits. */
static char *told(const struct qn_runner *runner)
{
    struct qn_buf out;
    qn_buf_init(&out);
    for (uint32_t i = 0; i < runner->findings.n_candidates; i++) {
        const struct qn_candidate_finding *one = &runner->findings.candidates[i];
        qn_buf_printf(&out, "%u %s %u %.17g %a %d\n", one->candidate, one->params, one->fold,
                      one->share, one->value, one->chosen);
    }
    char *text = strdup(runner_text(&out));
    qn_buf_fini(&out);
    return text;
}

/* --- what is chosen -------------------------------------------------------------------------- */

static void the_best_mean_wins_and_is_fitted(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, LOGISTIC "search: {params: {l2: [100000, 1, 3000]}, folds: 4}\n");
    runner_run(&runner, 3, 0);
    const struct qn_candidate_finding *best = chosen(&runner);
    assert_int_equal(runner.findings.n_candidates, 3 * 5);
    for (uint32_t i = 0; i < runner.findings.n_candidates; i++)
        if (runner.findings.candidates[i].fold == 0)
            assert_true(runner.findings.candidates[i].value <= best->value);
    assert_string_equal(best->params, "{\"l2\": 1}");
    char *searched =
        strndup(runner.findings.model.artefact.data, runner.findings.model.artefact.len);
    learning_fini(&runner, &spec);
    start(&runner, LOGISTIC "params: {l2: 1}\n");
    runner_run(&runner, 3, 0);
    char *plain = strndup(runner.findings.model.artefact.data, runner.findings.model.artefact.len);
    assert_string_equal(plain, searched);
    free(plain);
    free(searched);
    learning_fini(&runner, &spec);
}

static void check_same(const char *yaml)
{
    struct qn_runner runner;
    start(&runner, yaml);
    runner_run(&runner, 4, 0);
    char *first = told(&runner);
    for (uint32_t trial = 1; trial < 4; trial++) {
        runner.executors = trial;
        runner.batch_rows = 1 + 50 * trial;
        runner_run(&runner, 1 + 3 * trial, trial);
        char *again = told(&runner);
        assert_string_equal(again, first);
        free(again);
    }
    free(first);
    learning_fini(&runner, &spec);
}

static void choice_is_the_same_however_dealt_out(void **state)
{
    (void)state;
    check_same(LOGISTIC "search: {params: {l2: [0.1, 10], l1: [0, 1]}, folds: 3}\n");
    check_same(TREES "params: {num_rounds: 5}\nsearch: {method: random, trials: 4, folds: 3, "
                     "params: {num_leaves: {min: 2, max: 31, log: true}, "
                     "learning_rate: {min: 0.05, max: 0.5}}}\n");
}

static void halving_leaves_ever_fewer_on_ever_more_rows(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, LOGISTIC "search: {method: halving, eta: 3, folds: 2, metric: log_loss, "
                            "params: {l2: [0.1, 1, 3, 10, 30, 100, 1000, 3000, 100000]}}\n");
    runner_run(&runner, 3, 0);
    uint32_t means[2] = {0};
    for (uint32_t i = 0; i < runner.findings.n_candidates; i++)
        if (runner.findings.candidates[i].fold == 0)
            means[runner.findings.candidates[i].share == 1]++;
    assert_int_equal(means[0], 9);
    assert_int_equal(means[1], 3);
    const struct qn_candidate_finding *best = chosen(&runner);
    assert_true(best && best->share == 1);
    double lowest = best ? best->value : 0;
    for (uint32_t i = 0; i < runner.findings.n_candidates; i++)
        if (runner.findings.candidates[i].share == 1 && runner.findings.candidates[i].fold == 0)
            assert_true(runner.findings.candidates[i].value >= lowest);
    learning_fini(&runner, &spec);
}

/* --- what is refused ------------------------------------------------------------------------- */

static void mistakes_are_named(void **state)
{
    (void)state;
    complains(LOGISTIC "search: {params: {num_leaves: [3]}}\n", WORDS("no parameter of logistic"));
    complains(LOGISTIC "search: {params: {l3: [3]}}\n", WORDS("l3"));
    complains(LOGISTIC "search: {params: {l2: []}}\n", WORDS("nothing to choose from"));
    complains(LOGISTIC "search: {params: {l2: 3}}\n", WORDS("nothing to choose from"));
    complains(LOGISTIC "search: {params: {l2: [-1]}}\n", WORDS("'l2' cannot be '-1'"));
    complains(LOGISTIC "search: {params: {}}\n", WORDS("has no parameters"));
    complains(LOGISTIC "search: {params: {l2: {min: 1, max: 2}}}\n", WORDS("use method: random"));
    complains(LOGISTIC "search: {method: random, params: {l2: [1]}}\n",
              WORDS("how many candidates"));
    complains(LOGISTIC "search: {method: random, trials: 3, params: {l2: {min: 0, max: 2, "
                       "log: true}}}\n",
              WORDS("cannot begin at 0"));
    complains(LOGISTIC "search: {method: random, trials: 3, params: {l2: {min: 3, max: 2}}}\n",
              WORDS("has no values"));
    complains(LOGISTIC "search: {trials: 3, params: {l2: [1]}}\n", WORDS("a grid has no trials"));
    complains(LOGISTIC "search: {folds: 1, params: {l2: [1]}}\n", WORDS("'folds' cannot be '1'"));
    complains(LOGISTIC "search: {folds_by: nobody, params: {l2: [1]}}\n", WORDS("nobody"));
    complains(LOGISTIC "params: {l2: 1}\nsearch: {params: {l2: [1]}}\n",
              WORDS("stands in search.params"));
    complains(TREES "search: {params: {num_leaves: [2,3,4,5,6,7,8,9], max_bins: "
                    "[2,3,4,5,6,7,8,9], num_rounds: [2,3,4,5,6,7,8,9,10]}}\n",
              WORDS("more than 512 candidates"));
}

static void memory_is_kept_to(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, LOGISTIC "search: {params: {l2: [1, 2]}}\n");
    runner.shared_bytes = 1000;
    assert_int_equal(runner_try(&runner, 3, 0), QN_ELIMIT);
    assert_non_null(strstr(runner.err.message, "--memory"));
    runner.shared_bytes = 0;
    runner.memory_bytes = 1000;
    assert_int_equal(runner_try(&runner, 3, 0), QN_ELIMIT);
    assert_non_null(strstr(runner.err.message, "--memory"));
    learning_fini(&runner, &spec);
}

static void partials_are_checked(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, LOGISTIC "search: {params: {l2: [1, 2]}, folds: 2}\n");
    runner.distrust = true;
    runner_run(&runner, 2, 0);
    learning_fini(&runner, &spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_mean_wins_and_is_fitted),
        cmocka_unit_test(choice_is_the_same_however_dealt_out),
        cmocka_unit_test(halving_leaves_ever_fewer_on_ever_more_rows),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(memory_is_kept_to),
        cmocka_unit_test(partials_are_checked),
    };
    return cmocka_run_group_tests(tests, make_table, drop_table);
}
