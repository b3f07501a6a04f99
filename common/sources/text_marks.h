/* text_marks: lines counted only when somebody asks, from the nearest mark before a place; places
 * asked for in the order of the file go on from where the last one was. */
#ifndef QN_SOURCES_TEXT_MARKS_H
#define QN_SOURCES_TEXT_MARKS_H

#include "base/buf.h"
#include "sources/text_window.h"

struct qn_text_marks {
    struct qn_buf buf; /* pairs of offset and line, ascending */
    uint64_t at, line; /* counted so far */
    bool lone_cr;      /* a CR that no LF follows ends a line, too */
};

void qn_text_marks_init(struct qn_text_marks *marks, bool lone_cr);
void qn_text_marks_fini(struct qn_text_marks *marks);

/* What begins at `offset` stands on `line`. Marks come in file order. */
QN_CHECK qn_code qn_text_marks_add(struct qn_text_marks *marks, uint64_t offset, uint64_t line,
                                   struct qn_err *err);

/* Starts at the last mark at or before the offset, where that is nearer; false: there is none. */
bool qn_text_marks_seek(struct qn_text_marks *marks, uint64_t offset);

/* Counts on to the offset, which is not within a CRLF; `line` is its line then. */
QN_CHECK qn_code qn_text_marks_count(struct qn_text_marks *marks, struct qn_text_window *window,
                                     uint64_t offset, struct qn_err *err);

#endif
