#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/cli.h"

static const char usage[] =
    "usage: quern worker --connect ENDPOINT [--slots N] [--memory SIZE] [--patience SECONDS]\n"
    "  --connect ENDPOINT   tcp://HOST:PORT or ipc://PATH of a coordinator\n"
    "  --slots N            executor threads (1)\n"
    "  --memory SIZE        get by with so much, by files where need be: 128MiB, 2GiB (half of\n"
    "                       the machine's memory)\n"
    "  --patience SECONDS   give up when no coordinator answers for so long (0: never)\n"
    "  --with-parent[=PID]  end when the process that started this one ends; at once if that is\n"
    "                       not PID any more\n"
    "SIGTERM drains: what runs is finished and handed in. A second one leaves at once.\n"
    "example: quern worker --connect tcp://10.0.0.5:7077 --slots 2\n";

enum { NICER = 3 }; /* than the coordinator */

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = stop ? 2 : 1;
}

bool qn_cli_serve(pid_t parent)
{
    (void)!nice(NICER); /* allowed to all; where it is not, nothing is lost but time */
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

int qn_cli_work(const struct qn_cli_common *common, const struct qn_worker_options *options)
{
    struct qn_worker_options worker = *options;
    struct sigaction action = {.sa_handler = on_signal};
    struct qn_err err = {0};
    qn_cli_setup_log(common, "worker");
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    worker.stop = &stop;
    qn_code code = qn_worker_run(&worker, &err);
    if (code != QN_OK)
        qn_cli_complain(common, &err);
    return code == QN_OK ? QN_EXIT_OK : QN_EXIT_FAILED;
}

int qn_cli_worker(int argc, char **argv)
{
    static const struct option options[] = {{"connect", required_argument, NULL, 'c'},
                                            {"slots", required_argument, NULL, 'n'},
                                            {"memory", required_argument, NULL, 'm'},
                                            {"patience", required_argument, NULL, 'p'},
                                            {"with-parent", optional_argument, NULL, 'w'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    struct qn_cli_common common = {0};
    const char *endpoint = NULL;
    int64_t slots = 1, patience = 0;
    uint64_t memory = 0;
    int64_t parent = 0;
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(usage, stdout); return QN_EXIT_OK;
        case 'c': endpoint = optarg; break;
        case 'n':
            if (!qn_cli_number("--slots", optarg, 1, 256, &slots))
                return QN_EXIT_USAGE;
            break;
        case 'p':
            if (!qn_cli_number("--patience", optarg, 0, 86400, &patience))
                return QN_EXIT_USAGE;
            break;
        case 'm':
            if (!qn_cli_memory(optarg, &memory))
                return QN_EXIT_USAGE;
            break;
        case 'w':
            parent = getppid();
            if (optarg && !qn_cli_number("--with-parent", optarg, 1, INT_MAX, &parent))
                return QN_EXIT_USAGE;
            break;
        default:
            if (!qn_cli_common(&common, option, optarg))
                return QN_EXIT_USAGE;
        }
    }
    if (!endpoint || optind != argc) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    if (!qn_cli_endpoint("--connect", endpoint, false))
        return QN_EXIT_USAGE;
    if (parent && !qn_cli_serve((pid_t)parent))
        return QN_EXIT_FAILED;
    const struct qn_worker_options worker = {.endpoint = endpoint,
                                             .slots = (uint32_t)slots,
                                             .memory_bytes =
                                                 memory ? memory : qn_cli_default_memory(1),
                                             .patience_ms = patience ? patience * 1000 : -1};
    return qn_cli_work(&common, &worker);
}
