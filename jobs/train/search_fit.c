/* One candidate, one fold: a whole fit in a worker's memory, and its metric on the fold. */
#include "base/hash.h"
#include "jobs/learn/folds.h"
#include "jobs/train/search.h"
#include "jobs/train/walk.h"

/* --- which rows ------------------------------------------------------------------------------ */

enum part { PART_OUT, PART_FIT, PART_VALIDATION, PART_FOLD };

struct task {
    const struct qn_train *train;
    const struct qn_search *search;
    const void *plan; /* the candidate's */
    struct qn_task_in *in;
    const struct qn_search_rows *rows;
    double share;
    uint32_t fold;
    struct qn_folds *folds;
    /* of one batch */
    const struct qn_column **columns; /* by feature */
    uint32_t *picked, n;
    uint8_t *labels, *sides;
    uint64_t *hashes;
};

static enum part part_of(const struct task *task, const struct qn_batch *batch, uint32_t row)
{
    uint64_t hash = (uint64_t)batch->columns[QN_SEARCH_FOLD_HASH].i64[row];
    if (!qn_folds_sampled(hash, task->share))
        return PART_OUT;
    if (batch->columns[QN_SEARCH_SIDE].i64[row] != QN_SIDE_TRAIN)
        return PART_VALIDATION;
    return qn_folds_of(task->folds, hash) == task->fold ? PART_FOLD : PART_FIT;
}

static void deal(struct task *task, struct qn_split_counts *counts)
{
    for (uint32_t b = 0; b < task->rows->n; b++) {
        const struct qn_column *columns = task->rows->batches[b].columns;
        for (uint32_t i = 0; i < task->rows->batches[b].n_rows; i++) {
            uint64_t hash = (uint64_t)columns[QN_SEARCH_FOLD_HASH].i64[i];
            if (columns[QN_SEARCH_SIDE].i64[i] == QN_SIDE_TRAIN &&
                qn_folds_sampled(hash, task->share))
                qn_split_count(counts, hash, columns[QN_SEARCH_LABEL].bools[i]);
        }
    }
    qn_folds_deal(task->folds, task->search->folds, counts);
}

static qn_code prepare_task(struct task *task, struct qn_err *err)
{
    struct qn_arena *arena = task->in->arena;
    struct qn_split_counts *counts = QN_NEW(arena, struct qn_split_counts);
    task->folds = QN_NEW(arena, struct qn_folds);
    task->columns = QN_NEW_ARRAY(arena, const struct qn_column *, task->train->n_features);
    task->picked = QN_NEW_ARRAY(arena, uint32_t, QN_BATCH_ROWS);
    task->labels = QN_NEW_ARRAY(arena, uint8_t, QN_BATCH_ROWS);
    task->sides = QN_NEW_ARRAY(arena, uint8_t, QN_BATCH_ROWS);
    task->hashes = QN_NEW_ARRAY(arena, uint64_t, QN_BATCH_ROWS);
    if (!counts || !task->folds || !task->columns || !task->picked || !task->labels ||
        !task->sides || !task->hashes)
        return qn_err_nomem(err, "a task");
    deal(task, counts);
    return QN_OK;
}

/* The batch's rows that are of one of two parts. */
static qn_code pick(struct task *task, uint32_t number, enum part a, enum part b,
                    struct qn_err *err)
{
    const struct qn_batch *batch = &task->rows->batches[number];
    if (atomic_load(task->in->cancelled))
        return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
    if (batch->n_rows > QN_BATCH_ROWS)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a batch of %u rows", batch->n_rows);
    for (uint32_t f = 0; f < task->train->n_features; f++)
        task->columns[f] = &batch->columns[QN_SEARCH_FEATURES + f];
    task->n = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        enum part part = part_of(task, batch, row);
        if (part != a && part != b)
            continue;
        task->picked[task->n] = row;
        task->labels[task->n] = batch->columns[QN_SEARCH_LABEL].bools[row];
        task->sides[task->n] = part == PART_VALIDATION ? QN_SIDE_VALIDATION : QN_SIDE_TRAIN;
        task->hashes[task->n++] = (uint64_t)batch->columns[QN_SEARCH_HASH].i64[row];
    }
    return QN_OK;
}

/* --- the fit, as stages prepare and round would do it ----------------------------------------- */

static qn_code gather(struct task *task, struct qn_fit *fit, struct qn_err *err)
{
    uint64_t seen[2] = {0};
    for (uint32_t b = 0; b < task->rows->n; b++) {
        QN_TRY(pick(task, b, PART_FIT, PART_FIT, err));
        for (uint32_t i = 0; i < task->n; i++)
            seen[task->labels[i]]++;
        if (task->n)
            QN_TRY(qn_fit_add(fit, task->columns, task->picked, task->n, task->labels, task->hashes,
                              err));
    }
    uint64_t all = (uint64_t)seen[0] + seen[1];
    if (seen[0] && seen[1])
        return QN_OK;
    return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                      "the rows to fit on (%llu) are all of one class: the search needs more rows, "
                      "or fewer folds",
                      (unsigned long long)all);
}

