/* Aggregates that are told from all values of a group or from one row of it: beside a slow and
 * simple count of the same rows, and the same however the input was cut. */
#include <math.h>

#include "tests/support/job_runner.h"

#define SPEC(job)                                                                                  \
    "version: 1\nname: t\nseed: 7\nwarehouse: w.db\nsources:\n  t: {path: t.csv}\n"                \
    "jobs:\n  j:\n    kind: etl\n    from: t\n" job

/* The rows of one run, after runs over other cuts, orders and ranges gave the same. */
static char *same_rows(struct qn_runner *runner, uint32_t most_units)
{
    runner_run(runner, 1, 0);
    char *first = strdup(runner_rows(runner));
    for (uint32_t n = 2; n <= most_units; n += n < 7 ? 1 : 9)
        for (uint64_t seed = 0; seed < 2; seed++) {
            runner->ranges = n % 4; /* 0: one a partition */
            runner_run(runner, n, seed);
            assert_string_equal(runner_rows(runner), first);
        }
    return first;
}

static void check(const char *spec, const char *columns, const char *rows, const char *expected)
{
    struct qn_runner runner;
    runner_init(&runner, spec);
    runner_table(&runner, "t", QN_INPUT_SOURCE, columns, rows);
    runner_job(&runner, "j");
    if (runner.compiled != QN_OK)
        fail_msg("%s", runner_mistakes(&runner));
    char *got = same_rows(&runner, 7);
    assert_string_equal(got, expected);
    free(got);
    runner_fini(&runner);
}

static void test_distinct_and_mode(void **state)
{
    (void)state;
    check(
        SPEC("    aggregate:\n"
             "      texts: count(distinct t)\n      numbers: count(distinct x)\n"
             "      doubles: count(distinct d)\n      booleans: count(distinct b)\n"
             "      most: mode(t)\n      most_x: mode(x)\n      most_d: mode(d)\n"
             "      most_b: mode(b)\n      n: count(t)\n      some: mode(t) filter (where x > 5)\n"
             "      none: count(distinct t) filter (where x > 50)\n"
             "      never: mode(t) filter (where x > 50)\n"),
        "t text; x integer; d double; b boolean",
        "b,1,0.0,true\na,2,-0.0,false\nb,,1.5,\n,2,1.5,true\na,7,-2.5,\nlonger than a word,6,,\n"
        ",,,\n",
        "3|4|3|2|a|2|0|true|5|a|0|\n");
}

static void test_quantiles(void **state)
{
    (void)state;
    check(SPEC("    aggregate:\n"
               "      mi: median(i)\n      md: median(d)\n      mt: median(day)\n"
               "      ms: median(ts)\n      qi: \"quantile(i, 0.25)\"\n"
               "      qd: \"quantile(d, 0.9)\"\n      least: \"quantile(i, 0)\"\n"
               "      most: \"quantile_cont(i, 1)\"\n      disc: \"quantile_disc(d, 0.5)\"\n"
               "      day: \"quantile_disc(day, 0.75)\"\n      bools: median(i > 2)\n"
               "      none: median(i) filter (where i > 9)\n"),
          "i integer; d decimal(9,2); day date; ts timestamp",
          "4,1.10,2024-03-01,2024-03-01 00:00:00\n1,1.20,2024-03-04,2024-03-01 00:00:01.000001\n"
          ",,,\n3,-7.05,2024-02-28,\n2,1.20,2024-03-01,\n",
          "2.5|1.15|2024-03-01 00:00:00|2024-03-01 00:00:00.500001|1.75|1.2|1|4|1.10|2024-03-01|"
          "0.5|\n");
}

/* The integers' mean is past them; the doubles' differences are past doubles. */
static void test_quantiles_at_the_ends(void **state)
{
    (void)state;
    check(SPEC("    aggregate: {i: median(i), d: median(d), low: \"quantile_disc(d, 0)\"}\n"),
          "i integer; d double", "9223372036854775807,1.7e308\n9223372036854775805,-1.7e308\n",
          "9.223372036854776e+18|0|-1.7e+308\n");
}

