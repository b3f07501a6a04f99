/* What the tests of train and score share: a spec around one job, over the churn table. */
#ifndef QN_TESTS_SUPPORT_LEARNING_H
#define QN_TESTS_SUPPORT_LEARNING_H

#include "tests/support/job_runner.h"

#include "tests/support/churn_table.h"

#define LEARNING_HEAD                                                                              \
    "version: 1\nname: t\nseed: 42\nwarehouse: w.db\nsources:\n  rows: {path: rows.csv}\njobs:\n"

/* A table from a batch, which must outlive the runner. */
static inline void runner_batch(struct qn_runner *runner, const char *name, enum qn_input_kind kind,
                                const struct qn_batch *rows)
{
    runner->tables[runner->n_tables++] = (struct qn_runner_table){
        .name = name, .kind = kind, .schema = *rows->schema, .rows = *rows};
}

/* Lines of a job's mapping, indented under its name: line n of it is line 8 + n of the spec. */
static inline void add_job(struct qn_buf *spec, const char *name, const char *yaml)
{
    qn_buf_printf(spec, "  %s:\n", name);
    for (struct qn_strv rest = qn_strv_from(yaml); rest.len;) {
        struct qn_strv line = runner_cut(&rest, '\n');
        qn_buf_printf(spec, "    %.*s\n", QN_STRV_ARG(line));
    }
}

/* Compiles the job; `other` (may be NULL) is another job of the same spec. The spec's text must
 * outlive the runner, so it is the caller's. */
static inline void learning_init(struct qn_runner *runner, struct qn_buf *spec, const char *yaml,
                                 const char *other, const struct qn_batch *rows)
{
    qn_buf_init(spec);
    qn_buf_printf(spec, "%s", LEARNING_HEAD);
    add_job(spec, "j", yaml);
    if (other)
        add_job(spec, "other", other);
    runner_init(runner, runner_text(spec));
    runner->batch_rows = 100;
    runner_batch(runner, "rows", QN_INPUT_DATASET, rows);
    runner_job(runner, "j");
    if (runner->spec.diags.n_errors)
        runner->compiled = QN_EINPUT;
}

static inline void learning_fini(struct qn_runner *runner, struct qn_buf *spec)
{
    runner_fini(runner);
    qn_buf_fini(spec);
}

/* NaN when there is no such metric. */
static inline double metric_of(const struct qn_runner *runner, const char *split,
                               const char *metric)
{
    for (uint32_t i = 0; i < runner->findings.n_metrics; i++)
        if (strcmp(runner->findings.metrics[i].split, split) == 0 &&
            strcmp(runner->findings.metrics[i].metric, metric) == 0)
            return runner->findings.metrics[i].value;
    return (double)NAN;
}

#endif
