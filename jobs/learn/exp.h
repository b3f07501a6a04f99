/* exp: the exponential in pieces that loops can take in, so that the compiler makes vectors of
 * them; qn_exp() of math.h is made of the same, for every number. */
#ifndef QN_JOBS_LEARN_EXP_H
#define QN_JOBS_LEARN_EXP_H

#include <stdint.h>
#include <string.h>

/* ln 2 in two parts: the first has 42 bits, so that k times it is exact for |k| < 2048. */
#define QN_LN2_HI 0x1.62e42fefa3000p-1
#define QN_LN2_LO 0x1.3de6af278ece6p-42

/* Adding it and taking it away rounds to the nearest integer, which is in the low bits between. */
#define QN_EXP_ROUNDER 0x1.8p52

/* exp(x) / 2^k, k the integer nearest to x / ln 2; *shifted is k + QN_EXP_ROUNDER. |x| < 1400. */
static inline double qn_exp_part(double x, double *shifted)
{
    *shifted = x * 0x1.71547652b82fep+0 + QN_EXP_ROUNDER;
    double k = *shifted - QN_EXP_ROUNDER;
    double high = x - k * QN_LN2_HI, low = k * QN_LN2_LO;
    double r = high - low;
    double lost = (high - r) - low;
    /* 1/n! for n = 2..13; |r| <= 0.347, so the next term is below 2^-57. */
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    return 1.0 + (r + (p * r * r + lost));
}

/* exp(x) for -700 <= x <= 0: the bits of qn_exp(), without a branch. */
static inline double qn_exp_below(double x)
{
    double shifted, part = qn_exp_part(x, &shifted), power;
    uint64_t bits;
    memcpy(&bits, &shifted, sizeof bits);
    bits = (bits + 1023) << 52; /* 2^k: its low bits are k */
    memcpy(&power, &bits, sizeof power);
    return part * power;
}

#endif
