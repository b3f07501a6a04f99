/* json_number: a number as JSON writes it to a value, exactly: 1.50e3 is the integer 1500. */
#ifndef QN_SOURCES_JSON_NUMBER_H
#define QN_SOURCES_JSON_NUMBER_H

#include "flow/schema.h"

/* Eight bytes as in text_value.h. False: the type has no such value (a fraction, too large, no
 * type of numbers), or a number has more digits than any value. */
bool qn_json_number(struct qn_type type, struct qn_strv s, int64_t *out);

#endif
