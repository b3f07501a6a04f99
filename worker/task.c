#include "worker/task.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "wire/part.h"
#include "worker/lead.h"
#include "worker/segmenter.h"
#include "worker/task_input.h"

struct qn_task *qn_task_new(const struct qn_msg_task *leased)
{
    struct qn_task *task = calloc(1, sizeof *task);
    if (!task)
        return NULL;
    qn_arena_init(&task->arena);
    qn_buf_init(&task->part);
    task->work.token = leased->token;
    task->work.prompt = leased->token.attempt > 1; /* it may be what killed a worker */
    task->brief_hash = qn_arena_strdup(&task->arena, leased->brief);
    atomic_init(&task->work.cancelled, false);
    task->chunk = (struct qn_chunk){
        .file_index = leased->file_index,
        .path = qn_arena_strdup(&task->arena, leased->path),
        .begin = leased->begin,
        .end = leased->end,
        .start = leased->start,
        .file_bytes = leased->file_bytes,
        .file_begin = leased->file_begin,
        .file_end = leased->file_end,
    };
    if (!task->chunk.path || !task->brief_hash) {
        qn_task_free(task);
        return NULL;
    }
    return task;
}

void qn_task_free(struct qn_task *task)
{
    if (!task)
        return;
    qn_buf_fini(&task->part);
    qn_held_state_release(task->state);
    qn_arena_fini(&task->arena);
    free(task);
}

/* --- what the job may call ------------------------------------------------------------------- */

/* The job's view of its results, and the part they are written to. */
struct part_out {
    struct qn_task_out out; /* first: callbacks are handed &out */
    struct qn_part_writer *part;
    struct qn_segmenter *segmenter; /* of rows that go to files; NULL: none do */
    bool keeps_rows;
    bool has_partial;
};

static struct part_out *part_of(struct qn_task_out *out)
{
    return (struct part_out *)(void *)out;
}

static qn_code put_rows(struct qn_task_out *out, const struct qn_batch *batch, struct qn_err *err)
{
    struct part_out *self = part_of(out);
    if (self->segmenter)
        QN_TRY(qn_segmenter_put(self->segmenter, batch, err));
    return self->keeps_rows ? qn_part_writer_put(self->part, QN_PART_ROWS, 0, batch, err) : QN_OK;
}

static qn_code put_partition(struct qn_task_out *out, uint32_t partition,
                             const struct qn_batch *batch, struct qn_err *err)
{
    return qn_part_writer_put(part_of(out)->part, QN_PART_PARTITION, partition, batch, err);
}

static qn_code put_raw(struct qn_task_out *out, uint32_t partition, const struct qn_batch *batch,
                       struct qn_err *err)
{
    return qn_part_writer_put(part_of(out)->part, QN_PART_RAW, partition, batch, err);
}

static qn_code put_partial(struct qn_task_out *out, struct qn_strv bytes, struct qn_err *err)
{
    part_of(out)->has_partial = true;
    return qn_part_writer_put_partial(part_of(out)->part, bytes, err);
}

static const struct qn_task_out_ops part_out_ops = {
    .rows = put_rows, .partition = put_partition, .raw = put_raw, .partial = put_partial};

/* --- running --------------------------------------------------------------------------------- */

static qn_code put_rejects(struct part_out *out, struct qn_err *err)
{
    struct qn_batch batch;
    if (qn_rejects_count(&out->out.rejects) == 0)
        return QN_OK;
    qn_builder_batch(out->out.rejects.rows, &batch);
    return qn_part_writer_put(out->part, QN_PART_REJECTS, 0, &batch, err);
}

static qn_code run_job(struct qn_task *task, const struct qn_stage *stage, struct qn_task_input *in,
                       struct part_out *out)
{
    const struct qn_job *job = in->job;
    if (!in->in.unit_cache || !in->in.job_cache)
        return qn_err_nomem(&task->err, "the executors' cache");
    QN_TRY(job->ops->run(job, &in->in, &out->out, &task->err));
    if (stage->merges && !out->has_partial)
        return qn_err_set(&task->err, QN_ESTATE, QN_BLAME_JOB, "stage %s of job %s gave no partial",
                          stage->name, job->name);
    QN_TRY(put_rejects(out, &task->err));
    if (out->segmenter)
        QN_TRY(qn_segmenter_end(out->segmenter, &task->err));
    /* Of a repeating stage the rows may be in the job's cache and the reader untouched; how often
     * partitions are read depends on memory. */
    struct qn_reader *reader = in->in.reader;
    if (reader && !stage->repeats && stage->over != QN_OVER_PARTITIONS)
        reader->ops->result(reader, &task->result);
    task->counters = out->out.counters;
    return QN_OK;
}

