#include "sources/jsonl_locate.h"

#include <string.h>

#include "sources/json_text.h"

static bool take(const struct qn_text_window *window, size_t at, size_t end, struct qn_strv *record)
{
    *record = (struct qn_strv){window->data + at, end - at};
    return true;
}

bool qn_jsonl_line_at(const void *format, const struct qn_text_window *window, size_t at,
                      struct qn_strv *record)
{
    (void)format;
    const char *lf = memchr(window->data + at, '\n', window->len - at);
    size_t end = lf ? (size_t)(lf - window->data) : window->len;
    if (end == at || (!lf && !qn_text_window_final(window)))
        return false;
    return take(window, at, end - (lf && window->data[end - 1] == '\r'), record);
}

bool qn_jsonl_value_at(const void *format, const struct qn_text_window *window, size_t at,
                       struct qn_strv *record)
{
    (void)format;
    struct qn_json_spot spot;
    size_t end = qn_json_skip(window->data, at, window->len, 0, &spot);
    if (end <= at || (end == window->len && !qn_text_window_final(window)))
        return false;
    return take(window, at, end, record);
}
