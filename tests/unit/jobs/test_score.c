/* The score job: what training said of a row, again; gaps, unknown categories, missing columns. */
#include "tests/support/learning.h"

#define TRAIN                                                                                      \
    "kind: train\nfrom: rows\nlabel: left\nkey: id\nalgorithm: logistic_regression\n"              \
    "features: {include: [spend, visits, vip, plan]}\nregister: {model: m}\ninto: p\n"             \
    "calibrate: isotonic\n"
#define SCORE "kind: score\nfrom: rows\nmodel: m@champion\nkey: id\ninto: scores\n"

static struct qn_batch table;
static struct qn_batch_builder *builder;
static struct qn_runner trained;
static struct qn_buf trained_spec, spec;

static int train(void **state)
{
    (void)state;
    builder = churn_table(600, &table);
    learning_init(&trained, &trained_spec, TRAIN, NULL, &table);
    runner_run(&trained, 3, 0);
    return 0;
}

static int drop(void **state)
{
    (void)state;
    learning_fini(&trained, &trained_spec);
    qn_builder_free(builder);
    return 0;
}

static void start(struct qn_runner *runner, const char *yaml, const struct qn_batch *rows)
{
    learning_init(runner, &spec, yaml, NULL, rows);
    runner->model = trained.findings.model.artefact;
    runner->model_version = 7;
    if (runner->compiled != QN_OK)
        fail_msg("%s", runner_mistakes(runner));
}

static void scores_are_those_of_training(void **state)
{
    (void)state;
    struct qn_runner runner;
    start(&runner, SCORE, &table);
    runner_run(&runner, 5, 3);
    assert_int_equal(runner.counters.rows_out, table.n_rows);
    const char *scored = runner_rows(&runner), *line = runner_rows(&trained);
    /* id|split|label|score there, id|score|version here */
    uint32_t checked = 0;
    for (const char *end; (end = strchr(line, '\n')); line = end + 1, checked++) {
        char id[16], score[40], want[80];
        assert_int_equal(sscanf(line, "%15[^|]|%*[^|]|%*[^|]|%39[^\n]", id, score), 2);
        snprintf(want, sizeof want, "%s|%s|7\n", id, score);
        if (!strstr(scored, want))
            fail_msg("no row %s", want);
    }
    assert_true(checked > 500);
    learning_fini(&runner, &spec);
}

static void unknown_categories_and_gaps_score(void **state)
{
    (void)state;
    struct qn_runner runner;
    struct qn_batch odd;
    struct qn_batch_builder *made = churn_table(4, &odd);
    static char texts[] = "goldgoldgoldgold";
    static uint32_t offsets[] = {0, 4, 8, 12, 16};
    uint64_t none = 0;
    odd.columns[T_PLAN] =
        (struct qn_column){.type = {.id = QN_TEXT}, .bytes = texts, .offsets = offsets};
    odd.columns[T_SPEND].validity = &none;
    odd.columns[T_VISITS].validity = &none;
    start(&runner, SCORE, &odd);
    runner_run(&runner, 1, 0);
    assert_int_equal(runner.counters.rows_out, 4);
    learning_fini(&runner, &spec);
    odd.columns[T_SPEND].validity = NULL;
    odd.columns[T_SPEND].f64[2] = HUGE_VAL;
    start(&runner, SCORE, &odd);
    assert_int_equal(runner_try(&runner, 1, 0), QN_EINPUT);
    assert_non_null(strstr(runner.err.message, "'spend' holds inf"));
    learning_fini(&runner, &spec);
    qn_builder_free(made);
}

