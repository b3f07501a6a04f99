/* bits: numbers of a few bits each, packed one after the other from the lowest bit up. */
#ifndef QN_PARQUET_BITS_H
#define QN_PARQUET_BITS_H

#include <stdint.h>
#include <string.h>

/* Readable bytes that stand behind all packed bytes: loads are eight bytes wide. */
enum { QN_PQ_SLACK = 32 };

static inline uint32_t qn_pq_load32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t qn_pq_load64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* n numbers of width bits (0 to 32); `in` begins with the first. */
void qn_pq_unpack32(const uint8_t *in, unsigned width, uint32_t n, uint32_t *out);

/* What it does n numbers by, a multiple of 8, of 1 to QN_PQ_AVX2_BITS bits where there is AVX2. */
enum { QN_PQ_AVX2_BITS = 25 };
void qn_pq_unpack32_avx2(const uint8_t *in, unsigned width, uint32_t n, uint32_t *out);

/* n numbers of width bits (0 to 64), the first at bit `bit` of `in`. */
void qn_pq_unpack64(const uint8_t *in, uint64_t bit, unsigned width, uint32_t n, uint64_t *out);

/* Bits that numbers from 0 to max need. */
static inline unsigned qn_pq_width_of(uint32_t max)
{
    return max ? 32U - (unsigned)__builtin_clz(max) : 0;
}

#endif
