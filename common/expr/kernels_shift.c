/* kernels_shift: SQLite's date modifiers: '+7 days', '-1 month', 'start of year', 'weekday 1'. */
#include "expr/moment.h"

static const struct {
    const char *name;
    double seconds; /* months and years: of what is left after whole ones */
} units[] = {
    [QN_SHIFT_SECOND] = {"second", 1},     [QN_SHIFT_MINUTE] = {"minute", 60},
    [QN_SHIFT_HOUR] = {"hour", 3600},      [QN_SHIFT_DAY] = {"day", 86400},
    [QN_SHIFT_MONTH] = {"month", 2592000}, [QN_SHIFT_YEAR] = {"year", 31536000},
};

static bool parse_amount(struct qn_strv text, struct qn_shift *out)
{
    size_t end = 0;
    const double limit = 464269060800.0; /* seconds: nothing further away is a date */
    while (end < text.len && text.data[end] != ' ')
        end++;
    if (!qn_parse_double((struct qn_strv){text.data, end}, &out->amount))
        return false;
    struct qn_strv unit = qn_strv_trim((struct qn_strv){text.data + end, text.len - end});
    if (unit.len > 3 && (unit.data[unit.len - 1] | 0x20) == 's')
        unit.len--;
    for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++) {
        double size = out->amount * units[i].seconds;
        if (!qn_strv_eq_nocase(unit, qn_strv_from(units[i].name)))
            continue;
        out->kind = (enum qn_shift_kind)i;
        return size > -limit && size < limit;
    }
    return false;
}

bool qn_shift_parse(struct qn_strv text, struct qn_shift *out)
{
    static const struct {
        const char *text;
        enum qn_shift_kind kind;
    } starts[] = {{"start of day", QN_SHIFT_TO_DAY},
                  {"start of month", QN_SHIFT_TO_MONTH},
                  {"start of year", QN_SHIFT_TO_YEAR}};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (qn_strv_eq_nocase(text, qn_strv_from(starts[i].text))) {
            out->kind = starts[i].kind;
            return true;
        }
    if (text.len == 9 &&
        qn_strv_eq_nocase((struct qn_strv){text.data, 8}, QN_STRV_LIT("weekday ")) &&
        text.data[8] >= '0' && text.data[8] <= '6') {
        *out = (struct qn_shift){QN_SHIFT_WEEKDAY, text.data[8] - '0'};
        return true;
    }
    return text.len && text.data[0] != '.' && parse_amount(text, out);
}

static int64_t start_of(int64_t micros, enum qn_shift_kind kind)
{
    struct qn_moment m = qn_moment_of((struct qn_type){.id = QN_TIMESTAMP}, micros);
    if (kind == QN_SHIFT_TO_MONTH)
        m.days -= (int64_t)m.civil.day - 1;
    else if (kind == QN_SHIFT_TO_YEAR)
        m.days = qn_days_from_civil(m.civil.year, 1, 1);
    return m.days * QN_DAY_MICROS;
}

/* Whole months move the month; a day that it has not, such as February 30, counts on into the next.
 * False past the years that dates have. */
static bool add_months(int64_t *micros, int64_t months)
{
    struct qn_moment m = qn_moment_of((struct qn_type){.id = QN_TIMESTAMP}, *micros);
    int64_t month = m.civil.year * INT64_C(12) + m.civil.month - 1 + months;
    int64_t year = qn_floor_div(month, 12);
    if (year < -4713 || year > 9999)
        return false;
    int64_t first = qn_days_from_civil(year, (unsigned)(month - year * 12) + 1, 1);
    *micros = (first + m.civil.day - 1) * QN_DAY_MICROS + m.micros;
    return true;
}

/* SQLite adds milliseconds, rounded half away from zero. */
static bool add(int64_t *micros, const struct qn_shift *shift)
{
    double amount = shift->amount;
    if (shift->kind == QN_SHIFT_MONTH || shift->kind == QN_SHIFT_YEAR) {
        int64_t whole = (int64_t)amount;
        if (!add_months(micros, shift->kind == QN_SHIFT_YEAR ? whole * 12 : whole))
            return false;
        amount -= (double)whole;
    }
    double millis = amount * 1000.0 * units[shift->kind].seconds;
    *micros += (int64_t)(millis + (shift->amount < 0 ? -0.5 : 0.5)) * 1000;
    return true;
}

static bool shift_one(int64_t *micros, const struct qn_shift *shift)
{
    switch (shift->kind) {
    case QN_SHIFT_TO_DAY:
    case QN_SHIFT_TO_MONTH:
    case QN_SHIFT_TO_YEAR: *micros = start_of(*micros, shift->kind); return true;
    case QN_SHIFT_WEEKDAY: {
        int64_t ahead =
            (int64_t)shift->amount - qn_weekday_of(qn_floor_div(*micros, QN_DAY_MICROS));
        *micros += (ahead < 0 ? ahead + 7 : ahead) * QN_DAY_MICROS;
        return true;
    }
    case QN_SHIFT_NONE: return false;
    default: return add(micros, shift);
    }
}

/* Whether a result is a date SQLite knows. */
static bool in_range(int64_t micros)
{
    int64_t low, high;
    qn_type_range((struct qn_type){.id = QN_TIMESTAMP}, &low, &high);
    return micros >= QN_FIRST_MILLIS * 1000 && micros <= high;
}

/* Modifiers that are the same for every row, read once. */
static qn_code read_constants(struct qn_call *call, struct qn_shift **out)
{
    *out = QN_NEW_ARRAY(call->arena, struct qn_shift, call->n_args);
    if (!*out)
        return qn_call_nomem(call);
    for (uint32_t k = 1; k < call->n_args; k++)
        if (call->args[k]->constant && !qn_shift_parse(qn_vec_text(call->args[k], 0), &(*out)[k]))
            (*out)[k].kind = QN_SHIFT_NONE;
    return QN_OK;
}

static bool shift_row(struct qn_call *call, const struct qn_shift *constants, uint32_t row,
                      int64_t *micros)
{
    for (uint32_t k = 1; k < call->n_args; k++) {
        struct qn_shift shift = constants[k];
        if (!call->args[k]->constant && !qn_shift_parse(qn_vec_text(call->args[k], row), &shift))
            return false;
        if (!in_range(*micros) || !shift_one(micros, &shift))
            return false;
    }
    return in_range(*micros);
}

qn_code qn_kernel_date_shift(struct qn_call *call, struct qn_column *out)
{
    struct qn_shift *constants;
    QN_TRY(read_constants(call, &constants));
    QN_TRY(qn_call_values(call, out));
    for (uint32_t i = 0; i < call->n; i++) {
        out->i64[i] = qn_vec_i64(call->args[0], i);
        if (shift_row(call, constants, i, &out->i64[i]))
            continue;
        out->i64[i] = 0;
        QN_TRY(qn_call_own_validity(call, out));
        qn_valid_clear(out->validity, i);
    }
    return QN_OK;
}
