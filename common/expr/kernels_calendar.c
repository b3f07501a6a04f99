/* kernels_calendar: moments moved by units of the calendar, the last day of a month, names of days
 * and months. */
#include "expr/moment.h"
#include "expr/textout.h"

static uint32_t days_of_month(int64_t year, int64_t month)
{
    int64_t next = month == 12 ? qn_days_from_civil((int32_t)year + 1, 1, 1)
                               : qn_days_from_civil((int32_t)year, (uint32_t)month + 1, 1);
    return (uint32_t)(next - qn_days_from_civil((int32_t)year, (uint32_t)month, 1));
}

/* n months on, the same day; the last one of the month where that has no such day. */
static bool add_months(const struct qn_moment *m, int64_t n, int64_t *days)
{
    int64_t months = (int64_t)m->civil.year * 12 + m->civil.month - 1 + n;
    int64_t year = qn_floor_div(months, 12), month = months - year * 12 + 1;
    if (year < -9999 || year > 9999)
        return false;
    uint32_t last = days_of_month(year, month);
    uint32_t day = m->civil.day < last ? m->civil.day : last;
    *days = qn_days_from_civil((int32_t)year, (uint32_t)month, day);
    return true;
}

/* The unit in months, or else in microseconds. */
static int64_t months_of(int64_t unit)
{
    return unit == QN_UNIT_YEAR ? 12 : unit == QN_UNIT_QUARTER ? 3 : unit == QN_UNIT_MONTH;
}

static int64_t micros_of(int64_t unit)
{
    switch (unit) {
    case QN_UNIT_WEEK: return 7 * QN_DAY_MICROS;
    case QN_UNIT_DAY: return QN_DAY_MICROS;
    case QN_UNIT_HOUR: return 3600 * QN_SECOND_MICROS;
    case QN_UNIT_MINUTE: return 60 * QN_SECOND_MICROS;
    default: return QN_SECOND_MICROS;
    }
}

static bool add(struct qn_type type, int64_t unit, int64_t n, int64_t value, int64_t *out)
{
    struct qn_moment m = qn_moment_of(type, value);
    int64_t months = months_of(unit), low, high, days;
    qn_type_range(type, &low, &high);
    if (months) {
        if (__builtin_mul_overflow(n, months, &months) || months < -300000 || months > 300000 ||
            !add_months(&m, months, &days))
            return false;
        *out = type.id == QN_DATE ? days : days * QN_DAY_MICROS + m.micros;
    } else if (type.id == QN_DATE) {
        if (__builtin_mul_overflow(n, micros_of(unit) / QN_DAY_MICROS, &days) ||
            __builtin_add_overflow(value, days, out))
            return false;
    } else if (__builtin_mul_overflow(n, micros_of(unit), &days) ||
               __builtin_add_overflow(value, days, out)) {
        return false;
    }
    return *out >= low && *out <= high;
}

/* [moment, n]; of a DATE the unit is a day or longer. What lies past all dates is NULL. */
qn_code qn_kernel_date_add(struct qn_call *call, struct qn_column *out)
{
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        if (add(out->type, call->step->number, qn_vec_i64(call->args[1], i),
                qn_vec_i64(call->args[0], i), &out->i64[i]))
            continue;
        out->i64[i] = 0;
        QN_TRY(qn_call_own_validity(call, out));
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}

qn_code qn_kernel_last_day(struct qn_call *call, struct qn_column *out)
{
    const struct qn_column *x = &call->args[0]->column;
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_moment m = qn_moment_of(x->type, x->i64[i]);
        out->i64[i] = m.days - (int64_t)m.civil.day + days_of_month(m.civil.year, m.civil.month);
    }
    return QN_OK;
}

/* number: 1 for the day's, else the month's. */
qn_code qn_kernel_calendar_name(struct qn_call *call, struct qn_column *out)
{
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    const struct qn_column *x = &call->args[0]->column;
    struct qn_textout w;
    QN_TRY(qn_textout_start(&w, call, out, (size_t)call->n * 9));
    for (uint32_t i = 0; i < call->n; i++) {
        struct qn_moment m = qn_moment_of(x->type, x->i64[i]);
        const char *name =
            call->step->number ? days[qn_weekday_of(m.days)] : months[m.civil.month - 1];
        QN_TRY(qn_textout_put(&w, qn_strv_from(name)));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}
