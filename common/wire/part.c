#include "wire/part.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/codec.h"
#include "wire/part_file.h"

const char *qn_part_name(const struct qn_token *token, char out[QN_PART_NAME])
{
    snprintf(out, QN_PART_NAME, "%u-%u-%u-%u.%llu.%u", token->job, token->stage, token->round,
             token->unit, (unsigned long long)token->epoch, token->attempt);
    return out;
}

/* ---- reading batches ---- */

struct part_reader {
    struct qn_reader base;
    struct qn_part_file file;
    const char *const *paths;
    uint32_t n_paths, next_path;
    struct qn_part_query query;
    const struct qn_schema *schema, *raw; /* of the records */
    const bool *wanted;
    struct qn_schema projected;  /* of the batches, but for raw ones */
    struct qn_arena arena;       /* the reader's life: paths, wanted, projected */
    struct qn_arena batch_arena; /* until the next batch */
    struct qn_batch batch;       /* the current one */
    uint64_t rows_in_file, rows, bytes;
    struct qn_buf row; /* what locate() rendered, then scratch for one value */
    struct qn_buf value;
};

static struct part_reader *part_reader_of(struct qn_reader *reader)
{
    return (struct part_reader *)(void *)reader;
}

static qn_code decode_batch(struct part_reader *self, uint8_t kind, struct qn_strv payload,
                            struct qn_err *err)
{
    struct qn_batch *batch = &self->batch;
    qn_arena_clear(&self->batch_arena);
    qn_code code = kind == QN_PART_RAW
                       ? qn_codec_decode(payload, self->raw, &self->batch_arena, batch, err)
                       : qn_codec_decode_wanted(payload, self->schema, self->wanted,
                                                &self->projected, &self->batch_arena, batch, err);
    if (code != QN_OK) {
        *batch = (struct qn_batch){.schema = &self->projected};
        qn_err_frame(err, "while reading %s", self->file.path);
        return code;
    }
    if (self->rows_in_file + batch->n_rows > UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "%s has more than %u rows", self->file.path,
                          UINT32_MAX);
    batch->origin = qn_arena_alloc(&self->batch_arena, batch->n_rows * sizeof *batch->origin);
    if (!batch->origin)
        return qn_err_nomem(err, "row origins");
    for (uint32_t i = 0; i < batch->n_rows; i++)
        batch->origin[i] = (uint32_t)self->rows_in_file + i;
    self->rows_in_file += batch->n_rows;
    self->rows += batch->n_rows;
    return QN_OK;
}

static qn_code open_next_file(struct part_reader *self, struct qn_err *err)
{
    QN_TRY(qn_part_file_open(&self->file, self->paths[self->next_path], err));
    self->base.file_index = self->next_path++;
    self->bytes += self->file.size;
    self->rows_in_file = 0;
    return QN_OK;
}

static qn_code part_next(struct qn_reader *reader, struct qn_batch *batch,
                         struct qn_rejects *rejects, struct qn_err *err)
{
    struct part_reader *self = part_reader_of(reader);
    (void)rejects; /* rows of a dataset were accepted before */
    self->batch = (struct qn_batch){.schema = &self->projected};
    while (self->batch.n_rows == 0) {
        struct qn_strv payload;
        if (self->file.fd < 0) {
            if (self->next_path == self->n_paths)
                break;
            QN_TRY(open_next_file(self, err));
        }
        uint8_t kind;
        qn_code code = qn_part_file_next(&self->file, &self->query, &kind, &payload, err);
        if (code == QN_ENOTFOUND) {
            qn_part_file_close(&self->file);
            continue;
        }
        QN_TRY(code);
        QN_TRY(decode_batch(self, kind, payload, err));
    }
    *batch = self->batch;
    return QN_OK;
}

static void put_json_text(struct qn_buf *out, struct qn_strv text)
{
    qn_buf_put_u8(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20)
            qn_buf_printf(out, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            qn_buf_printf(out, "\\%c", c);
        else
            qn_buf_put_u8(out, c);
    }
    qn_buf_put_u8(out, '"');
}

