/* What was measured of a model: rows of _quern_model_metrics, _bins, _curves, _slices,
 * _comparisons, _candidates, _importance and _shap, and of _quern_drift. */
#include "coordinator/store_internal.h"

static const char doing[] = "write what was measured of a model";

/* Whose rows they are; `model` NULL: those of a fit that was not registered. */
struct owner {
    struct qn_store *store;
    const char *run_id, *job, *model;
    uint32_t version;
};

/* The first four columns of every table. */
static qn_code begin(const struct owner *owner, const char *sql, struct qn_sqlite_args *args,
                     struct qn_err *err)
{
    QN_TRY(qn_store_args(owner->store, sql, doing, args, err));
    qn_sqlite_text(args, owner->run_id);
    qn_sqlite_text(args, owner->job);
    qn_sqlite_text(args, owner->model);
    if (owner->model)
        qn_sqlite_u64(args, owner->version);
    else
        qn_sqlite_null(args);
    return QN_OK;
}

static void put_numbers(struct qn_sqlite_args *args, const double *numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        qn_sqlite_f64(args, numbers[i]);
}

/* 0: NULL. */
static void put_count(struct qn_sqlite_args *args, uint64_t count)
{
    if (count)
        qn_sqlite_u64(args, count);
    else
        qn_sqlite_null(args);
}

