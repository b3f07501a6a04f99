/* The curves of a model, with those of the champion as dashed lines. */
#include <math.h>
#include <stdio.h>

#include "report/model.h"
#include "report/svg_plot.h"
#include "report/ticks.h"

/* Rows of both models. */
struct pair {
    struct qn_result self, other;
};

static qn_code pair_read(struct qn_page *page, const struct qn_report_model *model, const char *sql,
                         struct pair *pair, struct qn_err *err)
{
    struct qn_report_fit self = model->self, other = model->other;
    self.split = self.drawn;
    other.split = other.drawn;
    QN_TRY(qn_report_fit_read(page, &self, sql, &pair->self, err));
    return qn_report_fit_read(page, &other, sql, &pair->other, err);
}

static const struct qn_plot_axis percent = {.low = 0, .high = 1, .scale = QN_PLOT_PERCENT};

static struct qn_plot_axis labelled(struct qn_plot_axis axis, const char *label)
{
    axis.label = label;
    return axis;
}

static void figure_begin(struct qn_page *page, const char *title)
{
    qn_html_put(page->out, "<figure><h4>%s</h4>\n", title);
}

static void figure_end(struct qn_page *page, const struct qn_report_model *model,
                       const char *metric, const char *note)
{
    qn_html_put(page->out, "<figcaption>");
    qn_report_legend(page, model, metric);
    qn_html_put(page->out, "<br/>%s</figcaption></figure>\n", note);
}

/* Two columns as points, after `first` when there is one. */
static qn_code points_of(struct qn_page *page, const struct qn_result *rows, uint32_t x, uint32_t y,
                         const struct qn_plot_point *first, struct qn_plot_point **points,
                         uint32_t *n, struct qn_err *err)
{
    *n = 0;
    *points = QN_NEW_ARRAY(&page->arena, struct qn_plot_point, (size_t)rows->n + 1);
    if (!*points)
        return qn_err_nomem(err, "a report");
    if (first && rows->n)
        (*points)[(*n)++] = *first;
    for (uint32_t i = 0; i < rows->n; i++)
        (*points)[(*n)++] = (struct qn_plot_point){.x = qn_result_number(rows, i, x),
                                                   .y = qn_result_number(rows, i, y)};
    return QN_OK;
}

static qn_code put_line(struct qn_page *page, struct qn_plot *plot, const char *style,
                        const struct qn_result *rows, uint32_t x, uint32_t y,
                        const struct qn_plot_point *first, struct qn_err *err)
{
    struct qn_plot_point *points;
    uint32_t n;
    QN_TRY(points_of(page, rows, x, y, first, &points, &n, err));
    qn_plot_line(plot, style, points, n);
    return QN_OK;
}

static qn_code put_lines(struct qn_page *page, struct qn_plot *plot, const struct pair *pair,
                         uint32_t x, uint32_t y, const struct qn_plot_point *first,
                         struct qn_err *err)
{
    QN_TRY(put_line(page, plot, "b", &pair->other, x, y, first, err));
    return put_line(page, plot, "a", &pair->self, x, y, first, err);
}

/* --- along the thresholds -------------------------------------------------------------------- */

enum { THRESHOLD, RECALL, FALSE_RATE, PRECISION };
static const char curve_sql[] =
    "select threshold, true_positive_rate, false_positive_rate, precision "
    "from _quern_model_curves where run_id = ?1 and job = ?2 and split = ?3 order by point";

static qn_code put_roc(struct qn_page *page, const struct qn_report_model *model,
                       const struct pair *curves, struct qn_err *err)
{
    static const struct qn_plot_point origin = {.x = 0, .y = 0};
    struct qn_plot plot;
    figure_begin(page, "ROC");
    qn_plot_begin(&plot, page->out, "ROC curve", labelled(percent, "negatives called positive"),
                  labelled(percent, "positives found"));
    qn_plot_rule(&plot, "ref", 0, 0, 1, 1);
    QN_TRY(put_lines(page, &plot, curves, FALSE_RATE, RECALL, &origin, err));
    qn_plot_end(&plot);
    figure_end(page, model, "roc_auc", "In brackets: the area below. The diagonal is chance.");
    return QN_OK;
}

