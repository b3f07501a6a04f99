#include "coordinator/job_run.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "coordinator/job_rounds.h"
#include "jobs/file_facts.h"

/* Fewer are not worth a task, with its lease, its part and its commit. */
enum { ROWS_A_RANGE = 512 << 10 };

const char *qn_job_status_name(enum qn_job_status status)
{
    static const char *const names[] = {"pending", "running", "success", "failed", "skipped"};
    return names[status];
}

uint32_t qn_job_run_units(const struct qn_job_run *run, uint32_t stage)
{
    const struct qn_stage *described = &run->job->stages[stage];
    if (qn_job_run_spares(run, stage))
        return 0;
    switch (described->over) {
    case QN_OVER_PARTITIONS: return run->n_ranges[stage];
    case QN_OVER_SIDE: return run->sides[described->side].n;
    case QN_OVER_TRIALS: return described->n_trials;
    case QN_OVER_CHUNKS: break;
    }
    return run->n_chunks;
}

bool qn_job_run_spares(const struct qn_job_run *run, uint32_t stage)
{
    const struct qn_stage *described = &run->job->stages[stage];
    return described->spare && !(run->shuffled >> described->side & 1);
}

/* --- chunks ---------------------------------------------------------------------------------- */

static qn_code may_pass(struct qn_job_run *run, const struct qn_plan_source *source,
                        const char *path, uint32_t file, bool *out, struct qn_err *err)
{
    struct qn_arena arena; /* of a file: there may be many */
    struct qn_facts *facts = NULL;
    qn_arena_init(&arena);
    qn_code code = qn_file_facts_find(source, path, file, &arena, &facts, err);
    if (code == QN_OK)
        code = run->job->ops->may_pass(run->job, facts, &arena, out, err);
    qn_arena_fini(&arena);
    return code;
}

static qn_code chunks_of_source(struct qn_job_run *run, struct qn_err *err)
{
    uint32_t index = run->job->input.index;
    const struct qn_plan_source *source = &run->plan->sources[index];
    const struct qn_source_options *options = &run->plan->spec.sources[index].options;
    bool prunes = run->job->ops->may_pass && qn_file_facts_any(source);
    for (uint32_t file = 0; file < options->n_paths; file++) {
        bool wanted = true;
        if (prunes)
            QN_TRY(may_pass(run, source, options->paths[file], file, &wanted, err));
        if (wanted)
            QN_TRY(source->ops->chunks(options, &source->info, file, &run->arena, &run->chunks,
                                       &run->n_chunks, err));
    }
    return QN_OK;
}

static qn_code chunks_of_dataset(struct qn_job_run *run, const struct qn_job_run *upstream,
                                 struct qn_err *err)
{
    for (uint32_t s = 0; s < upstream->job->n_stages; s++) {
        if (!upstream->job->stages[s].rows)
            continue;
        const struct qn_brief_files *parts = &upstream->parts[s];
        run->chunks = QN_NEW_ARRAY(&run->arena, struct qn_chunk, parts->n);
        if (!run->chunks)
            return qn_err_nomem(err, "a job's chunks");
        for (uint32_t i = 0; i < parts->n; i++)
            run->chunks[i] = (struct qn_chunk){.file_index = i, .path = parts->paths[i]};
        run->n_chunks = parts->n;
    }
    return QN_OK;
}

qn_code qn_job_run_open(struct qn_job_run *run, const struct qn_job_run *upstream,
                        struct qn_err *err)
{
    run->findings.arena = &run->arena;
    if (run->job->input.kind == QN_INPUT_SOURCE)
        QN_TRY(chunks_of_source(run, err));
    else if (upstream)
        QN_TRY(chunks_of_dataset(run, upstream, err));
    run->results = QN_NEW_ARRAY(&run->arena, struct qn_chunk_result, run->n_chunks);
    run->line_bases = QN_NEW_ARRAY(&run->arena, uint64_t, run->n_chunks);
    return run->results && run->line_bases ? QN_OK : qn_err_nomem(err, "a job's chunks");
}

void qn_job_run_drop_acc(struct qn_job_run *run)
{
    if (run->acc)
        run->job->ops->free_acc(run->acc);
    run->acc = NULL;
}

void qn_job_run_close(struct qn_job_run *run)
{
    qn_job_run_drop_acc(run);
    if (run->sink)
        run->sink_ops->close(run->sink);
    run->sink = NULL;
    qn_job_rounds_close(run);
    qn_landing_close(run->landing);
    run->landing = NULL;
    for (uint32_t i = 0; i < QN_MAX_STAGES; i++)
        qn_buf_fini(&run->states[i]);
    qn_arena_fini(&run->arena);
}

