/* text_lines: what all text has: line ends, and bytes that are none. */
#ifndef QN_SOURCES_TEXT_LINES_H
#define QN_SOURCES_TEXT_LINES_H

#include "base/buf.h"

/* Readable bytes that stand before the content of a window and follow it: blocks are read whole. */
enum { QN_TEXT_SLACK = 64 };

/* Line ends in the bytes: LF, CRLF and lone CR count one each. *after_cr (false at first) lets a
 * run of bytes be counted in pieces. */
uint64_t qn_text_count_lines(const char *bytes, size_t n, bool *after_cr);

/* Position of the first CR or LF, or n. */
size_t qn_text_find_line_end(const char *bytes, size_t n);

/* Appends the bytes as valid UTF-8: what is not, and NUL, becomes U+FFFD. */
void qn_text_clean(struct qn_buf *out, struct qn_strv bytes);

#endif
