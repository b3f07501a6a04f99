#include "jobs/etl/distinct.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/cell.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/keys.h"

/* Columns of a partition. */
enum { KEY_LOW, KEY_HIGH, SET, PLACE, POSITION, ORDER };
enum { ID_BYTES = 16 };

bool qn_distinct_init(struct qn_etl_build *build, struct qn_distinct *distinct,
                      struct qn_distinct_set *sets, uint32_t n_sets)
{
    static const char *const names[] = {"key_low", "key_high", "set", "place", "position", "order"};
    uint32_t n = sets[0].order_by >= 0 ? 6 : 5;
    struct qn_field *fields = QN_BUILD_ARRAY(build, struct qn_field, n);
    if (!fields)
        return false;
    for (uint32_t i = 0; i < n; i++)
        fields[i] = (struct qn_field){.name = names[i], .type = {.id = QN_INT64}};
    if (n == 6)
        fields[ORDER].type = build->schema->fields[sets[0].order_by].type;
    *distinct = (struct qn_distinct){.sets = sets,
                                     .n_sets = n_sets,
                                     .schema = {.fields = fields, .n_fields = n},
                                     .n_partitions = build->etl->n_partitions};
    return true;
}

/* --- first stage: keys to partitions --------------------------------------------------------- */

struct scatter {
    struct qn_batch_builder **partitions;
    uint32_t n;
    struct qn_buf scratch;
    struct qn_copy_counter copies;
};

static void distinct_needs(const struct qn_etl_step *step, bool *before)
{
    const struct qn_distinct *distinct = step->impl;
    for (uint32_t s = 0; s < distinct->n_sets; s++) {
        for (uint32_t i = 0; i < distinct->sets[s].n_columns; i++)
            before[distinct->sets[s].columns[i]] = true;
        if (distinct->sets[s].order_by >= 0)
            before[distinct->sets[s].order_by] = true;
    }
}

static void scatter_free(struct scatter *scatter)
{
    for (uint32_t i = 0; i < scatter->n; i++)
        qn_builder_free(scatter->partitions[i]);
    qn_buf_fini(&scatter->scratch);
}

static qn_code distinct_begin(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                              void **fit, struct qn_err *err)
{
    const struct qn_distinct *distinct = step->impl;
    struct scatter *scatter = QN_NEW(ctx->in->arena, struct scatter);
    if (scatter)
        scatter->partitions =
            QN_NEW_ARRAY(ctx->in->arena, struct qn_batch_builder *, distinct->n_partitions);
    if (!scatter || !scatter->partitions)
        return qn_err_nomem(err, "partitions");
    qn_buf_init(&scatter->scratch);
    *fit = scatter;
    for (; scatter->n < distinct->n_partitions; scatter->n++) {
        qn_code code = qn_builder_new(&distinct->schema, &scatter->partitions[scatter->n], err);
        if (code != QN_OK) {
            scatter_free(scatter);
            return code;
        }
    }
    return QN_OK;
}

static qn_code flush(struct qn_etl_step_ctx *ctx, struct scatter *scatter, uint32_t partition,
                     struct qn_err *err)
{
    struct qn_batch batch;
    qn_builder_batch(scatter->partitions[partition], &batch);
    if (batch.n_rows == 0)
        return QN_OK;
    QN_TRY(ctx->out->ops->partition(ctx->out, partition, &batch, err));
    qn_builder_clear(scatter->partitions[partition]);
    return QN_OK;
}

