/* kernels_date: parts, differences and truncation of dates and timestamps. */
#include "expr/moment.h"

/* Weeks begin on Monday and belong to the year that has their Thursday. */
static inline int64_t iso_week(int64_t days)
{
    int64_t thursday = qn_floor_div(days + 3, 7) * 7;
    struct qn_civil civil = qn_civil_of(thursday);
    return (thursday - qn_days_from_civil(civil.year, 1, 1)) / 7 + 1;
}

/* One loop a unit, over days and microseconds of the day; values under a NULL are clamped. */
#define LOOP(EXPR)                                                                                 \
    for (uint32_t i = 0; i < n; i++) {                                                             \
        int64_t value = x[i] < low ? low : x[i] > high ? high : x[i];                              \
        int64_t days = qn_days_of(is_timestamp, value);                                            \
        int64_t micros = is_timestamp ? value - days * QN_DAY_MICROS : 0;                          \
        struct qn_civil civil = qn_civil_of(days);                                                 \
        (void)micros, (void)civil;                                                                 \
        out[i] = EXPR;                                                                             \
    }                                                                                              \
    break

static inline void parts(int64_t unit, bool is_timestamp, const int64_t *x, uint32_t n,
                         int64_t *restrict out)
{
    int64_t low, high;
    qn_type_range((struct qn_type){.id = is_timestamp ? QN_TIMESTAMP : QN_DATE}, &low, &high);
    switch (unit) {
    case QN_UNIT_YEAR: LOOP(civil.year);
    case QN_UNIT_QUARTER: LOOP((civil.month + 2) / 3);
    case QN_UNIT_MONTH: LOOP(civil.month);
    case QN_UNIT_DAY: LOOP(civil.day);
    case QN_UNIT_HOUR: LOOP(micros / (3600 * QN_SECOND_MICROS));
    case QN_UNIT_MINUTE: LOOP(micros / (60 * QN_SECOND_MICROS) % 60);
    case QN_UNIT_SECOND: LOOP(micros / QN_SECOND_MICROS % 60);
    case QN_UNIT_DAY_OF_YEAR: LOOP(days - qn_days_from_civil(civil.year, 1, 1) + 1);
    case QN_UNIT_ISO_DAY: LOOP((qn_weekday_of(days) + 6) % 7 + 1);
    case QN_UNIT_ISO_WEEK: LOOP(iso_week(days));
    case QN_UNIT_EPOCH: LOOP(days * QN_DAY_SECONDS + micros / QN_SECOND_MICROS);
    default: LOOP(qn_weekday_of(days));
    }
}

qn_code qn_kernel_date_part(struct qn_call *call, struct qn_column *out)
{
    const struct qn_column *x = &call->args[0]->column;
    QN_TRY(qn_call_values(call, out));
    if (x->type.id == QN_TIMESTAMP)
        parts(call->step->number, true, x->i64, call->n, out->i64);
    else
        parts(call->step->number, false, x->i64, call->n, out->i64);
    return QN_OK;
}

/* The number of the unit that a moment lies in; differences count the borders between. */
static inline int64_t ordinal(const struct qn_moment *m, int64_t unit)
{
    const int64_t year = m->civil.year, month = m->civil.month - 1;
    switch (unit) {
    case QN_UNIT_YEAR: return year;
    case QN_UNIT_QUARTER: return year * 4 + month / 3;
    case QN_UNIT_MONTH: return year * 12 + month;
    case QN_UNIT_WEEK: return qn_floor_div(m->days + 3, 7); /* weeks start on Monday */
    case QN_UNIT_DAY: return m->days;
    case QN_UNIT_HOUR: return m->days * 24 + m->micros / (3600 * QN_SECOND_MICROS);
    case QN_UNIT_MINUTE: return m->days * 1440 + m->micros / (60 * QN_SECOND_MICROS);
    default: return m->days * QN_DAY_SECONDS + m->micros / QN_SECOND_MICROS;
    }
}

qn_code qn_kernel_date_diff(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    const int64_t unit = call->step->number;
    const struct qn_type type = x->column.type;
    QN_TRY(qn_call_values(call, out));
#define DIFFER(UNIT)                                                                               \
    for (uint32_t i = 0; i < call->n; i++) {                                                       \
        struct qn_moment a = qn_moment_of(type, qn_vec_i64(x, i));                                 \
        struct qn_moment b = qn_moment_of(type, qn_vec_i64(y, i));                                 \
        out->i64[i] = ordinal(&b, UNIT) - ordinal(&a, UNIT);                                       \
    }
    if (unit == QN_UNIT_DAY) { /* the commonest, and needs no calendar */
        DIFFER(QN_UNIT_DAY)
    } else {
        DIFFER(unit)
    }
    return QN_OK;
}

/* First day of the unit, for units of a day and longer. */
static int64_t first_day(const struct qn_moment *m, int64_t unit)
{
    const struct qn_civil c = m->civil;
    switch (unit) {
    case QN_UNIT_YEAR: return qn_days_from_civil(c.year, 1, 1);
    case QN_UNIT_QUARTER: return qn_days_from_civil(c.year, (c.month - 1) / 3 * 3 + 1, 1);
    case QN_UNIT_MONTH: return m->days - (int64_t)c.day + 1;
    case QN_UNIT_WEEK: return qn_floor_div(m->days + 3, 7) * 7 - 3;
    default: return m->days;
    }
}

static int64_t clock_unit(int64_t unit)
{
    switch (unit) {
    case QN_UNIT_HOUR: return 3600 * QN_SECOND_MICROS;
    case QN_UNIT_MINUTE: return 60 * QN_SECOND_MICROS;
    case QN_UNIT_SECOND: return QN_SECOND_MICROS;
    default: return QN_DAY_MICROS;
    }
}

qn_code qn_kernel_date_trunc(struct qn_call *call, struct qn_column *out)
{
    const struct qn_column *x = &call->args[0]->column;
    const int64_t unit = call->step->number, clock = clock_unit(unit);
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_moment m = qn_moment_of(x->type, x->i64[i]);
        int64_t days = first_day(&m, unit);
        if (x->type.id == QN_TIMESTAMP)
            days = days * QN_DAY_MICROS + m.micros / clock * clock;
        out->i64[i] = days;
    }
    return QN_OK;
}

double qn_julian_day(int64_t micros)
{
    int64_t millis = qn_floor_div(micros + 500, 1000) + QN_JULIAN_EPOCH_MILLIS;
    return (double)millis / 86400000.0;
}

qn_code qn_kernel_julianday(struct qn_call *call, struct qn_column *out)
{
    const int64_t *x = call->args[0]->column.i64;
    int64_t low, high;
    qn_type_range((struct qn_type){.id = QN_TIMESTAMP}, &low, &high);
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++)
        out->f64[i] = qn_julian_day(x[i] < low ? low : x[i] > high ? high : x[i]);
    return QN_OK;
}

/* Seconds since 1970 to a timestamp, where there is one. */
qn_code qn_kernel_from_epoch(struct qn_call *call, struct qn_column *out)
{
    const int64_t *x = call->args[0]->column.i64;
    int64_t low, high;
    qn_type_range(out->type, &low, &high);
    low = QN_FIRST_MILLIS * 1000;
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        bool good = !__builtin_mul_overflow(x[i], QN_SECOND_MICROS, &out->i64[i]) &&
                    out->i64[i] >= low && out->i64[i] <= high;
        if (good)
            continue;
        QN_TRY(qn_call_own_validity(call, out));
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}
