/* Texts: each with its length, lengths apart from bytes, and without what they share with the text
 * before. */
#include <stdlib.h>
#include <string.h>

#include "parquet/encode.h"

static inline void copy_short(uint8_t *to, const char *from, uint32_t n)
{
    memcpy(to, from, QN_PQ_TEXT_SLACK);
    if (n > QN_PQ_TEXT_SLACK)
        memcpy(to + QN_PQ_TEXT_SLACK, from + QN_PQ_TEXT_SLACK, n - QN_PQ_TEXT_SLACK);
}

void qn_pq_encode_plain_texts(struct qn_buf *out, struct qn_pq_texts texts)
{
    size_t n_bytes = texts.n ? texts.offsets[texts.n] - texts.offsets[0] : 0;
    uint8_t *to = qn_buf_reserve(out, n_bytes + texts.n * sizeof(uint32_t) + QN_PQ_TEXT_SLACK);
    if (!to)
        return;
    for (uint32_t i = 0; i < texts.n; i++) {
        uint32_t len = texts.offsets[i + 1] - texts.offsets[i];
        memcpy(to, &len, sizeof len);
        copy_short(to + sizeof len, texts.bytes + texts.offsets[i], len);
        to += sizeof len + len;
    }
    out->len = (size_t)(to - out->data);
}

/* Room for n numbers that one encoding needs and no longer. */
static int64_t *numbers_new(struct qn_buf *out, size_t n)
{
    int64_t *numbers = calloc(n + 1, sizeof *numbers);
    out->failed |= !numbers;
    return numbers;
}

void qn_pq_encode_delta_length(struct qn_buf *out, struct qn_pq_texts texts)
{
    int64_t *lengths = numbers_new(out, texts.n);
    if (!lengths)
        return;
    for (uint32_t i = 0; i < texts.n; i++)
        lengths[i] = texts.offsets[i + 1] - texts.offsets[i];
    qn_pq_encode_delta(out, lengths, texts.n, true);
    if (texts.n)
        qn_buf_put(out, texts.bytes + texts.offsets[0], texts.offsets[texts.n] - texts.offsets[0]);
    free(lengths);
}

/* Bytes that two texts begin with, at most `most`; both may be read some bytes past that. */
static inline uint32_t shared(const char *a, const char *b, uint32_t most)
{
    for (uint32_t i = 0; i < most; i += 8) {
        uint64_t x, y;
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        if (x != y) {
            uint32_t n = i + (uint32_t)__builtin_ctzll(x ^ y) / 8;
            return n < most ? n : most;
        }
    }
    return most;
}

/* Lengths of what texts share with the one before and of what is left, and that itself. */
static size_t cut_prefixes(struct qn_pq_texts texts, int64_t *prefixes, int64_t *suffixes,
                           uint8_t *rest)
{
    uint8_t *to = rest;
    const char *last = texts.bytes;
    uint32_t last_len = 0;
    for (uint32_t i = 0; i < texts.n; i++) {
        const char *text = texts.bytes + texts.offsets[i];
        uint32_t len = texts.offsets[i + 1] - texts.offsets[i];
        uint32_t prefix = shared(last, text, len < last_len ? len : last_len);
        prefixes[i] = prefix;
        suffixes[i] = len - prefix;
        copy_short(to, text + prefix, len - prefix);
        to += len - prefix;
        last = text;
        last_len = len;
    }
    return (size_t)(to - rest);
}

void qn_pq_encode_delta_texts(struct qn_buf *out, struct qn_pq_texts texts)
{
    size_t n_bytes = texts.n ? texts.offsets[texts.n] - texts.offsets[0] : 0;
    int64_t *prefixes = numbers_new(out, texts.n), *suffixes = numbers_new(out, texts.n);
    uint8_t *rest = malloc(n_bytes + QN_PQ_TEXT_SLACK);
    out->failed |= !rest;
    if (prefixes && suffixes && rest) {
        size_t n_rest = cut_prefixes(texts, prefixes, suffixes, rest);
        qn_pq_encode_delta(out, prefixes, texts.n, true);
        qn_pq_encode_delta(out, suffixes, texts.n, true);
        qn_buf_put(out, rest, n_rest);
    }
    free(rest);
    free(suffixes);
    free(prefixes);
}
