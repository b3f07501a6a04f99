/* How a stage of a job begins: what an earlier life did of it is taken up, the rest scheduled. */
#include <string.h>

#include "base/log.h"
#include "coordinator/job_rounds.h"
#include "coordinator/run.h"
#include "wire/part.h"

static bool part_is_whole(const char *path, const struct qn_ledger_row *row)
{
    uint64_t bytes;
    struct qn_hash128 digest;
    return qn_part_digest(path, &bytes, &digest, NULL) == QN_OK && bytes == row->part_bytes &&
           digest.low == row->digest.low && digest.high == row->digest.high;
}

/* The ledger was read in the order of job, stage and unit; only stages of one round are in it. */
static const struct qn_ledger_row *ledger_find(const struct qn_run *run,
                                               const struct qn_job_run *job, uint32_t unit)
{
    uint64_t wanted = (uint64_t)job->stage << 32 | unit;
    uint32_t first = 0, end = run->n_ledger;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        const struct qn_ledger_row *row = &run->ledger[middle];
        uint64_t place = (uint64_t)row->stage << 32 | row->unit;
        int order = strcmp(row->job, job->job->name);
        if (order == 0 && place == wanted)
            return row->round == 0 ? row : NULL;
        if (order < 0 || (order == 0 && place < wanted))
            first = middle + 1;
        else
            end = middle;
    }
    return NULL;
}

uint32_t qn_run_committed_units(const struct qn_run *run, const struct qn_job_run *job)
{
    uint32_t n = 0;
    while (ledger_find(run, job, n))
        n++;
    return n;
}

/* Takes in the units that an earlier life committed and whose parts are still whole: a prefix,
 * since commits are in order. */
static qn_code replay(struct qn_run *run, struct qn_job_run *job, uint32_t n_units, bool *committed,
                      struct qn_err *err)
{
    for (uint32_t unit = 0; unit < n_units && run->n_ledger; unit++) {
        const struct qn_ledger_row *row = ledger_find(run, job, unit);
        const char *path = job->parts[job->stage].paths[unit];
        if (!row || !part_is_whole(path, row))
            break;
        const struct qn_spooled part = {.path = path};
        QN_TRY(qn_job_run_seal(job, unit, &part, row->part_bytes, row->digest, err));
        QN_TRY(qn_job_run_absorb(job, unit, &part, &row->chunk, &row->counters, err));
        QN_TRY(qn_job_run_land(job, unit, path, err));
        committed[unit] = true;
    }
    return QN_OK;
}

/* Of the first round after a coordinator was killed: units whose results had come to it. */
static qn_code find_known(struct qn_job_run *job, uint32_t n, bool **known, uint32_t *n_known,
                          struct qn_err *err)
{
    for (uint32_t unit = 0; unit < n; unit++) {
        if (!qn_job_rounds_knows(job, unit))
            continue;
        if (!*known)
            *known = QN_NEW_ARRAY(&job->arena, bool, n);
        if (!*known)
            return qn_err_nomem(err, "a round");
        (*known)[unit] = true;
        ++*n_known;
    }
    if (*n_known)
        qn_log_debug("round %u of job %s has what %u of %u tasks gave", job->round, job->job->name,
                     *n_known, n);
    return QN_OK;
}

/* A repeating stage: its rounds are logged, and what their units give until then. */
static qn_code start_round(struct qn_run *run, struct qn_job_run *job, struct qn_err *err)
{
    bool over = false;
    uint32_t n = qn_job_run_units(job, job->stage);
    if (!job->log) {
        QN_TRY(qn_job_rounds_recall(job, run->part_folder, &over, err));
        if (over)
            return qn_run_next_stage(run, job, err);
        QN_TRY(qn_run_make_brief(run, job, err));
    }
    if (n == 0)
        return qn_run_stage_done(run, job->job->index, err);
    bool alone, *known = NULL;
    uint32_t n_known = 0;
    QN_TRY(find_known(job, n, &known, &n_known, err));
    if (n_known == n)
        return qn_run_stage_done(run, job->job->index, err);
    QN_TRY(qn_schedule_deal_homes(run->schedule, job->job->index, n, &alone, err));
    bool led = alone && !n_known && qn_job_rounds_begin_lead(job);
    const struct qn_schedule_stage stage = {.job = job->job->index,
                                            .stage = job->stage,
                                            .round = job->round,
                                            .n_units = led ? n + 1 : n,
                                            .first_unit = led ? n : 0,
                                            .committed = n_known ? known : NULL,
                                            .prefer_same_worker = true};
    return qn_schedule_add_stage(run->schedule, &stage, err);
}

qn_code qn_run_start_stage(struct qn_run *run, struct qn_job_run *job, struct qn_err *err)
{
    while (qn_job_run_spares(job, job->stage))
        job->stage++; /* never the last one: that gives rows */
    QN_TRY(qn_job_run_begin_stage(job, run->part_folder, err));
    if (qn_job_run_stage(job)->repeats)
        return start_round(run, job, err);
    uint32_t n = qn_job_run_units(job, job->stage);
    bool *committed = QN_NEW_ARRAY(&job->arena, bool, n);
    uint32_t *attempts = QN_NEW_ARRAY(&job->arena, uint32_t, n);
    if (!committed || !attempts)
        return qn_err_nomem(err, "a stage");
    QN_TRY(replay(run, job, n, committed, err));
    QN_TRY(qn_run_make_brief(run, job, err));
    if (job->n_committed == n)
        return qn_run_stage_done(run, job->job->index, err);
    if (run->resumed)
        QN_TRY(qn_journal_get_attempts(run->journal, run->run_id, job->job->index, job->stage,
                                       job->round, attempts, n, err));
    const struct qn_schedule_stage stage = {.job = job->job->index,
                                            .stage = job->stage,
                                            .round = job->round,
                                            .n_units = n,
                                            .committed = committed,
                                            .attempts = attempts};
    return qn_schedule_add_stage(run->schedule, &stage, err);
}

bool qn_run_repeats(const struct qn_run *run, const struct qn_token *token)
{
    return run->jobs[token->job].job->stages[token->stage].repeats;
}
