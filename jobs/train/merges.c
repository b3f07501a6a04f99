#include <inttypes.h>
#include <stdlib.h>

#include "base/limits.h"
#include "jobs/learn/cuts.h"
#include "jobs/train/calibration.h"
#include "jobs/train/evaluate.h"
#include "jobs/train/evaluated.h"
#include "jobs/train/guards.h"

/* --- states ---------------------------------------------------------------------------------- */

qn_code qn_train_state_unpack(struct qn_strv bytes, struct qn_train_census *census,
                              struct qn_strv *baseline, struct qn_strv *prepared,
                              struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    qn_train_census_unpack(&in, census);
    *baseline = qn_unpack_str(&in);
    *prepared = (struct qn_strv){(const char *)in.at, (size_t)(in.end - in.at)};
    return in.failed ? qn_unpack_end(&in, "preparation", err) : QN_OK;
}

qn_code qn_train_split_read(const struct qn_train *train, const struct qn_strv *states,
                            struct qn_split *split, struct qn_err *err)
{
    struct qn_cuts cuts;
    *split = *train->split;
    if (train->split_stage < 0)
        return QN_OK;
    if (split->method == QN_SPLIT_HASH)
        return qn_split_state_unpack(states[train->split_stage], split, err);
    QN_TRY(qn_cuts_unpack(states[train->split_stage], &cuts, err));
    qn_cuts_apply(&cuts, split);
    return QN_OK;
}

/* --- merging --------------------------------------------------------------------------------- */

/* What is gathered in one stage; the members of other stages stay empty. */
struct gathered {
    const struct qn_algorithm *algorithm;
    struct qn_split_counts *counts; /* split, stratified */
    struct qn_times times;          /* split, by time */
    struct qn_fit *fit;             /* prepare */
    struct qn_guard *guard;
    struct qn_train_census census;
    char *others[2], *stray;             /* the bytes of census.others and .stray */
    void *sums;                          /* round: the algorithm's */
    struct qn_scores scores;             /* calibrate */
    struct qn_train_drift drift;         /* drift */
    struct qn_train_evaluated evaluated; /* evaluate */
    struct qn_importance_found found;    /* importance */
    struct qn_buf metrics;               /* metrics; of a rung of the search: of each fit */
};

void qn_train_free_acc(void *acc)
{
    struct gathered *gathered = acc;
    if (!gathered)
        return;
    free(gathered->counts);
    qn_times_fini(&gathered->times);
    for (int i = 0; i < 2; i++)
        free(gathered->others[i]);
    free(gathered->stray);
    qn_fit_free(gathered->fit);
    qn_guard_free(gathered->guard);
    if (gathered->sums)
        gathered->algorithm->acc_free(gathered->sums);
    qn_scores_fini(&gathered->scores);
    qn_train_drift_fini(&gathered->drift);
    qn_train_evaluated_fini(&gathered->evaluated);
    qn_importance_found_fini(&gathered->found);
    qn_buf_fini(&gathered->metrics);
    free(gathered);
}

static qn_code merge_split(const struct qn_train *train, struct gathered *gathered,
                           struct qn_strv partial, struct qn_err *err)
{
    if (train->split->method == QN_SPLIT_TIME)
        return qn_times_merge(&gathered->times, partial, err);
    if (!gathered->counts)
        gathered->counts = calloc(1, sizeof *gathered->counts);
    if (!gathered->counts)
        return qn_err_nomem(err, "counts for the split");
    return qn_split_merge(gathered->counts, partial, err);
}

static qn_code merge_other(struct gathered *gathered, struct qn_strv value, struct qn_err *err)
{
    struct qn_strv *others = gathered->census.others;
    struct qn_strv *place = value.data ? qn_train_other_place(others, value) : NULL;
    if (!place)
        return QN_OK;
    char *copy = malloc(value.len + 1);
    if (!copy)
        return qn_err_nomem(err, "the label's values");
    memcpy(copy, value.data, value.len);
    gathered->others[place - others] = copy;
    *place = (struct qn_strv){copy, value.len};
    return QN_OK;
}

