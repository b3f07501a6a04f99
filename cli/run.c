#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/crew.h"
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

static int run_with(struct qn_launch *launch, struct qn_crew *crew)
{
    char folder[] = "/tmp/quern-XXXXXX", endpoint[64];
    if (!mkdtemp(folder)) {
        fprintf(stderr, "quern: cannot make a folder in /tmp: %s\n", strerror(errno));
        return QN_EXIT_FAILED;
    }
    snprintf(endpoint, sizeof endpoint, "ipc://%s/c", folder);
    launch->listen = endpoint;
    launch->tend = qn_crew_tend;
    launch->context = crew;
    qn_crew_fork(crew, endpoint);
    int exit = qn_launch_run(launch);
    qn_crew_dismiss(crew);
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
    struct qn_crew crew = {0};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t workers = cores, slots = 1;
    uint64_t memory = 0;
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(usage, stdout); return QN_EXIT_OK;
        case 'n':
            if (!qn_cli_number("--workers", optarg, 1, QN_CREW_MOST, &workers))
                return QN_EXIT_USAGE;
            break;
        case 's':
            if (!qn_cli_number("--slots", optarg, 1, QN_CREW_MOST, &slots))
                return QN_EXIT_USAGE;
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
    crew.n = workers < 1 ? 1 : workers > QN_CREW_MOST ? QN_CREW_MOST : (uint32_t)workers;
    crew.slots = (uint32_t)slots;
    crew.verbose = launch.common.verbose;
    crew.memory_bytes = memory ? memory : qn_cli_default_memory(crew.n);
    return run_with(&launch, &crew);
}
