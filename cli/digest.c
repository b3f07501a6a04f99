#include <getopt.h>

#include "cli/cli.h"
#include "coordinator/store.h"

static const char usage[] =
    "usage: quern digest WAREHOUSE [--json]\n"
    "SHA-256 of every user table and model: two warehouses hold the same answer or they do not.\n"
    "example: quern digest churn.db\n";

static qn_code print_digest(void *context, const char *kind, const char *name, const char *sha256)
{
    const bool *json = context;
    if (*json) {
        printf("{\"kind\":\"%s\",\"name\":", kind);
        qn_cli_json_text(stdout, name);
        printf(",\"sha256\":\"%s\"}\n", sha256);
    } else {
        printf("%s  %s %s\n", sha256, kind, name);
    }
    return QN_OK;
}

int qn_cli_digest(int argc, char **argv)
{
    static const struct option options[] = {QN_CLI_COMMON_LONG, {0}};
    struct qn_cli_common common = {0};
    struct qn_store *store;
    struct qn_err err = {0};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return QN_EXIT_OK;
        }
        if (!qn_cli_common(&common, option, optarg))
            return QN_EXIT_USAGE;
    }
    if (optind + 1 != argc) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    qn_code code = qn_store_open_reader(argv[optind], &store, &err);
    if (code == QN_OK) {
        code = qn_store_digest(store, print_digest, &common.json, &err);
        qn_store_close(store);
    }
    if (code != QN_OK)
        qn_cli_complain(&common, &err);
    return qn_cli_exit(code);
}
