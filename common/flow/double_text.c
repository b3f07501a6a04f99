/* Doubles as text: the fewest of 15, 16 or 17 digits that read back as the same double, laid out as
 * printf's %g does.
 *
 * The value is scaled by a power of ten to 17 digits before the point, in 128 bits, of which the
 * last two are not sure. Where these would decide, as they do for ties, printf is asked. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/value.h"

enum {
    ALL_DIGITS = 17,
    STEP = 23,        /* powers of ten between two of the table */
    TABLE_BELOW = 13, /* of its entries are below 1 */
    UNSURE_UNITS = 4, /* the last two bits, and the same of what they are compared with */
    MANTISSA_BITS = 52,
    BINARY_BIAS = 1075,
    LEAST_FIXED = -4, /* below it, and from as many digits as are asked for on, e+XX is written */
};

/* --- scaling --------------------------------------------------------------------------------- */

/* The upper 128 bits of 10^-299, 10^-276, ... 10^322: 10^k is so much times 2^(floor(k log2 10) -
 * 127), and the last bit is cut. */
static const struct {
    uint64_t high, low;
} tens[] = {
    {UINT64_C(0xD64D3D9DB981787D), UINT64_C(0x092CBBCCDAD5B108)},
    {UINT64_C(0x8DD01FAD907FFC3B), UINT64_C(0xAE3DA7D97F6792E3)},
    {UINT64_C(0xBBB01B9283253CA2), UINT64_C(0x9EB1AAEDFB016F16)},
    {UINT64_C(0xF867241C8CC6D4C0), UINT64_C(0xC30163D203C94B62)},
    {UINT64_C(0xA46116538D0DEB78), UINT64_C(0x52D9BE85F074E608)},
    {UINT64_C(0xD98DDAEE19068C76), UINT64_C(0x3BADD624DD9B0957)},
    {UINT64_C(0x8FF71A0FE2C2E6DC), UINT64_C(0x47F0E785EABA72AB)},
    {UINT64_C(0xBE89523386091465), UINT64_C(0xF6BBB397F1135823)},
    {UINT64_C(0xFC2C3F3841F17C67), UINT64_C(0xBBAC2078D443ACE2)},
    {UINT64_C(0xA6DFBD9FB8E5B88E), UINT64_C(0xCB4CCD500F6BB952)},
    {UINT64_C(0xDCDB1B2798182244), UINT64_C(0xF8E431456CF88E65)},
    {UINT64_C(0x9226712162AB070D), UINT64_C(0xCAB3961304CA70E8)},
    {UINT64_C(0xC16D9A0095928A27), UINT64_C(0x75B7053C0F178293)},
    {UINT64_C(0x8000000000000000), UINT64_C(0x0000000000000000)},
    {UINT64_C(0xA968163F0A57B400), UINT64_C(0x0000000000000000)},
    {UINT64_C(0xE0352F62A19E306E), UINT64_C(0xD50B2037AD200000)},
    {UINT64_C(0x945E455F24FB1CF8), UINT64_C(0x8FE8CAA93E74EF6A)},
    {UINT64_C(0xC45D1DF942711D9A), UINT64_C(0x3BA5D0BD324F8394)},
    {UINT64_C(0x81F14FAE158C5F6E), UINT64_C(0x4FCB7E8F3F60C07E)},
    {UINT64_C(0xABFA45DA0EDBDE69), UINT64_C(0x0487DB9D17636892)},
    {UINT64_C(0xE39C49765FDF9D94), UINT64_C(0xED5A7E85FDA0B80B)},
    {UINT64_C(0x969EB7C47859E743), UINT64_C(0x9F644AE5A4B1B325)},
    {UINT64_C(0xC75809C42C684DD1), UINT64_C(0x52C07B78A3E60868)},
    {UINT64_C(0x83EA2B892091E44D), UINT64_C(0x934AED0AAB460432)},
    {UINT64_C(0xAE9672ABA3D0C320), UINT64_C(0xA184AC2473B529B1)},
    {UINT64_C(0xE7109BFBA19C0C9D), UINT64_C(0x0CC512670A783AD4)},
    {UINT64_C(0x98E7E9CCCFBD7DBD), UINT64_C(0x8038D51CB897789C)},
    {UINT64_C(0xCA5E89B18B602368), UINT64_C(0x385BB19CB14BDFC4)},
};

