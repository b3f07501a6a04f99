/* Each model that the run trained: what it is, the verdict, how well it does, and on whom. */
#include <math.h>
#include <stdio.h>

#include "report/model.h"

/* With (job, name, version) of a fit. */
static qn_code read_of(struct qn_page *page, const struct qn_report_fit *fit, const char *sql,
                       struct qn_result *result, struct qn_err *err)
{
    const char *const params[] = {fit->run_id, fit->job, fit->name, fit->version};
    return qn_result_read(result, page->store, sql, params, 4, &page->arena, err);
}

/* --- what it is ------------------------------------------------------------------------------ */

static qn_code put_facts(struct qn_page *page, const struct qn_report_fit *fit, struct qn_err *err)
{
    static const char sql[] =
        "select algorithm, parameters, (select group_concat('@' || alias, ' ') from "
        "_quern_model_aliases as a where a.name = m.name and a.version = m.version), "
        "substr(created_at, 1, 19), seed, sha256 from _quern_models as m "
        "where name = ?3 and version = cast(?4 as integer) and ?1 is not null and ?2 is not null";
    static const char *const names[] = {"algorithm", "parameters", "aliases",
                                        "made",      "seed",       "model file SHA-256"};
    struct qn_result facts;
    QN_TRY(read_of(page, fit, sql, &facts, err));
    qn_html_put(page->out, "<dl>\n<dt>job</dt><dd><code>%s</code></dd>\n", fit->job);
    for (uint32_t i = 0; facts.n && i < facts.n_columns; i++)
        if (qn_result_text(&facts, 0, i))
            qn_html_put(page->out, "<dt>%s</dt><dd>%s</dd>\n", names[i],
                        qn_result_text(&facts, 0, i));
    qn_html_put(page->out, "</dl>\n");
    return QN_OK;
}

/* --- promotion ------------------------------------------------------------------------------- */

static const struct qn_page_column compared[] = {
    {"metric", QN_PAGE_TEXT},      {"on", QN_PAGE_TEXT},          {"rows", QN_PAGE_NUMBER},
    {"positives", QN_PAGE_NUMBER}, {"this", QN_PAGE_NUMBER},      {"against", QN_PAGE_CODE},
    {"that", QN_PAGE_NUMBER},      {"better by", QN_PAGE_NUMBER}, {"std. error", QN_PAGE_NUMBER},
    {"lower end", QN_PAGE_NUMBER}, {"at", QN_PAGE_TEXT},          {"needed: above", QN_PAGE_NUMBER},
    {"condition", QN_PAGE_STATUS},
};
static const char compared_sql[] =
    "select metric, split, rows, positives, value, name || ' v' || against || ' @' || alias, "
    "against_value, difference, std_error, low, printf('%g %%', 100 * confidence), "
    "iif(margin = 0, 0, -margin), iif(holds, 'holds', 'fails') from _quern_model_comparisons "
    "where run_id = ?1 and job = ?2 and ?3 is ?3 and ?4 is ?4 order by rule";

static qn_code put_verdict(struct qn_page *page, const struct qn_report_fit *fit,
                           struct qn_err *err)
{
    static const char sql[] = "select status, message from _quern_tests where run_id = ?1 and "
                              "job = ?2 and test = 'promote' and ?3 is ?3 and ?4 is ?4";
    struct qn_result verdict, comparisons = {0};
    QN_TRY(read_of(page, fit, sql, &verdict, err));
    if (page->evaluations)
        QN_TRY(read_of(page, fit, compared_sql, &comparisons, err));
    if (verdict.n || comparisons.n)
        qn_html_put(page->out, "<h4>Promotion</h4>\n");
    for (uint32_t i = 0; i < verdict.n; i++) {
        const char *status = qn_result_text(&verdict, i, 0);
        qn_html_put(page->out,
                    "<p class=\"verdict %s\"><span class=\"status %s\">%s</span>: %s</p>\n", status,
                    status, status, qn_result_text(&verdict, i, 1));
    }
    if (comparisons.n == 0)
        return QN_OK;
    qn_html_put(page->out, "<p class=\"soft\">On the rows that neither version was trained on, "
                           "both scored by the same job. The condition holds when the lower end of "
                           "the difference is above what is needed.</p>\n");
    qn_page_table(page, compared, sizeof compared / sizeof compared[0], &comparisons);
    return QN_OK;
}

static qn_code put_warnings(struct qn_page *page, const struct qn_report_fit *fit,
                            struct qn_err *err)
{
    static const char sql[] =
        "select status, test, \"column\", message from _quern_tests where run_id = ?1 and "
        "job = ?2 and test <> 'promote' and status <> 'pass' and ?3 is ?3 and ?4 is ?4 "
        "order by rowid";
    static const struct qn_page_column columns[] = {{"status", QN_PAGE_STATUS},
                                                    {"guard", QN_PAGE_CODE},
                                                    {"column", QN_PAGE_CODE},
                                                    {"what it says", QN_PAGE_TEXT}};
    struct qn_result warnings;
    QN_TRY(read_of(page, fit, sql, &warnings, err));
    if (warnings.n == 0)
        return QN_OK;
    qn_html_put(page->out, "<h4>Warnings</h4>\n");
    qn_page_table(page, columns, sizeof columns / sizeof columns[0], &warnings);
    return QN_OK;
}

/* --- metrics --------------------------------------------------------------------------------- */

