#include "sources/text_marks.h"

#include <string.h>

#include "sources/text_lines.h"

enum { STEP_BYTES = 256 << 10 };

struct mark {
    uint64_t offset, line;
};

void qn_text_marks_init(struct qn_text_marks *marks, bool lone_cr)
{
    *marks = (struct qn_text_marks){.lone_cr = lone_cr};
    qn_buf_init(&marks->buf);
}

void qn_text_marks_fini(struct qn_text_marks *marks)
{
    qn_buf_fini(&marks->buf);
}

qn_code qn_text_marks_add(struct qn_text_marks *marks, uint64_t offset, uint64_t line,
                          struct qn_err *err)
{
    struct mark mark = {offset, line};
    qn_buf_put(&marks->buf, &mark, sizeof mark);
    return qn_buf_check(&marks->buf, "line marks", err);
}

bool qn_text_marks_seek(struct qn_text_marks *marks, uint64_t offset)
{
    size_t low = 0, high = marks->buf.len / sizeof(struct mark);
    struct mark mark = {UINT64_MAX, 0};
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct mark here;
        memcpy(&here, marks->buf.data + middle * sizeof here, sizeof here);
        if (here.offset <= offset) {
            mark = here;
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (mark.offset == UINT64_MAX)
        return false;
    if (marks->at > offset || marks->at < mark.offset) {
        marks->at = mark.offset;
        marks->line = mark.line;
    }
    return true;
}

static uint64_t count_lf(const char *bytes, size_t n)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += bytes[i] == '\n';
    return lines;
}

qn_code qn_text_marks_count(struct qn_text_marks *marks, struct qn_text_window *window,
                            uint64_t offset, struct qn_err *err)
{
    bool after_cr = false;
    while (marks->at < offset) {
        if (marks->at < window->offset || marks->at >= qn_text_window_end(window))
            QN_TRY(qn_text_window_fill(window, marks->at, STEP_BYTES, err));
        size_t from = qn_text_window_position(window, marks->at);
        size_t to = qn_text_window_position(window, offset);
        marks->line += marks->lone_cr
                           ? qn_text_count_lines(window->data + from, to - from, &after_cr)
                           : count_lf(window->data + from, to - from);
        marks->at = qn_text_window_offset(window, to);
    }
    return QN_OK;
}