/* units / 2^point, and less than two units more: of 17 digits before the point. The value is that
 * times 10^(exponent - 16). */
struct scaled {
    qn_u128 units;
    unsigned point;
    int exponent;
    uint64_t mantissa; /* half the distance to the next double is units / mantissa / 2 */
};

static qn_u128 high_of_product(qn_u128 a, uint64_t high, uint64_t low)
{
    uint64_t a_high = (uint64_t)(a >> 64), a_low = (uint64_t)a;
    qn_u128 one = (qn_u128)a_high * low, other = (qn_u128)a_low * high;
    qn_u128 middle = ((qn_u128)a_low * low >> 64) + (uint64_t)one + (uint64_t)other;
    return (qn_u128)a_high * high + (one >> 64) + (other >> 64) + (middle >> 64);
}

static int leading_zeros(qn_u128 value)
{
    uint64_t high = (uint64_t)(value >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)value);
}

/* mantissa x 2^binary, said to be 10^exponent or more. */
static struct scaled scale_to(uint64_t mantissa, int binary, int exponent)
{
    int power = ALL_DIGITS - 1 - exponent;
    int entry = (power + STEP * TABLE_BELOW) / STEP,
        rest = power + STEP * TABLE_BELOW - STEP * entry;
    int table_binary = ((power - rest) * 217706 >> 16) - 127;
    uint8_t some = rest < 18 ? (uint8_t)rest : 18;
    qn_u128 exact = (qn_u128)mantissa * (uint64_t)qn_pow10(some) *
                    (uint64_t)qn_pow10((uint8_t)(rest - some)); /* 127 bits at most */
    int up = leading_zeros(exact);
    struct scaled out = {.exponent = exponent, .mantissa = mantissa};
    out.units = high_of_product(exact << up, tens[entry].high, tens[entry].low);
    out.point = (unsigned)(up - binary - table_binary - 128);
    return out;
}

/* Of a double that is finite, normal and no power of two, below which the next one is nearer. */
static bool scale(double value, struct scaled *out)
{
    uint64_t bits, hidden = UINT64_C(1) << MANTISSA_BITS;
    memcpy(&bits, &value, sizeof bits);
    uint64_t mantissa = (bits & (hidden - 1)) | hidden;
    int biased = (int)(bits >> MANTISSA_BITS & 0x7FF), binary = biased - BINARY_BIAS;
    if (biased == 0 || biased == 0x7FF || mantissa == hidden)
        return false;
    int least = (binary + MANTISSA_BITS) * 78913 >> 18; /* log10, or one less */
    *out = scale_to(mantissa, binary, least);
    if ((uint64_t)(out->units >> out->point) >= UINT64_C(100000000000000000))
        *out = scale_to(mantissa, binary, least + 1);
    return true;
}

/* --- rounding -------------------------------------------------------------------------------- */

enum outcome { SAME, ANOTHER, UNSURE };

/* Is what is so many units away nearer to this double than to any other? */
static enum outcome is_near(const struct scaled *s, qn_u128 away)
{
    const qn_u128 unsure = (qn_u128)s->mantissa * (2 * UNSURE_UNITS);
    if (away >> 76) /* half the distance is 2^75 at most */
        return ANOTHER;
    qn_u128 mine = (away >> 2) * 2 * s->mantissa, all = s->units >> 2;
    if (mine + unsure < all)
        return SAME;
    return mine > all + unsure ? ANOTHER : UNSURE;
}

