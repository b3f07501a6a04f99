/* moment: a date or timestamp in pieces, for kernels that loop over millions of them. */
#ifndef QN_EXPR_MOMENT_H
#define QN_EXPR_MOMENT_H

#include "expr/kernels.h"
#include "flow/value.h"

#define QN_SECOND_MICROS INT64_C(1000000)
/* SQLite's dates count from noon of -4713-11-24, in milliseconds; earlier there is none. */
#define QN_JULIAN_EPOCH_MILLIS INT64_C(210866760000000)
#define QN_FIRST_MILLIS (-QN_JULIAN_EPOCH_MILLIS)

struct qn_civil {
    int32_t year;
    uint32_t month, day;
};

/* The calendar without a branch or a division (Neri and Schneider, "Euclidean affine functions and
 * their application to calendar algorithms", 2022): days are counted in years that start in March,
 * of eras of 400 years, from far enough back that all is unsigned. Years -9999 to 9999. */
static inline struct qn_civil qn_civil_of(int64_t days)
{
    const uint32_t eras = 26, shift = 719468 + 146097 * eras;
    uint32_t n1 = 4 * ((uint32_t)(int32_t)days + shift) + 3;
    uint32_t century = n1 / 146097, n2 = n1 % 146097 | 3;
    uint64_t product = UINT64_C(2939745) * n2;
    uint32_t year = 100 * century + (uint32_t)(product >> 32);
    uint32_t day_of_year = (uint32_t)product / 2939745 / 4;
    uint32_t n3 = 2141 * day_of_year + 197913, after = day_of_year >= 306;
    return (struct qn_civil){
        .year = (int32_t)(year + after) - (int32_t)(400 * eras),
        .month = (n3 >> 16) - 12 * after,
        .day = (n3 & 0xFFFF) / 2141 + 1,
    };
}

struct qn_moment {
    int64_t days, micros; /* since 1970, since midnight */
    struct qn_civil civil;
};

/* Days since 1970 of a value of the type. */
static inline int64_t qn_days_of(bool is_timestamp, int64_t value)
{
    return is_timestamp ? qn_floor_div(value, QN_DAY_MICROS) : value;
}

/* Values under a NULL may be anything, and the calendar's arithmetic must not overflow on them. */
static inline struct qn_moment qn_moment_of(struct qn_type type, int64_t value)
{
    const bool is_timestamp = type.id == QN_TIMESTAMP;
    const int64_t unit = is_timestamp ? QN_DAY_MICROS : 1;
    const int64_t low = QN_FIRST_DAY * unit, high = (QN_LAST_DAY + 1) * unit - 1;
    value = value < low ? low : value > high ? high : value;
    struct qn_moment m = {.days = qn_days_of(is_timestamp, value)};
    if (is_timestamp)
        m.micros = value - m.days * QN_DAY_MICROS;
    m.civil = qn_civil_of(m.days);
    return m;
}

static inline int64_t qn_weekday_of(int64_t days)
{
    int64_t w = (days + 4) % 7; /* 1970-01-01 was a Thursday; 0 is Sunday */
    return w < 0 ? w + 7 : w;
}

/* As SQLite's julianday(): to the millisecond, then in days. */
double qn_julian_day(int64_t micros);

static inline int64_t qn_day_of_year(const struct qn_moment *m)
{
    return m->days - qn_days_from_civil(m->civil.year, 1, 1) + 1;
}

#endif
