/* parquet_inspect: the columns of a source's Parquet files, by name, with the types that they are
 * read as. */
#ifndef QN_SOURCES_PARQUET_INSPECT_H
#define QN_SOURCES_PARQUET_INSPECT_H

#include "flow/source.h"

/* qn_source_ops.inspect of Parquet. Reads the footer of every file and nothing else. */
QN_CHECK qn_code qn_parquet_inspect(const struct qn_source_options *options, struct qn_arena *arena,
                                    struct qn_source_info *info, struct qn_err *err);

#endif
