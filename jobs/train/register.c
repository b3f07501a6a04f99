/* The end of the metrics stage: metrics for people, the model file, promotion. */
#include "jobs/learn/artefact.h"
#include "jobs/train/evaluate.h"
#include "jobs/train/evaluated.h"

static struct qn_model_rows rows_of(const struct qn_train *train, const struct qn_split *split)
{
    const struct qn_field *key = &train->in->fields[train->key],
                          *by = &train->in->fields[train->by];
    return (struct qn_model_rows){.key = key->name,
                                  .key_type = key->type,
                                  .by = train->by == train->key ? NULL : by->name,
                                  .by_type = by->type,
                                  .seed = train->seed,
                                  .split = split};
}

static qn_code write_model(const struct qn_train *train, const struct qn_strv *states,
                           const struct qn_train_evaluated *evaluated,
                           struct qn_train_census *census, struct qn_arena *arena,
                           struct qn_buf *out, struct qn_buf *params, struct qn_err *err)
{
    struct qn_strv baseline, prepared;
    struct qn_calibration calibration;
    struct qn_split *split = QN_NEW(arena, struct qn_split);
    if (!split)
        return qn_err_nomem(err, "the split");
    const void *plan;
    QN_TRY(qn_train_plan(train, states, &plan, err));
    QN_TRY(qn_train_state_unpack(states[train->prepare_stage], census, &baseline, &prepared, err));
    QN_TRY(qn_train_split_read(train, states, split, err));
    QN_TRY(qn_train_calibration_read(train, states, arena, &calibration, err));
    const uint64_t *rows = census->rows[QN_SIDE_TRAIN];
    const char *negative = qn_arena_strdup(arena, census->others[0]);
    if (!negative)
        return qn_err_nomem(err, "the model file");
    const struct qn_artefact_facts facts = {.label = train->in->fields[train->label].name,
                                            .positive = train->positive,
                                            .negative = train->positive ? negative : NULL,
                                            .from = rows_of(train, split),
                                            .calibration = &calibration,
                                            .baseline = &evaluated->baseline,
                                            .rows = rows[0] + rows[1],
                                            .positives = rows[1]};
    return qn_artefact_write(&facts, train->algorithm, plan, prepared, states[train->round_stage],
                             out, params, err);
}

static qn_code report_importance(const struct qn_train *train, const struct qn_strv *states,
                                 struct qn_findings *findings, struct qn_err *err)
{
    struct qn_train_census census;
    struct qn_strv baseline, prepared;
    struct qn_model *model;
    const void *plan;
    QN_TRY(qn_train_plan(train, states, &plan, err));
    QN_TRY(qn_train_state_unpack(states[train->prepare_stage], &census, &baseline, &prepared, err));
    QN_TRY(train->algorithm->model(plan, prepared, states[train->round_stage], &model, err));
    qn_code code = qn_importance_report(train, model, states, findings, err);
    qn_model_free(model);
    return code;
}

static qn_code report_model(const struct qn_job *job, struct qn_findings *findings,
                            const struct qn_buf *artefact, const struct qn_buf *params,
                            struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct qn_model_finding *model = &findings->model;
    model->name = job->registers;
    model->algorithm = train->algorithm->name;
    if (job->into.disposition == QN_WRITE_REPLACE)
        model->predictions = job->into.table;
    char *bytes = qn_arena_strdup(findings->arena, qn_buf_strv(artefact));
    model->artefact = (struct qn_strv){bytes, artefact->len};
    model->parameters = qn_arena_strdup(findings->arena, qn_buf_strv(params));
    return bytes && model->parameters ? QN_OK : qn_err_nomem(err, "findings");
}

static qn_code report_all(const struct qn_job *job, const struct qn_train_measured *found,
                          const struct qn_strv *states, const struct qn_train_evaluated *evaluated,
                          struct qn_findings *findings, struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct qn_train_census census = {0};
    struct qn_buf artefact, params;
    qn_buf_init(&artefact);
    qn_buf_init(&params);
    qn_code code =
        write_model(train, states, evaluated, &census, findings->arena, &artefact, &params, err);
    if (code == QN_OK)
        code = qn_train_report(train, found, findings, err);
    if (code == QN_OK)
        code = report_importance(train, states, findings, err);
    if (code == QN_OK && train->search)
        code = qn_search_report(train->search, states, findings, err);
    if (code == QN_OK && !train->retrain)
        code = qn_train_drift_report(job, &evaluated->drift, findings, err);
    if (code == QN_OK && job->registers)
        code = report_model(job, findings, &artefact, &params, err);
    if (code == QN_OK && job->registers)
        code = qn_train_promote(train, evaluated, &census, found, findings, err);
    qn_buf_fini(&artefact);
    qn_buf_fini(&params);
    return code;
}

qn_code qn_train_finish_metrics(const struct qn_job *job, struct qn_strv bytes,
                                const struct qn_strv *states, struct qn_findings *findings,
                                struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct qn_train_measured found;
    struct qn_train_evaluated evaluated;
    QN_TRY(qn_train_measured_unpack(bytes, train, findings->arena, &found, err));
    qn_train_evaluated_init(&evaluated);
    qn_code code = qn_train_evaluated_merge(&evaluated, states[train->evaluate_stage], err);
    if (code == QN_OK)
        code = report_all(job, &found, states, &evaluated, findings, err);
    qn_train_evaluated_fini(&evaluated);
    return code;
}
