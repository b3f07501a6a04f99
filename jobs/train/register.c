/* The end of the metrics stage: metrics for people, the model file, promotion. */
#include <math.h>

#include "jobs/learn/artefact.h"
#include "jobs/train/evaluate.h"

static qn_code write_model(const struct qn_train *train, const struct qn_strv *states,
                           struct qn_train_census *census, struct qn_buf *out,
                           struct qn_buf *params, struct qn_err *err)
{
    struct qn_strv prepared;
    QN_TRY(qn_train_state_unpack(states[train->prepare_stage], census, &prepared, err));
    const uint64_t *rows = census->rows[QN_SIDE_TRAIN];
    struct qn_buf negative;
    qn_buf_init(&negative);
    qn_buf_put(&negative, census->others[0].data, census->others[0].len);
    qn_buf_put_u8(&negative, 0);
    qn_code code = qn_buf_check(&negative, "the model file", err);
    if (code == QN_OK) {
        const struct qn_artefact_facts facts = {
            .label = train->in->fields[train->label].name,
            .positive = train->positive,
            .negative = train->positive ? (const char *)negative.data : NULL,
            .key = train->in->fields[train->key].name,
            .test = train->test,
            .validation = train->validation,
            .stratified = train->stratify,
            .seed = train->seed,
            .rows = rows[0] + rows[1],
            .positives = rows[1]};
        code = qn_artefact_write(&facts, train->algorithm, train->plan, prepared,
                                 states[train->round_stage], out, params, err);
    }
    qn_buf_fini(&negative);
    return code;
}

static qn_code report_metrics(struct qn_findings *findings, const struct qn_train_census *census,
                              double values[QN_N_SIDES][QN_N_METRICS], struct qn_err *err)
{
    struct qn_metrics none = {0};
    struct qn_metric_value names[QN_N_METRICS];
    qn_metrics_list(&none, names);
    findings->metrics =
        QN_NEW_ARRAY(findings->arena, struct qn_metric_finding, (size_t)QN_N_SIDES * QN_N_METRICS);
    if (!findings->metrics)
        return qn_err_nomem(err, "findings");
    for (int side = 0; side < QN_N_SIDES; side++)
        for (int i = 0; i < QN_N_METRICS; i++) {
            if (census->rows[side][0] + census->rows[side][1] == 0 || isnan(values[side][i]))
                continue;
            findings->metrics[findings->n_metrics++] =
                (struct qn_metric_finding){.split = qn_side_name((enum qn_side)side),
                                           .metric = names[i].name,
                                           .value = values[side][i]};
        }
    return QN_OK;
}

static qn_code report_model(const struct qn_job *job, struct qn_findings *findings,
                            const struct qn_buf *artefact, const struct qn_buf *params,
                            struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct qn_model_finding *model = &findings->model;
    model->name = job->registers;
    model->algorithm = train->algorithm->name;
    char *bytes = qn_arena_strdup(findings->arena, qn_buf_strv(artefact));
    model->artefact = (struct qn_strv){bytes, artefact->len};
    model->parameters = qn_arena_strdup(findings->arena, qn_buf_strv(params));
    return bytes && model->parameters ? QN_OK : qn_err_nomem(err, "findings");
}

qn_code qn_train_finish_metrics(const struct qn_job *job, struct qn_strv measured,
                                const struct qn_strv *states, struct qn_findings *findings,
                                struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct qn_train_census census = {0};
    double values[QN_N_SIDES][QN_N_METRICS];
    struct qn_unpack in = qn_unpack_from(measured);
    for (int side = 0; side < QN_N_SIDES; side++)
        for (int i = 0; i < QN_N_METRICS; i++)
            values[side][i] = qn_unpack_f64(&in);
    QN_TRY(qn_unpack_end(&in, "metrics", err));
    struct qn_buf artefact, params;
    qn_buf_init(&artefact);
    qn_buf_init(&params);
    qn_code code = write_model(train, states, &census, &artefact, &params, err);
    if (code == QN_OK)
        code = report_metrics(findings, &census, values, err);
    if (code == QN_OK && job->registers)
        code = report_model(job, findings, &artefact, &params, err);
    if (code == QN_OK && job->registers)
        code = qn_train_promote(train, &census, findings, err);
    qn_buf_fini(&artefact);
    qn_buf_fini(&params);
    return code;
}
