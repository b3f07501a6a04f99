/* Every kind of jobs.def: the same bytes whatever the order in which its tasks ran, rows that
 * balance, damaged partials refused. A new kind adds a job to the spec below, a line to cases. */
#include "tests/support/job_runner.h"

static const char *const spec =
    "version: 1\nname: conformance\nseed: 11\nwarehouse: w.db\n"
    "sources:\n"
    "  t:\n"
    "    path: t.csv\n"
    "    columns:\n"
    "      - {name: id, type: text, data_tests: [not_null, {unique: {on_fail: quarantine}}]}\n"
    "jobs:\n"
    "  u: {kind: etl, from: t}\n"
    "  clean:\n"
    "    kind: etl\n"
    "    from: t\n"
    "    impute: {x: {strategy: median}, kind: {strategy: most_frequent}, n: {strategy: mean}}\n"
    "    dedupe: {by: [id, kind], keep: last, order_by: n}\n"
    "    join: {to: u, on: [kind], how: left}\n"
    "    data_tests:\n"
    "      - accepted_range: {column: n, max_value: 70, on_fail: quarantine}\n"
    "      - unique: {column: extra, severity: warn}\n"
    "  grouped:\n"
    "    kind: etl\n"
    "    from: t\n"
    "    filter: n >= 5\n"
    "    group_by: [id]\n"
    "    aggregate: {rows: count(*), total: sum(x), mean: avg(x), spread: stddev(n),\n"
    "                first: min(kind), last: max(n) filter (where n >= 20),\n"
    "                kinds: count(distinct kind), about: approx_distinct(x), all: bool_and(y),\n"
    "                middle: median(x), tail: \"approx_quantile(n, 0.9)\", common: mode(kind),\n"
    "                top: first(kind order by x desc), end: last(n)}\n"
    "    data_tests: [{accepted_range: {column: rows, max_value: 1, on_fail: quarantine}}]\n"
    "  fit:\n"
    "    kind: train\n"
    "    from: t\n"
    "    label: y\n"
    "    key: id\n"
    "    split: {method: hash, test: 0.3, stratify: true}\n"
    "    algorithm: logistic_regression\n"
    "    register: {model: m}\n"
    "    into: {table: predictions}\n"
    "  apply: {kind: score, from: t, model: m, into: {table: scores}}\n";

static const struct job_case {
    const char *kind, *job;
    const char *model_from; /* job whose model it reads */
} cases[] = {{"etl", "clean", NULL},
             {"etl", "grouped", NULL},
             {"train", "fit", NULL},
             {"score", "apply", "fit"}};

enum { ROWS = 300, UNITS = 6 };

static void fill(struct qn_runner *runner)
{
    struct qn_buf rows;
    qn_buf_init(&rows);
    for (uint64_t i = 0; i < ROWS; i++) {
        uint64_t h = qn_mix64(i + 1);
        qn_buf_printf(&rows, "id%llu,", (unsigned long long)(h % 17 ? i : i / 2));
        if (h % 5)
            qn_buf_printf(&rows, "%llu.%02llu", (unsigned long long)(h >> 8) % 50,
                          (unsigned long long)(h >> 20) % 100);
        qn_buf_printf(&rows, ",%s,", h % 7 ? (h % 2 ? "red" : "blue") : "");
        qn_buf_printf(&rows, "%llu,%s\n", (unsigned long long)(h >> 30) % 80,
                      (h >> 40) % 100 < 30 + (h >> 8) % 50 ? "true" : "false");
    }
    qn_buf_put_u8(&rows, 0);
    runner_table(runner, "t", QN_INPUT_SOURCE,
                 "id text; x decimal(8,2); kind text; n integer; y boolean",
                 (const char *)rows.data);
    runner_table(runner, "u", QN_INPUT_DATASET, "kind text; extra integer",
                 "red,1\nblue,2\nred,3\n");
    qn_buf_fini(&rows);
}

/* Everything a run gave out, as one text. */
static char *fingerprint(struct qn_runner *runner)
{
    struct qn_buf all;
    qn_buf_init(&all);
    qn_buf_printf(&all, "rows\n%srejects\n%s", runner_rows(runner), runner_rejects(runner));
    const struct qn_buf *parts[] = {&runner->partials,  &runner->states[0], &runner->states[1],
                                    &runner->states[2], &runner->states[3], &runner->states[4]};
    char hex[QN_SHA256_HEX];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        qn_sha256_of(qn_buf_strv(parts[i]), hex);
        qn_buf_printf(&all, "part %s\n", hex);
    }
    qn_sha256_of(runner->findings.model.artefact, hex);
    qn_buf_printf(&all, "model %s\n", hex);
    for (uint32_t i = 0; i < runner->findings.n_metrics; i++)
        qn_buf_printf(&all, "%s %a\n", runner->findings.metrics[i].metric,
                      runner->findings.metrics[i].value);
    for (uint32_t i = 0; i < runner->findings.n_tests; i++)
        qn_buf_printf(&all, "%s\n", runner->findings.tests[i].message);
    qn_buf_put_u8(&all, 0);
    return (char *)all.data;
}

static struct qn_strv model_of(struct qn_runner *runner, const char *job)
{
    if (!job)
        return (struct qn_strv){0};
    runner_job(runner, job);
    runner_run(runner, UNITS, 0);
    assert_true(runner->findings.model.artefact.len > 0);
    return runner->findings.model.artefact; /* in the runner's arena */
}

static void check_kind(const struct job_case *at)
{
    struct qn_runner runner;
    runner_init(&runner, spec);
    fill(&runner);
    runner.model = model_of(&runner, at->model_from);
    runner_job(&runner, at->job);
    assert_string_equal(runner.job.ops->kind, at->kind);
    runner.distrust = true;
    runner_run(&runner, UNITS, 0);
    char *first = fingerprint(&runner);
    assert_true(strlen(runner_rows(&runner)) > 100); /* it did something */
    runner.distrust = false;
    for (uint64_t seed = 0; seed < 8; seed++) {
        runner_run(&runner, UNITS, seed);
        char *again = fingerprint(&runner);
        assert_string_equal(again, first);
        free(again);
    }
    free(first);
    runner_fini(&runner);
}

static void test_every_kind(void **state)
{
    (void)state;
    for (const struct qn_job_ops *const *ops = qn_job_all(); *ops; ops++) {
        bool found = false;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            if (strcmp(cases[i].kind, (*ops)->kind) != 0)
                continue;
            check_kind(&cases[i]);
            found = true;
        }
        if (!found)
            fail_msg("no case for jobs of kind %s", (*ops)->kind);
    }
}

/* A task that is told to stop says so and gives nothing. */
static void test_every_kind_stops(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qn_runner runner;
        runner_init(&runner, spec);
        fill(&runner);
        runner.model = model_of(&runner, cases[i].model_from);
        runner_job(&runner, cases[i].job);
        atomic_store(&runner.cancelled, true);
        assert_int_equal(runner_try(&runner, UNITS, 0), QN_ECANCEL);
        runner_fini(&runner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),
        cmocka_unit_test(test_every_kind_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
