#include "flow/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "flow/scaled.h"

static const int64_t powers[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

int64_t qn_pow10(uint8_t exponent)
{
    return powers[exponent <= 18 ? exponent : 18];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool qn_parse_bool(struct qn_strv s, bool *out)
{
    static const char *const yes[] = {"true", "t", "yes", "y", "1"};
    static const char *const no[] = {"false", "f", "no", "n", "0"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (qn_strv_eq_nocase(s, qn_strv_from(yes[i]))) {
            *out = true;
            return true;
        }
        if (qn_strv_eq_nocase(s, qn_strv_from(no[i]))) {
            *out = false;
            return true;
        }
    }
    return false;
}

/* --- doubles --------------------------------------------------------------------------------- */

/* [+-] digits [. digits] [e [+-] digits], at least one digit before the exponent. */
static bool is_number(struct qn_strv s, bool *plain, uint64_t *mantissa, int *exponent)
{
    size_t i = 0, digits = 0, significant = 0;
    *mantissa = 0;
    *exponent = 0;
    if (i < s.len && (s.data[i] == '+' || s.data[i] == '-'))
        i++;
    bool fraction = false;
    for (; i < s.len && (is_digit(s.data[i]) || (s.data[i] == '.' && !fraction)); i++) {
        if (s.data[i] == '.') {
            fraction = true;
            continue;
        }
        digits++;
        if (significant || s.data[i] != '0')
            significant++;
        if (significant <= 19)
            *mantissa = *mantissa * 10 + (uint64_t)(s.data[i] - '0');
        if (fraction)
            --*exponent;
    }
    *plain = significant <= 19;
    if (!digits)
        return false;
    if (i == s.len)
        return true;
    if (s.data[i] != 'e' && s.data[i] != 'E')
        return false;
    *plain = false;
    i++;
    if (i < s.len && (s.data[i] == '+' || s.data[i] == '-'))
        i++;
    if (i == s.len)
        return false;
    for (; i < s.len; i++)
        if (!is_digit(s.data[i]))
            return false;
    return true;
}

/* mantissa / 10^places, rounded once: the quotient has 63 bits or more, and the last one says
 * whether anything was left over, which is all that rounding to 53 of them needs to know. */
static double divide(uint64_t mantissa, unsigned places)
{
    uint64_t divisor = (uint64_t)powers[places];
    int up = __builtin_clzll(mantissa), divisor_up = __builtin_clzll(divisor);
    divisor <<= divisor_up;
    qn_u128 wide = (qn_u128)(mantissa << up) << 63;
    uint64_t quotient = (uint64_t)(wide / divisor);
    quotient |= wide % divisor != 0;
    return ldexp((double)quotient, divisor_up - up - 63);
}

bool qn_parse_double(struct qn_strv s, double *out)
{
    bool plain;
    uint64_t mantissa;
    int exponent;
    if (!is_number(s, &plain, &mantissa, &exponent))
        return false;
    /* Clinger's fast path: both operands are exact, so one division rounds correctly. */
    if (plain && mantissa <= (UINT64_C(1) << 53) && exponent >= -18) {
        double value = (double)mantissa;
        if (exponent < 0)
            value /= (double)powers[-exponent];
        *out = s.data[0] == '-' ? -value : value;
        return true;
    }
    if (plain && exponent < 0 && exponent >= -18) {
        double value = divide(mantissa, (unsigned)-exponent);
        *out = s.data[0] == '-' ? -value : value;
        return true;
    }
    char text[512];
    if (s.len >= sizeof text)
        return false;
    memcpy(text, s.data, s.len);
    text[s.len] = '\0';
    *out = strtod(text, NULL); /* the process never leaves the "C" locale */
    return isfinite(*out);
}

bool qn_parse_any_double(struct qn_strv s, double *out)
{
    bool negative = s.len && s.data[0] == '-', sign = negative || (s.len && s.data[0] == '+');
    struct qn_strv word = {s.data + sign, s.len - sign};
    if (!qn_strv_eq_nocase(word, QN_STRV_LIT("inf")) &&
        !qn_strv_eq_nocase(word, QN_STRV_LIT("infinity")))
        return qn_parse_double(s, out);
    *out = negative ? -(double)INFINITY : (double)INFINITY;
    return true;
}

/* --- sizes ----------------------------------------------------------------------------------- */

bool qn_parse_bytes(struct qn_strv s, uint64_t *out)
{
    static const struct {
        struct qn_strv unit;
        double bytes;
    } units[] = {{{"", 0}, 1},
                 {{"B", 1}, 1},
                 {{"KB", 2}, 1e3},
                 {{"MB", 2}, 1e6},
                 {{"GB", 2}, 1e9},
                 {{"TB", 2}, 1e12},
                 {{"KiB", 3}, 1024.0},
                 {{"MiB", 3}, 1048576.0},
                 {{"GiB", 3}, 1073741824.0},
                 {{"TiB", 3}, 1099511627776.0}};
    struct qn_strv number = {s.data, 0};
    while (number.len < s.len &&
           ((number.data[number.len] >= '0' && number.data[number.len] <= '9') ||
            number.data[number.len] == '.'))
        number.len++;
    struct qn_strv unit = qn_strv_trim((struct qn_strv){s.data + number.len, s.len - number.len});
    double count;
    if (!qn_parse_double(number, &count))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        double bytes = count * units[i].bytes;
        if (!qn_strv_eq_nocase(unit, units[i].unit) || bytes > 0x1p62 || bytes != floor(bytes))
            continue;
        *out = (uint64_t)bytes;
        return true;
    }
    return false;
}

/* --- decimals -------------------------------------------------------------------------------- */

bool qn_parse_decimal(struct qn_strv s, uint8_t precision, uint8_t scale, int64_t *out)
{
    size_t i = 0;
    bool negative = false;
    if (s.len && (s.data[0] == '-' || s.data[0] == '+'))
        negative = s.data[i++] == '-';
    int64_t value = 0;
    size_t digits = 0;
    uint8_t places = 0;
    bool fraction = false;
    for (; i < s.len; i++) {
        if (s.data[i] == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (!is_digit(s.data[i]))
            return false;
        digits++;
        if (fraction && places == scale) {
            if (s.data[i] != '0') /* zeros past the scale lose nothing */
                return false;
            continue;
        }
        places += fraction;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, s.data[i] - '0', &value))
            return false;
    }
    if (!digits || __builtin_mul_overflow(value, qn_pow10((uint8_t)(scale - places)), &value))
        return false;
    if (precision < 18 ? value >= qn_pow10(precision) : value > 999999999999999999)
        return false;
    *out = negative ? -value : value;
    return true;
}