static uint64_t rows_of(const struct qn_job_run *run, uint32_t stage)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < run->parts[stage].n; i++) {
        uint64_t more = run->seals[stage][i].shuffled_rows;
        rows += more < UINT32_MAX ? more : UINT32_MAX;
    }
    return rows;
}

/* Ranges of partitions worth a task each. They follow from the rows that were shuffled alone: the
 * same in every life of a run, with any workers. */
static void find_ranges(struct qn_job_run *run)
{
    uint32_t from = qn_job_run_stage(run)->partitions_from;
    uint64_t rows = rows_of(run, from);
    for (uint32_t stage = 0; stage < run->stage; stage++)
        if (qn_job_run_stage(run)->reads >> stage & 1)
            rows += rows_of(run, stage);
    uint64_t n = rows / ROWS_A_RANGE + 1, most = run->job->stages[from].n_partitions;
    run->n_ranges[run->stage] = (uint32_t)(n < most ? n : most);
}

qn_code qn_job_run_begin_stage(struct qn_job_run *run, const char *folder, struct qn_err *err)
{
    if (qn_job_run_stage(run)->over == QN_OVER_PARTITIONS && !run->n_ranges[run->stage])
        find_ranges(run);
    uint32_t n = qn_job_run_units(run, run->stage);
    struct qn_brief_files *parts = &run->parts[run->stage];
    run->n_committed = 0;
    run->stage_counters = (struct qn_counters){0};
    run->times[run->stage].rounds++;
    run->times[run->stage].began_us = qn_clock_us();
    if (qn_job_run_stage(run)->repeats)
        return QN_OK; /* its parts are merged and gone */
    parts->paths = QN_NEW_ARRAY(&run->arena, const char *, n);
    run->seals[run->stage] = QN_NEW_ARRAY(&run->arena, struct qn_part_seal, n);
    if (!parts->paths || !run->seals[run->stage])
        return qn_err_nomem(err, "a stage's parts");
    for (uint32_t unit = 0; unit < n; unit++) {
        parts->paths[unit] = qn_arena_printf(&run->arena, "%s/%u-%u-%u.part", folder,
                                             run->job->index, run->stage, unit);
        if (!parts->paths[unit])
            return qn_err_nomem(err, "a stage's parts");
    }
    parts->n = n;
    return QN_OK;
}

qn_code qn_job_run_seal(struct qn_job_run *run, uint32_t unit, const struct qn_spooled *part,
                        uint64_t bytes, struct qn_hash128 digest, struct qn_err *err)
{
    struct qn_part_seal *seal = &run->seals[run->stage][unit];
    *seal = (struct qn_part_seal){.bytes = bytes, .digest = digest};
    return qn_spooled_count(part, &seal->shuffled_rows, err);
}

void qn_job_run_spend(struct qn_job_run *run, uint32_t stage, uint64_t micros, uint64_t cpu_micros)
{
    struct qn_stage_time *time = &run->times[stage];
    time->tasks++;
    time->worker_seconds += (double)micros / 1e6;
    time->cpu_seconds += (double)cpu_micros / 1e6;
}

/* --- the chain of chunks --------------------------------------------------------------------- */

static bool reads_files(const struct qn_job_run *run)
{
    return qn_job_run_stage(run)->over == QN_OVER_CHUNKS &&
           run->job->input.kind == QN_INPUT_SOURCE && !qn_job_run_stage(run)->repeats;
}

static bool begins_file(const struct qn_job_run *run, uint32_t unit)
{
    return unit == 0 || run->chunks[unit - 1].file_index != run->chunks[unit].file_index;
}

bool qn_job_run_follows(struct qn_job_run *run, uint32_t unit, const struct qn_chunk_result *result)
{
    if (!reads_files(run) || begins_file(run, unit))
        return true;
    uint64_t expected = run->results[unit - 1].next_start;
    if (result->first_start == expected)
        return true;
    run->chunks[unit].start = expected;
    return false;
}

/* The first chunk of a file counts its preamble and header among its lines. */
static void resolve_lines(struct qn_job_run *run, uint32_t unit)
{
    run->line_bases[unit] =
        begins_file(run, unit) ? 0 : run->line_bases[unit - 1] + run->results[unit - 1].lines;
}

/* --- results --------------------------------------------------------------------------------- */

static void add_counters(struct qn_counters *sum, const struct qn_counters *more)
{
    sum->rows_in += more->rows_in;
    sum->rows_out += more->rows_out;
    sum->quarantined += more->quarantined;
    sum->filtered += more->filtered;
    sum->deduplicated += more->deduplicated;
    sum->added += more->added;
    sum->absorbed += more->absorbed;
}

