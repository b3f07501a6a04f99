/* Steps that act on rows: rename, select, drop, join, data tests; and what the profile says. */
#include <math.h>

#include "tests/support/job_runner.h"

#define SPEC(sources, job)                                                                         \
    "version: 1\nname: t\nseed: 7\nwarehouse: w.db\nsources:\n" sources                            \
    "jobs:\n  u: {kind: etl, from: t}\n  j:\n    kind: etl\n    from: t\n" job
#define PLAIN "  t: {path: t.csv}\n"

static void check_any_split(struct qn_runner *runner, const char *rows)
{
    for (uint32_t n = 1; n <= 7; n++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            runner_run(runner, n, seed);
            assert_string_equal(runner_rows(runner), rows);
        }
    runner_run(runner, 1, 0);
}

static void expect_mistake(struct qn_runner *runner, const char *words)
{
    const char *text = runner_mistakes(runner);
    if (!strstr(text, words))
        fail_msg("no '%s' in:\n%s", words, text);
}

/* --- columns --------------------------------------------------------------------------------- */

static void test_rename_select_drop(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    rename: {a: b, b: a}\n    select: [c, a]\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "a integer; b text; c boolean", "1,x,true\n2,,\n");
    runner_job(&runner, "j");
    check_any_split(&runner, "true|x\n|\n");
    assert_string_equal(runner.job.out.fields[1].name, "a");
    assert_false(runner.job.stages[0].wanted[0]); /* nobody needs it */
    runner_fini(&runner);

    runner_init(&runner, SPEC(PLAIN, "    drop: [a, c]\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "a integer; b text; c boolean", "1,x,true\n2,,\n");
    runner_job(&runner, "j");
    check_any_split(&runner, "x\n\n");
    runner_fini(&runner);
}

/* Expressions of one derive act in the order written, though those that do not build on each other
 * are computed together; a column that is replaced is read with its old value by its own. */
static void test_derive_order(void **state)
{
    (void)state;
    static const struct {
        const char *derive, *rows;
    } cases[] = {
        {"{b: a * 2, c: a * 2 + 1}", "1|2|3\n5|10|11\n"},
        {"{b: a * 2, c: b + 1}", "1|2|3\n5|10|11\n"},
        {"{a: a * 2, c: a + 1}", "2|3\n10|11\n"},
        {"{c: a + 1, a: a * 2}", "2|2\n10|6\n"},
        {"{a: a * 2, b: 7, a2: a}", "2|7|2\n10|7|10\n"},
        {"{b: a, a: 0, c: b}", "0|1|1\n0|5|5\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char spec[512];
        struct qn_runner runner;
        snprintf(spec, sizeof spec, SPEC(PLAIN, "    derive: %s\n"), cases[i].derive);
        runner_init(&runner, spec);
        runner_table(&runner, "t", QN_INPUT_SOURCE, "a integer", "1\n5\n");
        runner_job(&runner, "j");
        check_any_split(&runner, cases[i].rows);
        runner_fini(&runner);
    }
}

static void test_column_mistakes(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    rename: {tenur: t2, a: tenure}\n    select: [Tenure, a]\n"
                                     "    dedupe: {by: [x, x]}\n"
                                     "    into: {table: k, write_disposition: merge}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "tenure integer; a text", "1,x\n");
    runner_job(&runner, "j");
    assert_int_equal(runner.compiled, QN_EINPUT);
    expect_mistake(&runner, "there is no column 'tenur' here");
    expect_mistake(&runner, "two columns would be called 'tenure'");
    expect_mistake(&runner, "did you mean 'tenure'?");
    expect_mistake(&runner, "there is no column 'x' here");
    runner_fini(&runner);
}

/* --- join ------------------------------------------------------------------------------------ */

static void check_join(const char *join, const char *rows, uint64_t added, uint64_t filtered)
{
    char spec[512];
    struct qn_runner runner;
    snprintf(spec, sizeof spec, SPEC(PLAIN, "    join: %s\n"), join);
    runner_init(&runner, spec);
    runner_table(&runner, "t", QN_INPUT_SOURCE, "id integer; v text",
                 "1,a\n2,b\n,c\n3,d\n2,e\n4,f\n");
    runner_table(&runner, "u", QN_INPUT_DATASET, "id integer; w text; n decimal(6,2)",
                 "2,x,1.50\n5,y,\n2,,2.00\n3,z,\n,n,9.00\n");
    runner_job(&runner, "j");
    check_any_split(&runner, rows);
    assert_int_equal(runner.counters.added, added);
    assert_int_equal(runner.counters.filtered, filtered);
    runner_fini(&runner);
}

static void test_join_kinds(void **state)
{
    (void)state;
    check_join("{to: u, on: [id]}", "2|b|x|1.50\n2|b||2.00\n3|d|z|\n2|e|x|1.50\n2|e||2.00\n", 2, 3);
    check_join("{to: u, on: id, how: left}",
               "1|a||\n2|b|x|1.50\n2|b||2.00\n|c||\n3|d|z|\n2|e|x|1.50\n2|e||2.00\n4|f||\n", 2, 0);
    check_join("{to: u, on: [id], how: semi}", "2|b\n3|d\n2|e\n", 0, 3);
    check_join("{to: u, on: [id], how: anti}", "1|a\n|c\n4|f\n", 0, 3);
    check_join("[{to: u, on: {v: w}, how: anti}, {to: u, on: [id], how: semi}]", "2|b\n3|d\n2|e\n",
               0, 3);
}

/* One row with more matches than a batch holds, after which more steps act on every slice. */
static void test_join_gives_slices(void **state)
{
    (void)state;
    enum { MATCHES = 20000 };
    struct qn_runner runner;
    struct qn_buf side;
    qn_buf_init(&side);
    for (int i = 0; i < MATCHES; i++)
        qn_buf_printf(&side, "1,%d\n", i % 100);
    qn_buf_put_u8(&side, 0);
    runner_init(&runner, SPEC(PLAIN, "    join: {to: u, on: [id]}\n    data_tests:\n"
                                     "      - unique: {column: n, on_fail: quarantine}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "id integer; v text", "1,a\n2,b\n1,c\n");
    runner_table(&runner, "u", QN_INPUT_DATASET, "id integer; n integer", (const char *)side.data);
    runner_job(&runner, "j");
    for (uint32_t n = 1; n < 4; n++) {
        runner_run(&runner, n, n);
        assert_int_equal(runner.counters.rows_in, 3);
        assert_int_equal(runner.counters.added, 2 * (MATCHES - 1));
        assert_int_equal(runner.counters.filtered, 1);
        assert_int_equal(runner.counters.rows_out, 100);
        assert_int_equal(runner.counters.quarantined, 2 * MATCHES - 100);
        assert_non_null(strstr(runner_rows(&runner), "1|a|99\n"));
    }
    qn_buf_fini(&side);
    runner_fini(&runner);
}

static void test_join_mistakes(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner,
                SPEC(PLAIN, "    join: [{to: u, on: {v: id}}, {to: u, on: [id]}, {to: t, on: id}, "
                            "{to: nowhere, on: id}, {to: u, on: [idd], as_of: id}]\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "id integer; v text", "1,a\n");
    runner_table(&runner, "u", QN_INPUT_DATASET, "id integer; v text", "1,a\n");
    runner_job(&runner, "j");
    assert_int_equal(runner.compiled, QN_EINPUT);
    expect_mistake(&runner, "'v' is text here and integer in u");
    expect_mistake(&runner, "both sides of the join have a column 'v'");
    expect_mistake(&runner, "'t' is a source: a join reads the rows of a job");
    expect_mistake(&runner, "did you mean 'id'?");
    runner_fini(&runner);
}

/* --- data tests ------------------------------------------------------------------------------ */

static void test_checks_quarantine(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner,
                SPEC("  t: {path: t.csv, columns: [{name: plan, type: text, data_tests: "
                     "[{not_null: {on_fail: quarantine}}]}]}\n",
                     "    drop: [extra]\n    data_tests:\n"
                     "      - accepted_values: {column: plan, values: [year, month], on_fail: "
                     "quarantine}\n"
                     "      - accepted_range: {column: price, min_value: 0, max_value: 10.5, "
                     "on_fail: quarantine}\n"
                     "      - row_count: {min: 1, max: 2}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "plan text; price decimal(8,2); extra text",
                 "month,0.00,\nweek,99.00,\n,1.00,\nyear,10.51,\nyear,10.50,\nmonth,,\n");
    runner_job(&runner, "j");
    check_any_split(&runner, "month|0.00\nyear|10.50\nmonth|\n");
    assert_string_equal(
        runner_rejects(&runner),
        "mem.csv|1|10|plan|accepted_values|expected one of year, month, got 'week'|record 1\n"
        "mem.csv|2|20|plan|not_null|expected a value, got none|record 2\n"
        "mem.csv|3|30|price|accepted_range|expected 0 to 10.5, got '10.51'|record 3\n");
    assert_int_equal(runner.findings.n_tests, 4);
    assert_int_equal(runner.findings.tests[2].failures, 2); /* week was too dear, too */
    assert_true(runner.findings.failed);
    assert_string_equal(runner.findings.failure,
                        "data test row_count failed: 3 rows, expected at most 2");
    runner_fini(&runner);
}

static void test_checks_fail_and_warn(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    data_tests:\n"
                                     "      - not_null: {column: a, severity: warn}\n"
                                     "      - accepted_range: {column: n, min_value: 2, inclusive: "
                                     "false}\n"));
    runner_table(&runner, "t", QN_INPUT_DATASET, "a text; n integer", ",3\nx,2\ny,1\n");
    runner_job(&runner, "j");
    check_any_split(&runner, "|3\nx|2\ny|1\n");
    assert_string_equal(runner.findings.tests[0].status, "warn");
    assert_string_equal(runner.findings.tests[1].status, "fail");
    assert_string_equal(runner.findings.failure,
                        "data test accepted_range on column n failed for 2 of 3 rows, expected at "
                        "least 2 (exclusive); first: '2' in {\"a\":\"x\",\"n\":2}");
    runner_fini(&runner);
}

static void test_check_mistakes(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC(PLAIN, "    data_tests:\n"
                                     "      - not_null: {column: aa}\n"
                                     "      - accepted_values: {column: n, values: [1, two]}\n"
                                     "      - accepted_range: {column: d, min_value: 0.005}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "ab text; n integer; d decimal(5,2)", "x,1,1\n");
    runner_job(&runner, "j");
    assert_int_equal(runner.compiled, QN_EINPUT);
    expect_mistake(&runner, "there is no column 'aa' here");
    expect_mistake(&runner, "'two' is no value of column 'n'");
    expect_mistake(&runner, "'0.005' is no value of column 'd'");
    runner_fini(&runner);
}

/* --- profile --------------------------------------------------------------------------------- */

static void test_profile(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    struct qn_runner runner;
    struct qn_buf rows;
    qn_buf_init(&rows);
    for (int i = 0; i < ROWS; i++)
        qn_buf_printf(&rows, "%d,%s,%d.5,%s\n", i, i % 10 ? "common" : "rare", i % 7,
                      i % 2 ? "2026-03-01" : "");
    qn_buf_put_u8(&rows, 0);
    runner_init(&runner, SPEC(PLAIN, "    rename: {id: key}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "id integer; kind text; x decimal(4,1); d date",
                 (const char *)rows.data);
    runner.batch_rows = 200;
    runner_job(&runner, "j");
    runner_run(&runner, 1, 0);
    const struct qn_profile_finding *p = runner.findings.profiles;
    assert_string_equal(p[0].column, "key");
    assert_string_equal(p[0].min, "0");
    assert_string_equal(p[0].max, "4999");
    assert_true(p[0].distinct_approximate);
    assert_in_range(p[0].distinct_count, ROWS - 200, ROWS + 200);
    assert_true(fabs(p[0].mean - 2499.5) < 1e-9);
    assert_true(fabs(p[0].stddev - 1443.5200) < 1e-3);
    assert_string_equal(p[1].type, "text");
    assert_int_equal(p[1].distinct_count, 2);
    assert_false(p[1].distinct_approximate);
    assert_string_equal(p[1].min, "common");
    assert_memory_equal(p[1].top_values, "[[\"common\",4", 12);
    assert_true(isnan(p[1].mean));
    assert_string_equal(p[2].max, "6.5");
    assert_int_equal(p[3].nulls, ROWS / 2);
    assert_string_equal(p[3].quantiles,
                        "[\"2026-03-01\",\"2026-03-01\",\"2026-03-01\",\"2026-03-01\","
                        "\"2026-03-01\"]");
    char *quantiles = strdup(p[0].quantiles);
    uint64_t distinct = p[0].distinct_count;
    for (uint32_t n = 2; n < 6; n++) { /* sketches and samples do not know how rows were split */
        runner_run(&runner, n, n);
        assert_string_equal(runner.findings.profiles[0].quantiles, quantiles);
        assert_int_equal(runner.findings.profiles[0].distinct_count, distinct);
    }
    free(quantiles);
    qn_buf_fini(&rows);
    runner_fini(&runner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rename_select_drop), cmocka_unit_test(test_derive_order),
        cmocka_unit_test(test_column_mistakes),    cmocka_unit_test(test_join_kinds),
        cmocka_unit_test(test_join_gives_slices),  cmocka_unit_test(test_join_mistakes),
        cmocka_unit_test(test_checks_quarantine),  cmocka_unit_test(test_checks_fail_and_warn),
        cmocka_unit_test(test_check_mistakes),     cmocka_unit_test(test_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
