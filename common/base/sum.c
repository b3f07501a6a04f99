#include "base/sum.h"

#include <math.h>
#include <string.h>

enum { POSITIVE = 1, NEGATIVE = 2, NOT_A_NUMBER = 4 };
/* Binary places kept free below the first value, for smaller ones to come. */
enum { ROOM_BELOW = 20 };

static qn_i128 number_of(const struct qn_sum *sum)
{
    return (qn_i128)((qn_u128)sum->high << 64 | sum->low);
}

static void set_number(struct qn_sum *sum, qn_i128 number, int exponent)
{
    sum->low = (uint64_t)number;
    sum->high = (uint64_t)(number >> 64);
    sum->exponent = exponent;
    sum->has_number = true;
}

/* Moves number up by `places` when nothing falls off its top. */
static bool shift_up(qn_i128 *number, int places)
{
    if (*number == 0)
        return true;
    if (places >= 126)
        return false;
    qn_i128 limit = (qn_i128)1 << (126 - places);
    if (*number >= limit || *number <= -limit)
        return false;
    *number *= (qn_i128)1 << places;
    return true;
}

/* Adds when the result fits the 128 bits; else nothing is changed. */
static bool add_narrow(struct qn_sum *sum, qn_i128 number, int exponent)
{
    if (!sum->has_number) {
        int down = shift_up(&number, ROOM_BELOW) ? ROOM_BELOW : 0;
        set_number(sum, number, exponent - down);
        return true;
    }
    qn_i128 held = number_of(sum), total;
    int common = exponent < sum->exponent ? exponent : sum->exponent;
    if (!shift_up(&number, exponent - common) || !shift_up(&held, sum->exponent - common) ||
        __builtin_add_overflow(held, number, &total))
        return false;
    set_number(sum, total, common);
    return true;
}

qn_code qn_sum_add_number(struct qn_sum *sum, qn_i128 number, int exponent, struct qn_arena *arena,
                          struct qn_err *err)
{
    if (add_narrow(sum, number, exponent))
        return QN_OK;
    if (!sum->wide) {
        sum->wide = qn_arena_alloc(arena, sizeof *sum->wide);
        if (!sum->wide)
            return qn_err_nomem(err, "a sum");
        qn_exact_init(sum->wide);
    }
    qn_exact_add_number(sum->wide, number_of(sum), sum->exponent);
    set_number(sum, 0, 0);
    sum->has_number = false;
    return add_narrow(sum, number, exponent)
               ? QN_OK
               : qn_err_set(err, QN_ESTATE, QN_BLAME_JOB, "a number that fits no sum");
}

qn_code qn_sum_add(struct qn_sum *sum, double value, struct qn_arena *arena, struct qn_err *err)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int biased = (int)(bits >> 52 & 0x7ff);
    int64_t mantissa = (int64_t)(bits & UINT64_C(0x000fffffffffffff));
    if (biased == 0x7ff) {
        sum->infinite |= mantissa ? NOT_A_NUMBER : bits >> 63 ? NEGATIVE : POSITIVE;
        return QN_OK;
    }
    if (biased)
        mantissa |= INT64_C(1) << 52;
    else
        biased = 1;
    if (mantissa == 0)
        return QN_OK;
    return qn_sum_add_number(sum, bits >> 63 ? -mantissa : mantissa, biased - 1075, arena, err);
}

qn_code qn_sum_add_square(struct qn_sum *sum, double value, struct qn_arena *arena,
                          struct qn_err *err)
{
    /* Dekker's product: with 26-bit halves every partial product is exact. */
    const double splitter = 134217729.0; /* 2^27 + 1 */
    double square = value * value, big = splitter * value;
    double upper = big - (big - value), lower = value - upper;
    double rest = ((upper * upper - square) + 2 * upper * lower) + lower * lower;
    QN_TRY(qn_sum_add(sum, square, arena, err));
    return isfinite(square) && isfinite(rest) ? qn_sum_add(sum, rest, arena, err) : QN_OK;
}

qn_code qn_sum_merge(struct qn_sum *sum, const struct qn_sum *other, struct qn_arena *arena,
                     struct qn_err *err)
{
    sum->infinite |= other->infinite;
    if (other->wide && !sum->wide) {
        sum->wide = qn_arena_alloc(arena, sizeof *sum->wide);
        if (!sum->wide)
            return qn_err_nomem(err, "a sum");
        *sum->wide = *other->wide;
    } else if (other->wide) {
        qn_exact_merge(sum->wide, other->wide);
    }
    if (!other->has_number)
        return QN_OK;
    return qn_sum_add_number(sum, number_of(other), other->exponent, arena, err);
}

void qn_sum_widen(const struct qn_sum *sum, struct qn_exact_sum *out)
{
    if (sum->wide)
        *out = *sum->wide;
    else
        qn_exact_init(out);
    if (sum->has_number)
        qn_exact_add_number(out, number_of(sum), sum->exponent);
    out->poisoned |= sum->infinite != 0;
}

double qn_sum_round(const struct qn_sum *sum)
{
    if (sum->infinite)
        return sum->infinite == POSITIVE   ? HUGE_VAL
               : sum->infinite == NEGATIVE ? -HUGE_VAL
                                           : (double)NAN;
    if (!sum->wide && !sum->has_number)
        return 0;
    qn_i128 number = number_of(sum);
    /* Converting rounds to nearest; scaling is exact where the result is a normal number. */
    if (!sum->wide && sum->exponent > -1000 && sum->exponent < 800)
        return ldexp((double)number, sum->exponent);
    struct qn_exact_sum wide;
    qn_sum_widen(sum, &wide);
    return qn_exact_round(&wide);
}
