#include "coordinator/run.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "coordinator/fingerprint.h"
#include "coordinator/given_up.h"
#include "coordinator/job_rounds.h"
#include "coordinator/lock.h"
#include "coordinator/pins.h"
#include "coordinator/remake.h"
#include "coordinator/scratch.h"
#include "wire/part.h"

/* Rows held back for one copy into the warehouse: enough that the copy's own cost is nothing. */
enum { LOAD_BYTES = 4 << 20 };
/* Parts of a job that may be gone or damaged when their turn comes. */
enum { MAX_LOST_EARLY = 16 };

/* --- transactions ---------------------------------------------------------------------------- */

static qn_code ensure_transaction(struct qn_run *run, struct qn_err *err)
{
    if (run->in_transaction)
        return QN_OK;
    QN_TRY(qn_store_begin(run->store, err));
    run->in_transaction = true;
    return QN_OK;
}

/* --- opening --------------------------------------------------------------------------------- */

static qn_code record_begin(struct qn_run *run, struct qn_err *err)
{
    const struct qn_spec *spec = &run->plan->spec;
    struct qn_store_run row = {.run_id = run->run_id,
                               .spec_name = spec->name,
                               .spec_sha256 = spec->sha256,
                               .spec_text = spec->text,
                               .engine_version = QN_VERSION,
                               .seed = spec->seed};
    return qn_store_run_begin(run->store, &row, err);
}

static qn_code resume(struct qn_run *run, struct qn_err *err)
{
    QN_TRY(record_begin(run, err));
    run->resumed = true;
    return qn_store_ledger_read(run->store, run->run_id, &run->arena, &run->ledger, &run->n_ledger,
                                err);
}

/* The unfinished run of this plan, if there is one that can go on; *found says so. */
static qn_code resume_unfinished(struct qn_run *run, const char *key, bool full_refresh,
                                 const char *state_folder, bool *found, struct qn_err *err)
{
    *found = false;
    qn_code code;
    while ((code = qn_journal_find_run(run->journal, key, run->run_id, err)) == QN_OK) {
        code = full_refresh ? QN_ESTATE : resume(run, err);
        *found = code == QN_OK;
        if (code != QN_ESTATE)
            return code;
        /* Unwanted, or another run of this warehouse took its place, and its staged rows. */
        qn_pins_drop(state_folder, run->run_id);
        QN_TRY(qn_journal_end_run(run->journal, run->run_id, "cancelled", err));
        qn_scratch_remove(state_folder, run->run_id);
    }
    return code == QN_ENOTFOUND ? QN_OK : code;
}

static qn_code begin_or_resume(struct qn_run *run, const struct qn_run_options *options,
                               char key[QN_SHA256_HEX], struct qn_err *err)
{
    bool found;
    QN_TRY(qn_fingerprint_plan(run->plan, options->plan_bytes, key, err));
    QN_TRY(resume_unfinished(run, key, options->full_refresh, options->state_folder, &found, err));
    if (found)
        return QN_OK;
    QN_TRY(qn_given_up_warn(run->store, run->plan, err));
    qn_clock_id(run->run_id);
    QN_TRY(qn_journal_begin_run(run->journal, run->run_id, key, run->warehouse, err));
    return record_begin(run, err);
}

/* Whether the warehouse has given a run up: another one took its place. */
static qn_code note_given_up(void *context, int n_columns, const char *const *names,
                             const char *const *values)
{
    bool *given_up = context;
    (void)names;
    *given_up = n_columns == 1 && values[0] && strcmp(values[0], "running") != 0;
    return QN_OK;
}

/* Lets go of what another run left, unless that run can still go on in another warehouse that has
 * its runs in this state folder. Here our run has taken its place; a run that was killed before its
 * first commit is known to the journal alone. */
