/* csv_infer: what type a column's values have in common. */
#ifndef QN_SOURCES_CSV_INFER_H
#define QN_SOURCES_CSV_INFER_H

#include "sources/csv_scan.h"

/* What a sample says of one column. Zeroed at first. */
struct qn_csv_evidence {
    uint64_t values; /* seen that are not NULL */
    bool not_bool, not_integer, not_number, not_decimal, not_date, not_timestamp;
    uint8_t whole_digits, places; /* the most seen */
    bool repeats_first;           /* a value equals the text in `first` */
    struct qn_strv first;
};

/* One value, trimmed and not NULL. */
void qn_csv_evidence_add(struct qn_csv_evidence *evidence, struct qn_strv value);

/* boolean only for true/false, date, timestamp, integer, decimal(18,s) for s <= 6, else double;
 * text when nothing fits, when nothing was seen, for numbers past the types' ranges and for
 * numbers with leading zeros or a plus sign, which are identifiers (007, 08123, +49...). */
struct qn_type qn_csv_evidence_type(const struct qn_csv_evidence *evidence);

/* Adds the well-formed records of the bytes, max_records at most. `field_of` maps columns to fields
 * (NULL: in order). `fields` holds dialect->n_fields. */
void qn_csv_evidence_scan(const struct qn_csv_dialect *dialect, const char *bytes, size_t len,
                          bool final, const uint32_t *field_of, uint64_t max_records,
                          struct qn_csv_field *fields, struct qn_csv_evidence *evidence);

#endif
