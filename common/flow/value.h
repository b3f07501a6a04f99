/* value: text to typed values and back; one meaning for readers, casts, tests and scores.
 *
 * Parsers take the whole text (no surrounding blanks) and return false on anything else. */
#ifndef QN_FLOW_VALUE_H
#define QN_FLOW_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/int128.h"
#include "base/strv.h"
#include "flow/schema.h"

bool qn_parse_bool(struct qn_strv s, bool *out);     /* true/false, any case; t/f; yes/no; 1/0 */
bool qn_parse_double(struct qn_strv s, double *out); /* correctly rounded; nan and inf refused */
/* The same, and inf or infinity in any case, with a sign or without. */
bool qn_parse_any_double(struct qn_strv s, double *out);
/* A size: 1048576, 64KiB, 1.5GB; whole bytes. */
bool qn_parse_bytes(struct qn_strv s, uint64_t *out);
bool qn_parse_decimal(struct qn_strv s, uint8_t precision, uint8_t scale, int64_t *out);
/* exact: more than `scale` significant decimals is refused */
/* The same, and with an exponent, as Python and Java write what is small: 15E-3. */
bool qn_parse_any_decimal(struct qn_strv s, uint8_t precision, uint8_t scale, int64_t *out);
bool qn_parse_date(struct qn_strv s, int64_t *days);        /* YYYY-MM-DD, proleptic Gregorian */
bool qn_parse_timestamp(struct qn_strv s, int64_t *micros); /* date, [T ]HH:MM[:SS[.ffffff]][Z] */

/* Text of the value in `out`; returns its length. 48 bytes hold any of them. */
enum { QN_VALUE_TEXT = 48 };
size_t qn_format_i64(int64_t value, char *out);
size_t qn_format_double(double value, char *out); /* shortest text that reads back the same */
size_t qn_format_decimal(int64_t value, uint8_t scale, char *out);
size_t qn_format_date(int64_t days, char *out);
size_t qn_format_timestamp(int64_t micros, char *out); /* "YYYY-MM-DD HH:MM:SS[.ffffff]" */

double qn_decimal_to_double(int64_t value, uint8_t scale); /* nearest double */
int64_t qn_pow10(uint8_t exponent);                        /* 0..18 */

/* Civil date of a day number and back (years -9999..9999). */
int64_t qn_days_from_civil(int64_t year, unsigned month, unsigned day);
void qn_civil_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#endif
