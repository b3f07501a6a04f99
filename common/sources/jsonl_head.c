#include "sources/jsonl_head.h"

#include <string.h>

#include "sources/text_chunks.h"
#include "sources/text_refuse.h"

enum { HEAD_BYTES = 256 << 10 };
#define MAX_DOCUMENT_BYTES (UINT64_C(1) << 30) /* origins are 32 bits wide */

qn_code qn_jsonl_head_read(struct qn_text_window *window, struct qn_jsonl_head *head,
                           struct qn_err *err)
{
    QN_TRY(qn_text_window_fill(window, 0, HEAD_BYTES, err));
    const char *bytes = window->data ? window->data : "";
    size_t len = window->data ? window->len : 0;
    QN_TRY(qn_text_refuse_foreign(window->path, "JSON", bytes, len, QN_TEXT_UTF8, err));
    size_t start = len >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    bool final = qn_text_window_final(window);
    *head =
        (struct qn_jsonl_head){.framing = qn_jsonl_framing_sniff(bytes + start, len - start, final),
                               .start = start,
                               .empty = final && qn_json_blanks(bytes, start, len) == len};
    return QN_OK;
}

qn_code qn_jsonl_chunks(const struct qn_source_options *options, const struct qn_source_info *info,
                        uint32_t file_index, struct qn_arena *arena, struct qn_chunk **chunks,
                        uint32_t *n, struct qn_err *err)
{
    const char *path = options->paths[file_index];
    struct qn_text_window window;
    struct qn_jsonl_head head = {0};
    struct qn_source_options whole = *options;
    QN_TRY(qn_text_window_open(&window, path, UINT64_MAX, err));
    qn_code code = qn_jsonl_head_read(&window, &head, err);
    uint64_t bytes = window.text_bytes;
    bool compressed = window.codec != NULL;
    qn_text_window_close(&window);
    if (code != QN_OK || head.framing == QN_JSONL_LINES)
        return code == QN_OK ? qn_text_chunks(options, info, file_index, arena, chunks, n, err)
                             : code;
    whole.chunk_bytes = UINT64_MAX;
    if (compressed)
        return qn_text_chunks(&whole, info, file_index, arena, chunks, n, err);
    if (bytes > MAX_DOCUMENT_BYTES) {
        code = qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT,
                          "one JSON document of %llu bytes; expected at most 1 GiB: write a record "
                          "a line (jq -c '.[]' makes them of an array)",
                          (unsigned long long)bytes);
        qn_err_at(err, path, 0, 0);
        return code;
    }
    whole.chunk_bytes = MAX_DOCUMENT_BYTES;
    return qn_text_chunks(&whole, info, file_index, arena, chunks, n, err);
}
