/* join against a look at every pair: duplicates, NULLs, keys that share a hash; with a side that is
 * held whole or shuffled, with tables in memory and in files. */
#include "tests/support/job_runner.h"
#include "tests/support/twin_keys.h"

enum { LEFT_ROWS = 900, RIGHT_ROWS = 700 };

struct row {
    char a[TWIN_BYTES];
    int64_t b, value;
    bool null;
};

static bool is_match(const struct row *left, const struct row *right)
{
    return !left->null && !right->null && strcmp(left->a, right->a) == 0 && left->b == right->b;
}

/* Keys of which many come twice and more, half of them with the hash of another. */
static void make_rows(struct row *rows, uint32_t n, uint32_t n_keys, uint64_t seed)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t draw = qn_mix64(seed + i);
        uint32_t key = (uint32_t)(draw % n_keys);
        rows[i] = (struct row){.b = key % 7, .value = i, .null = (draw >> 40) % 20 == 0};
        if (key % 4 < 2)
            twin_text(key, rows[i].a);
        else
            snprintf(rows[i].a, sizeof rows[i].a, "%u", key);
    }
}

static char *to_text(const struct row *rows, uint32_t n)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    for (uint32_t i = 0; i < n; i++) {
        qn_buf_printf(&buf, "%s,", rows[i].a);
        if (!rows[i].null)
            qn_buf_printf(&buf, "%lld", (long long)rows[i].b);
        qn_buf_printf(&buf, ",%lld\n", (long long)rows[i].value);
    }
    qn_buf_put_u8(&buf, 0);
    assert_false(buf.failed);
    return (char *)buf.data;
}

/* Values side by side, as the job selects them. */
static void expect_rows(const char *how, const struct row *left, const struct row *right,
                        struct qn_buf *out)
{
    bool pairs = strcmp(how, "inner") == 0 || strcmp(how, "left") == 0;
    for (uint32_t l = 0; l < LEFT_ROWS; l++) {
        bool found = false;
        for (uint32_t r = 0; r < RIGHT_ROWS; r++) {
            if (!is_match(&left[l], &right[r]))
                continue;
            found = true;
            if (pairs)
                qn_buf_printf(out, "%lld|%lld\n", (long long)left[l].value,
                              (long long)right[r].value);
        }
        if (strcmp(how, "left") == 0 && !found)
            qn_buf_printf(out, "%lld|\n", (long long)left[l].value);
        if (strcmp(how, found ? "semi" : "anti") == 0)
            qn_buf_printf(out, "%lld\n", (long long)left[l].value);
    }
}

static void start(struct qn_runner *runner, const char *how, const char *select, const char *left,
                  const char *right)
{
    char spec[512];
    snprintf(spec, sizeof spec,
             "version: 1\nname: t\nseed: 7\nwarehouse: w.db\nsources:\n  t: {path: t.csv}\n"
             "jobs:\n  j:\n    kind: etl\n    from: t\n"
             "    join: {to: u, on: [a, b], how: %s}\n    select: [%s]\n",
             how, select);
    runner_init(runner, spec);
    runner->batch_rows = 128;
    runner_table(runner, "t", QN_INPUT_SOURCE, "a text; b integer; v integer", left);
    runner_table(runner, "u", QN_INPUT_DATASET, "a text; b integer; w integer", right);
    runner_job(runner, "j");
}

static void test_every_pair(void **state)
{
    (void)state;
    static const char *const hows[] = {"inner", "left", "semi", "anti"};
    struct row left[LEFT_ROWS], right[RIGHT_ROWS];
    for (uint64_t seed = 1; seed <= 3; seed++) {
        make_rows(left, LEFT_ROWS, 500, seed);
        make_rows(right, RIGHT_ROWS, seed == 1 ? 40 : 600, seed + 1000);
        char *left_text = to_text(left, LEFT_ROWS), *right_text = to_text(right, RIGHT_ROWS);
        for (uint32_t h = 0; h < 4; h++) {
            struct qn_runner runner;
            struct qn_buf expected;
            qn_buf_init(&expected);
            expect_rows(hows[h], left, right, &expected);
            start(&runner, hows[h], h < 2 ? "v, w" : "v", left_text, right_text);
            for (uint32_t units = 1; units <= 4; units++)
                for (runner.shuffled = 0; runner.shuffled < 2; runner.shuffled++) {
                    runner.shared_bytes = units % 2 ? 0 : 4096;
                    runner.memory_bytes = units % 2 ? 0 : 1024;
                    runner.ranges = units / 2;
                    runner_run(&runner, units, seed);
                    assert_string_equal(runner_rows(&runner), runner_text(&expected));
                }
            runner_fini(&runner);
            qn_buf_fini(&expected);
        }
        free(left_text);
        free(right_text);
    }
}

