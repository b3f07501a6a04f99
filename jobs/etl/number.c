#include "jobs/etl/number.h"

#include <math.h>

static qn_u128 magnitude(qn_i128 value)
{
    return value < 0 ? ~(qn_u128)value + 1 : (qn_u128)value;
}

/* What doubles hold they divide, rounding once. Else long division, a bit at a time, until the
 * quotient has 55 bits or more: 53 for the result, one to round by and one to spare; what is left
 * over only matters as "some" or "none". */
double qn_ratio_f64(qn_i128 numerator, qn_i128 denominator)
{
    qn_u128 n = magnitude(numerator), d = (qn_u128)denominator;
    const qn_u128 exact = (qn_u128)1 << 53; /* a double holds every integer up to it */
    if (n <= exact && d <= exact)
        return (double)(int64_t)numerator / (double)(int64_t)denominator;
    qn_u128 quotient = n / d, rest = n % d;
    int exponent = 0;
    while (quotient >> 54 == 0) {
        rest <<= 1;
        quotient <<= 1;
        if (rest >= d) {
            quotient |= 1;
            rest -= d;
        }
        exponent--;
    }
    while (quotient >> 62) { /* keep it within a double's reach of exact conversion */
        if (quotient & 1)
            rest = 1;
        quotient >>= 1;
        exponent++;
    }
    uint64_t bits = (uint64_t)quotient << 1 | (rest != 0); /* sticky last bit */
    double value = ldexp((double)bits, exponent - 1);
    return numerator < 0 ? -value : value;
}

qn_i128 qn_ratio_round(qn_i128 numerator, qn_i128 denominator)
{
    qn_u128 n = magnitude(numerator), d = (qn_u128)denominator;
    qn_u128 quotient = n / d, rest = n % d;
    if (rest >= d - rest)
        quotient++;
    return numerator < 0 ? -(qn_i128)quotient : (qn_i128)quotient;
}

double qn_round_f64(double value, int places)
{
    double scale = (double)qn_pow10((uint8_t)(places > 15 ? 15 : places));
    double scaled = value * scale;
    if (!isfinite(scaled) || fabs(scaled) >= 4503599627370496.0) /* no fraction left to round */
        return value;
    return round(scaled) / scale;
}

void qn_put_i128(struct qn_buf *buf, qn_i128 value)
{
    qn_buf_put_u64(buf, (uint64_t)((qn_u128)value >> 64));
    qn_buf_put_u64(buf, (uint64_t)(qn_u128)value);
}

qn_i128 qn_unpack_i128(struct qn_unpack *in)
{
    qn_u128 high = qn_unpack_u64(in);
    return (qn_i128)(high << 64 | qn_unpack_u64(in));
}
