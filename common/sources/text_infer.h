/* text_infer: what type the texts of a column have in common. */
#ifndef QN_SOURCES_TEXT_INFER_H
#define QN_SOURCES_TEXT_INFER_H

#include "base/strv.h"
#include "flow/schema.h"

enum { QN_TEXT_LONGEST_TYPED = 64 }; /* bytes: what is longer is text */

/* What a sample says of one column. Zeroed at first. */
struct qn_text_evidence {
    uint64_t values; /* seen that are not NULL */
    bool not_bool, not_integer, not_number, not_decimal, not_date, not_timestamp;
    bool some_number, some_word;  /* a word: inf, nan */
    uint8_t whole_digits, places; /* the most seen */
    bool repeats_first;           /* a value equals the text in `first` */
    struct qn_strv first;
};

/* One value, trimmed and not NULL. */
void qn_text_evidence_add(struct qn_text_evidence *evidence, struct qn_strv value);

/* boolean only for true/false, date, timestamp, integer, decimal(18,s) for s <= 6, else double,
 * also for inf and nan beside a number; text when nothing fits, when nothing was seen, for numbers
 * past the types' ranges and for numbers with leading zeros or a plus sign, which are identifiers
 * (007, 08123, +49...). */
struct qn_type qn_text_evidence_type(const struct qn_text_evidence *evidence);

#endif