static qn_code metric_put(const struct owner *owner, const struct qn_metric_finding *metric,
                          struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_model_metrics VALUES(?,?,?,?,?,?,?)";
    struct qn_sqlite_args args;
    QN_TRY(begin(owner, sql, &args, err));
    qn_sqlite_text(&args, metric->split);
    qn_sqlite_text(&args, metric->metric);
    qn_sqlite_f64(&args, metric->value);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code bin_put(const struct owner *owner, const struct qn_bin_finding *bin,
                       struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_model_bins VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    const double numbers[] = {bin->low,  bin->high, bin->mean_score, bin->positive_share,
                              bin->lift, bin->gain};
    struct qn_sqlite_args args;
    QN_TRY(begin(owner, sql, &args, err));
    qn_sqlite_text(&args, bin->split);
    qn_sqlite_text(&args, bin->kind);
    qn_sqlite_u64(&args, bin->number);
    qn_sqlite_u64(&args, bin->rows);
    qn_sqlite_u64(&args, bin->positives);
    put_numbers(&args, numbers, sizeof numbers / sizeof numbers[0]);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code point_put(const struct owner *owner, const struct qn_curve_finding *point,
                         struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_model_curves VALUES(?,?,?,?,?,?,?,?,?,?,?,?)";
    struct qn_sqlite_args args;
    QN_TRY(begin(owner, sql, &args, err));
    qn_sqlite_text(&args, point->split);
    qn_sqlite_u64(&args, point->number);
    qn_sqlite_f64(&args, point->threshold);
    qn_sqlite_u64(&args, point->true_positives);
    qn_sqlite_u64(&args, point->false_positives);
    qn_sqlite_f64(&args, point->true_positive_rate);
    qn_sqlite_f64(&args, point->false_positive_rate);
    qn_sqlite_f64(&args, point->precision);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code slice_put(const struct owner *owner, const struct qn_slice_finding *slice,
                         struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_model_slices VALUES(?,?,?,?,?,?,?,?,?)";
    struct qn_sqlite_args args;
    QN_TRY(begin(owner, sql, &args, err));
    qn_sqlite_text(&args, slice->split);
    qn_sqlite_text(&args, slice->column);
    qn_sqlite_text(&args, slice->value);
    qn_sqlite_text(&args, slice->metric);
    qn_sqlite_f64(&args, slice->number);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code comparison_put(const struct owner *owner, uint32_t rule,
                              const struct qn_comparison_finding *found, struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_model_comparisons "
                              "VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
    const double numbers[] = {found->value,     found->against_value, found->difference,
                              found->std_error, found->confidence,    found->low,
                              found->margin};
    struct qn_sqlite_args args;
    QN_TRY(begin(owner, sql, &args, err));
    qn_sqlite_u64(&args, rule);
    qn_sqlite_text(&args, found->alias);
    qn_sqlite_u64(&args, found->against);
    qn_sqlite_text(&args, found->split);
    qn_sqlite_text(&args, found->metric);
    qn_sqlite_u64(&args, found->rows);
    qn_sqlite_u64(&args, found->positives);
    put_numbers(&args, numbers, sizeof numbers / sizeof numbers[0]);
    qn_sqlite_u64(&args, found->holds);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code candidate_put(const struct owner *owner, const struct qn_candidate_finding *found,
                             struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_model_candidates VALUES(?,?,?,?,?,?,?,?,?,?,?)";
    struct qn_sqlite_args args;
    QN_TRY(begin(owner, sql, &args, err));
    qn_sqlite_u64(&args, found->candidate);
    qn_sqlite_text(&args, found->params);
    put_count(&args, found->fold);
    qn_sqlite_f64(&args, found->share);
    qn_sqlite_text(&args, found->metric);
    qn_sqlite_f64(&args, found->value);
    qn_sqlite_u64(&args, found->chosen);
    return qn_sqlite_run(&args, doing, err);
}

/* Of the version that the rows are held against, not of the one that was fitted. */
static qn_code drift_put(const struct owner *owner, const struct qn_drift_finding *found,
                         struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_drift VALUES(?,?,?,?,?,?,?,?,?,?)";
    const struct owner of = {owner->store, owner->run_id, owner->job, found->model, found->version};
    const double numbers[] = {found->psi, found->js};
    struct qn_sqlite_args args;
    QN_TRY(begin(&of, sql, &args, err));
    qn_sqlite_text(&args, found->feature);
    put_numbers(&args, numbers, 2);
    qn_sqlite_u64(&args, found->rows);
    qn_sqlite_u64(&args, found->baseline_rows);
    qn_sqlite_text(&args, found->bins);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code importance_put(const struct owner *owner, const struct qn_importance_finding *found,
                              struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_model_importance VALUES(?,?,?,?,?,?,?,?,?,?,?)";
    struct qn_sqlite_args args;
    QN_TRY(begin(owner, sql, &args, err));
    qn_sqlite_text(&args, found->kind);
    qn_sqlite_text(&args, found->feature);
    qn_sqlite_text(&args, found->metric);
    qn_sqlite_f64(&args, found->value);
    qn_sqlite_f64(&args, found->spread);
    put_count(&args, found->repeats);
    put_count(&args, found->rows);
    return qn_sqlite_run(&args, doing, err);
}

static qn_code swarm_put(const struct owner *owner, const struct qn_swarm_finding *found,
                         struct qn_err *err)
{
    static const char sql[] = "INSERT INTO _quern_model_shap VALUES(?,?,?,?,?,?,?,?,?)";
    struct qn_sqlite_args args;
    QN_TRY(begin(owner, sql, &args, err));
    qn_sqlite_text(&args, found->feature);
    qn_sqlite_f64(&args, found->low);
    qn_sqlite_f64(&args, found->high);
    if (found->level < 0)
        qn_sqlite_null(&args);
    else
        qn_sqlite_u64(&args, (uint64_t)found->level);
    qn_sqlite_u64(&args, found->rows);
    return qn_sqlite_run(&args, doing, err);
}

qn_code qn_store_evaluation_forget(struct qn_store *store, const char *run_id, const char *job,
                                   struct qn_err *err)
{
#define FORGET(table) "DELETE FROM _quern_" table " WHERE run_id = ? AND job = ?"
    static const char metrics[] = FORGET("model_metrics"), bins[] = FORGET("model_bins"),
                      curves[] = FORGET("model_curves"), slices[] = FORGET("model_slices"),
                      comparisons[] = FORGET("model_comparisons"),
                      candidates[] = FORGET("model_candidates"), drift[] = FORGET("drift"),
                      importance[] = FORGET("model_importance"), shap[] = FORGET("model_shap");
#undef FORGET
    static const char *const statements[] = {metrics,    bins,  curves,     slices, comparisons,
                                             candidates, drift, importance, shap};
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        struct qn_sqlite_args args;
        QN_TRY(qn_store_args(store, statements[i], doing, &args, err));
        qn_sqlite_text(&args, run_id);
        qn_sqlite_text(&args, job);
        QN_TRY(qn_sqlite_run(&args, doing, err));
    }
    return QN_OK;
}

qn_code qn_store_evaluation_put(struct qn_store *store, const char *run_id, const char *job,
                                const struct qn_findings *findings, const char *model,
                                uint32_t version, struct qn_err *err)
{
    const struct owner owner = {store, run_id, job, model, version};
    for (uint32_t i = 0; i < findings->n_metrics; i++)
        QN_TRY(metric_put(&owner, &findings->metrics[i], err));
    for (uint32_t i = 0; i < findings->n_bins; i++)
        QN_TRY(bin_put(&owner, &findings->bins[i], err));
    for (uint32_t i = 0; i < findings->n_points; i++)
        QN_TRY(point_put(&owner, &findings->points[i], err));
    for (uint32_t i = 0; i < findings->n_slices; i++)
        QN_TRY(slice_put(&owner, &findings->slices[i], err));
    for (uint32_t i = 0; i < findings->n_candidates; i++)
        QN_TRY(candidate_put(&owner, &findings->candidates[i], err));
    for (uint32_t i = 0; i < findings->n_drifts; i++)
        QN_TRY(drift_put(&owner, &findings->drifts[i], err));
    for (uint32_t i = 0; i < findings->n_importances; i++)
        QN_TRY(importance_put(&owner, &findings->importances[i], err));
    for (uint32_t i = 0; i < findings->n_swarm; i++)
        QN_TRY(swarm_put(&owner, &findings->swarm[i], err));
    for (uint32_t i = 0; model && i < findings->n_comparisons; i++)
        QN_TRY(comparison_put(&owner, i, &findings->comparisons[i], err));
    return QN_OK;
}
