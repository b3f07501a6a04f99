#include <string.h>

#include "cli/cli.h"
#include "wire/message.h"

int qn_cli_version(int argc, char **argv)
{
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    if (json)
        printf("{\"version\":\"%s\",\"protocol\":%d}\n", QN_VERSION, QN_PROTOCOL_VERSION);
    else if (argc > 1 && strcmp(argv[1], "--help") == 0)
        puts("usage: quern version [--json]\nexample: quern version");
    else
        printf("quern %s (protocol %d)\n", QN_VERSION, QN_PROTOCOL_VERSION);
    return QN_EXIT_OK;
}
