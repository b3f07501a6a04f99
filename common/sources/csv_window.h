/* csv_window: a stretch of a file in memory, moved forward as it is read.
 *
 * Bytes are copied (pread), never mapped: a file that is cut short while we read must be an error,
 * not a SIGBUS. */
#ifndef QN_SOURCES_CSV_WINDOW_H
#define QN_SOURCES_CSV_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct qn_csv_window {
    int fd;
    const char *path; /* borrowed */
    uint64_t file_bytes;
    char *data; /* QN_CSV_SLACK readable bytes follow the content */
    size_t len, capacity;
    uint64_t offset; /* in the file, of data[0] */
};

/* QN_ENOTFOUND or QN_EIO when the file cannot be opened, QN_EINPUT when it is no regular file or
 * (file_bytes not UINT64_MAX) has another size than it had. */
QN_CHECK qn_code qn_csv_window_open(struct qn_csv_window *window, const char *path,
                                    uint64_t file_bytes, struct qn_err *err);
void qn_csv_window_close(struct qn_csv_window *window);

/* Makes the window begin at `from` and hold at least `want` bytes, or all up to the file's end.
 * What it holds of them already is kept, the rest is read. */
QN_CHECK qn_code qn_csv_window_fill(struct qn_csv_window *window, uint64_t from, size_t want,
                                    struct qn_err *err);

static inline bool qn_csv_window_final(const struct qn_csv_window *window)
{
    return window->offset + window->len == window->file_bytes;
}

#endif
