#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/crew.h"
#include "cli/launch.h"
#include "cli/local.h"
#include "coordinator/store.h"
#include "flow/writer.h"

static const char usage[] =
    "usage: quern convert IN OUT [--workers N] [--codec CODEC] [--level N] [--from FORMAT]\n"
    "       [--to FORMAT] [--quarantine FILE]\n"
    "Rows of IN (a file, a glob, a folder, a dataset of a lake) as one file OUT, by suffix: csv,\n"
    "jsonl, parquet. OUT is there when it is whole, in the place of one that was. A row that "
    "cannot\n"
    "be read ends it, unless it may go to quarantine.\n"
    "  --workers N          worker processes (default: one a core, one for small files)\n"
    "  --memory SIZE        what a worker gets by with\n"
    "  --codec, --level     how OUT is compressed, where the format knows codecs\n"
    "  --bloom A,B          columns that get bloom filters (Parquet)\n"
    "  --from, --to FORMAT  where the suffix does not tell\n"
    "  --quarantine FILE    rows that cannot be read go here, as JSON lines with place and reason\n"
    "  --state DIR          where scratch goes (a folder in $TMPDIR or /var/tmp)\n"
    "  --json               what was done, as one JSON document\n"
    "example: quern convert events.csv events.parquet --codec zstd\n"
    "         quern convert lake/orders orders.jsonl --workers 4\n";

enum { MAX_SETTINGS = 6 };

struct convert {
    struct qn_cli_common common;
    struct qn_local local;
    const char *in, *out, *codec, *level, *bloom, *from, *to, *quarantine;
    struct qn_setting settings[MAX_SETTINGS];
    uint32_t n_settings;
    struct qn_buf spec;
    uint64_t rows, refused;
};

/* --- the spec -------------------------------------------------------------------------------- */

/* Values go in as parameters: nothing in them can be taken for YAML. */
static void put_param(struct convert *self, const char *name, const char *value)
{
    self->settings[self->n_settings++] = (struct qn_setting){name, value};
}

static void put_member(struct convert *self, const char *key, const char *param, const char *value)
{
    if (!value)
        return;
    put_param(self, param, value);
    qn_buf_printf(&self->spec, ", %s: \"${param:%s}\"", key, param);
}

/* Names in quotes, as JSON and YAML both have them. */
static void put_blooms(struct convert *self)
{
    const char *at = self->bloom;
    for (int n = 0; at; n++) {
        size_t len = strcspn(at, ",");
        qn_buf_printf(&self->spec, n ? ", " : ", bloom: [");
        qn_json_put_text(&self->spec, (struct qn_strv){at, len});
        at = at[len] ? at + len + 1 : NULL;
    }
    if (self->bloom)
        qn_buf_printf(&self->spec, "]");
}

static void write_spec(struct convert *self)
{
    struct qn_buf *spec = &self->spec;
    qn_buf_printf(spec,
                  "version: 1\nname: convert\n"
                  "params: {in: , out: , from: , to: , codec: , level: }\n"
                  "sources:\n  rows: {path: \"${param:in}\", on_malformed: %s",
                  self->quarantine ? "quarantine" : "fail");
    put_param(self, "in", self->in);
    put_member(self, "format", "from", self->from);
    qn_buf_printf(spec, "}\njobs:\n  out: {kind: etl, from: rows, profile: false, "
                        "into: {file: \"${param:out}\"");
    put_param(self, "out", self->out);
    put_member(self, "format", "to", self->to);
    put_member(self, "codec", "codec", self->codec);
    put_member(self, "level", "level", self->level);
    put_blooms(self);
    qn_buf_printf(spec, "}}\n");
}

/* --- what came of it ------------------------------------------------------------------------- */

