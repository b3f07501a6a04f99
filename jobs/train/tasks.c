#include <stdlib.h>

#include "jobs/train/calibration.h"
#include "jobs/train/evaluate.h"
#include "jobs/train/guards.h"

/* --- split ----------------------------------------------------------------------------------- */

static qn_code run_split(struct qn_train_walk *walk, struct qn_err *err)
{
    struct qn_split_counts *counts = QN_NEW(walk->in->arena, struct qn_split_counts);
    if (!counts)
        return qn_err_nomem(err, "counts for the split");
    do {
        QN_TRY(qn_train_walk_next(walk, err));
        for (uint32_t i = 0; i < walk->n; i++)
            qn_split_count(counts, walk->hashes[i], walk->labels[i]);
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
        qn_train_walk_keep(walk, QN_SIDE_TRAIN);
        if (walk->n)
            QN_TRY(qn_fit_add(fit, walk->columns, walk->rows, walk->n, walk->labels, walk->hashes,
                              err));
    } while (walk->batch.n_rows);
    memcpy(census->others, walk->others, sizeof census->others);
    return QN_OK;
}

/* Census, what the guards saw (with its length before it), then what is fitted. */
static void pack_prepare(struct qn_buf *partial, const struct qn_train_census *census,
                         const struct qn_train_guarding *guarding, struct qn_fit *fit)
{
    struct qn_buf seen;
    qn_buf_init(&seen);
    if (guarding->guard)
        qn_guard_pack(&seen, guarding->guard);
    qn_train_census_pack(partial, census);
    qn_buf_put_str(partial, qn_buf_strv(&seen));
    qn_fit_pack(partial, fit);
    partial->failed |= seen.failed;
    qn_buf_fini(&seen);
}

static qn_code run_prepare(struct qn_train_walk *walk, struct qn_err *err)
{
    struct qn_train_census census = {0};
    struct qn_train_guarding guarding;
    struct qn_fit *fit;
    QN_TRY(qn_fit_new(&walk->train->prepare, &fit, err));
    qn_code code = qn_train_guarding_init(&guarding, walk, err);
    if (code == QN_OK)
        code = fit_rows(walk, fit, &guarding, &census, err);
    struct qn_buf partial;
    qn_buf_init(&partial);
    if (code == QN_OK) {
        pack_prepare(&partial, &census, &guarding, fit);
        code = qn_train_give(walk->out, &partial, err);
    }
    qn_train_guarding_fini(&guarding);
    qn_fit_free(fit);
    return code;
}

/* --- round ----------------------------------------------------------------------------------- */

static void free_design(void *data)
{
    qn_design_fini(data);
    free(data);
}

static qn_code encode_training(struct qn_train_walk *walk, struct qn_train_encoding *encoding,
                               struct qn_design *design, struct qn_err *err)
{
    do {
        QN_TRY(qn_train_walk_next(walk, err));
        qn_train_walk_keep(walk, QN_SIDE_TRAIN);
        QN_TRY(qn_encoder_append(&encoding->encoder, walk->columns, walk->rows, walk->n,
                                 walk->labels, walk->sides, design, err));
    } while (walk->batch.n_rows);
    return QN_OK;
}

/* The unit's training rows, made once: later rounds find them in the cache. */
static qn_code make_training_rows(struct qn_train_walk *walk, struct qn_task_cache *cache,
                                  struct qn_err *err)
{
    struct qn_train_encoding encoding;
    QN_TRY(walk->in->open_rows(walk->in, err));
    QN_TRY(qn_train_walk_start(walk, walk->train, walk->in, walk->out, err));
    struct qn_design *design = calloc(1, sizeof *design);
    if (!design)
        return qn_err_nomem(err, "the design matrix of a chunk");
    qn_code code = qn_train_encoding_init(&encoding, walk, err);
    if (code == QN_OK) {
        qn_design_init(design, &encoding.prepared);
        code = encode_training(walk, &encoding, design, err);
    }
    qn_train_encoding_fini(&encoding);
    if (code != QN_OK) {
        free_design(design);
        return code;
    }
    cache->data = design;
    cache->free = free_design;
    cache->bytes = qn_design_bytes(design);
    return QN_OK;
}

qn_code qn_train_read_point(const struct qn_train_walk *walk, uint32_t n,
                            struct qn_logistic_state *state, struct qn_err *err)
{
    const struct qn_train *train = walk->train;
    struct qn_strv bytes = walk->in->states[train->round_stage];
    return bytes.len ? qn_logistic_state_unpack(bytes, n, state, err)
                     : qn_train_begin(train, walk->in->states, state, err);
}

static qn_code run_round(struct qn_train_walk *walk, struct qn_err *err)
{
    if (!walk->in->unit_cache->data)
        QN_TRY(make_training_rows(walk, walk->in->unit_cache, err));
    const struct qn_design *design = walk->in->unit_cache->data;
    struct qn_logistic_state state = {0};
    struct qn_logistic_sums sums = {0};
    qn_code code = qn_train_read_point(walk, design->n_columns, &state, err);
    const struct qn_logistic_want want = qn_logistic_wants(&state);
    if (code == QN_OK)
        code = qn_logistic_sums_init(&sums, design->n_columns, want.hessian, err);
    if (code == QN_OK) {
        struct qn_buf partial;
        qn_buf_init(&partial);
        qn_logistic_add(&sums, design, state.at, &want);
        qn_logistic_sums_pack(&partial, &sums);
        code = qn_train_give(walk->out, &partial, err);
    }
    qn_logistic_sums_fini(&sums);
    qn_logistic_state_fini(&state);
    return code;
}

/* --- one task -------------------------------------------------------------------------------- */

qn_code qn_train_run(const struct qn_job *job, struct qn_task_in *in, struct qn_task_out *out,
                     struct qn_err *err)
{
    const struct qn_train *train = job->impl;
    struct qn_train_walk walk = {.train = train, .in = in, .out = out};
    if (in->stage == train->metrics_stage)
        return qn_train_run_metrics(train, in, out, err);
    if (in->stage == train->round_stage)
        return run_round(&walk, err);
    QN_TRY(qn_train_walk_start(&walk, train, in, out, err));
    if ((int)in->stage == train->split_stage)
        return run_split(&walk, err);
    if (in->stage == train->prepare_stage)
        return run_prepare(&walk, err);
    if (train->calibrate && in->stage == train->calibrate_stage)
        return qn_train_run_calibration(&walk, err);
    return qn_train_run_evaluate(&walk, job, err);
}
