/* What ran, and what came of it. */
#include "report/page.h"

static const char run_sql[] =
    "select spec_name, status, run_id, substr(started_at, 1, 19), substr(finished_at, 1, 19), "
    "printf('%.2f s', (julianday(finished_at) - julianday(started_at)) * 86400), engine_version, "
    "seed, spec_sha256, spec_text from _quern_runs where run_id = ?1";

static const char sums_sql[] =
    "select count(*), (select sum(rows) from _quern_inputs where run_id = ?1), "
    "(select sum(bytes) from _quern_inputs where run_id = ?1), sum(rows_quarantined), "
    "(select count(*) from _quern_tests where run_id = ?1), "
    "(select count(*) from _quern_tests where run_id = ?1 and status = 'pass'), "
    "(select count(distinct job) from _quern_model_metrics where run_id = ?1), "
    "(select count(*) from _quern_profile where run_id = ?1) "
    "from _quern_jobs where run_id = ?1";

static void put_fact(struct qn_page *page, const char *name, const char *value)
{
    if (value)
        qn_html_put(page->out, "<dt>%s</dt><dd>%s</dd>\n", name, value);
}

/* The run in a sentence. */
static void put_sums(struct qn_page *page, const struct qn_result *sums)
{
    char jobs[QN_HTML_NUMBER], rows[QN_HTML_NUMBER], bytes[QN_HTML_NUMBER], bad[QN_HTML_NUMBER];
    double read = qn_result_number(sums, 0, 1);
    qn_html_put(page->out, "<p>%s jobs", qn_html_number(qn_result_number(sums, 0, 0), jobs));
    if (read >= 0)
        qn_html_put(page->out, ", %s rows read (%s MB)", qn_html_number(read, rows),
                    qn_html_number(qn_result_number(sums, 0, 2) / 1e6, bytes));
    qn_html_put(page->out, ", %s refused; %s of %s tests pass.</p>\n",
                qn_html_number(qn_result_number(sums, 0, 3), bad), qn_result_text(sums, 0, 5),
                qn_result_text(sums, 0, 4));
}

static void put_links(struct qn_page *page, const struct qn_result *sums)
{
    qn_html_put(page->out, "<nav><a href=\"#jobs\">Jobs</a>");
    if (qn_result_number(sums, 0, 4) > 0)
        qn_html_put(page->out, "<a href=\"#tests\">Tests</a>");
    if (qn_result_number(sums, 0, 6) > 0)
        qn_html_put(page->out, "<a href=\"#models\">Models</a>");
    if (qn_result_number(sums, 0, 7) > 0)
        qn_html_put(page->out, "<a href=\"#columns\">Columns</a>");
    qn_html_put(page->out, "</nav>\n");
}

qn_code qn_page_run(struct qn_page *page, struct qn_err *err)
{
    static const char *const names[] = {"run",    "started", "finished",    "took",
                                        "engine", "seed",    "spec SHA-256"};
    struct qn_result run, sums;
    QN_TRY(qn_page_read(page, run_sql, &run, err));
    QN_TRY(qn_page_read(page, sums_sql, &sums, err));
    if (run.n == 0)
        return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_JOB, "the warehouse holds no run '%s'",
                          page->run_id);
    const char *status = qn_result_text(&run, 0, 1);
    qn_html_put(page->out, "<h1>%s: <span class=\"status %s\">%s</span></h1>\n",
                qn_result_text(&run, 0, 0), status, status);
    put_sums(page, &sums);
    qn_html_put(page->out, "<dl>\n");
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put_fact(page, names[i], qn_result_text(&run, 0, i + 2));
    qn_html_put(page->out,
                "</dl>\n<details><summary>The spec</summary><pre><code>%s</code></pre></details>\n",
                qn_result_text(&run, 0, 9));
    put_links(page, &sums);
    return QN_OK;
}
