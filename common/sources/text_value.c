#include "sources/text_value.h"

/* 12.0, as whole numbers are written where some are missing: the zeros say nothing. */
static bool parse_integer(struct qn_strv s, int64_t *out)
{
    size_t n = s.len;
    while (n > 1 && s.data[n - 1] == '0')
        n--;
    if (n < s.len && n > 1 && s.data[n - 1] == '.')
        s.len = n - 1;
    return qn_strv_to_i64(s, out);
}

bool qn_text_parse_any(struct qn_type type, struct qn_strv s, int64_t *out)
{
    bool truth = false;
    double number = 0;
    bool good = false;
    switch ((enum qn_type_id)type.id) {
    case QN_BOOL:
        good = qn_parse_bool(s, &truth);
        *out = truth;
        break;
    case QN_INT64: return parse_integer(s, out);
    case QN_DECIMAL: return qn_parse_any_decimal(s, type.precision, type.scale, out);
    case QN_DATE: return qn_parse_date(s, out);
    case QN_TIMESTAMP: return qn_parse_timestamp(s, out);
    case QN_DOUBLE:
        good = qn_parse_any_double(s, &number);
        memcpy(out, &number, sizeof number);
        break;
    case QN_TEXT: break;
    }
    return good;
}
