/* DELTA_BINARY_PACKED: blocks of differences, each less the block's least, packed by quarters. */
#include <string.h>

#include "parquet/encode.h"
#include "parquet/pack.h"

enum {
    BLOCK = 128,
    QUARTERS = BLOCK / QN_PQ_PACK,
    HEAD_BYTES = 4 * QN_PQ_VARINT_BYTES,
    MOST_BLOCK_BYTES = QN_PQ_VARINT_BYTES + QUARTERS + BLOCK * 8,
};

static inline uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

/* Of n values and the one before them, where `values` begins. They are taken modulo the width of
 * the column's numbers, as readers add them. */
static inline __attribute__((always_inline)) int64_t
differences(const int64_t *values, uint32_t n, const bool narrow, uint64_t out[BLOCK])
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t difference = (uint64_t)values[i + 1] - (uint64_t)values[i];
        int64_t signed_one = narrow ? (int32_t)(uint32_t)difference : (int64_t)difference;
        out[i] = (uint64_t)signed_one;
        least = signed_one < least ? signed_one : least;
    }
    return least;
}

static inline __attribute__((always_inline)) uint8_t *put_block(uint8_t *to, const int64_t *values,
                                                                uint32_t n, const bool narrow)
{
    uint64_t block[BLOCK];
    int64_t least = differences(values, n, narrow, block);
    for (uint32_t i = 0; i < n; i++)
        block[i] = narrow ? (uint32_t)(block[i] - (uint64_t)least) : block[i] - (uint64_t)least;
    memset(block + n, 0, (BLOCK - n) * sizeof *block);
    to = qn_pq_varint(to, zigzag(least));
    uint8_t *widths = to;
    to += QUARTERS;
    for (uint32_t quarter = 0; quarter < QUARTERS; quarter++) {
        const uint64_t *rest = block + quarter * QN_PQ_PACK;
        uint64_t bits = 0;
        for (uint32_t i = 0; i < QN_PQ_PACK; i++)
            bits |= rest[i];
        unsigned width = bits ? 64 - (unsigned)__builtin_clzll(bits) : 0;
        widths[quarter] = (uint8_t)width;
        qn_pq_pack64(to, rest, width);
        to += width * (size_t)(QN_PQ_PACK / 8);
    }
    return to;
}

void qn_pq_encode_delta(struct qn_buf *out, const int64_t *values, uint32_t n, bool narrow)
{
    size_t n_blocks = n ? ((size_t)n - 1 + BLOCK - 1) / BLOCK : 0;
    uint8_t *to = qn_buf_reserve(out, HEAD_BYTES + n_blocks * MOST_BLOCK_BYTES);
    if (!to)
        return;
    to = qn_pq_varint(to, BLOCK);
    to = qn_pq_varint(to, QUARTERS);
    to = qn_pq_varint(to, n);
    to = qn_pq_varint(to, zigzag(n ? values[0] : 0));
    for (uint32_t i = 1; i < n; i += BLOCK) {
        uint32_t in_block = n - i < BLOCK ? n - i : BLOCK;
        to = narrow ? put_block(to, values + i - 1, in_block, true)
                    : put_block(to, values + i - 1, in_block, false);
    }
    out->len = (size_t)(to - out->data);
}
