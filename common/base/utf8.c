#include "base/utf8.h"

/* Length of a sequence by its first byte; 0: none starts so. */
static size_t sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return 2;
    if (first >= 0xE0 && first <= 0xEF)
        return 3;
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

uint32_t qn_utf8_next(struct qn_strv s, size_t *at)
{
    const unsigned char *bytes = (const unsigned char *)s.data + *at;
    size_t len = sequence_length(bytes[0]);
    if (len == 1) {
        *at += 1;
        return bytes[0];
    }
    if (len == 0 || s.len - *at < len || !qn_utf8_valid((struct qn_strv){s.data + *at, len})) {
        *at += 1;
        return QN_UTF8_BAD;
    }
    uint32_t point = bytes[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++)
        point = point << 6 | (bytes[i] & 0x3Fu);
    *at += len;
    return point;
}

size_t qn_utf8_count(struct qn_strv s)
{
    size_t n = 0;
    for (size_t at = 0; at < s.len; n++)
        qn_utf8_next(s, &at);
    return n;
}

struct range {
    uint32_t first, last;
};

static bool within(uint32_t point, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (point >= ranges[i].first && point <= ranges[i].last)
            return true;
    return false;
}

unsigned qn_utf8_cells(uint32_t point)
{
    /* Whole blocks, not the full Unicode tables: enough to keep a caret under its word. */
    static const struct range zero[] = {
        {0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}};
    static const struct range wide[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                                        {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                                        {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};
    if (point < 0x0300 || point == QN_UTF8_BAD)
        return 1;
    if (within(point, zero, sizeof zero / sizeof zero[0]))
        return 0;
    return within(point, wide, sizeof wide / sizeof wide[0]) ? 2 : 1;
}

/* C0, DEL, C1 and the marks that turn the direction of text. */
static bool is_control(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) ||
           (point >= 0x202A && point <= 0x202E) || (point >= 0x2066 && point <= 0x2069);
}

void qn_utf8_put_printable(struct qn_buf *out, struct qn_strv text)
{
    for (size_t at = 0; at < text.len;) {
        size_t begin = at;
        uint32_t point = qn_utf8_next(text, &at);
        if (point == '\n')
            qn_buf_put(out, "\\n", 2);
        else if (point == '\t')
            qn_buf_put(out, "\\t", 2);
        else if (point == QN_UTF8_BAD)
            qn_buf_printf(out, "\\x%02x", (unsigned)(unsigned char)text.data[begin]);
        else if (is_control(point))
            qn_buf_printf(out, point < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)point);
        else
            qn_buf_put(out, text.data + begin, at - begin);
    }
}
