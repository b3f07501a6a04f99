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

enum { CHUNK_BYTES = 4 << 10, UNITS = 24, MOST_WORKERS = 3, ROUNDS = 80, SETTLES = 4 };
/* Tasks that were begun and not handed in, of a worker of one slot that is killed; and those that
 * it is leased, which it may run in vain before it finds out that its coordinator is gone. */
enum { HELD = 3, LEASED = 7 };
/* What a lead takes with it: in 100 ms tasks of 1 ms on 2 slots, and those of rounds until they
 * settle. */
enum { LED = 100 * 2 + UNITS * SETTLES };

static char folder[64], endpoint[100];
static struct qn_err err;
static uint64_t random_state;
static uint32_t n_workers, slots;

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
                                              .slots = slots,
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
    pid_t workers[MOST_WORKERS], coordinator = start_coordinator(spec);
    int status;
    for (uint32_t i = 0; i < n_workers; i++)
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
            uint32_t victim = draw(n_workers);
            end(workers[victim]);
            workers[victim] = start_worker();
            kills.workers++;
        }
    }
    for (uint32_t i = 0; i < n_workers; i++)
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

/* Tasks of the last life of the run. */
static uint32_t count_tasks(void)
{
    char command[200];
    uint32_t n = 0;
    snprintf(command, sizeof command,
             "sqlite3 %s/toy.db \"select tasks from _quern_timings where name = 'round'\"", folder);
    FILE *answer = popen(command, "r");
    assert_non_null(answer);
    assert_int_equal(fscanf(answer, "%u", &n), 1);
    pclose(answer);
    return n;
}

struct scene {
    const char *states;
    uint32_t most_kills, workers, slots;
    bool led; /* rounds settle, so that a worker that is alone leads */
};

static void write_spec(const struct scene *scene, char *spec, size_t room)
{
    char settles[40] = "";
    if (scene->led)
        snprintf(settles, sizeof settles, "settles: %d, ", SETTLES);
    snprintf(spec, room,
             "version: 1\nname: toy\nwarehouse: toy.db\nsources:\n  rows: {path: rows.csv, "
             "chunk_size: %d}\njobs:\n  toy: {kind: toy, from: rows, rounds: %d, partial: 5000, "
             "state: 700, micros: %d, %sstates: %s, log: %s/log}\n",
             CHUNK_BYTES, ROUNDS, scene->led ? 1000 : 300, settles, scene->states, folder);
}

static void expect_rounds(const struct scene *scene)
{
    char spec[800], log[100];
    snprintf(folder, sizeof folder, "/tmp/quern-test-rounds-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(endpoint, sizeof endpoint, "ipc://%s/c", folder);
    snprintf(log, sizeof log, "%s/log", folder);
    write_spec(scene, spec, sizeof spec);
    n_workers = scene->workers;
    slots = scene->slots;
    random_state = scene->most_kills + (uint32_t)strlen(scene->states);
    write_rows();
    struct kills kills = run_under_fire(spec, scene->most_kills);
    uint32_t again = count_again(log), lost = scene->led ? LED : HELD;
    print_message("%u coordinators and %u workers killed, %u of %d tasks run again\n",
                  kills.coordinators, kills.workers, again, ROUNDS * UNITS);
    assert_in_range(again, 0,
                    kills.coordinators * (scene->led ? LED : scene->workers * LEASED) +
                        kills.workers * lost);
    if (scene->most_kills)
        assert_true(kills.coordinators > 0 && kills.workers > 0);
    bool alone = scene->led && scene->workers == 1;
    if (!scene->most_kills && alone)
        assert_in_range(count_tasks(), 1, ROUNDS * UNITS / 2);
    if (!scene->most_kills && !alone)
        assert_int_equal(count_tasks(), ROUNDS * UNITS);
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static void undisturbed_nothing_is_run_twice(void **state)
{
    (void)state;
    expect_rounds(&(struct scene){.states = "added", .workers = 3, .slots = 1});
    expect_rounds(&(struct scene){.states = "last", .workers = 3, .slots = 1});
}

static void who_is_alone_leads(void **state)
{
    (void)state;
    expect_rounds(&(struct scene){.states = "added", .workers = 1, .slots = 2, .led = true});
    expect_rounds(&(struct scene){.states = "last", .workers = 1, .slots = 1, .led = true});
}

static void states_that_grow_survive_kills(void **state)
{
    (void)state;
    expect_rounds(&(struct scene){"added", 25, 3, 1, false});
    expect_rounds(&(struct scene){"grown", 25, 3, 1, false});
}

static void states_that_change_survive_kills(void **state)
{
    (void)state;
    expect_rounds(&(struct scene){"last", 25, 3, 1, false});
}

/* Of one worker, and of two of which either may be alone until the other is back. */
static void leads_survive_kills(void **state)
{
    (void)state;
    expect_rounds(&(struct scene){"added", 20, 1, 2, true});
    expect_rounds(&(struct scene){"last", 20, 2, 2, true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(undisturbed_nothing_is_run_twice),
        cmocka_unit_test(who_is_alone_leads),
        cmocka_unit_test(states_that_grow_survive_kills),
        cmocka_unit_test(states_that_change_survive_kills),
        cmocka_unit_test(leads_survive_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
