#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, COPY_BYTES = 256 << 10 };

static qn_code fail(struct qn_err *err, const char *verb, const char *path)
{
    qn_code code = qn_err_io(err, verb, path);
    if (err)
        err->blame = QN_BLAME_COORDINATOR;
    return code;
}

qn_code qn_disk_sync_folder(const char *path, struct qn_err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && (fsync(fd) == 0 || errno == EINVAL); /* not every file system does */
    qn_code code = good ? QN_OK : fail(err, "sync folder", path);
    if (fd >= 0)
        close(fd);
    return code;
}

static qn_code make_folder(char *path, char *slash, struct qn_err *err)
{
    if (mkdir(path, 0755) != 0)
        return errno == EEXIST ? QN_OK : fail(err, "make folder", path);
    if (!slash)
        return qn_disk_sync_folder(".", err);
    if (slash == path)
        return qn_disk_sync_folder("/", err);
    *slash = '\0';
    qn_code code = qn_disk_sync_folder(path, err);
    *slash = '/';
    return code;
}

qn_code qn_disk_make_folders(const char *path, struct qn_err *err)
{
    char whole[PATH_BYTES];
    size_t n = strlen(path);
    char *above = NULL;
    struct stat at;
    if (stat(path, &at) == 0 && S_ISDIR(at.st_mode))
        return QN_OK;
    if (n >= sizeof whole)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "the path %.60s... has %zu bytes", path, n);
    memcpy(whole, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (whole[i] != '/' && whole[i] != '\0')
            continue;
        whole[i] = '\0';
        QN_TRY(make_folder(whole, above, err));
        if (i < n)
            whole[i] = '/';
        above = &whole[i];
    }
    return QN_OK;
}

bool qn_disk_get(int fd, uint64_t offset, void *out, size_t n)
{
    char *to = out;
    while (n) {
        ssize_t got = pread(fd, to, n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

qn_code qn_disk_put(int fd, const char *path, struct qn_strv bytes, uint64_t offset,
                    struct qn_err *err)
{
    while (bytes.len) {
        ssize_t n = pwrite(fd, bytes.data, bytes.len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail(err, "write", path);
        bytes.data += n;
        bytes.len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return QN_OK;
}

qn_code qn_disk_write_file(const char *path, struct qn_strv bytes, struct qn_err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail(err, "create", path);
    qn_code code = qn_disk_put(fd, path, bytes, 0, err);
    if (code == QN_OK && fsync(fd) != 0)
        code = fail(err, "sync", path);
    close(fd);
    return code;
}

/* Where the kernel does not copy between these two. */
static qn_code copy_through(int from, uint64_t from_offset, int to, uint64_t to_offset,
                            uint64_t bytes, const char *to_path, struct qn_err *err)
{
    char *room = malloc(COPY_BYTES);
    qn_code code = room ? QN_OK : qn_err_nomem(err, "a copy");
    while (code == QN_OK && bytes) {
        size_t most = bytes < COPY_BYTES ? (size_t)bytes : (size_t)COPY_BYTES;
        ssize_t n = pread(from, room, most, (off_t)from_offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : EIO;
            code = fail(err, "read what goes to", to_path);
            break;
        }
        code = qn_disk_put(to, to_path, (struct qn_strv){room, (size_t)n}, to_offset, err);
        from_offset += (uint64_t)n;
        to_offset += (uint64_t)n;
        bytes -= (uint64_t)n;
    }
    free(room);
    return code;
}

qn_code qn_disk_copy(int from, uint64_t from_offset, int to, uint64_t to_offset, uint64_t bytes,
                     const char *to_path, struct qn_err *err)
{
    off_t in = (off_t)from_offset, out = (off_t)to_offset;
    while (bytes) {
        ssize_t n = copy_file_range(from, &in, to, &out, (size_t)bytes, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
            return fail(err, "write", to_path);
        if (n <= 0)
            return copy_through(from, (uint64_t)in, to, (uint64_t)out, bytes, to_path, err);
        bytes -= (uint64_t)n;
    }
    return QN_OK;
}
