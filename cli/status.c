#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/ask.h"
#include "cli/cli.h"
#include "cli/pick_run.h"
#include "cli/rows.h"
#include "cli/summary.h"
#include "coordinator/journal.h"
#include "coordinator/store.h"
#include "wire/endpoint.h"

static const char usage[] =
    "usage: quern status [SPEC | WAREHOUSE] [RUN] [--json]\n"
    "       quern status --connect ENDPOINT [--json]\n"
    "How far the run of a spec is (quern.yaml when nothing is named), as its coordinator tells "
    "it;\n"
    "when none is under way, or a RUN is named, what the warehouse says of it.\n"
    "  --connect ENDPOINT   ask the coordinator that listens there\n"
    "  --patience SECONDS   how long to wait for its answer (3)\n"
    "  --state DIR          the state folder of the run (.quern beside the spec)\n"
    "  --set KEY=VALUE      as given to the run, when it decides where the warehouse is\n"
    "example: quern status quern.yaml\n"
    "         quern status churn.db\n"
    "         quern status --connect tcp://10.0.0.5:7077\n";

struct asked {
    struct qn_cli_common common;
    const char *connect, *what, *run;
    int64_t patience_ms;
};

/* --- a run under way ------------------------------------------------------------------------- */

/* What comes over the wire is shown, but for what would move a terminal's cursor or is no UTF-8. */
static const char *plain(struct qn_strv text, char out[128])
{
    size_t n = text.len < 127 ? text.len : 127;
    bool utf8 = qn_utf8_valid((struct qn_strv){text.data, n});
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text.data[i];
        out[i] = c < 0x20 || c == 0x7f || (c > 0x7f && !utf8) ? '?' : text.data[i];
    }
    out[n] = '\0';
    return out;
}

static const char *grouped(uint64_t n, char out[QN_ROWS_NUMBER])
{
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    return qn_rows_grouped(digits, out);
}

static void print_job(const struct qn_msg_job *job)
{
    char name[128], status[128], stage[128], in[QN_ROWS_NUMBER];
    printf("  %-24s %-8s", plain(job->name, name), plain(job->status, status));
    if (job->stage.len) {
        printf(" %s (stage %u of %u", plain(job->stage, stage), job->stage_number + 1,
               job->n_stages);
        if (job->round)
            printf(", round %u", job->round + 1);
        printf("): %llu of %llu chunks", (unsigned long long)job->done,
               (unsigned long long)job->total);
    }
    if (job->counters.rows_in)
        printf("  %s rows", grouped(job->counters.rows_in, in));
    if (job->micros)
        printf("  %.1f s", (double)job->micros / 1e6);
    putchar('\n');
}

static void print_text(const struct qn_msg *msg, const char *endpoint)
{
    char run[128], spec[128], rows[QN_ROWS_NUMBER];
    double seconds = (double)msg->status.micros / 1e6;
    printf("run %s of %s: running for %.1f s at %s\n", plain(msg->status.run_id, run),
           plain(msg->status.spec, spec), seconds, endpoint);
    printf("  %u worker%s with %u slots%s, %s rows read", msg->status.workers,
           msg->status.workers == 1 ? "" : "s", msg->status.slots,
           msg->status.draining ? " (some are leaving)" : "", grouped(msg->status.rows_read, rows));
    printf(" (%.0f a second)\n", seconds > 0 ? (double)msg->status.rows_read / seconds : 0);
    if (msg->status.workers == 0)
        printf("  it waits for workers: quern worker --connect %s\n", endpoint);
    putchar('\n');
    for (uint32_t i = 0; i < msg->status.n; i++)
        print_job(&msg->status.items[i]);
}

static void put_text(const char *key, struct qn_strv text)
{
    char plainly[128];
    printf("\"%s\":", key);
    if (text.len)
        qn_cli_json_text(stdout, plain(text, plainly));
    else
        fputs("null", stdout);
}

static void put_number(const char *key, uint64_t n)
{
    printf(",\"%s\":%llu", key, (unsigned long long)n);
}

static void print_json_job(const struct qn_msg_job *job)
{
    putchar('{');
    put_text("job", job->name);
    putchar(',');
    put_text("kind", job->kind);
    putchar(',');
    put_text("status", job->status);
    putchar(',');
    put_text("stage", job->stage);
    put_number("stage_number", job->stage_number);
    put_number("stages", job->n_stages);
    put_number("round", job->round);
    put_number("chunks_done", job->done);
    put_number("chunks_total", job->total);
    put_number("rows_in", job->counters.rows_in);
    put_number("rows_out", job->counters.rows_out);
    put_number("rows_quarantined", job->counters.quarantined);
    printf(",\"seconds\":%.3f}", (double)job->micros / 1e6);
}

