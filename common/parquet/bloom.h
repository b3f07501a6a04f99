/* bloom: split-block bloom filters of XXH64 hashes, as parquet-format's BloomFilter.md has them:
 * blocks of 32 bytes, in one of which a value sets a bit in each of the eight words. */
#ifndef QN_PARQUET_BLOOM_H
#define QN_PARQUET_BLOOM_H

#include "base/buf.h"
#include "parquet/file.h"

enum { QN_PQ_BLOOM_BLOCK = 32, QN_PQ_BLOOM_WORDS = 8, QN_PQ_BLOOM_MAX_BYTES = 128 << 20 };

/* Of a column chunk, in its file. */
struct qn_pq_bloom {
    const struct qn_pq_file *file; /* borrowed */
    uint64_t at;                   /* of the first block */
    uint32_t n_blocks;
};

/* False: there is none, or none that is known. */
bool qn_pq_bloom_find(const struct qn_pq_file *file, const struct qn_pq_column_meta *meta,
                      struct qn_pq_bloom *out);
/* Whether a value whose plain bytes hash so is certainly not there. */
bool qn_pq_bloom_lacks(const struct qn_pq_bloom *bloom, uint64_t hash);

/* Being made: zeroed blocks. */
void qn_pq_bloom_add(uint8_t *blocks, uint32_t n_blocks, uint64_t hash);
/* Bytes that let about 1 in 100 of other values through: a power of two, at least a block. */
uint32_t qn_pq_bloom_bytes_for(uint64_t n_distinct);

#endif
