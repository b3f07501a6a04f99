#include <getopt.h>

#include "cli/launch.h"

static const char usage[] =
    "usage: quern coordinator SPEC --listen ENDPOINT [--warehouse PATH] [--state DIR]\n"
    "                         [--set KEY=VALUE ...] [--json] [--quiet]\n"
    "Runs the spec with workers that connect; they may come and go at any time.\n"
    "example: quern coordinator quern.yaml --listen tcp://0.0.0.0:7077\n";

int qn_cli_coordinator(int argc, char **argv)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"warehouse", required_argument, NULL, 'w'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    struct qn_launch launch = {0};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'h': fputs(usage, stdout); return QN_EXIT_OK;
        case 'l': launch.listen = optarg; break;
        case 'w': launch.warehouse = optarg; break;
        default:
            if (!qn_cli_common(&launch.common, option, optarg))
                return QN_EXIT_USAGE;
        }
    }
    if (!launch.listen || optind + 1 != argc) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    launch.spec = argv[optind];
    return qn_launch_run(&launch);
}
