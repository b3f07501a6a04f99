#include "sources/text_lines.h"

#include <string.h>

uint64_t qn_text_count_lines(const char *bytes, size_t n, bool *after_cr)
{
    uint64_t lines = 0;
    bool cr = *after_cr;
    for (size_t i = 0; i < n; i++) {
        lines += bytes[i] == '\r' || (bytes[i] == '\n' && !cr);
        cr = bytes[i] == '\r';
    }
    *after_cr = cr;
    return lines;
}

size_t qn_text_find_line_end(const char *bytes, size_t n)
{
    const char *lf = n ? memchr(bytes, '\n', n) : NULL;
    size_t end = lf ? (size_t)(lf - bytes) : n;
    const char *cr = end ? memchr(bytes, '\r', end) : NULL;
    return cr ? (size_t)(cr - bytes) : end;
}

/* Length of the valid sequence at the start of s, or 0. */
static size_t sequence_length(struct qn_strv s)
{
    for (size_t len = 1; len <= 4 && len <= s.len; len++)
        if (qn_utf8_valid((struct qn_strv){s.data, len}))
            return len;
    return 0;
}

void qn_text_clean(struct qn_buf *out, struct qn_strv bytes)
{
    if (!(bytes.len && memchr(bytes.data, 0, bytes.len)) && qn_utf8_valid(bytes)) {
        qn_buf_put(out, bytes.data, bytes.len);
        return;
    }
    while (bytes.len) {
        size_t len = 1;
        if (bytes.data[0] == 0) {
            qn_buf_put(out, "\xEF\xBF\xBD", 3);
        } else if ((len = sequence_length(bytes)) > 0) {
            qn_buf_put(out, bytes.data, len);
        } else {
            qn_buf_put(out, "\xEF\xBF\xBD", 3);
            len = 1;
        }
        bytes.data += len;
        bytes.len -= len;
    }
}
