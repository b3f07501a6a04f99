#include "jobs/train/importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/learn/permute.h"
#include "jobs/train/fitted.h"

/* --- what is known so far -------------------------------------------------------------------- */

qn_code qn_importance_found_init(struct qn_importance_found *found, uint32_t n_features,
                                 struct qn_err *err)
{
    *found = (struct qn_importance_found){.n_features = n_features};
    found->values = malloc((n_features + (size_t)1) * sizeof *found->values);
    found->spreads = malloc((n_features + (size_t)1) * sizeof *found->spreads);
    if (!found->values || !found->spreads)
        return qn_err_nomem(err, "importances");
    for (uint32_t f = 0; f < n_features; f++)
        found->values[f] = found->spreads[f] = (double)NAN;
    return qn_swarm_init(&found->swarm, n_features, err);
}

void qn_importance_found_fini(struct qn_importance_found *found)
{
    free(found->values);
    free(found->spreads);
    qn_swarm_fini(&found->swarm);
}

/* u64 rows | u32 features that are known, and each: u32 which, f64 value, f64 spread | swarm. */
void qn_importance_found_pack(struct qn_buf *out, const struct qn_importance_found *found)
{
    uint32_t known = 0;
    for (uint32_t f = 0; f < found->n_features; f++)
        known += isnan(found->values[f]) ? 0 : 1;
    qn_buf_put_u64(out, found->rows);
    qn_buf_put_u32(out, known);
    for (uint32_t f = 0; f < found->n_features; f++)
        if (!isnan(found->values[f])) {
            qn_buf_put_u32(out, f);
            qn_buf_put_f64(out, found->values[f]);
            qn_buf_put_f64(out, found->spreads[f]);
        }
    qn_swarm_pack(out, &found->swarm);
}

qn_code qn_importance_found_merge(struct qn_importance_found *found, struct qn_strv bytes,
                                  struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    uint64_t rows = qn_unpack_u64(&in);
    uint32_t n = qn_unpack_count(&in, 4 + 8 + 8);
    in.failed |= rows && found->rows && rows != found->rows;
    for (uint32_t i = 0; i < n && !in.failed; i++) {
        uint32_t f = qn_unpack_u32(&in);
        double value = qn_unpack_f64(&in), spread = qn_unpack_f64(&in);
        in.failed |= f >= found->n_features || !isfinite(value) || !(spread >= 0);
        if (in.failed)
            break;
        found->values[f] = value;
        found->spreads[f] = spread;
    }
    qn_swarm_merge(&found->swarm, &in);
    found->rows = rows ? rows : found->rows;
    return qn_unpack_end(&in, "importances", err);
}

/* --- the model ------------------------------------------------------------------------------- */

/* What an executor keeps from task to task. */
struct judge {
    struct qn_train_fitted fitted;
    double *gains; /* by feature; NULL: the model has no splits */
    bool has_base;
    double base; /* the metric of the rows as they are */
};

static void judge_free(void *data)
{
    struct judge *judge = data;
    qn_train_fitted_fini(&judge->fitted);
    free(judge->gains);
    free(judge);
}

static qn_code judge_get(const struct qn_train *train, struct qn_task_in *in, struct judge **out,
                         struct qn_err *err)
{
    const struct qn_train_walk walk = {.train = train, .in = in};
    *out = in->job_cache->data;
    if (*out)
        return QN_OK;
    struct judge *judge = calloc(1, sizeof *judge);
    if (!judge)
        return qn_err_nomem(err, "a model");
    qn_code code = qn_train_fitted_init(&judge->fitted, &walk, err);
    if (code == QN_OK && judge->fitted.model->ops->gains) {
        judge->gains = calloc(train->n_features + (size_t)1, sizeof *judge->gains);
        code = judge->gains ? QN_OK : qn_err_nomem(err, "a model");
    }
    if (code != QN_OK) {
        judge_free(judge);
        return code;
    }
    if (judge->gains)
        judge->fitted.model->ops->gains(judge->fitted.model, judge->gains);
    *in->job_cache = (struct qn_task_cache){.data = judge, .free = judge_free};
    *out = judge;
    return QN_OK;
}

