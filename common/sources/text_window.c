#include "sources/text_window.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "sources/text_lines.h"

/* What a reader of turned text asks for twice, at most. */
enum { BEHIND_BYTES = 256 << 10 };

static qn_code changed(const struct qn_text_window *window, uint64_t now, struct qn_err *err)
{
    qn_code code = qn_err_set(err, QN_EINPUT, QN_BLAME_INPUT,
                              "file changed: it had %llu bytes when the run was planned, now %llu",
                              (unsigned long long)window->file_bytes, (unsigned long long)now);
    qn_err_at(err, window->path, 0, 0);
    return code;
}

static qn_code check_stat(struct qn_text_window *window, uint64_t file_bytes, struct qn_err *err)
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

static qn_code open_file(struct qn_text_window *window, uint64_t file_bytes,
                         const struct qn_chunk *chunk, struct qn_err *err)
{
    QN_TRY(check_stat(window, file_bytes, err));
    const struct qn_stream_file file = {window->fd, window->path, window->file_bytes};
    QN_TRY(qn_stream_detect(&file, &window->codec, err));
    window->text_bytes = window->codec ? UINT64_MAX : window->file_bytes;
    return window->codec ? qn_text_inflow_open(&window->inflow, &file, window->codec, chunk,
                                               BEHIND_BYTES, err)
                         : QN_OK;
}

