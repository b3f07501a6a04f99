/* What one round of a repeating stage costs beside the job's own work: lease, state, partial,
 * commit, merge, the next round. A toy job of many rounds whose tasks do nothing but answer.
 *
 *     build/bench.rounds [rounds] */
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/check.h"
#include "coordinator/coordinator.h"
#include "tests/support/toy_rounds.h"
#include "worker/worker.h"

enum { CHUNK_BYTES = 64 << 10 };

/* --- the run --------------------------------------------------------------------------------- */

static char folder[64];

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

/* What a run took, by the clock and of processors. */
struct cost {
    double seconds, cpu_seconds;
};

static double cpu_seconds(void)
{
    double sum = 0;
    for (int i = 0; i < 2; i++) {
        struct rusage used;
        if (getrusage(i ? RUSAGE_CHILDREN : RUSAGE_SELF, &used) == 0)
            sum += (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    }
    return sum;
}

static struct cost run(uint32_t workers, uint32_t units, uint32_t rounds, uint32_t partial,
                       uint32_t state)
{
    enum { MOST_WORKERS = 64 };
    pid_t pids[MOST_WORKERS];
    struct cost cost = {.cpu_seconds = -cpu_seconds()};
    char spec[600], endpoint[100];
    snprintf(spec, sizeof spec,
             "version: 1\nname: bench\nwarehouse: bench.db\nsources:\n  rows: {path: rows.csv, "
             "chunk_size: %dKiB}\njobs:\n  toy: {kind: toy, from: rows, rounds: %u, partial: %u, "
             "state: %u}\n",
             CHUNK_BYTES >> 10, rounds, partial, state);
    snprintf(endpoint, sizeof endpoint, "ipc://%s/c", folder);
    write_rows(units);
    for (uint32_t i = 0; i < workers; i++)
        if ((pids[i] = fork()) == 0)
            serve(endpoint);
    coordinate(qn_strv_from(spec), endpoint, &cost.seconds);
    for (uint32_t i = 0; i < workers; i++) /* one that came too late looks for another run */
        kill(pids[i], SIGKILL);
    while (wait(NULL) > 0) {
    }
    cost.cpu_seconds += cpu_seconds();
    return cost;
}

static void measure(uint32_t workers, uint32_t units, uint32_t rounds, uint32_t partial,
                    uint32_t state)
{
    struct cost one = run(workers, units, 1, partial, state);
    struct cost all_rounds = run(workers, units, rounds + 1, partial, state);
    double micros = (all_rounds.seconds - one.seconds) * 1e6 / rounds;
    double cpu_micros = (all_rounds.cpu_seconds - one.cpu_seconds) * 1e6 / rounds;
    printf("%u workers, %2u units, partials of %6u bytes: %6.0f us a round, %6.0f us of cpu, %6.0f "
           "rounds a second\n",
           workers, units, partial, micros, cpu_micros, 1e6 / micros);
    fflush(stdout);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

int main(int argc, char **argv)
{
    uint32_t rounds = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
    snprintf(folder, sizeof folder, "/tmp/quern-rounds-%d", (int)getpid());
    if (mkdir(folder, 0700) != 0)
        return 1;
    for (uint32_t workers = 2; workers <= 8; workers += 6)
        for (uint32_t units = 4; units <= 16; units += 12)
            measure(workers, units, rounds, 1000, 1000);
    measure(2, 2, rounds, 1000, 1000);
    measure(2, 4, rounds, 100000, 1000);
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0;
}
