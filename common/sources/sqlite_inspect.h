/* sqlite_inspect: qn_source_ops.inspect of SQLite: names, types and keys of a table or query. */
#ifndef QN_SOURCES_SQLITE_INSPECT_H
#define QN_SOURCES_SQLITE_INSPECT_H

#include "flow/source.h"

QN_CHECK qn_code qn_sqlite_inspect(const struct qn_source_options *options, struct qn_arena *arena,
                                   struct qn_source_info *info, struct qn_err *err);

#endif
