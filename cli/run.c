#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/launch.h"

static const char usage[] =
    "usage: quern run SPEC [--workers N] [--slots N] [--warehouse PATH] [--state DIR]\n"
    "                 [--set KEY=VALUE ...] [--json] [--quiet]\n"
    "Runs a coordinator and N local worker processes (default: one a core). Interrupted or\n"
    "killed, the same command goes on where it was.\n"
    "example: quern run quern.yaml --workers 2 --set data=customers.csv\n";

enum { MAX_WORKERS = 256, RESPAWN_MS = 200 };

/* Local worker processes, replaced when they die. */
struct crew {
    pid_t pids[MAX_WORKERS];
    int64_t started_ms[MAX_WORKERS];
    uint32_t n;
    const char *slots;
};

static pid_t start_worker(const struct crew *crew, const char *endpoint)
{
    char self[] = "/proc/self/exe";
    char *argv[] = {
        (char[]){"quern"},   (char[]){"worker"},  (char[]){"--connect"},     strdup(endpoint),
        (char[]){"--slots"}, strdup(crew->slots), (char[]){"--with-parent"}, NULL};
    pid_t pid = -1;
    if (!argv[3] || !argv[5] || posix_spawn(&pid, self, NULL, NULL, argv, environ) != 0)
        pid = -1;
    free(argv[3]);
    free(argv[5]);
    return pid;
}

/* Starts who is missing; not faster than RESPAWN_MS each, so that a crash loop stays cheap. */
static void tend(void *context, const char *endpoint)
{
    struct crew *crew = context;
    int64_t now = qn_clock_ms();
    for (uint32_t i = 0; i < crew->n; i++) {
        int status;
        if (crew->pids[i] > 0 && waitpid(crew->pids[i], &status, WNOHANG) == crew->pids[i]) {
            qn_log_debug("worker process %d ended", (int)crew->pids[i]);
            crew->pids[i] = 0;
        }
        if (crew->pids[i] > 0 || (crew->started_ms[i] && now - crew->started_ms[i] < RESPAWN_MS))
            continue;
        crew->started_ms[i] = now;
        crew->pids[i] = start_worker(crew, endpoint);
        if (crew->pids[i] < 0)
            qn_log_warn("cannot start a worker: %s", strerror(errno));
    }
}

/* The run is over: workers were told so; what lingers is ended. */
static void dismiss(struct crew *crew)
{
    int64_t give_up_ms = qn_clock_ms() + 300;
    for (uint32_t i = 0; i < crew->n; i++) {
        int status;
        while (crew->pids[i] > 0 && waitpid(crew->pids[i], &status, WNOHANG) == 0) {
            if (qn_clock_ms() > give_up_ms)
                kill(crew->pids[i], SIGKILL);
            usleep(500);
        }
    }
}

static bool read_count(const char *text, uint32_t *out)
{
    int64_t n;
    if (qn_strv_to_i64(qn_strv_from(text), &n) && n >= 1 && n <= MAX_WORKERS) {
        *out = (uint32_t)n;
        return true;
    }
    fprintf(stderr, "quern run: expected a whole number from 1 to %d, got '%s'\n", MAX_WORKERS,
            text);
    return false;
}

static int run_with(struct qn_launch *launch, struct crew *crew)
{
    char folder[] = "/tmp/quern-XXXXXX", endpoint[64];
    if (!mkdtemp(folder)) {
        fprintf(stderr, "quern: cannot make a folder in /tmp: %s\n", strerror(errno));
        return QN_EXIT_FAILED;
    }
    snprintf(endpoint, sizeof endpoint, "ipc://%s/c", folder);
    launch->listen = endpoint;
    launch->tend = tend;
    launch->context = crew;
    int exit = qn_launch_run(launch);
    dismiss(crew);
    char path[80];
    snprintf(path, sizeof path, "%s/c", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/c.data", folder);
    unlink(path);
    rmdir(folder);
    return exit;
}

int qn_cli_run(int argc, char **argv)
{
    static const struct option options[] = {{"workers", required_argument, NULL, 'n'},
                                            {"slots", required_argument, NULL, 's'},
                                            {"warehouse", required_argument, NULL, 'w'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    struct qn_launch launch = {0};
    struct crew crew = {.slots = "1"};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    crew.n = cores < 1 ? 1 : cores > MAX_WORKERS ? MAX_WORKERS : (uint32_t)cores;
    uint32_t slots;
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(usage, stdout); return QN_EXIT_OK;
        case 'n':
            if (!read_count(optarg, &crew.n))
                return QN_EXIT_USAGE;
            break;
        case 's':
            if (!read_count(optarg, &slots))
                return QN_EXIT_USAGE;
            crew.slots = optarg;
            break;
        case 'w': launch.warehouse = optarg; break;
        default:
            if (!qn_cli_common(&launch.common, option, optarg))
                return QN_EXIT_USAGE;
        }
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    launch.spec = argv[optind];
    return run_with(&launch, &crew);
}