static qn_code add_census(struct gathered *gathered, const struct qn_train_census *census,
                          struct qn_err *err)
{
    for (int side = 0; side < QN_N_SIDES; side++)
        for (int c = 0; c < 2; c++)
            gathered->census.rows[side][c] += census->rows[side][c];
    for (int i = 0; i < 2; i++)
        QN_TRY(merge_other(gathered, census->others[i], err));
    for (int i = 0; i < QN_N_STRAYS; i++)
        gathered->census.strays[i] += census->strays[i];
    if (gathered->stray || !census->stray.data)
        return QN_OK;
    gathered->stray = strndup(census->stray.data, census->stray.len);
    gathered->census.stray = (struct qn_strv){gathered->stray, census->stray.len};
    return gathered->stray ? QN_OK : qn_err_nomem(err, "the split's values");
}

static qn_code merge_search_rows(struct gathered *gathered, struct qn_strv partial,
                                 struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(partial);
    struct qn_train_census census;
    qn_train_census_unpack(&in, &census);
    QN_TRY(qn_unpack_end(&in, "a census", err));
    return add_census(gathered, &census, err);
}

static qn_code merge_rung(struct gathered *gathered, struct qn_strv partial, struct qn_err *err)
{
    if (partial.len != sizeof(double))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a metric of the wrong size");
    qn_buf_put(&gathered->metrics, partial.data, partial.len);
    return qn_buf_check(&gathered->metrics, "metrics", err);
}

static qn_code merge_seen(const struct qn_train *train, struct gathered *gathered,
                          struct qn_unpack *in, struct qn_err *err)
{
    struct qn_train_census census;
    qn_train_census_unpack(in, &census);
    const struct qn_strv seen = {(const char *)in->at, (size_t)(in->end - in->at)};
    if (in->failed || train->guards == QN_GUARDS_OFF)
        QN_TRY(qn_unpack_end(in, "a census", err));
    if (train->guards != QN_GUARDS_OFF && !gathered->guard)
        QN_TRY(qn_guard_new(&train->guard, &gathered->guard, err));
    if (gathered->guard)
        QN_TRY(qn_guard_merge(gathered->guard, seen, err));
    return add_census(gathered, &census, err);
}

static qn_code merge_prepare(const struct qn_train *train, struct gathered *gathered,
                             const struct qn_strv *states, struct qn_strv piece, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(piece);
    uint8_t kind = qn_unpack_u8(&in);
    const void *plan;
    QN_TRY(qn_train_plan(train, states, &plan, err));
    if (!gathered->fit)
        QN_TRY(qn_fit_new(train->algorithm->gathers(plan), &gathered->fit, err));
    if (kind == QN_TRAIN_PIECE_SEEN)
        return merge_seen(train, gathered, &in, err);
    if (in.failed || kind != QN_TRAIN_PIECE_FIT)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a fitted preparation is damaged");
    return qn_fit_merge(gathered->fit,
                        (struct qn_strv){(const char *)in.at, (size_t)(in.end - in.at)}, err);
}

static qn_code merge_drift(struct gathered *gathered, struct qn_strv partial, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(partial);
    QN_TRY(qn_train_drift_merge(&gathered->drift, &in, err));
    return qn_unpack_end(&in, "drift", err);
}

static qn_code merge_round(const struct qn_train *train, struct gathered *gathered,
                           const struct qn_strv *states, struct qn_strv partial, struct qn_err *err)
{
    const void *plan;
    QN_TRY(qn_train_plan(train, states, &plan, err));
    return train->algorithm->merge(plan, &gathered->sums, partial, err);
}

static qn_code merge_importance(const struct qn_train *train, struct gathered *gathered,
                                struct qn_strv partial, struct qn_err *err)
{
    if (!gathered->found.values)
        QN_TRY(qn_importance_found_init(&gathered->found, train->n_features, err));
    return qn_importance_found_merge(&gathered->found, partial, err);
}

static qn_code merge_metrics(const struct qn_train *train, struct gathered *gathered,
                             struct qn_strv partial, struct qn_err *err)
{
    struct qn_train_measured measured;
    struct qn_arena arena;
    if (gathered->metrics.len)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "metrics came twice");
    qn_arena_init(&arena);
    qn_code code = qn_train_measured_unpack(partial, train, &arena, &measured, err);
    qn_arena_fini(&arena);
    QN_TRY(code);
    qn_buf_put(&gathered->metrics, partial.data, partial.len);
    return qn_buf_check(&gathered->metrics, "metrics", err);
}

