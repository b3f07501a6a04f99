/* csv_inspect: qn_source_ops.inspect of CSV: dialect, names, types, and that all files agree. */
#ifndef QN_SOURCES_CSV_INSPECT_H
#define QN_SOURCES_CSV_INSPECT_H

#include "flow/source.h"

QN_CHECK qn_code qn_csv_inspect(const struct qn_source_options *options, struct qn_arena *arena,
                                struct qn_source_info *info, struct qn_err *err);

#endif
