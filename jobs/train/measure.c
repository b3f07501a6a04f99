/* The metrics stage: one task that has the scores of all rows. */
#include <math.h>

#include "jobs/train/evaluate.h"
#include "jobs/train/measured.h"

/* Fewer rows of a class on both sides of a comparison say nothing: its variance is a guess. */
enum { ROWS_TO_COMPARE = 10 };

/* Everything that came in, by split. */
struct gathered {
    struct qn_scores scores[QN_N_SIDES];
    struct qn_paired shared[QN_N_SIDES]; /* with the champion's scores, where it has some */
    struct qn_train_slices *slices;      /* by column of the job's slices */
};

static qn_code gathered_init(struct gathered *gathered, const struct qn_train *train,
                             struct qn_arena *arena, struct qn_err *err)
{
    for (int side = 0; side < QN_N_SIDES; side++) {
        qn_scores_init(&gathered->scores[side]);
        qn_paired_init(&gathered->shared[side]);
    }
    gathered->slices = QN_NEW_ARRAY(arena, struct qn_train_slices, train->n_slices);
    if (!gathered->slices)
        return qn_err_nomem(err, "slices");
    for (uint32_t i = 0; i < train->n_slices; i++)
        QN_TRY(qn_train_slices_init(&gathered->slices[i], err));
    return QN_OK;
}

static void gathered_fini(struct gathered *gathered, const struct qn_train *train)
{
    for (int side = 0; side < QN_N_SIDES; side++) {
        qn_scores_fini(&gathered->scores[side]);
        qn_paired_fini(&gathered->shared[side]);
    }
    for (uint32_t i = 0; gathered->slices && i < train->n_slices; i++)
        qn_train_slices_fini(&gathered->slices[i]);
}

static qn_code take_row(struct gathered *gathered, const struct qn_train *train,
                        const struct qn_batch *batch, uint32_t row, struct qn_err *err)
{
    const struct qn_column *columns = batch->columns;
    int64_t side = columns[QN_TRAIN_SIDE].i64[row];
    double score = columns[QN_TRAIN_SCORE].f64[row], other = columns[QN_TRAIN_CHAMPION].f64[row];
    bool label = columns[QN_TRAIN_LABEL].bools[row];
    if (side < 0 || side >= QN_N_SIDES)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a score of no split");
    QN_TRY(qn_scores_add(&gathered->scores[side], score, label, err));
    for (uint32_t i = 0; i < train->n_slices; i++)
        QN_TRY(qn_train_slices_add(&gathered->slices[i], &columns[QN_TRAIN_SLICES + i], row,
                                   (int)side, score, label, err));
    return isnan(other) ? QN_OK
                        : qn_paired_add(&gathered->shared[side], score, other, label,
                                        (uint64_t)columns[QN_TRAIN_KEY].i64[row], err);
}

