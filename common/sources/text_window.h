/* text_window: a stretch of a file in memory as UTF-8, moved forward as it is read.
 *
 * Offsets are the file's, positions the text's; they are the same thing where nothing was turned.
 * An offset within a character means the character.
 *
 * Bytes are copied (pread), never mapped: a file that is cut short while we read must be an error,
 * not a SIGBUS. */
#ifndef QN_SOURCES_TEXT_WINDOW_H
#define QN_SOURCES_TEXT_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow/source.h"
#include "sources/text_encoding.h"

struct qn_text_window {
    int fd;
    const char *path;    /* borrowed */
    uint64_t text_bytes; /* the text's size; UINT64_MAX: not known before its end was seen */
    char *data;          /* QN_TEXT_SLACK readable bytes stand before the content and follow it */
    size_t len, capacity;
    uint64_t offset;                /* in the file, of data[0] */
    enum qn_text_encoding encoding; /* set before the first fill; UTF-8 when it is not */
    /* Encodings other than UTF-8: */
    char *raw; /* as it stands in the file */
    size_t raw_capacity;
    uint64_t end;          /* offset behind the content */
    size_t known_position; /* where a place was asked for last, */
    uint64_t known_offset; /* and its offset */
};

/* From its start. QN_ENOTFOUND or QN_EIO when the file cannot be opened, QN_EINPUT when it is no
 * regular file or (file_bytes not UINT64_MAX) has another size than it had. */
QN_CHECK qn_code qn_text_window_open(struct qn_text_window *window, const char *path,
                                     uint64_t file_bytes, struct qn_err *err);
/* For one chunk: nothing before its begin but the character there will be asked for. */
QN_CHECK qn_code qn_text_window_open_chunk(struct qn_text_window *window,
                                           const struct qn_chunk *chunk, struct qn_err *err);
void qn_text_window_close(struct qn_text_window *window);

/* Makes the window begin at `from` and hold what `want` bytes of ASCII would take in the file or
 * more, or all up to the file's end. */
QN_CHECK qn_code qn_text_window_fill(struct qn_text_window *window, uint64_t from, size_t want,
                                     struct qn_err *err);

/* Offset of a position, which lies between characters. Cheap where positions ascend. */
uint64_t qn_text_window_offset(struct qn_text_window *window, size_t position);

/* Position of an offset at or after the window's; len when it lies past the content. */
size_t qn_text_window_position(const struct qn_text_window *window, uint64_t offset);

/* Offset behind the content. */
static inline uint64_t qn_text_window_end(const struct qn_text_window *window)
{
    return window->encoding == QN_TEXT_UTF8 ? window->offset + window->len : window->end;
}

static inline bool qn_text_window_final(const struct qn_text_window *window)
{
    return qn_text_window_end(window) == window->text_bytes;
}

#endif