static void test_picks(void **state)
{
    (void)state;
    check(SPEC("    aggregate:\n"
               "      first: first(v order by ts)\n      last: last(v order by ts)\n"
               "      newest: first(v order by ts desc)\n      oldest: last(v order by ts desc)\n"
               "      top: first(v)\n      bottom: last(v)\n"
               "      low: \"arg_min(v, x)\"\n      high: \"arg_max(v, x)\"\n"
               "      by_text: last(x order by v)\n      none: first(v) filter (where x > 99)\n"
               "      n: count(v)\n"),
          "v text; ts date; x double",
          ",2024-01-01,0\na,,5\nbb,2024-02-02,3.5\nccc,2024-02-01,-1\nd,2024-02-01,3.5\n"
          "e,2024-02-02,-1\nf,,\n,2024-03-01,9\n",
          "ccc|e|bb|d|a|f|ccc|a|-1||6\n");
}

static void test_truths_and_spreads(void **state)
{
    (void)state;
    check(SPEC("    group_by: g\n    aggregate:\n"
               "      all: bool_and(b)\n      any: bool_or(b)\n      n: bool_or(x)\n"
               "      v: var_pop(x)\n      s: stddev_pop(x)\n      w: variance(x)\n"),
          "g integer; b boolean; x integer", "1,true,0\n1,,0\n1,false,6\n",
          "1|false|true|true|8|2.8284271247461903|12\n");
    check(
        SPEC("    aggregate: {all: bool_and(b), any: bool_or(b), v: var_pop(x), w: variance(x)}\n"),
        "b boolean; x integer", ",3\n", "||0|\n");
}