/* By the same way through bytes as gathered pieces take. */
static qn_code merge_fit(const struct qn_prepare_plan *gathers, struct qn_fit *from,
                         struct qn_fit **out, struct qn_err *err)
{
    struct qn_buf packed;
    uint32_t next = 0;
    qn_buf_init(&packed);
    qn_fit_pack(&packed, from, &next, SIZE_MAX);
    qn_code code = qn_buf_check(&packed, "fitted preparation", err);
    if (code == QN_OK)
        code = qn_fit_new(gathers, out, err);
    if (code == QN_OK)
        code = qn_fit_merge(*out, qn_buf_strv(&packed), err);
    qn_buf_fini(&packed);
    return code;
}

static qn_code prepare(struct task *task, struct qn_buf *prepared, struct qn_err *err)
{
    const struct qn_algorithm *algorithm = task->train->algorithm;
    const struct qn_prepare_plan *gathers = algorithm->gathers(task->plan);
    struct qn_fit *piece = NULL, *fit = NULL;
    struct qn_fit_note *notes;
    uint32_t n_notes;
    qn_code code = qn_fit_new(gathers, &piece, err);
    if (code == QN_OK)
        code = gather(task, piece, err);
    if (code == QN_OK)
        code = merge_fit(gathers, piece, &fit, err);
    if (code == QN_OK)
        code =
            algorithm->prepare(task->plan, fit, prepared, task->in->arena, &notes, &n_notes, err);
    if (code == QN_OK)
        code = qn_buf_check(prepared, "a preparation", err);
    qn_fit_free(piece);
    qn_fit_free(fit);
    return code;
}

static qn_code fill_rows(struct task *task, void *rows, struct qn_err *err)
{
    const struct qn_algorithm *algorithm = task->train->algorithm;
    for (uint32_t b = 0; b < task->rows->n; b++) {
        QN_TRY(pick(task, b, PART_FIT, PART_VALIDATION, err));
        if (task->n)
            QN_TRY(algorithm->rows_add(rows, task->columns, task->picked, task->n, task->labels,
                                       task->sides, task->hashes, err));
        uint64_t bytes = algorithm->rows_bytes(rows), most = task->in->memory_bytes;
        if (bytes > most)
            return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                              "one fit of the search takes more than %llu MiB, which is what a "
                              "task of this worker may use: give workers more --memory or fewer "
                              "--slots, or search on fewer rows in a job of its own",
                              (unsigned long long)(most >> 20));
    }
    return QN_OK;
}

struct fit {
    void *rows, *acc; /* the algorithm's */
    struct qn_buf prepared, state, partial, next;
};

static qn_code add_rows(struct task *task, struct fit *fit, struct qn_strv state,
                        struct qn_err *err)
{
    const struct qn_algorithm *algorithm = task->train->algorithm;
    if (algorithm->fold)
        return algorithm->fold(task->plan, &fit->rows, 1, state, &fit->acc, err);
    qn_buf_clear(&fit->partial);
    QN_TRY(algorithm->round(task->plan, fit->rows, state, &fit->partial, err));
    QN_TRY(qn_buf_check(&fit->partial, "a round", err));
    return algorithm->merge(task->plan, &fit->acc, qn_buf_strv(&fit->partial), err);
}

static qn_code run_round(struct task *task, struct fit *fit, enum qn_verdict *verdict,
                         struct qn_err *err)
{
    const struct qn_algorithm *algorithm = task->train->algorithm;
    struct qn_strv state = qn_buf_strv(&fit->state);
    qn_buf_clear(&fit->next);
    if (atomic_load(task->in->cancelled))
        return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
    QN_TRY(add_rows(task, fit, state, err));
    QN_TRY(algorithm->step(task->plan, fit->acc, qn_buf_strv(&fit->prepared), state, &fit->next,
                           verdict, err));
    if (!algorithm->appends)
        qn_buf_clear(&fit->state);
    qn_buf_put(&fit->state, fit->next.data, fit->next.len);
    QN_TRY(qn_buf_check(&fit->next, "a round", err));
    return qn_buf_check(&fit->state, "a round", err);
}

