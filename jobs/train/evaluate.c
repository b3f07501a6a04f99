#include "jobs/train/evaluate.h"

#include "jobs/learn/math.h"

static const struct qn_field score_fields[] = {
    {"score", {.id = QN_DOUBLE}}, {"label", {.id = QN_BOOL}}, {"side", {.id = QN_INT64}}};
const struct qn_schema qn_train_scores_schema = {.fields = score_fields, .n_fields = 3};

static qn_code give_scores(struct qn_train_walk *walk, const double *scores, struct qn_err *err)
{
    struct qn_arena *arena = walk->in->arena;
    struct qn_column columns[3];
    for (int c = 0; c < 3; c++)
        QN_TRY(qn_column_new(arena, score_fields[c].type, walk->n, &columns[c], err));
    for (uint32_t i = 0; i < walk->n; i++) {
        columns[QN_TRAIN_SCORE].f64[i] = scores[i];
        columns[QN_TRAIN_LABEL].bools[i] = walk->labels[i];
        columns[QN_TRAIN_SIDE].i64[i] = walk->sides[i];
    }
    struct qn_batch batch = {
        .schema = &qn_train_scores_schema, .columns = columns, .n_rows = walk->n};
    return walk->out->ops->partition(walk->out, 0, &batch, err);
}

static qn_code side_names(struct qn_train_walk *walk, struct qn_column *out, struct qn_err *err)
{
    enum { LONGEST = 10 }; /* "validation" */
    QN_TRY(qn_column_new(walk->in->arena, (struct qn_type){.id = QN_TEXT}, walk->n, out, err));
    out->bytes = qn_arena_alloc(walk->in->arena, (size_t)walk->n * LONGEST + 1);
    if (!out->bytes)
        return qn_err_nomem(err, "predictions");
    for (uint32_t i = 0; i < walk->n; i++) {
        struct qn_strv name = qn_strv_from(qn_side_name((enum qn_side)walk->sides[i]));
        memcpy(out->bytes + out->offsets[i], name.data, name.len);
        out->offsets[i + 1] = out->offsets[i] + (uint32_t)name.len;
    }
    return QN_OK;
}

static qn_code give_rows(struct qn_train_walk *walk, const struct qn_job *job, const double *scores,
                         struct qn_err *err)
{
    struct qn_arena *arena = walk->in->arena;
    struct qn_column columns[4];
    QN_TRY(qn_column_take(arena, &walk->batch.columns[walk->key], walk->batch.n_rows, walk->rows,
                          walk->n, &columns[0], err));
    QN_TRY(side_names(walk, &columns[1], err));
    QN_TRY(qn_column_new(arena, job->out.fields[2].type, walk->n, &columns[2], err));
    QN_TRY(qn_column_new(arena, job->out.fields[3].type, walk->n, &columns[3], err));
    for (uint32_t i = 0; i < walk->n; i++) {
        columns[2].i64[i] = walk->labels[i];
        columns[3].f64[i] = scores[i];
    }
    struct qn_batch batch = {.schema = &job->out, .columns = columns, .n_rows = walk->n};
    return walk->out->ops->rows(walk->out, &batch, err);
}

static qn_code evaluate_batch(struct qn_train_walk *walk, const struct qn_job *job,
                              struct qn_train_encoding *encoding, const double *weights,
                              struct qn_design *design, struct qn_err *err)
{
    double *scores = QN_NEW_ARRAY(walk->in->arena, double, walk->n);
    if (!scores)
        return qn_err_nomem(err, "scores");
    qn_design_clear(design);
    QN_TRY(qn_encoder_append(&encoding->encoder, walk->columns, walk->rows, walk->n, walk->labels,
                             walk->sides, design, err));
    for (uint32_t i = 0; i < walk->n; i++)
        scores[i] = qn_expit(qn_design_eta(design, i, weights));
    QN_TRY(give_scores(walk, scores, err));
    if (job->out.n_fields == 0) {
        walk->out->counters.absorbed += walk->n;
        return QN_OK;
    }
    walk->out->counters.rows_out += walk->n;
    return give_rows(walk, job, scores, err);
}

qn_code qn_train_run_evaluate(struct qn_train_walk *walk, const struct qn_job *job,
                              struct qn_err *err)
{
    struct qn_train_encoding encoding;
    struct qn_design design = {0};
    struct qn_logistic_state state = {0};
    qn_code code = qn_train_encoding_init(&encoding, walk, err);
    if (code == QN_OK)
        code = qn_train_read_point(walk, encoding.prepared.n_columns, &state, err);
    if (code == QN_OK)
        qn_design_init(&design, &encoding.prepared);
    while (code == QN_OK) {
        code = qn_train_walk_next(walk, err);
        if (code != QN_OK || walk->batch.n_rows == 0)
            break;
        if (walk->n)
            code = evaluate_batch(walk, job, &encoding, state.at, &design, err);
    }
    qn_design_fini(&design);
    qn_logistic_state_fini(&state);
    qn_train_encoding_fini(&encoding);
    return code;
}