/* Without the last digits (unit: 10 to as many): do the others read back as the same double? */
static enum outcome round_to(const struct scaled *s, unsigned unit, uint64_t *digits)
{
    uint64_t whole = (uint64_t)(s->units >> s->point);
    qn_u128 step = (qn_u128)unit << s->point, below = s->units - ((qn_u128)whole << s->point);
    qn_u128 rest = ((qn_u128)(whole % unit) << s->point) + below, away = rest;
    *digits = whole / unit;
    if (rest > step / 2) {
        ++*digits;
        away = step - rest;
    }
    if (away + UNSURE_UNITS >= step / 2)
        return UNSURE;
    return unit == 1 ? SAME : is_near(s, away);
}

/* --- layout ---------------------------------------------------------------------------------- */

static size_t put_zeros(char *out, int n)
{
    memset(out, '0', n > 0 ? (size_t)n : 0);
    return n > 0 ? (size_t)n : 0;
}

/* Digits with a point behind the first `whole` of them. */
static size_t put_split(char *out, const char *digits, int n, int whole)
{
    memcpy(out, digits, (size_t)(n < whole ? n : whole));
    if (n <= whole)
        return (size_t)n + put_zeros(out + n, whole - n);
    out[whole] = '.';
    memcpy(out + whole + 1, digits + whole, (size_t)(n - whole));
    return (size_t)n + 1;
}

/* `asked` digits, the first of them at 10^exponent. */
static size_t put_number(char *out, uint64_t digits, int asked, int exponent)
{
    char text[QN_VALUE_TEXT];
    size_t n = qn_format_i64((int64_t)digits, text), at = 0;
    exponent += (int)n - asked; /* 99.9 that became 100.0 */
    while (n > 1 && text[n - 1] == '0')
        n--;
    if (exponent < LEAST_FIXED || exponent >= asked) {
        at = put_split(out, text, (int)n, 1);
        out[at++] = 'e';
        out[at++] = exponent < 0 ? '-' : '+';
        unsigned power = (unsigned)abs(exponent);
        if (power < 10)
            out[at++] = '0';
        return at + qn_format_i64(power, out + at);
    }
    if (exponent >= 0)
        return put_split(out, text, (int)n, exponent + 1);
    memcpy(out, "0.", 2);
    at = 2 + put_zeros(out + 2, -exponent - 1);
    memcpy(out + at, text, n);
    return at + n;
}

/* 0: printf has to be asked. */
static size_t format_scaled(double value, char *out)
{
    struct scaled scaled;
    uint64_t digits;
    if (!scale(value, &scaled))
        return 0;
    size_t sign = signbit(value) ? 1 : 0;
    out[0] = '-';
    int asked = ALL_DIGITS - 2;
    for (unsigned unit = 100; unit; unit /= 10, asked++) {
        enum outcome outcome = round_to(&scaled, unit, &digits);
        if (outcome == SAME)
            return sign + put_number(out + sign, digits, asked, scaled.exponent);
        if (outcome == UNSURE)
            break;
    }
    return 0;
}

static size_t format_printed(double value, char *out)
{
    int n = 0;
    for (int precision = ALL_DIGITS - 2; precision <= ALL_DIGITS; precision++) {
        n = snprintf(out, QN_VALUE_TEXT, "%.*g", precision, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return n < 0 ? 0 : (size_t)n;
}

/* Most doubles are a number of few digits over a power of ten, both exact doubles; the quotient is
 * then rounded as a reader of these digits rounds. */
static size_t format_short(double value, char *out)
{
    enum { PLACES = 6 };
    static const double powers[PLACES + 1] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    double magnitude = fabs(value);
    if (!(magnitude >= 1e-4 && magnitude < 1e9))
        return 0;
    double most = (double)(int64_t)(magnitude * powers[PLACES] + 0.5);
    if (most / powers[PLACES] != magnitude) /* fewer places say less */
        return 0;
    uint8_t places = PLACES;
    int64_t digits = (int64_t)most;
    for (; places && digits % 10 == 0; places--)
        digits /= 10;
    return qn_format_decimal(value < 0 ? -digits : digits, places, out);
}

size_t qn_format_double(double value, char *out)
{
    size_t n = format_short(value, out);
    if (n == 0)
        n = format_scaled(value, out);
    return n ? n : format_printed(value, out);
}
