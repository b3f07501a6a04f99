/* text_chunks: qn_source_ops.chunks of the formats that are text. */
#ifndef QN_SOURCES_TEXT_CHUNKS_H
#define QN_SOURCES_TEXT_CHUNKS_H

#include "flow/source.h"

/* Boundaries are multiples of chunk_bytes. An empty file is one empty chunk. */
QN_CHECK qn_code qn_text_chunks(const struct qn_source_options *options,
                                const struct qn_source_info *info, uint32_t file_index,
                                struct qn_arena *arena, struct qn_chunk **chunks, uint32_t *n,
                                struct qn_err *err);

#endif
