/* The task of a shuffled join that finds, for every chunk of the input, the rows of the side that
 * its keys ask for.
 *
 * Of a partition the keys are kept, each with the chunks that have it; the side's rows only pass
 * by. So a key with any number of rows costs no memory. Keys past MOST_KEY_BYTES are cut into
 * slices by hash and set aside in files, and the side's rows with them; a slice is a partition of
 * its own, and may be cut again. The limit does not ask how much memory there is: it decides the
 * order in which rows are sent, which must be the same on any worker. */
#include <stdlib.h>

#include "base/log.h"
#include "jobs/etl/etl.h"
#include "jobs/etl/join.h"
#include "jobs/etl/join_found.h"
#include "jobs/etl/key_table.h"
#include "jobs/etl/keys.h"
#include "jobs/etl/pipeline.h"
#include "wire/scratch.h"

enum {
    MOST_KEY_BYTES = 8 << 20,
    SLICES = 8,
    SLICE_BITS = 3,
    /* Slices of 8^7 partitions hold few keys each; whatever is left over has to fit. */
    MOST_CUTS = 7,
};

/* A chunk that has a key; those of one key are a list, in the order of chunks. */
struct asking {
    uint32_t chunk;
    uint32_t next; /* 1 + the next one; 0: none */
};

struct asked {
    uint32_t first, last; /* 1 + a place in the list; 0: nobody asks, or all have what they need */
};

struct match {
    struct qn_pipeline *pipeline;
    const struct qn_join *join;
    struct qn_join_found found;
    struct qn_key_table keys;
    struct asked *asked; /* [asked_capacity], by key */
    uint32_t asked_capacity;
    struct asking *asking; /* [asking_capacity] */
    uint32_t n_asking, asking_capacity;
    uint32_t cuts; /* how often it was cut, for the log */
};

/* Keys and rows of a slice, in files. */
struct slice {
    struct qn_scratch keys, rows;
};

static qn_code next_batch(struct match *self, struct qn_reader *reader,
                          const struct qn_schema *schema, struct qn_batch *batch,
                          struct qn_err *err)
{
    struct qn_etl_step_ctx *ctx = &self->pipeline->ctx;
    if (atomic_load(ctx->in->cancelled))
        return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
    QN_TRY(reader->ops->next(reader, batch, &ctx->out->rejects, err));
    qn_arena_clear(&self->pipeline->arena);
    if (batch->n_rows == 0 || batch->schema->n_fields == schema->n_fields)
        return QN_OK;
    return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "rows of a join have other columns");
}

static qn_code hash_rows(struct match *self, const struct qn_batch *batch, uint64_t **hashes,
                         struct qn_err *err)
{
    *hashes = qn_arena_alloc(&self->pipeline->arena, batch->n_rows * sizeof **hashes);
    if (!*hashes)
        return qn_err_nomem(err, "a join's keys");
    qn_keys_hash(batch->columns, self->join->n_keys, batch->n_rows, *hashes);
    return QN_OK;
}

/* --- keys ------------------------------------------------------------------------------------ */

static qn_code begin_keys(struct match *self, struct qn_err *err)
{
    qn_key_table_fini(&self->keys);
    self->n_asking = 0;
    return qn_key_table_init(&self->keys, &self->join->keys, self->join->n_keys, err);
}

static qn_code make_room(struct match *self, struct qn_err *err)
{
    if (self->keys.n > self->asked_capacity) {
        uint32_t capacity = self->keys.capacity;
        struct asked *grown = realloc(self->asked, capacity * sizeof *grown);
        if (!grown)
            return qn_err_nomem(err, "a join's keys");
        self->asked = grown;
        self->asked_capacity = capacity;
    }
    if (self->n_asking == self->asking_capacity) {
        size_t capacity = self->asking_capacity ? 2 * (size_t)self->asking_capacity : 1024;
        struct asking *grown =
            capacity <= UINT32_MAX ? realloc(self->asking, capacity * sizeof *grown) : NULL;
        if (!grown)
            return qn_err_nomem(err, "a join's keys");
        self->asking = grown;
        self->asking_capacity = (uint32_t)capacity;
    }
    return QN_OK;
}

