/* csv_escape: quoted fields without their escapes. */
#ifndef QN_SOURCES_CSV_ESCAPE_H
#define QN_SOURCES_CSV_ESCAPE_H

#include "sources/csv_dialect.h"

/* Copies the inside of a quoted field without its escapes to `out`, which holds field.len bytes.
 * Returns the length. */
size_t qn_csv_unescape(const struct qn_csv_dialect *dialect, struct qn_strv field, char *out);

#endif
