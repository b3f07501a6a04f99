#include <getopt.h>

#include "cli/launch.h"

static const char usage[] =
    "usage: quern coordinator SPEC --listen ENDPOINT [--select JOB ...] [--full-refresh]\n"
    "Runs the spec with workers that connect; they may come and go at any time.\n"
    "  --listen ENDPOINT    tcp://HOST:PORT or ipc://PATH; host * is every "
    "interface\n" QN_LAUNCH_HELP
    "example: quern coordinator quern.yaml --listen tcp://0.0.0.0:7077\n";

int qn_cli_coordinator(int argc, char **argv)
{
    static const struct option options[] = {
        {"listen", required_argument, NULL, 'l'}, QN_LAUNCH_LONG, {0}};
    struct qn_launch launch = {0};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(usage, stdout); return QN_EXIT_OK;
        case 'l': launch.listen = optarg; break;
        default:
            if (!qn_launch_option(&launch, option, optarg))
                return QN_EXIT_USAGE;
        }
    }
    if (!launch.listen || !qn_launch_words(&launch, argc - optind, argv + optind)) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    if (!qn_cli_endpoint("--listen", launch.listen, true))
        return QN_EXIT_USAGE;
    return qn_launch_run(&launch);
}
