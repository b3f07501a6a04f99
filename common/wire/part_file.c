#include "wire/part_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

enum { MAGIC_BYTES = sizeof QN_PART_MAGIC - 1, HEADER_BYTES = 9 };
/* Large enough that reading is not about system calls, small enough to stay in cache. */
enum { READ_BYTES = 64 << 10 };

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
    free(file->data);
    qn_part_file_init(file);
}

static uint64_t position(const struct qn_part_file *file)
{
    return file->at - (file->end - file->begin);
}

static qn_code corrupt(const struct qn_part_file *file, struct qn_err *err, const char *what)
{
    qn_code code = qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "%s at byte %llu of %llu", what,
                              (unsigned long long)position(file), (unsigned long long)file->size);
    qn_err_at(err, file->path, 0, 0);
    return code;
}

/* Room for n bytes from `begin` on, what is buffered moved to the front. */
static qn_code make_room(struct qn_part_file *file, size_t n, struct qn_err *err)
{
    size_t buffered = file->end - file->begin;
    if (buffered)
        memmove(file->data, file->data + file->begin, buffered);
    file->begin = 0;
    file->end = buffered;
    if (n <= file->capacity)
        return QN_OK;
    size_t capacity = n < READ_BYTES ? READ_BYTES : n;
    uint8_t *grown = realloc(file->data, capacity);
    if (!grown)
        return qn_err_nomem(err, "a part's record");
    file->data = grown;
    file->capacity = capacity;
    return QN_OK;
}

/* Buffers at least n bytes. What the file cannot hold is refused before room is made for it. */
static qn_code need(struct qn_part_file *file, size_t n, struct qn_err *err)
{
    if (file->end - file->begin >= n)
        return QN_OK;
    if (n > file->size - position(file))
        return corrupt(file, err, "the part is cut short");
    QN_TRY(make_room(file, n, err));
    while (file->end < n) {
        ssize_t got =
            pread(file->fd, file->data + file->end, file->capacity - file->end, (off_t)file->at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return qn_err_io(err, "read", file->path);
        if (got == 0)
            return corrupt(file, err, "the part shrank");
        file->end += (size_t)got;
        file->at += (uint64_t)got;
    }
    return QN_OK;
}

static qn_code check_magic(struct qn_part_file *file, struct qn_err *err)
{
    QN_TRY(need(file, MAGIC_BYTES, err));
    if (memcmp(file->data, QN_PART_MAGIC, MAGIC_BYTES) != 0)
        return corrupt(file, err, "not a part: no magic");
    file->begin += MAGIC_BYTES;
    return QN_OK;
}

qn_code qn_part_file_open(struct qn_part_file *file, const char *path, struct qn_err *err)
{
    qn_part_file_close(file);
    file->path = path;
    file->at = file->begin = file->end = 0;
    file->left = 0;
    file->fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (file->fd < 0 || fstat(file->fd, &status) != 0)
        return qn_err_io(err, "open", path);
    file->size = (uint64_t)status.st_size;
    return check_magic(file, err);
}

/* Passes over n bytes; those that are not buffered are not read. */
static void skip(struct qn_part_file *file, size_t n)
{
    size_t buffered = file->end - file->begin;
    if (n <= buffered) {
        file->begin += n;
        return;
    }
    file->begin = file->end = 0;
    file->at += n - buffered;
}

qn_code qn_part_file_next(struct qn_part_file *file, struct qn_part_record *record,
                          struct qn_err *err)
{
    skip(file, file->left);
    file->left = 0;
    if (position(file) == file->size)
        return QN_ENOTFOUND;
    QN_TRY(need(file, HEADER_BYTES, err));
    struct qn_unpack in =
        qn_unpack_from((struct qn_strv){(const char *)file->data + file->begin, HEADER_BYTES});
    record->kind = qn_unpack_u8(&in);
    record->partition = qn_unpack_u32(&in);
    record->bytes = qn_unpack_u32(&in);
    if (record->bytes > file->size - position(file) - HEADER_BYTES)
        return corrupt(file, err, "a record passes the part's end");
    file->begin += HEADER_BYTES;
    file->left = record->bytes;
    return QN_OK;
}

qn_code qn_part_file_payload(struct qn_part_file *file, struct qn_strv *out, struct qn_err *err)
{
    size_t n = file->left;
    QN_TRY(need(file, n, err));
    *out = (struct qn_strv){(const char *)file->data + file->begin, n};
    file->begin += n;
    file->left = 0;
    return QN_OK;
}