static void put_json_row(struct part_reader *self, uint32_t row)
{
    qn_buf_clear(&self->row);
    for (uint32_t i = 0; i < self->projected.n_fields; i++) {
        const struct qn_column *column = &self->batch.columns[i];
        qn_buf_printf(&self->row, "%s", i ? ", " : "{");
        put_json_text(&self->row, qn_strv_from(self->projected.fields[i].name));
        qn_buf_printf(&self->row, ": ");
        if (!qn_is_valid(column, row)) {
            qn_buf_printf(&self->row, "null");
            continue;
        }
        qn_buf_clear(&self->value);
        qn_value_format(&self->value, column, row);
        put_json_text(&self->row, qn_buf_strv(&self->value));
    }
    qn_buf_printf(&self->row, "%s", self->projected.n_fields ? "}" : "{}");
}

static qn_code part_locate(struct qn_reader *reader, uint32_t origin, struct qn_location *out,
                           struct qn_err *err)
{
    struct part_reader *self = part_reader_of(reader);
    if (!self->batch.n_rows || origin < self->batch.origin[0] ||
        origin - self->batch.origin[0] >= self->batch.n_rows)
        return qn_err_set(err, QN_ESTATE, QN_BLAME_JOB, "row %u is not in the current batch",
                          origin);
    put_json_row(self, origin - self->batch.origin[0]);
    *out = (struct qn_location){.line = origin, .raw = qn_buf_strv(&self->row)};
    return self->value.failed ? qn_err_nomem(err, "a row's text")
                              : qn_buf_check(&self->row, "a row's text", err);
}

/* As of a file that begins where its records do, a row a line. */
static void part_result(const struct qn_reader *reader, struct qn_chunk_result *out)
{
    const struct part_reader *self = (const struct part_reader *)(const void *)reader;
    *out = (struct qn_chunk_result){
        .next_start = self->bytes, .lines = self->rows, .records = self->rows};
}

static void part_close(struct qn_reader *reader)
{
    struct part_reader *self = part_reader_of(reader);
    qn_part_file_fini(&self->file);
    qn_arena_fini(&self->arena);
    qn_arena_fini(&self->batch_arena);
    qn_buf_fini(&self->row);
    qn_buf_fini(&self->value);
    free(self);
}

static const struct qn_reader_ops part_reader_ops = {
    .next = part_next,
    .locate = part_locate,
    .result = part_result,
    .close = part_close,
};

static qn_code copy_paths(struct part_reader *self, const char *const *paths, uint32_t n,
                          struct qn_err *err)
{
    const char **copies = QN_NEW_ARRAY(&self->arena, const char *, n);
    for (uint32_t i = 0; copies && i < n; i++) {
        copies[i] = qn_arena_strdup(&self->arena, qn_strv_from(paths[i]));
        if (!copies[i])
            copies = NULL;
    }
    self->paths = copies;
    self->n_paths = n;
    return copies ? QN_OK : qn_err_nomem(err, "a part's paths");
}

static qn_code project(struct part_reader *self, const bool *wanted, struct qn_err *err)
{
    uint32_t n = self->schema->n_fields, kept = 0;
    struct qn_field *fields = QN_NEW_ARRAY(&self->arena, struct qn_field, n);
    bool *copy = QN_NEW_ARRAY(&self->arena, bool, n);
    if (!fields || !copy)
        return qn_err_nomem(err, "a projection");
    for (uint32_t i = 0; i < n; i++) {
        copy[i] = !wanted || wanted[i];
        if (copy[i])
            fields[kept++] = self->schema->fields[i];
    }
    self->wanted = copy;
    self->projected = (struct qn_schema){fields, kept};
    return QN_OK;
}

