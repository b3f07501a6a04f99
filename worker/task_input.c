#include "worker/task_input.h"

#include "wire/part.h"

static const struct qn_task_input *input_of(const struct qn_task_in *in)
{
    return (const struct qn_task_input *)(const void *)in;
}

static qn_code open_side(struct qn_task_in *in, uint32_t side, const bool *wanted,
                         struct qn_reader **out, struct qn_err *err)
{
    const struct qn_task_input *self = input_of(in);
    const struct qn_brief_files *files = &self->task->brief->sides[side];
    const struct qn_part_want want = {
        .kind = QN_PART_ROWS, .schema = self->job->sides[side].schema, .wanted = wanted};
    return qn_part_open(files->paths, files->n, &want, out, err);
}

static qn_code share(struct qn_task_in *in, uint32_t number, qn_make_fn make, void *context,
                     const void **data, struct qn_err *err)
{
    const struct qn_task_input *self = input_of(in);
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
    const struct qn_task_input *self = input_of(in);
    return open_range(self->task->brief, self->job, self->job->stages[in->stage].partitions_from,
                      in->first_partition + partition, 1, out, err);
}

static qn_code open_partitions(struct qn_task_in *in, uint32_t stage, uint32_t partition,
                               struct qn_reader **out, struct qn_err *err)
{
    const struct qn_task_input *self = input_of(in);
    return open_range(self->task->brief, self->job, stage, partition, 1, out, err);
}

/* A unit is a range of partitions: few rows make few ranges. */
static uint32_t first_partition(const struct qn_task *task, const struct qn_stage *made_by,
                                uint64_t unit)
{
    return (uint32_t)(unit * made_by->n_partitions / task->brief->n_units);
}

/* --- rows ------------------------------------------------------------------------------------ */

static qn_code open_part(const char *path, const struct qn_schema *schema, const bool *wanted,
                         struct qn_reader **out, struct qn_err *err)
{
    const struct qn_part_want want = {.kind = QN_PART_ROWS, .schema = schema, .wanted = wanted};
    return qn_part_open(&path, 1, &want, out, err);
}

static qn_code open_reader(const struct qn_task_input *input, struct qn_reader **out,
                           struct qn_err *err)
{
    const struct qn_task *task = input->task;
    const struct qn_job *job = input->job;
    const struct qn_stage *stage = &job->stages[input->in.stage];
    if (stage->over == QN_OVER_PARTITIONS)
        return open_range(task->brief, job, stage->partitions_from, input->in.first_partition,
                          input->in.n_partitions, out, err);
    if (stage->over == QN_OVER_TRIALS) {
        *out = NULL; /* tasks open what they read */
        return QN_OK;
    }
    if (stage->over == QN_OVER_SIDE)
        return open_part(task->chunk.path, job->sides[stage->side].schema, stage->wanted, out, err);
    if (job->input.kind == QN_INPUT_DATASET)
        return open_part(task->chunk.path, job->input.schema, stage->wanted, out, err);
    const struct qn_plan_source *source = &task->plan->sources[job->input.index];
    QN_TRY(qn_folders_open(&source->folders, source->ops, &source->info, &task->chunk,
                           stage->wanted, out, err));
    return stage->only && (*out)->ops->only ? (*out)->ops->only(*out, stage->only, err) : QN_OK;
}

static qn_code open_rows(struct qn_task_in *in, struct qn_err *err)
{
    return in->reader ? QN_OK : open_reader(input_of(in), &in->reader, err);
}

static bool is_fresh(const struct qn_brief *brief, uint32_t unit)
{
    return unit / 8 < brief->fresh.len && ((uint8_t)brief->fresh.data[unit / 8] >> unit % 8 & 1);
}

/* --- filling in ------------------------------------------------------------------------------ */

static void give_range(struct qn_task_input *input)
{
    const struct qn_task *task = input->task;
    const struct qn_stage *made_by = partitions_of(input->job, input->in.stage);
    uint64_t unit = input->in.unit;
    input->in.first_partition = first_partition(task, made_by, unit);
    input->in.n_partitions = first_partition(task, made_by, unit + 1) - input->in.first_partition;
}

void qn_task_input_init(struct qn_task_input *input, struct qn_task *task, uint32_t unit,
                        const struct qn_executor *executor)
{
    struct qn_token token = task->work.token;
    const struct qn_brief *brief = task->brief;
    *input = (struct qn_task_input){
        .in = {.stage = token.stage,
               .round = token.round,
               .unit = unit,
               .n_units = brief->n_units,
               .states = task->states,
               .arena = &task->arena,
               .open_rows = open_rows,
               .open_side = open_side,
               .open_partition = open_partition,
               .open_partitions = open_partitions,
               .shuffled = brief->shuffled,
               .n_chunks = brief->n_chunks,
               .share = share,
               .shared_bytes = executor->kept_bytes,
               .memory_bytes = memory_of_task(executor),
               .scratch = executor->scratch,
               .model = brief->model,
               .model_version = brief->model_version,
               .fresh = is_fresh(brief, unit),
               .fresh_known = brief->fresh_known,
               .fresh_most = brief->fresh_most,
               .cancelled = &task->work.cancelled,
               .seed = task->plan->spec.seed},
        .job = &task->plan->jobs[token.job].job,
        .task = task,
        .shared = executor->shared,
    };
    if (input->job->stages[token.stage].over == QN_OVER_PARTITIONS)
        give_range(input);
}

qn_code qn_task_input_open(struct qn_task_input *input, struct qn_err *err)
{
    return open_rows(&input->in, err);
}

void qn_task_input_fini(struct qn_task_input *input)
{
    if (input->in.reader)
        input->in.reader->ops->close(input->in.reader);
    input->in.reader = NULL;
}
