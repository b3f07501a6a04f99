/* csv_header: names of columns, from headers and declarations. */
#ifndef QN_SOURCES_CSV_HEADER_H
#define QN_SOURCES_CSV_HEADER_H

#include "flow/source.h"
#include "sources/column_names.h"
#include "sources/csv_scan.h"

/* A field's text without escapes, in the arena; data is NULL when memory is out. */
struct qn_strv qn_csv_field_text(const struct qn_csv_dialect *dialect, const char *bytes,
                                 struct qn_csv_field field, struct qn_arena *arena);

/* Which declaration a column has: decl_of[i], or -1. With a header by name, else by position.
 * A declared column that is not there is an error at the file's header line (0-based). */
QN_CHECK qn_code qn_csv_match_declared(const struct qn_source_options *options, bool by_name,
                                       const char *const *names, uint32_t n, uint64_t header_line,
                                       int32_t *decl_of, struct qn_err *err);

/* Where another file has the columns: field_of[i]; *same when it is 0, 1, 2, ... A file that has
 * not exactly these names is refused, with its line and the first place that differs. */
QN_CHECK qn_code qn_csv_match_header(const char *path, uint64_t header_line,
                                     const char *const *expected, uint32_t n,
                                     const char *const *found, uint32_t n_found, uint32_t *field_of,
                                     bool *same, struct qn_err *err);

#endif
