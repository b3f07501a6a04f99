/* What features are worth to a model: permutations as bars, contributions as swarms of dots, and
 * all numbers in a table. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "report/model.h"
#include "report/svg_rows.h"
#include "report/ticks.h"

enum { SHOWN = 15 }; /* features of a figure */

static uint32_t shown_of(const struct qn_result *rows)
{
    return rows->n < SHOWN ? rows->n : SHOWN;
}

/* --- permutations ---------------------------------------------------------------------------- */

enum { FEATURE, VALUE, SPREAD, METRIC, REPEATS, ROWS };

static void put_bars(struct qn_page *page, const struct qn_rows *plot,
                     const struct qn_result *found)
{
    for (uint32_t i = 0; i < plot->n; i++) {
        double value = qn_result_number(found, i, VALUE),
               spread = qn_result_number(found, i, SPREAD);
        double zero = qn_rows_x(plot, 0), end = qn_rows_x(plot, value), y = qn_rows_y(i);
        char number[2][QN_HTML_NUMBER];
        const char *note =
            qn_arena_printf(&page->arena, "%s, give or take %s", qn_html_number(value, number[0]),
                            qn_html_number(spread, number[1]));
        qn_rows_name(plot, i, qn_result_text(found, i, FEATURE), note);
        qn_html_put(plot->out,
                    "<rect class=\"bar a\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"12\">"
                    "<title>%s</title></rect>"
                    "<path class=\"whisker\" d=\"M%.1f %.1fH%.1f\"/>\n",
                    end < zero ? end : zero, y - 6, fabs(end - zero), note,
                    qn_rows_x(plot, value - spread), y, qn_rows_x(plot, value + spread));
    }
}

static qn_code put_permutations(struct qn_page *page, const struct qn_report_fit *fit,
                                struct qn_err *err)
{
    static const char sql[] =
        "select feature, value, spread, metric, repeats, rows from _quern_model_importance "
        "where run_id = ?1 and job = ?2 and kind = 'permutation' and ?3 is ?3 "
        "order by value desc, feature limit 15";
    struct qn_result found;
    struct qn_rows plot;
    double low = 0, high = 0;
    QN_TRY(qn_report_fit_read(page, fit, sql, &found, err));
    if (found.n == 0)
        return QN_OK;
    for (uint32_t i = 0; i < found.n; i++) {
        low = fmin(low, qn_result_number(&found, i, VALUE) - qn_result_number(&found, i, SPREAD));
        high = fmax(high, qn_result_number(&found, i, VALUE) + qn_result_number(&found, i, SPREAD));
    }
    const char *metric = qn_result_text(&found, 0, METRIC);
    const char *label = qn_arena_printf(&page->arena, "loss of %s when permuted", metric);
    const char *title = qn_arena_printf(&page->arena, "Permutation importance, %s first",
                                        qn_result_text(&found, 0, FEATURE));
    qn_html_put(page->out, "<figure><h4>Permutation importance</h4>\n");
    qn_rows_begin(&plot, page->out, title, label, low, high > low ? high : low + 1,
                  shown_of(&found));
    put_bars(page, &plot, &found);
    qn_rows_end(&plot);
    qn_html_put(
        page->out,
        "<figcaption>How much worse %s of %s held-out rows gets once the feature&#39;s values "
        "are dealt to other rows: the mean of %s times, with the deviation.</figcaption>"
        "</figure>\n",
        metric, qn_result_text(&found, 0, ROWS), qn_result_text(&found, 0, REPEATS));
    return QN_OK;
}

/* --- swarms ---------------------------------------------------------------------------------- */

enum { COLUMNS = 92, MOST_DOTS = 7, LEVELS = 7, NO_LEVEL = LEVELS };
static const double DOT_PITCH = 2.8;

/* Rows of one feature by column of the plot and level. */
struct swarm {
    double rows[COLUMNS][LEVELS + 1];
    double most; /* of a column */
};

