#include "jobs/learn/cuts.h"
#include "jobs/train/calibration.h"
#include "jobs/train/drift.h"
#include "jobs/train/evaluate.h"
#include "jobs/train/guards.h"

/* --- split ----------------------------------------------------------------------------------- */

/* A round of a split by shares of time: times in the windows that hold the cuts. */
static qn_code count_times(struct qn_train_walk *walk, const struct qn_cuts *cuts,
                           struct qn_times *times, struct qn_err *err)
{
    int64_t time;
    do {
        QN_TRY(qn_train_walk_next(walk, err));
        for (uint32_t i = 0; i < walk->n; i++)
            if (qn_split_time(&walk->batch.columns[walk->by], walk->rows[i], &time))
                QN_TRY(qn_times_add(times, cuts, time, err));
    } while (walk->batch.n_rows);
    return QN_OK;
}

static qn_code run_cuts(struct qn_train_walk *walk, struct qn_err *err)
{
    struct qn_strv state = walk->in->states[walk->train->split_stage];
    struct qn_cuts cuts;
    struct qn_times times;
    struct qn_buf partial;
    qn_cuts_init(&cuts);
    if (state.len)
        QN_TRY(qn_cuts_unpack(state, &cuts, err));
    qn_times_init(&times);
    qn_buf_init(&partial);
    qn_code code = count_times(walk, &cuts, &times, err);
    if (code == QN_OK)
        code = qn_times_pack(&partial, &times, err);
    qn_times_fini(&times);
    if (code == QN_OK)
        return qn_train_give(walk->out, &partial, err);
    qn_buf_fini(&partial);
    return code;
}

/* Of what the split goes by. */
static uint64_t hash_of(const struct qn_train_walk *walk, uint32_t i)
{
    return walk->by == walk->key
               ? walk->hashes[i]
               : qn_split_hash(&walk->batch.columns[walk->by], walk->rows[i], walk->train->seed);
}

static qn_code run_split(struct qn_train_walk *walk, struct qn_err *err)
{
    struct qn_split_counts *counts = QN_NEW(walk->in->arena, struct qn_split_counts);
    if (!counts)
        return qn_err_nomem(err, "counts for the split");
    do {
        QN_TRY(qn_train_walk_next(walk, err));
        for (uint32_t i = 0; i < walk->n; i++)
            qn_split_count(counts, hash_of(walk, i), walk->labels[i]);
    } while (walk->batch.n_rows);
    struct qn_buf partial;
    qn_buf_init(&partial);
    qn_split_pack(&partial, counts);
    return qn_train_give(walk->out, &partial, err);
}

/* --- prepare --------------------------------------------------------------------------------- */

static qn_code fit_rows(struct qn_train_walk *walk, struct qn_fit *fit,
                        struct qn_train_guarding *guarding, struct qn_train_census *census,
                        struct qn_err *err)
{
    do {
        QN_TRY(qn_train_walk_next(walk, err));
        for (uint32_t i = 0; i < walk->n; i++)
            census->rows[walk->sides[i]][walk->labels[i]]++;
        QN_TRY(qn_train_guarding_add(guarding, walk, err));
        qn_train_walk_keep(walk, 1U << QN_SIDE_TRAIN);
        if (walk->n)
            QN_TRY(qn_fit_add(fit, walk->columns, walk->rows, walk->n, walk->labels, walk->hashes,
                              err));
    } while (walk->batch.n_rows);
    qn_train_walk_census(walk, census);
    return QN_OK;
}

/* Census, and what the guards saw; then what is fitted, piece by piece, for it may be large. */
static qn_code give_prepared(struct qn_train_walk *walk, const struct qn_train_census *census,
                             const struct qn_train_guarding *guarding, struct qn_fit *fit,
                             struct qn_err *err)
{
    enum { PIECE_BYTES = 256 << 10 };
    struct qn_buf piece;
    qn_buf_init(&piece);
    qn_buf_put_u8(&piece, QN_TRAIN_PIECE_SEEN);
    qn_train_census_pack(&piece, census);
    if (guarding->guard)
        qn_guard_pack(&piece, guarding->guard);
    qn_code code = qn_train_give(walk->out, &piece, err);
    for (uint32_t next = 0; code == QN_OK && next < walk->train->n_features;) {
        qn_buf_put_u8(&piece, QN_TRAIN_PIECE_FIT);
        qn_fit_pack(&piece, fit, &next, PIECE_BYTES);
        code = qn_train_give(walk->out, &piece, err);
    }
    return code;
}

