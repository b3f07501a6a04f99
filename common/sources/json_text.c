#include "sources/json_text.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

static size_t fail(struct qn_json_spot *spot, enum qn_json_fault fault, size_t at)
{
    *spot = (struct qn_json_spot){fault, at};
    return 0;
}

/* --- strings --------------------------------------------------------------------------------- */

/* The first quote, backslash or control character. There is one: bytes[end] is. */
static inline size_t find_special(const char *bytes, size_t at)
{
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1F);
    for (;; at += 16) {
        __m128i v;
        memcpy(&v, bytes + at, sizeof v);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, backslash));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return at + (unsigned)__builtin_ctz(mask);
    }
#else
    while (bytes[at] != '"' && bytes[at] != '\\' && (unsigned char)bytes[at] >= 0x20)
        at++;
    return at;
#endif
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits of \uXXXX, the first at `at`; -1 and the place of what is none. */
static int32_t hex_unit(const char *bytes, size_t at, size_t *bad)
{
    int32_t unit = 0;
    for (size_t i = at; i < at + 4; i++) {
        int digit = hex_digit(bytes[i]);
        if (digit < 0) {
            *bad = i;
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit;
}

/* The escape whose backslash is at `at`; returns the place behind it, or 0. */
static size_t check_escape(const char *bytes, size_t at, struct qn_json_spot *spot)
{
    char c = bytes[at + 1];
    size_t bad = 0;
    if (c != 'u')
        return c && strchr("\"\\/bfnrt", c) ? at + 2 : fail(spot, QN_JSON_ESCAPE, at + 1);
    int32_t unit = hex_unit(bytes, at + 2, &bad);
    if (unit < 0)
        return fail(spot, QN_JSON_ESCAPE, bad);
    if (unit < 0xD800 || unit > 0xDFFF)
        return at + 6;
    if (unit > 0xDBFF)
        return fail(spot, QN_JSON_SURROGATE, at);
    for (size_t i = 0; i < 2; i++) /* the other half follows, written the same way */
        if (bytes[at + 6 + i] != "\\u"[i])
            return fail(spot,
                        (unsigned char)bytes[at + 6 + i] < 0x20 ? QN_JSON_OPEN : QN_JSON_SURROGATE,
                        (unsigned char)bytes[at + 6 + i] < 0x20 ? at + 6 + i : at);
    int32_t low = hex_unit(bytes, at + 8, &bad);
    if (low < 0)
        return fail(spot, QN_JSON_ESCAPE, bad);
    return low >= 0xDC00 && low <= 0xDFFF ? at + 12 : fail(spot, QN_JSON_SURROGATE, at);
}

size_t qn_json_string(const char *bytes, size_t at, size_t end, bool *escaped,
                      struct qn_json_spot *spot)
{
    *escaped = false;
    for (at++;;) {
        at = find_special(bytes, at);
        if (at >= end)
            return fail(spot, QN_JSON_OPEN, end);
        if (bytes[at] == '"')
            return at + 1;
        if (bytes[at] != '\\')
            return fail(spot, bytes[at] == '\n' ? QN_JSON_OPEN : QN_JSON_CONTROL, at);
        *escaped = true;
        at = check_escape(bytes, at, spot);
        if (!at)
            return 0;
    }
}

static size_t put_utf8(uint32_t point, char *out)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    size_t n = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3F));
    out[0] = (char)(point | (0xF00U >> n & 0xF0));
    return n;
}

size_t qn_json_unescape(struct qn_strv inside, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t n = 0, bad = 0;
    for (size_t at = 0; at < inside.len;) {
        const char *backslash = memchr(inside.data + at, '\\', inside.len - at);
        size_t plain = (backslash ? (size_t)(backslash - inside.data) : inside.len) - at;
        memmove(out + n, inside.data + at, plain);
        n += plain;
        at += plain;
        if (!backslash)
            break;
        char c = inside.data[at + 1];
        if (c != 'u') {
            out[n++] = to[strchr(from, c) - from];
            at += 2;
            continue;
        }
        uint32_t point = (uint32_t)hex_unit(inside.data, at + 2, &bad);
        at += 6;
        if (point >= 0xD800 && point <= 0xDBFF) {
            uint32_t low = (uint32_t)hex_unit(inside.data, at + 2, &bad);
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
            at += 6;
        }
        n += put_utf8(point, out + n);
    }
    return n;
}

/* --- numbers and words ----------------------------------------------------------------------- */

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline size_t digits(const char *bytes, size_t at)
{
    while (is_digit(bytes[at]))
        at++;
    return at;
}

