#include "worker/task.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "wire/part.h"
#include "worker/segmenter.h"

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

struct task_in {
    struct qn_task_in in; /* first: callbacks are handed &in */
    const struct qn_job *job;
    const struct qn_task *task;
    const struct qn_brief *brief;
    struct qn_shared *shared;
};

static qn_code open_side(struct qn_task_in *in, uint32_t side, const bool *wanted,
                         struct qn_reader **out, struct qn_err *err)
{
    const struct task_in *self = (const struct task_in *)(const void *)in;
    const struct qn_brief_files *files = &self->brief->sides[side];
    const struct qn_part_want want = {
        .kind = QN_PART_ROWS, .schema = self->job->sides[side].schema, .wanted = wanted};
    return qn_part_open(files->paths, files->n, &want, out, err);
}

static qn_code share(struct qn_task_in *in, uint32_t number, qn_make_fn make, void *context,
                     const void **data, struct qn_err *err)
{
    const struct task_in *self = (const struct task_in *)(const void *)in;
    return qn_shared_get(self->shared, self->job->index, number, make, context, data, err);
}

/* An even share of what shared and cached things leave over; at least some, for they may outlive
 * their job. */
static uint64_t memory_of_task(const struct qn_executor *executor)
{
    uint64_t used = qn_shared_bytes(executor->shared) + qn_cache_bytes(executor->cache);
    uint64_t kept = executor->kept_bytes, left = used < kept / 4 * 3 ? kept - used : kept / 4;
    return left / executor->n_executors;
}

/* --- partitions ------------------------------------------------------------------------------ */

static qn_code open_range(const struct qn_brief *brief, const struct qn_job *job, uint32_t stage,
                          uint32_t first, uint32_t n, struct qn_reader **out, struct qn_err *err)
{
    const struct qn_stage *made_by = &job->stages[stage];
    const struct qn_brief_files *parts = &brief->partitions[stage];
    const struct qn_part_want want = {
        .kind = QN_PART_PARTITION,
        .first = first,
        .n = n,
        .schema = &made_by->partition_schema,
        .raw = made_by->raw_schema.n_fields ? &made_by->raw_schema : NULL,
    };
    return qn_part_open(parts->paths, parts->n, &want, out, err);
}

static const struct qn_stage *partitions_of(const struct qn_job *job, uint32_t stage)
{
    return &job->stages[job->stages[stage].partitions_from];
}

static qn_code open_partition(struct qn_task_in *in, uint32_t partition, struct qn_reader **out,
                              struct qn_err *err)
{
    const struct task_in *self = (const struct task_in *)(const void *)in;
    return open_range(self->brief, self->job, self->job->stages[in->stage].partitions_from,
                      in->first_partition + partition, 1, out, err);
}

static qn_code open_partitions(struct qn_task_in *in, uint32_t stage, uint32_t partition,
                               struct qn_reader **out, struct qn_err *err)
{
    const struct task_in *self = (const struct task_in *)(const void *)in;
    return open_range(self->brief, self->job, stage, partition, 1, out, err);
}

/* A unit is a range of partitions: few rows make few ranges. */
static uint32_t first_partition(const struct qn_task *task, const struct qn_stage *made_by,
                                uint64_t unit)
{
    return (uint32_t)(unit * made_by->n_partitions / task->brief->n_units);
}

/* --- running --------------------------------------------------------------------------------- */

static qn_code open_reader(const struct qn_task *task, const struct qn_job *job,
                           const struct qn_stage *stage, struct qn_reader **out, struct qn_err *err)
{
    if (stage->over == QN_OVER_PARTITIONS) {
        const struct qn_stage *made_by = &job->stages[stage->partitions_from];
        uint64_t unit = task->work.token.unit;
        uint32_t first = first_partition(task, made_by, unit);
        uint32_t end = first_partition(task, made_by, unit + 1);
        return open_range(task->brief, job, stage->partitions_from, first, end - first, out, err);
    }
    if (stage->over == QN_OVER_TRIALS) {
        *out = NULL; /* tasks open what they read */
        return QN_OK;
    }
    if (stage->over == QN_OVER_SIDE) {
        const struct qn_part_want want = {.kind = QN_PART_ROWS,
                                          .schema = job->sides[stage->side].schema,
                                          .wanted = stage->wanted};
        return qn_part_open(&task->chunk.path, 1, &want, out, err);
    }
    if (job->input.kind == QN_INPUT_DATASET) {
        const struct qn_part_want want = {
            .kind = QN_PART_ROWS, .schema = job->input.schema, .wanted = stage->wanted};
        return qn_part_open(&task->chunk.path, 1, &want, out, err);
    }
    const struct qn_plan_source *source = &task->plan->sources[job->input.index];
    QN_TRY(qn_folders_open(&source->folders, source->ops, &source->info, &task->chunk,
                           stage->wanted, out, err));
    return stage->only && (*out)->ops->only ? (*out)->ops->only(*out, stage->only, err) : QN_OK;
}

