/* page: what the sections of a report share. Each is a file and writes itself; a section without
 * anything to show writes nothing. */
#ifndef QN_REPORT_PAGE_H
#define QN_REPORT_PAGE_H

#include "report/html.h"
#include "report/result.h"

struct qn_page {
    struct qn_buf *out;
    struct qn_store *store;
    const char *run_id;
    struct qn_arena arena; /* what sections read */
    bool evaluations;      /* the tables of schema version 2 are there */
    bool histograms;       /* profiles have some: version 3 */
    bool importances;      /* there are tables of them: version 5 */
};

/* The text of report/style.c: colours for light and for dark, no character that XML minds. */
extern const char *const qn_page_style[]; /* up to a NULL */

/* Sections, in their order on the page. */
QN_CHECK qn_code qn_page_run(struct qn_page *page, struct qn_err *err);
QN_CHECK qn_code qn_page_jobs(struct qn_page *page, struct qn_err *err);
QN_CHECK qn_code qn_page_tests(struct qn_page *page, struct qn_err *err);
QN_CHECK qn_code qn_page_models(struct qn_page *page, struct qn_err *err);
QN_CHECK qn_code qn_page_profiles(struct qn_page *page, struct qn_err *err);

/* A query with the run's id as ?1. */
QN_CHECK qn_code qn_page_read(struct qn_page *page, const char *sql, struct qn_result *result,
                              struct qn_err *err);

/* --- tables ---------------------------------------------------------------------------------- */

enum qn_page_kind {
    QN_PAGE_TEXT,
    QN_PAGE_CODE,    /* a name or value of the user's, as it stands */
    QN_PAGE_NUMBER,  /* for people: qn_html_number() */
    QN_PAGE_SECONDS, /* 12.35 s */
    QN_PAGE_STATUS,  /* coloured by what it says */
};

struct qn_page_column {
    const char *title;
    enum qn_page_kind kind;
};

/* The table's head, with a last column for what the caller draws when `drawn` is not NULL. */
void qn_page_table_begin(struct qn_page *page, const struct qn_page_column *columns, uint32_t n,
                         const char *drawn);
/* A row without its end: `drawn` goes between the two. */
void qn_page_row_begin(struct qn_page *page, const struct qn_page_column *columns, uint32_t n,
                       const struct qn_result *result, uint32_t row);
void qn_page_row_end(struct qn_page *page);
void qn_page_table_end(struct qn_page *page);
/* All of it. */
void qn_page_table(struct qn_page *page, const struct qn_page_column *columns, uint32_t n,
                   const struct qn_result *result);

/* --- bars in tables -------------------------------------------------------------------------- */

struct qn_page_part {
    const char *style, *name; /* class; what it is, said with its value when pointed at */
    double value;
};

/* Parts side by side; the whole width is `most`. */
void qn_page_bar(struct qn_page *page, const struct qn_page_part *parts, uint32_t n, double most);
/* From the middle to the right or, below 0, to the left; half of the width is `most`. */
void qn_page_signed_bar(struct qn_page *page, double value, double most);

#endif
