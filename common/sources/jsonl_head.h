/* jsonl_head: what the start of a file says: where its records begin and how they follow. */
#ifndef QN_SOURCES_JSONL_HEAD_H
#define QN_SOURCES_JSONL_HEAD_H

#include "sources/jsonl_frame.h"
#include "sources/text_window.h"

struct qn_jsonl_head {
    enum qn_jsonl_framing framing;
    size_t start; /* behind the byte order mark */
    bool empty;   /* nothing but blanks */
};

/* Of a window over a file that is open at its start. Files that are no JSON text are refused. */
QN_CHECK qn_code qn_jsonl_head_read(struct qn_text_window *window, struct qn_jsonl_head *head,
                                    struct qn_err *err);

/* qn_source_ops.chunks: a document is one chunk. */
QN_CHECK qn_code qn_jsonl_chunks(const struct qn_source_options *options,
                                 const struct qn_source_info *info, uint32_t file_index,
                                 struct qn_arena *arena, struct qn_chunk **chunks, uint32_t *n,
                                 struct qn_err *err);

#endif
