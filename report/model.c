#include "report/model.h"

#include <math.h>
#include <stdlib.h>

/* What the job compared its model with; else what was the champion when this version was made. */
static const char other_sql[] =
    "with this as (select ?1 as run_id, ?2 as job, ?3 as name, cast(?4 as integer) as version), "
    "used as (select u.name, u.version from _quern_model_uses as u join this using (run_id, job)), "
    "before as (select m.name, m.version from _quern_model_moves as m join this using (name) "
    "where m.alias = 'champion' and m.version <> this.version and m.moved_at <= (select created_at "
    "from _quern_models as x where x.name = this.name and x.version = this.version) "
    "order by m.move desc limit 1), "
    "other as (select * from (select * from used union all select * from before) "
    "where version is not null limit 1) "
    "select m.run_id, m.job, m.name, m.version from _quern_models as m join other "
    "using (name, version) where m.name is not ?3 or m.version <> ?4";

static qn_code read_split(struct qn_page *page, struct qn_report_fit *fit, struct qn_err *err)
{
    struct qn_result found;
    QN_TRY(qn_report_fit_read(page, fit,
                              "select split from _quern_model_metrics where run_id = ?1 and "
                              "job = ?2 and ?3 is null group by split order by case split "
                              "when 'test' then 0 when 'validation' then 1 else 2 end limit 1",
                              &found, err));
    fit->split = fit->drawn = qn_result_text(&found, 0, 0);
    return qn_report_fit_read(page, fit,
                              "select split, metric, value from _quern_model_metrics "
                              "where run_id = ?1 and job = ?2 and ?3 is not null",
                              &fit->metrics, err);
}

/* From a row of (run_id, job, name, version). */
static qn_code fit_read(struct qn_page *page, const struct qn_result *row, uint32_t at,
                        struct qn_report_fit *fit, struct qn_err *err)
{
    *fit = (struct qn_report_fit){.run_id = qn_result_text(row, at, 0),
                                  .job = qn_result_text(row, at, 1),
                                  .name = qn_result_text(row, at, 2),
                                  .version = qn_result_text(row, at, 3)};
    if (!fit->run_id)
        return QN_OK;
    fit->label = fit->name ? qn_arena_printf(&page->arena, "%s v%s", fit->name, fit->version)
                           : qn_arena_printf(&page->arena, "fit of %s", fit->job);
    return fit->label ? read_split(page, fit, err) : qn_err_nomem(err, "a report");
}

/* A champion that scored the rows of this job is drawn as it did there. */
static void draw_same_rows(struct qn_report_model *model)
{
    struct qn_report_fit *self = &model->self, *other = &model->other;
    model->same_rows = other->label && qn_report_metric(self, "against", "rows") > 0;
    if (!model->same_rows)
        return;
    other->run_id = self->run_id;
    other->job = self->job;
    other->metrics = self->metrics;
    self->drawn = "compared";
    other->split = other->drawn = "against";
}

qn_code qn_report_models_read(struct qn_page *page, struct qn_report_model **models, uint32_t *n,
                              struct qn_err *err)
{
    static const char sql[] = "select distinct run_id, job, name, version "
                              "from _quern_model_metrics where run_id = ?1 order by job";
    struct qn_result fits, other;
    QN_TRY(qn_page_read(page, sql, &fits, err));
    *models = QN_NEW_ARRAY(&page->arena, struct qn_report_model, fits.n + 1);
    if (!*models)
        return qn_err_nomem(err, "a report");
    for (*n = 0; *n < fits.n; ++*n) {
        struct qn_report_model *model = &(*models)[*n];
        QN_TRY(fit_read(page, &fits, *n, &model->self, err));
        if (!page->evaluations)
            continue;
        const char *const params[] = {model->self.run_id, model->self.job, model->self.name,
                                      model->self.version};
        QN_TRY(qn_result_read(&other, page->store, other_sql, params, 4, &page->arena, err));
        QN_TRY(fit_read(page, &other, 0, &model->other, err));
        draw_same_rows(model);
    }
    return QN_OK;
}

double qn_report_metric(const struct qn_report_fit *fit, const char *split, const char *metric)
{
    for (uint32_t i = 0; split && i < fit->metrics.n; i++)
        if (strcmp(qn_result_text(&fit->metrics, i, 0), split) == 0 &&
            strcmp(qn_result_text(&fit->metrics, i, 1), metric) == 0)
            return qn_result_number(&fit->metrics, i, 2);
    return (double)NAN;
}

qn_code qn_report_fit_read(struct qn_page *page, const struct qn_report_fit *fit, const char *sql,
                           struct qn_result *result, struct qn_err *err)
{
    const char *const params[] = {fit->run_id, fit->job, fit->split};
    *result = (struct qn_result){0};
    if (!fit->label)
        return QN_OK;
    return qn_result_read(result, page->store, sql, params, 3, &page->arena, err);
}

static void put_key(struct qn_page *page, const char *style, const struct qn_report_fit *fit,
                    const char *role, const char *metric)
{
    char number[QN_HTML_NUMBER];
    if (!fit->label)
        return;
    qn_html_put(page->out, "<span class=\"legend\"><span class=\"key %s\"></span>%s%s", style, role,
                fit->label);
    if (metric)
        qn_html_put(page->out, " (%s)",
                    qn_html_number(qn_report_metric(fit, fit->drawn, metric), number));
    qn_html_put(page->out, "</span> ");
}

void qn_report_legend(struct qn_page *page, const struct qn_report_model *model, const char *metric)
{
    put_key(page, "a", &model->self, "", metric);
    put_key(page, "b", &model->other, "champion ", metric);
}