static qn_code scatter_row(struct qn_etl_step_ctx *ctx, struct scatter *scatter, uint32_t set,
                           struct qn_hash128 key, struct qn_row_id id,
                           const struct qn_column *order, uint32_t row, struct qn_err *err)
{
    uint32_t partition = (uint32_t)((key.high >> 32) % scatter->n);
    struct qn_batch_builder *builder = scatter->partitions[partition];
    qn_builder_i64(builder, KEY_LOW, (int64_t)key.low);
    qn_builder_i64(builder, KEY_HIGH, (int64_t)key.high);
    qn_builder_i64(builder, SET, set);
    qn_builder_i64(builder, PLACE, (int64_t)((uint64_t)id.file << 32 | id.copy));
    qn_builder_i64(builder, POSITION, (int64_t)id.position);
    if (order)
        qn_builder_value(builder, ORDER, order, row);
    QN_TRY(qn_builder_row(builder, err));
    return qn_builder_rows(builder) < QN_BATCH_ROWS ? QN_OK : flush(ctx, scatter, partition, err);
}

static qn_code distinct_update(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                               void *fit, const struct qn_batch *batch, struct qn_err *err)
{
    const struct qn_distinct *distinct = step->impl;
    struct scatter *scatter = fit;
    struct qn_column *keys = qn_arena_alloc(ctx->arena, step->in->n_fields * sizeof *keys);
    if (!keys)
        return qn_err_nomem(err, "keys");
    struct qn_copy_counter start = scatter->copies;
    for (uint32_t s = 0; s < distinct->n_sets; s++) {
        const struct qn_distinct_set *set = &distinct->sets[s];
        const struct qn_column *order = set->order_by < 0 ? NULL : &batch->columns[set->order_by];
        for (uint32_t i = 0; i < set->n_columns; i++)
            keys[i] = batch->columns[set->columns[i]];
        scatter->copies = start;
        for (uint32_t row = 0; row < batch->n_rows; row++) {
            struct qn_row_id id = qn_etl_step_row_id(ctx, &scatter->copies, batch, row);
            if (set->skip_nulls && qn_keys_any_null(keys, set->n_columns, row))
                continue;
            struct qn_hash128 key =
                qn_keys_hash128(keys, set->n_columns, row, s, &scatter->scratch);
            QN_TRY(scatter_row(ctx, scatter, s, key, id, order, row, err));
        }
    }
    return qn_buf_check(&scatter->scratch, "a key", err);
}

static qn_code distinct_end(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx, void *fit,
                            bool failed, struct qn_err *err)
{
    (void)step;
    struct scatter *scatter = fit;
    qn_code code = QN_OK;
    for (uint32_t i = 0; i < scatter->n && !failed && code == QN_OK; i++)
        code = flush(ctx, scatter, i, err);
    scatter_free(scatter);
    return code;
}

/* --- refused rows ---------------------------------------------------------------------------- */

struct refused {
    struct qn_row_id *ids;
    uint32_t n, capacity;
    uint64_t failures;
};

static qn_code refused_add(struct refused *refused, bool listed, struct qn_row_id id,
                           struct qn_err *err)
{
    if (!listed && refused->n == 1) { /* the first one is enough */
        if (qn_row_id_cmp(id, refused->ids[0]) < 0)
            refused->ids[0] = id;
        return QN_OK;
    }
    if (refused->n == QN_MAX_REFUSED_ROWS)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "more than %d rows repeat a key: is it the right key?",
                          QN_MAX_REFUSED_ROWS);
    if (refused->n == refused->capacity) {
        uint32_t capacity = refused->capacity ? refused->capacity * 2 : 16;
        void *grown = realloc(refused->ids, capacity * sizeof *refused->ids);
        if (!grown)
            return qn_err_nomem(err, "refused rows");
        refused->ids = grown;
        refused->capacity = capacity;
    }
    refused->ids[refused->n++] = id;
    return QN_OK;
}

static void refused_free(struct refused *refused, uint32_t n)
{
    for (uint32_t i = 0; refused && i < n; i++)
        free(refused[i].ids);
    free(refused);
}