static qn_code drop_if_over(void *context, const char *run_id, struct qn_err *err)
{
    struct qn_run *run = context;
    const char *params[] = {run_id};
    bool unfinished, given_up;
    if (strcmp(run_id, run->run_id) == 0)
        return QN_OK;
    QN_TRY(qn_journal_is_unfinished(run->journal, run_id, run->warehouse, &unfinished, &given_up,
                                    err));
    if (unfinished && !given_up)
        QN_TRY(qn_store_query(run->store, "select status from _quern_runs where run_id = ?1",
                              params, 1, note_given_up, &given_up, err));
    if (unfinished && !given_up)
        return QN_OK;
    qn_pins_drop(run->state_folder, run_id);
    if (unfinished)
        QN_TRY(qn_journal_end_run(run->journal, run_id, "cancelled", err));
    qn_log_debug("dropping what run %s left", run_id);
    qn_scratch_remove(run->state_folder, run_id);
    return QN_OK;
}

/* Jobs that an earlier life finished: only their parts matter now. */
static qn_code note_success(void *context, int n_columns, const char *const *names,
                            const char *const *values)
{
    struct qn_run *run = context;
    (void)names;
    int32_t index = n_columns == 1 && values[0] ? qn_plan_find_job(run->plan, values[0]) : -1;
    if (index >= 0)
        run->jobs[index].status = QN_JOB_SUCCESS;
    return QN_OK;
}

static qn_code recall_finished_jobs(struct qn_run *run, struct qn_err *err)
{
    const char *params[] = {run->run_id};
    QN_TRY(qn_store_query(run->store,
                          "select job from _quern_jobs where run_id = ?1 and status = 'success'",
                          params, 1, note_success, run, err));
    for (uint32_t i = 0; i < run->plan->n_order; i++) {
        struct qn_job_run *job = &run->jobs[run->plan->order[i]];
        const struct qn_input *input = &job->job->input;
        if (job->status != QN_JOB_SUCCESS)
            continue;
        QN_TRY(qn_job_run_open(
            job, input->kind == QN_INPUT_DATASET ? &run->jobs[input->index] : NULL, err));
        for (job->stage = 0; job->stage < job->job->n_stages; job->stage++) {
            job->n_ranges[job->stage] = qn_run_committed_units(run, job);
            QN_TRY(qn_job_run_begin_stage(job, run->part_folder, err));
        }
        job->stage = job->job->n_stages - 1;
    }
    return QN_OK;
}

qn_code qn_run_claim(struct qn_run *run, const struct qn_run_options *options, struct qn_err *err)
{
    *run = (struct qn_run){.plan = options->plan,
                           .state_folder = options->state_folder,
                           .lock = -1,
                           .tap = options->tap};
    qn_arena_init(&run->arena);
    QN_TRY(qn_journal_open(options->state_folder, &run->journal, err));
    if (options->fleeting)
        qn_journal_forgo_sync(run->journal);
    QN_TRY(qn_lock_warehouse(options->plan->spec.warehouse, &run->lock, err));
    char path[PATH_MAX]; /* the file is there now */
    run->warehouse = qn_arena_printf(
        &run->arena, "%s",
        realpath(options->plan->spec.warehouse, path) ? path : options->plan->spec.warehouse);
    return run->warehouse ? QN_OK : qn_err_nomem(err, "a path");
}

qn_code qn_run_open(struct qn_run *run, const struct qn_run_options *options, struct qn_err *err)
{
    const char *warehouse = options->plan->spec.warehouse;
    qn_journal_open_beside(run->journal);
    QN_TRY(options->fleeting ? qn_store_open_fleeting(warehouse, &run->store, err)
                             : qn_store_open(warehouse, &run->store, err));
    run->in_transaction = true;
    char key[QN_SHA256_HEX];
    QN_TRY(begin_or_resume(run, options, key, err));
    QN_TRY(qn_scratch_each(options->state_folder, drop_if_over, run, err));
    QN_TRY(qn_scratch_make(options->state_folder, run->run_id, &run->arena, &run->spool_folder,
                           &run->part_folder, err));
    if (!options->fleeting)
        QN_TRY(qn_pins_keep(options->state_folder, run->run_id, key, run->plan, err));
    QN_TRY(qn_blob_table_put(&run->blobs, options->plan_bytes, run->plan_hash, err));
    run->jobs = QN_NEW_ARRAY(&run->arena, struct qn_job_run, run->plan->spec.n_jobs);
    if (!run->jobs)
        return qn_err_nomem(err, "a run's jobs");
    for (uint32_t i = 0; i < run->plan->spec.n_jobs; i++) {
        run->jobs[i].plan = run->plan;
        run->jobs[i].job = &run->plan->jobs[i].job;
        if (!run->plan->jobs[i].wanted)
            run->jobs[i].status = QN_JOB_SKIPPED;
    }
    return run->resumed ? recall_finished_jobs(run, err) : QN_OK;
}

