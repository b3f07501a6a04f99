/* The tests of data, those that say most first. */
#include "report/page.h"

qn_code qn_page_tests(struct qn_page *page, struct qn_err *err)
{
    static const char sql[] =
        "select status, job, \"column\", test, severity, failures, rows, message "
        "from _quern_tests where run_id = ?1 order by case status when 'error' then 0 "
        "when 'fail' then 1 when 'warn' then 2 else 3 end, rowid";
    static const struct qn_page_column columns[] = {
        {"status", QN_PAGE_STATUS}, {"job", QN_PAGE_CODE},          {"column", QN_PAGE_CODE},
        {"test", QN_PAGE_CODE},     {"severity", QN_PAGE_TEXT},     {"failures", QN_PAGE_NUMBER},
        {"rows", QN_PAGE_NUMBER},   {"what it says", QN_PAGE_TEXT},
    };
    struct qn_result tests;
    QN_TRY(qn_page_read(page, sql, &tests, err));
    if (tests.n == 0)
        return QN_OK;
    qn_html_put(page->out, "<h2 id=\"tests\">Tests</h2>\n");
    qn_page_table(page, columns, sizeof columns / sizeof columns[0], &tests);
    return QN_OK;
}
