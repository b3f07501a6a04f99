/* text_window: a stretch of a file in memory as UTF-8, moved forward as it is read.
 *
 * Offsets are the file's, or of a compressed file those of what it holds; positions are the text's;
 * they are the same thing where nothing was turned. An offset within a character means the
 * character.
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
#include "sources/text_inflow.h"

/* A batch holds about so many bytes of texts at most, and spans as many of compressed text; there a
 * locator keeps twice that, so that rows of the last batch are found without reading from the start
 * again. */
enum { QN_TEXT_BATCH_BYTES = 4 << 20, QN_TEXT_LOCATE_BYTES = 8 << 20 };

/* Origins are 32 bits wide: a reader moves its base on when a chunk of compressed text, which may
 * be of any length, has come so far. */
#define QN_TEXT_BASE_BYTES (UINT64_C(1) << 31)

struct qn_text_window {
    int fd;
    const char *path; /* borrowed */
    uint64_t file_bytes;
    uint64_t text_bytes; /* UINT64_MAX: compressed, so not known before the end was seen */
    const struct qn_stream_codec *codec; /* NULL: not compressed */
    struct qn_text_inflow inflow;
    char *data; /* QN_TEXT_SLACK readable bytes stand before the content and follow it */
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
/* For one chunk: nothing before its begin but the character there will be asked for. QN_EWIRE when
 * the chunk makes no sense: it may come from a hostile peer. */
QN_CHECK qn_code qn_text_window_open_chunk(struct qn_text_window *window,
                                           const struct qn_chunk *chunk, struct qn_err *err);
/* As far as it matters: at most 2 GiB, though a chunk of compressed text may have no end. */
uint64_t qn_text_chunk_bytes(const struct qn_chunk *chunk);

/* Compressed text goes by only once: `bytes` of it are kept for fills that go back. */
void qn_text_window_keep(struct qn_text_window *window, size_t bytes);
void qn_text_window_close(struct qn_text_window *window);

/* Makes the window begin at `from` and hold what `want` bytes of ASCII would take in the file or
 * more, or all up to the file's end. */
QN_CHECK qn_code qn_text_window_fill(struct qn_text_window *window, uint64_t from, size_t want,
                                     struct qn_err *err);

/* After the last fill of a chunk: what a compressed file says of its frames' sizes is held against
 * what they were, as chunks were cut by it. */
QN_CHECK qn_code qn_text_window_settle(struct qn_text_window *window, struct qn_err *err);

/* Offset of a position, which lies between characters. Cheap where positions ascend. */
uint64_t qn_text_window_offset(struct qn_text_window *window, size_t position);

/* Position of an offset at or after the window's; len when it lies past the content. */
size_t qn_text_window_position(const struct qn_text_window *window, uint64_t offset);

/* Offset behind the content. */
static inline uint64_t qn_text_window_end(const struct qn_text_window *window)
{
    return window->encoding == QN_TEXT_UTF8 ? window->offset + window->len : window->end;
}

/* Whether a batch of n rows, which spans `bytes` of the text and holds `text_bytes` of texts, may
 * take in more. One without rows always does: that would be the end. */
static inline bool qn_text_batch_goes_on(const struct qn_text_window *window, uint32_t n,
                                         uint64_t bytes, uint64_t text_bytes)
{
    bool far = window->codec && bytes >= QN_TEXT_BATCH_BYTES;
    return n == 0 || (!far && text_bytes < QN_TEXT_BATCH_BYTES);
}

static inline bool qn_text_window_final(const struct qn_text_window *window)
{
    return qn_text_window_end(window) == window->text_bytes;
}

#endif