void qn_run_close_store(struct qn_run *run)
{
    if (run->in_transaction)
        qn_store_rollback(run->store);
    run->in_transaction = false;
    for (uint32_t i = 0; run->jobs && i < run->plan->spec.n_jobs; i++)
        qn_job_run_close(&run->jobs[i]); /* their sinks write through the store */
    qn_store_close(run->store);
    run->store = NULL;
}

void qn_run_close(struct qn_run *run)
{
    qn_run_close_store(run);
    qn_scratch_remove_end(run->removal);
    qn_lock_release(run->lock);
    if (run->journal)
        qn_journal_close(run->journal);
    qn_blob_table_fini(&run->blobs);
    qn_arena_fini(&run->arena);
}

/* --- records ---------------------------------------------------------------------------------- */

static qn_code record_job(struct qn_run *run, const struct qn_job_run *job, struct qn_err *err)
{
    struct qn_store_job row = {.name = job->job->name,
                               .kind = job->job->ops->kind,
                               .status = qn_job_status_name(job->status),
                               .chunks = job->n_chunks,
                               .counters = job->counters,
                               .seconds = job->seconds};
    return qn_store_job_put(run->store, run->run_id, &row, err);
}

static qn_code record_stages(struct qn_run *run, const struct qn_job_run *job, struct qn_err *err)
{
    for (uint32_t i = 0; i < job->job->n_stages; i++) {
        const struct qn_stage_time *time = &job->times[i];
        struct qn_store_stage row = {.job = job->job->name,
                                     .stage = i,
                                     .name = job->job->stages[i].name,
                                     .rounds = time->rounds,
                                     .tasks = time->tasks,
                                     .seconds = time->seconds,
                                     .worker_seconds = time->worker_seconds,
                                     .cpu_seconds = time->cpu_seconds};
        if (time->rounds)
            QN_TRY(qn_store_stage_put(run->store, run->run_id, &row, err));
    }
    return QN_OK;
}

/* --- starting jobs --------------------------------------------------------------------------- */

static bool needs_are_met(const struct qn_run *run, uint32_t index, bool *hopeless)
{
    bool met = true;
    for (uint32_t i = 0; i < run->plan->spec.n_jobs; i++) {
        if (!run->plan->jobs[index].needs[i])
            continue;
        enum qn_job_status status = run->jobs[i].status;
        met &= status == QN_JOB_SUCCESS;
        *hopeless |= status == QN_JOB_FAILED || status == QN_JOB_SKIPPED;
    }
    return met;
}

static qn_code prepare_sink(struct qn_run *run, struct qn_job_run *job, struct qn_err *err)
{
    const struct qn_landing_options landing = {run->run_id, run->plan->spec.sha256, job->job};
    if (job->job->into.files.writer)
        return qn_landing_open(&landing, &job->landing, err);
    if (!job->job->into.table)
        return QN_OK;
    job->sink_ops = qn_sink_find("sqlite");
    QN_TRY(ensure_transaction(run, err));
    return job->sink_ops->prepare(qn_store_connection(run->store), job->job->into.table,
                                  &job->job->out, job->job->into.disposition, &job->sink, err);
}

