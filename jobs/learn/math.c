#include "jobs/learn/math.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "jobs/learn/exp.h"

static uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^k for a normal result. */
static double power_of_two(int k)
{
    return from_bits((uint64_t)(k + 1023) << 52);
}

/* x * 2^k, rounded once, also where the result is subnormal or infinite. */
static double scale_by(double x, int k)
{
    if (k > 1023)
        return x * power_of_two(1023) * power_of_two(k - 1023);
    if (k < -1021)
        return x * power_of_two(k + 200) * power_of_two(-200);
    return x * power_of_two(k);
}

double qn_exp(double x)
{
    if (x != x)
        return x;
    if (x > 709.79)
        return HUGE_VAL;
    if (x < -745.14)
        return 0;
    double shifted, part = qn_exp_part(x, &shifted);
    return scale_by(part, (int)(shifted - QN_EXP_ROUNDER));
}

double qn_ln(double x)
{
    if (x != x || x > 1.7976931348623157e308)
        return x;
    if (x <= 0)
        return x < 0 ? (double)NAN : -HUGE_VAL;
    int k = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    uint64_t bits = bits_of(x);
    k += (int)(bits >> 52) - 1023;
    double m = from_bits((bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000));
    if (m > 1.4142135623730951) {
        m *= 0.5;
        k++;
    }
    /* log(1 + f) = 2 atanh(s), s = f / (2 + f); |s| <= 0.1716. Written so that the rounding of s
     * touches only the small part: f - (f^2/2 - s (f^2/2 + R)). */
    double f = m - 1.0, s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
    double series = 2.0 / 23.0;
    series = series * z + 2.0 / 21.0;
    series = series * z + 2.0 / 19.0;
    series = series * z + 2.0 / 17.0;
    series = series * z + 2.0 / 15.0;
    series = series * z + 2.0 / 13.0;
    series = series * z + 2.0 / 11.0;
    series = series * z + 2.0 / 9.0;
    series = series * z + 2.0 / 7.0;
    series = series * z + 2.0 / 5.0;
    series = series * z + 2.0 / 3.0;
    double rest = s * (half + series * z);
    return (double)k * QN_LN2_HI - ((half - (rest + (double)k * QN_LN2_LO)) - f);
}

double qn_log1p(double x)
{
    if (x != x || x > 1.7976931348623157e308)
        return x;
    if (x < 0x1p-54 && x > -0x1p-54)
        return x;
    if (x < -0.29 || x > 0.41) {
        /* 1 + x was rounded; its log is corrected by the part that was lost. */
        double u = 1.0 + x;
        if (u <= 0)
            return qn_ln(u);
        double lost = x > 1 ? 1.0 - (u - x) : x - (u - 1.0);
        return qn_ln(u) + lost / u;
    }
    double s = x / (2.0 + x), z = s * s, half = 0.5 * x * x;
    double series = 2.0 / 25.0;
    for (int n = 23; n >= 3; n -= 2)
        series = series * z + 2.0 / n;
    return x - (half - s * (half + series * z));
}

double qn_expit(double x)
{
    double e = qn_exp(x < 0 ? x : -x), u = 1.0 + e, lost = e - (u - 1.0);
    double share = (x < 0 ? e : 1.0) / u;
    return share - share * (lost / u); /* 1 + e was rounded to u */
}

static const double INV_SQRT_PI = 0x1.20dd750429b6dp-1;

/* erf(x) = 2/sqrt(pi) exp(-x^2) sum 2^n x^(2n+1) / (1 3 5 ... (2n+1)): all terms positive. */
static double erf_series(double x)
{
    double term = x, sum = x;
    for (int n = 1; n < 200 && term > sum * 1e-18; n++) {
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    return 2.0 * INV_SQRT_PI * qn_exp(-x * x) * sum;
}

/* erfc(x) = exp(-x^2) / sqrt(pi) / (x + (1/2)/(x + 1/(x + (3/2)/(x + ...)))), from its far end. */
static double erfc_fraction(double x)
{
    double fraction = x;
    for (int n = 120; n >= 1; n--)
        fraction = x + 0.5 * n / fraction;
    /* exp(-x^2) with x split, since the rounding of x * x would be magnified x^2-fold. */
    double high = from_bits(bits_of(x) & UINT64_C(0xfffffffff8000000));
    double low = x - high;
    return qn_exp(-high * high) * qn_exp(-low * (x + high)) * INV_SQRT_PI / fraction;
}

double qn_erfc(double x)
{
    if (x != x)
        return x;
    if (x < 0)
        return 2.0 - qn_erfc(-x);
    if (x > 27.3)
        return 0;
    return x < 2 ? 1.0 - erf_series(x) : erfc_fraction(x);
}

double qn_normal_p_value(double z)
{
    return qn_erfc((z < 0 ? -z : z) * 0.70710678118654752);
}

/* By bisection: it is asked for seldom, and this way is as good as qn_erfc is. */
double qn_normal_quantile(double p)
{
    double low = -40, high = 40;
    for (int i = 0; i < 100; i++) {
        double middle = low + (high - low) / 2;
        if (0.5 * qn_erfc(-middle * 0.70710678118654752) < p)
            low = middle;
        else
            high = middle;
    }
    return low + (high - low) / 2;
}