/* The accumulator, which is made when it is not there. */
static qn_code gather(const struct qn_train *train, void **acc, struct gathered **out,
                      struct qn_err *err)
{
    struct gathered *gathered = *acc;
    *out = gathered;
    if (gathered)
        return QN_OK;
    *acc = *out = gathered = calloc(1, sizeof *gathered);
    if (!gathered)
        return qn_err_nomem(err, "merging");
    gathered->algorithm = train->algorithm;
    qn_train_drift_init(&gathered->drift);
    qn_train_evaluated_init(&gathered->evaluated);
    return QN_OK;
}

qn_code qn_train_merge(const struct qn_job *job, uint32_t stage, void **acc,
                       const struct qn_strv *states, struct qn_strv partial, struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct gathered *gathered;
    uint32_t rung;
    QN_TRY(gather(train, acc, &gathered, err));
    if ((int)stage == train->drift_stage)
        return merge_drift(gathered, partial, err);
    if ((int)stage == train->split_stage)
        return merge_split(train, gathered, partial, err);
    if (stage == train->prepare_stage)
        return merge_prepare(train, gathered, states, partial, err);
    if (train->search && stage == train->search->rows_stage)
        return merge_search_rows(gathered, partial, err);
    if (qn_search_is_rung(train->search, stage, &rung))
        return merge_rung(gathered, partial, err);
    if (stage == train->round_stage)
        return merge_round(train, gathered, states, partial, err);
    if (train->calibrate && stage == train->calibrate_stage)
        return qn_train_merge_calibration(&gathered->scores, partial, err);
    if (stage == train->evaluate_stage)
        return qn_train_evaluated_merge(&gathered->evaluated, partial, err);
    if (train->importance && stage == train->importance->stage)
        return merge_importance(train, gathered, partial, err);
    return merge_metrics(train, gathered, partial, err);
}

/* --- rounds that are led --------------------------------------------------------------------- */

qn_code qn_train_fold(const struct qn_job *job, struct qn_task_in *const *tasks, uint32_t n,
                      void **acc, struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    const struct qn_strv *states = tasks[0]->states;
    struct gathered *gathered;
    const void *plan;
    QN_TRY(gather(train, acc, &gathered, err));
    QN_TRY(qn_train_plan(train, states, &plan, err));
    void **rows = QN_NEW_ARRAY(tasks[0]->arena, void *, n);
    if (!rows)
        return qn_err_nomem(err, "a round");
    for (uint32_t i = 0; i < n; i++)
        rows[i] = tasks[i]->unit_cache->data;
    return train->algorithm->fold(plan, rows, n, states[train->round_stage], &gathered->sums, err);
}

qn_code qn_train_join(const struct qn_job *job, uint32_t stage, void **acc,
                      const struct qn_strv *states, void *more, struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct gathered *gathered, *other = more;
    const void *plan;
    (void)stage;
    QN_TRY(gather(train, acc, &gathered, err));
    QN_TRY(qn_train_plan(train, states, &plan, err));
    return train->algorithm->join(plan, &gathered->sums, other->sums, err);
}

/* --- end of split and prepare ---------------------------------------------------------------- */

/* A round of a split by shares of time. */
static qn_code finish_cuts(const struct qn_train *train, struct gathered *gathered,
                           const struct qn_strv *states, struct qn_buf *state,
                           enum qn_verdict *verdict, struct qn_err *err)
{
    struct qn_strv before = states[train->split_stage];
    struct qn_cuts cuts;
    bool done;
    qn_cuts_init(&cuts);
    if (before.len)
        QN_TRY(qn_cuts_unpack(before, &cuts, err));
    QN_TRY(qn_cuts_narrow(&cuts, train->split, &gathered->times, &done, err));
    qn_times_fini(&gathered->times);
    qn_cuts_pack(state, &cuts);
    *verdict = done ? QN_VERDICT_NEXT : QN_VERDICT_REPEAT;
    return qn_buf_check(state, "the split", err);
}

static qn_code finish_split(const struct qn_train *train, const struct gathered *gathered,
                            struct qn_buf *state, struct qn_err *err)
{
    struct qn_split *split = malloc(sizeof *split);
    if (!split)
        return qn_err_nomem(err, "the split");
    *split = *train->split;
    qn_split_stratify(split, gathered->counts);
    qn_split_state_pack(state, split);
    free(split);
    return qn_buf_check(state, "the split", err);
}

static qn_code finish_search_rows(const struct qn_train *train, const struct gathered *gathered,
                                  struct qn_err *err)
{
    return qn_train_census_check(train, &gathered->census, err);
}

