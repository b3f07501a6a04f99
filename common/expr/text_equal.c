/* text_equal: which texts of a column equal a constant: the commonest comparison of all. */
#include <string.h>

#include "expr/kernels.h"

enum { WORD = sizeof(uint64_t) };

/* Rows before the last ones, whose first eight bytes may be read though they belong to others. */
static uint32_t rows_with_word(const struct qn_column *x, uint32_t n)
{
    uint32_t end = x->offsets[n];
    while (n > 0 && (end < WORD || x->offsets[n - 1] > end - WORD))
        n--;
    return n;
}

static inline bool same_bytes(const char *at, struct qn_strv text, size_t from)
{
    return text.len <= from || memcmp(at + from, text.data + from, text.len - from) == 0;
}

void qn_text_flip_equal(const struct qn_column *x, struct qn_strv text, uint32_t n,
                        uint8_t *restrict out)
{
    const uint32_t *offsets = x->offsets, fast = rows_with_word(x, n);
    const size_t front = text.len < WORD ? text.len : WORD;
    uint64_t wanted = 0, mask = 0;
    if (front) {
        memcpy(&wanted, text.data, front);
        memset(&mask, 0xFF, front);
    }
    for (uint32_t i = 0; i < fast; i++) {
        const char *at = x->bytes + offsets[i];
        uint64_t word;
        memcpy(&word, at, WORD);
        bool same = (offsets[i + 1] - offsets[i] == text.len) & ((word & mask) == wanted);
        if (text.len > WORD && same)
            same = same_bytes(at, text, WORD);
        out[i] ^= same;
    }
    for (uint32_t i = fast; i < n; i++)
        out[i] ^=
            offsets[i + 1] - offsets[i] == text.len && same_bytes(x->bytes + offsets[i], text, 0);
}
