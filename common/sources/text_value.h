/* text_value: one text to a value of any type, as eight bytes: the bits of a double, 0 or 1 for a
 * boolean, else the int64_t that columns hold (flow/schema.h). */
#ifndef QN_SOURCES_TEXT_VALUE_H
#define QN_SOURCES_TEXT_VALUE_H

#include "sources/text_time.h"

/* Any spelling that flow/value.h takes, without blanks around it. */
bool qn_text_parse_any(struct qn_type type, struct qn_strv s, int64_t *out);

/* The usual spellings, of a text that is not empty: see text_number.h. `id` is the type's, and a
 * constant where it matters. */
__attribute__((always_inline)) static inline bool
qn_text_parse_usual(enum qn_type_id id, struct qn_type type, struct qn_strv s,
                    struct qn_text_day *day, int64_t *out)
{
    switch (id) {
    case QN_BOOL: return qn_text_parse_bool(s, out);
    case QN_INT64: return qn_text_parse_integer(s, out);
    case QN_DECIMAL: return qn_text_parse_decimal(type, s, out);
    case QN_DOUBLE: return qn_text_parse_double(s, out);
    case QN_DATE: return qn_text_parse_date(s, day, out);
    case QN_TIMESTAMP: return qn_text_parse_timestamp(s, day, out);
    case QN_TEXT: break;
    }
    return false;
}

#endif