static qn_code put_precision(struct qn_page *page, const struct qn_report_model *model,
                             const struct pair *curves, struct qn_err *err)
{
    struct qn_plot plot;
    double base = qn_report_metric(&model->self, model->self.drawn, "base_rate");
    figure_begin(page, "Precision and recall");
    qn_plot_begin(&plot, page->out, "Precision-recall curve",
                  labelled(percent, "recall: positives found"),
                  labelled(percent, "precision: right among those"));
    qn_plot_rule(&plot, "ref", 0, base, 1, base);
    QN_TRY(put_lines(page, &plot, curves, RECALL, PRECISION, NULL, err));
    qn_plot_end(&plot);
    figure_end(page, model, "average_precision",
               "In brackets: average precision. The dotted line is the share of positives.");
    return QN_OK;
}

static qn_code put_thresholds(struct qn_page *page, const struct qn_report_model *model,
                              const struct pair *curves, struct qn_err *err)
{
    char number[QN_HTML_NUMBER];
    struct qn_plot plot;
    double chosen = qn_report_metric(&model->self, model->self.split, "threshold");
    figure_begin(page, "Thresholds");
    qn_plot_begin(&plot, page->out, "Precision and recall by threshold",
                  labelled(percent, "threshold"), percent);
    QN_TRY(put_line(page, &plot, "c3", &curves->self, THRESHOLD, PRECISION, NULL, err));
    QN_TRY(put_line(page, &plot, "a", &curves->self, THRESHOLD, RECALL, NULL, err));
    if (chosen >= 0 && chosen <= 1)
        qn_plot_rule(&plot, "good", chosen, 0, chosen, 1);
    qn_plot_end(&plot);
    qn_html_put(page->out,
                "<figcaption><span class=\"legend\"><span class=\"key a\"></span>recall</span> "
                "<span class=\"legend\"><span class=\"key kc3\"></span>precision</span> ");
    if (!isnan(chosen))
        qn_html_put(page->out,
                    "<span class=\"legend\"><span class=\"key kgood\"></span>chosen: %s</span>",
                    qn_html_number(chosen, number));
    qn_html_put(page->out,
                "<br/>Rows that score as much or more are called positive; of %s."
                "</figcaption></figure>\n",
                model->self.label);
    return QN_OK;
}

/* --- by score -------------------------------------------------------------------------------- */

static qn_code put_calibration(struct qn_page *page, const struct qn_report_model *model,
                               struct qn_err *err)
{
    static const char sql[] =
        "select mean_score, positive_share, printf('%,d rows', rows) from _quern_model_bins "
        "where run_id = ?1 and job = ?2 and split = ?3 and kind = 'width' order by bin";
    struct pair bins;
    struct qn_plot plot;
    struct qn_plot_point *points;
    uint32_t n;
    QN_TRY(pair_read(page, model, sql, &bins, err));
    figure_begin(page, "Calibration");
    qn_plot_begin(&plot, page->out, "Calibration curve", labelled(percent, "mean score"),
                  labelled(percent, "share of positives"));
    qn_plot_rule(&plot, "ref", 0, 0, 1, 1);
    QN_TRY(put_lines(page, &plot, &bins, 0, 1, NULL, err));
    QN_TRY(points_of(page, &bins.self, 0, 1, NULL, &points, &n, err));
    for (uint32_t i = 0; i < n; i++)
        points[i].note = qn_result_text(&bins.self, i, 2);
    qn_plot_dots(&plot, "a", points, n);
    qn_plot_end(&plot);
    figure_end(page, model, "ece",
               "On the diagonal a score is a probability. In brackets: expected error (ECE).");
    return QN_OK;
}

