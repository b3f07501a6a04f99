/* Steps that see all rows before they act: impute, dedupe, unique. Whatever the number of units and
 * the order of execution, the same rows. */
#include "tests/support/job_runner.h"

#define SPEC(sources, job)                                                                         \
    "version: 1\nname: t\nseed: 7\nwarehouse: w.db\nsources:\n" sources "jobs:\n  j:\n"            \
    "    kind: etl\n    from: t\n" job
#define PLAIN "  t: {path: t.csv}\n"

/* Compares rows and rejects for 1 to 7 units, in order and shuffled. */
static void check_any_split(struct qn_runner *runner, const char *rows)
{
    runner_run(runner, 1, 0);
    assert_string_equal(runner_rows(runner), rows);
    char *rejects = strdup(runner_rejects(runner));
    for (uint32_t n = 2; n <= 7; n++) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            runner_run(runner, n, seed);
            assert_string_equal(runner_rows(runner), rows);
        }
    }
    runner_run(runner, 1, 0);
    assert_string_equal(runner_rejects(runner), rejects);
    free(rejects);
}

static struct qn_profile_finding profile_of(const struct qn_runner *runner, const char *name)
{
    for (uint32_t i = 0; i < runner->findings.n_profiles; i++)
        if (strcmp(runner->findings.profiles[i].column, name) == 0)
            return runner->findings.profiles[i];
    fail_msg("no profile of %s", name);
    return (struct qn_profile_finding){0};
}

/* --- impute ---------------------------------------------------------------------------------- */

static void test_impute_mean_is_exact(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    impute: {a: {strategy: mean, round: 1}, b: {strategy: "
                                     "mean}, c: {strategy: mean, round: 2}}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "a decimal(10,2); b integer; c double",
                 "0.10,1,1.5\n,,\n0.35,2,2.25\n0.30,4,\n");
    runner_job(&runner, "j");
    /* a: 0.75 / 3 = 0.25, half away from zero: 0.3. b: 7 / 3 = 2. c: 1.875: 1.88 */
    check_any_split(&runner, "0.10|1|1.5\n0.30|2|1.88\n0.35|2|2.25\n0.30|4|1.88\n");
    struct qn_profile_finding c = profile_of(&runner, "c");
    assert_int_equal(c.nulls, 2);
    assert_int_equal(c.imputed, 2);
    assert_int_equal(c.rows, 4);
    assert_int_equal(profile_of(&runner, "a").nulls, 1);
    runner_fini(&runner);
}

/* Added one by one in doubles, 1e16 swallows the 1 and the sum depends on where a chunk ends. */
static void test_impute_mean_of_doubles_is_exact(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    impute: {c: {strategy: mean}}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "i integer; c double",
                 "1,1e16\n2,1\n3,-1e16\n4,2\n5,\n");
    runner_job(&runner, "j");
    check_any_split(&runner, "1|1e+16\n2|1\n3|-1e+16\n4|2\n5|0.75\n");
    runner_fini(&runner);
}

static void test_impute_median_and_most_frequent(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    impute: {a: {strategy: median}, d: {strategy: median}, "
                                     "k: {strategy: most_frequent}, z: {strategy: constant, "
                                     "value: none}}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "a decimal(6,1); d date; k text; z text",
                 "1.0,2026-01-01,b,\n2.5,,a,x\n,2026-01-03,,\n3.0,2026-01-09,a,\n9.0,,b,y\n");
    runner_job(&runner, "j");
    /* a: (2.5 + 3.0) / 2 = 2.75 -> 2.8; d: the middle one; k: a and b tie, the smaller */
    check_any_split(&runner, "1.0|2026-01-01|b|none\n2.5|2026-01-03|a|x\n2.8|2026-01-03|a|none\n"
                             "3.0|2026-01-09|a|none\n9.0|2026-01-03|b|y\n");
    runner_fini(&runner);
}

static void test_impute_nothing_known(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    impute: {a: {strategy: mean}}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "a integer; b integer", ",1\n,2\n");
    runner_job(&runner, "j");
    check_any_split(&runner, "|1\n|2\n");
    assert_int_equal(profile_of(&runner, "a").nulls, 2);
    assert_int_equal(profile_of(&runner, "a").imputed, 0);
    runner_fini(&runner);
}

static void test_impute_mistakes(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    impute:\n      name: {strategy: mean}\n      agee: "
                                     "{strategy: median}\n      age: {strategy: constant}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "name text; age integer", "a,1\n");
    runner_job(&runner, "j");
    assert_int_equal(runner.compiled, QN_EINPUT);
    const char *text = runner_mistakes(&runner);
    assert_non_null(strstr(text, "column 'name' is text and has no mean"));
    assert_non_null(strstr(text, "did you mean 'age'?"));
    assert_non_null(strstr(text, "needs a value"));
    assert_int_equal(runner.spec.diags.n_errors, 3);
    runner_fini(&runner);
}

