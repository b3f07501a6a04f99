#include "wire/part_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "wire/codec.h"
#include "wire/part_file.h"

/* Flushed in pieces that are still in the cache when the kernel copies them. */
enum { FLUSH_BYTES = QN_PART_MEMORY_BYTES };

void qn_part_writer_init(struct qn_part_writer *writer)
{
    *writer = (struct qn_part_writer){.fd = -1};
    qn_buf_init(&writer->bytes);
    qn_buf_init(&writer->index);
}

static void close_file(struct qn_part_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    writer->fd = -1;
}

void qn_part_writer_fini(struct qn_part_writer *writer)
{
    close_file(writer);
    qn_buf_fini(&writer->bytes);
    qn_buf_fini(&writer->index);
}

void qn_part_writer_begin(struct qn_part_writer *writer, const char *path)
{
    close_file(writer);
    qn_buf_clear(&writer->bytes);
    qn_buf_clear(&writer->index);
    qn_hash128_begin(&writer->digest);
    writer->path = path;
    writer->flushed = 0;
    writer->n_runs = 0;
    memset(&writer->run, 0, sizeof writer->run);
    qn_buf_put(&writer->bytes, QN_PART_MAGIC, sizeof QN_PART_MAGIC - 1);
}

static uint64_t position(const struct qn_part_writer *writer)
{
    return writer->flushed + writer->bytes.len;
}

/* --- the file -------------------------------------------------------------------------------- */

static qn_code write_all(struct qn_part_writer *writer, struct qn_strv bytes, struct qn_err *err)
{
    qn_hash128_add(&writer->digest, bytes.data, bytes.len);
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n = write(writer->fd, bytes.data + done, bytes.len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return qn_err_io(err, "write", writer->path);
        done += (size_t)n;
    }
    writer->flushed += bytes.len;
    return QN_OK;
}

static qn_code flush(struct qn_part_writer *writer, struct qn_err *err)
{
    if (writer->fd < 0)
        writer->fd = open(writer->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (writer->fd < 0)
        return qn_err_io(err, "create", writer->path);
    QN_TRY(write_all(writer, qn_buf_strv(&writer->bytes), err));
    qn_buf_clear(&writer->bytes);
    return QN_OK;
}

/* After every record, never within one. */
static qn_code make_way(struct qn_part_writer *writer, struct qn_err *err)
{
    QN_TRY(qn_buf_check(&writer->bytes, "a task's result", err));
    return writer->path && writer->bytes.len >= FLUSH_BYTES ? flush(writer, err) : QN_OK;
}

/* --- the index ------------------------------------------------------------------------------- */

static void end_run(struct qn_part_writer *writer)
{
    if (!writer->run.kind)
        return;
    qn_buf_put_u8(&writer->index, writer->run.kind);
    qn_buf_put_u32(&writer->index, writer->run.partition);
    qn_buf_put_u64(&writer->index, position(writer) - writer->run.offset);
    qn_buf_put_u64(&writer->index, writer->run.rows);
    writer->n_runs++;
    writer->run.kind = 0;
}

static void note_record(struct qn_part_writer *writer, enum qn_part_kind kind, uint32_t partition)
{
    if (writer->run.kind == kind && writer->run.partition == partition)
        return;
    end_run(writer);
    writer->run.kind = (uint8_t)kind;
    writer->run.partition = partition;
    writer->run.offset = position(writer);
    writer->run.rows = 0;
}

/* --- records --------------------------------------------------------------------------------- */

static void put_header(struct qn_buf *out, enum qn_part_kind kind, uint32_t partition,
                       struct qn_strv payload)
{
    qn_buf_put_u8(out, (uint8_t)kind);
    qn_buf_put_u32(out, partition);
    qn_buf_put_u32(out, (uint32_t)payload.len);
    qn_buf_put_u64(out, qn_part_check((uint8_t)kind, partition, payload));
}

/* Once the payload is there: the header that was put ahead of it. */
static void complete_header(struct qn_buf *out, size_t start, enum qn_part_kind kind,
                            uint32_t partition, size_t payload)
{
    size_t end = out->len;
    struct qn_strv bytes = {(const char *)out->data + payload, end - payload};
    out->len = start;
    put_header(out, kind, partition, bytes);
    out->len = end;
}

/* The payload is encoded in place and its length written into the header afterwards. */
static qn_code put_record(struct qn_part_writer *writer, enum qn_part_kind kind, uint32_t partition,
                          const struct qn_batch *batch, uint32_t first, uint32_t n,
                          struct qn_err *err)
{
    struct qn_buf *out = &writer->bytes;
    size_t start = out->len;
    note_record(writer, kind, partition);
    put_header(out, kind, partition, (struct qn_strv){0});
    size_t payload = out->len;
    enum qn_codec_form form = writer->path ? QN_CODEC_PLAIN : QN_CODEC_SMALL;
    qn_code code = qn_codec_encode_rows(batch, first, n, form, out, err);
    size_t bytes = out->len - payload;
    if (code == QN_OK && bytes > UINT32_MAX)
        code = qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "%u rows take %zu bytes, a part's record holds at most %u", n, bytes,
                          UINT32_MAX);
    if (code != QN_OK) {
        out->len = start;
        return code;
    }
    complete_header(out, start, kind, partition, payload);
    writer->run.rows += n;
    return make_way(writer, err);
}

