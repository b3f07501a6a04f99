/* kernels_date: parts, differences, truncation and formatting of dates and timestamps. */
#include <stdio.h>

#include "expr/kernels.h"
#include "expr/textout.h"
#include "flow/value.h"

#define MICROS INT64_C(1000000)

/* A point in time in pieces. */
struct moment {
    int64_t days, micros; /* since 1970, since midnight */
    int64_t year;
    unsigned month, day;
};

/* Values under a NULL may be anything, and the calendar's arithmetic must not overflow on them. */
static struct moment moment_of(struct qn_type type, int64_t value)
{
    int64_t low, high;
    qn_type_range(type, &low, &high);
    value = value < low ? low : value > high ? high : value;
    struct moment m = {.days = value};
    if (type.id == QN_TIMESTAMP) {
        m.days = qn_floor_div(value, QN_DAY_MICROS);
        m.micros = value - m.days * QN_DAY_MICROS;
    }
    qn_civil_from_days(m.days, &m.year, &m.month, &m.day);
    return m;
}

static int64_t weekday(int64_t days)
{
    int64_t w = (days + 4) % 7; /* 1970-01-01 was a Thursday; 0 is Sunday */
    return w < 0 ? w + 7 : w;
}

static int64_t part(const struct moment *m, int64_t unit)
{
    switch (unit) {
    case QN_UNIT_YEAR: return m->year;
    case QN_UNIT_QUARTER: return (m->month - 1) / 3 + 1;
    case QN_UNIT_MONTH: return m->month;
    case QN_UNIT_DAY: return m->day;
    case QN_UNIT_HOUR: return m->micros / (3600 * MICROS);
    case QN_UNIT_MINUTE: return m->micros / (60 * MICROS) % 60;
    case QN_UNIT_SECOND: return m->micros / MICROS % 60;
    default: return weekday(m->days);
    }
}

qn_code qn_kernel_date_part(struct qn_call *call, struct qn_column *out)
{
    const struct qn_column *x = &call->args[0]->column;
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        struct moment m = moment_of(x->type, x->i64[i]);
        out->i64[i] = part(&m, call->step->number);
    }
    return QN_OK;
}

/* The number of the unit that a moment lies in; differences count the borders between. */
static int64_t ordinal(const struct moment *m, int64_t unit)
{
    switch (unit) {
    case QN_UNIT_YEAR: return m->year;
    case QN_UNIT_QUARTER: return m->year * 4 + (m->month - 1) / 3;
    case QN_UNIT_MONTH: return m->year * 12 + m->month - 1;
    case QN_UNIT_WEEK: return qn_floor_div(m->days + 3, 7); /* weeks start on Monday */
    case QN_UNIT_DAY: return m->days;
    case QN_UNIT_HOUR: return m->days * 24 + m->micros / (3600 * MICROS);
    case QN_UNIT_MINUTE: return m->days * 1440 + m->micros / (60 * MICROS);
    default: return m->days * QN_DAY_SECONDS + m->micros / MICROS;
    }
}

qn_code qn_kernel_date_diff(struct qn_call *call, struct qn_column *out)
{
    const struct qn_vec *x = call->args[0], *y = call->args[1];
    const int64_t unit = call->step->number;
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        struct moment a = moment_of(x->column.type, qn_vec_i64(x, i));
        struct moment b = moment_of(y->column.type, qn_vec_i64(y, i));
        out->i64[i] = ordinal(&b, unit) - ordinal(&a, unit);
    }
    return QN_OK;
}

/* First day of the unit, for units of a day and longer. */
static int64_t first_day(const struct moment *m, int64_t unit)
{
    switch (unit) {
    case QN_UNIT_YEAR: return qn_days_from_civil(m->year, 1, 1);
    case QN_UNIT_QUARTER: return qn_days_from_civil(m->year, (m->month - 1) / 3 * 3 + 1, 1);
    case QN_UNIT_MONTH: return qn_days_from_civil(m->year, m->month, 1);
    case QN_UNIT_WEEK: return qn_floor_div(m->days + 3, 7) * 7 - 3;
    default: return m->days;
    }
}

static int64_t clock_unit(int64_t unit)
{
    switch (unit) {
    case QN_UNIT_HOUR: return 3600 * MICROS;
    case QN_UNIT_MINUTE: return 60 * MICROS;
    case QN_UNIT_SECOND: return MICROS;
    default: return QN_DAY_MICROS;
    }
}

qn_code qn_kernel_date_trunc(struct qn_call *call, struct qn_column *out)
{
    const struct qn_column *x = &call->args[0]->column;
    const int64_t unit = call->step->number, clock = clock_unit(unit);
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        struct moment m = moment_of(x->type, x->i64[i]);
        int64_t days = first_day(&m, unit);
        if (x->type.id == QN_TIMESTAMP)
            days = days * QN_DAY_MICROS + m.micros / clock * clock;
        out->i64[i] = days;
    }
    return QN_OK;
}

/* One letter of a format, which the compiler has checked. Returns the bytes written. */
static size_t format_letter(const struct moment *m, char letter, char out[QN_VALUE_TEXT])
{
    int64_t value = 0;
    int width = 2;
    switch (letter) {
    case 'Y':
        value = m->year;
        width = 4;
        break;
    case 'j':
        value = m->days - qn_days_from_civil(m->year, 1, 1) + 1;
        width = 3;
        break;
    case 'w':
        value = weekday(m->days);
        width = 1;
        break;
    case 'm': value = m->month; break;
    case 'd': value = m->day; break;
    case 'H': value = part(m, QN_UNIT_HOUR); break;
    case 'M': value = part(m, QN_UNIT_MINUTE); break;
    case 'S': value = part(m, QN_UNIT_SECOND); break;
    default: out[0] = '%'; return 1;
    }
    int n = snprintf(out, QN_VALUE_TEXT, "%0*lld", width, (long long)value);
    return n > 0 ? (size_t)n : 0;
}

static qn_code format_row(struct qn_textout *w, const char *format, const struct moment *m)
{
    for (; *format; format++) {
        char *at;
        QN_TRY(qn_textout_room(w, QN_VALUE_TEXT, &at));
        if (*format == '%') {
            w->len += format_letter(m, *++format, at);
        } else {
            *at = *format;
            w->len++;
        }
    }
    return QN_OK;
}

qn_code qn_kernel_strftime(struct qn_call *call, struct qn_column *out)
{
    const struct qn_column *x = &call->args[0]->column;
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 12));
    for (uint32_t i = 0; i < call->n; i++) {
        struct moment m = moment_of(x->type, x->i64[i]);
        QN_TRY(format_row(&w, call->step->data, &m));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}