/* A table's memory is what its rows, entries and chains take; past it there are files. */
static void test_where_a_table_is(void **state)
{
    (void)state;
    struct row right[RIGHT_ROWS];
    struct qn_runner runner;
    make_rows(right, RIGHT_ROWS, 100, 1);
    char *text = to_text(right, RIGHT_ROWS);
    start(&runner, "inner", "v, w", "1,2,3\n", text);
    runner.shared_bytes = 4096;
    runner_run(&runner, 2, 0);
    assert_int_equal(runner.shared[0].bytes, 0);
    /* Two integers, a text with its offset and three bitmaps a row, entries, chains. */
    runner.shared_bytes = RIGHT_ROWS * (16 + 4 + 16 + 1) + 1024 * 2 * 8 + RIGHT_ROWS * 4;
    runner_run(&runner, 2, 0);
    assert_in_range(runner.shared[0].bytes, 4097, runner.shared_bytes);
    runner_fini(&runner);
    free(text);
}

/* Keys that are too many to be kept at a time are cut into slices, twice those that still are. */
static void test_keys_past_their_memory(void **state)
{
    (void)state;
    enum { KEYS = 300, KEY_BYTES = 64 << 10 };
    struct qn_runner runner;
    struct qn_buf left, right, expected;
    qn_buf_init(&left);
    qn_buf_init(&right);
    qn_buf_init(&expected);
    for (uint32_t i = 0; i < KEYS; i++)
        qn_buf_printf(&left, "%0*u,1,%u\n", KEY_BYTES, i, i);
    for (uint32_t i = 0; i < 2 * KEYS; i++) /* each twice, from the last one on */
        qn_buf_printf(&right, "%0*u,1,%u\n", KEY_BYTES, KEYS - 1 - i / 2, i);
    for (uint32_t i = 0; i < KEYS; i++)
        qn_buf_printf(&expected, "%u|%u\n%u|%u\n", i, 2 * (KEYS - 1 - i), i,
                      2 * (KEYS - 1 - i) + 1);
    start(&runner, "inner", "v, w", runner_text(&left), runner_text(&right));
    runner.partitions = 1;
    runner_job(&runner, "j");
    runner.memory_bytes = 1 << 20;
    for (runner.shuffled = 0; runner.shuffled < 2; runner.shuffled++) {
        runner_run(&runner, 2, 0);
        assert_string_equal(runner_rows(&runner), runner_text(&expected));
    }
    runner_fini(&runner);
    qn_buf_fini(&left);
    qn_buf_fini(&right);
    qn_buf_fini(&expected);
}

/* A key that has columns of one name on the other side, and a job that joins twice. */
static void test_two_sides(void **state)
{
    (void)state;
    struct qn_runner runner;
    runner_init(&runner, "version: 1\nname: t\nseed: 7\nwarehouse: w.db\nsources:\n"
                         "  t: {path: t.csv}\njobs:\n  j:\n    kind: etl\n    from: t\n"
                         "    join:\n    - {to: u, on: {a: k, b: k}}\n"
                         "    - {to: w, on: [x], how: left}\n    select: [v, x, y]\n");
    runner_table(&runner, "t", QN_INPUT_SOURCE, "a text; b text; v integer",
                 "p,p,1\np,q,2\nq,q,3\n,,4\nr,r,5\np,p,6\n");
    runner_table(&runner, "u", QN_INPUT_DATASET, "k text; x integer", "p,10\nq,20\np,30\nr,\n");
    runner_table(&runner, "w", QN_INPUT_DATASET, "x integer; y text",
                 "30,c\n10,a\n,nothing\n10,b\n");
    runner_job(&runner, "j");
    for (runner.shuffled = 0; runner.shuffled < 4; runner.shuffled++)
        for (uint32_t units = 1; units <= 3; units++) {
            runner_run(&runner, units, units - 1);
            assert_string_equal(runner_rows(&runner), "1|10|a\n1|10|b\n1|30|c\n3|20|\n5||\n"
                                                      "6|10|a\n6|10|b\n6|30|c\n");
        }
    runner_fini(&runner);
}

/* A side without rows, and one of NULLs alone. */
static void test_nothing_to_find(void **state)
{
    (void)state;
    struct qn_runner runner;
    static const char *const sides[] = {"", "1,,5\n,,6\n"};
    for (uint32_t s = 0; s < 2; s++) {
        start(&runner, "left", "v, w", "1,2,3\n,,4\n", sides[s]);
        for (runner.shuffled = 0; runner.shuffled < 2; runner.shuffled++) {
            runner_run(&runner, 1, 0);
            assert_string_equal(runner_rows(&runner), "3|\n4|\n");
        }
        runner_fini(&runner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair),
        cmocka_unit_test(test_where_a_table_is),
        cmocka_unit_test(test_keys_past_their_memory),
        cmocka_unit_test(test_two_sides),
        cmocka_unit_test(test_nothing_to_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
