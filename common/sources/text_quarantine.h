/* text_quarantine: a refused record of a text file, kept with its bytes. */
#ifndef QN_SOURCES_TEXT_QUARANTINE_H
#define QN_SOURCES_TEXT_QUARANTINE_H

#include "sources/text_window.h"

/* The record is at [at, end) of the window; of a long one the first MiB is kept. The rest of
 * `reject` but file, offset and bytes is the caller's. */
QN_CHECK qn_code qn_text_quarantine(struct qn_rejects *rejects, struct qn_text_window *window,
                                    size_t at, size_t end, struct qn_reject reject,
                                    struct qn_err *err);

#endif
