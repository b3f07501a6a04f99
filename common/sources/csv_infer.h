/* csv_infer: what a sample of a file says of its columns' types. */
#ifndef QN_SOURCES_CSV_INFER_H
#define QN_SOURCES_CSV_INFER_H

#include "sources/csv_scan.h"
#include "sources/text_infer.h"

/* Adds the well-formed records of the bytes, max_records at most. `field_of` maps columns to fields
 * (NULL: in order). `fields` holds dialect->n_fields. */
void qn_csv_evidence_scan(const struct qn_csv_dialect *dialect, const char *bytes, size_t len,
                          bool final, const uint32_t *field_of, uint64_t max_records,
                          struct qn_csv_field *fields, struct qn_text_evidence *evidence);

#endif
