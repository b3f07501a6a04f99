/* jsonl_inspect: qn_source_ops.inspect of the format. */
#ifndef QN_SOURCES_JSONL_INSPECT_H
#define QN_SOURCES_JSONL_INSPECT_H

#include "flow/source.h"

QN_CHECK qn_code qn_jsonl_inspect(const struct qn_source_options *options, struct qn_arena *arena,
                                  struct qn_source_info *info, struct qn_err *err);

#endif