static void put_values(struct qn_page *page, const struct qn_report_model *model,
                       const struct qn_result *names, uint32_t row)
{
    static const char *const splits[] = {"train", "validation", "calibration", "test"};
    const char *metric = qn_result_text(names, row, 0);
    char number[QN_HTML_NUMBER];
    qn_html_put(page->out, "<tr><td>%s</td>", metric);
    for (int i = 0; i < 4; i++)
        qn_html_put(page->out, "<td class=\"n\">%s</td>",
                    qn_html_number(qn_report_metric(&model->self, splits[i], metric), number));
    if (model->same_rows)
        qn_html_put(page->out, "<td class=\"n\">%s</td>",
                    qn_html_number(qn_report_metric(&model->self, "compared", metric), number));
    if (model->other.label)
        qn_html_put(
            page->out, "<td class=\"n\">%s</td>",
            qn_html_number(qn_report_metric(&model->other, model->other.drawn, metric), number));
    qn_html_put(page->out, "</tr>\n");
}

/* Those that people look at first come first. */
static qn_code put_metrics(struct qn_page *page, const struct qn_report_model *model,
                           struct qn_err *err)
{
    static const char sql[] =
        "select metric from _quern_model_metrics where run_id = ?1 and job = ?2 and ?3 is ?3 "
        "group by metric order by nullif(instr(' rows positives base_rate roc_auc "
        "roc_auc_std_error average_precision log_loss brier ece ks threshold threshold_share "
        "threshold_precision threshold_recall threshold_cost ', ' ' || metric || ' '), 0) "
        "nulls last, metric";
    struct qn_result names;
    QN_TRY(qn_report_fit_read(page, &model->self, sql, &names, err));
    qn_html_put(page->out,
                "<details open=\"open\"><summary>Metrics of every split</summary>\n"
                "<div class=\"wide\"><table>\n<thead><tr><th></th><th class=\"n\">train</th>"
                "<th class=\"n\">validation</th><th class=\"n\">calibration</th>"
                "<th class=\"n\">test</th>");
    if (model->same_rows)
        qn_html_put(page->out, "<th class=\"n\">rows of both</th>");
    if (model->other.label)
        qn_html_put(page->out, "<th class=\"n\">champion %s, %s</th>", model->other.label,
                    model->same_rows ? "same rows" : model->other.split);
    qn_html_put(page->out, "</tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < names.n; i++)
        put_values(page, model, &names, i);
    qn_page_table_end(page);
    qn_html_put(page->out, "</details>\n");
    return QN_OK;
}

/* --- slices ---------------------------------------------------------------------------------- */

static qn_code put_slices(struct qn_page *page, const struct qn_report_model *model,
                          struct qn_err *err)
{
    static const char sql[] =
        "select \"column\", coalesce(slice, '(none)'), max(iif(metric = 'rows', value, null)), "
        "max(iif(metric = 'base_rate', value, null)), max(iif(metric = 'log_loss', value, null)), "
        "max(iif(metric = 'roc_auc', value, null)) from _quern_model_slices "
        "where run_id = ?1 and job = ?2 and split = ?3 group by \"column\", slice "
        "order by \"column\", 3 desc, slice limit 1000";
    static const struct qn_page_column columns[] = {
        {"column", QN_PAGE_CODE},      {"value", QN_PAGE_CODE},      {"rows", QN_PAGE_NUMBER},
        {"positives", QN_PAGE_NUMBER}, {"log-loss", QN_PAGE_NUMBER}, {"ROC AUC", QN_PAGE_NUMBER}};
    enum { N = sizeof columns / sizeof columns[0], AUC = N - 1 };
    struct qn_result slices;
    QN_TRY(qn_report_fit_read(page, &model->self, sql, &slices, err));
    if (slices.n == 0)
        return QN_OK;
    qn_html_put(page->out, "<h4>Slices of the %s rows</h4>\n", model->self.split);
    qn_page_table_begin(page, columns, N, "ROC AUC, from 0.5 to 1");
    for (uint32_t i = 0; i < slices.n; i++) {
        struct qn_page_part part = {"fa", "ROC AUC - 0.5", qn_result_number(&slices, i, AUC) - 0.5};
        qn_page_row_begin(page, columns, N, &slices, i);
        qn_page_bar(page, &part, 1, 0.5);
        qn_page_row_end(page);
    }
    qn_page_table_end(page);
    return QN_OK;
}

/* --- a model --------------------------------------------------------------------------------- */

static qn_code put_model(struct qn_page *page, const struct qn_report_model *model,
                         struct qn_err *err)
{
    const struct qn_report_fit *fit = &model->self;
    qn_html_put(page->out, "<section>\n<h3>%s%s</h3>\n", fit->label,
                fit->name ? "" : ", which was not registered");
    QN_TRY(put_facts(page, fit, err));
    QN_TRY(put_verdict(page, fit, err));
    QN_TRY(put_warnings(page, fit, err));
    if (page->evaluations) {
        qn_html_put(page->out, "<h4>On %s rows</h4>\n", fit->split);
        QN_TRY(qn_report_plots(page, model, err));
    } else {
        qn_html_put(page->out, "<p class=\"soft\">An older engine made this warehouse: it kept no "
                               "curves.</p>\n");
    }
    QN_TRY(put_metrics(page, model, err));
    if (page->evaluations)
        QN_TRY(put_slices(page, model, err));
    QN_TRY(qn_report_worth(page, model, err));
    QN_TRY(qn_report_importance(page, model, err));
    qn_html_put(page->out, "</section>\n");
    return QN_OK;
}

qn_code qn_page_models(struct qn_page *page, struct qn_err *err)
{
    struct qn_report_model *models;
    uint32_t n;
    QN_TRY(qn_report_models_read(page, &models, &n, err));
    if (n)
        qn_html_put(page->out, "<h2 id=\"models\">Models</h2>\n");
    for (uint32_t i = 0; i < n; i++)
        QN_TRY(put_model(page, &models[i], err));
    return QN_OK;
}