static qn_code note_counts(void *context, int n, const char *const *names,
                           const char *const *values)
{
    struct convert *self = context;
    int64_t rows = 0, refused = 0;
    (void)names;
    if (n == 2 && values[0] && values[1] && qn_strv_to_i64(qn_strv_from(values[0]), &rows) &&
        qn_strv_to_i64(qn_strv_from(values[1]), &refused)) {
        self->rows = (uint64_t)rows;
        self->refused = (uint64_t)refused;
    }
    return QN_OK;
}

static qn_code write_refused(void *context, int n, const char *const *names,
                             const char *const *values)
{
    FILE *file = context;
    struct qn_buf line;
    qn_buf_init(&line);
    for (int i = 0; i < n; i++) {
        qn_buf_printf(&line, "%s\"%s\":", i ? "," : "{", names[i]);
        int64_t number;
        if (!values[i])
            qn_buf_printf(&line, "null");
        else if ((i == 1 || i == 2) && qn_strv_to_i64(qn_strv_from(values[i]), &number))
            qn_buf_printf(&line, "%lld", (long long)number);
        else
            qn_json_put_text(&line, qn_strv_from(values[i]));
    }
    qn_buf_printf(&line, "}\n");
    bool good = !line.failed && fwrite(line.data, 1, line.len, file) == line.len;
    qn_buf_fini(&line);
    return good ? QN_OK : QN_EIO;
}

static qn_code keep_refused(const struct convert *self, struct qn_store *store, struct qn_err *err)
{
    FILE *file = fopen(self->quarantine, "w");
    if (!file)
        return qn_err_io(err, "create", self->quarantine);
    qn_code code = qn_store_query(store,
                                  "select file, line, byte_offset, \"column\", rule, message, raw "
                                  "from _quern_quarantine order by rowid",
                                  NULL, 0, write_refused, file, err);
    if (fclose(file) != 0 || code == QN_EIO)
        return qn_err_io(err, "write", self->quarantine);
    return code;
}

static qn_code read_outcome(struct convert *self, const char *warehouse, struct qn_err *err)
{
    struct qn_store *store;
    QN_TRY(qn_store_open_reader(warehouse, &store, err));
    qn_code code = qn_store_query(store, "select rows_out, rows_quarantined from _quern_jobs", NULL,
                                  0, note_counts, self, err);
    if (code == QN_OK && self->quarantine)
        code = keep_refused(self, store, err);
    qn_store_close(store);
    return code;
}

static void report(const struct convert *self, int64_t micros)
{
    struct stat at = {0};
    double seconds = (double)micros / 1e6;
    (void)stat(self->out, &at);
    if (self->common.json) {
        fputs("{\"out\":", stdout);
        qn_cli_json_text(stdout, self->out);
        printf(",\"rows\":%llu,\"quarantined\":%llu,\"bytes\":%lld,\"seconds\":%.3f}\n",
               (unsigned long long)self->rows, (unsigned long long)self->refused,
               (long long)at.st_size, seconds);
    } else if (!self->common.quiet) {
        printf("%s: %llu rows, %lld bytes, in %.2f s\n", self->out, (unsigned long long)self->rows,
               (long long)at.st_size, seconds);
        if (self->refused)
            printf("%s: %llu rows that cannot be read\n", self->quarantine,
                   (unsigned long long)self->refused);
    }
}

/* --- the command ----------------------------------------------------------------------------- */

static qn_code run_spec(struct convert *self, struct qn_plan *plan, struct qn_err *err)
{
    char here[PATH_MAX];
    if (!getcwd(here, sizeof here))
        return qn_err_io(err, "find", "the working folder");
    const struct qn_plan_options options = {.path = "convert",
                                            .text = qn_buf_strv(&self->spec),
                                            .folder = here,
                                            .settings = self->settings,
                                            .n_settings = self->n_settings};
    QN_TRY(qn_buf_check(&self->spec, "a spec", err));
    QN_TRY(qn_plan_make(plan, &options, err));
    plan->spec.warehouse = qn_arena_printf(&plan->arena, "%s/convert.db", self->local.scratch);
    if (!plan->spec.warehouse)
        return qn_err_nomem(err, "a path");
    QN_TRY(qn_local_run(&self->local, plan, plan->sources[0].bytes, NULL, err));
    return read_outcome(self, plan->spec.warehouse, err);
}

