#include "sources/text_value.h"

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
    case QN_INT64: return qn_strv_to_i64(s, out);
    case QN_DECIMAL: return qn_parse_decimal(s, type.precision, type.scale, out);
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
