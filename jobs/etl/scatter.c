#include "jobs/etl/scatter.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/group.h"
#include "jobs/etl/keys.h"

/* Large enough that a partition's run is worth a record, small enough to stay in the cache. */
enum { BLOCK_ROWS = 8 * QN_BATCH_ROWS };

qn_code qn_scatter_init(struct qn_scatter *scatter, const struct qn_group_plan *plan,
                        struct qn_err *err)
{
    *scatter = (struct qn_scatter){.plan = plan, .schema = &plan->evaluated};
    qn_arena_init(&scatter->arena);
    uint32_t n = plan->evaluated.n_fields;
    scatter->columns = calloc(n + 1, sizeof *scatter->columns);
    scatter->partition_of = malloc(BLOCK_ROWS * sizeof *scatter->partition_of);
    if (!scatter->columns || !scatter->partition_of)
        return qn_err_nomem(err, "partitions");
    for (uint32_t i = 0; i < n; i++)
        qn_colstore_init(&scatter->columns[i], plan->evaluated.fields[i].type);
    return QN_OK;
}

void qn_scatter_fini(struct qn_scatter *scatter)
{
    for (uint32_t i = 0; scatter->columns && i < scatter->schema->n_fields; i++)
        qn_colstore_fini(&scatter->columns[i]);
    free(scatter->columns);
    free(scatter->partition_of);
    qn_arena_fini(&scatter->arena);
}

static void count_partitions(const uint32_t *partition_of, uint32_t n, uint32_t n_partitions,
                             uint32_t *starts)
{
    memset(starts, 0, (n_partitions + 1) * sizeof *starts);
    for (uint32_t i = 0; i < n; i++)
        starts[partition_of[i] + 1]++;
    for (uint32_t p = 0; p < n_partitions; p++)
        starts[p + 1] += starts[p];
}

void qn_partition_order(const uint32_t *partition_of, uint32_t n, uint32_t n_partitions,
                        uint32_t *starts, uint32_t *order)
{
    uint32_t next[QN_MAX_PARTITIONS];
    count_partitions(partition_of, n, n_partitions, starts);
    memcpy(next, starts, n_partitions * sizeof *next);
    for (uint32_t i = 0; i < n; i++)
        order[next[partition_of[i]]++] = i;
}

/* --- placing --------------------------------------------------------------------------------- */

/* Row i goes to place[i]. Rows are read in order and written to as many streams as there are
 * partitions, whose ends stay in the cache; gathering the rows of one partition after the other
 * would touch a line a value. */
static void find_places(const uint32_t *partition_of, uint32_t n, uint32_t n_partitions,
                        uint32_t *starts, uint32_t *place)
{
    uint32_t next[QN_MAX_PARTITIONS];
    count_partitions(partition_of, n, n_partitions, starts);
    memcpy(next, starts, n_partitions * sizeof *next);
    for (uint32_t i = 0; i < n; i++)
        place[i] = next[partition_of[i]]++;
}

static qn_code place_texts(const struct qn_column *from, const uint32_t *place, uint32_t n,
                           struct qn_arena *arena, struct qn_column *out, struct qn_err *err)
{
    out->offsets = qn_arena_alloc(arena, ((size_t)n + 1) * sizeof *out->offsets);
    out->bytes = qn_arena_alloc(arena, from->offsets[n] + 1);
    if (!out->offsets || !out->bytes)
        return qn_err_nomem(err, "partitions of text");
    for (uint32_t i = 0; i < n; i++)
        out->offsets[place[i] + 1] = from->offsets[i + 1] - from->offsets[i];
    out->offsets[0] = 0;
    for (uint32_t i = 0; i < n; i++)
        out->offsets[i + 1] += out->offsets[i];
    for (uint32_t i = 0; i < n; i++)
        qn_copy_text(out->bytes + out->offsets[place[i]], from->bytes + from->offsets[i],
                     from->offsets[i + 1] - from->offsets[i]);
    return QN_OK;
}

static qn_code place_fixed(const struct qn_column *from, const uint32_t *place, uint32_t n,
                           struct qn_arena *arena, struct qn_column *out, struct qn_err *err)
{
    out->i64 = qn_arena_alloc(arena, n * sizeof *out->i64);
    if (!out->i64)
        return qn_err_nomem(err, "partitions");
    if (qn_type_layout(from->type) == QN_LAYOUT_BOOL)
        for (uint32_t i = 0; i < n; i++)
            out->bools[place[i]] = from->bools[i];
    else /* doubles move as their bits */
        for (uint32_t i = 0; i < n; i++)
            out->i64[place[i]] = from->i64[i];
    return QN_OK;
}

static qn_code place_column(const struct qn_column *from, const uint32_t *place, uint32_t n,
                            struct qn_arena *arena, struct qn_column *out, struct qn_err *err)
{
    *out = (struct qn_column){.type = from->type};
    if (qn_type_layout(from->type) == QN_LAYOUT_TEXT)
        QN_TRY(place_texts(from, place, n, arena, out, err));
    else
        QN_TRY(place_fixed(from, place, n, arena, out, err));
    if (!from->validity)
        return QN_OK;
    out->validity = qn_validity_new(arena, n, true);
    if (!out->validity)
        return qn_err_nomem(err, "a bitmap");
    for (uint32_t i = 0; i < n; i++)
        if (!qn_is_valid(from, i))
            qn_valid_clear(out->validity, place[i]);
    return QN_OK;
}