void qn_job_run_states(const struct qn_job_run *run, struct qn_strv states[QN_MAX_STAGES])
{
    for (uint32_t i = 0; i < QN_MAX_STAGES; i++)
        states[i] = qn_buf_strv(&run->states[i]);
}

static qn_code merge_piece(void *context, struct qn_strv piece, struct qn_err *err)
{
    struct qn_job_run *run = context;
    struct qn_strv states[QN_MAX_STAGES];
    qn_job_run_states(run, states);
    return run->job->ops->merge(run->job, run->stage, &run->acc, states, piece, err);
}

qn_code qn_job_run_merge(struct qn_job_run *run, const struct qn_spooled *part, struct qn_err *err)
{
    return qn_spooled_partial(part, merge_piece, run, err);
}

static qn_code take_partial(struct qn_job_run *run, uint32_t unit, const struct qn_spooled *part,
                            struct qn_err *err)
{
    if (run->lead.under_way)
        return qn_job_rounds_absorb(run, part, err);
    if (qn_job_run_stage(run)->repeats)
        QN_TRY(qn_job_rounds_catch_up(run, unit, err));
    return qn_job_run_merge(run, part, err);
}

qn_code qn_job_run_absorb(struct qn_job_run *run, uint32_t unit, const struct qn_spooled *part,
                          const struct qn_chunk_result *result, const struct qn_counters *counters,
                          struct qn_err *err)
{
    if (reads_files(run)) {
        run->results[unit] = *result;
        run->chunks[unit].start = result->first_start; /* no later stage has to guess */
        resolve_lines(run, unit);
    }
    if (qn_job_run_stage(run)->merges)
        QN_TRY(take_partial(run, unit, part, err));
    add_counters(&run->stage_counters, counters);
    if (qn_job_run_stage(run)->counts)
        add_counters(&run->counters, counters);
    run->n_committed++;
    return QN_OK;
}

qn_code qn_job_run_land(struct qn_job_run *run, uint32_t unit, const char *part, struct qn_err *err)
{
    return run->landing && qn_job_run_stage(run)->rows
               ? qn_landing_add(run->landing, unit, part, err)
               : QN_OK;
}

static qn_code finish_merge(struct qn_job_run *run, enum qn_verdict *verdict, struct qn_err *err)
{
    *verdict = QN_VERDICT_NEXT;
    if (!qn_job_run_stage(run)->merges)
        return QN_OK;
    struct qn_strv states[QN_MAX_STAGES];
    if (qn_job_run_stage(run)->repeats)
        QN_TRY(qn_job_rounds_catch_up(run, qn_job_run_units(run, run->stage), err));
    qn_job_run_states(run, states);
    struct qn_buf state;
    qn_buf_init(&state);
    qn_code code = run->job->ops->finish(run->job, run->stage, run->round, &run->acc, states,
                                         &state, &run->findings, verdict, err);
    if (code == QN_OK)
        code = qn_buf_check(&state, "a stage's state", err);
    if (code == QN_OK)
        code = qn_job_rounds_take(run, qn_buf_strv(&state), *verdict, err);
    if (code != QN_OK || !qn_verdict_repeats(*verdict))
        qn_job_run_drop_acc(run);
    qn_buf_fini(&state);
    return code;
}

qn_code qn_job_run_finish_stage(struct qn_job_run *run, enum qn_verdict *verdict,
                                struct qn_err *err)
{
    struct qn_stage_time *time = &run->times[run->stage];
    qn_code code = QN_OK;
    if (run->lead.under_way)
        *verdict = qn_job_rounds_end_lead(run);
    else
        code = finish_merge(run, verdict, err);
    if (!qn_verdict_repeats(*verdict))
        qn_memory_give_back();
    time->seconds += (double)(qn_clock_us() - time->began_us) / 1e6;
    return code;
}

qn_code qn_job_run_balance(const struct qn_job_run *run, struct qn_err *err)
{
    const struct qn_counters *c = &run->counters;
    if (c->rows_in + c->added ==
        c->rows_out + c->quarantined + c->filtered + c->deduplicated + c->absorbed)
        return QN_OK;
    return qn_err_set(err, QN_ESTATE, QN_BLAME_COORDINATOR,
                      "job %s does not balance: %llu rows in + %llu added, but %llu out + %llu "
                      "quarantined + %llu filtered + %llu deduplicated + %llu absorbed",
                      run->job->name, (unsigned long long)c->rows_in, (unsigned long long)c->added,
                      (unsigned long long)c->rows_out, (unsigned long long)c->quarantined,
                      (unsigned long long)c->filtered, (unsigned long long)c->deduplicated,
                      (unsigned long long)c->absorbed);
}