/* Rows of the table: low, high, level, rows. */
static void fill(struct swarm *swarm, const struct qn_rows *plot, const struct qn_result *cells)
{
    *swarm = (struct swarm){.most = 0};
    for (uint32_t i = 0; i < cells->n; i++) {
        double middle = (qn_result_number(cells, i, 0) + qn_result_number(cells, i, 1)) / 2;
        double level = qn_result_number(cells, i, 2);
        double at = (middle - plot->low) / (plot->high - plot->low) * COLUMNS;
        uint32_t column = at > 0 ? (at < COLUMNS - 1 ? (uint32_t)at : COLUMNS - 1) : 0;
        uint32_t place = level >= 0 && level < LEVELS ? (uint32_t)level : NO_LEVEL;
        swarm->rows[column][place] += qn_result_number(cells, i, 3);
    }
    for (uint32_t c = 0; c < COLUMNS; c++) {
        double all = 0;
        for (uint32_t l = 0; l <= LEVELS; l++)
            all += swarm->rows[c][l];
        swarm->most = fmax(swarm->most, all);
    }
}

/* The level of dot `dot` of `n`: those of a column stand from the lowest up. */
static uint32_t level_of(const double rows[LEVELS + 1], double all, uint32_t dot, uint32_t n)
{
    double left = (dot + 0.5) / n * all;
    uint32_t level = 0;
    while (level < LEVELS && left >= rows[level])
        left -= rows[level++];
    return level;
}

/* One path a level: a dot is a line without length, with a round end. */
static void put_level(const struct qn_rows *plot, const struct swarm *swarm, uint32_t row,
                      uint32_t level)
{
    bool begun = false;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        double all = 0;
        for (uint32_t l = 0; l <= LEVELS; l++)
            all += swarm->rows[c][l];
        uint32_t n = (uint32_t)ceil(all / swarm->most * MOST_DOTS);
        double x = qn_rows_x(plot, plot->low + (c + 0.5) / COLUMNS * (plot->high - plot->low));
        for (uint32_t dot = 0; dot < n; dot++) {
            if (level_of(swarm->rows[c], all, dot, n) != level)
                continue;
            if (!begun)
                qn_html_put(plot->out, "<path class=\"swarm l%u\" d=\"", level);
            begun = true;
            qn_html_put(plot->out, "M%.1f %.1fh0", x,
                        qn_rows_y(row) - (dot - (n - 1) / 2.0) * DOT_PITCH);
        }
    }
    if (begun)
        qn_html_put(plot->out, "\"/>\n");
}

static qn_code put_swarm(struct qn_page *page, const struct qn_report_fit *fit,
                         const struct qn_rows *plot, uint32_t row, const struct qn_result *features,
                         struct qn_err *err)
{
    static const char sql[] = "select low, high, level, rows from _quern_model_shap where "
                              "run_id = ?1 and job = ?2 and feature = ?3 order by low, level";
    const char *feature = qn_result_text(features, row, FEATURE);
    const char *const params[] = {fit->run_id, fit->job, feature};
    struct qn_result cells;
    struct swarm swarm;
    char number[QN_HTML_NUMBER];
    QN_TRY(qn_result_read(&cells, page->store, sql, params, 3, &page->arena, err));
    qn_rows_name(plot, row, feature,
                 qn_arena_printf(&page->arena, "mean size %s",
                                 qn_html_number(qn_result_number(features, row, VALUE), number)));
    fill(&swarm, plot, &cells);
    for (uint32_t level = 0; swarm.most > 0 && level <= LEVELS; level++)
        put_level(plot, &swarm, row, level);
    return QN_OK;
}

/* From where to where all but one in a hundred rows of the features shown lie, and 0. */
static const char span_sql[] =
    "with shown as (select feature from _quern_model_importance where run_id = ?1 and job = ?2 and "
    "kind = 'shap' and value > 0 order by value desc, feature limit 15), cells as (select feature, "
    "low, high, sum(rows) over (partition by feature order by low, level rows unbounded preceding) "
    "as upto, rows, sum(rows) over (partition by feature) as n from _quern_model_shap join shown "
    "using (feature) where run_id = ?1 and job = ?2 and ?3 is ?3) "
    "select min(iif(upto > n * 0.005, low, null)), max(iif(upto - rows < n * 0.995, high, null)) "
    "from cells";

