#include "jobs/etl/etl.h"

#include <stdlib.h>

/* What a map task counts, and what the coordinator merges it into. */
struct tally {
    struct qn_arena arena;
    uint64_t rows_out;
    struct qn_check_count *checks;
    struct qn_profile *profiles; /* by input column */
    void *sums;                  /* of the fit stage */
};

static bool is_fit(const struct qn_etl *etl, uint32_t stage)
{
    return etl->fits && stage == 0;
}

static qn_code tally_new(const struct qn_etl *etl, struct tally **out, struct qn_err *err)
{
    struct tally *tally = calloc(1, sizeof *tally);
    if (!tally)
        return qn_err_nomem(err, "an etl job's counts");
    qn_arena_init(&tally->arena);
    tally->checks = QN_NEW_ARRAY(&tally->arena, struct qn_check_count, etl->n_checks);
    tally->profiles = QN_NEW_ARRAY(&tally->arena, struct qn_profile, etl->in->n_fields);
    *out = tally;
    return tally->checks && tally->profiles ? QN_OK : qn_err_nomem(err, "an etl job's counts");
}

static void tally_free(void *acc)
{
    struct tally *tally = acc;
    if (!tally)
        return;
    free(tally->sums);
    qn_arena_fini(&tally->arena);
    free(tally);
}

static void tally_pack(const struct qn_etl *etl, const struct tally *tally, struct qn_buf *buf)
{
    qn_buf_put_u64(buf, tally->rows_out);
    for (uint32_t i = 0; i < etl->n_checks; i++) {
        qn_buf_put_u64(buf, tally->checks[i].failures);
        qn_buf_put_u64(buf, tally->checks[i].rows);
    }
    for (uint32_t c = 0; c < etl->in->n_fields; c++)
        qn_profile_pack(&tally->profiles[c], etl->in->fields[c].type, buf);
}

static qn_code tally_merge(const struct qn_etl *etl, struct tally *tally, struct qn_strv partial,
                           struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(partial);
    tally->rows_out += qn_unpack_u64(&in);
    for (uint32_t i = 0; i < etl->n_checks; i++) {
        tally->checks[i].failures += qn_unpack_u64(&in);
        tally->checks[i].rows += qn_unpack_u64(&in);
    }
    for (uint32_t c = 0; c < etl->in->n_fields; c++)
        QN_TRY(qn_profile_merge(&tally->profiles[c], &tally->arena, etl->in->fields[c].type, &in,
                                err));
    return qn_unpack_end(&in, "a partial of an etl job", err);
}

/* --- a map task ------------------------------------------------------------------------------ */

struct map_task {
    const struct qn_job *job;
    const struct qn_etl *etl;
    struct qn_task_in *in;
    struct qn_task_out *out;
    struct tally *tally;
    struct qn_cell *imputed;  /* values, by impute */
    uint64_t *nulls, *filled; /* by input column */
    struct qn_arena arena;    /* of the batch */
};

static qn_code give_rows(struct map_task *task, const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_batch kept = {.schema = &task->job->out, .n_rows = batch->n_rows};
    kept.columns = QN_NEW_ARRAY(&task->arena, struct qn_column, task->etl->n_kept);
    if (!kept.columns)
        return qn_err_nomem(err, "a batch");
    for (uint32_t i = 0; i < task->etl->n_kept; i++)
        kept.columns[i] = batch->columns[task->etl->kept[i]];
    task->out->counters.rows_out += batch->n_rows;
    task->tally->rows_out += batch->n_rows;
    return batch->n_rows ? task->out->ops->rows(task->out, &kept, err) : QN_OK;
}

static qn_code map_batch(struct map_task *task, struct qn_batch *batch, struct qn_err *err)
{
    struct qn_batch good = *batch;
    uint32_t n;
    uint32_t *rows = QN_NEW_ARRAY(&task->arena, uint32_t, batch->n_rows);
    struct qn_column *columns =
        QN_NEW_ARRAY(&task->arena, struct qn_column, batch->schema->n_fields);
    if (!rows || !columns)
        return qn_err_nomem(err, "a batch");
    memcpy(columns, batch->columns, batch->schema->n_fields * sizeof *columns);
    good.columns = columns; /* the reader's own stay as they are */
    QN_TRY(qn_impute_apply(task->etl, task->imputed, &task->arena, &good, task->nulls, task->filled,
                           err));
    QN_TRY(
        qn_checks_apply(task->etl, task->in, task->out, &good, task->tally->checks, rows, &n, err));
    if (n < good.n_rows)
        QN_TRY(qn_batch_take(&task->arena, &good, rows, n, &good, err));
    for (uint32_t c = 0; c < task->etl->in->n_fields; c++)
        QN_TRY(qn_profile_add(&task->tally->profiles[c], task->in->arena, &good.columns[c],
                              good.n_rows, err));
    return give_rows(task, &good, err);
}