static qn_code start_job(struct qn_run *run, uint32_t index, struct qn_err *err)
{
    struct qn_job_run *job = &run->jobs[index];
    const struct qn_input *input = &job->job->input;
    job->status = QN_JOB_RUNNING;
    job->started_ms = qn_clock_ms();
    qn_log_debug("job %s starts", job->job->name);
    QN_TRY(qn_job_run_open(job, input->kind == QN_INPUT_DATASET ? &run->jobs[input->index] : NULL,
                           err));
    QN_TRY(qn_run_choose_sides(run, job, err));
    QN_TRY(prepare_sink(run, job, err));
    QN_TRY(ensure_transaction(run, err));
    QN_TRY(record_job(run, job, err));
    return qn_run_start_stage(run, job, err);
}

/* A failure that the job or its input is to blame for ends the job, not the run. */
static qn_code contain(struct qn_run *run, uint32_t index, qn_code code, struct qn_err *err)
{
    if (code == QN_OK || err->blame == QN_BLAME_COORDINATOR)
        return code;
    char text[1200];
    qn_err_format(err, text, sizeof text);
    return qn_run_fail_job(run, index, text, err);
}

qn_code qn_run_advance(struct qn_run *run, struct qn_err *err)
{
    for (uint32_t i = 0; i < run->plan->n_order; i++) {
        uint32_t index = run->plan->order[i];
        bool hopeless = false;
        if (run->jobs[index].status != QN_JOB_PENDING)
            continue;
        bool met = needs_are_met(run, index, &hopeless);
        if (hopeless) {
            run->jobs[index].status = QN_JOB_SKIPPED;
            QN_TRY(ensure_transaction(run, err));
            QN_TRY(record_job(run, &run->jobs[index], err));
        } else if (met) {
            QN_TRY(contain(run, index, start_job(run, index, err), err));
        }
    }
    return QN_OK;
}

/* --- tasks ----------------------------------------------------------------------------------- */

void qn_run_lease(const struct qn_run *run, const struct qn_token *token, struct qn_msg_task *out)
{
    const struct qn_job_run *job = &run->jobs[token->job];
    *out = (struct qn_msg_task){.token = *token,
                                .brief = qn_strv_from(job->brief_hashes[token->stage])};
    const struct qn_stage *stage = &job->job->stages[token->stage];
    if (stage->over == QN_OVER_SIDE)
        out->path = qn_strv_from(job->sides[stage->side].paths[token->unit]);
    if (stage->over != QN_OVER_CHUNKS || token->unit >= job->n_chunks)
        return; /* the latter: a lead, of all chunks */
    const struct qn_chunk *chunk = &job->chunks[token->unit];
    out->path = qn_strv_from(chunk->path);
    out->file_index = chunk->file_index;
    out->begin = chunk->begin;
    out->end = chunk->end;
    out->start = chunk->start;
    out->file_bytes = chunk->file_bytes;
    out->file_begin = chunk->file_begin;
    out->file_end = chunk->file_end;
}

static bool loads(const struct qn_job_run *job)
{
    return job->sink && qn_job_run_stage(job)->rows;
}

static qn_code write_rows(struct qn_run *run, struct qn_job_run *job, const char *path,
                          struct qn_err *err)
{
    if (!loads(job))
        return QN_OK;
    run->loading = job;
    struct qn_reader *reader;
    struct qn_batch batch;
    const struct qn_part_want want = {.kind = QN_PART_ROWS, .schema = &job->job->out};
    QN_TRY(qn_part_open(&path, 1, &want, &reader, err));
    qn_code code;
    while ((code = reader->ops->next(reader, &batch, NULL, err)) == QN_OK && batch.n_rows)
        if ((code = job->sink_ops->write(job->sink, &batch, err)) != QN_OK)
            break;
    reader->ops->close(reader);
    return code;
}

static qn_code write_rejects(struct qn_run *run, struct qn_job_run *job, uint32_t unit,
                             const char *path, struct qn_err *err)
{
    struct qn_reader *reader;
    struct qn_batch batch;
    uint64_t base = qn_job_run_stage(job)->over == QN_OVER_CHUNKS ? job->line_bases[unit] : 0;
    const struct qn_part_want want = {.kind = QN_PART_REJECTS, .schema = &qn_reject_schema};
    QN_TRY(qn_part_open(&path, 1, &want, &reader, err));
    qn_code code;
    while ((code = reader->ops->next(reader, &batch, NULL, err)) == QN_OK && batch.n_rows)
        if ((code = qn_store_quarantine_put(run->store, run->run_id, job->job->name, &batch, base,
                                            err)) != QN_OK)
            break;
    reader->ops->close(reader);
    return code;
}