/* Queries for bars begin with their edges and end with what is said of one. */
enum { LOW, HIGH, FIRST };

static qn_code bars_of(struct qn_page *page, const struct qn_result *rows, uint32_t value,
                       struct qn_plot_bar **bars, double *most, struct qn_err *err)
{
    *bars = QN_NEW_ARRAY(&page->arena, struct qn_plot_bar, (size_t)rows->n + 1);
    if (!*bars)
        return qn_err_nomem(err, "a report");
    for (uint32_t i = 0; i < rows->n; i++) {
        (*bars)[i] = (struct qn_plot_bar){.low = qn_result_number(rows, i, LOW),
                                          .high = qn_result_number(rows, i, HIGH),
                                          .value = qn_result_number(rows, i, value),
                                          .note = qn_result_text(rows, i, rows->n_columns - 1)};
        if ((*bars)[i].value > *most)
            *most = (*bars)[i].value;
    }
    return QN_OK;
}

enum { LIFT = FIRST, GAIN, ROWS_SHARE };
static const char tenths_sql[] =
    "select bin - 0.5, bin + 0.5, lift, gain, sum(rows) over (order by bin) * 1.0 / sum(rows) "
    "over (), printf('tenth %d: %,d rows, %,d positive, lift %.2f', bin, rows, positives, lift) "
    "from _quern_model_bins where run_id = ?1 and job = ?2 and split = ?3 and kind = 'decile' "
    "order by bin";

static qn_code put_lift(struct qn_page *page, const struct qn_report_model *model,
                        const struct pair *tenths, struct qn_err *err)
{
    struct qn_plot plot;
    struct qn_plot_bar *self, *other;
    double most = 1;
    QN_TRY(bars_of(page, &tenths->self, LIFT, &self, &most, err));
    QN_TRY(bars_of(page, &tenths->other, LIFT, &other, &most, err));
    figure_begin(page, "Lift by tenths");
    qn_plot_begin(&plot, page->out, "Lift by tenths of the rows",
                  (struct qn_plot_axis){"tenth of the rows, highest scores first", 0.5, 10.5,
                                        QN_PLOT_NUMBER, NULL, NULL},
                  (struct qn_plot_axis){"times the average", 0, qn_ticks_ceiling(most),
                                        QN_PLOT_NUMBER, NULL, NULL});
    qn_plot_bars(&plot, "a", self, tenths->self.n);
    qn_plot_outline(&plot, "b", other, tenths->other.n);
    qn_plot_rule(&plot, "ref", 0.5, 1, 10.5, 1);
    qn_plot_end(&plot);
    figure_end(page, model, NULL, "How many times more positives than among all rows.");
    return QN_OK;
}

static qn_code put_gain(struct qn_page *page, const struct qn_report_model *model,
                        const struct pair *tenths, struct qn_err *err)
{
    static const struct qn_plot_point origin = {.x = 0, .y = 0};
    struct qn_plot plot;
    figure_begin(page, "Gain");
    qn_plot_begin(&plot, page->out, "Cumulative gain",
                  labelled(percent, "share of the rows, highest scores first"),
                  labelled(percent, "share of all positives"));
    qn_plot_rule(&plot, "ref", 0, 0, 1, 1);
    QN_TRY(put_lines(page, &plot, tenths, ROWS_SHARE, GAIN, &origin, err));
    qn_plot_end(&plot);
    figure_end(page, model, NULL, "Who asks that many rows finds that many positives.");
    return QN_OK;
}

/* --- scores ---------------------------------------------------------------------------------- */

enum { NEGATIVE = FIRST, POSITIVE };