/* --- dedupe ---------------------------------------------------------------------------------- */

static const char *const versions =
    "1,a,2026-01-02\n2,b,2026-01-01\n1,c,2026-01-03\n,d,2026-01-01\n"
    "2,e,\n1,f,2026-01-03\n,g,2026-01-01\n3,h,2026-01-05\n";
static const char *const version_columns = "id integer; v text; at date";

static void check_dedupe(const char *keep, const char *rows)
{
    char spec[512];
    struct qn_runner runner;
    snprintf(spec, sizeof spec, SPEC(PLAIN, "    dedupe: {by: [id]%s}\n    select: [v]\n"), keep);
    runner_init(&runner, spec);
    runner_table(&runner, "t", QN_INPUT_SOURCE, version_columns, versions);
    runner_job(&runner, "j");
    check_any_split(&runner, rows);
    assert_int_equal(runner.counters.deduplicated, 4);
    runner_fini(&runner);
}

static void test_dedupe_keeps(void **state)
{
    (void)state;
    check_dedupe("", "a\nb\nd\nh\n");
    check_dedupe(", keep: last", "e\nf\ng\nh\n");
    check_dedupe(", keep: first, order_by: at", "a\nd\ne\nh\n"); /* NULL comes first */
    check_dedupe(", keep: last, order_by: at", "b\nf\ng\nh\n");  /* ties: the later row */
}

/* --- unique ---------------------------------------------------------------------------------- */

static void test_unique_quarantines_repeats(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    data_tests:\n"
                                     "      - unique: {column: id, on_fail: quarantine}\n"
                                     "      - not_null: {column: v, on_fail: quarantine}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "id integer; v text",
                 "1,\n1,b\n2,c\n1,d\n,e\n,f\n2,g\n");
    runner_job(&runner, "j");
    /* The first row with 1 goes for want of v, so the second one is the first that counts. */
    check_any_split(&runner, "1|b\n2|c\n|e\n|f\n");
    assert_non_null(strstr(runner_rejects(&runner),
                           "mem.csv|3|30|id|unique|expected a value that no earlier row has, got "
                           "'1'|record 3"));
    assert_int_equal(runner.counters.quarantined, 3);
    assert_false(runner.findings.failed);
    assert_int_equal(runner.findings.n_tests, 2);
    assert_string_equal(runner.findings.tests[0].status, "warn");
    assert_int_equal(runner.findings.tests[0].failures, 2);
    runner_fini(&runner);
}

static void test_unique_fails_the_job(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC("  t: {path: t.csv, columns: [{name: id, type: integer, data_tests: "
                              "[unique]}]}\n",
                              "    rename: {id: key}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "id integer; v text", "1,a\n2,b\n1,c\n1,d\n");
    runner_job(&runner, "j");
    check_any_split(&runner, "1|a\n2|b\n1|c\n1|d\n");
    assert_true(runner.findings.failed);
    assert_string_equal(runner.findings.failure, "data test unique on column id failed for 2 of 4 "
                                                 "rows; first: '1' in mem.csv at byte 20");
    runner_fini(&runner);
}

/* --- limits of a state that a peer sent ------------------------------------------------------ */

static void test_hostile_states_are_refused(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    impute: {a: {strategy: median}}\n    dedupe: {by: a}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "a integer", "1\n\n3\n");
    runner_job(&runner, "j");
    runner_run(&runner, 2, 0);
    const struct qn_job_ops *ops = runner.job.ops;
    for (uint32_t s = 0; s < runner.job.n_stages; s++) {
        if (!runner.job.stages[s].merges)
            continue;
        for (uint64_t seed = 1; seed < 300; seed++) {
            uint8_t bytes[64];
            void *acc = NULL;
            size_t n = seed % sizeof bytes;
            for (size_t i = 0; i < n; i++)
                bytes[i] = (uint8_t)(qn_mix64(seed * 1000 + i) & (seed % 3 ? 0xFF : 1));
            qn_code code = ops->merge(&runner.job, s, &acc, NULL,
                                      (struct qn_strv){(const char *)bytes, n}, &runner.err);
            assert_true(code == QN_EWIRE || code == QN_OK || code == QN_ELIMIT);
            ops->free_acc(acc);
        }
    }
    runner_fini(&runner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_impute_mean_is_exact),
        cmocka_unit_test(test_impute_mean_of_doubles_is_exact),
        cmocka_unit_test(test_impute_median_and_most_frequent),
        cmocka_unit_test(test_impute_nothing_known),
        cmocka_unit_test(test_impute_mistakes),
        cmocka_unit_test(test_dedupe_keeps),
        cmocka_unit_test(test_unique_quarantines_repeats),
        cmocka_unit_test(test_unique_fails_the_job),
        cmocka_unit_test(test_hostile_states_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
