#include "base/strv.h"

#include <limits.h>

int qn_strv_cmp(struct qn_strv a, struct qn_strv b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool qn_strv_eq_nocase(struct qn_strv a, struct qn_strv b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
            return false;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct qn_strv qn_strv_trim(struct qn_strv s)
{
    while (s.len && is_blank(s.data[0]))
        s.data++, s.len--;
    while (s.len && is_blank(s.data[s.len - 1]))
        s.len--;
    return s;
}

static bool is_letter(char c)
{
    c = ascii_lower(c);
    return (c >= 'a' && c <= 'z') || c == '_';
}

bool qn_strv_is_identifier(struct qn_strv s)
{
    if (s.len == 0 || s.len > 63 || !is_letter(s.data[0]))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!is_letter(s.data[i]) && !(s.data[i] >= '0' && s.data[i] <= '9'))
            return false;
    return true;
}

bool qn_strv_to_i64(struct qn_strv s, int64_t *out)
{
    size_t i = 0;
    bool negative = false;
    if (s.len && (s.data[0] == '-' || s.data[0] == '+'))
        negative = s.data[i++] == '-';
    if (i == s.len)
        return false;
    int64_t value = 0; /* grows downwards, so that INT64_MIN fits */
    for (; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, s.data[i] - '0', &value))
            return false;
    }
    if (!negative && value == INT64_MIN)
        return false;
    *out = negative ? value : -value;
    return true;
}

unsigned qn_strv_distance(struct qn_strv a, struct qn_strv b, unsigned limit)
{
    enum { LONGEST = 64 };
    if (a.len >= LONGEST || b.len >= LONGEST)
        return limit + 1;
    unsigned row[LONGEST + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            bool same = ascii_lower(a.data[i - 1]) == ascii_lower(b.data[j - 1]);
            unsigned best = diagonal + !same;
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b.len] > limit ? limit + 1 : row[b.len];
}

const char *qn_strv_closest(struct qn_strv word, const char *const *candidates, size_t n)
{
    unsigned limit = word.len < 2 ? 0 : word.len <= 3 ? 1 : word.len <= 6 ? 2 : 3;
    const char *best = NULL;
    for (size_t i = 0; i < n; i++) {
        unsigned distance = qn_strv_distance(word, qn_strv_from(candidates[i]), limit);
        if (distance <= limit) {
            best = candidates[i];
            if (distance == 0)
                break;
            limit = distance - 1;
        }
    }
    return best;
}

/* Length of the UTF-8 sequence at s (n bytes remain), or 0 when it is malformed.
 * Table 3-7 of the Unicode standard. */
static size_t utf8_sequence(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    unsigned char low = 0x80, high = 0xBF;
    size_t len;
    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        len = 2;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        len = 3;
        low = s[0] == 0xE0 ? 0xA0 : 0x80;
        high = s[0] == 0xED ? 0x9F : 0xBF;
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        len = 4;
        low = s[0] == 0xF0 ? 0x90 : 0x80;
        high = s[0] == 0xF4 ? 0x8F : 0xBF;
    } else {
        return 0;
    }
    if (n < len || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

size_t qn_utf8_prefix(struct qn_strv s)
{
    const unsigned char *at = (const unsigned char *)s.data;
    size_t left = s.len;
    while (left) {
        uint64_t words[2];
        if (left >= sizeof words) { /* sixteen ASCII bytes at a stride: the common case */
            memcpy(words, at, sizeof words);
            if (!((words[0] | words[1]) & UINT64_C(0x8080808080808080))) {
                at += sizeof words;
                left -= sizeof words;
                continue;
            }
        }
        size_t len = utf8_sequence(at, left);
        if (len == 0)
            break;
        at += len;
        left -= len;
    }
    return s.len - left;
}

bool qn_utf8_valid(struct qn_strv s)
{
    return qn_utf8_prefix(s) == s.len;
}
