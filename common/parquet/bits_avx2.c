/* bits with 32-byte vectors: eight numbers at a time. */
#include "parquet/bits.h"

#if defined(__AVX2__)

#include <immintrin.h>

/* Of each half of eight numbers the four bytes that each of its numbers begins in, and how far up
 * in them: all within 16 bytes, as numbers have 25 bits at most. */
struct places {
    uint8_t bytes[32];
    uint32_t shifts[8];
};

static struct places places_of(unsigned width)
{
    struct places places;
    for (unsigned k = 0; k < 8; k++) {
        unsigned bit = k * width - (k < 4 ? 0 : 4 * width / 8 * 8);
        for (unsigned b = 0; b < 4; b++)
            places.bytes[4 * k + b] = (uint8_t)(bit / 8 + b);
        places.shifts[k] = bit % 8;
    }
    return places;
}

void qn_pq_unpack32_avx2(const uint8_t *in, unsigned width, uint32_t n, uint32_t *out)
{
    const struct places places = places_of(width);
    const __m256i bytes = _mm256_loadu_si256((const void *)places.bytes),
                  shifts = _mm256_loadu_si256((const void *)places.shifts),
                  kept = _mm256_set1_epi32((1 << width) - 1);
    const unsigned half = 4 * width / 8;
    for (uint32_t i = 0; i < n; i += 8, in += width) {
        __m256i packed = _mm256_loadu2_m128i((const void *)(in + half), (const void *)in);
        __m256i words = _mm256_srlv_epi32(_mm256_shuffle_epi8(packed, bytes), shifts);
        _mm256_storeu_si256((void *)(out + i), _mm256_and_si256(words, kept));
    }
}

#endif