static void missing_columns_are_all_named(void **state)
{
    (void)state;
    struct qn_runner runner;
    struct qn_field fields[T_N];
    struct qn_column columns[T_N];
    memcpy(fields, churn_fields, sizeof fields);
    memcpy(columns, table.columns, sizeof columns);
    fields[T_SPEND].name = "spent";
    fields[T_VIP].name = "is_vip";
    fields[T_VISITS].type.id = columns[T_VISITS].type.id = QN_DATE; /* 8 bytes as well */
    struct qn_schema schema = {fields, T_N};
    struct qn_batch other = table;
    other.schema = &schema;
    other.columns = columns;
    start(&runner, SCORE, &other);
    assert_int_equal(runner_try(&runner, 1, 0), QN_EINPUT);
    assert_non_null(strstr(runner.err.message, "'spend'"));
    assert_non_null(strstr(runner.err.message, "'vip'"));
    assert_non_null(strstr(runner.err.message, "'visits' (date, not integer)"));
    learning_fini(&runner, &spec);
    /* What the spec's own train job names is known before anything runs. */
    learning_init(&runner, &spec, "kind: score\nfrom: rows\nmodel: m\ninto: s\n", TRAIN, &other);
    assert_int_equal(runner.compiled, QN_EINPUT);
    assert_non_null(strstr(runner_mistakes(&runner), "did you mean 'spent'"));
    learning_fini(&runner, &spec);
}

static void names_and_keys_are_checked(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"kind: score\nfrom: rows\nmodel: m\ninto: s\n", "must name its key"},
        {"kind: score\nfrom: rows\nmodel: m@\nkey: id\ninto: s\n", "names no model"},
        {"kind: score\nfrom: rows\nmodel: m:0\nkey: id\ninto: s\n", "names no model"},
        {"kind: score\nfrom: rows\nmodel: 9m\nkey: id\ninto: s\n", "names no model"},
        {"kind: score\nfrom: rows\nmodel: m\nkey: idd\ninto: s\n", "did you mean 'id'"},
        {"kind: score\nfrom: rows\nmodel: m\nkey: id\n", "into"},
    };
    struct qn_runner runner;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        learning_init(&runner, &spec, bad[i][0], NULL, &table);
        assert_int_equal(runner.compiled, QN_EINPUT);
        if (!strstr(runner_mistakes(&runner), bad[i][1]))
            fail_msg("no '%s' in:\n%s", bad[i][1], runner_mistakes(&runner));
        learning_fini(&runner, &spec);
    }
    learning_init(&runner, &spec, "kind: score\nfrom: rows\nmodel: m:12\ninto: s\n", TRAIN, &table);
    assert_int_equal(runner.compiled, QN_OK);
    assert_string_equal(runner.job.model, "m");
    assert_string_equal(runner.job.model_selector, ":12");
    assert_string_equal(runner.job.out.fields[0].name, "id");
    learning_fini(&runner, &spec);
}

static void corrupt_model_files_are_refused(void **state)
{
    (void)state;
    struct qn_strv good = trained.findings.model.artefact;
    char *bytes = malloc(good.len);
    struct qn_batch few = table;
    few.n_rows = 3;
    uint32_t refused = 0;
    for (uint32_t trial = 0; trial < 800; trial++) {
        struct qn_runner runner;
        start(&runner, SCORE, &few);
        memcpy(bytes, good.data, good.len);
        uint64_t draw = qn_mix64(trial);
        runner.model = (struct qn_strv){bytes, good.len};
        if (trial % 4 == 0)
            runner.model.len = draw % (good.len - 2);
        else
            bytes[draw % good.len] = "0-9e{}[]\",:xn"[draw >> 40 & 7];
        qn_code code = runner_try(&runner, 1, 0);
        assert_true(code == QN_OK || runner.err.message[0]);
        refused += code != QN_OK;
        if (trial % 4 == 0)
            assert_int_not_equal(code, QN_OK);
        learning_fini(&runner, &spec);
    }
    assert_true(refused > 400);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_training),
        cmocka_unit_test(unknown_categories_and_gaps_score),
        cmocka_unit_test(missing_columns_are_all_named),
        cmocka_unit_test(names_and_keys_are_checked),
        cmocka_unit_test(corrupt_model_files_are_refused),
    };
    return cmocka_run_group_tests(tests, train, drop);
}
