/* model: a fit that a run made, and the champion to draw beside it, as the sections about models
 * see them. */
#ifndef QN_REPORT_MODEL_H
#define QN_REPORT_MODEL_H

#include "report/page.h"

/* Whose rows of the _quern_model_ tables: a job of a run. */
struct qn_report_fit {
    const char *run_id, *job;
    const char *name, *version; /* NULL: not registered */
    const char *label;          /* "churn v2"; NULL: there is no such fit */
    const char *split;          /* of held-out rows: test, or what else there is; NULL: none */
    const char *drawn;          /* the split of plots: that one, or with a champion that scored the
                                   same rows "compared", and of the champion "against" */
    struct qn_result metrics;   /* (split, metric, value) */
};

struct qn_report_model {
    struct qn_report_fit self;
    struct qn_report_fit other; /* the champion that it had to beat, or that was there before it */
    bool same_rows;             /* both are drawn as they did on the same rows, in this run */
};

/* The fits of the run, by job. */
QN_CHECK qn_code qn_report_models_read(struct qn_page *page, struct qn_report_model **models,
                                       uint32_t *n, struct qn_err *err);

/* NaN when it was not measured. */
double qn_report_metric(const struct qn_report_fit *fit, const char *split, const char *metric);

/* A query with run (?1), job (?2) and split (?3) of a fit; no rows when there is no such fit. */
QN_CHECK qn_code qn_report_fit_read(struct qn_page *page, const struct qn_report_fit *fit,
                                    const char *sql, struct qn_result *result, struct qn_err *err);

/* What a figure says below it: whose lines are whose, and a metric of both, when it has a name. */
void qn_report_legend(struct qn_page *page, const struct qn_report_model *model,
                      const char *metric);

/* --- the parts of a model's section ---------------------------------------------------------- */

QN_CHECK qn_code qn_report_plots(struct qn_page *page, const struct qn_report_model *model,
                                 struct qn_err *err);
QN_CHECK qn_code qn_report_worth(struct qn_page *page, const struct qn_report_model *model,
                                 struct qn_err *err);
QN_CHECK qn_code qn_report_importance(struct qn_page *page, const struct qn_report_model *model,
                                      struct qn_err *err);

#endif
