/* index_flatten: the places of set bits, for the indexes of all text formats. */
#ifndef QN_SOURCES_INDEX_FLATTEN_H
#define QN_SOURCES_INDEX_FLATTEN_H

#include <stdint.h>

#if defined(__AVX512VBMI2__)
#include <immintrin.h>

/* Writes the places of the set bits, and up to 63 words of no meaning behind them: sixteen at a
 * stride, the numbers of the set bits moved together. */
static inline uint32_t *qn_index_flatten(uint32_t *out, uint64_t mask, uint32_t base)
{
    static const uint8_t numbers[64] = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
    const unsigned n = (unsigned)__builtin_popcountll(mask);
    const __m512i first = _mm512_set1_epi32((int)base);
    __m512i set = _mm512_maskz_compress_epi8(mask, _mm512_loadu_si512(numbers));
    __m512i places = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(set));
    _mm512_storeu_si512(out, _mm512_add_epi32(places, first));
    for (unsigned i = 16; i < n; i += 16) {
        set = _mm512_alignr_epi32(_mm512_setzero_si512(), set, 4);
        places = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(set));
        _mm512_storeu_si512(out + i, _mm512_add_epi32(places, first));
    }
    return out + n;
}

#else

/* Writes the places of the set bits, and up to 63 words of no meaning behind them. */
static inline uint32_t *qn_index_flatten(uint32_t *out, uint64_t mask, uint32_t base)
{
    unsigned n = (unsigned)__builtin_popcountll(mask);
    for (unsigned i = 0; i < n; i += 4) {
        for (unsigned k = 0; k < 4; k++) {
            /* The set bit keeps what stands past the last one defined. */
            out[i + k] = base + (uint32_t)__builtin_ctzll(mask | UINT64_C(1) << 63);
            mask &= mask - 1;
        }
    }
    return out + n;
}

#endif

#endif