static void print_json(const struct qn_msg *msg, const char *endpoint)
{
    putchar('{');
    put_text("run_id", msg->status.run_id);
    putchar(',');
    put_text("spec_name", msg->status.spec);
    fputs(",\"status\":\"running\",\"endpoint\":", stdout);
    qn_cli_json_text(stdout, endpoint);
    printf(",\"seconds\":%.3f", (double)msg->status.micros / 1e6);
    put_number("rows_read", msg->status.rows_read);
    put_number("workers", msg->status.workers);
    put_number("slots", msg->status.slots);
    put_number("draining", msg->status.draining);
    fputs(",\"jobs\":[", stdout);
    for (uint32_t i = 0; i < msg->status.n; i++) {
        fputs(i ? "," : "", stdout);
        print_json_job(&msg->status.items[i]);
    }
    puts("]}");
}

static qn_code ask_endpoint(const struct asked *asked, const char *endpoint, struct qn_err *err)
{
    struct qn_ask ask;
    qn_code code = qn_ask_status(&ask, endpoint, asked->patience_ms, err);
    if (code == QN_OK && asked->common.json)
        print_json(&ask.answer, endpoint);
    else if (code == QN_OK)
        print_text(&ask.answer, endpoint);
    qn_ask_fini(&ask);
    return code;
}

/* --- a run in a warehouse -------------------------------------------------------------------- */

static qn_code read_warehouse(const struct asked *asked, const char *warehouse, struct qn_err *err)
{
    struct qn_store *store;
    char run_id[QN_RUN_ID];
    QN_TRY(qn_store_open_reader(warehouse, &store, err));
    qn_code code = qn_pick_run(store, warehouse, asked->run, run_id, err);
    qn_store_close(store);
    QN_TRY(code);
    return qn_summary_print(stdout, warehouse, run_id, asked->common.json, NULL, err);
}

/* --- which of them --------------------------------------------------------------------------- */

static bool is_warehouse(const char *path)
{
    char magic[16] = "";
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(magic, 1, sizeof magic, file) : 0;
    if (file)
        fclose(file);
    return n == sizeof magic && memcmp(magic, "SQLite format 3", sizeof magic) == 0;
}

static qn_code ask_spec(const struct asked *asked, const struct qn_spec *spec, struct qn_err *err)
{
    struct qn_arena arena;
    char told[QN_JOURNAL_ENDPOINT], endpoint[QN_ENDPOINT_TEXT];
    qn_arena_init(&arena);
    const char *state = qn_cli_state(&asked->common, spec->folder, &arena);
    qn_code code = QN_ENOTFOUND;
    if (!asked->run && state)
        code = qn_journal_find_endpoint(state, told, err);
    if (code == QN_OK) /* it listens on this machine, whatever its host */
        code = qn_endpoint_reach(told, "tcp://127.0.0.1:1", endpoint, err);
    if (code == QN_OK)
        code = ask_endpoint(asked, endpoint, err);
    qn_arena_fini(&arena);
    if (code == QN_EIO)
        qn_log_warn("%s; this is what the warehouse says", err->message);
    return code == QN_OK ? QN_OK : read_warehouse(asked, spec->warehouse, err);
}

static qn_code read_spec(const struct asked *asked, struct qn_err *err)
{
    struct qn_spec spec;
    const char *path = asked->what ? asked->what : "quern.yaml";
    qn_code code = qn_pick_spec(&spec, path, &asked->common, err);
    if (code == QN_OK)
        code = ask_spec(asked, &spec, err);
    qn_spec_fini(&spec);
    return code;
}

static bool take_option(struct asked *asked, int option)
{
    int64_t seconds;
    switch (option) {
    case 'c': asked->connect = optarg; return true;
    case 'p':
        if (!qn_cli_number("--patience", optarg, 1, 3600, &seconds))
            return false;
        asked->patience_ms = seconds * 1000;
        return true;
    default: return qn_cli_common(&asked->common, option, optarg);
    }
}

int qn_cli_status(int argc, char **argv)
{
    static const struct option options[] = {{"connect", required_argument, NULL, 'c'},
                                            {"patience", required_argument, NULL, 'p'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    struct asked asked = {.patience_ms = 3000};
    struct qn_err err = {0};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return QN_EXIT_OK;
        }
        if (!take_option(&asked, option))
            return QN_EXIT_USAGE;
    }
    if (argc - optind > (asked.connect ? 0 : 2)) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    qn_cli_setup_log(&asked.common, "quern");
    asked.what = optind < argc ? argv[optind] : NULL;
    asked.run = optind + 1 < argc ? argv[optind + 1] : NULL;
    qn_code code = asked.connect ? ask_endpoint(&asked, asked.connect, &err)
                   : asked.what && is_warehouse(asked.what)
                       ? read_warehouse(&asked, asked.what, &err)
                       : read_spec(&asked, &err);
    if (code != QN_OK)
        qn_cli_complain(&asked.common, &err);
    return qn_cli_exit(code);
}
