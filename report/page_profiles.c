/* The columns that each job gave out: a histogram, or the values that occur most. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "report/page.h"
#include "report/svg_plot.h"
#include "report/ticks.h"

enum { JOB, COLUMN, TYPE, ROWS, NULLS, IMPUTED, DISTINCT, APPROXIMATE, LOW, HIGH, MEAN, STDDEV };
enum { TOP = STDDEV + 1, HISTOGRAM };
enum { MOST_BINS = 64 };

/* --- plots ----------------------------------------------------------------------------------- */

/* The edge of a bin: a number, or a date as text. */
static const char *edge_text(struct qn_page *page, const json_t *edge)
{
    if (json_is_string(edge))
        return qn_arena_strdup(&page->arena, qn_strv_from(json_string_value(edge)));
    char number[QN_HTML_NUMBER];
    return qn_arena_strdup(&page->arena,
                           qn_strv_from(qn_html_number(json_number_value(edge), number)));
}

/* Bins are equally wide, so their places are enough; what they mean is written at the ends. */
static uint32_t read_bins(struct qn_page *page, const json_t *root, struct qn_plot_bar *bars,
                          double *most)
{
    uint32_t n = 0;
    double sum = 0;
    for (; n < json_array_size(root) && n < MOST_BINS; n++) {
        const json_t *bin = json_array_get(root, n);
        double rows = json_number_value(json_array_get(bin, 2));
        bars[n] = (struct qn_plot_bar){.low = n, .high = n + 1, .value = rows};
        bars[n].note = qn_arena_printf(&page->arena, "%s to %s: %.0f sampled rows",
                                       edge_text(page, json_array_get(bin, 0)),
                                       edge_text(page, json_array_get(bin, 1)), rows);
        sum += rows;
    }
    for (uint32_t i = 0; i < n; i++) {
        bars[i].value = sum > 0 ? bars[i].value / sum : 0;
        if (bars[i].value > *most)
            *most = bars[i].value;
    }
    return n;
}

static void put_histogram(struct qn_page *page, const char *column, const json_t *root)
{
    struct qn_plot_bar bars[MOST_BINS];
    struct qn_plot plot;
    double most = 0;
    uint32_t n = read_bins(page, root, bars, &most);
    if (n == 0)
        return;
    const json_t *first = json_array_get(root, 0), *last = json_array_get(root, n - 1);
    qn_plot_begin(&plot, page->out, column,
                  (struct qn_plot_axis){NULL, 0, n, QN_PLOT_ENDS,
                                        edge_text(page, json_array_get(first, 0)),
                                        edge_text(page, json_array_get(last, 1))},
                  (struct qn_plot_axis){"share of rows", 0, qn_ticks_ceiling(most), QN_PLOT_PERCENT,
                                        NULL, NULL});
    qn_plot_bars(&plot, "a", bars, n);
    qn_plot_end(&plot);
}

static void put_value(struct qn_page *page, const json_t *value)
{
    if (json_is_string(value))
        qn_html_put(page->out, "<td><code>%s</code></td>", json_string_value(value));
    else if (json_is_boolean(value))
        qn_html_put(page->out, "<td><code>%s</code></td>", json_is_true(value) ? "true" : "false");
    else
        qn_html_put(page->out, "<td><code>%.15g</code></td>", json_number_value(value));
}

static void put_top(struct qn_page *page, const json_t *root, double rows)
{
    char number[QN_HTML_NUMBER];
    if (json_array_size(root) == 0)
        return;
    qn_html_put(page->out, "<div class=\"wide\"><table><tbody>\n");
    for (size_t i = 0; i < json_array_size(root); i++) {
        const json_t *pair = json_array_get(root, i);
        double count = json_number_value(json_array_get(pair, 1));
        struct qn_page_part part = {"fa", "rows", count};
        qn_html_put(page->out, "<tr>");
        put_value(page, json_array_get(pair, 0));
        qn_html_put(page->out, "<td class=\"n\">%s</td>", qn_html_number(count, number));
        qn_page_bar(page, &part, 1, rows);
        qn_page_row_end(page);
    }
    qn_page_table_end(page);
}

