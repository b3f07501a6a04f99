/* text_chunks: qn_source_ops.chunks of the formats that are text, compressed or not. */
#ifndef QN_SOURCES_TEXT_CHUNKS_H
#define QN_SOURCES_TEXT_CHUNKS_H

#include "flow/source.h"
#include "sources/text_window.h"

/* Boundaries are multiples of chunk_bytes; of compressed files the frames that begin at or behind
 * them, if the files say where that is: else one chunk a file. An empty file is one empty chunk. */
QN_CHECK qn_code qn_text_chunks(const struct qn_source_options *options,
                                const struct qn_source_info *info, uint32_t file_index,
                                struct qn_arena *arena, struct qn_chunk **chunks, uint32_t *n,
                                struct qn_err *err);

/* Room for `count` chunks of the file behind the n there are; QN_ELIMIT when that is too many. */
QN_CHECK qn_code qn_text_chunks_reserve(const struct qn_source_options *options, const char *path,
                                        struct qn_arena *arena, struct qn_chunk **chunks,
                                        uint32_t n, uint64_t count, struct qn_err *err);

/* How a compressed file is and whether it can be split, in a few words for people. */
const char *qn_text_compression(const struct qn_source_options *options,
                                const struct qn_text_window *window, struct qn_arena *arena);

#endif