static qn_code open_window(struct qn_text_window *window, const char *path, uint64_t file_bytes,
                           const struct qn_chunk *chunk, struct qn_err *err)
{
    *window = (struct qn_text_window){.path = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (window->fd < 0) {
        if (errno == ENOENT)
            return qn_err_set(err, QN_ENOTFOUND, QN_BLAME_INPUT, "no such file: %s", path);
        return qn_err_io(err, "open", path);
    }
    qn_code code = open_file(window, file_bytes, chunk, err);
    if (code != QN_OK)
        qn_text_window_close(window);
    return code;
}

qn_code qn_text_window_open(struct qn_text_window *window, const char *path, uint64_t file_bytes,
                            struct qn_err *err)
{
    return open_window(window, path, file_bytes, NULL, err);
}

static qn_code check_chunk(const struct qn_text_window *window, const struct qn_chunk *chunk,
                           struct qn_err *err)
{
    uint64_t bytes = window->text_bytes;
    bool fits = window->codec ? chunk->begin == 0 || chunk->begin >= QN_TEXT_LOOKBACK
                              : chunk->end - chunk->begin <= UINT32_MAX - QN_MAX_RECORD_BYTES;
    if (chunk->begin <= chunk->end && chunk->end <= bytes && fits &&
        (chunk->start == QN_START_UNKNOWN || chunk->begin == 0 ||
         (chunk->start >= chunk->begin && chunk->start <= bytes)))
        return QN_OK;
    return qn_err_set(err, QN_EWIRE, QN_BLAME_COORDINATOR,
                      "chunk %llu-%llu (start %llu) of %s with %llu bytes makes no sense",
                      (unsigned long long)chunk->begin, (unsigned long long)chunk->end,
                      (unsigned long long)chunk->start, chunk->path,
                      (unsigned long long)chunk->file_bytes);
}

qn_code qn_text_window_open_chunk(struct qn_text_window *window, const struct qn_chunk *chunk,
                                  struct qn_err *err)
{
    QN_TRY(open_window(window, chunk->path, chunk->file_bytes, chunk, err));
    qn_code code = check_chunk(window, chunk, err);
    if (code != QN_OK)
        qn_text_window_close(window);
    return code;
}

uint64_t qn_text_chunk_bytes(const struct qn_chunk *chunk)
{
    uint64_t bytes = chunk->begin < chunk->end ? chunk->end - chunk->begin : 0;
    return bytes < INT32_MAX ? bytes : INT32_MAX;
}

void qn_text_window_keep(struct qn_text_window *window, size_t bytes)
{
    window->inflow.behind = bytes;
}

void qn_text_window_close(struct qn_text_window *window)
{
    if (window->fd >= 0)
        close(window->fd);
    if (window->data)
        free(window->data - QN_TEXT_SLACK);
    free(window->raw);
    qn_text_inflow_close(&window->inflow);
    *window = (struct qn_text_window){.fd = -1};
}

static qn_code reserve(struct qn_text_window *window, size_t want, struct qn_err *err)
{
    if (want <= window->capacity)
        return QN_OK;
    char *held = window->data ? window->data - QN_TEXT_SLACK : NULL;
    char *grown = realloc(held, QN_TEXT_SLACK + want + QN_TEXT_SLACK);
    if (!grown)
        return qn_err_nomem(err, "text window");
    if (!held)
        memset(grown, 0, QN_TEXT_SLACK);
    window->data = grown + QN_TEXT_SLACK;
    window->capacity = want;
    return QN_OK;
}

/* Fewer than n (*got) only at the end of compressed text. */
static qn_code read_bytes(struct qn_text_window *window, char *to, size_t n, uint64_t from,
                          size_t *got, struct qn_err *err)
{
    if (window->codec) {
        QN_TRY(qn_text_inflow_read(&window->inflow, from, to, n, got, err));
        if (window->inflow.ended)
            window->text_bytes = window->inflow.offset + window->inflow.len;
        return QN_OK;
    }
    for (*got = 0; *got < n;) {
        ssize_t more = pread(window->fd, to + *got, n - *got, (off_t)(from + *got));
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return qn_err_io(err, "read", window->path);
        if (more == 0)
            return changed(window, from + *got, err);
        *got += (size_t)more;
    }
    return QN_OK;
}

static qn_code fill_plain(struct qn_text_window *window, uint64_t from, size_t want,
                          struct qn_err *err)
{
    QN_TRY(reserve(window, want, err));
    uint64_t held_end = window->offset + window->len;
    size_t kept = 0, got;
    if (from >= window->offset && from < held_end) {
        kept = (size_t)(held_end - from);
        memmove(window->data, window->data + (from - window->offset), kept);
    }
    window->offset = from;
    window->len = kept;
    if (kept >= want)
        return QN_OK;
    QN_TRY(read_bytes(window, window->data + kept, want - kept, from + kept, &got, err));
    window->len = kept + got;
    return QN_OK;
}

static qn_code fill_turned(struct qn_text_window *window, uint64_t from, size_t want,
                           struct qn_err *err)
{
    QN_TRY(reserve(window, qn_text_encoding_room(window->encoding, want), err));
    if (want > window->raw_capacity) {
        char *grown = realloc(window->raw, want);
        if (!grown)
            return qn_err_nomem(err, "text window");
        window->raw = grown;
        window->raw_capacity = want;
    }
    window->offset = window->end = window->known_offset = from;
    window->len = window->known_position = 0;
    if (want == 0)
        return QN_OK;
    size_t used, got;
    QN_TRY(read_bytes(window, window->raw, want, from, &got, err));
    window->len = qn_text_encoding_turn(window->encoding, (struct qn_strv){window->raw, got},
                                        from + got == window->text_bytes, window->data, &used);
    window->end = from + used;
    return QN_OK;
}

qn_code qn_text_window_fill(struct qn_text_window *window, uint64_t from, size_t want,
                            struct qn_err *err)
{
    size_t unit = qn_text_encoding_unit(window->encoding);
    if (from > window->text_bytes)
        from = window->text_bytes;
    from -= from == window->text_bytes ? 0 : from % unit;
    want *= unit;
    if (want > window->text_bytes - from)
        want = (size_t)(window->text_bytes - from);
    if (window->encoding == QN_TEXT_UTF8)
        QN_TRY(fill_plain(window, from, want, err));
    else
        QN_TRY(fill_turned(window, from, want, err));
    if (window->data)
        memset(window->data + window->len, 0, QN_TEXT_SLACK);
    return QN_OK;
}

qn_code qn_text_window_settle(struct qn_text_window *window, struct qn_err *err)
{
    return window->codec ? qn_text_inflow_settle(&window->inflow, err) : QN_OK;
}

uint64_t qn_text_window_offset(struct qn_text_window *window, size_t position)
{
    if (window->encoding == QN_TEXT_UTF8)
        return window->offset + position;
    if (position < window->known_position) {
        window->known_position = 0;
        window->known_offset = window->offset;
    }
    window->known_offset += qn_text_encoding_span(
        window->encoding, window->data + window->known_position, position - window->known_position);
    window->known_position = position;
    return window->known_offset < window->end ? window->known_offset : window->end;
}

size_t qn_text_window_position(const struct qn_text_window *window, uint64_t offset)
{
    if (offset >= qn_text_window_end(window))
        return window->len;
    return qn_text_encoding_reach(window->encoding, window->data, window->len,
                                  offset - window->offset);
}
