#include <getopt.h>

#include "cli/cli.h"
#include "wire/message.h"

static const char usage[] = "usage: quern version [--json]\n"
                            "The version of this program, and of the protocol it speaks.\n"
                            "example: quern version\n";

int qn_cli_version(int argc, char **argv)
{
    static const struct option options[] = {QN_CLI_COMMON_LONG, {0}};
    struct qn_cli_common common = {0};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return QN_EXIT_OK;
        }
        if (!qn_cli_common(&common, option, optarg))
            return QN_EXIT_USAGE;
    }
    if (common.json)
        printf("{\"version\":\"%s\",\"protocol\":%d}\n", QN_VERSION, QN_PROTOCOL_VERSION);
    else
        printf("quern %s (protocol %d)\n", QN_VERSION, QN_PROTOCOL_VERSION);
    return QN_EXIT_OK;
}