struct task {
    const struct qn_train *train;
    struct qn_task_in *in;
    struct judge *judge;
    const struct qn_held_rows *rows;
    const struct qn_column **columns; /* by feature; what is permuted stands in its place */
    uint32_t *picked;                 /* [QN_BATCH_ROWS] */
    double *scores;                   /* [QN_BATCH_ROWS] */
};

static qn_code task_init(struct task *task, struct qn_err *err)
{
    struct qn_arena *arena = task->in->arena;
    uint32_t n = task->train->n_features;
    QN_TRY(judge_get(task->train, task->in, &task->judge, err));
    QN_TRY(qn_held_rows_get(task->in, task->train, &task->rows, err));
    task->columns = QN_NEW_ARRAY(arena, const struct qn_column *, n);
    task->picked = QN_NEW_ARRAY(arena, uint32_t, QN_BATCH_ROWS);
    task->scores = QN_NEW_ARRAY(arena, double, QN_BATCH_ROWS);
    if (!task->columns || !task->picked || !task->scores)
        return qn_err_nomem(err, "importances");
    for (uint32_t f = 0; f < n; f++)
        task->columns[f] = task->rows->columns[f];
    return QN_OK;
}

/* --- permutations ---------------------------------------------------------------------------- */

static qn_code score_rows(struct task *task, struct qn_scores *scores, struct qn_err *err)
{
    const struct qn_train_fitted *fitted = &task->judge->fitted;
    for (uint32_t begin = 0; begin < task->rows->n; begin += QN_BATCH_ROWS) {
        uint32_t n = task->rows->n - begin < QN_BATCH_ROWS ? task->rows->n - begin : QN_BATCH_ROWS;
        if (atomic_load(task->in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        for (uint32_t i = 0; i < n; i++)
            task->picked[i] = begin + i;
        QN_TRY(fitted->model->ops->score(fitted->model, task->columns, task->picked, n,
                                         task->scores, err));
        for (uint32_t i = 0; i < n; i++)
            QN_TRY(qn_scores_add(scores,
                                 qn_calibration_apply(&fitted->calibration, task->scores[i]),
                                 task->rows->labels[begin + i], err));
    }
    return QN_OK;
}

static qn_code measure(struct task *task, double *out, struct qn_err *err)
{
    struct qn_scores scores;
    qn_scores_init(&scores);
    qn_code code = score_rows(task, &scores, err);
    if (code == QN_OK)
        code = qn_permute_metric(task->train->importance->metric, &scores, out, err);
    qn_scores_fini(&scores);
    return code;
}

static qn_code measure_base(struct task *task, struct qn_err *err)
{
    if (task->judge->has_base)
        return QN_OK;
    QN_TRY(measure(task, &task->judge->base, err));
    task->judge->has_base = true;
    return QN_OK;
}

/* The metric with the feature's values dealt anew. */
static qn_code measure_dealt(struct task *task, uint32_t feature, uint32_t repeat, double *out,
                             struct qn_err *err)
{
    const struct qn_held_rows *rows = task->rows;
    struct qn_arena arena;
    struct qn_column column;
    qn_arena_init(&arena);
    uint32_t *from = QN_NEW_ARRAY(&arena, uint32_t, rows->n);
    qn_code code = from ? QN_OK : qn_err_nomem(err, "importances");
    if (code == QN_OK)
        code = qn_permute_deal(rows->ids, rows->n, task->train->seed, feature, repeat, from, err);
    if (code == QN_OK)
        code = qn_column_take(&arena, rows->columns[feature], rows->n, from, rows->n, &column, err);
    task->columns[feature] = &column;
    if (code == QN_OK)
        code = measure(task, out, err);
    task->columns[feature] = rows->columns[feature];
    qn_arena_fini(&arena);
    return code;
}

/* A feature that no split asks for changes nothing. */
static qn_code judge_feature(struct task *task, uint32_t feature, double *drops,
                             struct qn_permute_drops *out, struct qn_err *err)
{
    const struct qn_importance *plan = task->train->importance;
    int sign = qn_permute_sign(plan->metric);
    *out = (struct qn_permute_drops){0, 0};
    if (task->judge->gains && task->judge->gains[feature] == 0)
        return QN_OK;
    for (uint32_t r = 0; r < plan->repeats; r++) {
        QN_TRY(measure_dealt(task, feature, r, &drops[r], err));
        drops[r] = sign * (task->judge->base - drops[r]);
    }
    *out = qn_permute_sum(drops, plan->repeats);
    return QN_OK;
}

static qn_code permute(struct task *task, struct qn_importance_found *found, struct qn_err *err)
{
    const struct qn_importance *plan = task->train->importance;
    double *drops = QN_NEW_ARRAY(task->in->arena, double, plan->repeats);
    if (!drops)
        return qn_err_nomem(err, "importances");
    if (task->rows->n == 0)
        return QN_OK;
    QN_TRY(measure_base(task, err));
    if (isnan(task->judge->base))
        return QN_OK;
    for (uint32_t f = task->in->unit; f < found->n_features; f += plan->n_permute) {
        struct qn_permute_drops sum;
        QN_TRY(judge_feature(task, f, drops, &sum, err));
        found->values[f] = sum.value;
        found->spreads[f] = sum.spread;
    }
    found->rows = task->rows->n;
    return QN_OK;
}

/* --- contributions --------------------------------------------------------------------------- */

static qn_code explain_rows(struct task *task, uint32_t n, struct qn_swarm *swarm,
                            struct qn_err *err)
{
    struct qn_arena *arena = task->in->arena;
    struct qn_model *model = task->judge->fitted.model;
    uint32_t n_features = task->train->n_features;
    double *parts = QN_NEW_ARRAY(arena, double, (size_t)n *(n_features + 1));
    uint8_t *levels = QN_NEW_ARRAY(arena, uint8_t, (size_t)n * n_features);
    if (!parts || !levels)
        return qn_err_nomem(err, "contributions");
    for (uint32_t f = 0; f < n_features; f++)
        for (uint32_t i = 0; i < n; i++)
            levels[(size_t)f * n + i] =
                task->rows->levels[(size_t)f * task->rows->n_explained + task->picked[i]];
    QN_TRY(model->ops->explain(model, task->columns, task->picked, n, parts, task->scores, err));
    qn_swarm_add(swarm, parts, n, levels, n);
    return QN_OK;
}

/* Every n_shap-th of the rows, a few at a time: contributions take the most memory. */
static qn_code explain(struct task *task, struct qn_importance_found *found, struct qn_err *err)
{
    const struct qn_importance *plan = task->train->importance;
    enum { AT_ONCE = 256 };
    uint32_t n = 0;
    for (uint32_t row = task->in->unit - plan->n_permute; row < task->rows->n_explained;) {
        task->picked[n++] = row;
        row += plan->n_shap;
        if (n < AT_ONCE && row < task->rows->n_explained)
            continue;
        if (atomic_load(task->in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        QN_TRY(explain_rows(task, n, &found->swarm, err));
        n = 0;
    }
    return QN_OK;
}

/* --- one task -------------------------------------------------------------------------------- */

qn_code qn_importance_run(const struct qn_train *train, struct qn_task_in *in,
                          struct qn_task_out *out, struct qn_err *err)
{
    struct task task = {.train = train, .in = in};
    struct qn_importance_found found;
    struct qn_buf partial;
    qn_buf_init(&partial);
    QN_TRY(task_init(&task, err));
    qn_code code = qn_importance_found_init(&found, train->n_features, err);
    if (code == QN_OK)
        code = (in->unit < train->importance->n_permute ? permute : explain)(&task, &found, err);
    if (code == QN_OK)
        qn_importance_found_pack(&partial, &found);
    qn_importance_found_fini(&found);
    return code == QN_OK ? qn_train_give(out, &partial, err) : code;
}