static qn_code write_ledger(struct qn_run *run, struct qn_job_run *job, const struct qn_msg *done,
                            const char *path, struct qn_err *err)
{
    struct qn_ledger_row row = {.run_id = run->run_id,
                                .job = job->job->name,
                                .stage = done->done.token.stage,
                                .round = done->done.token.round,
                                .unit = done->done.token.unit,
                                .attempt = done->done.token.attempt,
                                .rows = done->done.counters.rows_out,
                                .part_bytes = done->done.bytes,
                                .digest = done->done.digest,
                                .counters = done->done.counters,
                                .chunk = done->done.chunk};
    if (run->loading && run->loading != job && loads(job))
        QN_TRY(qn_run_flush(run, err)); /* a transaction loads one table */
    QN_TRY(ensure_transaction(run, err));
    qn_code code = qn_store_ledger_put(run->store, &row, err);
    if (code == QN_EEXISTS)
        return QN_OK; /* its rows are there since an earlier life; only the part was lost */
    QN_TRY(code);
    QN_TRY(write_rows(run, job, path, err));
    if (qn_job_run_stage(job)->counts)
        QN_TRY(write_rejects(run, job, row.unit, path, err));
    return loads(job) && job->sink_ops->pending(job->sink) >= LOAD_BYTES ? qn_run_flush(run, err)
                                                                         : QN_OK;
}

/* Nothing of a unit is kept but what its partial adds: the rounds are, in their log. */
static qn_code commit_round(struct qn_job_run *job, const struct qn_msg *done,
                            const struct qn_spooled *part, bool *redo, struct qn_err *err)
{
    qn_code code = qn_job_run_absorb(job, done->done.token.unit, part, &done->done.chunk,
                                     &done->done.counters, err);
    *redo = code == QN_ELOST && job->n_lost_early++ < MAX_LOST_EARLY;
    if (*redo)
        return QN_OK;
    QN_TRY(code);
    return qn_spooled_discard(part, err);
}

qn_code qn_run_commit(struct qn_run *run, const struct qn_msg *done, const struct qn_spooled *part,
                      bool *redo, struct qn_err *err)
{
    const struct qn_token *token = &done->done.token;
    struct qn_job_run *job = &run->jobs[token->job];
    qn_job_run_spend(job, token->stage, done->done.micros, done->done.cpu_micros);
    if (qn_remake_is_of(run, token))
        return qn_remake_commit(run, done, part, redo, err);
    if (qn_job_run_stage(job)->repeats)
        return commit_round(job, done, part, redo, err);
    *redo = !qn_job_run_follows(job, token->unit, &done->done.chunk);
    if (*redo)
        return qn_spooled_discard(part, err);
    qn_code code =
        qn_job_run_seal(job, token->unit, part, done->done.bytes, done->done.digest, err);
    *redo = code == QN_ELOST && job->n_lost_early++ < MAX_LOST_EARLY;
    if (*redo)
        return QN_OK;
    QN_TRY(code);
    QN_TRY(qn_job_run_absorb(job, token->unit, part, &done->done.chunk, &done->done.counters, err));
    const char *kept = job->parts[job->stage].paths[token->unit];
    QN_TRY(qn_spooled_keep(part, kept, err));
    QN_TRY(qn_job_run_land(job, token->unit, kept, err));
    if (qn_job_run_stage(job)->over == QN_OVER_CHUNKS && qn_job_run_stage(job)->counts)
        run->rows_read += done->done.counters.rows_in;
    QN_TRY(write_ledger(run, job, done, kept, err));
    if (!run->tap || !qn_job_run_stage(job)->rows || run->enough)
        return QN_OK;
    return run->tap->part(run->tap->context, job->job->name, kept, &run->enough, err);
}

