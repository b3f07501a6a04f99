/* jsonl_index_loop: the loop of jsonl_index, for one kind of instructions.
 *
 * Who includes it has defined look() and flatten(), as jsonl_index.c has. */
#ifndef QN_SOURCES_JSONL_INDEX_LOOP_H
#define QN_SOURCES_JSONL_INDEX_LOOP_H

#include "sources/jsonl_index.h"

/* Bit i: whether an odd number of bits up to i is set. */
static inline uint64_t prefix_xor(uint64_t x)
{
    x ^= x << 1;
    x ^= x << 2;
    x ^= x << 4;
    x ^= x << 8;
    x ^= x << 16;
    return x ^ x << 32;
}

/* Bytes that a backslash stands before, itself not escaped. *carry: the first byte is one, and then
 * whether the next block's first is. */
static __attribute__((noinline)) uint64_t escaped_by(uint64_t backslashes, bool *carry)
{
    uint64_t escaped = *carry;
    backslashes &= ~escaped;
    *carry = false;
    while (backslashes) {
        unsigned at = (unsigned)__builtin_ctzll(backslashes);
        *carry = at == 63;
        escaped |= UINT64_C(2) << at;
        backslashes &= ~(UINT64_C(3) << at);
    }
    return escaped;
}

static inline void fill(struct qn_jsonl_index *index, const char *bytes, size_t from, size_t len)
{
    const uint32_t *full = index->ends + index->capacity;
    uint32_t *ends = index->ends, *breaks = index->breaks, *quotes = index->quotes;
    uint32_t n_quotes = 0;
    uint64_t inside = 0, bad = 0, past_ascii = 0, backslashes = 0; /* inside: all bits alike */
    bool escape = false;
    for (size_t at = from; at < len && ends <= full && !bad; at += 64) {
        struct marks m;
        look(bytes + at, &m);
        uint64_t left = len - at, valid = left < 64 ? (UINT64_C(1) << left) - 1 : ~UINT64_C(0);
        if (m.backslash | escape)
            m.quote &= ~escaped_by(m.backslash, &escape);
        m.quote &= valid;
        backslashes |= m.backslash;
        past_ascii |= m.past_ascii;
        uint64_t in_string = prefix_xor(m.quote) ^ inside; /* the opening quote, not the closing */
        inside = 0 - (in_string >> 63);
        bad = m.control & in_string & valid;
        uint64_t good = bad ? valid & ((bad & (0 - bad)) - 1) : valid;
        uint64_t lf = m.lf & good & ~in_string;
        ends = flatten(ends, ((m.comma & ~in_string) | m.lf) & good, (uint32_t)at);
        for (; lf; lf &= lf - 1) {
            *breaks++ = (uint32_t)at + (uint32_t)__builtin_ctzll(lf);
            *quotes++ = n_quotes + (uint32_t)__builtin_popcountll(m.quote & ((lf & (0 - lf)) - 1));
        }
        n_quotes += (uint32_t)__builtin_popcountll(m.quote);
    }
    index->n_ends = (uint32_t)(ends - index->ends);
    index->n_breaks = (uint32_t)(breaks - index->breaks);
    index->escaped = backslashes != 0;
    index->past_ascii = past_ascii != 0;
}

#endif
