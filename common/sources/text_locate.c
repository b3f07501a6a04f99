#include "sources/text_locate.h"

#include "base/limits.h"
#include "sources/text_lines.h"

enum { STEP_BYTES = 256 << 10 };

void qn_text_locator_init(struct qn_text_locator *locator, const struct qn_chunk *chunk,
                          qn_text_record_fn record, const void *format)
{
    *locator = (struct qn_text_locator){
        .chunk = chunk, .record = record, .format = format, .window = {.fd = -1}};
    qn_text_marks_init(&locator->marks, true);
    qn_buf_init(&locator->raw);
}

void qn_text_locator_fini(struct qn_text_locator *locator)
{
    qn_text_window_close(&locator->window);
    qn_text_marks_fini(&locator->marks);
    qn_buf_fini(&locator->raw);
}

static qn_code read_raw(struct qn_text_locator *locator, uint64_t offset, struct qn_err *err)
{
    struct qn_text_window *window = &locator->window;
    qn_buf_clear(&locator->raw);
    for (size_t want = STEP_BYTES; want <= 2U * QN_MAX_RECORD_BYTES; want *= 2) {
        struct qn_strv record;
        if (offset >= window->offset && offset < qn_text_window_end(window) &&
            locator->record(locator->format, window, qn_text_window_position(window, offset),
                            &record)) {
            qn_text_clean(&locator->raw, record);
            return qn_buf_check(&locator->raw, "a record", err);
        }
        QN_TRY(qn_text_window_fill(window, offset, want, err));
    }
    return qn_err_set(err, QN_ESTATE, QN_BLAME_WORKER, "%s: no record at byte %llu",
                      locator->chunk->path, (unsigned long long)offset);
}

qn_code qn_text_locator_find(struct qn_text_locator *locator, uint64_t offset,
                             struct qn_location *out, struct qn_err *err)
{
    if (locator->window.fd < 0) {
        QN_TRY(qn_text_window_open_chunk(&locator->window, locator->chunk, err));
        locator->window.encoding = locator->encoding;
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
