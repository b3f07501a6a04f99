#include "jobs/learn/scorer.h"

#include <stdlib.h>

void qn_scorer_free(void *data)
{
    struct qn_scorer *scorer = data;
    if (!scorer)
        return;
    qn_model_free(scorer->model);
    free(scorer->positions);
    free((void *)scorer->columns);
    free(scorer->gaps);
    free(scorer->hollow);
    free(scorer->nothing);
    free(scorer);
}

static qn_code make_ready(struct qn_scorer *scorer, struct qn_strv bytes, struct qn_err *err)
{
    QN_TRY(qn_model_read(bytes, &scorer->model, err));
    size_t n = scorer->model->n_features ? scorer->model->n_features : 1;
    scorer->positions = calloc(n, sizeof *scorer->positions);
    scorer->columns = calloc(n, sizeof(void *));
    scorer->gaps = calloc(n, sizeof *scorer->gaps);
    scorer->hollow = calloc(n, sizeof *scorer->hollow);
    bool made = scorer->positions && scorer->columns && scorer->gaps && scorer->hollow;
    return made ? QN_OK : qn_err_nomem(err, "a model");
}

qn_code qn_scorer_new(struct qn_strv bytes, struct qn_scorer **out, struct qn_err *err)
{
    struct qn_scorer *scorer = calloc(1, sizeof *scorer);
    *out = NULL;
    if (!scorer)
        return qn_err_nomem(err, "a model");
    qn_code code = make_ready(scorer, bytes, err);
    if (code != QN_OK)
        qn_scorer_free(scorer);
    else
        *out = scorer;
    return code;
}

/* A number may come in another type than it was trained on; a text, a date or a timestamp may not.
 */
static bool fits(const struct qn_model_feature *feature, struct qn_type type)
{
    if (feature->categorical)
        return type.id == QN_TEXT;
    bool is_date = type.id == QN_DATE || type.id == QN_TIMESTAMP;
    if (is_date || feature->type.id == QN_DATE || feature->type.id == QN_TIMESTAMP)
        return type.id == feature->type.id;
    return qn_type_is_numeric(type) || type.id == QN_BOOL;
}

void qn_scorer_find(struct qn_scorer *scorer, const struct qn_schema *schema, bool hollow,
                    struct qn_buf *missing, struct qn_buf *unfit)
{
    const struct qn_model *model = scorer->model;
    for (uint32_t i = 0; i < model->n_features; i++) {
        const struct qn_model_feature *feature = &model->features[i];
        char want[QN_TYPE_NAME], have[QN_TYPE_NAME];
        int32_t at = qn_schema_find(schema, qn_strv_from(feature->name));
        scorer->positions[i] = at;
        bool fit = at < 0 || fits(feature, schema->fields[at].type);
        scorer->hollow[i] = hollow && !fit && schema->fields[at].type.id == QN_TEXT;
        if (at < 0)
            qn_buf_printf(missing, "%s'%s'", missing->len ? ", " : "", feature->name);
        else if (!fit && !scorer->hollow[i])
            qn_buf_printf(unfit, "%s'%s' (%s, not %s)", unfit->len ? ", " : "", feature->name,
                          qn_type_name(schema->fields[at].type, have),
                          qn_type_name(feature->type, want));
    }
}

static qn_code check_hollow(const struct qn_model_feature *feature, const struct qn_column *column,
                            uint32_t n, struct qn_err *err)
{
    char want[QN_TYPE_NAME];
    for (uint32_t i = 0; i < n; i++)
        if (qn_is_valid(column, i))
            return qn_err_set(err, QN_EINPUT, QN_BLAME_JOB,
                              "the rows lack what the model needs: '%s' (text, not %s)",
                              feature->name, qn_type_name(feature->type, want));
    return QN_OK;
}

static qn_code pick_columns(struct qn_scorer *scorer, const struct qn_batch *batch,
                            struct qn_err *err)
{
    const struct qn_model *model = scorer->model;
    if (batch->n_rows > scorer->nothing_rows || !scorer->nothing) {
        free(scorer->nothing);
        scorer->nothing = calloc(qn_validity_words(batch->n_rows) + 1, sizeof *scorer->nothing);
        scorer->nothing_rows = batch->n_rows;
        if (!scorer->nothing)
            return qn_err_nomem(err, "scores");
    }
    for (uint32_t i = 0; i < model->n_features; i++) {
        int32_t at = scorer->positions[i];
        scorer->gaps[i] =
            (struct qn_column){.type = model->features[i].type, .validity = scorer->nothing};
        scorer->columns[i] = at < 0 || scorer->hollow[i] ? &scorer->gaps[i] : &batch->columns[at];
        if (scorer->hollow[i])
            QN_TRY(check_hollow(&model->features[i], &batch->columns[at], batch->n_rows, err));
    }
    return QN_OK;
}

qn_code qn_scorer_score(struct qn_scorer *scorer, const struct qn_batch *batch,
                        const uint32_t *rows, uint32_t n, double *scores, struct qn_err *err)
{
    struct qn_model *model = scorer->model;
    QN_TRY(pick_columns(scorer, batch, err));
    QN_TRY(model->ops->score(model, scorer->columns, rows, n, scores, err));
    for (uint32_t i = 0; i < n; i++)
        scores[i] = qn_calibration_apply(&model->calibration, scores[i]);
    return QN_OK;
}

qn_code qn_scorer_explain(struct qn_scorer *scorer, const struct qn_batch *batch,
                          const uint32_t *rows, uint32_t n, double *parts, double *margins,
                          struct qn_err *err)
{
    struct qn_model *model = scorer->model;
    QN_TRY(pick_columns(scorer, batch, err));
    return model->ops->explain(model, scorer->columns, rows, n, parts, margins, err);
}

void qn_scorer_forget(struct qn_scorer *scorer)
{
    for (uint32_t i = 0; i < scorer->model->n_features; i++)
        if (scorer->model->categories[i])
            qn_categories_forget(scorer->model->categories[i]);
}
