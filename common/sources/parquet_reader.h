/* parquet_reader: the rows of one chunk, batch by batch. */
#ifndef QN_SOURCES_PARQUET_READER_H
#define QN_SOURCES_PARQUET_READER_H

#include "flow/source.h"

/* qn_source_ops.open of Parquet. Origins and lines are ordinals of rows; the raw text of a row is a
 * JSON object of all columns of the file. */
QN_CHECK qn_code qn_parquet_reader_open(const struct qn_source_info *info,
                                        const struct qn_chunk *chunk, const bool *wanted,
                                        struct qn_reader **out, struct qn_err *err);

#endif