static void put_levels(struct qn_page *page)
{
    qn_html_put(page->out, "<span class=\"levels\">low ");
    for (uint32_t level = 0; level < LEVELS; level++)
        qn_html_put(page->out, "<span class=\"chip l%u\"></span>", level);
    qn_html_put(page->out,
                " high value</span> <span class=\"levels\"><span class=\"chip l%u\"></span> "
                "text, or no value</span><br/>",
                (unsigned)NO_LEVEL);
}

static qn_code put_swarms(struct qn_page *page, const struct qn_report_fit *fit, struct qn_err *err)
{
    static const char sql[] =
        "select feature, value, rows from _quern_model_importance where run_id = ?1 and job = ?2 "
        "and kind = 'shap' and value > 0 and ?3 is ?3 order by value desc, feature limit 15";
    struct qn_result found, span;
    struct qn_rows plot;
    QN_TRY(qn_report_fit_read(page, fit, sql, &found, err));
    QN_TRY(qn_report_fit_read(page, fit, span_sql, &span, err));
    double low = fmin(qn_result_number(&span, 0, 0), 0),
           high = fmax(qn_result_number(&span, 0, 1), 0);
    if (found.n == 0 || !(low < high))
        return QN_OK;
    const char *title =
        qn_arena_printf(&page->arena, "SHAP summary, %s first", qn_result_text(&found, 0, FEATURE));
    qn_html_put(page->out, "<figure><h4>SHAP summary</h4>\n");
    qn_rows_begin(&plot, page->out, title, "what the feature adds to the log-odds", low, high,
                  shown_of(&found));
    for (uint32_t i = 0; i < plot.n; i++)
        QN_TRY(put_swarm(page, fit, &plot, i, &found, err));
    qn_rows_end(&plot);
    qn_html_put(page->out, "<figcaption>");
    put_levels(page);
    qn_html_put(
        page->out,
        "Of %s held-out rows; dots to the right raise the score, and a thick place has many "
        "rows. What lies beyond an end is drawn there.</figcaption></figure>\n",
        qn_result_text(&found, 0, 2));
    return QN_OK;
}

/* --- all numbers ----------------------------------------------------------------------------- */

static qn_code put_numbers(struct qn_page *page, const struct qn_report_fit *fit,
                           struct qn_err *err)
{
    static const char sql[] =
        "select feature, 100 * max(iif(kind = 'gain', value, null)) / nullif((select sum(value) "
        "from "
        "_quern_model_importance where run_id = ?1 and job = ?2 and kind = 'gain'), 0), "
        "max(iif(kind = 'permutation', value, null)), max(spread), "
        "max(iif(kind = 'shap', value, null)) from _quern_model_importance where run_id = ?1 and "
        "job = ?2 and ?3 is ?3 group by feature order by 3 desc nulls last, 5 desc, 2 desc, "
        "feature "
        "limit 200";
    static const struct qn_page_column columns[] = {{"feature", QN_PAGE_CODE},
                                                    {"gain, %", QN_PAGE_NUMBER},
                                                    {"permutation", QN_PAGE_NUMBER},
                                                    {"deviation", QN_PAGE_NUMBER},
                                                    {"mean |SHAP|", QN_PAGE_NUMBER}};
    struct qn_result found;
    QN_TRY(qn_report_fit_read(page, fit, sql, &found, err));
    if (found.n == 0)
        return QN_OK;
    qn_html_put(page->out, "<details><summary>All features</summary>\n");
    qn_page_table(page, columns, sizeof columns / sizeof columns[0], &found);
    qn_html_put(page->out, "</details>\n");
    return QN_OK;
}

qn_code qn_report_worth(struct qn_page *page, const struct qn_report_model *model,
                        struct qn_err *err)
{
    const struct qn_report_fit *fit = &model->self;
    if (!page->importances)
        return QN_OK;
    qn_html_put(page->out, "<h4>What features are worth</h4>\n<div class=\"plots two\">\n");
    QN_TRY(put_permutations(page, fit, err));
    QN_TRY(put_swarms(page, fit, err));
    qn_html_put(page->out, "</div>\n");
    return put_numbers(page, fit, err);
}
