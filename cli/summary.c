#include "cli/summary.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "coordinator/store.h"

struct printer {
    FILE *out;
    bool json;
    uint32_t rows;
    const char *title; /* text: printed before the first row */
};

static const char *or_dash(const char *text)
{
    return text && *text ? text : "-";
}

/* "1234567" as "1,234,567", right-aligned by the caller. */
static const char *grouped(const char *digits, char out[40])
{
    size_t len = digits ? strlen(digits) : 0, n = 0;
    for (size_t i = 0; i < len && n + 2 < 40; i++) {
        if (i && (len - i) % 3 == 0)
            out[n++] = ',';
        out[n++] = digits[i];
    }
    out[n] = '\0';
    return n ? out : "0";
}

static qn_code json_row(void *context, int n, const char *const *names, const char *const *values)
{
    struct printer *printer = context;
    fputs(printer->rows++ ? ",{" : "{", printer->out);
    for (int i = 0; i < n; i++) {
        fputs(i ? "," : "", printer->out);
        qn_cli_json_text(printer->out, names[i]);
        fputc(':', printer->out);
        if (values[i])
            qn_cli_json_text(printer->out, values[i]);
        else
            fputs("null", printer->out);
    }
    fputc('}', printer->out);
    return QN_OK;
}

static void title(struct printer *printer)
{
    if (!printer->rows++)
        fprintf(printer->out, "\n%s\n", printer->title);
}

static qn_code job_row(void *context, int n, const char *const *names, const char *const *values)
{
    struct printer *printer = context;
    char in[40], out[40], refused[40];
    (void)n;
    (void)names;
    title(printer);
    fprintf(printer->out, "  %-22s %-8s %-8s %12s %12s %12s %8.2f s\n", values[0], values[1],
            values[2], grouped(values[3], in), grouped(values[4], out), grouped(values[5], refused),
            values[6] ? strtod(values[6], NULL) : 0.0);
    return QN_OK;
}

static qn_code test_row(void *context, int n, const char *const *names, const char *const *values)
{
    (void)n;
    (void)names;
    title(context);
    fprintf(((struct printer *)context)->out, "  %-6s %s.%s %s: %s of %s rows fail\n", values[3],
            values[0], or_dash(values[1]), values[2], values[4], values[5]);
    return QN_OK;
}

static qn_code metric_row(void *context, int n, const char *const *names, const char *const *values)
{
    (void)n;
    (void)names;
    title(context);
    fprintf(((struct printer *)context)->out, "  %s v%s  %-11s %-18s %s\n", values[0], values[1],
            values[2], values[3], values[4]);
    return QN_OK;
}

static const struct section {
    const char *name, *title, *sql;
    qn_store_row_fn text;
} sections[] = {
    {"jobs",
     "  job                    kind     status        rows in     rows out  quarantined     took",
     "select job, kind, status, rows_in, rows_out, rows_quarantined, seconds "
     "from _quern_jobs where run_id = ?1 order by rowid",
     job_row},
    {"tests", "tests",
     "select job, \"column\", test, status, failures, rows from _quern_tests where run_id = ?1 "
     "order by rowid",
     test_row},
    {"metrics", "models",
     "select name, version, split, metric, printf('%.6f', value) from _quern_model_metrics "
     "where run_id = ?1 order by name, version, split, metric",
     metric_row},
};

static qn_code print_sections(FILE *out, struct qn_store *store, const char *run_id, bool json,
                              struct qn_err *err)
{
    const char *params[] = {run_id};
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        struct printer printer = {.out = out, .json = json, .title = sections[i].title};
        if (json)
            fprintf(out, ",\"%s\":[", sections[i].name);
        QN_TRY(qn_store_query(store, sections[i].sql, params, 1, json ? json_row : sections[i].text,
                              &printer, err));
        if (json)
            fputc(']', out);
    }
    return QN_OK;
}

qn_code qn_summary_print(FILE *out, const char *warehouse, const char *run_id, bool json,
                         struct qn_err *err)
{
    struct qn_store *store;
    QN_TRY(qn_store_open_reader(warehouse, &store, err));
    if (json) {
        fprintf(out, "{\"run_id\":\"%s\",\"warehouse\":", run_id);
        qn_cli_json_text(out, warehouse);
    } else {
        fprintf(out, "\nrun %s\n", run_id);
    }
    qn_code code = print_sections(out, store, run_id, json, err);
    if (json)
        fputs("}\n", out);
    else
        fprintf(out,
                "\nwarehouse %s\ntry: sqlite3 %s \"select job, rows_in, rows_out, "
                "rows_quarantined from _quern_jobs\"\n",
                warehouse, warehouse);
    qn_store_close(store);
    return code;
}
