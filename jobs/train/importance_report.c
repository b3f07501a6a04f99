/* evaluate.importance of a spec, and what is told of importances in the end. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/learn/permute.h"
#include "jobs/train/importance.h"
#include "jobs/train/train.h"
#include "spec/node.h"

/* --- the spec -------------------------------------------------------------------------------- */

enum {
    REPEATS = 5,
    MOST_TASKS = 32, /* of permutations */
    SHAP_TASKS = 16,
    SHOWN = 40 /* features whose contributions are told row by row */
};

/* Fewer rows where there are many features: the work is about the same. */
static uint32_t usual_rows(uint32_t most, uint32_t cells, uint32_t least, uint32_t n_features)
{
    uint32_t rows = n_features ? cells / n_features : most;
    return rows > most ? most : rows < least ? least : rows;
}

static uint32_t count(const struct qn_node *node, const char *name, uint32_t usual)
{
    return (uint32_t)qn_node_i64(qn_node_get(node, name), usual);
}

static qn_code held_schema(const struct qn_train *train, struct qn_importance *out,
                           struct qn_arena *arena, struct qn_err *err)
{
    uint32_t n = QN_HELD_FEATURES + train->n_features;
    struct qn_field *fields = QN_NEW_ARRAY(arena, struct qn_field, n);
    if (!fields)
        return qn_err_nomem(err, "a train job");
    fields[QN_HELD_PLACE] = (struct qn_field){"place", {.id = QN_INT64}};
    fields[QN_HELD_LABEL] = (struct qn_field){"label", {.id = QN_BOOL}};
    for (uint32_t f = 0; f < train->n_features; f++)
        fields[QN_HELD_FEATURES + f] = train->in->fields[train->columns[f]];
    out->held = (struct qn_schema){.fields = fields, .n_fields = n};
    return QN_OK;
}

qn_code qn_importance_compile(const struct qn_train *train, const struct qn_node *node,
                              struct qn_diags *diags, struct qn_arena *arena,
                              struct qn_importance **out, struct qn_err *err)
{
    const struct qn_node *metric = qn_node_get(node, "metric");
    uint32_t n = train->n_features;
    *out = NULL;
    if (!node)
        return QN_OK;
    struct qn_importance *plan = QN_NEW(arena, struct qn_importance);
    if (!plan)
        return qn_err_nomem(err, "a train job");
    *plan = (struct qn_importance){.metric = qn_node_text(metric, "roc_auc"),
                                   .repeats = count(node, "repeats", REPEATS),
                                   .rows = count(node, "rows", usual_rows(10000, 300000, 1000, n)),
                                   .shap_rows =
                                       count(node, "shap_rows", usual_rows(1000, 100000, 200, n))};
    if (qn_permute_sign(plan->metric) == 0)
        qn_diags_add(diags, metric->span, qn_permute_metrics(), NULL,
                     "importance cannot be told by '%s'", plan->metric);
    plan->n_permute = plan->repeats == 0 ? 0 : n < MOST_TASKS ? n : MOST_TASKS;
    plan->n_shap = plan->shap_rows == 0 ? 0 : SHAP_TASKS;
    if (plan->n_permute + plan->n_shap == 0 || n == 0)
        return QN_OK;
    *out = plan;
    return held_schema(train, plan, arena, err);
}

/* --- findings -------------------------------------------------------------------------------- */

static void add(struct qn_findings *findings, struct qn_importance_finding finding)
{
    findings->importances[findings->n_importances++] = finding;
}

static void report_permutations(const struct qn_train *train,
                                const struct qn_importance_found *found,
                                struct qn_findings *findings)
{
    for (uint32_t f = 0; f < train->n_features; f++) {
        if (isnan(found->values[f]))
            continue;
        add(findings, (struct qn_importance_finding){.feature = train->features[f].name,
                                                     .kind = "permutation",
                                                     .metric = train->importance->metric,
                                                     .value = found->values[f],
                                                     .spread = found->spreads[f],
                                                     .repeats = train->importance->repeats,
                                                     .rows = found->rows});
    }
}

