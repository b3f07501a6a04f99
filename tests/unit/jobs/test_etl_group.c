/* group_by, aggregate, filter and derive: the same groups in the same order however the input was
 * cut, exact sums, every row accounted for. */
#include <math.h>

#include "tests/support/job_runner.h"

#define SPEC(job)                                                                                  \
    "version: 1\nname: t\nseed: 7\nwarehouse: w.db\nsources:\n  t: {path: t.csv}\n"                \
    "jobs:\n  j:\n    kind: etl\n    from: t\n" job

/* Rows by group key, to compare without the order of partitions. */
static int compare_lines(const void *left, const void *right)
{
    const char *const *a = left, *const *b = right;
    return strcmp(*a, *b);
}

static char *sorted(const char *text)
{
    char *copy = strdup(text), *lines[256], *out = calloc(1, strlen(text) + 1), *save = NULL;
    size_t n = 0;
    for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        lines[n++] = line;
    qsort(lines, n, sizeof *lines, compare_lines);
    for (size_t i = 0; i < n; i++)
        strcat(strcat(out, lines[i]), "\n");
    free(copy);
    return out;
}

static void check_groups(struct qn_runner *runner, const char *rows)
{
    runner_run(runner, 1, 0);
    char *first = strdup(runner_rows(runner)), *lines = sorted(first);
    assert_string_equal(lines, rows);
    for (uint32_t n = 2; n <= 7; n++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            runner_run(runner, n, seed);
            assert_string_equal(runner_rows(runner), first);
        }
    free(first);
    free(lines);
}

static const char *const sales = "de,2,1.250,a\nfr,1,0.005,b\nde,,3.000,c\n,4,1.000,a\n"
                                 "fr,-3,2.100,\nde,5,0.001,aa\n,1,,z\n";
static const char *const sales_columns = "country text; q integer; price decimal(8,3); code text";

