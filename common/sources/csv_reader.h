/* csv_reader: the rows of one chunk, batch by batch. */
#ifndef QN_SOURCES_CSV_READER_H
#define QN_SOURCES_CSV_READER_H

#include "flow/source.h"

/* qn_source_ops.open of CSV. In a file's first chunk first_start is 0 and lines counts what stands
 * before the records (skipped lines, comments, the header) too, so that line numbers of the file
 * are sums over its chunks. */
QN_CHECK qn_code qn_csv_reader_open(const struct qn_source_info *info, const struct qn_chunk *chunk,
                                    const bool *wanted, struct qn_reader **out, struct qn_err *err);

#endif