/* Chunks come in order, so one that says a key twice said it last. */
static qn_code add_key(struct match *self, const struct qn_batch *batch, uint32_t row,
                       uint64_t hash, struct qn_err *err)
{
    uint32_t key, n_keys = self->keys.n;
    int64_t chunk = batch->columns[self->join->n_keys].i64[row];
    if (chunk < 0 || chunk >= self->found.n_chunks)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a join's key is of chunk %lld of %u",
                          (long long)chunk, self->found.n_chunks);
    QN_TRY(qn_key_table_add(&self->keys, batch->columns, row, hash, &key, err));
    QN_TRY(make_room(self, err));
    struct asked *asked = &self->asked[key];
    if (key == n_keys)
        *asked = (struct asked){0};
    else if (self->asking[asked->last - 1].chunk == chunk)
        return QN_OK;
    self->asking[self->n_asking++] = (struct asking){.chunk = (uint32_t)chunk};
    if (asked->last)
        self->asking[asked->last - 1].next = self->n_asking;
    else
        asked->first = self->n_asking;
    asked->last = self->n_asking;
    return QN_OK;
}

static bool keys_fit(const struct match *self)
{
    return self->keys.bytes + self->n_asking * sizeof(struct asking) <= MOST_KEY_BYTES;
}

/* Until the end, or until there are too many. */
static qn_code read_keys(struct match *self, struct qn_reader *reader, bool may_cut, bool *fit,
                         struct qn_err *err)
{
    struct qn_batch batch;
    uint64_t *hashes;
    for (*fit = true; *fit;) {
        QN_TRY(next_batch(self, reader, &self->join->keys, &batch, err));
        if (batch.n_rows == 0)
            break;
        QN_TRY(hash_rows(self, &batch, &hashes, err));
        for (uint32_t row = 0; row < batch.n_rows; row++)
            QN_TRY(add_key(self, &batch, row, hashes[row], err));
        *fit = !may_cut || keys_fit(self);
    }
    return QN_OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

/* Notes who gets the row; false: nobody. */
static qn_code note_chunks(struct match *self, uint32_t key, uint32_t ahead, bool *wanted,
                           struct qn_err *err)
{
    *wanted = key != QN_NO_KEY && self->asked[key].first;
    if (!*wanted)
        return QN_OK;
    for (uint32_t at = self->asked[key].first; at; at = self->asking[at - 1].next)
        QN_TRY(qn_join_found_note(&self->found, self->asking[at - 1].chunk, ahead, err));
    if (!qn_join_makes_pairs(self->join))
        self->asked[key].first = 0; /* that there is one is all that is asked */
    return QN_OK;
}

static qn_code match_batch(struct match *self, const struct qn_batch *batch, struct qn_err *err)
{
    struct qn_arena *arena = &self->pipeline->arena;
    uint32_t *keys = qn_arena_alloc(arena, batch->n_rows * sizeof *keys), n = 0;
    uint32_t *rows = qn_arena_alloc(arena, batch->n_rows * sizeof *rows);
    uint64_t *hashes;
    if (!keys || !rows)
        return qn_err_nomem(err, "a join's rows");
    QN_TRY(hash_rows(self, batch, &hashes, err));
    qn_key_table_find(&self->keys, batch->columns, hashes, batch->n_rows, keys);
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        bool wanted;
        QN_TRY(note_chunks(self, keys[row], n, &wanted, err));
        if (wanted)
            rows[n++] = row;
        if (!qn_join_found_is_full(&self->found))
            continue;
        QN_TRY(qn_join_found_add(&self->found, batch, rows, n, arena, err));
        QN_TRY(qn_join_found_send(&self->found, self->pipeline->ctx.out, err));
        n = 0;
    }
    return qn_join_found_add(&self->found, batch, rows, n, arena, err);
}

