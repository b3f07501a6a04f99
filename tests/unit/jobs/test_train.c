/* The train job as a whole: the same bytes however it is dealt out, what it counts and refuses. */
#include "tests/support/learning.h"

#define HEAD "kind: train\nfrom: rows\nlabel: left\nkey: id\nalgorithm: logistic_regression\n"
#define BOOSTING "kind: train\nfrom: rows\nlabel: left\nkey: id\nalgorithm: gradient_boosting\n"
#define SOME "features: {exclude: [copy, since]}\n"
#define SPLIT "split: {method: hash, test: 0.2, validation: 0.1, stratify: true}\n"
#define INTO "into: predictions\n"
#define REGISTER "register: {model: m}\n"
#define PROMOTE(rules) "register: {model: m, promote: {alias: champion, when: [" rules "]}}\n"

static struct qn_batch table;
static struct qn_batch_builder *builder;

static int make_table(void **state)
{
    (void)state;
    builder = churn_table(900, &table);
    return 0;
}

static int drop_table(void **state)
{
    (void)state;
    qn_builder_free(builder);
    return 0;
}

static struct qn_buf spec;

static void start(struct qn_runner *runner, const char *yaml)
{
    learning_init(runner, &spec, yaml, NULL, &table);
    if (runner->compiled != QN_OK)
        fail_msg("%s", runner_mistakes(runner));
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* The run fails and says all of these words. */
static void run_fails(const char *yaml, const char *const *words)
{
    struct qn_runner runner;
    start(&runner, yaml);
    assert_int_not_equal(runner_try(&runner, 3, 0), QN_OK);
    for (; *words; words++)
        if (!strstr(runner.err.message, *words))
            fail_msg("'%s' is not in: %s", *words, runner.err.message);
    learning_fini(&runner, &spec);
}

static void complains(const char *yaml, const char *const *words)
{
    struct qn_runner runner;
    learning_init(&runner, &spec, yaml, NULL, &table);
    assert_int_equal(runner.compiled, QN_EINPUT);
    const char *said = runner_mistakes(&runner);
    for (; *words; words++)
        if (!strstr(said, *words))
            fail_msg("'%s' is not in:\n%s", *words, said);
    learning_fini(&runner, &spec);
}

static void same_answer_however_dealt_out(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, HEAD SOME SPLIT INTO REGISTER);
    runner_run(&runner, 7, 0);
    struct qn_strv model = runner.findings.model.artefact;
    struct qn_counters counters = runner.counters;
    char *rows = strdup(runner_rows(&runner));
    assert_true(model.len > 1000 && runner.rounds > 3);
    for (uint32_t trial = 1; trial < 6; trial++) {
        runner.executors = trial;
        runner_run(&runner, 7, trial);
        assert_true(qn_strv_eq(runner.findings.model.artefact, model));
        assert_string_equal(runner_rows(&runner), rows);
        assert_memory_equal(&runner.counters, &counters, sizeof counters);
    }
    free(rows);
    learning_fini(&runner, &spec);
}

/* Boosting adds integers: not even the number of chunks shows. */
static void trees_are_the_same_however_cut(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, BOOSTING SPLIT INTO REGISTER "params: {num_rounds: 12, num_leaves: 6, "
                                                "early_stopping_rounds: 5, bagging_fraction: 0.8, "
                                                "feature_fraction: 0.7}\n");
    runner_run(&runner, 7, 0);
    struct qn_strv model = runner.findings.model.artefact;
    char *rows = strdup(runner_rows(&runner));
    assert_true(model.len > 1000 && runner.rounds > 12);
    assert_true(metric_of(&runner, "test", "roc_auc") > 0.65);
    for (uint32_t trial = 1; trial < 6; trial++) {
        runner.executors = trial;
        runner.forgets = trial % 2;
        runner_run(&runner, 1 + 5 * trial, trial);
        assert_true(qn_strv_eq(runner.findings.model.artefact, model));
        assert_string_equal(runner_rows(&runner), rows);
    }
    free(rows);
    learning_fini(&runner, &spec);
}

static void chunk_size_touches_last_bits_only(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, HEAD SOME SPLIT INTO REGISTER);
    runner_run(&runner, 1, 0);
    double loss = metric_of(&runner, "test", "log_loss");
    struct qn_strv states[2]; /* of split and preparation: they do not depend on it at all */
    for (int s = 0; s < 2; s++) {
        struct qn_strv bytes = qn_buf_strv(&runner.states[s]);
        states[s] = (struct qn_strv){qn_arena_strdup(&runner.arena, bytes), bytes.len};
    }
    for (uint32_t n = 2; n < 60; n += 19) {
        runner_run(&runner, n, n);
        for (int s = 0; s < 2; s++)
            assert_true(qn_strv_eq(qn_buf_strv(&runner.states[s]), states[s]));
        assert_true(fabs(metric_of(&runner, "test", "log_loss") - loss) < 1e-12);
    }
    learning_fini(&runner, &spec);
}

