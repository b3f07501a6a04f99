/* The reduce task of a grouped job: groups of a range of partitions, merged in chunk order, become
 * rows that go through the steps after the grouping.
 *
 * A table that has reached its memory takes no new groups: rows of others are set aside in a file,
 * in order, and read again when the groups that were found first are out. Keys in the file appeared
 * after all keys of the table, so the order stays as it is without a limit. That holds within one
 * partition: a range whose groups do not fit is begun anew, a partition at a time. */
#include "base/log.h"
#include "jobs/etl/group.h"
#include "jobs/etl/output.h"
#include "jobs/etl/scatter.h"
#include "wire/scratch.h"

/* So few partitions are read one after the other, each into a table that stays in the cache; more
 * of them are small. */
enum { FEW_PARTITIONS = 4 };

struct reduce {
    struct qn_pipeline *pipeline;
    const struct qn_group_plan *plan;
    struct qn_groups groups;
    struct qn_scratch aside[2]; /* one is read while the other is written */
    struct qn_arena arena;      /* of the table's groups on their way out */
};

/* --- in -------------------------------------------------------------------------------------- */

static qn_code check_batch(const struct qn_group_plan *plan, const struct qn_batch *batch,
                           struct qn_err *err)
{
    if (batch->schema->n_fields == plan->partition.n_fields ||
        batch->schema->n_fields == plan->evaluated.n_fields)
        return QN_OK;
    return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "groups have other columns");
}

static qn_code set_aside(struct reduce *self, struct qn_scratch *aside, const struct qn_batch *rest,
                         struct qn_err *err)
{
    if (!qn_scratch_is_used(aside))
        QN_TRY(qn_scratch_begin(aside, self->pipeline->ctx.in->scratch, err));
    bool raw = rest->schema->fields == self->plan->evaluated.fields;
    return qn_scratch_put(aside, raw ? QN_PART_RAW : QN_PART_PARTITION, rest, err);
}

