/* jsonl_index: where values and records end, 64 bytes at a time: commas and line ends that are
 * outside strings.
 *
 * The index stops before a string with a control character in it, such as a line end: what that
 * record is says jsonl_record. It does not look at brackets; jsonl_layout compares what stands
 * between values with a record that was read before. */
#ifndef QN_SOURCES_JSONL_INDEX_H
#define QN_SOURCES_JSONL_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    QN_JSONL_INDEX_ROOM = 64, /* places that a last block may write past the capacity */
};

struct qn_jsonl_index {
    uint32_t *ends;   /* places of commas and of `breaks`, ascending */
    uint32_t *breaks; /* places of LFs */
    uint32_t *quotes; /* by break: quotes before it that are not escaped, from the first byte on */
    uint32_t n_ends, n_breaks;
    uint32_t capacity; /* of all; QN_JSONL_INDEX_ROOM more are allocated */
    /* Anywhere in the bytes that were looked at: */
    bool escaped;    /* a backslash */
    bool past_ascii; /* bytes whose encoding is still to be checked */
};

/* Replaces the index by that of bytes [from, len), up to the first string that is none or until it
 * is full. `from` is the first byte of a record. QN_TEXT_SLACK readable bytes follow len. */
void qn_jsonl_index_fill(struct qn_jsonl_index *index, const char *bytes, size_t from, size_t len);

/* One for each qn_simd level that needs its own instructions. */
typedef void qn_jsonl_index_fn(struct qn_jsonl_index *index, const char *bytes, size_t from,
                               size_t len);
qn_jsonl_index_fn qn_jsonl_index_fill_sse2, qn_jsonl_index_fill_avx2, qn_jsonl_index_fill_avx512;

#endif
