#include "sources/csv_window.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sources/csv_scan.h"

static qn_code changed(const struct qn_csv_window *window, uint64_t now, struct qn_err *err)
{
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                              "file changed: it had %llu bytes when the run was planned, now %llu",
                              (unsigned long long)window->file_bytes, (unsigned long long)now);
    qn_err_at(err, window->path, 0, 0);
    return code;
}

static qn_code check_stat(struct qn_csv_window *window, uint64_t file_bytes, struct qn_err *err)
{
    struct stat st;
    if (fstat(window->fd, &st) != 0)
        return qn_err_io(err, "stat", window->path);
    if (!S_ISREG(st.st_mode)) {
        qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT, "not a regular file");
        qn_err_at(err, window->path, 0, 0);
        return code;
    }
    window->file_bytes = file_bytes == UINT64_MAX ? (uint64_t)st.st_size : file_bytes;
    if (window->file_bytes != (uint64_t)st.st_size)
        return changed(window, (uint64_t)st.st_size, err);
    return QN_OK;
}

qn_code qn_csv_window_open(struct qn_csv_window *window, const char *path, uint64_t file_bytes,
                           struct qn_err *err)
{
    *window = (struct qn_csv_window){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (window->fd < 0) {
        if (errno == ENOENT)
            return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_INPUT, "no such file: %s", path);
        return qn_err_io(err, "open", path);
    }
    qn_code code = check_stat(window, file_bytes, err);
    if (code != QN_OK)
        qn_csv_window_close(window);
    return code;
}

void qn_csv_window_close(struct qn_csv_window *window)
{
    if (window->fd >= 0)
        close(window->fd);
    free(window->data);
    *window = (struct qn_csv_window){.fd = -1};
}

static qn_code reserve(struct qn_csv_window *window, size_t want, struct qn_err *err)
{
    if (want <= window->capacity)
        return QN_OK;
    char *grown = realloc(window->data, want + QN_CSV_SLACK);
    if (!grown)
        return qn_err_nomem(err, "csv window");
    window->data = grown;
    window->capacity = want;
    return QN_OK;
}

qn_code qn_csv_window_fill(struct qn_csv_window *window, uint64_t from, size_t want,
                           struct qn_err *err)
{
    if (from > window->file_bytes)
        from = window->file_bytes;
    if (want > window->file_bytes - from)
        want = (size_t)(window->file_bytes - from);
    QN_TRY(reserve(window, want, err));
    uint64_t held_end = window->offset + window->len;
    size_t kept = 0;
    if (from >= window->offset && from < held_end) {
        kept = (size_t)(held_end - from);
        memmove(window->data, window->data + (from - window->offset), kept);
    }
    window->offset = from;
    window->len = kept;
    while (window->len < want) {
        ssize_t got = pread(window->fd, window->data + window->len, want - window->len,
                            (off_t)(from + window->len));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return qn_err_io(err, "read", window->path);
        if (got == 0)
            return changed(window, from + window->len, err);
        window->len += (size_t)got;
    }
    if (window->data)
        memset(window->data + window->len, 0, QN_CSV_SLACK);
    return QN_OK;
}
