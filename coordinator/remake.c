#include "coordinator/remake.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "wire/part.h"

/* Once may be a disk; three times is something that goes on. */
enum { MAX_REMAKES = 3 };

/* The parts of one stage of a job. */
struct qn_remake {
    bool under_way; /* its tasks are in the schedule */
    bool *lost;     /* by unit; those found while others are under way come next */
    uint8_t *times; /* by unit */
    bool *readers;  /* by job: who found a part lost */
};

static struct qn_remake *remake_of(const struct qn_run *run, const struct qn_token *token)
{
    return run->jobs[token->job].remakes[token->stage];
}

bool qn_remake_is_of(const struct qn_run *run, const struct qn_token *token)
{
    const struct qn_remake *remake = remake_of(run, token);
    return remake && remake->under_way;
}

/* --- what was lost --------------------------------------------------------------------------- */

/* The part that a path's end names; the folder is ours, whoever says it. */
static bool find_part(const struct qn_run *run, struct qn_strv file, struct qn_token *part)
{
    char name[QN_PART_NAME], again[QN_PART_NAME];
    const char *slash = file.len ? memrchr(file.data, '/', file.len) : NULL;
    size_t n = slash ? file.len - (size_t)(slash + 1 - file.data) : 0;
    if (n == 0 || n >= sizeof name)
        return false;
    memcpy(name, slash + 1, n);
    name[n] = '\0';
    *part = (struct qn_token){0};
    if (sscanf(name, "%u-%u-%u.part", &part->job, &part->stage, &part->unit) != 3)
        return false;
    snprintf(again, sizeof again, "%u-%u-%u.part", part->job, part->stage, part->unit);
    if (strcmp(name, again) != 0 || part->job >= run->plan->spec.n_jobs)
        return false;
    const struct qn_job_run *job = &run->jobs[part->job];
    return part->stage < job->job->n_stages && job->parts[part->stage].paths &&
           part->unit < job->parts[part->stage].n;
}

static bool is_whole(const struct qn_job_run *job, uint32_t stage, uint32_t unit)
{
    const struct qn_part_seal *seal = &job->seals[stage][unit];
    uint64_t bytes;
    struct qn_hash128 digest;
    return qn_part_digest(job->parts[stage].paths[unit], &bytes, &digest, NULL) == QN_OK &&
           bytes == seal->bytes && digest.low == seal->digest.low &&
           digest.high == seal->digest.high;
}

static bool has_its_size(const struct qn_job_run *job, uint32_t stage, uint32_t unit)
{
    struct stat status;
    return stat(job->parts[stage].paths[unit], &status) == 0 &&
           (uint64_t)status.st_size == job->seals[stage][unit].bytes;
}

static qn_code prepare(struct qn_run *run, const struct qn_token *part, struct qn_err *err)
{
    struct qn_job_run *job = &run->jobs[part->job];
    uint32_t n = job->parts[part->stage].n;
    if (job->remakes[part->stage])
        return QN_OK;
    struct qn_remake *remake = QN_NEW(&job->arena, struct qn_remake);
    if (!remake)
        return qn_err_nomem(err, "lost parts");
    *remake = (struct qn_remake){
        .lost = QN_NEW_ARRAY(&job->arena, bool, n),
        .times = QN_NEW_ARRAY(&job->arena, uint8_t, n),
        .readers = QN_NEW_ARRAY(&job->arena, bool, run->plan->spec.n_jobs),
    };
    if (!remake->lost || !remake->times || !remake->readers)
        return qn_err_nomem(err, "lost parts");
    job->remakes[part->stage] = remake;
    return QN_OK;
}

/* False when it was lost too often already. */
static bool note(const struct qn_job_run *job, uint32_t stage, uint32_t unit)
{
    struct qn_remake *remake = job->remakes[stage];
    if (remake->lost[unit])
        return true;
    qn_log_warn("part %s is gone or damaged; the task that made it runs again",
                job->parts[stage].paths[unit]);
    remake->lost[unit] = true;
    return ++remake->times[unit] <= MAX_REMAKES;
}

/* The one that was named, and all that by their size are lost with it: one disk, one folder. */
static bool note_all(const struct qn_job_run *job, const struct qn_token *part)
{
    bool may = note(job, part->stage, part->unit);
    for (uint32_t unit = 0; unit < job->parts[part->stage].n; unit++)
        if (!has_its_size(job, part->stage, unit))
            may &= note(job, part->stage, unit);
    return may;
}

/* --- the schedule ---------------------------------------------------------------------------- */

