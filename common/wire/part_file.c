#include "wire/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum {
    MAGIC_BYTES = sizeof QN_PART_MAGIC - 1,
    HEADER_BYTES = 1 + 4 + 4 + 8,
    RUN_BYTES = 1 + 4 + 8 + 8,
    TAIL_BYTES = 4 + 8 + 8 + MAGIC_BYTES,
};
/* Large enough that reading is not about system calls, small enough to stay in cache. */
enum { READ_BYTES = 256 << 10 };
/* What most indexes fit in: a thousand runs and more. */
enum { INDEX_BYTES = 32 << 10 };

void qn_part_file_init(struct qn_part_file *file)
{
    *file = (struct qn_part_file){.fd = -1};
}

void qn_part_file_close(struct qn_part_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

void qn_part_file_fini(struct qn_part_file *file)
{
    qn_part_file_close(file);
    free(file->room);
    free(file->runs);
    qn_part_file_init(file);
}

/* By the end of the path where it does not fit: the name is what says which part. */
static void place(const struct qn_part_file *file, struct qn_err *err)
{
    size_t n = strlen(file->path);
    qn_err_at(err, file->path + (n < QN_ERR_FILE ? 0 : n - QN_ERR_FILE + 1), 0, 0);
}

static qn_code corrupt(const struct qn_part_file *file, uint64_t at, struct qn_err *err,
                       const char *what)
{
    qn_code code = qn_err_set(err, file->fd >= 0 ? QN_ELOST : QN_EWIRE, QN_BLAME_WORKER,
                              "%s at byte %llu of %llu", what, (unsigned long long)at,
                              (unsigned long long)file->size);
    place(file, err);
    return code;
}

static qn_code gone(const struct qn_part_file *file, const char *verb, struct qn_err *err)
{
    qn_err_io(err, verb, file->path);
    if (err)
        err->code = QN_ELOST;
    place(file, err);
    return QN_ELOST;
}

/* --- reading --------------------------------------------------------------------------------- */

/* Room for n bytes from `begin` on, what is buffered moved to the front. */
static qn_code make_room(struct qn_part_file *file, size_t n, struct qn_err *err)
{
    size_t buffered = file->end - file->begin;
    if (buffered)
        memmove(file->room, file->room + file->begin, buffered);
    file->data = file->room;
    file->begin = 0;
    file->end = buffered;
    if (n <= file->capacity)
        return QN_OK;
    size_t capacity = n < READ_BYTES ? READ_BYTES : n;
    uint8_t *grown = realloc(file->room, capacity);
    if (!grown)
        return qn_err_nomem(err, "a part's record");
    file->data = file->room = grown;
    file->capacity = capacity;
    return QN_OK;
}

/* Buffers at least n bytes of those up to `limit`; what is not there is refused before room is
 * made for it. */
static qn_code need(struct qn_part_file *file, size_t n, uint64_t limit, struct qn_err *err)
{
    if (file->end - file->begin >= n)
        return QN_OK;
    uint64_t position = file->at - (file->end - file->begin);
    if (n > limit - position)
        return corrupt(file, position, err, "a record passes its run's end");
    QN_TRY(make_room(file, n, err));
    while (file->end < n) {
        uint64_t left = limit - file->at;
        size_t room = file->capacity - file->end;
        ssize_t got = pread(file->fd, file->room + file->end, left < room ? (size_t)left : room,
                            (off_t)file->at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return gone(file, "read", err);
        if (got == 0)
            return corrupt(file, file->at, err, "the part shrank");
        file->end += (size_t)got;
        file->at += (uint64_t)got;
    }
    return QN_OK;
}

/* To bytes [offset, limit): those of a part in memory are buffered as it is. */
static void seek(struct qn_part_file *file, uint64_t offset, uint64_t limit)
{
    bool in_memory = file->fd < 0;
    file->begin = in_memory ? (size_t)offset : 0;
    file->end = in_memory ? (size_t)limit : 0;
    file->at = in_memory ? limit : offset;
}

/* --- the index ------------------------------------------------------------------------------- */

/* Buffers all from `from` on. */
static qn_code read_end(struct qn_part_file *file, uint64_t from, struct qn_err *err)
{
    seek(file, from, file->size);
    return need(file, (size_t)(file->size - from), file->size, err);
}

/* Runs lie one after another from the magic to the index: none overlaps, none is left out. */
static qn_code read_runs(struct qn_part_file *file, struct qn_strv in, uint32_t n, uint64_t index,
                         struct qn_err *err)
{
    if (n > file->runs_capacity) {
        struct qn_part_run *grown = realloc(file->runs, n * sizeof *grown);
        if (!grown)
            return qn_err_nomem(err, "a part's index");
        file->runs = grown;
        file->runs_capacity = n;
    }
    uint64_t offset = MAGIC_BYTES;
    const uint8_t *at = (const uint8_t *)in.data; /* n of RUN_BYTES, and many: a part is opened once
                                                     a partition */
    for (uint32_t i = 0; i < n; i++, at += RUN_BYTES) {
        struct qn_part_run *run = &file->runs[i];
        run->kind = at[0];
        memcpy(&run->partition, at + 1, 4); /* little endian, as wire/block.c asserts */
        run->offset = offset;
        memcpy(&run->bytes, at + 5, 8);
        memcpy(&run->rows, at + 13, 8);
        if (run->bytes > index - offset)
            return corrupt(file, index, err, "the index passes the part's end");
        offset += run->bytes;
    }
    file->n_runs = n;
    return offset == index ? QN_OK : corrupt(file, index, err, "the index leaves bytes out");
}

/* The index, mostly with the tail in one piece. Its check covers all from it on. */
static qn_code read_index(struct qn_part_file *file, struct qn_err *err)
{
    if (file->size < MAGIC_BYTES + TAIL_BYTES)
        return corrupt(file, 0, err, "the part is cut short");
    uint64_t tail = file->size - TAIL_BYTES, from = tail > INDEX_BYTES ? tail - INDEX_BYTES : 0;
    QN_TRY(read_end(file, from, err));
    const char *at = (const char *)file->data + file->begin;
    struct qn_unpack in = qn_unpack_from((struct qn_strv){at + (tail - from), TAIL_BYTES});
    uint32_t n = qn_unpack_u32(&in);
    uint64_t index = qn_unpack_u64(&in), check = qn_unpack_u64(&in);
    if (memcmp(in.at, QN_PART_MAGIC, MAGIC_BYTES) != 0)
        return corrupt(file, tail, err, "not a whole part: no magic at its end");
    if (index < MAGIC_BYTES || index > tail || (uint64_t)n * RUN_BYTES != tail - index)
        return corrupt(file, tail, err, "the index does not fit the part");
    if (index < from) {
        QN_TRY(read_end(file, index, err));
        at = (const char *)file->data + file->begin;
        from = index;
    }
    const struct qn_strv runs = {at + (index - from), (size_t)(tail - index)};
    if (qn_hash64(runs.data, runs.len + TAIL_BYTES - MAGIC_BYTES - 8, 0) != check)
        return corrupt(file, index, err, "the index is damaged");
    return n ? read_runs(file, runs, n, index, err) : QN_OK;
}

static void begin(struct qn_part_file *file, const char *path)
{
    qn_part_file_close(file);
    file->path = path;
    file->n_runs = file->next_run = 0;
    file->run = (struct qn_part_run){0};
    file->run_end = 0;
}

qn_code qn_part_file_open(struct qn_part_file *file, const char *path, struct qn_err *err)
{
    begin(file, path);
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file->fd < 0 && errno == ENOENT)
        return gone(file, "open", err);
    if (file->fd < 0 || fstat(file->fd, &status) != 0)
        return qn_err_io(err, "open", path);
    file->size = (uint64_t)status.st_size;
    QN_TRY(read_index(file, err));
    seek(file, 0, 0);
    return QN_OK;
}

qn_code qn_part_file_open_bytes(struct qn_part_file *file, struct qn_strv bytes, const char *name,
                                struct qn_err *err)
{
    begin(file, name);
    file->data = (const uint8_t *)bytes.data;
    file->size = bytes.len;
    QN_TRY(read_index(file, err));
    seek(file, 0, 0);
    return QN_OK;
}

/* --- records --------------------------------------------------------------------------------- */

static bool is_wanted(const struct qn_part_run *run, const struct qn_part_query *query)
{
    return run->kind < 32 && (query->kinds >> run->kind & 1) && run->partition >= query->first &&
           run->partition < query->end;
}

/* To the next wanted run; false when there is none. */
static bool next_run(struct qn_part_file *file, const struct qn_part_query *query)
{
    while (file->next_run < file->n_runs) {
        const struct qn_part_run *run = &file->runs[file->next_run++];
        if (!is_wanted(run, query) || run->bytes == 0)
            continue;
        file->run = *run;
        file->run_end = run->offset + run->bytes;
        seek(file, run->offset, file->run_end);
        return true;
    }
    return false;
}

/* Buffers the header of the next wanted record; QN_ENOTFOUND after the last. */
static qn_code next_header(struct qn_part_file *file, const struct qn_part_query *query,
                           uint32_t *bytes, uint64_t *check, struct qn_err *err)
{
    uint64_t position = file->at - (file->end - file->begin);
    if (position == file->run_end && !next_run(file, query))
        return QN_ENOTFOUND;
    QN_TRY(need(file, HEADER_BYTES, file->run_end, err));
    struct qn_unpack in =
        qn_unpack_from((struct qn_strv){(const char *)file->data + file->begin, HEADER_BYTES});
    uint8_t kind = qn_unpack_u8(&in);
    uint32_t partition = qn_unpack_u32(&in);
    *bytes = qn_unpack_u32(&in);
    *check = qn_unpack_u64(&in);
    if (kind != file->run.kind || partition != file->run.partition)
        return corrupt(file, file->at, err, "a record is not its run's");
    file->begin += HEADER_BYTES;
    return QN_OK;
}

qn_code qn_part_file_next(struct qn_part_file *file, const struct qn_part_query *query,
                          uint8_t *kind, struct qn_strv *payload, struct qn_err *err)
{
    uint32_t bytes;
    uint64_t check;
    QN_TRY(next_header(file, query, &bytes, &check, err));
    QN_TRY(need(file, bytes, file->run_end, err));
    *kind = file->run.kind;
    *payload = (struct qn_strv){(const char *)file->data + file->begin, bytes};
    file->begin += bytes;
    return qn_part_check(*kind, file->run.partition, *payload) == check
               ? QN_OK
               : corrupt(file, file->at, err, "a record is damaged");
}

qn_code qn_part_file_next_place(struct qn_part_file *file, const struct qn_part_query *query,
                                uint32_t *partition, uint64_t *offset, uint32_t *bytes,
                                struct qn_err *err)
{
    uint64_t check;
    QN_TRY(next_header(file, query, bytes, &check, err));
    *partition = file->run.partition;
    *offset = file->at - (file->end - file->begin);
    if (*bytes > file->run_end - *offset)
        return corrupt(file, *offset, err, "a record passes its run's end");
    if (*bytes <= file->end - file->begin)
        file->begin += *bytes;
    else
        seek(file, *offset + *bytes, file->run_end);
    return QN_OK;
}

uint64_t qn_part_file_rows(const struct qn_part_file *file, const struct qn_part_query *query)
{
    uint64_t rows = 0;
    for (uint32_t i = 0; i < file->n_runs; i++)
        if (is_wanted(&file->runs[i], query))
            rows += file->runs[i].rows;
    return rows;
}