static qn_code run_fit(struct task *task, struct fit *fit, struct qn_err *err)
{
    const struct qn_algorithm *algorithm = task->train->algorithm;
    enum qn_verdict verdict = QN_VERDICT_REPEAT;
    QN_TRY(prepare(task, &fit->prepared, err));
    QN_TRY(algorithm->rows_new(task->plan, qn_buf_strv(&fit->prepared), &fit->rows, err));
    QN_TRY(fill_rows(task, fit->rows, err));
    while (verdict != QN_VERDICT_NEXT)
        QN_TRY(run_round(task, fit, &verdict, err));
    return QN_OK;
}

static void fit_fini(const struct qn_algorithm *algorithm, struct fit *fit)
{
    if (fit->rows)
        algorithm->rows_free(fit->rows);
    if (fit->acc)
        algorithm->acc_free(fit->acc);
    qn_buf_fini(&fit->prepared);
    qn_buf_fini(&fit->state);
    qn_buf_fini(&fit->partial);
    qn_buf_fini(&fit->next);
}

/* --- the metric ------------------------------------------------------------------------------ */

static qn_code score_fold(struct task *task, struct qn_model *model, struct qn_scores *scores,
                          struct qn_err *err)
{
    double *out = QN_NEW_ARRAY(task->in->arena, double, QN_BATCH_ROWS);
    if (!out)
        return qn_err_nomem(err, "scores");
    for (uint32_t b = 0; b < task->rows->n; b++) {
        QN_TRY(pick(task, b, PART_FOLD, PART_FOLD, err));
        if (task->n)
            QN_TRY(model->ops->score(model, task->columns, task->picked, task->n, out, err));
        for (uint32_t i = 0; i < task->n; i++)
            QN_TRY(qn_scores_add(scores, out[i], task->labels[i], err));
    }
    return QN_OK;
}

static qn_code metric_of(const struct qn_search *search, struct qn_scores *scores, double *out,
                         struct qn_err *err)
{
    struct qn_metrics metrics;
    struct qn_metric_value values[QN_N_METRICS];
    QN_TRY(qn_metrics_of(scores, &metrics, err));
    if (metrics.positives == 0 || metrics.positives == metrics.rows)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                          "the fold's rows (%llu) are all of one class: the search needs more "
                          "rows, or fewer folds",
                          (unsigned long long)metrics.rows);
    qn_metrics_list(&metrics, values);
    for (int i = 0; i < QN_N_METRICS; i++)
        if (strcmp(values[i].name, search->metric) == 0)
            *out = values[i].value;
    return QN_OK;
}

static qn_code measure(struct task *task, const struct fit *fit, double *out, struct qn_err *err)
{
    struct qn_model *model;
    struct qn_scores scores;
    QN_TRY(task->train->algorithm->model(task->plan, qn_buf_strv(&fit->prepared),
                                         qn_buf_strv(&fit->state), &model, err));
    qn_scores_init(&scores);
    qn_code code = score_fold(task, model, &scores, err);
    if (code == QN_OK)
        code = metric_of(task->search, &scores, out, err);
    qn_scores_fini(&scores);
    qn_model_free(model);
    return code;
}

/* --- one task -------------------------------------------------------------------------------- */

static qn_code fit_and_measure(struct task *task, double *out, struct qn_err *err)
{
    struct fit fit = {0};
    qn_buf_init(&fit.prepared);
    qn_buf_init(&fit.state);
    qn_buf_init(&fit.partial);
    qn_buf_init(&fit.next);
    qn_code code = prepare_task(task, err);
    if (code == QN_OK)
        code = run_fit(task, &fit, err);
    if (code == QN_OK)
        code = measure(task, &fit, out, err);
    fit_fini(task->train->algorithm, &fit);
    return code;
}

qn_code qn_search_run_rung(const struct qn_train *train, struct qn_task_in *in,
                           struct qn_task_out *out, struct qn_err *err)
{
    const struct qn_search *search = train->search;
    uint32_t rung, candidate;
    double value = 0;
    if (!qn_search_is_rung(search, in->stage, &rung))
        return qn_err_set(err, QN_ESTATE, QN_BLAME_JOB, "stage %u is no search", in->stage);
    QN_TRY(qn_search_candidate_at(search, rung, in->unit / search->folds, in->states, &candidate,
                                  err));
    struct task task = {.train = train,
                        .search = search,
                        .plan = search->candidates[candidate].plan,
                        .in = in,
                        .share = search->rungs[rung].share,
                        .fold = in->unit % search->folds};
    QN_TRY(qn_search_rows_get(in, search, &task.rows, err));
    qn_code code = fit_and_measure(&task, &value, err);
    if (code != QN_OK) {
        qn_err_frame(err, "in fold %u of candidate %u of the search, %s", task.fold + 1,
                     candidate + 1, search->candidates[candidate].json);
        return code;
    }
    struct qn_buf partial;
    qn_buf_init(&partial);
    qn_buf_put_f64(&partial, value);
    return qn_train_give(out, &partial, err);
}
