/* The train job as a whole: the same bytes however it is dealt out, what it counts and refuses. */
#include "jobs/learn/split.h"
#include "tests/support/training.h"

/* The run fails and says all of these words. */
static void run_fails(const char *yaml, const char *const *words)
{
    struct qn_runner runner;
    start(&runner, yaml);
    assert_int_not_equal(runner_try(&runner, 3, 0), QN_OK);
    assert_says(runner.err.message, words);
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

/* --- against a champion ----------------------------------------------------------------------- */

/* Trains `yaml` and keeps its model file; the caller frees it. */
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

#define POOR "features: {include: [vip]}\n"
#define VERSUS(more) PROMOTE("{metric: roc_auc, vs: champion" more "}")

enum { EITHER = -1 };

/* What comes of a challenger; `rows` is how many were compared, of those held out. */
static void challenge(struct qn_strv champion, const char *yaml, int promoted, const char *words,
                      double rows)
{
    struct qn_runner runner;
    start(&runner, yaml);
    assert_string_equal(runner.job.model, "m");
    assert_string_equal(runner.job.model_selector, "@champion");
    assert_true(runner.job.model_optional);
    runner.model = champion;
    runner.model_version = 7;
    runner_run(&runner, 3, 1);
    const struct qn_model_finding *model = &runner.findings.model;
    if ((promoted != EITHER && model->promote != promoted) || !strstr(model->promote_note, words))
        fail_msg("%d: %s", model->promote, model->promote_note);
    assert_int_equal(runner.findings.n_comparisons, rows >= 0);
    if (rows >= 0)
        assert_true((double)runner.findings.comparisons[0].rows == rows);
    learning_fini(&runner, &spec);
}

static void a_champion_is_beaten_by_a_better_one_only(void **state)
{
    (void)state;
    struct qn_batch large, whole = table;
    struct qn_batch_builder *made = churn_table(3000, &large);
    table = large;
    struct qn_strv poor = champion_of(HEAD POOR SPLIT REGISTER);
    struct qn_strv good = champion_of(HEAD SOME SPLIT REGISTER);
    struct qn_runner runner;
    start(&runner, HEAD SOME SPLIT REGISTER);
    runner_run(&runner, 1, 0);
    double held_out = metric_of(&runner, "test", "rows");
    learning_fini(&runner, &spec);
    struct qn_strv none = {0};
    challenge(none, HEAD SOME SPLIT VERSUS(""), true, "no @champion to beat yet", -1);
    challenge(poor, HEAD SOME SPLIT VERSUS(""), true, "beats", held_out);
    challenge(good, HEAD SOME SPLIT VERSUS(""), false, "does not beat", held_out);
    challenge(good, HEAD POOR SPLIT VERSUS(""), false, "of @champion (v7)", held_out);
    /* As good, give or take. */
    challenge(good, HEAD SOME SPLIT VERSUS(", margin: 0.001"), true, "as good as", held_out);
    challenge(good, HEAD POOR SPLIT VERSUS(", margin: 0.001"), false, "does not beat", held_out);
    challenge(poor, HEAD SOME SPLIT PROMOTE("{metric: log_loss, vs: champion, confidence: 0.99}"),
              true, "99 % confidence", held_out);
    challenge(poor, HEAD SOME SPLIT PROMOTE("{metric: average_precision, vs: champion}"), true,
              "beats", held_out);
    free((void *)(uintptr_t)poor.data);
    free((void *)(uintptr_t)good.data);
    table = whole;
    qn_builder_free(made);
}

/* Rows that the champion was trained on do not count. */
static void only_rows_that_neither_has_seen_are_compared(void **state)
{
    (void)state;
    static struct qn_split theirs, here;
    struct qn_strv champion = champion_of(HEAD SOME "split: {test: 0.5}\n" REGISTER);
    qn_split_init(&theirs, 0.5, 0, 0);
    uint32_t both = 0, ours = 0;
    qn_split_init(&here, 0, 0.3, 0);
    for (uint32_t row = 0; row < table.n_rows; row++) {
        uint64_t hash = qn_split_hash(&table.columns[T_ID], row, 42);
        bool counts = qn_is_valid(&table.columns[T_LEFT], row) &&
                      qn_split_side(&here, hash) == QN_SIDE_VALIDATION;
        ours += counts;
        both += counts && qn_split_side(&theirs, hash) == QN_SIDE_TEST;
    }
    assert_true(both == ours && ours > 100); /* the same seed: one share lies within the other */
    challenge(champion, HEAD SOME "split: {test: 0, validation: 0.3}\n" VERSUS(""), EITHER,
              "of @champion (v7)", both);
    free((void *)(uintptr_t)champion.data);
    champion = champion_of(HEAD SOME "split: {test: 0.1, validation: 0.5}\n" REGISTER);
    both = 0;
    qn_split_init(&theirs, 0.1, 0.5, 0);
    qn_split_init(&here, 0.3, 0, 0);
    for (uint32_t row = 0; row < table.n_rows; row++) {
        uint64_t hash = qn_split_hash(&table.columns[T_ID], row, 42);
        both += qn_is_valid(&table.columns[T_LEFT], row) &&
                qn_split_side(&here, hash) == QN_SIDE_TEST &&
                qn_split_side(&theirs, hash) == QN_SIDE_TEST;
    }
    challenge(champion, HEAD SOME "split: {test: 0.3}\n" VERSUS(""), EITHER, "of @champion (v7)",
              both);
    free((void *)(uintptr_t)champion.data);
}

static void a_champion_that_cannot_be_compared_stays(void **state)
{
    (void)state;
    struct qn_strv champion = champion_of(HEAD SOME SPLIT REGISTER);
    challenge(champion,
              "kind: train\nfrom: rows\nlabel: left\nkey: visits\n"
              "algorithm: logistic_regression\nfeatures: {include: [vip]}\n" SPLIT VERSUS(""),
              false, "split by 'id' (text), those of this job by 'visits' (integer)", -1);
    /* The same file by an engine that did not write how it had dealt its rows. */
    struct qn_buf without;
    qn_buf_init(&without);
    for (struct qn_strv rest = champion; rest.len;) {
        struct qn_strv line = runner_cut(&rest, '\n');
        if (!memmem(line.data, line.len, "\"key_type\"", 10))
            qn_buf_printf(&without, "%.*s\n", QN_STRV_ARG(line));
    }
    challenge(qn_buf_strv(&without), HEAD SOME SPLIT VERSUS(""), false, "train it again", -1);
    qn_buf_fini(&without);
    free((void *)(uintptr_t)champion.data);
    champion = champion_of(HEAD "features: {include: [copy]}\n" SPLIT REGISTER);
    struct qn_field fields[T_N];
    memcpy(fields, churn_fields, sizeof fields);
    fields[T_COPY].name = "renamed";
    struct qn_schema schema = {fields, T_N};
    struct qn_batch whole = table;
    table.schema = &schema;
    challenge(champion, HEAD POOR SPLIT VERSUS(""), false, "the rows lack what it needs: 'copy'",
              -1);
    table = whole;
    free((void *)(uintptr_t)champion.data);
    struct qn_batch few = table;
    champion = champion_of(HEAD SOME "split: {test: 0.02}\n" REGISTER);
    few.n_rows = 300;
    table = few;
    challenge(champion, HEAD SOME "split: {test: 0.02}\n" VERSUS(""), false,
              "10 of each class are needed", -1);
    table = whole;
    free((void *)(uintptr_t)champion.data);
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
    complains(HEAD SOME PROMOTE("{metric: f1, vs: champion}"), WORDS("'f1'", "roc_auc, average"));
    complains(HEAD SOME PROMOTE("{metric: roc_auc, min: 1, margin: 0.1}"), WORDS("vs: ALIAS"));
    complains(HEAD SOME PROMOTE("{metric: roc_auc, vs: a}, {metric: brier, vs: b}"),
              WORDS("two aliases, 'a' and 'b'"));
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

/* --- guards ----------------------------------------------------------------------------------- */

/* A hundred customers more, who are some of the first 900 under other keys. */
static struct qn_batch_builder *table_with_twins(struct qn_batch *out)
{
    struct qn_batch_builder *made = churn_table(900, out);
    struct qn_err err;
    for (uint32_t row = 0; row < 100; row++) {
        char id[16];
        int length = snprintf(id, sizeof id, "again%u", row);
        qn_builder_text(made, T_ID, (struct qn_strv){id, (size_t)length});
        for (uint32_t c = T_ID + 1; c < T_N; c++)
            qn_builder_value(made, c, &out->columns[c], row);
        assert_ok(qn_builder_row(made, &err), &err);
        qn_builder_batch(made, out);
    }
    return made;
}

static void guards_tell_or_refuse(void **state)
{
    (void)state;
    struct qn_batch twins, whole = table;
    struct qn_batch_builder *made = table_with_twins(&twins);
    struct qn_runner runner;
    table = twins;
    start(&runner, HEAD SOME SPLIT REGISTER);
    runner_run(&runner, 5, 1);
    struct qn_test_finding said = find_test(&runner, "twins");
    assert_string_equal(said.status, "warn");
    assert_non_null(strstr(said.message, "such as '"));
    assert_non_null(strstr(said.message, "again"));
    assert_false(runner.findings.failed);
    learning_fini(&runner, &spec);
    start(&runner, HEAD SOME SPLIT REGISTER "guards: refuse\n");
    runner_run(&runner, 5, 1);
    assert_true(runner.findings.failed);
    assert_string_equal(find_test(&runner, "twins").status, "fail");
    assert_non_null(strstr(runner.findings.failure, "guards: refuse: twins: "));
    learning_fini(&runner, &spec);
    start(&runner, HEAD SOME SPLIT REGISTER "guards: off\n");
    runner_run(&runner, 5, 1);
    assert_int_equal(runner.findings.n_tests, 0);
    learning_fini(&runner, &spec);
    table = whole;
    qn_builder_free(made);
}

static void dates_after_the_label_are_told(void **state)
{
    (void)state;
    struct qn_field fields[T_N];
    memcpy(fields, churn_fields, sizeof fields);
    fields[T_VISITS] = (struct qn_field){"told", {.id = QN_DATE}};
    struct qn_schema schema = {fields, T_N};
    struct qn_batch other, whole = table;
    struct qn_batch_builder *made = churn_table(300, &other);
    other.schema = &schema;
    other.columns[T_VISITS].type = fields[T_VISITS].type;
    for (uint32_t i = 0; i < other.n_rows; i++)
        other.columns[T_VISITS].i64[i] = 19290; /* `since` of row 290 */
    table = other;
    struct qn_runner runner;
    start(&runner, HEAD "features: {exclude: [copy, since]}\nlabel_time: told\n");
    runner_run(&runner, 4, 1);
    struct qn_test_finding said = find_test(&runner, "late");
    assert_string_equal(said.column, "since");
    assert_non_null(strstr(said.message, "'c00291'"));
    learning_fini(&runner, &spec);
    table = whole;
    qn_builder_free(made);
    complains(HEAD SOME "label_time: spend\n", WORDS("'spend' is double", "a date"));
    complains(HEAD "features: {include: [since]}\nlabel_time: since\n", WORDS("is the label_time"));
}

static void gaps_filled_before_the_split_are_told(void **state)
{
    (void)state;
    struct qn_runner runner;
    learning_init(&runner, &spec,
                  "kind: train\nfrom: rows\nlabel: left\nkey: id\n"
                  "algorithm: logistic_regression\n" SOME,
                  NULL, &table);
    runner_run(&runner, 2, 0);
    assert_int_equal(runner.findings.n_tests, 0);
    learning_fini(&runner, &spec);
    learning_init(&runner, &spec,
                  "kind: train\nfrom: other\nlabel: left\nkey: id\n"
                  "algorithm: logistic_regression\n" SOME,
                  "kind: etl\nfrom: rows\ninto: other\n"
                  "impute: {spend: {strategy: median}, plan: {strategy: constant, value: none}}\n",
                  &table);
    runner.tables[0].name = "other";
    runner_job(&runner, "j");
    assert_int_equal(runner.compiled, QN_OK);
    runner_run(&runner, 2, 0);
    assert_int_equal(runner.findings.n_tests, 1);
    struct qn_test_finding said = find_test(&runner, "fitted_before");
    assert_string_equal(said.column, "spend");
    assert_non_null(
        strstr(said.message, "job other has filled the gaps of 'spend' with the median"));
    learning_fini(&runner, &spec);
}

/* --- calibration, slices, thresholds --------------------------------------------------------- */

static double slice_of(const struct qn_runner *runner, const char *value, const char *metric)
{
    for (uint32_t i = 0; i < runner->findings.n_slices; i++) {
        const struct qn_slice_finding *slice = &runner->findings.slices[i];
        bool same = value ? slice->value && strcmp(slice->value, value) == 0 : !slice->value;
        if (same && strcmp(slice->metric, metric) == 0 && strcmp(slice->split, "test") == 0)
            return slice->number;
    }
    fail_msg("no %s of %s", metric, value ? value : "no value");
    return 0;
}

static void everything_asked_for_is_measured(void **state)
{
    (void)state;
    static const char *const methods[] = {"platt", "isotonic"};
    for (int m = 0; m < 2; m++) {
        struct qn_runner runner;
        char yaml[600];
        snprintf(yaml, sizeof yaml,
                 HEAD SOME "split: {test: 0.3, calibration: 0.2, stratify: true}\n" INTO REGISTER
                           "calibrate: %s\n"
                           "evaluate: {slices: [plan, vip, since], threshold: {budget: 300}}\n",
                 methods[m]);
        start(&runner, yaml);
        runner_run(&runner, 4, 0);
        struct qn_strv model = runner.findings.model.artefact;
        char *rows = strdup(runner_rows(&runner));
        assert_non_null(memmem(model.data, model.len, methods[m], strlen(methods[m])));
        assert_true(metric_of(&runner, "calibration", "rows") > 100);
        assert_non_null(strstr(rows, "|calibration|"));
        double test = metric_of(&runner, "test", "rows");
        assert_true(slice_of(&runner, "basic", "rows") + slice_of(&runner, "free", "rows") +
                        slice_of(&runner, "pro", "rows") + slice_of(&runner, NULL, "rows") ==
                    test);
        assert_true(slice_of(&runner, "true", "rows") + slice_of(&runner, "false", "rows") == test);
        assert_true(slice_of(&runner, "(other values)", "rows") > 100); /* of 900 dates */
        assert_true(metric_of(&runner, "train", "threshold_share") <= 300.0 / 870);
        assert_true(metric_of(&runner, "test", "threshold_recall") > 0);
        assert_true(isnan(metric_of(&runner, "test", "threshold_cost")));
        assert_true(runner.findings.n_bins > 30);
        assert_true(runner.findings.n_points > (m ? 10 : 100)); /* isotonic has few scores */
        for (uint32_t trial = 1; trial < 4; trial++) {
            runner.executors = trial;
            runner_run(&runner, 4, trial);
            assert_true(qn_strv_eq(runner.findings.model.artefact, model));
            assert_string_equal(runner_rows(&runner), rows);
        }
        free(rows);
        learning_fini(&runner, &spec);
    }
    complains(HEAD SOME "calibrate: platt\nsplit: {calibration: 0}\n", WORDS("nothing else"));
    complains(HEAD SOME "split: {calibration: 0.1}\n", WORDS("is for calibrate"));
    complains(HEAD SOME "evaluate: {slices: [left, id, palm], threshold: {}}\n",
              WORDS("'left' is the label", "'id' is the key", "'palm'", "a cost or a budget"));
    complains(HEAD SOME "evaluate: {threshold: {budget: 5, cost: {false_positive: 1, "
                        "false_negative: 1}}}\n",
              WORDS("either a cost or a budget"));
}

/* Nothing that a worker sends may lead the coordinator out of bounds. */
static void partials_are_checked(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, HEAD SOME "split: {method: time, column: since}\n" REGISTER
                             "retrain: {on_drift: {any_feature_above: 1}}\n");
    runner_run(&runner, 1, 0);
    const struct qn_job_ops *ops = runner.job.ops;
    struct qn_strv states[QN_MAX_STAGES];
    for (uint32_t stage = 0; stage < QN_MAX_STAGES; stage++)
        states[stage] = qn_buf_strv(&runner.states[stage]);
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
            qn_code code = ops->merge(&runner.job, stage, &acc, states,
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
        cmocka_unit_test(a_champion_is_beaten_by_a_better_one_only),
        cmocka_unit_test(only_rows_that_neither_has_seen_are_compared),
        cmocka_unit_test(a_champion_that_cannot_be_compared_stays),
        cmocka_unit_test(all_mistakes_at_once),
        cmocka_unit_test(trouble_is_named),
        cmocka_unit_test(leaks_are_warned_of_and_separation_is_named),
        cmocka_unit_test(guards_tell_or_refuse),
        cmocka_unit_test(dates_after_the_label_are_told),
        cmocka_unit_test(gaps_filled_before_the_split_are_told),
        cmocka_unit_test(everything_asked_for_is_measured),
        cmocka_unit_test(partials_are_checked),
    };
    return cmocka_run_group_tests(tests, make_table, drop_table);
}
