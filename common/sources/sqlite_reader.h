/* sqlite_reader: qn_source_ops.open of SQLite: rows of one range of keys. */
#ifndef QN_SOURCES_SQLITE_READER_H
#define QN_SOURCES_SQLITE_READER_H

#include "flow/source.h"

QN_CHECK qn_code qn_sqlite_reader_open(const struct qn_source_info *info,
                                       const struct qn_chunk *chunk, const bool *wanted,
                                       struct qn_reader **out, struct qn_err *err);

#endif
