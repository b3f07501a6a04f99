#include "sources/text_infer.h"

#include <math.h>

#include "flow/value.h"

enum {
    MAX_DIGITS = QN_DECIMAL_MAX_PRECISION,
    MAX_PLACES = 6,
    MAX_WORD_DIGITS = 15, /* before the point, that doubles always keep */
};

static size_t count_digits(struct qn_strv s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && s.data[at + n] >= '0' && s.data[at + n] <= '9')
        n++;
    return n;
}

static bool is_word(struct qn_strv s)
{
    double number;
    return qn_strv_eq_nocase(s, QN_STRV_LIT("nan")) ||
           (qn_parse_any_double(s, &number) && isinf(number));
}

static void add_number(struct qn_text_evidence *e, struct qn_strv s)
{
    if (is_word(s)) {
        e->some_word = e->not_integer = e->not_decimal = true;
        return;
    }
    e->some_number = true;
    size_t sign = s.len && s.data[0] == '-', whole = count_digits(s, sign), at = sign + whole;
    if (whole > 1 && s.data[sign] == '0') {
        e->not_number = true;
        return;
    }
    int64_t integer;
    double number;
    if (whole && at == s.len) {
        e->not_number |= !qn_strv_to_i64(s, &integer);
    } else {
        e->not_integer = true;
        size_t places = at < s.len && s.data[at] == '.' ? count_digits(s, at + 1) : 0;
        if (!whole || !places || at + 1 + places != s.len || places > MAX_PLACES)
            e->not_decimal = true;
        else if (places > e->places)
            e->places = (uint8_t)places;
        e->not_number |= s.data[0] == '+' || !qn_parse_double(s, &number);
    }
    if (whole > MAX_DIGITS)
        e->not_decimal = true;
    else if (whole > e->whole_digits)
        e->whole_digits = (uint8_t)whole;
}

void qn_text_evidence_add(struct qn_text_evidence *e, struct qn_strv value)
{
    int64_t ignored;
    e->values++;
    if (value.len == 0 || value.len > QN_TEXT_LONGEST_TYPED) {
        e->not_bool = e->not_number = e->not_date = e->not_timestamp = true;
        return;
    }
    e->not_bool = e->not_bool || (!qn_strv_eq_nocase(value, QN_STRV_LIT("true")) &&
                                  !qn_strv_eq_nocase(value, QN_STRV_LIT("false")));
    e->not_date = e->not_date || !qn_parse_date(value, &ignored);
    e->not_timestamp = e->not_timestamp || !qn_parse_timestamp(value, &ignored);
    if (!e->not_number)
        add_number(e, value);
}

struct qn_type qn_text_evidence_type(const struct qn_text_evidence *e)
{
    if (e->values == 0)
        return (struct qn_type){.id = QN_TEXT};
    if (!e->not_bool)
        return (struct qn_type){.id = QN_BOOL};
    if (!e->not_date)
        return (struct qn_type){.id = QN_DATE};
    if (!e->not_timestamp)
        return (struct qn_type){.id = QN_TIMESTAMP};
    bool long_whole = e->whole_digits > MAX_WORD_DIGITS;
    if (e->not_number || (e->some_word && (!e->some_number || long_whole)))
        return (struct qn_type){.id = QN_TEXT};
    if (!e->not_integer)
        return (struct qn_type){.id = QN_INT64};
    if (!e->not_decimal && e->whole_digits + e->places <= MAX_DIGITS)
        return (struct qn_type){.id = QN_DECIMAL, .precision = MAX_DIGITS, .scale = e->places};
    return (struct qn_type){.id = QN_DOUBLE};
}
