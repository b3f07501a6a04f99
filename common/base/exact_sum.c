#include "base/exact_sum.h"

#include <math.h>
#include <string.h>

/* Each add puts less than 2^32 on a limb: 2^30 of them stay clear of 2^63. */
enum { MAX_PENDING = 1 << 30 };

void qn_exact_init(struct qn_exact_sum *sum)
{
    memset(sum, 0, sizeof *sum);
}

/* Leaves every limb but the last in [0, 2^32); the last carries the sign. */
static void pass_carries(struct qn_exact_sum *sum)
{
    for (unsigned i = 0; i + 1 < QN_EXACT_LIMBS; i++) {
        int64_t carry = sum->limbs[i] >> 32; /* rounds down, also below zero */
        sum->limbs[i] -= carry * (INT64_C(1) << 32);
        sum->limbs[i + 1] += carry;
    }
    sum->pending = 0;
}

/* Below 2^-1074 there is nothing: numbers come from doubles. */
void qn_exact_add_number(struct qn_exact_sum *sum, qn_i128 number, int exponent)
{
    bool negative = number < 0;
    qn_u128 rest = negative ? -(qn_u128)number : (qn_u128)number;
    for (; rest && exponent < -1074; exponent++)
        rest >>= 1;
    unsigned limb = (unsigned)(exponent + 1074) / 32, shift = (unsigned)(exponent + 1074) % 32;
    int64_t sign = negative ? -1 : 1;
    for (; rest; rest >>= 32, limb++) {
        uint64_t piece = (uint64_t)(uint32_t)rest << shift;
        if (limb + 1 >= QN_EXACT_LIMBS) {
            sum->poisoned = true;
            return;
        }
        sum->limbs[limb] += sign * (int64_t)(piece & UINT32_MAX);
        sum->limbs[limb + 1] += sign * (int64_t)(piece >> 32);
    }
    sum->pending += 2; /* a limb may get two pieces */
    if (sum->pending >= MAX_PENDING)
        pass_carries(sum);
}

void qn_exact_add(struct qn_exact_sum *sum, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    unsigned exponent = (unsigned)(bits >> 52) & 0x7ff;
    uint64_t mantissa = bits & UINT64_C(0x000fffffffffffff);
    if (exponent == 0x7ff) {
        sum->poisoned = true;
        return;
    }
    unsigned place = 0; /* of the mantissa's last bit, above 2^-1074 */
    if (exponent) {
        mantissa |= UINT64_C(1) << 52;
        place = exponent - 1;
    }
    unsigned limb = place / 32, shift = place % 32;
    uint64_t low = mantissa << shift;
    uint64_t high = shift ? mantissa >> (64 - shift) : 0;
    int64_t sign = bits >> 63 ? -1 : 1;
    sum->limbs[limb] += sign * (int64_t)(low & UINT32_MAX);
    sum->limbs[limb + 1] += sign * (int64_t)(low >> 32);
    sum->limbs[limb + 2] += sign * (int64_t)high;
    if (++sum->pending >= MAX_PENDING)
        pass_carries(sum);
}

void qn_exact_add_product(struct qn_exact_sum *sum, double a, double b)
{
    /* Dekker's product: with 26-bit halves every partial product is exact. */
    const double splitter = 134217729.0; /* 2^27 + 1 */
    double product = a * b;
    double ca = splitter * a, cb = splitter * b;
    double a1 = ca - (ca - a), b1 = cb - (cb - b), a2 = a - a1, b2 = b - b1;
    double rest = ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2;
    qn_exact_add(sum, product);
    qn_exact_add(sum, rest);
}

void qn_exact_merge(struct qn_exact_sum *sum, const struct qn_exact_sum *other)
{
    struct qn_exact_sum copy = *other;
    pass_carries(&copy);
    pass_carries(sum);
    for (unsigned i = 0; i < QN_EXACT_LIMBS; i++)
        sum->limbs[i] += copy.limbs[i];
    pass_carries(sum);
    sum->poisoned |= copy.poisoned;
}

/* Magnitude in *out with carries passed on; true when the sum is negative. */
static bool magnitude(const struct qn_exact_sum *sum, struct qn_exact_sum *out)
{
    *out = *sum;
    pass_carries(out);
    if (out->limbs[QN_EXACT_LIMBS - 1] >= 0)
        return false;
    for (unsigned i = 0; i < QN_EXACT_LIMBS; i++)
        out->limbs[i] = -out->limbs[i];
    pass_carries(out);
    return true;
}