static qn_code run_unit(struct qn_task *task, const struct qn_stage *stage,
                        const struct qn_executor *executor, struct part_out *out)
{
    struct qn_token token = task->work.token;
    struct qn_task_input input;
    qn_task_input_init(&input, task, token.unit, executor);
    if (!stage->repeats)
        QN_TRY(qn_task_input_open(&input, &task->err));
    input.in.unit_cache = qn_cache_take(executor->cache, token.job, token.unit);
    input.in.job_cache = qn_cache_take(executor->cache, token.job, QN_CACHE_WHOLE_JOB);
    qn_code code = run_job(task, stage, &input, out);
    qn_cache_give(executor->cache, input.in.unit_cache);
    qn_cache_give(executor->cache, input.in.job_cache);
    qn_task_input_fini(&input);
    return code;
}

/* What the rounds gave that this worker ran on its own is all that comes of it. */
static qn_code lead_rounds(struct qn_task *task, const struct qn_executor *executor,
                           struct part_out *out)
{
    struct qn_buf rounds;
    qn_buf_init(&rounds);
    qn_code code = qn_lead_run(task, executor, &rounds, &task->err);
    if (code == QN_OK)
        code = put_partial(&out->out, qn_buf_strv(&rounds), &task->err);
    qn_buf_fini(&rounds);
    return code;
}

static qn_code run_stage(struct qn_task *task, struct qn_executor *executor)
{
    struct qn_token token = task->work.token;
    const struct qn_job *job = &task->plan->jobs[token.job].job;
    const struct qn_stage *stage = &job->stages[token.stage];
    bool files = stage->rows && job->into.files.writer;
    struct part_out out = {.out = {.ops = &part_out_ops},
                           .part = &executor->writer,
                           .keeps_rows = !files || job->is_read};
    if (stage->repeats && token.unit == task->brief->n_units)
        return lead_rounds(task, executor, &out);
    QN_TRY(qn_rejects_init(&out.out.rejects, &task->err));
    qn_code code = files ? qn_segmenter_new(job, out.part, &out.segmenter, &task->err) : QN_OK;
    if (code == QN_OK)
        code = run_unit(task, stage, executor, &out);
    qn_segmenter_free(out.segmenter);
    qn_rejects_fini(&out.out.rejects);
    return code;
}

/* The writer keeps its memory for the next task: what travels is copied, and is small where large
 * parts are left. */
static qn_code finish_part(struct qn_task *task, struct qn_part_writer *writer)
{
    QN_TRY(qn_part_writer_end(writer, &task->left, &task->part_bytes, &task->digest, &task->err));
    if (!task->left)
        qn_buf_put(&task->part, writer->bytes.data, writer->bytes.len);
    return qn_buf_check(&task->part, "a task's result", &task->err);
}

static qn_code run_task(struct qn_task *task, struct qn_executor *executor)
{
    struct qn_part_writer *writer = &executor->writer;
    char name[QN_PART_NAME];
    const char *path = NULL;
    if (executor->folder) {
        path = qn_arena_printf(&task->arena, "%s/%s", executor->folder,
                               qn_part_name(&task->work.token, name));
        if (!path)
            return qn_err_nomem(&task->err, "a path");
    }
    qn_part_writer_begin(writer, path);
    qn_code code = run_stage(task, executor);
    if (code == QN_OK)
        code = finish_part(task, writer);
    if (code != QN_OK)
        qn_part_writer_abandon(writer);
    return code;
}

static void name_the_place(struct qn_task *task)
{
    struct qn_token token = task->work.token;
    const struct qn_job *job = &task->plan->jobs[token.job].job;
    if (job->stages[token.stage].over == QN_OVER_CHUNKS && job->input.kind == QN_INPUT_SOURCE)
        qn_err_frame(&task->err, "while reading bytes %llu-%llu of %s",
                     (unsigned long long)task->chunk.begin, (unsigned long long)task->chunk.end,
                     task->chunk.path);
    qn_err_frame(&task->err, "in job %s, stage %s, chunk %u, attempt %u", job->name,
                 job->stages[token.stage].name, token.unit, token.attempt);
}

/* For --verbose: who counts these lines knows what was done twice. */
static void tell(const struct qn_task *task, const char *what)
{
    const struct qn_token *token = &task->work.token;
    const struct qn_job *job = &task->plan->jobs[token->job].job;
    qn_log_debug("%s task %s %s, stage %u round %u unit %u, attempt %u of epoch %llu", what,
                 job->name, job->stages[token->stage].name, token->stage, token->round, token->unit,
                 token->attempt, (unsigned long long)token->epoch);
}

void qn_task_run(struct qn_task *task, struct qn_executor *executor)
{
    tell(task, "begins");
    int64_t started = qn_clock_us(), cpu_started = qn_clock_thread_us();
    task->code = atomic_load(&task->work.cancelled)
                     ? qn_err_set(&task->err, QN_ECANCEL, QN_BLAME_NONE, "cancelled")
                     : run_task(task, executor);
    if (task->code != QN_OK)
        name_the_place(task);
    task->micros = (uint64_t)(qn_clock_us() - started);
    task->cpu_micros += (uint64_t)(qn_clock_thread_us() - cpu_started);
    tell(task, task->code == QN_OK ? "has done" : "gives up");
}