static void refused_pack(const struct refused *refused, uint32_t n, struct qn_buf *buf)
{
    for (uint32_t s = 0; s < n; s++) {
        qn_buf_put_u64(buf, refused[s].failures);
        qn_buf_put_u32(buf, refused[s].n);
        for (uint32_t i = 0; i < refused[s].n; i++) {
            struct qn_row_id id = refused[s].ids[i];
            qn_buf_put_u64(buf, (uint64_t)id.file << 32 | id.copy);
            qn_buf_put_u64(buf, id.position);
        }
    }
}

static struct qn_row_id id_from(uint64_t place, uint64_t position)
{
    return (struct qn_row_id){(uint32_t)(place >> 32), (uint32_t)place, position};
}

/* --- second stage: repeats of a partition ---------------------------------------------------- */

struct keeper {
    uint64_t low, high;
    struct qn_row_id id;
    struct qn_cell order;
    uint32_t set;
    bool used;
};

struct keepers {
    struct keeper *slots;
    size_t n_slots, n;
};

static struct keeper *keeper_find(const struct keepers *keepers, uint64_t low, uint64_t high,
                                  uint32_t set)
{
    size_t at = (size_t)low & (keepers->n_slots - 1);
    for (;; at = (at + 1) & (keepers->n_slots - 1)) {
        struct keeper *keeper = &keepers->slots[at];
        if (!keeper->used || (keeper->low == low && keeper->high == high && keeper->set == set))
            return keeper;
    }
}

static qn_code keepers_grow(struct keepers *keepers, struct qn_err *err)
{
    struct keepers grown = {.n_slots = keepers->n_slots ? keepers->n_slots * 2 : 1024,
                            .n = keepers->n};
    grown.slots = calloc(grown.n_slots, sizeof *grown.slots);
    if (!grown.slots)
        return qn_err_nomem(err, "distinct keys");
    for (size_t i = 0; i < keepers->n_slots; i++)
        if (keepers->slots[i].used)
            *keeper_find(&grown, keepers->slots[i].low, keepers->slots[i].high,
                         keepers->slots[i].set) = keepers->slots[i];
    free(keepers->slots);
    *keepers = grown;
    return QN_OK;
}

/* Meets one row of a key: the better of it and the keeper stays, the other is refused. */
static qn_code meet(const struct qn_distinct *distinct, struct qn_arena *arena,
                    struct keepers *keepers, struct refused *refused, struct keeper *row,
                    struct qn_err *err)
{
    if (keepers->n * 2 >= keepers->n_slots)
        QN_TRY(keepers_grow(keepers, err));
    const struct qn_distinct_set *set = &distinct->sets[row->set];
    struct keeper *keeper = keeper_find(keepers, row->low, row->high, row->set);
    struct qn_row_id loser = row->id;
    bool wins = !keeper->used;
    if (keeper->used) {
        int order = set->order_by < 0 ? 0
                                      : qn_cell_cmp(distinct->schema.fields[ORDER].type, row->order,
                                                    keeper->order);
        if (order == 0)
            order = qn_row_id_cmp(row->id, keeper->id);
        wins = set->keep_last ? order > 0 : order < 0;
        if (wins)
            loser = keeper->id;
        refused[row->set].failures++;
        QN_TRY(refused_add(&refused[row->set], set->listed, loser, err));
    } else {
        keepers->n++;
    }
    if (wins) {
        QN_TRY(qn_cell_copy(arena, row->order, &row->order, err));
        *keeper = *row;
    }
    return QN_OK;
}

static qn_code meet_batch(const struct qn_distinct *distinct, struct qn_arena *arena,
                          struct keepers *keepers, struct refused *refused,
                          const struct qn_batch *batch, struct qn_err *err)
{
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        struct keeper next = {
            .low = (uint64_t)batch->columns[KEY_LOW].i64[row],
            .high = (uint64_t)batch->columns[KEY_HIGH].i64[row],
            .set = (uint32_t)batch->columns[SET].i64[row],
            .id = id_from((uint64_t)batch->columns[PLACE].i64[row],
                          (uint64_t)batch->columns[POSITION].i64[row]),
            .used = true,
        };
        if (next.set >= distinct->n_sets)
            return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a partition of keys is damaged");
        if (distinct->schema.n_fields > ORDER)
            next.order = qn_cell_at(&batch->columns[ORDER], row);
        QN_TRY(meet(distinct, arena, keepers, refused, &next, err));
    }
    return QN_OK;
}

