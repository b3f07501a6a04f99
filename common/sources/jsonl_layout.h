/* jsonl_layout: records that have the keys of one before, in the same order: what stands between
 * their values is compared, and the values need not be looked for.
 *
 * The parts between values end in a comma (the last one at the line end), which the index found. A
 * record whose parts are all the same, whose values are single ones and which has no quotes but
 * those of keys and values is a record that jsonl_record reads the same way. */
#ifndef QN_SOURCES_JSONL_LAYOUT_H
#define QN_SOURCES_JSONL_LAYOUT_H

#include "sources/jsonl_index.h"
#include "sources/jsonl_record.h"

enum {
    QN_JSONL_UNIT = 16,                   /* bytes that are compared at once */
    QN_JSONL_MAX_PART = 4 * QN_JSONL_UNIT /* records with longer keys have no layout */
};

/* What stands before a value, or behind the last one. */
struct qn_jsonl_part {
    char text[QN_JSONL_MAX_PART], mask[QN_JSONL_MAX_PART]; /* zeros behind its end */
    uint32_t len;
    uint32_t back;  /* bytes before its comma, which belong to the value before */
    int32_t slot;   /* of the value behind it; -1: not wanted */
    bool is_string; /* that value was one */
};

struct qn_jsonl_layout {
    struct qn_jsonl_part *parts; /* n + 1 */
    uint32_t n;                  /* values; 0: there is none */
    uint32_t max;
    uint32_t quotes; /* of keys and values */
};

QN_CHECK qn_code qn_jsonl_layout_init(struct qn_jsonl_layout *layout, uint32_t max,
                                      struct qn_arena *arena, struct qn_err *err);

/* That of the record bytes[at .. lf), which the parser has just read and found regular. */
void qn_jsonl_layout_learn(struct qn_jsonl_layout *layout, const struct qn_jsonl_parser *parser,
                           size_t at, size_t lf);

/* Records in the bytes, from the index: `n` from places `end` and `brk` of it on. */
struct qn_jsonl_stretch {
    const char *bytes;
    const struct qn_jsonl_index *index;
    uint32_t end, brk, n;
    const uint32_t *starts; /* n: first bytes of the records */
};

/* Fills cells[slot * stride + r] for the records that have the layout, up to the first that has
 * not, and returns how many these are. `counts` is room for n. */
uint32_t qn_jsonl_layout_match(const struct qn_jsonl_layout *layout,
                               const struct qn_jsonl_stretch *stretch, struct qn_jsonl_cell *cells,
                               uint32_t stride, uint32_t *counts);

#endif
