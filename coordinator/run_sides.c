/* What a job reads beside its input: parts of other jobs' rows, and whether they are read whole by
 * every worker or shuffled. */
#include <errno.h>
#include <sys/stat.h>

#include "base/log.h"
#include "coordinator/run.h"

/* What workers keep, as long as none has said. */
#define USUAL_KEPT_BYTES (UINT64_C(256) << 20)
/* A table from which on building it in every worker is work that shows. */
#define LARGE_TABLE_BYTES (UINT64_C(256) << 20)

void qn_run_note_worker(struct qn_run *run, uint64_t kept_bytes)
{
    if (run->kept_bytes == 0 || kept_bytes < run->kept_bytes)
        run->kept_bytes = kept_bytes;
}

/* A guess at the table that a worker would make of a dataset: as large as its parts, and the same
 * again for finding rows in it. A table that turns out larger goes by files, so that a wrong guess
 * costs time alone. */
static qn_code guess_table(const struct qn_brief_files *parts, uint64_t *bytes, struct qn_err *err)
{
    struct stat status;
    *bytes = 0;
    for (uint32_t i = 0; i < parts->n; i++) {
        if (stat(parts->paths[i], &status) == 0)
            *bytes += 2 * (uint64_t)status.st_size;
        else if (errno != ENOENT) /* one that is lost is made again by who reads it */
            return qn_err_io(err, "look at", parts->paths[i]);
    }
    return QN_OK;
}

/* Then a chunk asks for little of it: each worker would make far more than its chunks look at. */
static bool outweighs_input(const struct qn_job_run *run, uint64_t table_bytes)
{
    return table_bytes > LARGE_TABLE_BYTES &&
           table_bytes / 2 > run->plan->jobs[run->job->index].input_bytes;
}

/* Shuffled are those that do not fit a worker beside the ones before. */
static qn_code choose(struct qn_job_run *run, uint64_t kept_bytes, struct qn_err *err)
{
    uint64_t held = 0, bytes;
    run->shuffled = 0;
    for (uint32_t side = 0; side < run->job->n_sides; side++) {
        QN_TRY(guess_table(&run->sides[side], &bytes, err));
        if (held + bytes > kept_bytes || outweighs_input(run, bytes))
            run->shuffled |= UINT32_C(1) << side;
        else
            held += bytes;
    }
    return QN_OK;
}

qn_code qn_run_choose_sides(struct qn_run *run, struct qn_job_run *job, struct qn_err *err)
{
    uint64_t kept = run->kept_bytes ? run->kept_bytes : USUAL_KEPT_BYTES;
    for (uint32_t side = 0; side < job->job->n_sides; side++) {
        const struct qn_job_run *other = &run->jobs[job->job->sides[side].index];
        for (uint32_t s = 0; s < other->job->n_stages; s++)
            if (other->job->stages[s].rows)
                job->sides[side] = other->parts[s];
    }
    QN_TRY(choose(job, kept, err));
    for (uint32_t side = 0; side < job->job->n_sides; side++)
        if (job->shuffled >> side & 1)
            qn_log_debug("job %s: the rows of %s are shuffled", job->job->name,
                         job->job->sides[side].name);
    return QN_OK;
}
