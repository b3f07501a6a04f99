/* The end of the metrics stage: metrics for people, the model file, promotion. */
#include <stdlib.h>

#include "jobs/learn/artefact.h"
#include "jobs/train/evaluate.h"

static qn_code write_model(const struct qn_train *train, const struct qn_strv *states,
                           struct qn_train_census *census, struct qn_buf *out, struct qn_err *err)
{
    struct qn_prepared prepared;
    struct qn_logistic_state fit = {0};
    qn_prepared_init(&prepared);
    qn_code code = qn_train_state_unpack(states[train->prepare_stage], census, &prepared, err);
    if (code == QN_OK)
        code = qn_logistic_state_unpack(states[train->round_stage], prepared.n_columns, &fit, err);
    struct qn_split *split = malloc(sizeof *split);
    if (code == QN_OK)
        code =
            split ? qn_train_split_read(train, states, split, err) : qn_err_nomem(err, "the split");
    struct qn_calibration calibration;
    if (code == QN_OK)
        code = qn_train_calibration_read(train, states, &prepared.arena, &calibration, err);
    const uint64_t *rows = census->rows[QN_SIDE_TRAIN];
    struct qn_buf negative;
    qn_buf_init(&negative);
    qn_buf_put(&negative, census->others[0].data, census->others[0].len);
    qn_buf_put_u8(&negative, 0);
    if (code == QN_OK)
        code = qn_buf_check(&negative, "the model file", err);
    if (code == QN_OK) {
        const struct qn_artefact_facts facts = {
            .label = train->in->fields[train->label].name,
            .positive = train->positive,
            .negative = train->positive ? (const char *)negative.data : NULL,
            .key = train->in->fields[train->key].name,
            .key_type = train->in->fields[train->key].type,
            .params = train->params,
            .split = split,
            .calibration = &calibration,
            .seed = train->seed,
            .rows = rows[0] + rows[1],
            .positives = rows[1]};
        code = qn_artefact_write(&facts, &prepared, &fit, out, err);
    }
    qn_buf_fini(&negative);
    free(split);
    qn_logistic_state_fini(&fit);
    qn_prepared_fini(&prepared);
    return code;
}

static qn_code report_model(const struct qn_job *job, struct qn_findings *findings,
                            const struct qn_buf *artefact, struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct qn_model_finding *model = &findings->model;
    model->name = job->registers;
    model->algorithm = "logistic_regression";
    if (job->into.disposition == QN_WRITE_REPLACE)
        model->predictions = job->into.table;
    char *bytes = qn_arena_strdup(findings->arena, qn_buf_strv(artefact));
    model->artefact = (struct qn_strv){bytes, artefact->len};
    const struct qn_logistic_params *params = &train->params;
    model->parameters =
        qn_arena_printf(findings->arena,
                        "{\"class_weight\":\"%s\",\"l1\":%.17g,\"l2\":%.17g,\"max_iter\":%u,"
                        "\"scale_pos_weight\":%.17g,\"tol\":%.17g}",
                        params->balanced ? "balanced" : "none", params->l1, params->l2,
                        params->max_iter, params->positive_weight, params->tol);
    return bytes && model->parameters ? QN_OK : qn_err_nomem(err, "findings");
}

qn_code qn_train_finish_metrics(const struct qn_job *job, struct qn_strv bytes,
                                const struct qn_strv *states, struct qn_findings *findings,
                                struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct qn_train_census census = {0};
    struct qn_train_measured found;
    QN_TRY(qn_train_measured_unpack(bytes, train, findings->arena, &found, err));
    struct qn_buf artefact;
    qn_buf_init(&artefact);
    qn_code code = write_model(train, states, &census, &artefact, err);
    if (code == QN_OK)
        code = qn_train_report(train, &found, findings, err);
    if (code == QN_OK && job->registers)
        code = report_model(job, findings, &artefact, err);
    if (code == QN_OK && job->registers)
        code = qn_train_promote(train, states, &census, &found, findings, err);
    qn_buf_fini(&artefact);
    return code;
}