static qn_code run_prepare(struct qn_train_walk *walk, struct qn_err *err)
{
    struct qn_train_census census = {0};
    struct qn_train_guarding guarding;
    struct qn_fit *fit;
    const void *plan;
    QN_TRY(qn_train_plan(walk->train, walk->in->states, &plan, err));
    QN_TRY(qn_fit_new(walk->train->algorithm->gathers(plan), &fit, err));
    qn_code code = qn_train_guarding_init(&guarding, walk, err);
    if (code == QN_OK)
        code = fit_rows(walk, fit, &guarding, &census, err);
    if (code == QN_OK)
        code = give_prepared(walk, &census, &guarding, fit, err);
    qn_train_guarding_fini(&guarding);
    qn_fit_free(fit);
    return code;
}

/* --- round ----------------------------------------------------------------------------------- */

static qn_code read_rows(struct qn_train_walk *walk, void *rows, struct qn_err *err)
{
    do {
        QN_TRY(qn_train_walk_next(walk, err));
        if (walk->n)
            QN_TRY(walk->train->algorithm->rows_add(rows, walk->columns, walk->rows, walk->n,
                                                    walk->labels, walk->sides, walk->hashes, err));
    } while (walk->batch.n_rows);
    return QN_OK;
}

/* The unit's rows, made once: later rounds find them in the cache. */
static qn_code make_rows(struct qn_train_walk *walk, struct qn_task_cache *cache,
                         struct qn_err *err)
{
    const struct qn_algorithm *algorithm = walk->train->algorithm;
    struct qn_strv prepared;
    const void *plan;
    void *rows;
    QN_TRY(walk->in->open_rows(walk->in, err));
    QN_TRY(qn_train_walk_start(walk, walk->train, walk->in, walk->out, err));
    QN_TRY(qn_train_walk_prepared(walk, &prepared, err));
    QN_TRY(qn_train_plan(walk->train, walk->in->states, &plan, err));
    QN_TRY(algorithm->rows_new(plan, prepared, &rows, err));
    qn_code code = read_rows(walk, rows, err);
    if (code != QN_OK) {
        algorithm->rows_free(rows);
        return code;
    }
    cache->data = rows;
    cache->free = algorithm->rows_free;
    cache->bytes = algorithm->rows_bytes(rows);
    cache->shrink = algorithm->rows_shrink;
    return QN_OK;
}

static qn_code run_round(struct qn_train_walk *walk, struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    struct qn_buf partial;
    const void *plan;
    QN_TRY(qn_train_plan(train, walk->in->states, &plan, err));
    if (!walk->in->unit_cache->data)
        QN_TRY(make_rows(walk, walk->in->unit_cache, err));
    qn_buf_init(&partial);
    qn_code code = train->algorithm->round(plan, walk->in->unit_cache->data,
                                           walk->in->states[train->round_stage], &partial, err);
    if (code == QN_OK)
        return qn_train_give(walk->out, &partial, err);
    qn_buf_fini(&partial);
    return code;
}

/* --- one task -------------------------------------------------------------------------------- */

/* A stage that goes through rows. */
static qn_code run_walk(struct qn_train_walk *walk, const struct qn_job *job, struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    struct qn_task_in *in = walk->in;
    if (in->stage == train->round_stage)
        return run_round(walk, err);
    bool cuts = (int)in->stage == train->split_stage && train->split->method == QN_SPLIT_TIME;
    if (cuts)
        QN_TRY(in->open_rows(in, err));
    QN_TRY(qn_train_walk_start(walk, train, in, walk->out, err));
    if (cuts)
        return run_cuts(walk, err);
    if ((int)in->stage == train->drift_stage)
        return qn_train_run_drift(walk, err);
    if ((int)in->stage == train->split_stage)
        return run_split(walk, err);
    if (train->search && in->stage == train->search->rows_stage)
        return qn_search_run_rows(walk, err);
    if (in->stage == train->prepare_stage)
        return run_prepare(walk, err);
    if (train->calibrate && in->stage == train->calibrate_stage)
        return qn_train_run_calibration(walk, err);
    return qn_train_run_evaluate(walk, job, err);
}

qn_code qn_train_run(const struct qn_job *job, struct qn_task_in *in, struct qn_task_out *out,
                     struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    uint32_t rung;
    if (in->stage == train->metrics_stage)
        return qn_train_run_metrics(train, in, out, err);
    if (train->importance && in->stage == train->importance->stage)
        return qn_importance_run(train, in, out, err);
    if (qn_search_is_rung(train->search, in->stage, &rung))
        return qn_search_run_rung(train, in, out, err);
    struct qn_arena arena;
    qn_arena_init(&arena);
    struct qn_train_walk walk = {.train = train, .in = in, .out = out, .arena = &arena};
    qn_code code = run_walk(&walk, job, err);
    qn_arena_fini(&arena);
    return code;
}