bool qn_parse_any_decimal(struct qn_strv s, uint8_t precision, uint8_t scale, int64_t *out)
{
    bool plain;
    uint64_t mantissa;
    int exponent;
    int64_t limit = qn_pow10(precision);
    if (qn_parse_decimal(s, precision, scale, out))
        return true;
    return is_number(s, &plain, &mantissa, &exponent) && qn_parse_scaled(s, scale, out) &&
           *out > -limit && *out < limit;
}

double qn_decimal_to_double(int64_t value, uint8_t scale)
{
    /* Both are exact doubles up to 2^53 and 10^18 has 38 significant bits, so one division rounds
     * correctly; past 2^53 the text conversion does. */
    if (value > -(INT64_C(1) << 53) && value < (INT64_C(1) << 53))
        return (double)value / (double)qn_pow10(scale);
    char text[QN_VALUE_TEXT + 1];
    text[qn_format_decimal(value, scale, text)] = '\0';
    return strtod(text, NULL);
}

/* --- dates ----------------------------------------------------------------------------------- */

/* Howard Hinnant's days_from_civil: eras of 400 years, years that start in March. */
int64_t qn_days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month + (month > 2 ? -3U : 9U)) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

void qn_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned day_of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153; /* 0 = March */
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = (int64_t)year_of_era + era * 400 + (*month <= 2);
}

/* `n` digits at s[at]; -1 when they are not there. */
static int digits_at(struct qn_strv s, size_t at, size_t n)
{
    if (at + n > s.len)
        return -1;
    int value = 0;
    for (size_t i = at; i < at + n; i++) {
        if (!is_digit(s.data[i]))
            return -1;
        value = value * 10 + (s.data[i] - '0');
    }
    return value;
}

bool qn_parse_date(struct qn_strv s, int64_t *days)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (s.len != 10 || s.data[4] != '-' || s.data[7] != '-')
        return false;
    int year = digits_at(s, 0, 4), month = digits_at(s, 5, 2), day = digits_at(s, 8, 2);
    if (year < 0 || month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > lengths[month - 1] + (month == 2 && leap))
        return false;
    *days = qn_days_from_civil(year, (unsigned)month, (unsigned)day);
    return true;
}

/* ".f" to ".ffffff" at s[at], to the end; -1 when it is something else. */
static int64_t fraction_at(struct qn_strv s, size_t at)
{
    if (at == s.len)
        return 0;
    size_t n = s.len - at - 1;
    if (s.data[at] != '.' || n < 1 || n > 9)
        return -1;
    size_t kept = n < 6 ? n : 6;
    int value = digits_at(s, at + 1, kept);
    if (value < 0 || (n > 6 && digits_at(s, at + 7, n - 6) != 0)) /* nanoseconds would be lost */
        return -1;
    return value * qn_pow10((uint8_t)(6 - kept));
}

