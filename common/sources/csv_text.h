/* csv_text: what is done to bytes that are not plain: escapes, wrong bytes, line ends. */
#ifndef QN_SOURCES_CSV_TEXT_H
#define QN_SOURCES_CSV_TEXT_H

#include "base/buf.h"
#include "sources/csv_dialect.h"

/* Line ends in the bytes: LF, CRLF and lone CR count one each. *after_cr (false at first) lets a
 * run of bytes be counted in pieces. */
uint64_t qn_csv_count_lines(const char *bytes, size_t n, bool *after_cr);

/* Position of the first CR or LF, or n. */
size_t qn_csv_find_line_end(const char *bytes, size_t n);

/* Copies the inside of a quoted field without its escapes to `out`, which holds field.len bytes.
 * Returns the length. */
size_t qn_csv_unescape(const struct qn_csv_dialect *dialect, struct qn_strv field, char *out);

/* Appends the bytes as valid UTF-8: what is not, and NUL, becomes U+FFFD. */
void qn_csv_clean(struct qn_buf *out, struct qn_strv bytes);

#endif
