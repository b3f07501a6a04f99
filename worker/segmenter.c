#include "worker/segmenter.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"

/* Encoded bytes go on to the part when a segment has as many, or all have together: a record a
 * piece, large enough to be copied in one go, small enough that many folders stay in memory. */
enum { PIECE_BYTES = 1 << 20, ALL_BYTES = 32 << 20 };

/* A segment being written. */
struct stream {
    uint64_t hash; /* of the key */
    struct qn_buf key;
    struct qn_writer *writer;
    struct qn_buf pending, meta;
    uint64_t rows, bytes;
    struct qn_bounds *bounds;
    uint32_t n_taken; /* rows of the batch at hand */
};

struct qn_segmenter {
    const struct qn_into_files *files;
    struct qn_part_writer *part;
    struct stream **streams;
    uint32_t n_streams, capacity;
    uint32_t *slots; /* by hash: number of a stream + 1, or 0; a power of two of them */
    uint32_t n_slots;
    size_t pending_bytes;
    struct qn_arena arena; /* of the batch at hand */
    struct qn_buf key;     /* of the row at hand */
};

static void stream_free(struct stream *stream)
{
    if (!stream)
        return;
    if (stream->writer)
        stream->writer->ops->close(stream->writer);
    qn_buf_fini(&stream->key);
    qn_buf_fini(&stream->pending);
    qn_buf_fini(&stream->meta);
    free(stream->bounds);
    free(stream);
}

/* --- finding the stream of a row ------------------------------------------------------------- */

static qn_code too_many(const struct qn_segmenter *self, struct qn_err *err)
{
    return qn_err_set(
        err, QN_ELIMIT, QN_BLAME_JOB,
        "the rows of one task fall into more than %d folders of dataset %s: partition "
        "by something coarser, or give the source smaller chunks",
        QN_MAX_OPEN_PARTITIONS, self->files->dataset);
}

static qn_code grow(struct qn_segmenter *self, struct qn_err *err)
{
    uint32_t capacity = self->capacity ? self->capacity * 2 : 16, n_slots = capacity * 4;
    struct stream **streams = realloc(self->streams, capacity * sizeof(struct stream *));
    uint32_t *slots = streams ? calloc(n_slots, sizeof *slots) : NULL;
    if (streams)
        self->streams = streams;
    if (!slots)
        return qn_err_nomem(err, "a task's segments");
    free(self->slots);
    self->slots = slots;
    self->n_slots = n_slots;
    self->capacity = capacity;
    for (uint32_t i = 0; i < self->n_streams; i++) {
        uint32_t at = (uint32_t)self->streams[i]->hash & (n_slots - 1);
        while (slots[at])
            at = (at + 1) & (n_slots - 1);
        slots[at] = i + 1;
    }
    return QN_OK;
}

static qn_code fill_stream(const struct qn_segmenter *self, struct stream *stream, uint64_t hash,
                           struct qn_err *err)
{
    const struct qn_into_files *files = self->files;
    stream->hash = hash;
    qn_buf_init(&stream->key);
    qn_buf_init(&stream->pending);
    qn_buf_init(&stream->meta);
    qn_buf_put(&stream->key, self->key.data, self->key.len);
    stream->bounds = calloc(files->columns.n_fields, sizeof *stream->bounds);
    if (!stream->bounds)
        return qn_err_nomem(err, "a segment");
    for (uint32_t c = 0; c < files->columns.n_fields; c++)
        qn_bounds_init(&stream->bounds[c]);
    QN_TRY(qn_buf_check(&stream->key, "a segment", err));
    return files->writer->open(&files->columns, &files->options, &stream->writer, err);
}

static qn_code add_stream(struct qn_segmenter *self, uint64_t hash, uint32_t *number,
                          struct qn_err *err)
{
    if (self->n_streams == QN_MAX_OPEN_PARTITIONS)
        return too_many(self, err);
    if (self->n_streams == self->capacity)
        QN_TRY(grow(self, err));
    struct stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        return qn_err_nomem(err, "a segment");
    *number = self->n_streams;
    self->streams[self->n_streams++] = stream;
    uint32_t at = (uint32_t)hash & (self->n_slots - 1);
    while (self->slots[at])
        at = (at + 1) & (self->n_slots - 1);
    self->slots[at] = self->n_streams;
    return fill_stream(self, stream, hash, err);
}

static qn_code find_stream(struct qn_segmenter *self, uint32_t *number, struct qn_err *err)
{
    uint64_t hash = qn_hash64(self->key.data, self->key.len, 0);
    for (uint32_t at = (uint32_t)hash & (self->n_slots - 1); self->n_slots && self->slots[at];
         at = (at + 1) & (self->n_slots - 1)) {
        const struct stream *stream = self->streams[self->slots[at] - 1];
        if (stream->hash == hash &&
            qn_strv_eq(qn_buf_strv(&stream->key), qn_buf_strv(&self->key))) {
            *number = self->slots[at] - 1;
            return QN_OK;
        }
    }
    return add_stream(self, hash, number, err);
}