static qn_code open_rows(struct qn_task_in *in, struct qn_err *err)
{
    const struct task_in *self = (const struct task_in *)(const void *)in;
    const struct qn_stage *stage = &self->job->stages[in->stage];
    return in->reader ? QN_OK : open_reader(self->task, self->job, stage, &in->reader, err);
}

static qn_code put_rejects(struct part_out *out, struct qn_err *err)
{
    struct qn_batch batch;
    if (qn_rejects_count(&out->out.rejects) == 0)
        return QN_OK;
    qn_builder_batch(out->out.rejects.rows, &batch);
    return qn_part_writer_put(out->part, QN_PART_REJECTS, 0, &batch, err);
}

static qn_code run_job(struct qn_task *task, const struct qn_stage *stage, struct task_in *in,
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

static bool is_fresh(const struct qn_brief *brief, uint32_t unit)
{
    return unit / 8 < brief->fresh.len && ((uint8_t)brief->fresh.data[unit / 8] >> unit % 8 & 1);
}

static qn_code run_stage(struct qn_task *task, const struct qn_job *job,
                         const struct qn_stage *stage, struct qn_reader *reader,
                         struct qn_executor *executor, struct part_out *out)
{
    struct qn_token token = task->work.token;
    struct task_in in = {
        .in = {.stage = token.stage,
               .round = token.round,
               .unit = token.unit,
               .n_units = task->brief->n_units,
               .reader = reader,
               .states = task->states,
               .arena = &task->arena,
               .open_rows = open_rows,
               .open_side = open_side,
               .open_partition = open_partition,
               .open_partitions = open_partitions,
               .shuffled = task->brief->shuffled,
               .n_chunks = task->brief->n_chunks,
               .share = share,
               .shared_bytes = executor->kept_bytes,
               .memory_bytes = memory_of_task(executor),
               .scratch = executor->scratch,
               .model = task->brief->model,
               .model_version = task->brief->model_version,
               .fresh = is_fresh(task->brief, token.unit),
               .fresh_known = task->brief->fresh_known,
               .fresh_most = task->brief->fresh_most,
               .unit_cache = qn_cache_take(executor->cache, token.job, token.unit),
               .job_cache = qn_cache_take(executor->cache, token.job, QN_CACHE_WHOLE_JOB),
               .cancelled = &task->work.cancelled,
               .seed = task->plan->spec.seed},
        .job = job,
        .task = task,
        .brief = task->brief,
        .shared = executor->shared,
    };
    if (stage->over == QN_OVER_PARTITIONS) {
        const struct qn_stage *made_by = partitions_of(job, token.stage);
        in.in.first_partition = first_partition(task, made_by, token.unit);
        in.in.n_partitions =
            first_partition(task, made_by, (uint64_t)token.unit + 1) - in.in.first_partition;
    }
    qn_code code = run_job(task, stage, &in, out);
    qn_cache_give(executor->cache, in.in.unit_cache);
    qn_cache_give(executor->cache, in.in.job_cache);
    if (in.in.reader)
        in.in.reader->ops->close(in.in.reader);
    return code;
}

static qn_code run_reader(struct qn_task *task, struct qn_executor *executor)
{
    struct qn_token token = task->work.token;
    const struct qn_job *job = &task->plan->jobs[token.job].job;
    const struct qn_stage *stage = &job->stages[token.stage];
    bool files = stage->rows && job->into.files.writer;
    struct part_out out = {.out = {.ops = &part_out_ops},
                           .part = &executor->writer,
                           .keeps_rows = !files || job->is_read};
    QN_TRY(qn_rejects_init(&out.out.rejects, &task->err));
    struct qn_reader *reader = NULL;
    qn_code code = files ? qn_segmenter_new(job, out.part, &out.segmenter, &task->err) : QN_OK;
    if (code == QN_OK && !stage->repeats)
        code = open_reader(task, job, stage, &reader, &task->err);
    if (code == QN_OK)
        code = run_stage(task, job, stage, reader, executor, &out);
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
    qn_code code = run_reader(task, executor);
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
    task->cpu_micros = (uint64_t)(qn_clock_thread_us() - cpu_started);
    tell(task, task->code == QN_OK ? "has done" : "gives up");
}