qn_code qn_part_writer_put(struct qn_part_writer *writer, enum qn_part_kind kind,
                           uint32_t partition, const struct qn_batch *batch, struct qn_err *err)
{
    for (uint32_t first = 0; first < batch->n_rows;) {
        uint32_t left = batch->n_rows - first;
        uint32_t n = left < QN_BATCH_ROWS ? left : QN_BATCH_ROWS;
        QN_TRY(put_record(writer, kind, partition, batch, first, n, err));
        first += n;
    }
    return QN_OK;
}

qn_code qn_part_writer_put_bytes(struct qn_part_writer *writer, enum qn_part_kind kind,
                                 uint32_t partition, struct qn_strv bytes, struct qn_err *err)
{
    if (bytes.len > UINT32_MAX)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB,
                          "%s of %zu bytes, a part's record holds at "
                          "most %u",
                          kind == QN_PART_PARTIAL ? "a partial" : "a record", bytes.len,
                          UINT32_MAX);
    note_record(writer, kind, partition);
    put_header(&writer->bytes, kind, partition, bytes);
    if (writer->path && bytes.len >= FLUSH_BYTES) { /* large ones go without a copy */
        QN_TRY(qn_buf_check(&writer->bytes, "a task's result", err));
        QN_TRY(flush(writer, err));
        return write_all(writer, bytes, err);
    }
    qn_buf_put(&writer->bytes, bytes.data, bytes.len);
    return make_way(writer, err);
}

qn_code qn_part_writer_put_partial(struct qn_part_writer *writer, struct qn_strv bytes,
                                   struct qn_err *err)
{
    return qn_part_writer_put_bytes(writer, QN_PART_PARTIAL, 0, bytes, err);
}

/* --- the end --------------------------------------------------------------------------------- */

qn_code qn_part_writer_end(struct qn_part_writer *writer, bool *in_file, uint64_t *bytes,
                           struct qn_hash128 *digest, struct qn_err *err)
{
    end_run(writer);
    uint64_t index_offset = position(writer);
    qn_buf_put_u32(&writer->index, writer->n_runs);
    qn_buf_put_u64(&writer->index, index_offset);
    QN_TRY(qn_buf_check(&writer->index, "a part's index", err));
    qn_buf_put(&writer->bytes, writer->index.data, writer->index.len);
    qn_buf_put_u64(&writer->bytes, qn_hash64(writer->index.data, writer->index.len, 0));
    qn_buf_put(&writer->bytes, QN_PART_MAGIC, sizeof QN_PART_MAGIC - 1);
    QN_TRY(qn_buf_check(&writer->bytes, "a task's result", err));
    *bytes = position(writer);
    *in_file = writer->fd >= 0;
    if (!*in_file) {
        *digest = qn_hash128(writer->bytes.data, writer->bytes.len, 0);
        return QN_OK;
    }
    QN_TRY(flush(writer, err));
    *digest = qn_hash128_end(&writer->digest);
    close_file(writer);
    return QN_OK;
}

void qn_part_writer_abandon(struct qn_part_writer *writer)
{
    if (writer->fd >= 0)
        unlink(writer->path);
    close_file(writer);
}