static qn_code put_scores(struct qn_page *page, const struct qn_report_model *model,
                          struct qn_err *err)
{
    static const char sql[] =
        "select low, high, (rows - positives) * 1.0 / nullif(sum(rows - positives) over (), 0), "
        "positives * 1.0 / nullif(sum(positives) over (), 0), "
        "printf('%.2f to %.2f: %,d rows, %,d positive', low, high, rows, positives) "
        "from _quern_model_bins where run_id = ?1 and job = ?2 and split = ?3 "
        "and kind = 'histogram' order by bin";
    struct pair bins;
    struct qn_plot plot;
    struct qn_plot_bar *negative, *positive, *other;
    double most = 0;
    QN_TRY(pair_read(page, model, sql, &bins, err));
    QN_TRY(bars_of(page, &bins.self, NEGATIVE, &negative, &most, err));
    QN_TRY(bars_of(page, &bins.self, POSITIVE, &positive, &most, err));
    QN_TRY(bars_of(page, &bins.other, POSITIVE, &other, &most, err));
    figure_begin(page, "Scores");
    qn_plot_begin(&plot, page->out, "Distribution of scores", labelled(percent, "score"),
                  (struct qn_plot_axis){"share of the class", 0, qn_ticks_ceiling(most),
                                        QN_PLOT_PERCENT, NULL, NULL});
    qn_plot_bars(&plot, "neg", negative, bins.self.n);
    qn_plot_bars(&plot, "a", positive, bins.self.n);
    qn_plot_outline(&plot, "b", other, bins.other.n);
    qn_plot_end(&plot);
    qn_html_put(
        page->out,
        "<figcaption><span class=\"legend\"><span class=\"key a\"></span>positives of %s</span> "
        "<span class=\"legend\"><span class=\"key neg\"></span>negatives</span> ",
        model->self.label);
    if (model->other.label)
        qn_html_put(
            page->out,
            "<span class=\"legend\"><span class=\"key b\"></span>positives of champion %s</span>",
            model->other.label);
    qn_html_put(page->out, "<br/>Each class adds up to 100%%.</figcaption></figure>\n");
    return QN_OK;
}

/* Whose rows the plots are of. */
static void put_rows(struct qn_page *page, const struct qn_report_model *model)
{
    const struct qn_report_fit *self = &model->self;
    char drawn[QN_HTML_NUMBER], all[QN_HTML_NUMBER];
    qn_html_number(qn_report_metric(self, self->drawn, "rows"), drawn);
    qn_html_number(qn_report_metric(self, self->split, "rows"), all);
    if (model->same_rows)
        qn_html_put(page->out,
                    "<p class=\"soft\">Both versions on the same rows: the %s of %s %s rows that "
                    "neither was trained on.</p>\n",
                    drawn, all, self->split);
    else if (model->other.label)
        qn_html_put(
            page->out,
            "<p class=\"soft\">Of %s %s rows. The champion is drawn as it was measured when "
            "it was made, on %s rows of its own run.</p>\n",
            drawn, self->split, model->other.split);
    else if (self->split)
        qn_html_put(page->out, "<p class=\"soft\">Of %s %s rows.</p>\n", drawn, self->split);
}

qn_code qn_report_plots(struct qn_page *page, const struct qn_report_model *model,
                        struct qn_err *err)
{
    struct pair curves, tenths;
    QN_TRY(pair_read(page, model, curve_sql, &curves, err));
    QN_TRY(pair_read(page, model, tenths_sql, &tenths, err));
    put_rows(page, model);
    qn_html_put(page->out, "<div class=\"plots\">\n");
    if (curves.self.n) {
        QN_TRY(put_roc(page, model, &curves, err));
        QN_TRY(put_precision(page, model, &curves, err));
    }
    QN_TRY(put_calibration(page, model, err));
    QN_TRY(put_lift(page, model, &tenths, err));
    QN_TRY(put_gain(page, model, &tenths, err));
    QN_TRY(put_scores(page, model, err));
    if (curves.self.n)
        QN_TRY(put_thresholds(page, model, &curves, err));
    qn_html_put(page->out, "</div>\n");
    return QN_OK;
}
