/* What one round of a repeating stage costs beside the job's own work: lease, state, partial,
 * commit, merge, the next round. A toy job of many rounds whose tasks do nothing but answer.
 *
 *     build/bench.rounds [rounds] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "coordinator/coordinator.h"
#include "spec/keys.h"
#include "spec/node.h"
#include "worker/worker.h"

enum { CHUNK_BYTES = 64 << 10 };

/* --- the job --------------------------------------------------------------------------------- */

/* Stands in for the registry of jobs: a kind that only this program has. */
struct toy {
    uint32_t rounds, partial_bytes, state_bytes;
};

static const char *const kinds[] = {"toy", NULL};
static const struct qn_key toy_keys[] = {
    {.name = "kind", .shape = QN_SHAPE_ENUM, .values = kinds, .required = true, .doc = "toy"},
    {.name = "from", .shape = QN_SHAPE_TEXT, .required = true, .doc = "a source"},
    {.name = "rounds", .shape = QN_SHAPE_INT, .min = 1, .max = 1e6, .doc = "how many"},
    {.name = "partial", .shape = QN_SHAPE_INT, .min = 8, .max = 1e8, .doc = "bytes of a task"},
    {.name = "state", .shape = QN_SHAPE_INT, .min = 1, .max = 1e8, .doc = "bytes of a round"},
};
static const struct qn_spec_keys toy_spec_keys = QN_KEYS("toy job", toy_keys);

static uint32_t number(const struct qn_node *node, const char *name)
{
    return (uint32_t)qn_node_f64(qn_node_get(node, name), 1);
}

static qn_code toy_compile(const struct qn_job_env *env, struct qn_job *job, struct qn_err *err)
{
    struct toy *toy = QN_NEW(env->arena, struct toy);
    if (!toy || !env->input(env, qn_node_get(env->node, "from"), &job->input))
        return qn_err_nomem(err, "a toy");
    *toy = (struct toy){.rounds = number(env->node, "rounds"),
                        .partial_bytes = number(env->node, "partial"),
                        .state_bytes = number(env->node, "state")};
    job->impl = toy;
    job->stages[job->n_stages++] =
        (struct qn_stage){.name = "round", .over = QN_OVER_CHUNKS, .merges = true, .repeats = true};
    return QN_OK;
}

static qn_code read_rows(struct qn_task_in *in, struct qn_task_out *out, struct qn_err *err)
{
    struct qn_batch batch;
    QN_TRY(in->open_rows(in, err));
    do
        QN_TRY(in->reader->ops->next(in->reader, &batch, &out->rejects, err));
    while (batch.n_rows);
    in->unit_cache->data = in->unit_cache;
    return QN_OK;
}

static qn_code toy_run(const struct qn_job *job, struct qn_task_in *in, struct qn_task_out *out,
                       struct qn_err *err)
{
    const struct toy *toy = job->impl;
    if (!in->unit_cache->data)
        QN_TRY(read_rows(in, out, err));
    char *bytes = qn_arena_zalloc(in->arena, toy->partial_bytes, 1);
    if (!bytes)
        return qn_err_nomem(err, "a partial");
    return out->ops->partial(out, (struct qn_strv){bytes, toy->partial_bytes}, err);
}

static qn_code toy_merge(const struct qn_job *job, uint32_t stage, void **acc,
                         struct qn_strv partial, struct qn_err *err)
{
    const struct toy *toy = job->impl;
    (void)stage;
    (void)acc;
    return partial.len == toy->partial_bytes
               ? QN_OK
               : qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a partial of the wrong size");
}

static qn_code toy_finish(const struct qn_job *job, uint32_t stage, uint32_t round, void **acc,
                          const struct qn_strv *states, struct qn_buf *state,
                          struct qn_findings *findings, enum qn_verdict *verdict,
                          struct qn_err *err)
{
    const struct toy *toy = job->impl;
    (void)stage;
    (void)acc;
    (void)states;
    (void)findings;
    for (uint32_t i = 0; i < toy->state_bytes; i++)
        qn_buf_put_u8(state, (uint8_t)(round + i));
    *verdict = round + 1 < toy->rounds ? QN_VERDICT_REPEAT : QN_VERDICT_NEXT;
    return qn_buf_check(state, "a state", err);
}

static void toy_free_acc(void *acc)
{
    free(acc);
}

static const struct qn_job_ops toy_ops = {.kind = "toy",
                                          .summary = "rounds that do nothing",
                                          .keys = &toy_spec_keys,
                                          .compile = toy_compile,
                                          .run = toy_run,
                                          .merge = toy_merge,
                                          .finish = toy_finish,
                                          .free_acc = toy_free_acc};