/* What is wrong with IN or an option: the spec that says so is none that anybody wrote. */
static void complain(const struct qn_diags *diags)
{
    for (size_t i = 0; i < diags->n; i++) {
        const struct qn_diag *item = &diags->items[i];
        fprintf(stderr, "quern: %s%s%s%s%s\n", item->message, item->expected ? "; expected " : "",
                item->expected ? item->expected : "", item->hint ? "; " : "",
                item->hint ? item->hint : "");
    }
}

static int convert(struct convert *self)
{
    struct qn_plan plan = {0};
    struct qn_err err = {0};
    int64_t started_us = qn_clock_us();
    int exit = QN_EXIT_OK;
    qn_code code = run_spec(self, &plan, &err);
    if (plan.spec.diags.n_errors) {
        complain(&plan.spec.diags);
        exit = QN_EXIT_USAGE;
    } else if (code == QN_OK) {
        report(self, qn_clock_us() - started_us);
    } else if (code == QN_ECANCEL) {
        exit = QN_EXIT_INTERRUPTED;
    } else {
        qn_cli_complain(&self->common, &err);
        exit = QN_EXIT_FAILED;
    }
    qn_plan_fini(&plan);
    return exit;
}

static bool read_option(struct convert *self, int option, char *argument)
{
    int64_t number;
    switch (option) {
    case 'n':
        if (!qn_cli_number("--workers", argument, 1, QN_CREW_MOST, &number))
            return false;
        self->local.n_workers = (uint32_t)number;
        return true;
    case 'm': return qn_cli_memory(argument, &self->local.memory_bytes);
    case 'c': self->codec = argument; return true;
    case 'l': self->level = argument; return true;
    case 'b': self->bloom = argument; return true;
    case 'f': self->from = argument; return true;
    case 't': self->to = argument; return true;
    case 'Q': self->quarantine = argument; return true;
    default: return qn_cli_common(&self->common, option, argument);
    }
}

int qn_cli_convert(int argc, char **argv)
{
    static const struct option options[] = {{"workers", required_argument, NULL, 'n'},
                                            {"memory", required_argument, NULL, 'm'},
                                            {"codec", required_argument, NULL, 'c'},
                                            {"level", required_argument, NULL, 'l'},
                                            {"bloom", required_argument, NULL, 'b'},
                                            {"from", required_argument, NULL, 'f'},
                                            {"to", required_argument, NULL, 't'},
                                            {"quarantine", required_argument, NULL, 'Q'},
                                            QN_CLI_COMMON_LONG,
                                            {0}};
    struct convert self = {0};
    struct qn_err err = {0};
    int option;
    while ((option = getopt_long(argc, argv, QN_CLI_COMMON_SHORT, options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return QN_EXIT_OK;
        }
        if (!read_option(&self, option, optarg))
            return QN_EXIT_USAGE;
    }
    if (argc - optind != 2) {
        fputs(usage, stderr);
        return QN_EXIT_USAGE;
    }
    self.in = argv[optind];
    self.out = argv[optind + 1];
    if (!self.to && !qn_writer_by_suffix(self.out)) {
        fprintf(stderr,
                "quern: the suffix of %s tells no format that can be written; add --to csv\n",
                self.out);
        return QN_EXIT_USAGE;
    }
    self.local.common = &self.common;
    qn_cli_setup_log(&self.common, "quern");
    if (qn_local_begin(&self.local, "convert", &err) != QN_OK) {
        qn_cli_complain(&self.common, &err);
        return QN_EXIT_FAILED;
    }
    qn_buf_init(&self.spec);
    write_spec(&self);
    int exit = convert(&self);
    qn_buf_fini(&self.spec);
    qn_local_end(&self.local);
    return exit;
}