/* [-] 0 | 1-9 digits  [. digits]  [e [+-] digits] */
static size_t number(const char *bytes, size_t at, struct qn_json_spot *spot)
{
    at += bytes[at] == '-';
    if (!is_digit(bytes[at]))
        return fail(spot, QN_JSON_NUMBER, at);
    size_t whole = at;
    at = digits(bytes, at);
    if (bytes[whole] == '0' && at > whole + 1)
        return fail(spot, QN_JSON_NUMBER, whole + 1);
    if (bytes[at] == '.') {
        if (!is_digit(bytes[at + 1]))
            return fail(spot, QN_JSON_NUMBER, at + 1);
        at = digits(bytes, at + 1);
    }
    if (bytes[at] == 'e' || bytes[at] == 'E') {
        at += bytes[at + 1] == '+' || bytes[at + 1] == '-' ? 2 : 1;
        if (!is_digit(bytes[at]))
            return fail(spot, QN_JSON_NUMBER, at);
        at = digits(bytes, at);
    }
    return at;
}

static size_t word(const char *bytes, size_t at, const char *expected, struct qn_json_spot *spot)
{
    for (size_t i = 0; expected[i]; i++)
        if (bytes[at + i] != expected[i])
            return fail(spot, QN_JSON_WORD, at + i);
    return at + strlen(expected);
}

size_t qn_json_scalar(const char *bytes, size_t at, size_t end, struct qn_json_spot *spot)
{
    size_t behind;
    if (at >= end)
        return fail(spot, QN_JSON_VALUE, end);
    switch (bytes[at]) {
    case 't': behind = word(bytes, at, "true", spot); break;
    case 'f': behind = word(bytes, at, "false", spot); break;
    case 'n': behind = word(bytes, at, "null", spot); break;
    default:
        if (bytes[at] != '-' && !is_digit(bytes[at]))
            return fail(spot, QN_JSON_VALUE, at);
        behind = number(bytes, at, spot);
    }
    return behind;
}

/* --- whole values ---------------------------------------------------------------------------- */

/* What is open around a place: a bit each, set for an object. */
struct stack {
    uint64_t objects[QN_JSON_MAX_DEPTH / 64 + 1];
    unsigned depth;
};

static inline void push(struct stack *stack, bool object)
{
    uint64_t bit = UINT64_C(1) << (stack->depth & 63), *word = &stack->objects[stack->depth >> 6];
    *word = object ? *word | bit : *word & ~bit;
    stack->depth++;
}

static inline bool in_object(const struct stack *stack)
{
    unsigned top = stack->depth - 1;
    return stack->objects[top >> 6] >> (top & 63) & 1;
}

/* Key and colon; returns where the value may begin. */
static size_t skip_key(const char *bytes, size_t at, size_t end, struct qn_json_spot *spot)
{
    bool escaped;
    if (at >= end || bytes[at] != '"')
        return fail(spot, QN_JSON_KEY, at);
    at = qn_json_string(bytes, at, end, &escaped, spot);
    if (!at)
        return 0;
    at = qn_json_blanks(bytes, at, end);
    if (at >= end || bytes[at] != ':')
        return fail(spot, QN_JSON_COLON, at);
    return at + 1;
}

/* Behind a value: closes what ends here. Returns where the next value's key or value may begin, or
 * the end of all when nothing is open any more. */
static size_t close_all(const char *bytes, size_t at, size_t end, struct stack *stack,
                        struct qn_json_spot *spot)
{
    while (stack->depth) {
        bool object = in_object(stack);
        at = qn_json_blanks(bytes, at, end);
        if (at < end && bytes[at] == ',') {
            at = qn_json_blanks(bytes, at + 1, end);
            if (at < end && (bytes[at] == '}' || bytes[at] == ']'))
                return fail(spot, QN_JSON_COMMA, at);
            return object ? skip_key(bytes, at, end, spot) : at;
        }
        if (at >= end || bytes[at] != (object ? '}' : ']'))
            return fail(spot, QN_JSON_NEXT, at);
        at++;
        stack->depth--;
    }
    return at;
}

size_t qn_json_skip(const char *bytes, size_t at, size_t end, unsigned depth,
                    struct qn_json_spot *spot)
{
    struct stack stack;
    bool escaped;
    stack.depth = 0;
    do {
        at = qn_json_blanks(bytes, at, end);
        char c = at < end ? bytes[at] : '\0';
        if (c == '{' || c == '[') {
            if (depth + stack.depth >= QN_JSON_MAX_DEPTH)
                return fail(spot, QN_JSON_DEEP, at);
            push(&stack, c == '{');
            at = qn_json_blanks(bytes, at + 1, end);
            char first = at < end ? bytes[at] : '\0';
            if (first != (c == '{' ? '}' : ']')) {
                if (c == '{')
                    at = skip_key(bytes, at, end, spot);
                if (!at)
                    return 0;
                continue;
            }
            at++;
            stack.depth--;
        } else {
            at = c == '"' ? qn_json_string(bytes, at, end, &escaped, spot)
                          : qn_json_scalar(bytes, at, end, spot);
            if (!at)
                return 0;
        }
        at = close_all(bytes, at, end, &stack, spot);
    } while (at && stack.depth);
    return at;
}
