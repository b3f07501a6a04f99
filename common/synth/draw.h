/* draw: the n-th random number of a thing, by hash; and short texts written straight into a row. */
#ifndef QN_SYNTH_DRAW_H
#define QN_SYNTH_DRAW_H

#include <stdint.h>
#include <string.h>

#include "base/hash.h"

/* A thing's own endless row of random numbers. */
struct qn_draw {
    uint64_t state;
};

/* `what` keeps the numbers of row 7 of one table apart from those of row 7 of another. */
static inline struct qn_draw qn_draw_for(uint64_t seed, uint64_t what, uint64_t number)
{
    uint64_t key = qn_mix64(seed + UINT64_C(0x9e3779b97f4a7c15) * (what + 1));
    return (struct qn_draw){qn_mix64(key + UINT64_C(0x9e3779b97f4a7c15) * (number + 1))};
}

static inline uint64_t qn_draw_bits(struct qn_draw *draw)
{
    draw->state += UINT64_C(0x9e3779b97f4a7c15);
    return qn_mix64(draw->state);
}

/* In [0, 1). */
static inline double qn_draw_unit(struct qn_draw *draw)
{
    return (double)(qn_draw_bits(draw) >> 11) * 0x1p-53;
}

/* In [0, below). */
static inline uint32_t qn_draw_below(struct qn_draw *draw, uint32_t below)
{
    return (uint32_t)((qn_draw_bits(draw) >> 32) * below >> 32);
}

/* Mean 0, variance 1, within 3.5: four uniforms, near enough to normal for this purpose. */
static inline double qn_draw_normal(struct qn_draw *draw)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += qn_draw_unit(draw);
    return (sum - 2) * 1.7320508075688772;
}

/* 1 / (1 + e^-x) by multiplications only, so that every machine gets the same bits. */
static inline double qn_draw_sigmoid(double x)
{
    x = x > 30 ? 30 : x < -30 ? -30 : x;
    double t = -x / 1024; /* |t| < 0.03: five terms are exact to the last bits */
    double e = 1 + t * (1 + t / 2 * (1 + t / 3 * (1 + t / 4 * (1 + t / 5))));
    for (int i = 0; i < 10; i++)
        e *= e;
    return 1 / (1 + e);
}

/* --- texts: each writes at `out` and gives the place after it ----------------------------- */

static inline char *qn_put_text(char *out, const char *text)
{
    size_t n = strlen(text);
    memcpy(out, text, n);
    return out + n;
}

/* With at least `width` digits. */
static inline char *qn_put_number(char *out, uint64_t value, int width)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (n < width)
        digits[n++] = '0';
    while (n)
        *out++ = digits[--n];
    return out;
}

/* 1234 as 12.34. */
static inline char *qn_put_cents(char *out, uint64_t cents)
{
    out = qn_put_number(out, cents / 100, 1);
    *out++ = '.';
    return qn_put_number(out, cents % 100, 2);
}

/* A day (0 is 1970-01-01) as 2026-01-31. */
char *qn_put_date(char *out, int64_t day);

#endif
