/* Where rows went, and where the time did; what was read, and what was refused. */
#include "report/page.h"

static const struct qn_page_column job_columns[] = {
    {"job", QN_PAGE_CODE},           {"kind", QN_PAGE_TEXT},       {"status", QN_PAGE_STATUS},
    {"rows in", QN_PAGE_NUMBER},     {"added", QN_PAGE_NUMBER},    {"rows out", QN_PAGE_NUMBER},
    {"quarantined", QN_PAGE_NUMBER}, {"filtered", QN_PAGE_NUMBER}, {"duplicates", QN_PAGE_NUMBER},
    {"absorbed", QN_PAGE_NUMBER},    {"chunks", QN_PAGE_NUMBER},   {"took", QN_PAGE_SECONDS},
};
enum { N_JOB_COLUMNS = sizeof job_columns / sizeof job_columns[0], IN = 3, ADDED = 4, OUT = 5 };

static const char jobs_sql[] =
    "select job, kind, status, rows_in, rows_added, rows_out, rows_quarantined, rows_filtered, "
    "rows_deduplicated, rows_absorbed, chunks, seconds from _quern_jobs where run_id = ?1 "
    "order by rowid";

/* What became of a row, in the order of the columns from OUT on. */
static const struct {
    const char *style, *key, *name;
} fates[] = {{"fgood", "kgood", "out"},
             {"fbad", "kbad", "quarantined"},
             {"fwarn", "kwarn", "filtered"},
             {"fc3", "kc3", "duplicates"},
             {"fc4", "neg", "absorbed into groups"}};
enum { N_FATES = sizeof fates / sizeof fates[0] };

static void put_fates(struct qn_page *page, const struct qn_result *jobs, uint32_t row)
{
    struct qn_page_part parts[N_FATES];
    for (uint32_t i = 0; i < N_FATES; i++)
        parts[i] = (struct qn_page_part){fates[i].style, fates[i].name,
                                         qn_result_number(jobs, row, OUT + i)};
    qn_page_bar(page, parts, N_FATES,
                qn_result_number(jobs, row, IN) + qn_result_number(jobs, row, ADDED));
}

static qn_code put_jobs(struct qn_page *page, struct qn_err *err)
{
    struct qn_result jobs;
    QN_TRY(qn_page_read(page, jobs_sql, &jobs, err));
    qn_html_put(page->out,
                "<h2 id=\"jobs\">Jobs</h2>\n<h3>Where the rows went</h3>\n<p class=\"soft\">"
                "Every row is somewhere: in + added = ");
    for (uint32_t i = 0; i < N_FATES; i++)
        qn_html_put(page->out, "%s<span class=\"key %s\"></span>%s", i ? " + " : "", fates[i].key,
                    fates[i].name);
    qn_html_put(page->out, ".</p>\n");
    qn_page_table_begin(page, job_columns, N_JOB_COLUMNS, "what became of them");
    for (uint32_t i = 0; i < jobs.n; i++) {
        qn_page_row_begin(page, job_columns, N_JOB_COLUMNS, &jobs, i);
        put_fates(page, &jobs, i);
        qn_page_row_end(page);
    }
    qn_page_table_end(page);
    return QN_OK;
}

static const struct qn_page_column stage_columns[] = {
    {"job", QN_PAGE_CODE},     {"stage", QN_PAGE_TEXT},           {"rounds", QN_PAGE_NUMBER},
    {"tasks", QN_PAGE_NUMBER}, {"by the clock", QN_PAGE_SECONDS}, {"workers", QN_PAGE_SECONDS},
    {"cpu", QN_PAGE_SECONDS},
};
enum { N_STAGE_COLUMNS = sizeof stage_columns / sizeof stage_columns[0], CLOCK = 4 };

static qn_code put_stages(struct qn_page *page, struct qn_err *err)
{
    static const char sql[] =
        "select t.job, t.name, rounds, tasks, t.seconds, worker_seconds, cpu_seconds "
        "from _quern_timings as t join _quern_jobs as j using (run_id, job) where run_id = ?1 "
        "order by j.rowid, stage";
    struct qn_result stages;
    double most = 0;
    QN_TRY(qn_page_read(page, sql, &stages, err));
    for (uint32_t i = 0; i < stages.n; i++)
        if (qn_result_number(&stages, i, CLOCK) > most)
            most = qn_result_number(&stages, i, CLOCK);
    if (stages.n == 0)
        return QN_OK;
    qn_html_put(page->out, "<h3>Where the time went</h3>\n");
    qn_page_table_begin(page, stage_columns, N_STAGE_COLUMNS, "by the clock");
    for (uint32_t i = 0; i < stages.n; i++) {
        struct qn_page_part part = {"fa", "seconds", qn_result_number(&stages, i, CLOCK)};
        qn_page_row_begin(page, stage_columns, N_STAGE_COLUMNS, &stages, i);
        qn_page_bar(page, &part, 1, most);
        qn_page_row_end(page);
    }
    qn_page_table_end(page);
    return QN_OK;
}

static qn_code put_list(struct qn_page *page, const char *title, const char *sql,
                        const struct qn_page_column *columns, uint32_t n, struct qn_err *err)
{
    struct qn_result rows;
    QN_TRY(qn_page_read(page, sql, &rows, err));
    if (rows.n == 0)
        return QN_OK;
    qn_html_put(page->out, "<h3>%s</h3>\n", title);
    qn_page_table(page, columns, n, &rows);
    return QN_OK;
}

qn_code qn_page_jobs(struct qn_page *page, struct qn_err *err)
{
    static const struct qn_page_column inputs[] = {
        {"job", QN_PAGE_CODE},     {"file", QN_PAGE_CODE},        {"rows", QN_PAGE_NUMBER},
        {"bytes", QN_PAGE_NUMBER}, {"fingerprint", QN_PAGE_CODE},
    };
    static const struct qn_page_column refused[] = {
        {"job", QN_PAGE_CODE},    {"column", QN_PAGE_CODE},    {"rule", QN_PAGE_TEXT},
        {"rows", QN_PAGE_NUMBER}, {"the first", QN_PAGE_CODE}, {"why", QN_PAGE_TEXT},
        {"raw", QN_PAGE_CODE},
    };
    QN_TRY(put_jobs(page, err));
    QN_TRY(put_list(page, "Rows that were refused",
                    "select job, \"column\", rule, n, coalesce(file || ':' || line, ''), message, "
                    "substr(raw, 1, 200) from (select *, count(*) over same as n, row_number() "
                    "over same as place from _quern_quarantine where run_id = ?1 window same as "
                    "(partition by job, \"column\", rule order by rowid rows between unbounded "
                    "preceding and unbounded following)) where place = 1 "
                    "order by job, n desc, rule, \"column\" limit 100",
                    refused, sizeof refused / sizeof refused[0], err));
    QN_TRY(put_stages(page, err));
    return put_list(page, "What was read",
                    "select job, file, rows, bytes, fingerprint from _quern_inputs "
                    "where run_id = ?1 order by job, file limit 500",
                    inputs, sizeof inputs / sizeof inputs[0], err);
}