static qn_code match_rows(struct match *self, struct qn_reader *reader, struct qn_err *err)
{
    struct qn_batch batch;
    for (;;) {
        QN_TRY(next_batch(self, reader, &self->join->rows, &batch, err));
        if (batch.n_rows == 0)
            return QN_OK;
        QN_TRY(match_batch(self, &batch, err));
    }
}

/* --- slices ---------------------------------------------------------------------------------- */

static uint32_t slice_of(uint64_t hash, uint32_t cut)
{
    return (uint32_t)(qn_hash_u64(hash) >> cut * SLICE_BITS) % SLICES;
}

/* Rows of a batch to the files of their slices. */
static qn_code cut_batch(struct match *self, const struct qn_batch *batch, uint32_t cut,
                         struct slice *slices, bool keys, struct qn_err *err)
{
    struct qn_arena *arena = &self->pipeline->arena;
    uint32_t *rows = qn_arena_alloc(arena, batch->n_rows * sizeof *rows);
    uint64_t *hashes;
    if (!rows)
        return qn_err_nomem(err, "a join's rows");
    QN_TRY(hash_rows(self, batch, &hashes, err));
    for (uint32_t s = 0; s < SLICES; s++) {
        struct qn_scratch *file = keys ? &slices[s].keys : &slices[s].rows;
        struct qn_batch part;
        uint32_t n = 0;
        for (uint32_t row = 0; row < batch->n_rows; row++)
            if (slice_of(hashes[row], cut) == s)
                rows[n++] = row;
        if (n == 0)
            continue;
        QN_TRY(qn_batch_take(arena, batch, rows, n, &part, err));
        if (!qn_scratch_is_used(file))
            QN_TRY(qn_scratch_begin(file, self->pipeline->ctx.in->scratch, err));
        QN_TRY(qn_scratch_put(file, QN_PART_PARTITION, &part, err));
    }
    return QN_OK;
}

static qn_code cut_reader(struct match *self, struct qn_reader *reader,
                          const struct qn_schema *schema, uint32_t cut, struct slice *slices,
                          struct qn_err *err)
{
    struct qn_batch batch;
    for (;;) {
        QN_TRY(next_batch(self, reader, schema, &batch, err));
        if (batch.n_rows == 0)
            return QN_OK;
        QN_TRY(cut_batch(self, &batch, cut, slices, schema == &self->join->keys, err));
    }
}

/* Keys that are in the table already, with who asks for them, as they were read. */
static qn_code cut_table(struct match *self, uint32_t cut, struct slice *slices, struct qn_err *err)
{
    struct qn_arena *arena = &self->pipeline->arena;
    const struct qn_join *join = self->join;
    uint32_t picked[1024], n = 0;
    struct qn_batch batch = {.schema = &join->keys};
    for (uint32_t key = 0, at = 0; key < self->keys.n;) {
        qn_arena_clear(arena);
        batch.columns = QN_NEW_ARRAY(arena, struct qn_column, join->keys.n_fields);
        if (!batch.columns)
            return qn_err_nomem(err, "a join's keys");
        struct qn_column *chunks = &batch.columns[join->n_keys];
        QN_TRY(qn_column_new(arena, join->keys.fields[join->n_keys].type, 1024, chunks, err));
        for (n = 0; key < self->keys.n && n < 1024; n++) {
            at = at ? at : self->asked[key].first;
            picked[n] = key;
            chunks->i64[n] = self->asking[at - 1].chunk;
            at = self->asking[at - 1].next;
            key += at == 0;
        }
        for (uint32_t k = 0; k < join->n_keys; k++) {
            struct qn_column view = qn_colstore_view(&self->keys.columns[k]);
            QN_TRY(qn_column_take(arena, &view, self->keys.n, picked, n, &batch.columns[k], err));
        }
        batch.n_rows = n;
        QN_TRY(cut_batch(self, &batch, cut, slices, true, err));
    }
    return QN_OK;
}

static qn_code match_keys(struct match *self, struct qn_reader *keys, uint32_t partition,
                          struct qn_scratch *rows, uint32_t cut, struct qn_err *err);