static int64_t limb_at(const struct qn_exact_sum *sum, int i)
{
    return i < 0 ? 0 : sum->limbs[i];
}

double qn_exact_round(const struct qn_exact_sum *sum)
{
    if (sum->poisoned)
        return (double)NAN;
    struct qn_exact_sum m;
    bool negative = magnitude(sum, &m);
    int top = QN_EXACT_LIMBS - 1;
    while (top >= 0 && m.limbs[top] == 0)
        top--;
    if (top < 0)
        return 0;
    /* Three limbs hold at least 65 bits from the first set one on; the rest only breaks ties. */
    qn_u128 head = ((qn_u128)(uint64_t)m.limbs[top] << 64) |
                   ((uint64_t)limb_at(&m, top - 1) << 32 | (uint64_t)limb_at(&m, top - 2));
    bool sticky = false;
    for (int i = top - 3; i >= 0 && !sticky; i--)
        sticky = m.limbs[i] != 0;
    int length = 128 - __builtin_clzll((uint64_t)m.limbs[top]);
    int place = 32 * (top - 2), drop = length - 53;
    if (drop < -place) /* nothing lies below 2^-1074 */
        drop = -place;
    uint64_t kept = (uint64_t)(head >> drop);
    qn_u128 rest = head & (((qn_u128)1 << drop) - 1), half = drop ? (qn_u128)1 << (drop - 1) : 0;
    if (drop && (rest > half || (rest == half && (sticky || kept & 1))))
        kept++;
    double value = ldexp((double)kept, place + drop - 1074);
    return negative ? -value : value;
}

void qn_exact_expand(const struct qn_exact_sum *sum, double *parts, uint32_t n)
{
    struct qn_exact_sum left = *sum;
    for (uint32_t i = 0; i < n; i++) {
        parts[i] = qn_exact_round(&left);
        qn_exact_add(&left, -parts[i]);
    }
}

double qn_exact_variance(const struct qn_exact_sum *sum, const struct qn_exact_sum *squares,
                         uint64_t n)
{
    enum { PARTS = 4 }; /* 4 x 53 bits: more than squares of doubles of like size can fill */
    if (n == 0)
        return 0;
    double s[PARTS], q[PARTS], count = (double)n;
    qn_exact_expand(sum, s, PARTS);
    qn_exact_expand(squares, q, PARTS);
    struct qn_exact_sum top;
    qn_exact_init(&top);
    for (int i = 0; i < PARTS; i++) {
        qn_exact_add_product(&top, count, q[i]);
        for (int j = 0; j < PARTS; j++)
            qn_exact_add_product(&top, -s[i], s[j]);
    }
    double variance = qn_exact_round(&top) / (count * count);
    return variance < 0 ? 0 : variance;
}

void qn_exact_pack(struct qn_buf *out, const struct qn_exact_sum *sum)
{
    struct qn_exact_sum copy = *sum;
    pass_carries(&copy);
    uint8_t first = 0, end = QN_EXACT_LIMBS;
    while (first < end && copy.limbs[first] == 0)
        first++;
    while (end > first && copy.limbs[end - 1] == 0)
        end--;
    qn_buf_put_u8(out, copy.poisoned);
    qn_buf_put_u8(out, first);
    qn_buf_put_u8(out, (uint8_t)(end - first));
    for (unsigned i = first; i < end; i++)
        qn_buf_put_i64(out, copy.limbs[i]);
}

void qn_exact_unpack(struct qn_unpack *in, struct qn_exact_sum *sum)
{
    qn_exact_init(sum);
    uint8_t poisoned = qn_unpack_u8(in), first = qn_unpack_u8(in), n = qn_unpack_u8(in);
    if (poisoned > 1 || first + n > QN_EXACT_LIMBS) {
        in->failed = true;
        return;
    }
    sum->poisoned = poisoned;
    for (unsigned i = first; i < (unsigned)first + n; i++) {
        int64_t limb = qn_unpack_i64(in);
        int64_t most = i + 1 < QN_EXACT_LIMBS ? UINT32_MAX : INT32_MAX;
        if (limb > most || limb < (i + 1 < QN_EXACT_LIMBS ? 0 : -most - 1)) {
            in->failed = true;
            limb = 0;
        }
        sum->limbs[i] = limb;
    }
}
