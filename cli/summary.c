#include "cli/summary.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/rows.h"

/* --- for programs ---------------------------------------------------------------------------- */

static const struct qn_rows_query run_query = {
    "run_id spec_name spec_sha256 seed engine_version status started_at finished_at",
    "from _quern_runs where run_id = ?1"};

static const struct {
    const char *name;
    struct qn_rows_query query;
} json_sections[] = {
    {"jobs",
     {"job kind status chunks rows_in rows_out rows_quarantined rows_filtered rows_deduplicated "
      "rows_added rows_absorbed seconds",
      "from _quern_jobs where run_id = ?1 order by rowid"}},
    {"timings",
     {"job stage name rounds tasks seconds worker_seconds cpu_seconds",
      "from _quern_timings where run_id = ?1 order by job, stage"}},
    {"tests",
     {"job column test severity status failures rows message",
      "from _quern_tests where run_id = ?1 order by rowid"}},
    {"drift",
     {"job name version feature psi js rows baseline_rows bins*",
      "from _quern_drift where run_id = ?1 order by job, feature"}},
    {"metrics",
     {"job name version split metric value",
      "from _quern_model_metrics where run_id = ?1 order by job, split, metric"}},
};

static qn_code print_json(FILE *out, struct qn_store *store, const char *warehouse,
                          const char *run_id, const struct qn_summary_cost *cost,
                          struct qn_err *err)
{
    fputc('{', out);
    QN_TRY(qn_rows_json_fields(out, store, &run_query, &run_id, 1, err));
    fputs(",\"warehouse\":", out);
    qn_cli_json_text(out, warehouse);
    if (cost)
        fprintf(out, ",\"seconds\":%.6f,\"coordinator\":{\"cpu_seconds\":%.6f,\"peak_bytes\":%.0f}",
                cost->seconds, cost->cpu_seconds, cost->peak_bytes);
    for (size_t i = 0; i < sizeof json_sections / sizeof json_sections[0]; i++) {
        fprintf(out, ",\"%s\":[", json_sections[i].name);
        QN_TRY(qn_rows_json(out, store, &json_sections[i].query, &run_id, 1, err));
        fputc(']', out);
    }
    fputs("}\n", out);
    return QN_OK;
}

/* --- for people ------------------------------------------------------------------------------ */

/* Every row carries what is needed to print it; `before` tells when a new block begins. */
struct printer {
    FILE *out;
    int width; /* of the longest job's name */
    uint32_t rows;
    char before[200];
};

/* The kinds of SQL below give texts; NULL becomes "". */
static const char *text(const char *value)
{
    return value ? value : "";
}

static double number(const char *value)
{
    return value ? strtod(value, NULL) : 0;
}

static qn_code head_row(void *context, int n, const char *const *names, const char *const *v)
{
    const struct printer *printer = context;
    (void)n;
    (void)names;
    fprintf(printer->out, "\nrun %s of %s: %s", v[0], v[1], v[2]);
    if (v[3])
        fprintf(printer->out, " in %.2f s", number(v[3]));
    else
        fputs(", or broken off; quern status SPEC asks its coordinator", printer->out);
    fputc('\n', printer->out);
    return QN_OK;
}

static qn_code width_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct printer *printer = context;
    (void)n;
    (void)names;
    double width = number(v[0]);
    printer->width = width < 14 ? 14 : width > 63 ? 63 : (int)width;
    return QN_OK;
}