/* --- giving out ------------------------------------------------------------------------------ */

/* Rows [first, first + n) of a column without copying it; its validity is moved to begin there. */
static qn_code slice(const struct qn_column *column, uint32_t first, uint32_t n,
                     struct qn_arena *arena, struct qn_column *out, struct qn_err *err)
{
    *out = (struct qn_column){.type = column->type};
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: out->bools = column->bools + first; break;
    case QN_LAYOUT_I64: out->i64 = column->i64 + first; break;
    case QN_LAYOUT_F64: out->f64 = column->f64 + first; break;
    case QN_LAYOUT_TEXT:
        out->bytes = column->bytes;
        out->offsets = column->offsets + first;
        break;
    }
    if (!column->validity)
        return QN_OK;
    out->validity = qn_validity_new(arena, n, false);
    if (!out->validity)
        return qn_err_nomem(err, "a bitmap");
    for (uint32_t i = 0; i < n; i++)
        if (qn_is_valid(column, first + i))
            qn_valid_set(out->validity, i);
    return QN_OK;
}

static qn_code give_run(struct qn_scatter *scatter, const struct qn_column *ordered,
                        uint32_t partition, uint32_t first, uint32_t n, struct qn_task_out *out,
                        struct qn_err *err)
{
    struct qn_batch run = {.schema = scatter->schema, .n_rows = n};
    run.columns = QN_NEW_ARRAY(&scatter->arena, struct qn_column, scatter->schema->n_fields);
    if (!run.columns)
        return qn_err_nomem(err, "a partition");
    for (uint32_t i = 0; i < scatter->schema->n_fields; i++)
        QN_TRY(slice(&ordered[i], first, n, &scatter->arena, &run.columns[i], err));
    return out->ops->raw(out, partition, &run, err);
}

/* Runs of at most a batch: that is what a reader gets. */
static qn_code give_partition(struct qn_scatter *scatter, const struct qn_column *ordered,
                              uint32_t partition, uint32_t first, uint32_t end,
                              struct qn_task_out *out, struct qn_err *err)
{
    while (first < end) {
        uint32_t n = end - first < QN_BATCH_ROWS ? end - first : QN_BATCH_ROWS;
        QN_TRY(give_run(scatter, ordered, partition, first, n, out, err));
        first += n;
    }
    return QN_OK;
}

qn_code qn_scatter_flush(struct qn_scatter *scatter, struct qn_task_out *out, struct qn_err *err)
{
    uint32_t n_fields = scatter->schema->n_fields, n = scatter->n;
    uint32_t n_partitions = scatter->plan->n_partitions, starts[QN_MAX_PARTITIONS + 1];
    if (n == 0)
        return QN_OK;
    qn_arena_clear(&scatter->arena);
    struct qn_column *ordered = QN_NEW_ARRAY(&scatter->arena, struct qn_column, n_fields);
    uint32_t *place = qn_arena_alloc(&scatter->arena, n * sizeof *place);
    if (!ordered || !place)
        return qn_err_nomem(err, "partitions");
    find_places(scatter->partition_of, n, n_partitions, starts, place);
    for (uint32_t i = 0; i < n_fields; i++) {
        struct qn_column view = qn_colstore_view(&scatter->columns[i]);
        QN_TRY(place_column(&view, place, n, &scatter->arena, &ordered[i], err));
    }
    for (uint32_t p = 0; p < n_partitions; p++)
        QN_TRY(give_partition(scatter, ordered, p, starts[p], starts[p + 1], out, err));
    for (uint32_t i = 0; i < n_fields; i++)
        qn_colstore_clear(&scatter->columns[i]);
    scatter->n = 0;
    return QN_OK;
}

qn_code qn_scatter_add(struct qn_scatter *scatter, const struct qn_batch *batch,
                       struct qn_task_out *out, struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_group_plan *plan = scatter->plan;
    if (scatter->n + batch->n_rows > BLOCK_ROWS)
        QN_TRY(qn_scatter_flush(scatter, out, err));
    uint64_t *hashes = qn_arena_alloc(arena, batch->n_rows * sizeof *hashes);
    if (!hashes)
        return qn_err_nomem(err, "group keys");
    qn_keys_hash(batch->columns, plan->n_keys, batch->n_rows, hashes);
    for (uint32_t row = 0; row < batch->n_rows; row++)
        scatter->partition_of[scatter->n + row] = qn_group_partition(plan, hashes[row]);
    for (uint32_t i = 0; i < scatter->schema->n_fields; i++)
        QN_TRY(qn_colstore_add_all(&scatter->columns[i], &batch->columns[i], batch->n_rows, err));
    scatter->n += batch->n_rows;
    return QN_OK;
}