static qn_code make_key(struct qn_segmenter *self, const struct qn_batch *batch, uint32_t row,
                        struct qn_err *err)
{
    struct qn_buf text;
    qn_buf_init(&text);
    qn_buf_clear(&self->key);
    for (uint32_t i = 0; i < self->files->n_partition; i++) {
        const struct qn_column *column = &batch->columns[self->files->partition[i]];
        qn_buf_clear(&text);
        qn_value_format(&text, column, row);
        qn_segment_key_put(&self->key, !qn_is_valid(column, row), qn_buf_strv(&text));
    }
    self->key.failed |= text.failed;
    qn_buf_fini(&text);
    return qn_buf_check(&self->key, "a partition's key", err);
}

static bool same_value(const struct qn_column *column, uint32_t a, uint32_t b)
{
    bool valid = qn_is_valid(column, a);
    if (valid != qn_is_valid(column, b) || !valid)
        return valid == qn_is_valid(column, b);
    switch (qn_type_layout(column->type)) {
    case QN_LAYOUT_BOOL: return column->bools[a] == column->bools[b];
    case QN_LAYOUT_I64: return column->i64[a] == column->i64[b];
    case QN_LAYOUT_TEXT: return qn_strv_eq(qn_text_at(column, a), qn_text_at(column, b));
    case QN_LAYOUT_F64: break; /* none names a folder */
    }
    return false;
}

/* Whether a row goes where the one before it went, as most do. */
static bool repeats(const struct qn_segmenter *self, const struct qn_batch *batch, uint32_t row)
{
    for (uint32_t i = 0; i < self->files->n_partition; i++)
        if (!same_value(&batch->columns[self->files->partition[i]], row, row - 1))
            return false;
    return true;
}

/* --- writing --------------------------------------------------------------------------------- */

static qn_code hand_over(struct qn_segmenter *self, uint32_t number, struct qn_err *err)
{
    struct stream *stream = self->streams[number];
    if (stream->pending.len == 0)
        return QN_OK;
    stream->bytes += stream->pending.len;
    self->pending_bytes -= stream->pending.len;
    QN_TRY(qn_part_writer_put_bytes(self->part, QN_PART_SEGMENT, number,
                                    qn_buf_strv(&stream->pending), err));
    qn_buf_clear(&stream->pending);
    return QN_OK;
}

static qn_code make_way(struct qn_segmenter *self, uint32_t number, struct qn_err *err)
{
    if (self->streams[number]->pending.len >= PIECE_BYTES)
        return hand_over(self, number, err);
    for (uint32_t i = 0; self->pending_bytes >= ALL_BYTES && i < self->n_streams; i++)
        QN_TRY(hand_over(self, i, err));
    return QN_OK;
}

static qn_code write(struct qn_segmenter *self, uint32_t number, const struct qn_batch *batch,
                     struct qn_err *err)
{
    struct stream *stream = self->streams[number];
    size_t before = stream->pending.len;
    QN_TRY(stream->writer->ops->write(stream->writer, batch, &stream->pending, err));
    self->pending_bytes += stream->pending.len - before;
    stream->rows += batch->n_rows;
    for (uint32_t c = 0; c < batch->schema->n_fields; c++)
        qn_bounds_add(&stream->bounds[c], &batch->columns[c], batch->n_rows);
    return make_way(self, number, err);
}

/* The columns that the files have. */
static qn_code project(struct qn_segmenter *self, const struct qn_batch *batch,
                       struct qn_batch *out, struct qn_err *err)
{
    const struct qn_into_files *files = self->files;
    *out = (struct qn_batch){.schema = &files->columns, .n_rows = batch->n_rows};
    out->columns = QN_NEW_ARRAY(&self->arena, struct qn_column, files->columns.n_fields);
    if (!out->columns)
        return qn_err_nomem(err, "a segment's rows");
    for (uint32_t c = 0; c < files->columns.n_fields; c++)
        out->columns[c] = batch->columns[files->in_files[c]];
    return QN_OK;
}