/* Copies of one row that a join makes are told apart. */
static void test_picks_after_a_join(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, SPEC("    join: {to: u, on: [k]}\n"
                              "    aggregate: {first: first(w), last: last(w)}\n"
                              "  u: {kind: etl, from: t}\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "k integer", "1\n2\n1\n");
    runner_table(&runner, "u", QN_INPUT_DATASET, "k integer; w text", "2,z\n1,b\n1,c\n1,a\n");
    runner_job(&runner, "j");
    char *got = same_rows(&runner, 4);
    assert_string_equal(got, "b|a\n");
    free(got);
    runner_fini(&runner);
}

/* --- beside a slow count --------------------------------------------------------------------- */

enum { ROWS = 40000, GROUPS = 700, MOST_VALUES = 3000 };

struct row {
    int g, has_x, ts;
    long x;
};

static struct row row_at(uint64_t i)
{
    uint64_t h = qn_mix64(i + 99);
    /* Groups of different sizes, values that repeat, one group whose values do not. */
    int g = (int)((h % 1000) * (h % 1000) / 1000 % GROUPS);
    long x = g % 3 == 0 ? (long)(h >> 20 & 7) : (long)(h >> 20 & 0xffff) - 30000;
    return (struct row){g, h >> 50 & 7, (int)(h >> 40 & 15), x};
}

static int compare_longs(const void *left, const void *right)
{
    const long *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

struct expected {
    long values[MOST_VALUES], first, last;
    int n, first_ts, last_ts;
};

static void expect_group(const struct expected *group, int g, struct qn_buf *out)
{
    int distinct = 0, run = 0, most = 0, n = group->n;
    long mode = 0;
    const long *v = group->values;
    for (int i = 0; i < n; i++) {
        run = i && v[i] == v[i - 1] ? run + 1 : 1;
        distinct += run == 1;
        if (run > most) {
            most = run;
            mode = v[i];
        }
    }
    double place = 0.9 * (n - 1);
    int low = (int)floor(place);
    double high = low + 1 < n ? (double)v[low + 1] : 0;
    double q =
        place > low ? (double)v[low] * (1 - (place - low)) + high * (place - low) : (double)v[low];
    int below = (n - 1) / 2, above = n / 2;
    char number[QN_VALUE_TEXT] = "";
    qn_buf_printf(out, "%d|%d|", g, distinct);
    number[qn_format_double(((double)v[below] + (double)v[above]) / 2, number)] = 0;
    qn_buf_printf(out, "%s|", number);
    number[qn_format_double(q, number)] = 0;
    qn_buf_printf(out, "%s|%ld|%ld|%ld|%d\n", number, mode, group->first, group->last, n);
}

static void expect_row(struct expected *group, struct row row)
{
    if (!group->n || row.ts < group->first_ts) {
        group->first_ts = row.ts;
        group->first = row.x;
    }
    if (!group->n || row.ts >= group->last_ts) {
        group->last_ts = row.ts;
        group->last = row.x;
    }
    assert_true(group->n < MOST_VALUES);
    group->values[group->n++] = row.x;
}

static void test_beside_a_slow_count(void **state)
{
    (void)state;
    struct expected *groups = calloc(GROUPS, sizeof *groups);
    struct qn_runner runner;
    struct qn_buf rows, line;
    qn_buf_init(&rows);
    qn_buf_init(&line);
    for (uint64_t i = 0; i < ROWS; i++) {
        struct row row = row_at(i);
        qn_buf_printf(&rows, "%d,", row.g);
        if (row.has_x) {
            qn_buf_printf(&rows, "%ld", row.x);
            expect_row(&groups[row.g], row);
        }
        qn_buf_printf(&rows, ",%d\n", row.ts);
    }
    qn_buf_put_u8(&rows, 0);
    runner_init(&runner, SPEC("    group_by: [g]\n    aggregate:\n      n: count(distinct x)\n"
                              "      m: median(x)\n      q: \"quantile(x, 0.9)\"\n"
                              "      o: mode(x)\n      f: first(x order by ts)\n"
                              "      l: last(x order by ts)\n      c: count(x)\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "g integer; x integer; ts integer",
                 (const char *)rows.data);
    runner.batch_rows = 256;
    runner_job(&runner, "j");
    char *got = same_rows(&runner, 20);
    int found = 0;
    for (char *at = got, *end; (end = strchr(at, '\n')); at = end + 1, found++) {
        int g = atoi(at);
        qsort(groups[g].values, (size_t)groups[g].n, sizeof(long), compare_longs);
        qn_buf_clear(&line);
        expect_group(&groups[g], g, &line);
        if (line.len != (size_t)(end + 1 - at) || memcmp(line.data, at, line.len) != 0)
            fail_msg("expected %.*s, found %.*s", (int)line.len, (const char *)line.data,
                     (int)(end - at), at);
    }
    assert_true(found > GROUPS / 2);
    free(got);
    free(groups);
    qn_buf_fini(&rows);
    qn_buf_fini(&line);
    runner_fini(&runner);
}

/* --- approximations -------------------------------------------------------------------------- */

static void test_approximations(void **state)
{
    (void)state;
    enum { MANY = 30000 };
    struct qn_runner runner;
    struct qn_buf rows;
    qn_buf_init(&rows);
    for (int i = 0; i < MANY; i++) /* 20,000 different ones; 200; 257 */
        qn_buf_printf(&rows, "customer%d,%d,%d,%g\n", i % 20000, i % 200, i % 257, i * 0.01);
    qn_buf_put_u8(&rows, 0);
    runner_init(&runner, SPEC("    aggregate:\n      many: approx_distinct(t)\n"
                              "      few: approx_distinct(a)\n      more: approx_distinct(b)\n"
                              "      n: count(t)\n      q: \"approx_quantile(x, 0.9)\"\n"
                              "      low: \"approx_quantile(0 - x, 0.9)\"\n"
                              "      exact: \"approx_quantile(a, 0.5)\"\n"));
    runner_table(&runner, "t", QN_INPUT_SOURCE, "t text; a integer; b integer; x double",
                 (const char *)rows.data);
    runner.batch_rows = 256;
    runner_job(&runner, "j");
    char *got = same_rows(&runner, 33);
    long many, few, more, n;
    double q, low, exact;
    assert_int_equal(
        sscanf(got, "%ld|%ld|%ld|%ld|%lf|%lf|%lf", &many, &few, &more, &n, &q, &low, &exact), 7);
    assert_true(labs(many - 20000) < 1000); /* 3 standard errors */
    assert_int_equal(few, 200);
    assert_true(labs(more - 257) < 15);
    assert_int_equal(n, MANY);
    assert_true(fabs(q / 270 - 1) < 0.004 && fabs(low / -30 - 1) < 0.004);
    assert_true(exact == 99);
    free(got);
    qn_buf_fini(&rows);
    runner_fini(&runner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distinct_and_mode),     cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_quantiles_at_the_ends), cmocka_unit_test(test_picks),
        cmocka_unit_test(test_truths_and_spreads),    cmocka_unit_test(test_picks_after_a_join),
        cmocka_unit_test(test_beside_a_slow_count),   cmocka_unit_test(test_approximations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
