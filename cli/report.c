#include <getopt.h>
#include <string.h>

#include "base/disk.h"
#include "cli/cli.h"
#include "cli/pick_run.h"
#include "report/report.h"

static const char usage[] =
    "usage: quern report [RUN] [--warehouse PATH] [--out FILE.html] [--json]\n"
    "One page about a run: rows, times, tests, columns, and of each model that it trained the\n"
    "curves, with those of the champion. One file that needs no other, nor a script, nor a net.\n"
    "RUN is the id of a run, or last, which it is unless said.\n"
    "  --warehouse PATH   where the run is; unless said, that of the spec quern.yaml\n"
    "  --out FILE.html    where the page goes; unless said, to stdout\n"
    "  --json             with --out: say run, file and bytes\n"
    "example: quern report last --warehouse churn.db --out churn.html\n";

struct asked {
    struct qn_cli_common common;
    const char *warehouse, *out, *run;
};

static qn_code deliver(const struct asked *asked, const char *run_id, const struct qn_buf *page,
                       struct qn_err *err)
{
    if (!asked->out) {
        if (fwrite(page->data, 1, page->len, stdout) == page->len && fflush(stdout) == 0)
            return QN_OK;
        return qn_err_io(err, "write", "stdout");
    }
    QN_TRY(qn_disk_write_file(asked->out, qn_buf_strv(page), err));
    if (asked->common.json) {
        fputs("{\"run_id\":", stdout);
        qn_cli_json_text(stdout, run_id);
        fputs(",\"out\":", stdout);
        qn_cli_json_text(stdout, asked->out);
        printf(",\"bytes\":%zu}\n", page->len);
    } else if (!asked->common.quiet) {
        fprintf(stderr, "the report of run %s is in %s\n", run_id, asked->out);
    }
    return QN_OK;
}

static qn_code report(const struct asked *asked, const char *warehouse, struct qn_err *err)
{
    struct qn_store *store;
    struct qn_buf page;
    char run_id[QN_RUN_ID];
    QN_TRY(qn_store_open_reader(warehouse, &store, err));
    qn_buf_init(&page);
    qn_code code = qn_pick_run(store, warehouse, asked->run, run_id, err);
    if (code == QN_OK)
        code = qn_report_write(store, run_id, &page, err);
    if (code == QN_OK)
        code = deliver(asked, run_id, &page, err);
    qn_buf_fini(&page);
    qn_store_close(store);
    return code;
}

static qn_code report_of_spec(const struct asked *asked, struct qn_err *err)
{
    struct qn_spec spec;
    qn_code code = qn_pick_spec(&spec, "quern.yaml", &asked->common, err);
    if (code == QN_OK)
        code = report(asked, spec.warehouse, err);
    qn_spec_fini(&spec);
    return code;
}

int qn_cli_report(int argc, char **argv)
{
    static const struct option options[] = {{"warehouse", required_argument, NULL, 'w'},
                                            {"out", required_argument, NULL, 'o'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    struct asked asked = {.run = NULL};
    struct qn_err err = {0};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        switch (option) {
        case 'w': asked.warehouse = optarg; break;
        case 'o': asked.out = optarg; break;
        case 'h': fputs(usage, stdout); return QN_EXIT_OK;
        default:
            if (!qn_cli_common(&asked.common, option, optarg))
                return QN_EXIT_USAGE;
        }
    }
    if (argc - optind > 1) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    if (optind < argc && strcmp(argv[optind], "last") != 0)
        asked.run = argv[optind];
    qn_cli_setup_log(&asked.common, "quern");
    qn_code code =
        asked.warehouse ? report(&asked, asked.warehouse, &err) : report_of_spec(&asked, &err);
    if (code != QN_OK)
        qn_cli_complain(&asked.common, &err);
    return qn_cli_exit(code);
}
