#include <getopt.h>

#include "cli/cli.h"
#include "cli/summary.h"
#include "coordinator/store.h"

static const char digest_usage[] =
    "usage: quern digest WAREHOUSE [--json]\n"
    "SHA-256 of every user table and model: two warehouses hold the same answer or they do not.\n"
    "example: quern digest churn.db\n";
static const char status_usage[] =
    "usage: quern status WAREHOUSE [RUN] [--json]\n"
    "What a run came to, or is at (the last one when none is named).\n"
    "example: quern status churn.db\n";

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

/* Reads common options; false with the exit code when there is nothing more to do. */
static bool begin(int argc, char **argv, const char *usage, int most, struct qn_cli_common *common,
                  int *exit)
{
    static const struct option options[] = {QN_CLI_COMMON_LONG, {0}};
    int option;
    *exit = QN_EXIT_USAGE;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            *exit = QN_EXIT_OK;
            return false;
        }
        if (!qn_cli_common(common, option, optarg))
            return false;
    }
    if (argc - optind >= 1 && argc - optind <= most)
        return true;
    fputs(usage, stderr);
    return false;
}

int qn_cli_digest(int argc, char **argv)
{
    struct qn_cli_common common = {0};
    struct qn_store *store;
    struct qn_err err = {0};
    int exit;
    if (!begin(argc, argv, digest_usage, 1, &common, &exit))
        return exit;
    qn_code code = qn_store_open_reader(argv[optind], &store, &err);
    if (code == QN_OK) {
        code = qn_store_digest(store, print_digest, &common.json, &err);
        qn_store_close(store);
    }
    if (code != QN_OK)
        qn_cli_complain(&common, &err);
    return code == QN_OK ? QN_EXIT_OK : QN_EXIT_FAILED;
}

static qn_code take_run(void *context, int n, const char *const *names, const char *const *values)
{
    (void)n;
    (void)names;
    snprintf(context, 64, "%s", values[0]);
    return QN_OK;
}

static qn_code find_run(const char *warehouse, char run_id[64], struct qn_err *err)
{
    struct qn_store *store;
    QN_TRY(qn_store_open_reader(warehouse, &store, err));
    qn_code code =
        qn_store_query(store, "select run_id from _quern_runs order by started_at desc limit 1",
                       NULL, 0, take_run, run_id, err);
    qn_store_close(store);
    if (code == QN_OK && !run_id[0])
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "%s holds no run yet", warehouse);
    return code;
}

int qn_cli_status(int argc, char **argv)
{
    struct qn_cli_common common = {0};
    struct qn_err err = {0};
    char run_id[64] = "";
    int exit;
    if (!begin(argc, argv, status_usage, 2, &common, &exit))
        return exit;
    qn_code code = QN_OK;
    if (optind + 1 < argc)
        snprintf(run_id, sizeof run_id, "%s", argv[optind + 1]);
    else
        code = find_run(argv[optind], run_id, &err);
    if (code == QN_OK)
        code = qn_summary_print(stdout, argv[optind], run_id, common.json, &err);
    if (code != QN_OK)
        qn_cli_complain(&common, &err);
    return code == QN_OK ? QN_EXIT_OK : QN_EXIT_FAILED;
}