/* What nobody asks for, or nobody has, is left. */
static qn_code match_slice(struct match *self, struct slice *slice, uint32_t cut,
                           struct qn_err *err)
{
    struct qn_reader *keys;
    if (!qn_scratch_is_used(&slice->keys) || !qn_scratch_is_used(&slice->rows))
        return QN_OK;
    QN_TRY(qn_scratch_open(&slice->keys, &self->join->keys, NULL, &keys, err));
    qn_code code = match_keys(self, keys, 0, &slice->rows, cut, err);
    keys->ops->close(keys);
    qn_scratch_drop(&slice->keys);
    qn_scratch_drop(&slice->rows);
    return code;
}

static qn_code match_slices(struct match *self, struct qn_reader *keys, struct qn_reader *rows,
                            uint32_t cut, struct qn_err *err)
{
    struct slice *slices = malloc(SLICES * sizeof *slices);
    if (!slices)
        return qn_err_nomem(err, "a join's slices");
    for (uint32_t s = 0; s < SLICES; s++) {
        qn_scratch_init(&slices[s].keys);
        qn_scratch_init(&slices[s].rows);
    }
    self->cuts++;
    qn_code code = cut_table(self, cut, slices, err);
    if (code == QN_OK)
        code = cut_reader(self, keys, &self->join->keys, cut, slices, err);
    if (code == QN_OK)
        code = cut_reader(self, rows, &self->join->rows, cut, slices, err);
    for (uint32_t s = 0; code == QN_OK && s < SLICES; s++)
        code = match_slice(self, &slices[s], cut + 1, err);
    for (uint32_t s = 0; s < SLICES; s++) {
        qn_scratch_fini(&slices[s].keys);
        qn_scratch_fini(&slices[s].rows);
    }
    free(slices);
    return code;
}

/* Rows of the side that belong to these keys: in a file, or of a partition (NULL). */
static qn_code match_keys(struct match *self, struct qn_reader *keys, uint32_t partition,
                          struct qn_scratch *rows, uint32_t cut, struct qn_err *err)
{
    struct qn_task_in *in = self->pipeline->ctx.in;
    struct qn_reader *reader;
    bool fit;
    QN_TRY(begin_keys(self, err));
    QN_TRY(read_keys(self, keys, cut < MOST_CUTS, &fit, err));
    if (self->keys.n == 0)
        return QN_OK;
    if (rows)
        QN_TRY(qn_scratch_open(rows, &self->join->rows, NULL, &reader, err));
    else
        QN_TRY(in->open_partitions(in, self->join->side_stage, in->first_partition + partition,
                                   &reader, err));
    qn_code code = fit ? match_rows(self, reader, err) : match_slices(self, keys, reader, cut, err);
    reader->ops->close(reader);
    return code;
}

/* --- the task -------------------------------------------------------------------------------- */

static qn_code run(struct match *self, struct qn_err *err)
{
    struct qn_task_in *in = self->pipeline->ctx.in;
    for (uint32_t p = 0; p < in->n_partitions; p++) {
        struct qn_reader *keys;
        QN_TRY(in->open_partition(in, p, &keys, err));
        qn_code code = match_keys(self, keys, p, NULL, 0, err);
        keys->ops->close(keys);
        if (code != QN_OK)
            return code;
    }
    if (self->cuts)
        qn_log_debug("keys of a join past their memory were set aside: %u cuts", self->cuts);
    return qn_join_found_send(&self->found, self->pipeline->ctx.out, err);
}

qn_code qn_join_match(struct qn_pipeline *pipeline, const struct qn_join *join, struct qn_err *err)
{
    struct match self = {.pipeline = pipeline, .join = join};
    qn_code code = qn_join_found_init(&self.found, &join->rows, pipeline->ctx.in->n_chunks, err);
    if (code == QN_OK)
        code = run(&self, err);
    qn_join_found_fini(&self.found);
    qn_key_table_fini(&self.keys);
    free(self.asked);
    free(self.asking);
    return code;
}
