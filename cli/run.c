#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/launch.h"

static const char usage[] =
    "usage: quern run SPEC [--workers N] [--select JOB ...] [--full-refresh]\n"
    "Runs a coordinator and N local worker processes. Interrupted or killed, the same command "
    "goes\n"
    "on where it was. `quern status SPEC` in another terminal tells how far it is.\n"
    "  --workers N          worker processes (default: one a core)\n"
    "  --slots N            executor threads a worker (1)\n"
    "  --memory SIZE        a worker gets by with so much, by files where need be: 128MiB, 2GiB\n"
    "                       (half of the machine's for all together)\n" QN_LAUNCH_HELP
    "example: quern run quern.yaml --workers 2 --set data=customers.csv\n"
    "         quern run quern.yaml --select churn_scores\n";

enum { MAX_WORKERS = 256, RESPAWN_MS = 200 };

/* Local worker processes, replaced when they die. */
struct crew {
    pid_t pids[MAX_WORKERS];
    int64_t started_ms[MAX_WORKERS];
    uint32_t n;
    const char *slots;
    char memory[24]; /* bytes */
};

static pid_t start_worker(const struct crew *crew, const char *endpoint)
{
    char self[] = "/proc/self/exe";
    char *argv[] = {(char[]){"quern"},         (char[]){"worker"},
                    (char[]){"--connect"},     strdup(endpoint),
                    (char[]){"--slots"},       strdup(crew->slots),
                    (char[]){"--memory"},      strdup(crew->memory),
                    (char[]){"--with-parent"}, NULL};
    pid_t pid = -1;
    if (!argv[3] || !argv[5] || !argv[7] || posix_spawn(&pid, self, NULL, NULL, argv, environ) != 0)
        pid = -1;
    free(argv[3]);
    free(argv[5]);
    free(argv[7]);
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

static void await_end(pid_t pid, int64_t give_up_ms)
{
    struct pollfd ended = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    int64_t left_ms = give_up_ms - qn_clock_ms();
    if (ended.fd < 0 || poll(&ended, 1, left_ms > 0 ? (int)left_ms : 0) < 1)
        kill(pid, SIGKILL);
    if (ended.fd >= 0)
        close(ended.fd);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
}

/* The run is over. Workers were told so, those that had joined; the signal tells the others, and
 * what lingers is ended. */
static void dismiss(const struct crew *crew)
{
    int64_t give_up_ms = qn_clock_ms() + 300;
    for (uint32_t i = 0; i < crew->n; i++)
        if (crew->pids[i] > 0)
            kill(crew->pids[i], SIGTERM);
    for (uint32_t i = 0; i < crew->n; i++)
        if (crew->pids[i] > 0)
            await_end(crew->pids[i], give_up_ms);
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
                                            {"memory", required_argument, NULL, 'm'},
                                            QN_LAUNCH_LONG,
                                            {0}};
    struct qn_launch launch = {0};
    struct crew crew = {.slots = "1"};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t workers = cores, slots;
    uint64_t memory = 0;
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(usage, stdout); return QN_EXIT_OK;
        case 'n':
            if (!qn_cli_number("--workers", optarg, 1, MAX_WORKERS, &workers))
                return QN_EXIT_USAGE;
            break;
        case 's':
            if (!qn_cli_number("--slots", optarg, 1, MAX_WORKERS, &slots))
                return QN_EXIT_USAGE;
            crew.slots = optarg;
            break;
        case 'm':
            if (!qn_cli_memory(optarg, &memory))
                return QN_EXIT_USAGE;
            break;
        default:
            if (!qn_launch_option(&launch, option, optarg))
                return QN_EXIT_USAGE;
        }
    }
    if (!qn_launch_words(&launch, argc - optind, argv + optind)) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    crew.n = workers < 1 ? 1 : workers > MAX_WORKERS ? MAX_WORKERS : (uint32_t)workers;
    if (!memory)
        memory = qn_cli_default_memory(crew.n);
    snprintf(crew.memory, sizeof crew.memory, "%llu", (unsigned long long)memory);
    return run_with(&launch, &crew);
}
