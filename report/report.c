#include "report/report.h"

#include "report/page.h"

/* Nothing may be loaded and nothing run, whatever the page holds. */
static void put_head(struct qn_page *page)
{
    qn_html_put(page->out,
                "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n"
                "<head>\n<meta charset=\"utf-8\"/>\n"
                "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                "style-src 'unsafe-inline'\"/>\n"
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                "<title>Quern run %s</title>\n<style>\n",
                page->run_id);
    for (const char *const *part = qn_page_style; *part; part++)
        qn_buf_put(page->out, *part, strlen(*part));
    qn_html_put(page->out, "</style>\n</head>\n<body>\n");
}

/* What an older engine left out is left out here too. */
static qn_code look_around(struct qn_page *page, struct qn_err *err)
{
    static const char sql[] =
        "select exists (select 1 from sqlite_schema where name = '_quern_model_bins'), "
        "exists (select 1 from pragma_table_info('_quern_profile') where name = 'histogram'), "
        "exists (select 1 from sqlite_schema where name = '_quern_model_importance'), ?1";
    struct qn_result found;
    QN_TRY(qn_page_read(page, sql, &found, err));
    page->evaluations = qn_result_number(&found, 0, 0) > 0;
    page->histograms = qn_result_number(&found, 0, 1) > 0;
    page->importances = qn_result_number(&found, 0, 2) > 0;
    return QN_OK;
}

static qn_code put_page(struct qn_page *page, struct qn_err *err)
{
    QN_TRY(look_around(page, err));
    put_head(page);
    QN_TRY(qn_page_run(page, err));
    QN_TRY(qn_page_jobs(page, err));
    QN_TRY(qn_page_tests(page, err));
    QN_TRY(qn_page_models(page, err));
    QN_TRY(qn_page_profiles(page, err));
    qn_html_put(page->out, "</body>\n</html>\n");
    return qn_buf_check(page->out, "a report", err);
}

qn_code qn_report_write(struct qn_store *store, const char *run_id, struct qn_buf *out,
                        struct qn_err *err)
{
    struct qn_page page = {.out = out, .store = store, .run_id = run_id};
    qn_arena_init(&page.arena);
    qn_code code = put_page(&page, err);
    qn_arena_fini(&page.arena);
    return code;
}
