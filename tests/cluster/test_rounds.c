/* Rounds under kill -9 of coordinator and workers at random moments: every round is finished once,
 * every task finds the state it must, and what is computed twice is what was under way. */
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "base/hash.h"
#include "coordinator/coordinator.h"
#include "tests/support/toy_rounds.h"
#include "worker/worker.h"

enum { CHUNK_BYTES = 4 << 10, UNITS = 6, WORKERS = 3, ROUNDS = 250, HELD = 3 };

static char folder[64], endpoint[100];
static struct qn_err err;
static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    return (uint32_t)(qn_mix64(++random_state) % below);
}

static void write_rows(void)
{
    char path[100];
    snprintf(path, sizeof path, "%s/rows.csv", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("id\n", file);
    for (uint32_t i = 0; i < UNITS * (CHUNK_BYTES / 8) - 1; i++)
        fprintf(file, "%07u\n", i);
    fclose(file);
}

static pid_t start_worker(void)
{
    static volatile sig_atomic_t never;
    pid_t pid = fork();
    if (pid)
        return pid;
    const struct qn_worker_options options = {.endpoint = endpoint,
                                              .slots = 1,
                                              .memory_bytes = 64 << 20,
                                              .patience_ms = 20000,
                                              .stop = &never};
    _exit(qn_worker_run(&options, &err) != QN_OK);
}

static void coordinate(const char *spec)
{
    struct qn_plan plan;
    struct qn_buf bytes;
    struct qn_coordinator_outcome outcome;
    char state[100];
    const struct qn_plan_options options = {
        .path = "toy.yaml", .text = qn_strv_from(spec), .folder = folder};
    if (qn_plan_make(&plan, &options, &err) != QN_OK)
        _exit(2);
    qn_buf_init(&bytes);
    qn_plan_pack(&plan, &bytes);
    snprintf(state, sizeof state, "%s/state", folder);
    const struct qn_coordinator_options run = {.plan = &plan,
                                               .plan_bytes = qn_buf_strv(&bytes),
                                               .state_folder = state,
                                               .listen = endpoint};
    qn_code code = qn_coordinator_run(&run, &outcome, &err);
    if (code != QN_OK)
        fprintf(stderr, "coordinator: %s\n", err.message);
    else if (!outcome.succeeded)
        fprintf(stderr, "run: %s\n", outcome.failure);
    _exit(code != QN_OK ? 3 : outcome.succeeded ? 0 : 4);
}

static pid_t start_coordinator(const char *spec)
{
    pid_t pid = fork();
    if (pid == 0)
        coordinate(spec);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

struct kills {
    uint32_t coordinators, workers;
};

/* Until the run is over; kills as long as there are some left to do. */
static struct kills run_under_fire(const char *spec, uint32_t most)
{
    struct kills kills = {0};
    pid_t workers[WORKERS], coordinator = start_coordinator(spec);
    int status;
    for (uint32_t i = 0; i < WORKERS; i++)
        workers[i] = start_worker();
    for (;;) {
        usleep(1000 * (5 + draw(60)));
        if (waitpid(coordinator, &status, WNOHANG) == coordinator)
            break;
        if (kills.coordinators + kills.workers >= most)
            continue;
        if (draw(3) == 0) {
            end(coordinator);
            coordinator = start_coordinator(spec);
            kills.coordinators++;
        } else {
            uint32_t victim = draw(WORKERS);
            end(workers[victim]);
            workers[victim] = start_worker();
            kills.workers++;
        }
    }
    for (uint32_t i = 0; i < WORKERS; i++)
        end(workers[i]);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    return kills;
}

/* Tasks that were run more often than once; each must have been run. */
static uint32_t count_again(const char *log)
{
    static uint32_t times[ROUNDS][UNITS];
    uint32_t round, unit, again = 0;
    memset(times, 0, sizeof times);
    FILE *file = fopen(log, "r");
    assert_non_null(file);
    while (fscanf(file, "%u %u", &round, &unit) == 2) {
        assert_true(round < ROUNDS && unit < UNITS);
        again += times[round][unit]++ > 0;
    }
    fclose(file);
    for (round = 0; round < ROUNDS; round++)
        for (unit = 0; unit < UNITS; unit++)
            assert_true(times[round][unit] > 0);
    return again;
}

static void expect_rounds(const char *states, uint32_t most_kills, uint64_t seed)
{
    char spec[800], log[100];
    snprintf(folder, sizeof folder, "/tmp/quern-test-rounds-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/c", folder);
    snprintf(log, sizeof log, "%s/log", folder);
    snprintf(spec, sizeof spec,
             "version: 1\nname: toy\nwarehouse: toy.db\nsources:\n  rows: {path: rows.csv, "
             "chunk_size: %d}\njobs:\n  toy: {kind: toy, from: rows, rounds: %d, partial: 5000, "
             "state: 700, micros: 300, states: %s, log: %s}\n",
             CHUNK_BYTES, ROUNDS, states, log);
    random_state = seed;
    write_rows();
    struct kills kills = run_under_fire(spec, most_kills);
    uint32_t again = count_again(log);
    print_message("%u coordinators and %u workers killed, %u of %d tasks run again\n",
                  kills.coordinators, kills.workers, again, ROUNDS * UNITS);
    assert_in_range(again, 0, kills.coordinators * UNITS + kills.workers * HELD);
    if (most_kills)
        assert_true(kills.coordinators > 0 && kills.workers > 0);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static void undisturbed_nothing_is_run_twice(void **state)
{
    (void)state;
    expect_rounds("added", 0, 1);
    expect_rounds("last", 0, 1);
}

static void states_that_grow_survive_kills(void **state)
{
    (void)state;
    expect_rounds("added", 25, 2);
    expect_rounds("grown", 25, 4);
}

static void states_that_change_survive_kills(void **state)
{
    (void)state;
    expect_rounds("last", 25, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undisturbed_nothing_is_run_twice),
        cmocka_unit_test(states_that_grow_survive_kills),
        cmocka_unit_test(states_that_change_survive_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
