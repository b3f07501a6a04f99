/* csv_sniff: how a file is written, from its first bytes. What the spec says is taken as it is. */
#ifndef QN_SOURCES_CSV_SNIFF_H
#define QN_SOURCES_CSV_SNIFF_H

#include "flow/source.h"
#include "sources/csv_infer.h"

/* Fills delimiter, quote, escape, comment and skip_rows; *n_fields is what most records have.
 * QN_TEXT_SLACK readable bytes follow the sample. */
void qn_csv_sniff(const struct qn_source_options *options, const char *bytes, size_t len,
                  bool final, struct qn_csv_dialect *dialect, uint32_t *n_fields);

/* Whether the first record holds names. `first` are its texts; `rest` is what the records after it
 * say, with `first` of each set to the text. Types decide: a name stands above values it is not one
 * of. Where all columns are text the first record is a header unless its texts are empty, repeated,
 * or occur as values. */
bool qn_csv_sniff_header(const struct qn_strv *first, const struct qn_text_evidence *rest,
                         uint32_t n_fields);

#endif