/* What a text says as JSON; NULL when it is none. To be given back by json_decref(). */
static json_t *read_json(const char *text)
{
    json_error_t why;
    return text ? json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why) : NULL;
}

/* --- a column -------------------------------------------------------------------------------- */

static void put_fact(struct qn_page *page, const char *name, double value, bool shown)
{
    char number[QN_HTML_NUMBER];
    if (shown)
        qn_html_put(page->out, " %s %s", qn_html_number(value, number), name);
}

static void put_words(struct qn_page *page, const struct qn_result *all, uint32_t row)
{
    double mean = qn_result_number(all, row, MEAN), imputed = qn_result_number(all, row, IMPUTED);
    qn_html_put(page->out, "<figcaption>");
    put_fact(page, "NULL,", qn_result_number(all, row, NULLS), true);
    put_fact(page, "of them filled,", imputed, imputed > 0);
    qn_html_put(page->out, qn_result_number(all, row, APPROXIMATE) > 0 ? " about" : "");
    put_fact(page, "distinct", qn_result_number(all, row, DISTINCT), true);
    if (!isnan(mean)) {
        char number[QN_HTML_NUMBER], spread[QN_HTML_NUMBER];
        qn_html_put(page->out, "<br/>mean %s, standard deviation %s", qn_html_number(mean, number),
                    qn_html_number(qn_result_number(all, row, STDDEV), spread));
    }
    if (qn_result_text(all, row, LOW))
        qn_html_put(page->out, "<br/>from <code>%s</code> to <code>%s</code>",
                    qn_result_text(all, row, LOW), qn_result_text(all, row, HIGH));
    qn_html_put(page->out, "</figcaption>");
}

static void put_column(struct qn_page *page, const struct qn_result *all, uint32_t row)
{
    json_t *histogram = read_json(qn_result_text(all, row, HISTOGRAM));
    json_t *top = read_json(qn_result_text(all, row, TOP));
    qn_html_put(page->out, "<figure class=\"small\"><h4>%s <span class=\"soft\">%s</span></h4>\n",
                qn_result_text(all, row, COLUMN), qn_result_text(all, row, TYPE));
    if (json_array_size(histogram))
        put_histogram(page, qn_result_text(all, row, COLUMN), histogram);
    else
        put_top(page, top, qn_result_number(all, row, ROWS));
    put_words(page, all, row);
    qn_html_put(page->out, "</figure>\n");
    json_decref(histogram);
    json_decref(top);
}

static void put_job(struct qn_page *page, const struct qn_result *all, uint32_t from, uint32_t to)
{
    char rows[QN_HTML_NUMBER];
    qn_html_put(page->out,
                "<details open=\"open\"><summary>%s: %u columns, %s rows</summary>\n"
                "<div class=\"plots\">\n",
                qn_result_text(all, from, JOB), to - from,
                qn_html_number(qn_result_number(all, from, ROWS), rows));
    for (uint32_t i = from; i < to; i++)
        put_column(page, all, i);
    qn_html_put(page->out, "</div>\n</details>\n");
}

qn_code qn_page_profiles(struct qn_page *page, struct qn_err *err)
{
#define COLUMNS                                                                                    \
    "select p.job, \"column\", type, rows, nulls, imputed, distinct_count, distinct_approximate, " \
    "min, max, mean, stddev, top_values, "
#define FROM                                                                                       \
    " from _quern_profile as p join _quern_jobs as j using (run_id, job) where run_id = ?1 "       \
    "order by j.rowid, p.rowid"
    static const char with[] = COLUMNS "histogram" FROM, without[] = COLUMNS "null" FROM;
    struct qn_result all;
    QN_TRY(qn_page_read(page, page->histograms ? with : without, &all, err));
    if (all.n)
        qn_html_put(page->out,
                    "<h2 id=\"columns\">Columns</h2>\n<p class=\"soft\">As the jobs gave "
                    "them out. Histograms are of a sample of the rows.</p>\n");
    for (uint32_t from = 0, to; from < all.n; from = to) {
        for (to = from + 1; to < all.n; to++)
            if (strcmp(qn_result_text(&all, from, JOB), qn_result_text(&all, to, JOB)) != 0)
                break;
        put_job(page, &all, from, to);
    }
    return QN_OK;
}
