/* text_number: the common spellings of values, fast. What is not common goes to flow/value.h, so
 * that both together mean exactly what its parsers mean.
 *
 * Eight bytes before and after every text must be readable. */
#ifndef QN_SOURCES_TEXT_NUMBER_H
#define QN_SOURCES_TEXT_NUMBER_H

#include "flow/value.h"

#define QN_TEXT_EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))

static inline uint64_t qn_text_word(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Whether all eight bytes are digits: xor '0' they are 0 to 9. */
static inline bool qn_text_all_digits(uint64_t word)
{
    uint64_t x = word ^ QN_TEXT_EVERY(0x30);
    return !(((x + QN_TEXT_EVERY(0x76)) | x) & QN_TEXT_EVERY(0x80));
}

/* The number that eight digits spell, the first one in the lowest byte. Neighbours are combined to
 * 2, 4 and 8 digits by one multiplication each. */
static inline int64_t qn_text_digits_value(uint64_t word)
{
    word = (word & QN_TEXT_EVERY(0x0F)) * 2561 >> 8;
    word = (word & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
    return (int64_t)((word & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32);
}

/* 1 to 8 digits; -1 for anything else. */
static inline int64_t qn_text_eight_digits(struct qn_strv s)
{
    uint64_t word = qn_text_word(s.data);
    if (s.len < 8)
        word = word << (64 - 8 * s.len) | QN_TEXT_EVERY(0x30) >> (8 * s.len);
    return qn_text_all_digits(word) ? qn_text_digits_value(word) : -1;
}

static inline bool qn_text_parse_integer(struct qn_strv s, int64_t *out)
{
    bool negative = s.data[0] == '-';
    s.data += negative;
    s.len -= negative;
    if (s.len - 1 >= 16)
        return false;
    int64_t value = 0;
    if (s.len > 8) {
        value = qn_text_eight_digits((struct qn_strv){s.data, s.len - 8});
        s.data += s.len - 8;
        s.len = 8;
    }
    int64_t low = qn_text_eight_digits(s);
    value = value * 100000000 + low;
    *out = negative ? -value : value;
    return low >= 0 && value >= 0;
}

static inline bool qn_text_parse_bool(struct qn_strv s, int64_t *out)
{
    bool value = s.len == 4 && memcmp(s.data, "true", 4) == 0;
    *out = value;
    return value || (s.len == 5 && memcmp(s.data, "false", 5) == 0);
}

/* "123.45" with as many places as are asked for, eight bytes at most. */
static inline bool qn_text_scaled_decimal(struct qn_strv s, unsigned places, int64_t *digits)
{
    const unsigned point = 8 * (7 - places); /* bits: the text is at the upper end of its word */
    const uint64_t before = (UINT64_C(1) << point) - 1;
    const uint64_t text = ~UINT64_C(0) << 8 * (8 - s.len) << 8; /* the point given up */
    uint64_t word = qn_text_word(s.data + s.len - 8);
    if ((char)(word >> point) != '.')
        return false;
    word = (word & ~(before << 8 | 0xFF)) | (word & before) << 8;
    word = (word & text) | (QN_TEXT_EVERY(0x30) & ~text);
    *digits = qn_text_digits_value(word);
    return qn_text_all_digits(word);
}

/* "123.45" of at most eight bytes: the digits together, and how many stand behind the point. */
static inline bool qn_text_short_decimal(struct qn_strv s, int64_t *digits, unsigned *places)
{
    unsigned unused = 8 * (8 - (unsigned)s.len); /* bits: the text is at the upper end */
    uint64_t word = qn_text_word(s.data + s.len - 8) >> unused << unused;
    uint64_t x = word ^ QN_TEXT_EVERY('.'), low = QN_TEXT_EVERY(0x7F);
    uint64_t points = ~(((x & low) + low) | x | low);
    *places = 0;
    if (points) { /* what stands before the point moves up over it */
        unsigned point = (unsigned)__builtin_ctzll(points) - 7;
        if (point <= unused || point == 56)
            return false;
        *places = 7 - point / 8;
        uint64_t before = (UINT64_C(1) << point) - 1;
        word = (word & ~(before << 8 | 0xFF)) | (word & before) << 8;
        unused += 8;
    }
    word |= QN_TEXT_EVERY(0x30) & ((UINT64_C(1) << unused) - 1);
    *digits = qn_text_digits_value(word);
    return qn_text_all_digits(word);
}

/* "123456789.012" of at most 19 digits, one at a time. */
static inline bool qn_text_long_decimal(struct qn_strv s, uint64_t *digits, unsigned *places)
{
    size_t point = s.len;
    uint64_t value = 0;
    if (s.len > 20)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.data[i] - (unsigned)'0';
        if (digit <= 9)
            value = value * 10 + digit;
        else if (s.data[i] == '.' && point == s.len && i > 0 && i + 1 < s.len)
            point = i;
        else
            return false;
    }
    *digits = value;
    *places = point == s.len ? 0 : (unsigned)(s.len - point - 1);
    return s.len - (point < s.len) <= 19;
}

static inline bool qn_text_parse_decimal(struct qn_type type, struct qn_strv s, int64_t *out)
{
    bool negative = s.data[0] == '-';
    s.data += negative;
    s.len -= negative;
    uint64_t digits;
    int64_t few;
    unsigned places;
    if (type.scale && s.len <= 8 && s.len > type.scale + 1U && s.len - 1 <= type.precision &&
        qn_text_scaled_decimal(s, type.scale, &few)) {
        *out = negative ? -few : few;
        return true;
    }
    if (s.len - 1 < 8) {
        if (!qn_text_short_decimal(s, &few, &places))
            return false;
        digits = (uint64_t)few;
    } else if (s.len == 0 || !qn_text_long_decimal(s, &digits, &places)) {
        return false;
    }
    size_t whole = s.len - places - (places > 0);
    if (places > type.scale || whole + type.scale > type.precision)
        return false;
    if (places < type.scale)
        digits *= (uint64_t)qn_pow10((uint8_t)(type.scale - places));
    *out = negative ? -(int64_t)digits : (int64_t)digits;
    return true;
}

/* Both operands of the division are exact, so its result is the nearest double. */
static inline bool qn_text_parse_double(struct qn_strv s, int64_t *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    bool negative = s.data[0] == '-';
    s.data += negative;
    s.len -= negative;
    uint64_t digits;
    unsigned places;
    if (s.len == 0 || !qn_text_long_decimal(s, &digits, &places) || digits > UINT64_C(1) << 53)
        return false;
    double value = (double)digits / powers[places];
    value = negative ? -value : value;
    memcpy(out, &value, sizeof value);
    return true;
}

#endif
