/* kernels_strftime: dates and timestamps by a format of SQLite's letters. */
#include <stdio.h>

#include "expr/moment.h"
#include "expr/textout.h"

static size_t padded(char *out, int64_t value, int width)
{
    int n = snprintf(out, QN_VALUE_TEXT, "%0*lld", width, (long long)value);
    return n > 0 ? (size_t)n : 0;
}

/* SS.SSS; SQLite rounds to milliseconds, but never up to the next minute. */
static size_t fraction(char *out, int64_t micros)
{
    int64_t millis = (micros % (60 * QN_SECOND_MICROS) + 500) / 1000;
    if (millis > 59999)
        millis = 59999;
    int n = snprintf(out, QN_VALUE_TEXT, "%02d.%03d", (int)(millis / 1000), (int)(millis % 1000));
    return n > 0 ? (size_t)n : 0;
}

static size_t julian(char *out, const struct qn_moment *m)
{
    double day = qn_julian_day(m->days * QN_DAY_MICROS + m->micros);
    int n = snprintf(out, QN_VALUE_TEXT, "%.16g", day);
    return n > 0 ? (size_t)n : 0;
}

/* Weeks of the year that start on Monday; the days before the first one are week 0. */
static int64_t week_of_year(const struct qn_moment *m)
{
    int64_t monday_based = (qn_weekday_of(m->days) + 6) % 7;
    return (qn_day_of_year(m) - 1 + 7 - monday_based) / 7;
}

/* One letter of a format, which the compiler has checked. Returns the bytes written. */
static size_t format_letter(const struct qn_moment *m, char letter, char *out)
{
    const int64_t seconds = m->micros / QN_SECOND_MICROS;
    switch (letter) {
    case 'Y': return padded(out, m->civil.year, 4);
    case 'm': return padded(out, m->civil.month, 2);
    case 'd': return padded(out, m->civil.day, 2);
    case 'H': return padded(out, seconds / 3600, 2);
    case 'M': return padded(out, seconds / 60 % 60, 2);
    case 'S': return padded(out, seconds % 60, 2);
    case 'f': return fraction(out, m->micros);
    case 'j': return padded(out, qn_day_of_year(m), 3);
    case 'w': return padded(out, qn_weekday_of(m->days), 1);
    case 'W': return padded(out, week_of_year(m), 2);
    case 's': return padded(out, m->days * QN_DAY_SECONDS + seconds, 1);
    case 'J': return julian(out, m);
    default: out[0] = '%'; return 1;
    }
}

static qn_code format_row(struct qn_textout *w, const char *format, const struct qn_moment *m)
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
        struct qn_moment m = qn_moment_of(x->type, x->i64[i]);
        QN_TRY(format_row(&w, call->step->data, &m));
        QN_TRY(qn_textout_end(&w, i));
    }
    return QN_OK;
}