static qn_code add_stage(struct qn_run *run, uint32_t index, uint32_t stage, struct qn_err *err)
{
    struct qn_job_run *job = &run->jobs[index];
    struct qn_remake *remake = job->remakes[stage];
    uint32_t n = job->parts[stage].n;
    bool *whole = QN_NEW_ARRAY(&job->arena, bool, n);
    uint32_t *attempts = QN_NEW_ARRAY(&job->arena, uint32_t, n);
    if (!whole || !attempts)
        return qn_err_nomem(err, "lost parts");
    for (uint32_t unit = 0; unit < n; unit++)
        whole[unit] = !remake->lost[unit];
    QN_TRY(qn_journal_get_attempts(run->journal, run->run_id, index, stage, 0, attempts, n, err));
    const struct qn_schedule_stage again = {.job = index,
                                            .stage = stage,
                                            .n_units = n,
                                            .committed = whole,
                                            .attempts = attempts,
                                            .first = true};
    remake->under_way = true;
    return qn_schedule_add_stage(run->schedule, &again, err);
}

static qn_code give_up(struct qn_run *run, const struct qn_token *reader, const char *path,
                       const char *why, enum qn_loss *loss, struct qn_err *err)
{
    char text[1000];
    snprintf(text, sizeof text, "part %s is gone or damaged, and %s", path, why);
    *loss = QN_LOSS_FINAL;
    return qn_remake_is_of(run, reader) ? qn_remake_fail(run, reader, text, err)
                                        : qn_run_fail_job(run, reader->job, text, err);
}

qn_code qn_remake_begin(struct qn_run *run, const struct qn_token *reader, struct qn_strv file,
                        enum qn_loss *loss, struct qn_err *err)
{
    struct qn_token part;
    *loss = QN_LOSS_NONE;
    if (reader->job >= run->plan->spec.n_jobs ||
        reader->stage >= run->jobs[reader->job].job->n_stages || !find_part(run, file, &part))
        return QN_OK;
    struct qn_job_run *job = &run->jobs[part.job];
    const char *path = job->parts[part.stage].paths[part.unit];
    if (!job->seals[part.stage] || !job->brief_hashes[part.stage][0])
        return give_up(run, reader, path,
                       "an earlier life of the run made it: start over with --full-refresh", loss,
                       err);
    QN_TRY(prepare(run, &part, err));
    struct qn_remake *remake = job->remakes[part.stage];
    if (!remake->lost[part.unit] && is_whole(job, part.stage, part.unit))
        return QN_OK;
    remake->readers[reader->job] = true;
    if (!note_all(job, &part))
        return give_up(run, reader, path, "was so each time that it was made again", loss, err);
    *loss = QN_LOSS_MENDED;
    return remake->under_way ? QN_OK : add_stage(run, part.job, part.stage, err);
}

/* --- results --------------------------------------------------------------------------------- */

qn_code qn_remake_commit(struct qn_run *run, const struct qn_msg *done,
                         const struct qn_spooled *part, bool *redo, struct qn_err *err)
{
    const struct qn_token *token = &done->done.token;
    struct qn_job_run *job = &run->jobs[token->job];
    uint64_t rows;
    qn_code code = qn_spooled_count(part, &rows, err);
    *redo = code == QN_ELOST;
    if (code != QN_OK)
        return *redo ? QN_OK : code;
    QN_TRY(qn_spooled_keep(part, job->parts[token->stage].paths[token->unit], err));
    job->seals[token->stage][token->unit].bytes = done->done.bytes;
    job->seals[token->stage][token->unit].digest = done->done.digest;
    remake_of(run, token)->lost[token->unit] = false;
    return QN_OK;
}

qn_code qn_remake_end(struct qn_run *run, const struct qn_token *token, struct qn_err *err)
{
    struct qn_remake *remake = remake_of(run, token);
    bool more = false;
    for (uint32_t unit = 0; unit < run->jobs[token->job].parts[token->stage].n; unit++)
        more |= remake->lost[unit];
    remake->under_way = false;
    return more ? add_stage(run, token->job, token->stage, err) : QN_OK;
}

/* The readers that run fail; one that makes parts again itself passes it on to its own readers.
 * Jobs read parts of jobs before them, so this ends. */
qn_code qn_remake_fail(struct qn_run *run, const struct qn_token *token, const char *why,
                       struct qn_err *err)
{
    struct qn_remake *remake = remake_of(run, token);
    remake->under_way = false;
    for (uint32_t i = 0; i < run->plan->spec.n_jobs; i++) {
        struct qn_job_run *reader = &run->jobs[i];
        if (!remake->readers[i])
            continue;
        remake->readers[i] = false;
        if (reader->status == QN_JOB_RUNNING)
            QN_TRY(qn_run_fail_job(run, i, why, err));
        for (uint32_t stage = 0; stage < reader->job->n_stages; stage++) {
            const struct qn_token own = {.job = i, .stage = stage};
            if (qn_remake_is_of(run, &own))
                QN_TRY(qn_remake_fail(run, &own, why, err));
        }
    }
    qn_schedule_abandon_job(run->schedule, token->job);
    return QN_OK;
}
