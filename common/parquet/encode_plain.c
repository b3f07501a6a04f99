/* Numbers as they are, and doubles by their bytes. */
#include <string.h>

#include "parquet/encode.h"

void qn_pq_encode_plain_ints(struct qn_buf *out, const int64_t *values, uint32_t n, bool narrow)
{
    if (!narrow) {
        qn_buf_put(out, values, n * sizeof *values);
        return;
    }
    uint8_t *to = qn_buf_reserve(out, n * sizeof(int32_t));
    if (!to)
        return;
    for (uint32_t i = 0; i < n; i++) {
        int32_t value = (int32_t)values[i];
        memcpy(to + i * sizeof value, &value, sizeof value);
    }
    out->len += n * sizeof(int32_t);
}

/* Swaps `mask`'s bytes of `low` with those of `high` that lie `shift` bits below. */
static inline void swap_bytes(uint64_t *low, uint64_t *high, uint64_t mask, unsigned shift)
{
    uint64_t changed = (*low >> shift ^ *high) & mask;
    *high ^= changed;
    *low ^= changed << shift;
}

/* Eight words of eight bytes: byte k of word i becomes byte i of word k. */
static inline void transpose(uint64_t words[8])
{
    for (unsigned i = 0; i < 4; i++)
        swap_bytes(&words[i], &words[i + 4], UINT64_C(0x00000000FFFFFFFF), 32);
    for (unsigned i = 0; i < 8; i += i % 4 == 1 ? 3 : 1)
        swap_bytes(&words[i], &words[i + 2], UINT64_C(0x0000FFFF0000FFFF), 16);
    for (unsigned i = 0; i < 8; i += 2)
        swap_bytes(&words[i], &words[i + 1], UINT64_C(0x00FF00FF00FF00FF), 8);
}

void qn_pq_encode_split(struct qn_buf *out, const void *values, uint32_t n)
{
    const uint8_t *from = values;
    uint8_t *to = qn_buf_reserve(out, (size_t)n * 8);
    if (!to)
        return;
    uint32_t i = 0;
    for (; n - i >= 8; i += 8) {
        uint64_t words[8];
        memcpy(words, from + (size_t)i * 8, sizeof words);
        transpose(words);
        for (size_t k = 0; k < 8; k++)
            memcpy(to + k * n + i, &words[k], 8);
    }
    for (; i < n; i++)
        for (size_t k = 0; k < 8; k++)
            to[k * n + i] = from[(size_t)i * 8 + k];
    out->len += (size_t)n * 8;
}