static void test_aggregates(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner,
                SPEC("    derive: {amount: q * price}\n    group_by: [country]\n"
                     "    aggregate:\n      n: count(*)\n      nq: count(q)\n"
                     "      total: sum(amount)\n      mean: avg(q)\n      low: min(code)\n"
                     "      high: max(price)\n      big: count(*) filter (where q >= 2)\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, sales_columns, sales);
    runner_job(&runner, "j");
    check_groups(&runner, "de|3|2|2.505|3.5|a|3.000|2\nfr|2|2|-6.295|-1|b|2.100|0\n"
                          "|2|2|4.000|2.5|a|1.000|1\n");
    assert_int_equal(runner.counters.rows_in, 7);
    assert_int_equal(runner.counters.rows_out, 3);
    assert_int_equal(runner.counters.absorbed, 4);
    assert_int_equal(runner.findings.n_profiles, 8);
    runner_fini(&runner);
}

static void test_spread(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC("    group_by: k\n    aggregate: {s: stddev(x), v: variance(x)}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "k text; x integer", "a,2\na,4\nb,1\na,9\nb,\n");
    runner_job(&runner, "j");
    for (uint32_t n = 1; n < 5; n++) {
        runner_run(&runner, n, n);
        const char *a = strstr(runner_rows(&runner), "a|");
        double s, v;
        assert_int_equal(sscanf(a, "a|%lf|%lf", &s, &v), 2);
        assert_true(fabs(v - 13) < 1e-12 && fabs(s - sqrt(13)) < 1e-12);
        assert_non_null(strstr(runner_rows(&runner), "b||\n")); /* one value has no spread */
    }
    runner_fini(&runner);
}

/* What the profile of a column says is what aggregates of it give, to the last bit. */
static void test_profile_agrees(void **state)
{
    (void)state;
    const char *specs[] = {"    select: [x, d, i]\n",
                           "    aggregate: {xa: avg(x), da: avg(d), ia: avg(i), xs: stddev(x), "
                           "ds: stddev(d), is: stddev(i)}\n"};
    double says[6];
    for (int which = 0; which < 2; which++) {
        struct qn_runner runner;
        char spec[512];
        snprintf(spec, sizeof spec, "%s%s", SPEC(""), specs[which]);
        runner_init(&runner, spec);
        runner_table(&runner, "t", QN_INPUT_SOURCE, "x double; d decimal(9,3); i integer",
                     "0.1,1.001,3\n1e17,-7.113,5\n-3.3e-5,,9\n,0.017,-1000000000000000\n"
                     "7,2.9,4\n-1e17,1,2\n0.7,0.3,1\n");
        runner_job(&runner, "j");
        runner_run(&runner, 3, 1);
        const struct qn_profile_finding *p = runner.findings.profiles;
        for (int c = 0; c < 3 && which == 0; c++) {
            says[c] = p[c].mean;
            says[3 + c] = p[c].stddev;
        }
        for (int c = 0; c < 6 && which == 1; c++)
            assert_true(p[c].mean == says[c]); /* of one row: the aggregate itself */
        runner_fini(&runner);
    }
}

static void test_without_keys(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC("    filter: q >= 2\n    aggregate: {n: count(*), total: sum(q)}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, sales_columns, sales);
    runner_job(&runner, "j");
    check_groups(&runner, "3|11\n");
    assert_int_equal(runner.counters.filtered, 4);
    runner_fini(&runner);

    /* No row at all still gives one. */
    runner_init(&runner, SPEC("    aggregate: {n: count(*), total: sum(q)}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, sales_columns, "");
    runner_job(&runner, "j");
    check_groups(&runner, "0|\n");
    assert_int_equal(runner.counters.added, 1);
    runner_fini(&runner);
}

static void test_keys_alone(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC("    group_by: [country, code]\n    select: [code]\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, sales_columns, sales);
    runner_job(&runner, "j");
    check_groups(&runner, "a\na\naa\nb\nc\nz\n"); /* an empty line is lost by the sort */
    assert_int_equal(runner.counters.rows_out, 7);
    runner_fini(&runner);
}

static void test_tests_of_groups(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC("    group_by: [country]\n    aggregate: {n: count(*)}\n"
                              "    data_tests:\n      - unique: {column: country}\n"
                              "      - accepted_range: {column: n, min_value: 3, on_fail: "
                              "quarantine}\n      - row_count: {min: 1}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, sales_columns, sales);
    runner_job(&runner, "j");
    check_groups(&runner, "de|3\n");
    assert_int_equal(runner.counters.quarantined, 2);
    assert_non_null(strstr(runner_rejects(&runner), "|n|accepted_range|expected at least 3, got "
                                                    "'2'|{\"country\":\"fr\",\"n\":2}"));
    assert_int_equal(runner.findings.n_tests, 3);
    assert_string_equal(runner.findings.tests[0].status, "pass");
    assert_string_equal(runner.findings.tests[0].test, "unique"); /* true by construction */
    assert_int_equal(runner.findings.tests[0].rows, runner.counters.rows_out);
    runner_fini(&runner);
}

static void test_sum_past_its_type(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC("    aggregate: {total: sum(q)}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "q integer",
                 "9223372036854775807\n9223372036854775807\n-9223372036854775807\n");
    runner_job(&runner, "j");
    check_groups(&runner, "9223372036854775807\n"); /* on the way it was past it */
    runner_fini(&runner);

    runner_init(&runner, SPEC("    aggregate: {total: sum(q)}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "q integer", "9223372036854775807\n1\n");
    runner_job(&runner, "j");
    assert_int_equal(runner_try(&runner, 2, 0), QN_EINPUT);
    assert_string_equal(runner.err.message, "the sum of aggregate total does not fit integer");
    runner_fini(&runner);
}

static void test_mistakes(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC("    derive: {amount: q * prise, twice: amount * 2}\n"
                              "    group_by: [contry]\n"
                              "    aggregate: {code: min(code), n: summ(q), country: count(*)}\n"
                              "    data_tests:\n      - unique: {column: code}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, sales_columns, sales);
    runner_job(&runner, "j");
    assert_int_equal(runner.compiled, QN_EINPUT);
    const char *text = runner_mistakes(&runner);
    assert_non_null(strstr(text, "prise"));
    assert_null(strstr(text, "'amount'")); /* one mistake, one message */
    assert_non_null(strstr(text, "did you mean 'country'?"));
    assert_non_null(strstr(text, "summ"));
    assert_non_null(strstr(text, "unique on 'code' is not possible here"));
    runner_fini(&runner);
}

/* Many groups, so that tables grow and partitions take several batches. */
static void test_many_groups(void **state)
{
    (void)state;
    enum { GROUPS = 30000, ROWS = 2 * GROUPS };
    struct qn_runner runner;
    struct qn_buf rows;
    qn_buf_init(&rows);
    for (int i = 0; i < ROWS; i++)
        qn_buf_printf(&rows, "customer%d,%d\n", i % GROUPS, i);
    qn_buf_put_u8(&rows, 0);
    runner_init(&runner, SPEC("    group_by: [k]\n    aggregate: {n: count(*), s: sum(x)}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "k text; x integer", (const char *)rows.data);
    runner.batch_rows = 256;
    runner_job(&runner, "j");
    runner_run(&runner, 1, 0);
    char *one = strdup(runner_rows(&runner));
    assert_int_equal(runner.counters.rows_out, GROUPS);
    assert_int_equal(runner.counters.absorbed, ROWS - GROUPS);
    assert_non_null(strstr(one, "customer17|2|30034\n"));
    for (uint32_t ranges = 0; ranges < 3; ranges++) {
        runner.ranges = ranges;
        runner_run(&runner, 5, 3);
        assert_string_equal(runner_rows(&runner), one);
    }
    free(one);
    qn_buf_fini(&rows);
    runner_fini(&runner);
}

/* Doubles of all sizes: the sum is that of the rows, not of the order in which they were added, so
 * neither the cut nor the range of partitions shows in the last bit. */
static void test_sums_of_doubles(void **state)
{
    (void)state;
    enum { ROWS = 500 };
    struct qn_runner runner;
    struct qn_buf rows;
    qn_buf_init(&rows);
    for (uint64_t i = 0; i < ROWS; i++) {
        uint64_t h = qn_mix64(i);
        qn_buf_printf(&rows, "g%llu,%.17g\n", (unsigned long long)(h % 7),
                      ldexp((double)(int64_t)(h >> 5) - 0x1p58, (int)(h % 90) - 100));
    }
    qn_buf_put_u8(&rows, 0);
    runner_init(&runner, SPEC("    group_by: [k]\n    aggregate: {s: sum(x), m: avg(x), "
                              "d: stddev(x), v: variance(x), n: count(x), l: min(x)}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "k text; x double", (const char *)rows.data);
    runner_job(&runner, "j");
    runner_run(&runner, 1, 0);
    char *one = strdup(runner_rows(&runner));
    for (uint32_t n = 2; n < 9; n++) {
        runner.ranges = n % 4; /* 0: one a partition */
        runner_run(&runner, n, n);
        assert_string_equal(runner_rows(&runner), one);
    }
    free(one);
    qn_buf_fini(&rows);
    runner_fini(&runner);
}

/* A small spread far from zero: squares of differences would be lost in squares of values. */
static void test_spread_far_from_zero(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC("    aggregate: {v: variance(x), w: variance(y), d: variance(z)}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "x integer; y double; z decimal(18,2)",
                 "9000000000000000001,1000000000.25,1000000000000000.01\n"
                 "9000000000000000002,1000000000.5,1000000000000000.02\n"
                 "9000000000000000003,1000000000.75,1000000000000000.03\n");
    runner_job(&runner, "j");
    check_groups(&runner, "1|0.0625|0.0001\n");
    runner_fini(&runner);
}

/* Aggregates that can be told from the same state share it, filters go by bits: more than an
 * integer has. */
static void test_many_filters(void **state)
{
    (void)state;
    enum { FILTERS = 130 };
    struct qn_runner runner;
    struct qn_buf spec, expected;
    qn_buf_init(&spec);
    qn_buf_init(&expected);
    qn_buf_printf(&spec, "%s", SPEC("    group_by: [k]\n    aggregate:\n"));
    qn_buf_printf(&expected, "a");
    for (int i = 0; i < FILTERS; i++) {
        qn_buf_printf(&spec, "      n%d: sum(x) filter (where x >= %d)\n", i, i);
        qn_buf_printf(&spec, "      c%d: count(x) filter (where x >= %d)\n", i, i);
        if (i <= 100)
            qn_buf_printf(&expected, "|%d|%d", 100 + (i <= 7 ? 7 : 0), i <= 7 ? 2 : 1);
        else
            qn_buf_printf(&expected, "||0");
    }
    qn_buf_printf(&expected, "\n");
    qn_buf_put_u8(&spec, 0);
    qn_buf_put_u8(&expected, 0);
    runner_init(&runner, (const char *)spec.data);
    runner_table(&runner, "t", QN_INPUT_SOURCE, "k text; x integer", "a,7\na,100\na,\n");
    runner_job(&runner, "j");
    check_groups(&runner, (const char *)expected.data);
    qn_buf_fini(&spec);
    qn_buf_fini(&expected);
    runner_fini(&runner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aggregates),           cmocka_unit_test(test_spread),
        cmocka_unit_test(test_profile_agrees),       cmocka_unit_test(test_without_keys),
        cmocka_unit_test(test_keys_alone),           cmocka_unit_test(test_tests_of_groups),
        cmocka_unit_test(test_sum_past_its_type),    cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_many_groups),          cmocka_unit_test(test_sums_of_doubles),
        cmocka_unit_test(test_spread_far_from_zero), cmocka_unit_test(test_many_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
