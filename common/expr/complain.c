#include "expr/complain.h"

#include <stdarg.h>
#include <stdio.h>

enum { SHORT_BYTES = 64 };

/* A cut in the middle of a character would make the message itself malformed UTF-8. */
static size_t whole_characters(const char *text, size_t len)
{
    while (len && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--;
    return len;
}

size_t qn_short_len(struct qn_strv text)
{
    return text.len <= SHORT_BYTES ? text.len : whole_characters(text.data, SHORT_BYTES);
}

qn_code qn_complain(struct qn_expr_complaint *complaint, struct qn_mark mark, const char *hint,
                    const char *format, ...)
{
    if (!complaint)
        return QN_EINPUT;
    *complaint = (struct qn_expr_complaint){.offset = mark.offset, .width = mark.width};
    va_list args;
    va_start(args, format);
    vsnprintf(complaint->message, sizeof complaint->message, format, args);
    va_end(args);
    if (hint)
        snprintf(complaint->hint, sizeof complaint->hint, "%s", hint);
    return QN_EINPUT;
}

qn_code qn_complain_nomem(struct qn_expr_complaint *complaint)
{
    if (complaint) {
        *complaint = (struct qn_expr_complaint){0};
        snprintf(complaint->message, sizeof complaint->message, "out of memory");
    }
    return QN_ENOMEM;
}

void qn_hint_closest(char *hint, size_t hint_bytes, const char *closest)
{
    if (closest)
        snprintf(hint, hint_bytes, "did you mean '%s'?", closest);
    else
        hint[0] = '\0';
}