qn_code qn_part_open(const char *const *paths, uint32_t n_paths, const struct qn_part_want *want,
                     struct qn_reader **out, struct qn_err *err)
{
    assert(want->kind != QN_PART_PARTIAL && !(want->raw && want->wanted));
    *out = NULL;
    struct part_reader *self = calloc(1, sizeof *self);
    if (!self)
        return qn_err_nomem(err, "a part reader");
    self->base =
        (struct qn_reader){.ops = &part_reader_ops, .schema = &self->projected, .file = ""};
    qn_part_file_init(&self->file);
    self->query = (struct qn_part_query){
        .kinds = 1U << want->kind | (want->raw ? 1U << QN_PART_RAW : 0),
        .first = want->first,
        .end = want->first + (want->n ? want->n : 1),
    };
    self->schema = want->schema;
    self->raw = want->raw;
    qn_code code = copy_paths(self, paths, n_paths, err);
    if (code == QN_OK)
        code = project(self, want->wanted, err);
    if (code != QN_OK)
        part_close(&self->base);
    else
        *out = &self->base;
    return code;
}

/* ---- whole files ---- */

static qn_code take_pieces(struct qn_part_file *file, qn_part_take_fn take, void *context,
                           struct qn_err *err)
{
    static const struct qn_part_query query = {.kinds = 1U << QN_PART_PARTIAL, .end = 1};
    uint8_t kind;
    struct qn_strv piece;
    for (bool first = true;; first = false) {
        qn_code code = qn_part_file_next(file, &query, &kind, &piece, err);
        if (code == QN_ENOTFOUND)
            return first ? qn_err_set(err, code, QN_BLAME_WORKER, "%s has no partial", file->path)
                         : QN_OK;
        if (code == QN_ELOST && !first) {
            if (err)
                err->code = QN_EIO;
            return QN_EIO;
        }
        QN_TRY(code);
        QN_TRY(take(context, piece, err));
    }
}

qn_code qn_part_partial(const char *path, qn_part_take_fn take, void *context, struct qn_err *err)
{
    struct qn_part_file file;
    qn_part_file_init(&file);
    qn_code code = qn_part_file_open(&file, path, err);
    if (code == QN_OK)
        code = take_pieces(&file, take, context, err);
    qn_part_file_fini(&file);
    return code;
}

qn_code qn_part_partial_in(struct qn_strv part, qn_part_take_fn take, void *context,
                           struct qn_err *err)
{
    struct qn_part_file file;
    qn_part_file_init(&file);
    qn_code code = qn_part_file_open_bytes(&file, part, "a part in memory", err);
    if (code == QN_OK)
        code = take_pieces(&file, take, context, err);
    qn_part_file_fini(&file);
    return code;
}

static qn_code count_shuffled(struct qn_part_file *file, qn_code opened, uint64_t *rows)
{
    static const struct qn_part_query query = {.kinds = 1U << QN_PART_PARTITION | 1U << QN_PART_RAW,
                                               .end = UINT32_MAX};
    *rows = opened == QN_OK ? qn_part_file_rows(file, &query) : 0;
    qn_part_file_fini(file);
    return opened;
}

qn_code qn_part_count_shuffled(const char *path, uint64_t *rows, struct qn_err *err)
{
    struct qn_part_file file;
    qn_part_file_init(&file);
    return count_shuffled(&file, qn_part_file_open(&file, path, err), rows);
}

qn_code qn_part_count_shuffled_in(struct qn_strv part, uint64_t *rows, struct qn_err *err)
{
    struct qn_part_file file;
    qn_part_file_init(&file);
    return count_shuffled(&file, qn_part_file_open_bytes(&file, part, "a part in memory", err),
                          rows);
}

/* Mapped, because a part may be larger than what the coordinator may hold. */
static qn_code digest_fd(int fd, const char *path, uint64_t *bytes, struct qn_hash128 *digest,
                         struct qn_err *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return qn_err_io(err, "look at", path);
    size_t n = (size_t)status.st_size;
    *bytes = n;
    if (n == 0) {
        *digest = qn_hash128("", 0, 0);
        return QN_OK;
    }
    void *map = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return qn_err_io(err, "map", path);
    madvise(map, n, MADV_SEQUENTIAL);
    *digest = qn_hash128(map, n, 0);
    munmap(map, n);
    return QN_OK;
}

qn_code qn_part_digest(const char *path, uint64_t *bytes, struct qn_hash128 *digest,
                       struct qn_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return qn_err_io(err, "open", path);
    qn_code code = digest_fd(fd, path, bytes, digest, err);
    close(fd);
    return code;
}