static const struct qn_job_ops *const all[] = {&toy_ops, NULL};

const struct qn_job_ops *const *qn_job_all(void)
{
    return all;
}

const struct qn_job_ops *qn_job_find(const char *kind)
{
    return strcmp(kind, "toy") == 0 ? &toy_ops : NULL;
}

/* --- the run --------------------------------------------------------------------------------- */

static char folder[64];

static void check(qn_code code, const struct qn_err *err)
{
    if (code == QN_OK)
        return;
    fprintf(stderr, "failed: %s: %s\n", qn_code_name(code), err->message);
    exit(1);
}

static void write_rows(uint32_t units)
{
    char path[100];
    snprintf(path, sizeof path, "%s/rows.csv", folder);
    FILE *file = fopen(path, "w");
    if (!file)
        exit(1);
    fputs("id\n", file);
    for (uint32_t i = 0; i < units * (CHUNK_BYTES / 8) - 1; i++)
        fprintf(file, "%07u\n", i);
    fclose(file);
}

static void serve(const char *endpoint)
{
    static volatile sig_atomic_t never;
    struct qn_err err = {0};
    const struct qn_worker_options options = {.endpoint = endpoint,
                                              .slots = 1,
                                              .memory_bytes = 256 << 20,
                                              .patience_ms = 10000,
                                              .stop = &never};
    qn_code code = qn_worker_run(&options, &err);
    if (code != QN_OK)
        fprintf(stderr, "a worker: %s\n", err.message);
    _exit(code != QN_OK);
}

static void coordinate(struct qn_strv spec, const char *endpoint, double *seconds)
{
    struct qn_err err = {0};
    struct qn_plan plan;
    struct qn_buf bytes;
    struct qn_coordinator_outcome outcome;
    char state[100];
    const struct qn_plan_options options = {.path = "bench.yaml", .text = spec, .folder = folder};
    check(qn_plan_make(&plan, &options, &err), &err);
    qn_buf_init(&bytes);
    qn_plan_pack(&plan, &bytes);
    snprintf(state, sizeof state, "%s/state", folder);
    const struct qn_coordinator_options run = {.plan = &plan,
                                               .plan_bytes = qn_buf_strv(&bytes),
                                               .state_folder = state,
                                               .listen = endpoint,
                                               .full_refresh = true};
    check(qn_coordinator_run(&run, &outcome, &err), &err);
    if (!outcome.succeeded) {
        fprintf(stderr, "failed: %s\n", outcome.failure);
        exit(1);
    }
    *seconds = outcome.seconds;
    qn_buf_fini(&bytes);
    qn_plan_fini(&plan);
}

/* What the run took, from the first worker's HELLO to the end. */
static double run(uint32_t workers, uint32_t units, uint32_t rounds, uint32_t partial,
                  uint32_t state)
{
    char spec[600], endpoint[100];
    double seconds = 0;
    snprintf(spec, sizeof spec,
             "version: 1\nname: bench\nwarehouse: bench.db\nsources:\n  rows: {path: rows.csv, "
             "chunk_size: %dKiB}\njobs:\n  toy: {kind: toy, from: rows, rounds: %u, partial: %u, "
             "state: %u}\n",
             CHUNK_BYTES >> 10, rounds, partial, state);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/c", folder);
    write_rows(units);
    for (uint32_t i = 0; i < workers; i++)
        if (fork() == 0)
            serve(endpoint);
    coordinate(qn_strv_from(spec), endpoint, &seconds);
    while (wait(NULL) > 0) {
    }
    return seconds;
}

static void measure(uint32_t workers, uint32_t units, uint32_t rounds, uint32_t partial,
                    uint32_t state)
{
    double one = run(workers, units, 1, partial, state);
    double all_rounds = run(workers, units, rounds + 1, partial, state);
    double micros = (all_rounds - one) * 1e6 / rounds;
    printf("%u workers, %2u units, partials of %6u bytes, states of %5u: %6.0f us a round, "
           "%6.0f rounds a second\n",
           workers, units, partial, state, micros, 1e6 / micros);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    snprintf(folder, sizeof folder, "/tmp/quern-rounds-%d", (int)getpid());
    char command[100];
    snprintf(command, sizeof command, "mkdir -p %s", folder);
    if (system(command) != 0)
        return 1;
    for (uint32_t workers = 2; workers <= 8; workers += 6)
        for (uint32_t units = 4; units <= 16; units += 12)
            measure(workers, units, rounds, 1000, 1000);
    measure(2, 2, rounds, 1000, 1000);
    measure(2, 4, rounds, 100000, 1000);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0;
}
