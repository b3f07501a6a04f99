#include "report/page.h"

#include <math.h>
#include <stdio.h>

qn_code qn_page_read(struct qn_page *page, const char *sql, struct qn_result *result,
                     struct qn_err *err)
{
    return qn_result_read(result, page->store, sql, &page->run_id, 1, &page->arena, err);
}

/* --- tables ---------------------------------------------------------------------------------- */

static bool is_number(enum qn_page_kind kind)
{
    return kind == QN_PAGE_NUMBER || kind == QN_PAGE_SECONDS;
}

void qn_page_table_begin(struct qn_page *page, const struct qn_page_column *columns, uint32_t n,
                         const char *drawn)
{
    qn_html_put(page->out, "<div class=\"wide\"><table>\n<thead><tr>");
    for (uint32_t i = 0; i < n; i++)
        qn_html_put(page->out,
                    is_number(columns[i].kind) ? "<th class=\"n\">%s</th>" : "<th>%s</th>",
                    columns[i].title);
    if (drawn)
        qn_html_put(page->out, "<th>%s</th>", drawn);
    qn_html_put(page->out, "</tr></thead>\n<tbody>\n");
}

static void put_cell(struct qn_page *page, enum qn_page_kind kind, const char *text, double value)
{
    char number[QN_HTML_NUMBER];
    switch (kind) {
    case QN_PAGE_CODE: qn_html_put(page->out, "<td><code>%s</code></td>", text); break;
    case QN_PAGE_STATUS:
        qn_html_put(page->out, "<td><span class=\"status %s\">%s</span></td>", text, text);
        break;
    case QN_PAGE_NUMBER:
        qn_html_put(page->out, "<td class=\"n\">%s</td>", qn_html_number(value, number));
        break;
    case QN_PAGE_SECONDS:
        if (isnan(value))
            qn_html_put(page->out, "<td class=\"n\"></td>");
        else
            qn_html_put(page->out, "<td class=\"n\">%.2f s</td>", value);
        break;
    default: qn_html_put(page->out, "<td>%s</td>", text);
    }
}

void qn_page_row_begin(struct qn_page *page, const struct qn_page_column *columns, uint32_t n,
                       const struct qn_result *result, uint32_t row)
{
    qn_html_put(page->out, "<tr>");
    for (uint32_t i = 0; i < n; i++)
        put_cell(page, columns[i].kind, qn_result_text(result, row, i),
                 qn_result_number(result, row, i));
}

void qn_page_row_end(struct qn_page *page)
{
    qn_html_put(page->out, "</tr>\n");
}

void qn_page_table_end(struct qn_page *page)
{
    qn_html_put(page->out, "</tbody>\n</table></div>\n");
}

void qn_page_table(struct qn_page *page, const struct qn_page_column *columns, uint32_t n,
                   const struct qn_result *result)
{
    qn_page_table_begin(page, columns, n, NULL);
    for (uint32_t i = 0; i < result->n; i++) {
        qn_page_row_begin(page, columns, n, result, i);
        qn_page_row_end(page);
    }
    qn_page_table_end(page);
}

/* --- bars in tables -------------------------------------------------------------------------- */

enum { BAR_WIDTH = 220, BAR_HEIGHT = 12 };

static void open_bar(struct qn_page *page)
{
    qn_html_put(page->out,
                "<td class=\"drawn\"><svg xmlns=\"http://www.w3.org/2000/svg\" class=\"strip\" "
                "viewBox=\"0 0 %u %u\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
                BAR_WIDTH, BAR_HEIGHT);
}

static double bar_share(double value, double most)
{
    double share = value / most;
    return share > 0 ? (share < 1 ? share : 1) : 0; /* NaN: 0 */
}

void qn_page_bar(struct qn_page *page, const struct qn_page_part *parts, uint32_t n, double most)
{
    char number[QN_HTML_NUMBER];
    double at = 0;
    open_bar(page);
    for (uint32_t i = 0; i < n; i++) {
        double width = BAR_WIDTH * bar_share(parts[i].value, most);
        if (!(width > 0))
            continue;
        qn_html_put(page->out,
                    "<rect class=\"%s\" x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"%u\">"
                    "<title>%s: %s</title></rect>",
                    parts[i].style, at, width, BAR_HEIGHT, parts[i].name,
                    qn_html_number(parts[i].value, number));
        at += width;
    }
    qn_html_put(page->out, "</svg></td>");
}

void qn_page_signed_bar(struct qn_page *page, double value, double most)
{
    double middle = BAR_WIDTH / 2.0, width = middle * bar_share(fabs(value), most);
    open_bar(page);
    qn_html_put(page->out,
                "<rect class=\"%s\" x=\"%.2f\" y=\"0\" width=\"%.2f\" height=\"%u\"/>"
                "<path class=\"middle\" d=\"M%.1f 0V%u\"/></svg></td>",
                value < 0 ? "fb" : "fa", value < 0 ? middle - width : middle, width, BAR_HEIGHT,
                middle, BAR_HEIGHT);
}
