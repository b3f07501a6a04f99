/* csv_number: the common spellings of numbers, fast. What is not common goes to flow/value.h, so
 * that both together mean exactly what its parsers mean. */
#ifndef QN_SOURCES_CSV_NUMBER_H
#define QN_SOURCES_CSV_NUMBER_H

#include "flow/value.h"

/* Up to 8 digits, all at once; the 8 bytes at s.data must be readable. Returns -1 for anything but
 * digits. Neighbouring bytes are combined to 2, 4 and 8 digits by one multiplication each. */
static inline int64_t qn_csv_eight_digits(struct qn_strv s)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    const uint64_t zeros = UINT64_C(0x3030303030303030), high = UINT64_C(0xF0F0F0F0F0F0F0F0);
    uint64_t word;
    memcpy(&word, s.data, sizeof word);
    if (s.len < 8) {
        word <<= 64 - 8 * s.len;
        word |= zeros >> (8 * s.len);
    }
    if ((word & high) != zeros || ((word + UINT64_C(0x0606060606060606)) & high) != zeros)
        return -1;
    word = (word & UINT64_C(0x0F0F0F0F0F0F0F0F)) * 2561 >> 8;
    word = (word & UINT64_C(0x00FF00FF00FF00FF)) * 6553601 >> 16;
    return (int64_t)((word & UINT64_C(0x0000FFFF0000FFFF)) * UINT64_C(42949672960001) >> 32);
#else
    int64_t value = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.data[i] - (unsigned)'0';
        if (digit > 9)
            return -1;
        value = value * 10 + (int64_t)digit;
    }
    return value;
#endif
}

static inline bool qn_csv_parse_integer(struct qn_type type, struct qn_strv s, int64_t *out)
{
    (void)type;
    if (s.len - 1 < 8) {
        *out = qn_csv_eight_digits(s);
        if (*out >= 0)
            return true;
    }
    return qn_strv_to_i64(s, out);
}

static inline bool qn_csv_parse_bool(struct qn_type type, struct qn_strv s, int64_t *out)
{
    (void)type;
    bool value = s.len == 4 && memcmp(s.data, "true", 4) == 0;
    bool known = value || (s.len == 5 && memcmp(s.data, "false", 5) == 0);
    if (!known && !qn_parse_bool(s, &value))
        return false;
    *out = value;
    return true;
}

static inline bool qn_csv_parse_decimal(struct qn_type type, struct qn_strv s, int64_t *out)
{
    size_t i = s.len && s.data[0] == '-', dot = s.len, first = i;
    uint64_t value = 0;
    if (s.len <= 18) {
        for (; i < s.len; i++) {
            unsigned digit = (unsigned char)s.data[i] - (unsigned)'0';
            if (digit <= 9)
                value = value * 10 + digit;
            else if (s.data[i] == '.' && dot == s.len && i > first && i + 1 < s.len)
                dot = i;
            else
                break;
        }
        size_t places = dot == s.len ? 0 : s.len - dot - 1;
        if (i == s.len && i > first && places <= type.scale &&
            dot - first + type.scale <= type.precision) {
            value *= (uint64_t)qn_pow10((uint8_t)(type.scale - places));
            *out = first ? -(int64_t)value : (int64_t)value;
            return true;
        }
    }
    return qn_parse_decimal(s, type.precision, type.scale, out);
}

#endif
