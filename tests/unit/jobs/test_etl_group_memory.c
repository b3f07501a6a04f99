/* Groups that do not fit in memory: the same rows in the same order, whatever the memory, and
 * whatever keys share a hash. */
#include "tests/support/job_runner.h"
#include "tests/support/twin_keys.h"

#define SPEC(job)                                                                                  \
    "version: 1\nname: t\nseed: 7\nwarehouse: w.db\nsources:\n  t: {path: t.csv}\n"                \
    "jobs:\n  j:\n    kind: etl\n    from: t\n" job

static const char *const spec =
    SPEC("    group_by: [k, g]\n    aggregate:\n      n: count(*)\n      total: sum(q)\n"
         "      mean: avg(x)\n      low: min(code)\n      odd: count(*) filter (where q > 50)\n"
         "    filter: q < 99\n");
static const char *const columns = "k text; g integer; q integer; x double; code text";

/* n rows of about n_keys keys, some of them NULL. */
static char *make_rows(uint32_t n, uint32_t n_keys)
{
    struct qn_buf buf;
    qn_buf_init(&buf);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t draw = qn_mix64(i + 1), key = draw % n_keys;
        if (key % 101 == 0)
            qn_buf_printf(&buf, ",");
        else
            qn_buf_printf(&buf, "key %llu of a text,", (unsigned long long)(key / 3));
        qn_buf_printf(
            &buf, "%llu,%llu,%llu.%02llu,c%llu\n", (unsigned long long)(key % 3),
            (unsigned long long)(draw >> 20) % 100, (unsigned long long)(draw >> 30) % 1000,
            (unsigned long long)(draw >> 45) % 100, (unsigned long long)(draw >> 50) % 777);
    }
    qn_buf_put_u8(&buf, 0);
    assert_false(buf.failed);
    return (char *)buf.data;
}

static void check_memory(uint32_t n_rows, uint32_t n_keys, uint64_t least_bytes)
{
    struct qn_runner runner;
    char *rows = make_rows(n_rows, n_keys);
    runner_init(&runner, spec);
    runner.batch_rows = 256;
    runner_table(&runner, "t", QN_INPUT_SOURCE, columns, rows);
    runner_job(&runner, "j");
    runner_run(&runner, 1, 0);
    char *expected = strdup(runner_rows(&runner));
    struct qn_counters counters = runner.counters;
    assert_true(strlen(expected) > 10 * n_keys);
    for (uint64_t bytes = least_bytes; bytes < 4 << 20; bytes *= 32)
        for (uint32_t units = 1; units <= 5; units += 2) {
            runner.memory_bytes = bytes;
            runner.ranges = 1 + units / 2;
            runner_run(&runner, units, units);
            assert_string_equal(runner_rows(&runner), expected);
            assert_memory_equal(&runner.counters, &counters, sizeof counters);
        }
    runner_fini(&runner);
    free(expected);
    free(rows);
}

/* Folded on the way, so that what is set aside are groups. */
static void test_groups_set_aside(void **state)
{
    (void)state;
    check_memory(6000, 700, 1);
}

/* More keys than a map task folds: what is set aside are rows. */
static void test_rows_set_aside(void **state)
{
    (void)state;
    check_memory(14000, 12000, 1 << 10);
}

/* --- keys that share a hash ------------------------------------------------------------------ */

static void test_keys_of_one_hash(void **state)
{
    enum { KEYS = 400, ROWS = 1500 };
    (void)state;
    struct qn_runner runner;
    struct qn_buf rows, expected;
    char keys[KEYS][TWIN_BYTES];
    bool seen[KEYS] = {false};
    qn_buf_init(&rows);
    qn_buf_init(&expected);
    for (uint32_t i = 0; i < KEYS; i++)
        twin_text(i, keys[i]);
    for (uint32_t i = 0; i < KEYS; i += 2) {
        assert_string_not_equal(keys[i], keys[i + 1]);
        assert_int_equal(hash_of_text(keys[i]), hash_of_text(keys[i + 1]));
    }
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t key = (uint32_t)(qn_mix64(i + 1) % KEYS);
        qn_buf_printf(&rows, "%s\n", keys[key]);
        if (!seen[key])
            qn_buf_printf(&expected, "%s\n", keys[key]);
        seen[key] = true;
    }
    qn_buf_put_u8(&rows, 0);
    runner_init(&runner, SPEC("    group_by: [a]\n    aggregate: {n: count(*)}\n"
                              "    select: [a]\n"));
    runner.partitions = 1;
    runner_table(&runner, "t", QN_INPUT_SOURCE, "a text", (const char *)rows.data);
    runner_job(&runner, "j");
    for (uint32_t batch_rows = 1; batch_rows <= 256; batch_rows *= 4)
        for (runner.memory_bytes = 1; runner.memory_bytes < 1 << 24; runner.memory_bytes <<= 12) {
            runner.batch_rows = batch_rows;
            runner_run(&runner, 1 + batch_rows % 3, 1);
            assert_string_equal(runner_rows(&runner), runner_text(&expected));
        }
    runner_fini(&runner);
    qn_buf_fini(&rows);
    qn_buf_fini(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_set_aside),
        cmocka_unit_test(test_rows_set_aside),
        cmocka_unit_test(test_keys_of_one_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