static qn_code map_all(struct map_task *task, struct qn_err *err)
{
    for (;;) {
        struct qn_batch batch;
        uint32_t refused = qn_rejects_count(&task->out->rejects);
        if (atomic_load(task->in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        QN_TRY(task->in->reader->ops->next(task->in->reader, &batch, &task->out->rejects, err));
        /* Rows that the reader refused came in too. */
        task->out->counters.rows_in += qn_rejects_count(&task->out->rejects) - refused;
        if (batch.n_rows == 0)
            return QN_OK;
        task->out->counters.rows_in += batch.n_rows;
        qn_arena_clear(&task->arena);
        QN_TRY(map_batch(task, &batch, err));
    }
}

static qn_code map_end(struct map_task *task, struct qn_err *err)
{
    struct qn_buf partial;
    for (uint32_t c = 0; c < task->etl->in->n_fields; c++) {
        task->tally->profiles[c].nulls = task->nulls[c];
        task->tally->profiles[c].imputed = task->filled[c];
    }
    task->out->counters.quarantined = qn_rejects_count(&task->out->rejects);
    qn_buf_init(&partial);
    tally_pack(task->etl, task->tally, &partial);
    qn_code code = qn_buf_check(&partial, "a partial", err);
    if (code == QN_OK)
        code = task->out->ops->partial(task->out, qn_buf_strv(&partial), err);
    qn_buf_fini(&partial);
    return code;
}

static qn_code map_run(struct map_task *task, struct qn_err *err)
{
    struct qn_arena *arena = task->in->arena;
    const struct qn_etl *etl = task->etl;
    task->imputed = QN_NEW_ARRAY(arena, struct qn_cell, etl->n_imputes);
    task->nulls = QN_NEW_ARRAY(arena, uint64_t, etl->in->n_fields);
    task->filled = QN_NEW_ARRAY(arena, uint64_t, etl->in->n_fields);
    if (!task->imputed || !task->nulls || !task->filled)
        return qn_err_nomem(err, "a task");
    for (uint32_t i = 0; i < etl->n_imputes; i++)
        task->imputed[i] = etl->imputes[i].constant;
    if (etl->fits)
        QN_TRY(qn_impute_values(etl, task->in->states[0], task->imputed, err));
    QN_TRY(map_all(task, err));
    return map_end(task, err);
}

static qn_code run(const struct qn_job *job, struct qn_task_in *in, struct qn_task_out *out,
                   struct qn_err *err)
{
    const struct qn_etl *etl = job->impl;
    if (is_fit(etl, in->stage))
        return qn_impute_fit(etl, in, out, err);
    struct map_task task = {.job = job, .etl = etl, .in = in, .out = out};
    qn_arena_init(&task.arena);
    qn_code code = tally_new(etl, &task.tally, err);
    if (code == QN_OK)
        code = map_run(&task, err);
    tally_free(task.tally);
    qn_arena_fini(&task.arena);
    return code;
}

/* --- the coordinator's side ------------------------------------------------------------------ */

static qn_code merge(const struct qn_job *job, uint32_t stage, void **acc, struct qn_strv partial,
                     struct qn_err *err)
{
    const struct qn_etl *etl = job->impl;
    struct tally *tally = *acc;
    if (!tally) {
        QN_TRY(tally_new(etl, &tally, err));
        *acc = tally;
    }
    return is_fit(etl, stage) ? qn_impute_merge(etl, &tally->sums, partial, err)
                              : tally_merge(etl, tally, partial, err);
}

static qn_code report(const struct qn_job *job, const struct tally *tally,
                      struct qn_findings *findings, struct qn_err *err)
{
    const struct qn_etl *etl = job->impl;
    QN_TRY(qn_checks_report(etl, tally->checks, tally->rows_out, findings, err));
    findings->profiles = QN_NEW_ARRAY(findings->arena, struct qn_profile_finding, etl->n_kept);
    if (!findings->profiles)
        return qn_err_nomem(err, "profiles");
    for (uint32_t i = 0; i < etl->n_kept; i++)
        QN_TRY(qn_profile_report(&tally->profiles[etl->kept[i]], etl->kept_names[i],
                                 etl->in->fields[etl->kept[i]].type, findings->arena,
                                 &findings->profiles[findings->n_profiles++], err));
    return QN_OK;
}

static qn_code finish(const struct qn_job *job, uint32_t stage, uint32_t round, void **acc,
                      const struct qn_strv *states, struct qn_buf *state,
                      struct qn_findings *findings, enum qn_verdict *verdict, struct qn_err *err)
{
    const struct qn_etl *etl = job->impl;
    struct tally *tally = *acc;
    (void)round;
    (void)states;
    *verdict = QN_VERDICT_NEXT;
    if (is_fit(etl, stage))
        return qn_impute_finish(etl, tally ? tally->sums : NULL, state, err);
    if (!tally) { /* an input without a single chunk */
        QN_TRY(tally_new(etl, &tally, err));
        *acc = tally;
    }
    return report(job, tally, findings, err);
}

const struct qn_job_ops qn_job_etl = {
    .kind = "etl",
    .summary = "clean, test and load rows",
    .keys = &qn_etl_keys,
    .compile = qn_etl_compile,
    .run = run,
    .merge = merge,
    .finish = finish,
    .free_acc = tally_free,
};