static qn_code pack_baseline(struct qn_fit *fit, struct qn_buf *state, struct qn_err *err)
{
    struct qn_arena arena;
    struct qn_baseline baseline;
    struct qn_buf packed;
    qn_arena_init(&arena);
    qn_buf_init(&packed);
    qn_code code = qn_baseline_of_fit(fit, &arena, &baseline, err);
    if (code == QN_OK) {
        qn_baseline_pack(&packed, &baseline);
        code = qn_buf_check(&packed, "a baseline", err);
    }
    qn_buf_put_str(state, qn_buf_strv(&packed));
    qn_buf_fini(&packed);
    qn_arena_fini(&arena);
    return code;
}

static qn_code finish_prepare(const struct qn_train *train, struct gathered *gathered,
                              const struct qn_strv *states, struct qn_buf *state,
                              struct qn_findings *findings, struct qn_err *err)
{
    struct qn_fit_note *notes;
    uint32_t n_notes;
    const void *plan;
    const uint64_t *rows = gathered->census.rows[QN_SIDE_TRAIN];
    if (!qn_fit_is_whole(gathered->fit))
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a fitted preparation lacks a piece");
    QN_TRY(qn_train_census_check(train, &gathered->census, err));
    QN_TRY(qn_train_census_tell(train, &gathered->census, findings, err));
    QN_TRY(qn_train_plan(train, states, &plan, err));
    qn_train_census_pack(state, &gathered->census);
    QN_TRY(pack_baseline(gathered->fit, state, err));
    QN_TRY(train->algorithm->prepare(plan, gathered->fit, state, findings->arena, &notes, &n_notes,
                                     err));
    return qn_train_guard_report(train, gathered->guard, notes, n_notes, rows[0] + rows[1],
                                 findings, err);
}

/* --- end of a round -------------------------------------------------------------------------- */

static qn_code finish_round(const struct qn_train *train, struct gathered *gathered,
                            const struct qn_strv *states, struct qn_buf *state,
                            enum qn_verdict *verdict, struct qn_err *err)
{
    struct qn_train_census census;
    struct qn_strv baseline, prepared;
    const void *plan;
    QN_TRY(qn_train_plan(train, states, &plan, err));
    QN_TRY(qn_train_state_unpack(states[train->prepare_stage], &census, &baseline, &prepared, err));
    return train->algorithm->step(plan, gathered->sums, prepared, states[train->round_stage], state,
                                  verdict, err);
}

qn_code qn_train_finish(const struct qn_job *job, uint32_t stage, uint32_t round, void **acc,
                        const struct qn_strv *states, struct qn_buf *state,
                        struct qn_findings *findings, enum qn_verdict *verdict, struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct gathered *gathered = *acc;
    (void)round;
    *verdict = QN_VERDICT_NEXT;
    if (!gathered)
        return qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "there are no rows to train on");
    if ((int)stage == train->drift_stage)
        return qn_train_finish_drift(job, &gathered->drift, findings, verdict, err);
    if ((int)stage == train->split_stage)
        return train->split->method == QN_SPLIT_TIME
                   ? finish_cuts(train, gathered, states, state, verdict, err)
                   : finish_split(train, gathered, state, err);
    if (stage == train->prepare_stage)
        return finish_prepare(train, gathered, states, state, findings, err);
    if (train->search && stage == train->search->rows_stage)
        return finish_search_rows(train, gathered, err);
    uint32_t rung;
    if (qn_search_is_rung(train->search, stage, &rung))
        return qn_rung_result_pack(train->search, rung, states, qn_buf_strv(&gathered->metrics),
                                   state, err);
    if (stage == train->round_stage)
        return finish_round(train, gathered, states, state, verdict, err);
    if (train->calibrate && stage == train->calibrate_stage)
        return qn_train_finish_calibration(train, &gathered->scores, state, err);
    if (stage == train->evaluate_stage) {
        qn_train_evaluated_pack(state, &gathered->evaluated);
        return qn_buf_check(state, "what was evaluated", err);
    }
    if (train->importance && stage == train->importance->stage) {
        qn_importance_found_pack(state, &gathered->found);
        return qn_buf_check(state, "importances", err);
    }
    return qn_train_finish_metrics(job, qn_buf_strv(&gathered->metrics), states, findings, err);
}
