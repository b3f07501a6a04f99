#include "jobs/etl/moments.h"

#include <math.h>
#include <string.h>

#include "jobs/etl/number.h"

/* 2^32 squares of numbers below it fit 127 bits. */
#define SMALL (UINT64_C(1) << 47)

/* Doubles from 2^-256 to 2^256 are added by exponent: 53 bits each, their squares 106, so that
 * BLOCK of them fit 127 and none is shifted before all are there. */
enum { FIRST_EXPONENT = 1023 - 256, N_EXPONENTS = 512, POINT = 1075, BLOCK = 1 << 20 };

struct qn_moments_room {
    struct {
        qn_i128 sum, squares;
    } at[N_EXPONENTS];
};

struct qn_moments_room *qn_moments_room_new(struct qn_arena *arena)
{
    return QN_NEW(arena, struct qn_moments_room);
}

/* --- adding ---------------------------------------------------------------------------------- */

qn_code qn_moments_add_i64(struct qn_moments *moments, const int64_t *values, uint32_t n,
                           uint64_t reach, struct qn_arena *arena, struct qn_err *err)
{
    qn_i128 sum = 0, squares = 0;
    moments->n += n;
    if (reach < SMALL) {
        for (uint32_t i = 0; i < n; i++) {
            sum += values[i];
            squares += (qn_i128)values[i] * values[i];
        }
        moments->whole += (qn_u128)sum;
        return qn_sum_add_number(&moments->squares, squares, 0, arena, err);
    }
    for (uint32_t i = 0; i < n; i++) {
        sum += values[i];
        QN_TRY(qn_sum_add_number(&moments->squares, (qn_i128)values[i] * values[i], 0, arena, err));
    }
    moments->whole += (qn_u128)sum;
    return QN_OK;
}

/* One that is too far from 1 for the room, or none. */
static qn_code add_far(struct qn_moments *moments, uint64_t bits, struct qn_arena *arena,
                       struct qn_err *err)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    if (value == 0)
        return QN_OK;
    QN_TRY(qn_sum_add(&moments->sum, value, arena, err));
    return qn_sum_add_square(&moments->squares, value, arena, err);
}

static qn_code add_block(struct qn_moments *moments, const int64_t *values, uint32_t n,
                         struct qn_moments_room *room, struct qn_arena *arena, struct qn_err *err)
{
    uint32_t first = N_EXPONENTS, end = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits = (uint64_t)values[i];
        uint32_t at = (uint32_t)(bits >> 52 & 0x7ff) - FIRST_EXPONENT;
        if (at >= N_EXPONENTS) {
            QN_TRY(add_far(moments, bits, arena, err));
            continue;
        }
        int64_t number = (int64_t)((bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(1) << 52);
        room->at[at].sum += bits >> 63 ? -number : number;
        room->at[at].squares += (qn_i128)number * number;
        first = at < first ? at : first;
        end = at >= end ? at + 1 : end;
    }
    for (uint32_t at = first; at < end; at++) {
        int exponent = (int)at + FIRST_EXPONENT - POINT;
        QN_TRY(qn_sum_add_number(&moments->sum, room->at[at].sum, exponent, arena, err));
        QN_TRY(
            qn_sum_add_number(&moments->squares, room->at[at].squares, 2 * exponent, arena, err));
        room->at[at].sum = room->at[at].squares = 0;
    }
    return QN_OK;
}

qn_code qn_moments_add_f64(struct qn_moments *moments, const int64_t *values, uint32_t n,
                           struct qn_moments_room *room, struct qn_arena *arena, struct qn_err *err)
{
    moments->n += n;
    for (uint32_t at = 0; at < n; at += BLOCK)
        QN_TRY(add_block(moments, values + at, n - at < BLOCK ? n - at : BLOCK, room, arena, err));
    return QN_OK;
}

/* --- partials -------------------------------------------------------------------------------- */

static void pack_sum(const struct qn_sum *sum, struct qn_buf *buf)
{
    struct qn_exact_sum wide;
    qn_sum_widen(sum, &wide);
    qn_exact_pack(buf, &wide);
}

static qn_code merge_sum(struct qn_sum *sum, struct qn_unpack *in, struct qn_arena *arena,
                         struct qn_err *err)
{
    struct qn_exact_sum wide;
    qn_exact_unpack(in, &wide);
    struct qn_sum more = {.wide = &wide};
    return in->failed ? QN_OK : qn_sum_merge(sum, &more, arena, err);
}

void qn_moments_pack(const struct qn_moments *moments, struct qn_type type, struct qn_buf *buf)
{
    qn_buf_put_u64(buf, moments->n);
    if (type.id == QN_DOUBLE)
        pack_sum(&moments->sum, buf);
    else
        qn_put_i128(buf, (qn_i128)moments->whole);
    pack_sum(&moments->squares, buf);
}

qn_code qn_moments_merge(struct qn_moments *moments, struct qn_type type, struct qn_unpack *in,
                         struct qn_arena *arena, struct qn_err *err)
{
    moments->n += qn_unpack_u64(in);
    if (type.id == QN_DOUBLE)
        QN_TRY(merge_sum(&moments->sum, in, arena, err));
    else
        moments->whole += (qn_u128)qn_unpack_i128(in);
    return merge_sum(&moments->squares, in, arena, err);
}

/* --- results --------------------------------------------------------------------------------- */

static int64_t unit_of(struct qn_type type)
{
    return qn_pow10(type.id == QN_DECIMAL ? type.scale : 0);
}

double qn_moments_mean(const struct qn_moments *moments, struct qn_type type)
{
    if (moments->n == 0)
        return (double)NAN;
    if (type.id == QN_DOUBLE)
        return qn_sum_round(&moments->sum) / (double)moments->n;
    return qn_ratio_f64((qn_i128)moments->whole, (qn_i128)moments->n * unit_of(type));
}

double qn_moments_stddev(const struct qn_moments *moments, struct qn_type type)
{
    struct qn_exact_sum sum, squares;
    double n = (double)moments->n, unit = (double)unit_of(type);
    if (moments->n < 2)
        return (double)NAN;
    qn_sum_widen(&moments->sum, &sum);
    if (type.id != QN_DOUBLE)
        qn_exact_add_number(&sum, (qn_i128)moments->whole, 0);
    qn_sum_widen(&moments->squares, &squares);
    double variance = qn_exact_variance(&sum, &squares, moments->n) * (n / (n - 1));
    return sqrt(variance / (unit * unit));
}