static qn_code job_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct printer *printer = context;
    char in[QN_ROWS_NUMBER], out[QN_ROWS_NUMBER], refused[QN_ROWS_NUMBER], left[QN_ROWS_NUMBER];
    bool succeeded = strcmp(text(v[2]), "success") == 0;
    (void)n;
    (void)names;
    if (!printer->rows++)
        fprintf(printer->out, "\n  %-*s  %-6s %13s %13s %12s %12s %9s\n", printer->width, "job",
                "kind", "rows in", "rows out", "quarantined", "left out", "took");
    fprintf(printer->out, "  %-*s  %-6s %13s %13s %12s %12s %7.2f s%s%s\n", printer->width,
            text(v[0]), text(v[1]), qn_rows_grouped(v[3], in), qn_rows_grouped(v[4], out),
            qn_rows_grouped(v[5], refused), qn_rows_grouped(v[6], left), number(v[7]),
            succeeded ? "" : "  ", succeeded ? "" : text(v[2]));
    return QN_OK;
}

static qn_code tests_row(void *context, int n, const char *const *names, const char *const *v)
{
    const struct printer *printer = context;
    (void)n;
    (void)names;
    if (strcmp(v[0], "0") != 0)
        fprintf(printer->out, "\ntests: %s of %s pass\n", v[1], v[0]);
    return QN_OK;
}

static qn_code test_row(void *context, int n, const char *const *names, const char *const *v)
{
    const struct printer *printer = context;
    char failures[QN_ROWS_NUMBER], rows[QN_ROWS_NUMBER];
    (void)n;
    (void)names;
    fprintf(printer->out, "  %-5s %s%s%s %s: ", v[0], v[1], v[2] ? "." : "", text(v[2]), v[3]);
    if (strncmp(text(v[6]), "data test ", 10) != 0) {
        fprintf(printer->out, "%s\n", text(v[6]));
        return QN_OK;
    }
    /* The message of a data test says all of this once more, and then where it failed first. */
    const char *first = v[6] ? strstr(v[6], "first: ") : NULL;
    fprintf(printer->out, "%s of %s rows%s%s\n", qn_rows_grouped(v[4], failures),
            qn_rows_grouped(v[5], rows), first ? "; " : "", first ? first : "");
    return QN_OK;
}

static qn_code metric_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct printer *printer = context;
    (void)n;
    (void)names;
    if (strcmp(printer->before, v[0]) != 0) {
        snprintf(printer->before, sizeof printer->before, "%s", v[0]);
        fprintf(printer->out, "\n%s\n  %-18s %10s %10s %10s\n", v[0], "", "train", "validation",
                "test");
    }
    fprintf(printer->out, "  %-18s %10s %10s %10s\n", v[1], text(v[2]), text(v[3]), text(v[4]));
    return QN_OK;
}

static qn_code time_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct printer *printer = context;
    (void)n;
    (void)names;
    if (!printer->rows++)
        fprintf(printer->out, "\nwhere the time went\n  %-*s %9s %9s %9s\n", printer->width, "job",
                "took", "workers", "cpu");
    fprintf(printer->out, "  %-*s %7.2f s %7.2f s %7.2f s   %s\n", printer->width, v[0],
            number(v[1]), number(v[2]), number(v[3]), v[4]);
    return QN_OK;
}

/* The metrics that a person looks at first, in that order, with few digits. */
static const char metrics_sql[] =
    "with m as (select *, iif(metric = 'rows', printf('%,d', value), printf('%.4f', value)) as "
    "shown, case metric when 'rows' then 0 when 'base_rate' then 1 when 'roc_auc' then 2 "
    "when 'average_precision' then 3 when 'log_loss' then 4 when 'brier' then 5 end as place "
    "from _quern_model_metrics where run_id = ?1) "
    "select iif(name is null, 'fit of ' || job || ', not registered', 'model ' || name || ' v' || "
    "version || coalesce((select ', ' || group_concat(alias, ', ') from _quern_model_aliases as a "
    "where a.name = m.name and a.version = m.version), '')), metric, "
    "max(iif(split = 'train', shown, null)), max(iif(split = 'validation', shown, null)), "
    "max(iif(split = 'test', shown, null)) "
    "from m where place is not null group by job, metric order by job, place";

