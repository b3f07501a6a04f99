#include "wire/part.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/codec.h"
#include "wire/part_file.h"

/* ---- writing ---- */

void qn_part_begin(struct qn_buf *out)
{
    qn_buf_put(out, QN_PART_MAGIC, sizeof QN_PART_MAGIC - 1);
}

static void put_header(struct qn_buf *out, enum qn_part_kind kind, uint32_t partition,
                       uint32_t bytes)
{
    qn_buf_put_u8(out, (uint8_t)kind);
    qn_buf_put_u32(out, partition);
    qn_buf_put_u32(out, bytes);
}

/* The payload is encoded in place and its length written into the header afterwards. */
static qn_code put_rows(struct qn_buf *out, enum qn_part_kind kind, uint32_t partition,
                        const struct qn_batch *batch, uint32_t first, uint32_t n,
                        struct qn_err *err)
{
    size_t start = out->len;
    put_header(out, kind, partition, 0);
    size_t payload = out->len;
    qn_code code = qn_codec_encode_rows(batch, first, n, out, err);
    size_t bytes = out->len - payload;
    if (code == QN_OK && bytes > UINT32_MAX)
        code = qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "%u rows take %zu bytes, a part's record holds at most %u", n, bytes,
                          UINT32_MAX);
    if (code != QN_OK) {
        out->len = start;
        return code;
    }
    for (int i = 0; i < 4; i++)
        out->data[payload - 4 + (size_t)i] = (uint8_t)(bytes >> (8 * i));
    return QN_OK;
}

qn_code qn_part_put_batch(struct qn_buf *out, enum qn_part_kind kind, uint32_t partition,
                          const struct qn_batch *batch, struct qn_err *err)
{
    for (uint32_t first = 0; first < batch->n_rows;) {
        uint32_t left = batch->n_rows - first;
        uint32_t n = left < QN_BATCH_ROWS ? left : QN_BATCH_ROWS;
        QN_TRY(put_rows(out, kind, partition, batch, first, n, err));
        first += n;
    }
    return QN_OK;
}

void qn_part_put_partial(struct qn_buf *out, struct qn_strv bytes)
{
    if (bytes.len > UINT32_MAX) {
        out->failed = true;
        return;
    }
    put_header(out, QN_PART_PARTIAL, 0, (uint32_t)bytes.len);
    qn_buf_put(out, bytes.data, bytes.len);
}

/* ---- reading batches ---- */

struct part_reader {
    struct qn_reader base;
    struct qn_part_file file;
    const char *const *paths;
    uint32_t n_paths, next_path;
    enum qn_part_kind kind;
    uint32_t partition;
    const struct qn_schema *schema; /* of the records */
    const bool *wanted;
    struct qn_schema projected;  /* of the batches */
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

/* The next record that is asked for; QN_ENOTFOUND at the end of the file. */
static qn_code next_record(struct part_reader *self, struct qn_strv *payload, struct qn_err *err)
{
    for (;;) {
        struct qn_part_record record;
        QN_TRY(qn_part_file_next(&self->file, &record, err));
        bool same_partition =
            self->kind != QN_PART_PARTITION || record.partition == self->partition;
        if (record.kind == self->kind && same_partition)
            return qn_part_file_payload(&self->file, payload, err);
    }
}

static qn_code decode_batch(struct part_reader *self, struct qn_strv payload, struct qn_err *err)
{
    struct qn_batch *batch = &self->batch;
    qn_arena_clear(&self->batch_arena);
    qn_code code = qn_codec_decode_wanted(payload, self->schema, self->wanted, &self->projected,
                                          &self->batch_arena, batch, err);
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
        qn_code code = next_record(self, &payload, err);
        if (code == QN_ENOTFOUND) {
            qn_part_file_close(&self->file);
            continue;
        }
        QN_TRY(code);
        QN_TRY(decode_batch(self, payload, err));
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

qn_code qn_part_open(const char *const *paths, uint32_t n_paths, enum qn_part_kind kind,
                     uint32_t partition, const struct qn_schema *schema, const bool *wanted,
                     struct qn_reader **out, struct qn_err *err)
{
    assert(kind != QN_PART_PARTIAL);
    *out = NULL;
    struct part_reader *self = calloc(1, sizeof *self);
    if (!self)
        return qn_err_nomem(err, "a part reader");
    self->base =
        (struct qn_reader){.ops = &part_reader_ops, .schema = &self->projected, .file = ""};
    qn_part_file_init(&self->file);
    self->kind = kind;
    self->partition = partition;
    self->schema = schema;
    qn_code code = copy_paths(self, paths, n_paths, err);
    if (code == QN_OK)
        code = project(self, wanted, err);
    if (code != QN_OK)
        part_close(&self->base);
    else
        *out = &self->base;
    return code;
}

/* ---- whole files ---- */

static qn_code find_partial(struct qn_part_file *file, struct qn_buf *out, struct qn_err *err)
{
    struct qn_part_record record;
    struct qn_strv payload;
    do
        QN_TRY(qn_part_file_next(file, &record, err));
    while (record.kind != QN_PART_PARTIAL);
    QN_TRY(qn_part_file_payload(file, &payload, err));
    qn_buf_put(out, payload.data, payload.len);
    return qn_buf_check(out, "a partial", err);
}

qn_code qn_part_read_partial(const char *path, struct qn_buf *out, struct qn_err *err)
{
    struct qn_part_file file;
    qn_part_file_init(&file);
    qn_code code = qn_part_file_open(&file, path, err);
    if (code == QN_OK)
        code = find_partial(&file, out, err);
    if (code == QN_ENOTFOUND)
        qn_err_set(err, QN_ENOTFOUND, QN_BLAME_WORKER, "%s has no partial", path);
    qn_part_file_fini(&file);
    return code;
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
