/* From what was measured to what is told: rows of the _quern_model_ tables. */
#include <math.h>

#include "jobs/train/evaluate.h"

static bool has_rows(const struct qn_train_split_measured *split)
{
    return split->n_bins[QN_BINS_WIDTH] > 0;
}

static void add_metric(struct qn_findings *findings, int side, const char *name, double value)
{
    if (!isnan(value))
        findings->metrics[findings->n_metrics++] = (struct qn_metric_finding){
            .split = qn_train_split_name(side), .metric = name, .value = value};
}

static void names_of_metrics(struct qn_metric_value names[QN_N_METRICS])
{
    struct qn_metrics none = {0};
    qn_metrics_list(&none, names);
}

static qn_code report_metrics(const struct qn_train *train,
                              const struct qn_train_measured *measured,
                              struct qn_findings *findings, struct qn_err *err)
{
    struct qn_metric_value names[QN_N_METRICS];
    struct qn_threshold_value threshold[QN_N_THRESHOLD_VALUES];
    enum { MOST = QN_TRAIN_N_SPLITS * (QN_N_METRICS + QN_N_THRESHOLD_VALUES) };
    names_of_metrics(names);
    findings->metrics = QN_NEW_ARRAY(findings->arena, struct qn_metric_finding, MOST);
    if (!findings->metrics)
        return qn_err_nomem(err, "findings");
    for (int side = 0; side < QN_TRAIN_N_SPLITS; side++) {
        if (!has_rows(&measured->splits[side]))
            continue;
        for (int i = 0; i < QN_N_METRICS; i++)
            add_metric(findings, side, names[i].name, measured->splits[side].metrics[i]);
        qn_threshold_list(&measured->splits[side].threshold, threshold);
        bool tried = train->threshold.rule && side < QN_N_SIDES;
        for (int i = 0; tried && i < QN_N_THRESHOLD_VALUES; i++)
            add_metric(findings, side, threshold[i].name, threshold[i].value);
    }
    return QN_OK;
}

static qn_code report_bins(const struct qn_train_measured *measured, struct qn_findings *findings,
                           struct qn_err *err)
{
    enum { MOST = QN_TRAIN_N_SPLITS * QN_N_BIN_KINDS * QN_MOST_BINS };
    findings->bins = QN_NEW_ARRAY(findings->arena, struct qn_bin_finding, MOST);
    if (!findings->bins)
        return qn_err_nomem(err, "findings");
    for (int side = 0; side < QN_TRAIN_N_SPLITS; side++)
        for (int kind = 0; kind < QN_N_BIN_KINDS; kind++)
            for (uint32_t i = 0; i < measured->splits[side].n_bins[kind]; i++) {
                const struct qn_bin *bin = &measured->splits[side].bins[kind][i];
                findings->bins[findings->n_bins++] = (struct qn_bin_finding){
                    .split = qn_train_split_name(side),
                    .kind = qn_bin_kind_name((enum qn_bin_kind)kind),
                    .number = bin->number,
                    .rows = bin->rows,
                    .positives = bin->positives,
                    .low = bin->low,
                    .high = bin->high,
                    .mean_score = bin->mean_score,
                    .positive_share = (double)bin->positives / (double)bin->rows,
                    .lift = bin->lift,
                    .gain = bin->gain};
            }
    return QN_OK;
}

static qn_code report_points(const struct qn_train_measured *measured, struct qn_findings *findings,
                             struct qn_err *err)
{
    enum { MOST = QN_TRAIN_N_SPLITS * QN_MOST_POINTS };
    findings->points = QN_NEW_ARRAY(findings->arena, struct qn_curve_finding, MOST);
    if (!findings->points)
        return qn_err_nomem(err, "findings");
    for (int side = 0; side < QN_TRAIN_N_SPLITS; side++) {
        const struct qn_train_split_measured *split = &measured->splits[side];
        for (uint32_t i = 0; i < split->n_points; i++) {
            const struct qn_curve_point *point = &split->points[i];
            const struct qn_curve_point *all = &split->points[split->n_points - 1];
            double called = (double)(point->true_positives + point->false_positives);
            findings->points[findings->n_points++] = (struct qn_curve_finding){
                .split = qn_train_split_name(side),
                .number = i + 1,
                .threshold = point->threshold,
                .true_positives = point->true_positives,
                .false_positives = point->false_positives,
                .true_positive_rate = (double)point->true_positives / (double)all->true_positives,
                .false_positive_rate =
                    (double)point->false_positives / (double)all->false_positives,
                .precision = (double)point->true_positives / called};
        }
    }
    return QN_OK;
}

static qn_code report_slices(const struct qn_train *train, const struct qn_train_measured *measured,
                             struct qn_findings *findings, struct qn_err *err)
{
    struct qn_metric_value names[QN_N_METRICS];
    names_of_metrics(names);
    findings->slices = QN_NEW_ARRAY(findings->arena, struct qn_slice_finding,
                                    (size_t)measured->n_slices * QN_N_METRICS);
    if (!findings->slices)
        return qn_err_nomem(err, "findings");
    for (uint32_t s = 0; s < measured->n_slices; s++) {
        const struct qn_train_slice *slice = &measured->slices[s];
        const char *value =
            slice->value.data ? qn_arena_strdup(findings->arena, slice->value) : NULL;
        if (slice->value.data && !value)
            return qn_err_nomem(err, "findings");
        for (int i = 0; i < QN_N_METRICS; i++)
            if (!isnan(slice->metrics[i]))
                findings->slices[findings->n_slices++] = (struct qn_slice_finding){
                    .split = qn_side_name((enum qn_side)slice->side),
                    .column = train->in->fields[train->slices[slice->column]].name,
                    .value = value,
                    .metric = names[i].name,
                    .number = slice->metrics[i]};
    }
    return QN_OK;
}

qn_code qn_train_report(const struct qn_train *train, const struct qn_train_measured *measured,
                        struct qn_findings *findings, struct qn_err *err)
{
    QN_TRY(report_metrics(train, measured, findings, err));
    QN_TRY(report_bins(measured, findings, err));
    QN_TRY(report_points(measured, findings, err));
    return report_slices(train, measured, findings, err);
}