static qn_code read_partition(const struct qn_distinct *distinct, struct qn_etl_step_ctx *ctx,
                              struct keepers *keepers, struct refused *refused, struct qn_err *err)
{
    for (;;) {
        struct qn_batch batch;
        if (atomic_load(ctx->in->cancelled))
            return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
        QN_TRY(ctx->in->reader->ops->next(ctx->in->reader, &batch, &ctx->out->rejects, err));
        if (batch.n_rows == 0)
            return QN_OK;
        QN_TRY(meet_batch(distinct, ctx->in->arena, keepers, refused, &batch, err));
    }
}

static qn_code distinct_reduce(const struct qn_etl_step *step, struct qn_etl_step_ctx *ctx,
                               struct qn_err *err)
{
    const struct qn_distinct *distinct = step->impl;
    struct keepers keepers = {0};
    struct refused *refused = calloc(distinct->n_sets, sizeof *refused);
    struct qn_buf buf;
    qn_buf_init(&buf);
    qn_code code = refused ? read_partition(distinct, ctx, &keepers, refused, err)
                           : qn_err_nomem(err, "refused rows");
    if (code == QN_OK) {
        refused_pack(refused, distinct->n_sets, &buf);
        code = qn_buf_check(&buf, "refused rows", err);
    }
    if (code == QN_OK)
        code = ctx->out->ops->partial(ctx->out, qn_buf_strv(&buf), err);
    qn_buf_fini(&buf);
    free(keepers.slots);
    refused_free(refused, distinct->n_sets);
    return code;
}

/* --- coordinator ----------------------------------------------------------------------------- */

struct distinct_acc {
    uint32_t n_sets;
    struct refused *sets;
};

static void distinct_free_acc(void *acc)
{
    struct distinct_acc *self = acc;
    if (self)
        refused_free(self->sets, self->n_sets);
    free(self);
}

/* NULL: no memory. */
static struct distinct_acc *acc_get(const struct qn_distinct *distinct, void **acc)
{
    if (*acc)
        return *acc;
    struct distinct_acc *fresh = calloc(1, sizeof *fresh);
    struct refused *sets = calloc(distinct->n_sets, sizeof *sets);
    if (!fresh || !sets) {
        free(fresh);
        free(sets);
        return NULL;
    }
    *fresh = (struct distinct_acc){distinct->n_sets, sets};
    *acc = fresh;
    return fresh;
}

static qn_code distinct_merge(const struct qn_etl_step *step, void **acc, struct qn_strv partial,
                              struct qn_err *err)
{
    const struct qn_distinct *distinct = step->impl;
    struct distinct_acc *self = acc_get(distinct, acc);
    if (!self)
        return qn_err_nomem(err, "refused rows");
    struct qn_unpack in = qn_unpack_from(partial);
    for (uint32_t s = 0; s < distinct->n_sets; s++) {
        self->sets[s].failures += qn_unpack_u64(&in);
        uint32_t n = qn_unpack_count(&in, ID_BYTES);
        for (uint32_t i = 0; i < n && !in.failed; i++) {
            uint64_t place = qn_unpack_u64(&in), position = qn_unpack_u64(&in);
            QN_TRY(refused_add(&self->sets[s], distinct->sets[s].listed, id_from(place, position),
                               err));
        }
    }
    return qn_unpack_end(&in, "a partial of repeated keys", err);
}

static int compare_ids(const void *left, const void *right)
{
    const struct qn_row_id *a = left, *b = right;
    return qn_row_id_cmp(*a, *b);
}