/* --- ends ------------------------------------------------------------------------------------ */

static qn_code record_inputs(struct qn_run *run, const struct qn_job_run *job, struct qn_err *err)
{
    if (job->job->input.kind != QN_INPUT_SOURCE)
        return QN_OK;
    const struct qn_source_options *options =
        &run->plan->spec.sources[job->job->input.index].options;
    for (uint32_t file = 0, unit = 0; file < options->n_paths; file++) {
        struct qn_store_input row = {.job = job->job->name, .path = options->paths[file]};
        char fingerprint[QN_FINGERPRINT_HEX];
        QN_TRY(qn_fingerprint_file(row.path, fingerprint, &row.bytes, err));
        row.fingerprint = fingerprint;
        for (; unit < job->n_chunks && job->chunks[unit].file_index == file; unit++) {
            row.chunks++;
            row.rows += job->results[unit].records;
        }
        QN_TRY(qn_store_input_put(run->store, run->run_id, &row, err));
    }
    return QN_OK;
}

/* Indexes come with the table or not at all: a run that is killed in between has published
 * nothing, and publishes again when it goes on. */
static qn_code publish_table(struct qn_job_run *job, struct qn_err *err)
{
    const struct qn_into *into = &job->job->into;
    if (!job->sink)
        return QN_OK;
    if (job->ended)
        return job->sink_ops->discard(job->sink, err);
    QN_TRY(job->sink_ops->publish(job->sink, err));
    for (uint32_t i = 0; i < into->n_indexes; i++)
        QN_TRY(job->sink_ops->index(job->sink, &into->indexes[i], err));
    return QN_OK;
}

static qn_code publish_results(struct qn_run *run, struct qn_job_run *job, struct qn_err *err)
{
    uint32_t version;
    QN_TRY(qn_job_run_balance(job, err));
    QN_TRY(publish_table(job, err));
    QN_TRY(qn_store_findings_put(run->store, run->run_id, job->job->name, &job->findings,
                                 run->plan->spec.sha256, run->plan->spec.seed, &version, err));
    QN_TRY(record_inputs(run, job, err));
    job->status = QN_JOB_SUCCESS;
    job->seconds = (double)(qn_clock_ms() - job->started_ms) / 1000.0;
    QN_TRY(record_job(run, job, err));
    QN_TRY(record_stages(run, job, err));
    if (job->landing && job->ended)
        qn_landing_discard(job->landing);
    else if (job->landing)
        return qn_landing_publish(job->landing, err); /* cannot be taken back */
    return QN_OK;
}

/* All or nothing: what cannot be published (rows that a constraint of the user's table refuses) is
 * taken back, and fails the job; what was committed before in the same transaction stays. */
static qn_code publish(struct qn_run *run, struct qn_job_run *job, struct qn_err *err)
{
    QN_TRY(ensure_transaction(run, err));
    QN_TRY(qn_store_mark(run->store, err));
    qn_code code = publish_results(run, job, err);
    if (code != QN_OK) {
        struct qn_err second;
        qn_code back = qn_store_unmark(run->store, false, &second);
        return back == QN_OK ? contain(run, job->job->index, code, err) : code;
    }
    QN_TRY(qn_store_unmark(run->store, true, err));
    qn_schedule_abandon_job(run->schedule, job->job->index);
    return qn_run_advance(run, err);
}

qn_code qn_run_next_stage(struct qn_run *run, struct qn_job_run *job, struct qn_err *err)
{
    qn_job_rounds_close(job);
    job->round = 0;
    job->lead = (struct qn_job_lead){.settled = false};
    run->stage_over = run->in_transaction;
    if (job->stage + 1 == job->job->n_stages)
        return publish(run, job, err);
    job->stage++;
    return contain(run, job->job->index, qn_run_start_stage(run, job, err), err);
}

/* The job is over before its last stage: the one that it ends with counts for it. */
static qn_code end_early(struct qn_run *run, struct qn_job_run *job, struct qn_err *err)
{
    const struct qn_brief_files *parts = &job->parts[job->stage];
    job->ended = true;
    job->counters = job->stage_counters;
    QN_TRY(ensure_transaction(run, err));
    for (uint32_t unit = 0; unit < parts->n; unit++)
        QN_TRY(write_rejects(run, job, unit, parts->paths[unit], err));
    return publish(run, job, err);
}

