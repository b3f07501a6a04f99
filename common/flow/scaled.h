/* scaled: numbers as they are written, with an exponent or without, to whole numbers of a scale,
 * without a digit lost: 1.50e3 is 1500, and 150000 at scale 2. */
#ifndef QN_FLOW_SCALED_H
#define QN_FLOW_SCALED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/strv.h"

/* Of digits with an optional sign, point and exponent, which the caller has checked. False: more
 * than 19 digits that count, or no whole number that int64_t holds. */
bool qn_parse_scaled(struct qn_strv s, uint8_t scale, int64_t *out);

#endif