/* Rows by stream, in the order they came; each stream's lie together. */
static qn_code scatter(struct qn_segmenter *self, const struct qn_batch *projected,
                       const uint32_t *numbers, struct qn_err *err)
{
    uint32_t n = projected->n_rows;
    uint32_t *rows = qn_arena_alloc(&self->arena, n * sizeof *rows);
    uint32_t *starts = QN_NEW_ARRAY(&self->arena, uint32_t, self->n_streams);
    if (!rows || !starts)
        return qn_err_nomem(err, "a segment's rows");
    for (uint32_t i = 1; i < self->n_streams; i++)
        starts[i] = starts[i - 1] + self->streams[i - 1]->n_taken;
    for (uint32_t i = 0; i < n; i++)
        rows[starts[numbers[i]]++] = i;
    for (uint32_t i = 0; i < self->n_streams; i++) {
        struct qn_batch taken;
        uint32_t count = self->streams[i]->n_taken;
        if (count == 0)
            continue;
        QN_TRY(
            qn_batch_take(&self->arena, projected, rows + starts[i] - count, count, &taken, err));
        QN_TRY(write(self, i, &taken, err));
    }
    return QN_OK;
}

static qn_code number_rows(struct qn_segmenter *self, const struct qn_batch *batch,
                           uint32_t *numbers, struct qn_err *err)
{
    for (uint32_t i = 0; i < self->n_streams; i++)
        self->streams[i]->n_taken = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        if (row && repeats(self, batch, row)) {
            numbers[row] = numbers[row - 1];
        } else {
            QN_TRY(make_key(self, batch, row, err));
            QN_TRY(find_stream(self, &numbers[row], err));
        }
        self->streams[numbers[row]]->n_taken++;
    }
    return QN_OK;
}

qn_code qn_segmenter_put(struct qn_segmenter *self, const struct qn_batch *batch,
                         struct qn_err *err)
{
    struct qn_batch projected;
    if (batch->n_rows == 0)
        return QN_OK;
    qn_arena_clear(&self->arena);
    uint32_t *numbers = qn_arena_alloc(&self->arena, batch->n_rows * sizeof *numbers);
    if (!numbers)
        return qn_err_nomem(err, "a segment's rows");
    QN_TRY(number_rows(self, batch, numbers, err));
    QN_TRY(project(self, batch, &projected, err));
    if (self->streams[numbers[0]]->n_taken == batch->n_rows)
        return write(self, numbers[0], &projected, err);
    return scatter(self, &projected, numbers, err);
}

/* --- the end --------------------------------------------------------------------------------- */

static qn_code finish_stream(struct qn_segmenter *self, uint32_t number, struct qn_err *err)
{
    struct stream *stream = self->streams[number];
    size_t before = stream->pending.len;
    QN_TRY(stream->writer->ops->finish(stream->writer, &stream->pending, &stream->meta, err));
    self->pending_bytes += stream->pending.len - before;
    QN_TRY(qn_buf_check(&stream->meta, "a segment", err));
    return hand_over(self, number, err);
}

static qn_code put_table(struct qn_segmenter *self, struct qn_err *err)
{
    struct qn_buf table;
    struct qn_part_segment *segments =
        QN_NEW_ARRAY(&self->arena, struct qn_part_segment, self->n_streams);
    if (!segments)
        return qn_err_nomem(err, "a task's segments");
    for (uint32_t i = 0; i < self->n_streams; i++) {
        const struct stream *stream = self->streams[i];
        segments[i] = (struct qn_part_segment){
            .key = qn_buf_strv(&stream->key),
            .segment = {stream->bytes, stream->rows, qn_buf_strv(&stream->meta)},
            .bounds = stream->bounds};
    }
    qn_buf_init(&table);
    qn_segments_pack(segments, self->n_streams, &self->files->columns, &table);
    qn_code code = qn_buf_check(&table, "a task's segments", err);
    if (code == QN_OK)
        code = qn_part_writer_put_bytes(self->part, QN_PART_SEGMENTS, 0, qn_buf_strv(&table), err);
    qn_buf_fini(&table);
    return code;
}

qn_code qn_segmenter_end(struct qn_segmenter *self, struct qn_err *err)
{
    for (uint32_t i = 0; i < self->n_streams; i++)
        QN_TRY(finish_stream(self, i, err));
    qn_arena_clear(&self->arena);
    return self->n_streams ? put_table(self, err) : QN_OK;
}

/* --- life ------------------------------------------------------------------------------------ */

qn_code qn_segmenter_new(const struct qn_job *job, struct qn_part_writer *part,
                         struct qn_segmenter **out, struct qn_err *err)
{
    struct qn_segmenter *self = calloc(1, sizeof *self);
    if (!self)
        return qn_err_nomem(err, "a task's segments");
    self->files = &job->into.files;
    self->part = part;
    qn_arena_init(&self->arena);
    qn_buf_init(&self->key);
    *out = self;
    return QN_OK;
}

void qn_segmenter_free(struct qn_segmenter *self)
{
    if (!self)
        return;
    for (uint32_t i = 0; i < self->n_streams; i++)
        stream_free(self->streams[i]);
    free(self->streams);
    free(self->slots);
    qn_buf_fini(&self->key);
    qn_arena_fini(&self->arena);
    free(self);
}