static void rows_are_accounted_for(void **state)
{
    (void)state;
    struct qn_runner runner;
    uint64_t labelled = qn_column_count_valid(&table.columns[T_LEFT], table.n_rows), lines = 0;
    start(&runner, HEAD SOME SPLIT INTO);
    runner_run(&runner, 4, 0);
    assert_int_equal(runner.counters.rows_in, table.n_rows);
    assert_int_equal(runner.counters.rows_out, labelled);
    assert_int_equal(runner.counters.filtered, table.n_rows - labelled);
    assert_true(labelled < table.n_rows);
    for (const char *c = runner_rows(&runner); *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, labelled);
    double of_splits = metric_of(&runner, "train", "rows") +
                       metric_of(&runner, "validation", "rows") +
                       metric_of(&runner, "test", "rows");
    assert_true(of_splits == (double)labelled);
    assert_null(runner.findings.model.name);
    learning_fini(&runner, &spec);

    start(&runner, HEAD SOME REGISTER);
    runner_run(&runner, 4, 0);
    assert_int_equal(runner.counters.absorbed, labelled);
    assert_int_equal(runner.rows.len, 0);
    assert_int_equal(runner.job.out.n_fields, 0);
    assert_true(isnan(metric_of(&runner, "validation", "rows")));
    learning_fini(&runner, &spec);
}

static struct qn_test_finding find_test(const struct qn_runner *runner, const char *test)
{
    for (uint32_t i = 0; i < runner->findings.n_tests; i++)
        if (strcmp(runner->findings.tests[i].test, test) == 0)
            return runner->findings.tests[i];
    fail_msg("nothing was said of '%s'", test);
    return (struct qn_test_finding){0};
}

static void promotion_follows_the_rules(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, HEAD SOME PROMOTE("{metric: roc_auc, min: 0.6}, {metric: log_loss, max: 2}"));
    runner_run(&runner, 1, 0);
    assert_true(runner.findings.model.promote);
    assert_string_equal(runner.findings.model.alias, "champion");
    assert_non_null(strstr(runner.findings.model.promote_note, "at least 0.6"));
    learning_fini(&runner, &spec);
    start(&runner, HEAD SOME PROMOTE("{metric: roc_auc, min: 0.999}, {metric: log_loss, max: 2}"));
    runner_run(&runner, 1, 0);
    assert_false(runner.findings.model.promote);
    assert_non_null(strstr(runner.findings.model.promote_note, "below 0.999"));
    assert_null(strstr(runner.findings.model.promote_note, "log_loss"));
    struct qn_test_finding said = find_test(&runner, "promote");
    assert_string_equal(said.status, "warn");
    assert_non_null(strstr(said.message, "does not become @champion: test roc_auc"));
    learning_fini(&runner, &spec);
}

static void all_mistakes_at_once(void **state)
{
    (void)state;
    complains("kind: train\nfrom: rows\nlabel: lfet\nkey: idd\nalgorithm: logistic_regression\n"
              "features: {exclude: [copy, sinse]}\n" PROMOTE("{metric: roc_acu, min: 1}"),
              WORDS("'lfet'", "'left'", "'idd'", "'sinse'", "'since'", "'roc_acu'", "'roc_auc'",
                    ":11:12:", ":12:10:"));
    complains(HEAD, WORDS("'since' is a date", "derive a number"));
    complains(HEAD "features: {include: [left, spend]}\n", WORDS("'left' is the label"));
    complains(
        "kind: train\nfrom: rows\nlabel: plan\nkey: id\nalgorithm: logistic_regression\n" SOME,
        WORDS("'plan' is text", "positive"));
    complains(
        "kind: train\nfrom: rows\nlabel: spend\nkey: id\nalgorithm: logistic_regression\n" SOME,
        WORDS("'spend' is double"));
    complains("kind: train\nfrom: rows\nlabel: left\nkey: id\nalgorithm: random_forest\n" SOME,
              WORDS("random_forest", "logistic_regression", "gradient_boosting"));
    complains(HEAD SOME "params: {num_leaves: 7}\n",
              WORDS(":15:14:", "'num_leaves' is no parameter of logistic_regression"));
    complains(HEAD SOME "positive: 1\n", WORDS("positive is for text labels"));
    complains(HEAD SOME "split: {method: hash, test: 0.9, validation: 0.1}\n", WORDS("5 %"));
    complains(HEAD SOME "split: {test: 0}\n" PROMOTE("{metric: brier, max: 1}"), WORDS("held-out"));
    complains(HEAD SOME PROMOTE("{metric: roc_auc, vs: champion}"), WORDS("vs", "not supported"));
    complains(HEAD SOME "prepare: {numeric: {impute: constant}}\n", WORDS("no value to fill with"));
}

