#include "parquet/bloom.h"

#include "parquet/meta_read.h"

enum { HEADER_BYTES = 64, BITS_A_VALUE = 10 };

static const uint32_t salts[QN_PQ_BLOOM_WORDS] = {0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
                                                  0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31};

/* --- asking ---------------------------------------------------------------------------------- */

bool qn_pq_bloom_find(const struct qn_pq_file *file, const struct qn_pq_column_meta *meta,
                      struct qn_pq_bloom *out)
{
    uint8_t bytes[HEADER_BYTES];
    struct qn_pq_bloom_header header;
    if (meta->bloom_offset < QN_PQ_MAGIC_BYTES || (uint64_t)meta->bloom_offset >= file->bytes)
        return false;
    uint64_t at = (uint64_t)meta->bloom_offset, left = file->bytes - at;
    size_t n = left < sizeof bytes ? (size_t)left : sizeof bytes;
    if (qn_pq_file_read(file, at, bytes, n, NULL) != QN_OK)
        return false;
    struct qn_thrift in = qn_thrift_from(bytes, n);
    qn_pq_bloom_header_read(&in, &header);
    at += (uint64_t)(in.at - bytes);
    if (in.why || !header.is_known || header.n_bytes < QN_PQ_BLOOM_BLOCK ||
        header.n_bytes % QN_PQ_BLOOM_BLOCK || (uint64_t)header.n_bytes > file->bytes - at)
        return false;
    *out = (struct qn_pq_bloom){file, at, (uint32_t)header.n_bytes / QN_PQ_BLOOM_BLOCK};
    return true;
}

static uint64_t block_of(uint64_t hash, uint32_t n_blocks)
{
    return (hash >> 32) * n_blocks >> 32;
}

static uint32_t bit_of(uint64_t hash, int word)
{
    return UINT32_C(1) << ((uint32_t)hash * salts[word] >> 27);
}

static uint32_t load(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

bool qn_pq_bloom_lacks(const struct qn_pq_bloom *bloom, uint64_t hash)
{
    uint8_t block[QN_PQ_BLOOM_BLOCK];
    uint64_t at = bloom->at + block_of(hash, bloom->n_blocks) * sizeof block;
    if (qn_pq_file_read(bloom->file, at, block, sizeof block, NULL) != QN_OK)
        return false;
    for (int word = 0; word < QN_PQ_BLOOM_WORDS; word++)
        if (!(load(block + 4 * (size_t)word) & bit_of(hash, word)))
            return true;
    return false;
}

/* --- making ---------------------------------------------------------------------------------- */

void qn_pq_bloom_add(uint8_t *blocks, uint32_t n_blocks, uint64_t hash)
{
    uint8_t *block = blocks + block_of(hash, n_blocks) * QN_PQ_BLOOM_BLOCK;
    for (int word = 0; word < QN_PQ_BLOOM_WORDS; word++) {
        uint32_t bit = bit_of(hash, word);
        for (int k = 0; k < 4; k++)
            block[4 * word + k] |= (uint8_t)(bit >> (8 * k));
    }
}

uint32_t qn_pq_bloom_bytes_for(uint64_t n_distinct)
{
    uint32_t bytes = QN_PQ_BLOOM_BLOCK;
    while (bytes < QN_PQ_BLOOM_MAX_BYTES && (uint64_t)bytes * 8 < n_distinct * BITS_A_VALUE)
        bytes *= 2;
    return bytes;
}