/* Reads until the end or, where rows must not be set aside (NULL), until some would have to be. */
static qn_code read_groups(struct reduce *self, struct qn_reader *reader, struct qn_scratch *aside,
                           bool *fits, struct qn_err *err)
{
    struct qn_pipeline *pipeline = self->pipeline;
    struct qn_etl_step_ctx *ctx = &pipeline->ctx;
    for (*fits = true; *fits || aside;) {
        struct qn_batch batch, rest;
        if (atomic_load(ctx->in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        QN_TRY(reader->ops->next(reader, &batch, &ctx->out->rejects, err));
        if (batch.n_rows == 0)
            break;
        QN_TRY(check_batch(self->plan, &batch, err));
        qn_arena_clear(&pipeline->arena);
        QN_TRY(qn_groups_add(&self->groups, &batch, &pipeline->arena, &rest, err));
        *fits = *fits && rest.n_rows == 0;
        if (aside && rest.n_rows)
            QN_TRY(set_aside(self, aside, &rest, err));
    }
    return QN_OK;
}

/* --- out ------------------------------------------------------------------------------------- */

/* Every group stands for the rows that were folded into it; the one of a job without group_by is
 * there without rows too, and then was added. */
static void count_groups(struct qn_counters *counters, const struct qn_groups *groups)
{
    for (uint32_t g = 0; g < groups->n; g++) {
        int64_t rows = qn_groups_rows(groups, g);
        if (rows > 0)
            counters->absorbed += (uint64_t)rows - 1;
        else
            counters->added++;
    }
}

static qn_code push_groups(struct reduce *self, struct qn_err *err)
{
    struct qn_pipeline *pipeline = self->pipeline;
    const struct qn_groups *groups = &self->groups;
    count_groups(pipeline->ctx.counters, groups);
    QN_TRY(qn_groups_seal(&self->groups, err));
    uint32_t starts[QN_MAX_PARTITIONS + 1];
    qn_arena_clear(&self->arena);
    const uint32_t *order = qn_groups_order(groups, &self->arena, starts);
    if (!order)
        return qn_err_nomem(err, "groups");
    for (uint32_t first = 0; first < groups->n; first += QN_BATCH_ROWS) {
        uint32_t n = groups->n - first < QN_BATCH_ROWS ? groups->n - first : QN_BATCH_ROWS;
        struct qn_batch batch;
        qn_arena_clear(&pipeline->arena);
        batch.columns = QN_NEW_ARRAY(&pipeline->arena, struct qn_column, pipeline->ctx.etl->width);
        if (!batch.columns)
            return qn_err_nomem(err, "groups");
        QN_TRY(qn_groups_result(groups, order + first, n, &pipeline->arena, &batch, err));
        QN_TRY(qn_pipeline_push(pipeline, &batch, err));
    }
    return QN_OK;
}

/* --- passes ---------------------------------------------------------------------------------- */

/* A table that is empty: the one before, where it has room to grow as one that begins small. */
static qn_code begin_table(struct reduce *self, struct qn_err *err)
{
    struct qn_groups *groups = &self->groups;
    uint64_t most = self->pipeline->ctx.in->memory_bytes;
    if (groups->keys && !groups->full) {
        qn_groups_clear(groups);
        if (!most || qn_groups_bytes(groups) * 2 <= most)
            return QN_OK;
    }
    qn_groups_fini(groups);
    QN_TRY(qn_groups_init(groups, self->plan, err));
    groups->most_bytes = most;
    return QN_OK;
}

/* The rest of a partition, pass after pass: what was set aside in one is the input of the next. */
static qn_code reduce_aside(struct reduce *self, struct qn_err *err)
{
    uint32_t n_passes = 0;
    for (int at = 0; qn_scratch_is_used(&self->aside[at]); at = !at, n_passes++) {
        struct qn_reader *reader;
        bool fits;
        QN_TRY(begin_table(self, err));
        QN_TRY(qn_scratch_open(&self->aside[at], &self->plan->partition, &self->plan->evaluated,
                               &reader, err));
        qn_code code = read_groups(self, reader, &self->aside[!at], &fits, err);
        reader->ops->close(reader);
        qn_scratch_drop(&self->aside[at]);
        if (code == QN_OK)
            code = push_groups(self, err);
        if (code != QN_OK)
            return code;
    }
    if (n_passes)
        qn_log_debug("groups past their memory were set aside: %u more passes", n_passes);
    return QN_OK;
}

static qn_code reduce_partition(struct reduce *self, struct qn_reader *reader, struct qn_err *err)
{
    bool fits;
    QN_TRY(read_groups(self, reader, &self->aside[0], &fits, err));
    QN_TRY(push_groups(self, err));
    return reduce_aside(self, err);
}

static qn_code reduce_each(struct reduce *self, struct qn_err *err)
{
    struct qn_task_in *in = self->pipeline->ctx.in;
    for (uint32_t p = 0; p < in->n_partitions; p++) {
        struct qn_reader *reader;
        QN_TRY(begin_table(self, err));
        QN_TRY(in->open_partition(in, p, &reader, err));
        qn_code code = reduce_partition(self, reader, err);
        reader->ops->close(reader);
        if (code != QN_OK)
            return code;
    }
    return QN_OK;
}

static qn_code run(struct reduce *self, struct qn_err *err)
{
    struct qn_task_in *in = self->pipeline->ctx.in;
    bool fits;
    QN_TRY(begin_table(self, err));
    if (self->plan->n_keys == 0 && in->unit == 0)
        QN_TRY(qn_groups_need_one(&self->groups, err));
    if (in->n_partitions == 1)
        return reduce_partition(self, in->reader, err);
    if (in->n_partitions <= FEW_PARTITIONS && self->plan->n_keys)
        return reduce_each(self, err);
    QN_TRY(read_groups(self, in->reader, NULL, &fits, err));
    return fits ? push_groups(self, err) : reduce_each(self, err);
}

qn_code qn_group_reduce(struct qn_pipeline *pipeline, struct qn_err *err)
{
    struct qn_output output;
    struct reduce self = {.pipeline = pipeline, .plan = pipeline->ctx.etl->group};
    self.groups.plan = self.plan;
    qn_arena_init(&self.arena);
    qn_scratch_init(&self.aside[0]);
    qn_scratch_init(&self.aside[1]);
    qn_code code = qn_output_init(&output, pipeline, err);
    if (code == QN_OK)
        code = run(&self, err);
    if (code == QN_OK)
        code = qn_output_end(&output, pipeline, err);
    qn_groups_fini(&self.groups);
    qn_scratch_fini(&self.aside[0]);
    qn_scratch_fini(&self.aside[1]);
    qn_arena_fini(&self.arena);
    qn_output_fini(&output);
    return code;
}