qn_code qn_run_stage_done(struct qn_run *run, uint32_t index, struct qn_err *err)
{
    struct qn_job_run *job = &run->jobs[index];
    enum qn_verdict verdict;
    qn_code code = qn_job_run_finish_stage(job, &verdict, err);
    if (code != QN_OK)
        return contain(run, index, code, err);
    if (job->findings.failed)
        return qn_run_fail_job(run, index, job->findings.failure, err);
    if (verdict == QN_VERDICT_END)
        return contain(run, index, end_early(run, job, err), err);
    if (!qn_verdict_repeats(verdict))
        return qn_run_next_stage(run, job, err);
    return contain(run, index, qn_run_start_stage(run, job, err), err);
}

qn_code qn_run_fail_job(struct qn_run *run, uint32_t index, const char *why, struct qn_err *err)
{
    struct qn_job_run *job = &run->jobs[index];
    uint32_t version;
    snprintf(job->failure, sizeof job->failure, "%s", why ? why : "it failed");
    qn_log_error("job %s failed: %s", job->job->name, job->failure);
    qn_schedule_abandon_job(run->schedule, index);
    job->findings.model.name = NULL; /* a failed job registers nothing */
    job->status = QN_JOB_FAILED;
    job->seconds = (double)(qn_clock_ms() - job->started_ms) / 1000.0;
    QN_TRY(ensure_transaction(run, err));
    if (job->sink)
        QN_TRY(job->sink_ops->discard(job->sink, err));
    if (job->landing)
        qn_landing_discard(job->landing);
    QN_TRY(qn_store_findings_put(run->store, run->run_id, job->job->name, &job->findings,
                                 run->plan->spec.sha256, run->plan->spec.seed, &version, err));
    QN_TRY(record_job(run, job, err));
    QN_TRY(record_stages(run, job, err));
    return qn_run_advance(run, err);
}

bool qn_run_is_over(const struct qn_run *run)
{
    for (uint32_t i = 0; i < run->plan->spec.n_jobs; i++)
        if (run->jobs[i].status == QN_JOB_PENDING || run->jobs[i].status == QN_JOB_RUNNING)
            return false;
    return true;
}

bool qn_run_succeeded(const struct qn_run *run)
{
    for (uint32_t i = 0; i < run->plan->spec.n_jobs; i++)
        if (run->plan->jobs[i].wanted && run->jobs[i].status != QN_JOB_SUCCESS)
            return false;
    return true;
}

static const char *result_of(const struct qn_run *run)
{
    return qn_run_succeeded(run) ? "success" : "failed";
}

/* The end of the run goes with the end of its last job. */
qn_code qn_run_flush(struct qn_run *run, struct qn_err *err)
{
    struct qn_job_run *loading = run->loading;
    if (!run->in_transaction)
        return QN_OK;
    run->loading = NULL;
    if (loading)
        QN_TRY(loading->sink_ops->flush(loading->sink, err));
    if (qn_run_is_over(run) && !run->end_recorded) {
        QN_TRY(qn_store_run_finish(run->store, run->run_id, result_of(run), err));
        run->end_recorded = true;
        qn_store_leave_log(run->store);
    }
    run->in_transaction = false;
    run->stage_over = false;
    run->n_commits++;
    return qn_store_commit(run->store, err);
}

qn_code qn_run_finish(struct qn_run *run, struct qn_err *err)
{
    if (!run->end_recorded)
        QN_TRY(ensure_transaction(run, err));
    QN_TRY(qn_run_flush(run, err));
    qn_pins_drop(run->state_folder, run->run_id);
    QN_TRY(qn_journal_end_run(run->journal, run->run_id, result_of(run), err));
    if (!run->tap)
        run->removal = qn_scratch_remove_begin(run->state_folder, run->run_id);
    return QN_OK;
}
