/* jsonl_reader: qn_source_ops.open of the format. */
#ifndef QN_SOURCES_JSONL_READER_H
#define QN_SOURCES_JSONL_READER_H

#include "flow/source.h"

QN_CHECK qn_code qn_jsonl_reader_open(const struct qn_source_info *info,
                                      const struct qn_chunk *chunk, const bool *wanted,
                                      struct qn_reader **out, struct qn_err *err);

#endif