static void trouble_is_named(void **state)
{
    (void)state;
    /* copy = 2 visits + 1, exactly */
    run_fails(HEAD "features: {include: [visits, spend, copy]}\nparams: {l2: 0}\n",
              WORDS("'copy'", "linear combination"));
    run_fails(HEAD "features: {include: [plan, spend]}\nparams: {l2: 0}\n"
                   "prepare: {categorical: {drop: none}}\n",
              WORDS("'plan=pro'", "drop"));
    run_fails(HEAD SOME "params: {max_iter: 2}\n", WORDS("not converged in 2 rounds"));
    run_fails("kind: train\nfrom: rows\nlabel: plan\npositive: pro\nkey: id\n"
              "algorithm: logistic_regression\nfeatures: {include: [spend]}\n",
              WORDS("more than two values", "'pro'", "'basic'", "'free'"));
    run_fails("kind: train\nfrom: rows\nlabel: plan\npositive: maybe\nkey: id\n"
              "algorithm: logistic_regression\nfeatures: {include: [spend]}\n",
              WORDS("no row has 'maybe'", "there is 'free', 'pro', ..."));
    run_fails("kind: train\nfrom: rows\nlabel: visits\nkey: id\n"
              "algorithm: logistic_regression\nfeatures: {include: [spend]}\n",
              WORDS("'visits' holds", "expected 0 or 1"));
}

static void leaks_are_warned_of_and_separation_is_named(void **state)
{
    (void)state;
    /* Another table: visits tell the label, vip is always true. */
    struct qn_batch leaky, whole = table;
    struct qn_batch_builder *made = churn_table(300, &leaky);
    for (uint32_t i = 0; i < leaky.n_rows; i++) {
        leaky.columns[T_LEFT].bools[i] = leaky.columns[T_VISITS].i64[i] > 14;
        leaky.columns[T_VIP].bools[i] = 1;
    }
    table = leaky;
    struct qn_runner runner;
    start(&runner, "kind: train\nfrom: rows\nlabel: left\nkey: since\n"
                   "algorithm: logistic_regression\nfeatures: {include: [id, visits, vip]}\n");
    runner_run(&runner, 3, 0);
    assert_string_equal(find_test(&runner, "separates").column, "visits");
    assert_string_equal(find_test(&runner, "constant").column, "vip");
    assert_string_equal(find_test(&runner, "identifier").column, "id");
    assert_string_equal(find_test(&runner, "identifier").status, "warn");
    learning_fini(&runner, &spec);
    run_fails(HEAD "features: {include: [spend, visits]}\nparams: {l2: 0}\n",
              WORDS("'visits'", "grows without end"));
    for (uint32_t i = 0; i < leaky.n_rows; i++)
        leaky.columns[T_LEFT].bools[i] = 1;
    run_fails(HEAD SOME, WORDS("every one", "both classes"));
    table.n_rows = 0;
    run_fails(HEAD SOME, WORDS("no row to train on"));
    table = whole;
    qn_builder_free(made);
}

/* Nothing that a worker sends may lead the coordinator out of bounds. */
static void partials_are_checked(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, HEAD SOME SPLIT INTO);
    runner_run(&runner, 1, 0);
    const struct qn_job_ops *ops = runner.job.ops;
    for (uint32_t stage = 0; stage < runner.job.n_stages; stage++) {
        if (!runner.job.stages[stage].merges)
            continue;
        for (int trial = 0; trial < 3000; trial++) {
            uint8_t noise[300];
            void *acc = NULL;
            struct qn_err err;
            size_t n = (size_t)trial % sizeof noise;
            for (size_t i = 0; i < n; i++) /* mostly small numbers, so that counts are believed */
                noise[i] = (uint8_t)(qn_mix64((uint64_t)trial * 1000 + i) % (trial % 3 ? 4 : 256));
            qn_code code = ops->merge(&runner.job, stage, &acc,
                                      (struct qn_strv){(const char *)noise, n}, &err);
            assert_true(code != QN_OK || stage + 1 < runner.job.n_stages);
            if (acc)
                ops->free_acc(acc);
        }
    }
    learning_fini(&runner, &spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_answer_however_dealt_out),
        cmocka_unit_test(trees_are_the_same_however_cut),
        cmocka_unit_test(chunk_size_touches_last_bits_only),
        cmocka_unit_test(rows_are_accounted_for),
        cmocka_unit_test(promotion_follows_the_rules),
        cmocka_unit_test(all_mistakes_at_once),
        cmocka_unit_test(trouble_is_named),
        cmocka_unit_test(leaks_are_warned_of_and_separation_is_named),
        cmocka_unit_test(partials_are_checked),
    };
    return cmocka_run_group_tests(tests, make_table, drop_table);
}
