#include "sources/jsonl_locate.h"

#include <string.h>

#include "base/limits.h"
#include "sources/json_text.h"
#include "sources/text_lines.h"

enum { STEP_BYTES = 256 << 10 };

void qn_jsonl_locator_init(struct qn_jsonl_locator *locator, const struct qn_chunk *chunk)
{
    *locator = (struct qn_jsonl_locator){.chunk = chunk, .window = {.fd = -1}};
    qn_text_marks_init(&locator->marks, false);
    qn_buf_init(&locator->raw);
}

void qn_jsonl_locator_fini(struct qn_jsonl_locator *locator)
{
    qn_text_window_close(&locator->window);
    qn_text_marks_fini(&locator->marks);
    qn_buf_fini(&locator->raw);
}

/* The end of the record at `at`; 0: it goes on past the bytes. */
static size_t end_of(const struct qn_jsonl_locator *locator, size_t at)
{
    const struct qn_text_window *window = &locator->window;
    struct qn_json_spot spot;
    bool final = qn_text_window_final(window);
    if (!locator->lines) {
        size_t end = qn_json_skip(window->data, at, window->len, 0, &spot);
        return end < window->len || final ? end : 0;
    }
    const char *lf = memchr(window->data + at, '\n', window->len - at);
    if (!lf)
        return final ? window->len : 0;
    size_t end = (size_t)(lf - window->data);
    return end - (window->data[end - 1] == '\r');
}

static qn_code read_raw(struct qn_jsonl_locator *locator, uint64_t offset, struct qn_err *err)
{
    struct qn_text_window *window = &locator->window;
    qn_buf_clear(&locator->raw);
    for (size_t want = STEP_BYTES; want <= 2U * QN_MAX_RECORD_BYTES; want *= 2) {
        if (offset >= window->offset && offset < qn_text_window_end(window)) {
            size_t at = qn_text_window_position(window, offset), end = end_of(locator, at);
            if (end > at) {
                qn_text_clean(&locator->raw, (struct qn_strv){window->data + at, end - at});
                return qn_buf_check(&locator->raw, "json record", err);
            }
        }
        QN_TRY(qn_text_window_fill(window, offset, want, err));
    }
    return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER, "%s: no record at byte %llu",
                      locator->chunk->path, (unsigned long long)offset);
}

qn_code qn_jsonl_locator_find(struct qn_jsonl_locator *locator, uint64_t offset,
                              struct qn_location *out, struct qn_err *err)
{
    if (locator->window.fd < 0) {
        QN_TRY(qn_text_window_open_chunk(&locator->window, locator->chunk, err));
        qn_text_window_keep(&locator->window, QN_TEXT_LOCATE_BYTES);
    }
    if (offset >= locator->window.text_bytes || !qn_text_marks_seek(&locator->marks, offset))
        return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER, "%s: byte %llu is not of this chunk",
                          locator->chunk->path, (unsigned long long)offset);
    QN_TRY(qn_text_marks_count(&locator->marks, &locator->window, offset, err));
    QN_TRY(read_raw(locator, offset, err));
    *out = (struct qn_location){
        .byte_offset = offset, .line = locator->marks.line, .raw = qn_buf_strv(&locator->raw)};
    return QN_OK;
}