static qn_code distinct_finish(const struct qn_etl_step *step, void **acc, struct qn_buf *state,
                               struct qn_err *err)
{
    const struct qn_distinct *distinct = step->impl;
    struct distinct_acc *self = acc_get(distinct, acc);
    if (!self)
        return qn_err_nomem(err, "refused rows");
    for (uint32_t s = 0; s < distinct->n_sets; s++)
        if (self->sets[s].n > 1)
            qsort(self->sets[s].ids, self->sets[s].n, sizeof *self->sets[s].ids, compare_ids);
    refused_pack(self->sets, distinct->n_sets, state);
    return qn_buf_check(state, "refused rows", err);
}

const struct qn_fit_ops qn_distinct_fit = {
    .stage = "distinct",
    .reduce_stage = "duplicates",
    .needs = distinct_needs,
    .begin = distinct_begin,
    .update = distinct_update,
    .end = distinct_end,
    .reduce = distinct_reduce,
    .merge = distinct_merge,
    .finish = distinct_finish,
    .free_acc = distinct_free_acc,
};

/* --- acting ---------------------------------------------------------------------------------- */

static struct qn_row_id cursor_id(const struct qn_distinct_cursor *cursor, uint32_t at)
{
    struct qn_strv bytes = {(const char *)cursor->ids + (size_t)at * ID_BYTES, ID_BYTES};
    struct qn_unpack in = qn_unpack_from(bytes);
    uint64_t place = qn_unpack_u64(&in);
    return id_from(place, qn_unpack_u64(&in));
}

qn_code qn_distinct_open(const struct qn_etl_step *step, const struct qn_etl_step_ctx *ctx,
                         struct qn_distinct_cursor *cursors, struct qn_err *err)
{
    const struct qn_distinct *distinct = step->impl;
    struct qn_unpack in = qn_unpack_from(ctx->in->states[step->state_stage]);
    struct qn_row_id begin = {.file = ctx->file, .position = ctx->base};
    for (uint32_t s = 0; s < distinct->n_sets; s++) {
        (void)qn_unpack_u64(&in);
        uint32_t n = qn_unpack_count(&in, ID_BYTES);
        struct qn_strv ids = qn_unpack_bytes(&in, (size_t)n * ID_BYTES);
        struct qn_distinct_cursor *cursor = &cursors[s];
        *cursor =
            (struct qn_distinct_cursor){.ids = (const uint8_t *)ids.data, .n = in.failed ? 0 : n};
        uint32_t high = cursor->n; /* first id that is not before this task's rows */
        while (cursor->at < high) {
            uint32_t middle = cursor->at + (high - cursor->at) / 2;
            if (qn_row_id_cmp(cursor_id(cursor, middle), begin) < 0)
                cursor->at = middle + 1;
            else
                high = middle;
        }
    }
    return qn_unpack_end(&in, "the state of repeated keys", err);
}

bool qn_distinct_refuses(struct qn_distinct_cursor *cursor, struct qn_row_id id)
{
    for (; cursor->at < cursor->n; cursor->at++) {
        int order = qn_row_id_cmp(cursor_id(cursor, cursor->at), id);
        if (order >= 0)
            return order == 0;
    }
    return false;
}

qn_code qn_distinct_failures(const struct qn_etl_step *step, const struct qn_strv *states,
                             uint32_t set, uint64_t *out, struct qn_err *err)
{
    const struct qn_distinct *distinct = step->impl;
    struct qn_unpack in = qn_unpack_from(states[step->state_stage]);
    *out = 0;
    for (uint32_t s = 0; s < distinct->n_sets; s++) {
        uint64_t failures = qn_unpack_u64(&in);
        uint32_t n = qn_unpack_count(&in, ID_BYTES);
        (void)qn_unpack_bytes(&in, (size_t)n * ID_BYTES);
        if (s == set)
            *out = failures;
    }
    return qn_unpack_end(&in, "the state of repeated keys", err);
}
