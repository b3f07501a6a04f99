/* jsonl_locate: the line and the raw bytes of a record that was read before. */
#ifndef QN_SOURCES_JSONL_LOCATE_H
#define QN_SOURCES_JSONL_LOCATE_H

#include "flow/source.h"
#include "sources/text_marks.h"

struct qn_jsonl_locator {
    const struct qn_chunk *chunk;
    struct qn_text_window window; /* opened on first use */
    struct qn_text_marks marks;
    struct qn_buf raw;
    bool lines; /* a record is a line, else a value */
};

/* The chunk is borrowed. */
void qn_jsonl_locator_init(struct qn_jsonl_locator *locator, const struct qn_chunk *chunk);
void qn_jsonl_locator_fini(struct qn_jsonl_locator *locator);

QN_CHECK qn_code qn_jsonl_locator_find(struct qn_jsonl_locator *locator, uint64_t offset,
                                       struct qn_location *out, struct qn_err *err);

#endif