/* By falling mean size; earlier features first where those tie. */
static void rank(const struct qn_swarm *swarm, uint32_t *order)
{
    for (uint32_t i = 0; i < swarm->n_features; i++) {
        double size = qn_swarm_mean(swarm, i);
        uint32_t at = i;
        for (; at > 0 && qn_swarm_mean(swarm, order[at - 1]) < size; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static void report_cells(const struct qn_train *train, const struct qn_swarm *swarm,
                         uint32_t feature, struct qn_findings *findings)
{
    double width = ldexp(1, swarm->exponents[feature]);
    for (int bin = -QN_SWARM_SIDE; bin < QN_SWARM_SIDE; bin++)
        for (uint32_t level = 0; level <= QN_SWARM_LEVELS; level++) {
            uint32_t rows = qn_swarm_at(swarm, feature, bin, level);
            if (rows)
                findings->swarm[findings->n_swarm++] = (struct qn_swarm_finding){
                    .feature = train->features[feature].name,
                    .low = bin * width,
                    .high = (bin + 1) * width,
                    .level = level == QN_SWARM_NO_LEVEL ? -1 : (int32_t)level,
                    .rows = rows};
        }
}

static qn_code report_swarm(const struct qn_train *train, const struct qn_swarm *swarm,
                            struct qn_findings *findings, struct qn_err *err)
{
    uint32_t n = swarm->n_features, shown = n < SHOWN ? n : SHOWN;
    uint32_t *order = QN_NEW_ARRAY(findings->arena, uint32_t, n);
    findings->swarm =
        QN_NEW_ARRAY(findings->arena, struct qn_swarm_finding, (size_t)shown * QN_SWARM_CELLS);
    if (!order || !findings->swarm)
        return qn_err_nomem(err, "findings");
    if (swarm->rows == 0)
        return QN_OK;
    rank(swarm, order);
    for (uint32_t f = 0; f < n; f++)
        add(findings, (struct qn_importance_finding){.feature = train->features[f].name,
                                                     .kind = "shap",
                                                     .value = qn_swarm_mean(swarm, f),
                                                     .spread = (double)NAN,
                                                     .rows = swarm->rows});
    for (uint32_t i = 0; i < shown && qn_swarm_mean(swarm, order[i]) > 0; i++)
        report_cells(train, swarm, order[i], findings);
    return QN_OK;
}

static qn_code report_gains(const struct qn_train *train, const struct qn_model *model,
                            struct qn_findings *findings, struct qn_err *err)
{
    double *gains = QN_NEW_ARRAY(findings->arena, double, train->n_features);
    if (!gains)
        return qn_err_nomem(err, "findings");
    if (!model->ops->gains)
        return QN_OK;
    model->ops->gains(model, gains);
    for (uint32_t f = 0; f < train->n_features; f++)
        add(findings, (struct qn_importance_finding){.feature = train->features[f].name,
                                                     .kind = "gain",
                                                     .value = gains[f],
                                                     .spread = (double)NAN});
    return QN_OK;
}

qn_code qn_importance_report(const struct qn_train *train, const struct qn_model *model,
                             const struct qn_strv *states, struct qn_findings *findings,
                             struct qn_err *err)
{
    enum { KINDS = 3 };
    struct qn_importance_found found;
    findings->importances = QN_NEW_ARRAY(findings->arena, struct qn_importance_finding,
                                         (size_t)train->n_features * KINDS);
    if (!findings->importances)
        return qn_err_nomem(err, "findings");
    QN_TRY(report_gains(train, model, findings, err));
    if (!train->importance)
        return QN_OK;
    qn_code code = qn_importance_found_init(&found, train->n_features, err);
    if (code == QN_OK)
        code = qn_importance_found_merge(&found, states[train->importance->stage], err);
    if (code == QN_OK) {
        report_permutations(train, &found, findings);
        code = report_swarm(train, &found.swarm, findings, err);
    }
    qn_importance_found_fini(&found);
    return code;
}