static const char times_sql[] =
    "select j.job, j.seconds, sum(s.worker_seconds), sum(s.cpu_seconds), group_concat(s.name || "
    "iif(s.rounds > 1, ' x ' || s.rounds, '') || printf(' %.2f', s.seconds), ', ') "
    "from _quern_jobs as j join (select * from _quern_timings order by stage) as s "
    "on s.run_id = j.run_id and s.job = j.job where j.run_id = ?1 group by j.rowid "
    "order by j.rowid";

static const struct {
    qn_store_row_fn row;
    const char *sql;
} sections[] = {
    {head_row, "select run_id, spec_name, status, "
               "(julianday(finished_at) - julianday(started_at)) * 86400 "
               "from _quern_runs where run_id = ?1"},
    {width_row, "select max(length(job)) from _quern_jobs where run_id = ?1"},
    {job_row, "select job, kind, status, rows_in, rows_out, rows_quarantined, rows_filtered + "
              "rows_deduplicated, seconds from _quern_jobs where run_id = ?1 order by rowid"},
    {tests_row, "select count(*), count(*) filter (where status = 'pass') from _quern_tests "
                "where run_id = ?1"},
    {test_row, "select status, job, \"column\", test, failures, rows, message from _quern_tests "
               "where run_id = ?1 and (status <> 'pass' or test = 'retrain') order by rowid"},
    {metric_row, metrics_sql},
    {time_row, times_sql},
};

/* --- a question to begin with ---------------------------------------------------------------- */

struct hints {
    FILE *out;
    const char *warehouse;
    uint32_t n;
};

static qn_code hint_row(void *context, int n, const char *const *names, const char *const *v)
{
    struct hints *hints = context;
    (void)n;
    (void)names;
    fprintf(hints->out, "%s  sqlite3 %s \"%s\"\n", hints->n++ ? "" : "\ntry\n", hints->warehouse,
            v[0]);
    return QN_OK;
}

/* The last table made, by score when it holds scores; what was refused, when anything was. */
static const char hints_sql[] =
    "select * from (select 'select * from ' || name || iif(exists (select 1 from "
    "pragma_table_info(s.name) where name = 'score'), ' order by score desc', '') || ' limit 10' "
    "from sqlite_schema as s where type = 'table' and name not like '\\_quern\\_%' escape '\\' "
    "and name not like 'sqlite\\_%' escape '\\' order by rowid desc limit 1) "
    "union all select * from (select 'select file, line, rule, message, raw from _quern_quarantine "
    "limit 10' from _quern_quarantine where run_id = ?1 limit 1)";

static void print_cost(FILE *out, const struct qn_summary_cost *cost)
{
    fprintf(out, "  coordinator: %.2f s of cpu in %.2f s, %.0f MB of memory at most\n",
            cost->cpu_seconds, cost->seconds, cost->peak_bytes / 1e6);
}

static qn_code print_text(FILE *out, struct qn_store *store, const char *warehouse,
                          const char *run_id, const struct qn_summary_cost *cost,
                          struct qn_err *err)
{
    struct printer printer = {.out = out};
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        printer.rows = 0;
        QN_TRY(qn_store_query(store, sections[i].sql, &run_id, 1, sections[i].row, &printer, err));
    }
    if (cost)
        print_cost(out, cost);
    fprintf(out, "\nwarehouse %s\n", warehouse);
    struct hints hints = {.out = out, .warehouse = warehouse};
    return qn_store_query(store, hints_sql, &run_id, 1, hint_row, &hints, err);
}

qn_code qn_summary_print(FILE *out, const char *warehouse, const char *run_id, bool json,
                         const struct qn_summary_cost *cost, struct qn_err *err)
{
    struct qn_store *store;
    QN_TRY(qn_store_open_reader(warehouse, &store, err));
    qn_code code = json ? print_json(out, store, warehouse, run_id, cost, err)
                        : print_text(out, store, warehouse, run_id, cost, err);
    qn_store_close(store);
    return code;
}
