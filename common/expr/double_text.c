/* double_text: doubles as SQLite writes them: at most 15 significant digits, ties away from zero,
 * and a point in every one: 0.3, 2.0, 1.0e+20. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "expr/kernels.h"
#include "flow/value.h"

enum { DIGITS = 15 };

/* Most numbers in tables are n / 10^k with few digits; their digits are n's. False for others. */
static bool write_short(double value, char *out, size_t *len)
{
    enum { MOST_SCALE = 4 };
    static const double units[MOST_SCALE + 1] = {1, 10, 100, 1000, 10000};
    double magnitude = value < 0 ? -value : value;
    for (unsigned scale = 0; scale <= MOST_SCALE; scale++) {
        double unit = units[scale];
        double scaled = magnitude * unit;
        if (!(scaled < 1e15))
            return false;
        int64_t n = (int64_t)scaled;
        if ((double)n != scaled || (double)n / unit != magnitude)
            continue;
        for (; scale > 1 && n % 10 == 0; scale--) /* 1.15 * 100 is no integer, 1.15 * 1000 is */
            n /= 10;
        *len = qn_format_decimal(value < 0 ? -n : n, (uint8_t)scale, out);
        if (scale == 0) {
            memcpy(out + *len, ".0", 2);
            *len += 2;
        }
        return true;
    }
    return false;
}

/* Whether 15 digits lie halfway: the 16th is a 5 and the last. */
static bool is_tie(double value)
{
    char text[64];
    if (snprintf(text, sizeof text, "%.15e", value) < 0 || strchr(text, 'e')[-1] != '5')
        return false;
    if (snprintf(text, sizeof text, "%.40e", value) < 0)
        return false;
    return strspn(strchr(text, 'e') - 25, "0") == 25;
}

/* The C library rounds half to even; the double next to a tie is past it. */
static size_t write_general(double value, char *out)
{
    if (is_tie(value))
        value = nextafter(value, value < 0 ? (double)-INFINITY : (double)INFINITY);
    int n = snprintf(out, QN_VALUE_TEXT, "%.*g", DIGITS, value);
    return n < 0 ? 0 : (size_t)n;
}

static size_t add_point(char *out, size_t len)
{
    if (memchr(out, '.', len))
        return len;
    const char *e = memchr(out, 'e', len);
    size_t whole = e ? (size_t)(e - out) : len;
    memmove(out + whole + 2, out + whole, len - whole);
    memcpy(out + whole, ".0", 2);
    return len + 2;
}

size_t qn_sqlite_double(double value, char *out)
{
    size_t len;
    if (value - value != 0.0)
        return (size_t)snprintf(out, QN_VALUE_TEXT, value < 0 ? "-Inf" : "Inf");
    if (write_short(value, out, &len))
        return len;
    return add_point(out, write_general(value, out));
}