bool qn_parse_timestamp(struct qn_strv s, int64_t *micros)
{
    if (s.len && (s.data[s.len - 1] == 'Z' || s.data[s.len - 1] == 'z') && s.len > 10)
        s.len--;
    int64_t days;
    if (s.len < 10 || !qn_parse_date((struct qn_strv){s.data, 10}, &days))
        return false;
    const int64_t day_us = INT64_C(86400000000);
    if (s.len == 10) {
        *micros = days * day_us;
        return true;
    }
    if (s.len < 16 || (s.data[10] != ' ' && s.data[10] != 'T') || s.data[13] != ':')
        return false;
    int hour = digits_at(s, 11, 2), minute = digits_at(s, 14, 2), second = 0;
    int64_t fraction = 0;
    if (s.len > 16) {
        if (s.data[16] != ':' || s.len < 19)
            return false;
        second = digits_at(s, 17, 2);
        fraction = fraction_at(s, 19);
    }
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 ||
        fraction < 0)
        return false;
    *micros = days * day_us + ((hour * 60 + minute) * INT64_C(60) + second) * 1000000 + fraction;
    return true;
}

/* --- text of values -------------------------------------------------------------------------- */

static size_t printed(int n)
{
    return n < 0 ? 0 : (size_t)n;
}

/* The digits of 0 to 99: numbers are written a pair at a time. */
#define PAIRS_10(tens)                                                                             \
    tens "0" tens "1" tens "2" tens "3" tens "4" tens "5" tens "6" tens "7" tens "8" tens "9"
static const char pairs[] = PAIRS_10("0") PAIRS_10("1") PAIRS_10("2") PAIRS_10("3") PAIRS_10("4")
    PAIRS_10("5") PAIRS_10("6") PAIRS_10("7") PAIRS_10("8") PAIRS_10("9");

static void put_two(char *out, unsigned value)
{
    memcpy(out, pairs + (size_t)2 * value, 2);
}

/* 1233 / 4096 is log10 of 2, and a bit: one digit too few at most. */
static size_t count_digits(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1), n = bits * 1233 >> 12;
    return n + (value >= (n > 18 ? UINT64_C(10000000000000000000) : (uint64_t)powers[n]));
}

/* Digits of a value, with zeroes in front up to `width`. */
static size_t put_digits(char *out, uint64_t value, size_t width)
{
    size_t n = count_digits(value | 1);
    n = n < width ? width : n;
    char *at = out + n;
    for (; value >= 100; value /= 100) {
        at -= 2;
        put_two(at, (unsigned)(value % 100));
    }
    if (value >= 10) {
        at -= 2;
        put_two(at, (unsigned)value);
    } else {
        *--at = (char)('0' + value);
    }
    while (at > out)
        *--at = '0';
    return n;
}

size_t qn_format_i64(int64_t value, char *out)
{
    size_t sign = value < 0;
    out[0] = '-';
    return sign + put_digits(out + sign, sign ? 0 - (uint64_t)value : (uint64_t)value, 1);
}

size_t qn_format_decimal(int64_t value, uint8_t scale, char *out)
{
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t unit = (uint64_t)qn_pow10(scale);
    size_t n = value < 0;
    out[0] = '-';
    n += put_digits(out + n, magnitude / unit, 1);
    if (scale == 0)
        return n;
    out[n++] = '.';
    return n + put_digits(out + n, magnitude % unit, scale);
}

size_t qn_format_date(int64_t days, char *out)
{
    int64_t year;
    unsigned month, day;
    size_t n = 4;
    qn_civil_from_days(days, &year, &month, &day);
    if (year >= 0 && year <= 9999) {
        put_two(out, (unsigned)year / 100);
        put_two(out + 2, (unsigned)year % 100);
    } else {
        n = printed(snprintf(out, QN_VALUE_TEXT, "%04lld", (long long)year));
    }
    out[n] = out[n + 3] = '-';
    put_two(out + n + 1, month);
    put_two(out + n + 4, day);
    return n + 6;
}

size_t qn_format_timestamp(int64_t micros, char *out)
{
    const int64_t day_us = INT64_C(86400000000);
    int64_t days = micros / day_us, rest = micros % day_us;
    if (rest < 0) {
        rest += day_us;
        days--;
    }
    char *at = out + qn_format_date(days, out);
    unsigned seconds = (unsigned)(rest / 1000000), fraction = (unsigned)(rest % 1000000);
    at[0] = ' ';
    at[3] = at[6] = ':';
    put_two(at + 1, seconds / 3600);
    put_two(at + 4, seconds / 60 % 60);
    put_two(at + 7, seconds % 60);
    at += 9;
    if (fraction) {
        *at++ = '.';
        for (unsigned part = 10000; part; part /= 100, at += 2)
            put_two(at, fraction / part % 100);
    }
    return (size_t)(at - out);
}
