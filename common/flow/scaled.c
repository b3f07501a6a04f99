#include "flow/scaled.h"

#include "flow/value.h"

enum { MAX_DIGITS = 19, MAX_EXPONENT = 100000 };

/* digits x 10^exponent, without the zeros at their end. */
struct scaled {
    bool negative;
    uint64_t digits;
    int64_t exponent;
};

/* Of a well-formed number; false when it has more than 19 digits that count. */
static bool split(struct qn_strv s, struct scaled *out)
{
    size_t i = s.data[0] == '-' || s.data[0] == '+', n_digits = 0;
    int64_t zeros = 0; /* seen, and not yet known to count */
    bool fraction = false;
    *out = (struct scaled){.negative = s.data[0] == '-'};
    for (; i < s.len && (s.data[i] | 0x20) != 'e'; i++) {
        if (s.data[i] == '.') {
            fraction = true;
            continue;
        }
        out->exponent -= fraction;
        if (s.data[i] == '0') {
            zeros += n_digits > 0;
            continue;
        }
        for (; zeros >= 0; zeros--, n_digits++) {
            if (n_digits == MAX_DIGITS)
                return false;
            out->digits = out->digits * 10 + (zeros ? 0 : (uint64_t)(s.data[i] - '0'));
        }
        zeros = 0;
    }
    out->exponent += zeros;
    if (i == s.len)
        return true;
    bool down = s.data[i + 1] == '-';
    int64_t power = 0;
    i += down || s.data[i + 1] == '+' ? 2 : 1;
    for (; i < s.len; i++)
        if (power < MAX_EXPONENT)
            power = power * 10 + (s.data[i] - '0');
    out->exponent += down ? -power : power;
    return true;
}

/* digits x 10^(exponent + scale) as a whole number that int64_t holds. */
static bool take_whole(const struct scaled *number, uint8_t scale, int64_t *out)
{
    int64_t power = number->exponent + scale;
    uint64_t limit = (uint64_t)INT64_MAX + number->negative, value = number->digits;
    if (value == 0) {
        *out = 0;
        return true;
    }
    if (power < 0 || power > 18 || value > limit / (uint64_t)qn_pow10((uint8_t)power))
        return false;
    value *= (uint64_t)qn_pow10((uint8_t)power);
    *out = number->negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

bool qn_parse_scaled(struct qn_strv s, uint8_t scale, int64_t *out)
{
    struct scaled number;
    return split(s, &number) && take_whole(&number, scale, out);
}