static qn_code take_rows(const struct qn_train *train, struct qn_task_in *in,
                         struct gathered *gathered, struct qn_reader *reader,
                         struct qn_rejects *rejects, struct qn_err *err)
{
    for (;;) {
        struct qn_batch batch;
        if (atomic_load(in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        QN_TRY(reader->ops->next(reader, &batch, rejects, err));
        if (batch.n_rows == 0)
            return QN_OK;
        for (uint32_t row = 0; row < batch.n_rows; row++)
            QN_TRY(take_row(gathered, train, &batch, row, err));
    }
}

static qn_code take_scores(const struct qn_train *train, struct qn_task_in *in,
                           struct qn_task_out *out, struct gathered *gathered, struct qn_err *err)
{
    struct qn_reader *reader;
    QN_TRY(in->open_partitions(in, train->evaluate_stage, QN_TRAIN_SCORES, &reader, err));
    qn_code code = take_rows(train, in, gathered, reader, &out->rejects, err);
    reader->ops->close(reader);
    return code;
}

static qn_code measure_split(struct qn_scores *scores, struct qn_train_split_measured *out,
                             struct qn_err *err)
{
    struct qn_metrics metrics;
    struct qn_metric_value values[QN_N_METRICS];
    QN_TRY(qn_metrics_of(scores, &metrics, err));
    qn_metrics_list(&metrics, values);
    for (int i = 0; i < QN_N_METRICS; i++)
        out->metrics[i] = values[i].value;
    for (int kind = 0; kind < QN_N_BIN_KINDS; kind++)
        out->n_bins[kind] = qn_bins_of(scores, (enum qn_bin_kind)kind, out->bins[kind]);
    out->n_points = qn_curve_of(scores, out->points);
    return QN_OK;
}

/* Chosen on validation rows, or on training rows where there are none: never on those that are to
 * tell what it comes to. */
static void choose_threshold(const struct qn_train *train, const struct gathered *gathered,
                             struct qn_train_measured *measured)
{
    enum qn_side side = gathered->scores[QN_SIDE_VALIDATION].n ? QN_SIDE_VALIDATION : QN_SIDE_TRAIN;
    uint64_t rows = 0;
    for (int i = 0; i < QN_N_SIDES; i++)
        rows += gathered->scores[i].n;
    double threshold = train->threshold.rule && gathered->scores[side].n
                           ? qn_threshold_choose(&train->threshold, &gathered->scores[side], rows)
                           : QN_THRESHOLD_NOBODY;
    for (int i = 0; i < QN_N_SIDES; i++)
        qn_threshold_try(&train->threshold, &gathered->scores[i], threshold,
                         &measured->splits[i].threshold);
}

/* One of two models on the rows that neither was trained on. */
static qn_code measure_shared(const struct qn_paired *shared, int model,
                              struct qn_train_split_measured *out, struct qn_err *err)
{
    struct qn_scores scores;
    qn_code code = QN_OK;
    qn_scores_init(&scores);
    for (uint32_t i = 0; i < shared->n && code == QN_OK; i++)
        code = qn_scores_add(&scores, shared->scores[model][i], shared->labels[i], err);
    if (code == QN_OK)
        code = measure_split(&scores, out, err);
    qn_scores_fini(&scores);
    return code;
}

static qn_code compare(const struct qn_train *train, const struct gathered *gathered,
                       struct qn_train_measured *measured, struct qn_err *err)
{
    enum qn_side side = gathered->scores[QN_SIDE_TEST].n ? QN_SIDE_TEST : QN_SIDE_VALIDATION;
    const struct qn_paired *shared = &gathered->shared[side];
    for (uint32_t i = 0; i < shared->n; i++)
        measured->shared[shared->labels[i]]++;
    measured->compared =
        measured->shared[0] >= ROWS_TO_COMPARE && measured->shared[1] >= ROWS_TO_COMPARE;
    for (uint32_t i = 0; measured->compared && i < train->n_rules; i++)
        if (train->rules[i].versus)
            QN_TRY(qn_paired_compare(shared, train->rules[i].metric, &measured->results[i], err));
    for (int model = 0; measured->compared && model < 2; model++)
        QN_TRY(measure_shared(shared, model, &measured->splits[QN_TRAIN_COMPARED + model], err));
    return QN_OK;
}

static qn_code measure(const struct qn_train *train, struct qn_arena *arena,
                       struct gathered *gathered, struct qn_buf *partial, struct qn_err *err)
{
    struct qn_train_measured measured;
    QN_TRY(qn_train_measured_init(&measured, train, arena, err));
    for (int side = 0; side < QN_N_SIDES; side++)
        if (gathered->scores[side].n)
            QN_TRY(measure_split(&gathered->scores[side], &measured.splits[side], err));
    choose_threshold(train, gathered, &measured);
    for (uint32_t i = 0; i < train->n_slices; i++)
        QN_TRY(qn_train_slices_measure(&gathered->slices[i], i, measured.slices, &measured.n_slices,
                                       err));
    QN_TRY(compare(train, gathered, &measured, err));
    qn_train_measured_pack(partial, train, &measured);
    return QN_OK;
}

qn_code qn_train_run_metrics(const struct qn_train *train, struct qn_task_in *in,
                             struct qn_task_out *out, struct qn_err *err)
{
    struct gathered gathered;
    struct qn_buf partial;
    qn_buf_init(&partial);
    qn_code code = gathered_init(&gathered, train, in->arena, err);
    if (code == QN_OK)
        code = take_scores(train, in, out, &gathered, err);
    if (code == QN_OK)
        code = measure(train, in->arena, &gathered, &partial, err);
    gathered_fini(&gathered, train);
    if (code == QN_OK)
        return qn_train_give(out, &partial, err);
    qn_buf_fini(&partial);
    return code;
}
