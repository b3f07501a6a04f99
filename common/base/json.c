#include "base/json.h"

#include "base/utf8.h"

void qn_json_put_text(struct qn_buf *out, struct qn_strv text)
{
    qn_buf_put(out, "\"", 1);
    for (size_t at = 0; at < text.len;) {
        size_t begin = at;
        uint32_t point = qn_utf8_next(text, &at);
        if (point == '"' || point == '\\')
            qn_buf_printf(out, "\\%c", (char)point);
        else if (point == '\n')
            qn_buf_put(out, "\\n", 2);
        else if (point == '\t')
            qn_buf_put(out, "\\t", 2);
        else if (point == QN_UTF8_BAD)
            qn_buf_put(out, "\xEF\xBF\xBD", 3);
        else if (point < 0x20 || point == 0x7F)
            qn_buf_printf(out, "\\u%04x", (unsigned)point);
        else
            qn_buf_put(out, text.data + begin, at - begin);
    }
    qn_buf_put(out, "\"", 1);
}
