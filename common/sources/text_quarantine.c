#include "sources/text_quarantine.h"

#include "sources/text_lines.h"

enum { MAX_RAW_BYTES = 1 << 20 };

qn_code qn_text_quarantine(struct qn_rejects *rejects, struct qn_text_window *window, size_t at,
                           size_t end, struct qn_reject reject, struct qn_err *err)
{
    size_t n = end - at;
    struct qn_buf raw;
    qn_buf_init(&raw);
    qn_text_clean(&raw, (struct qn_strv){window->data + at, n < MAX_RAW_BYTES ? n : MAX_RAW_BYTES});
    reject.byte_offset = qn_text_window_offset(window, at);
    reject.file = qn_strv_from(window->path);
    reject.raw = qn_buf_strv(&raw);
    qn_code code = qn_buf_check(&raw, "a refused record", err);
    if (code == QN_OK)
        code = qn_rejects_add(rejects, &reject, err);
    qn_buf_fini(&raw);
    return code;
}
