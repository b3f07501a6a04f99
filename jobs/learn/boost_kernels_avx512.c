/* The kernels of boosting with 64-byte vectors, which find the bytes of 16 rows at a time and press
 * together those that go to one side. */
#include "jobs/learn/boost_kernels.h"

#if defined(__AVX512F__)

#include <immintrin.h>

#include "jobs/learn/boost_kernels_loop.h"

enum { LANES = 16 };

/* A bit a byte: which go left. */
static __m512i bits_of_sides(const uint8_t left[256])
{
    uint32_t bits[LANES] = {0};
    for (uint32_t byte = 0; byte < 256; byte++)
        bits[byte / 32] |= (uint32_t)left[byte] << (byte % 32);
    return _mm512_loadu_si512(bits);
}

static __mmask16 first_lanes(uint32_t n)
{
    return (__mmask16)(n < LANES ? (1u << n) - 1 : UINT16_MAX);
}

/* Which of the rows in `lanes` go left. */
static inline __mmask16 sides_of(const uint8_t *bytes, __m512i width, __m512i sides, __m512i rows,
                                 __mmask16 lanes)
{
    __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), lanes,
                                                _mm512_mullo_epi32(rows, width), bytes, 1);
    __m512i byte = _mm512_and_si512(words, _mm512_set1_epi32(UINT8_MAX));
    __m512i bits = _mm512_permutexvar_epi32(_mm512_srli_epi32(byte, 5), sides);
    __m512i bit = _mm512_srlv_epi32(bits, _mm512_and_si512(byte, _mm512_set1_epi32(31)));
    return _mm512_mask_test_epi32_mask(lanes, bit, _mm512_set1_epi32(1));
}

/* The lanes that are picked, to `out`; returns how many. */
static inline uint32_t press(__m512i rows, __mmask16 picked, uint32_t *out)
{
    uint32_t n = (uint32_t)__builtin_popcount(picked);
    _mm512_mask_storeu_epi32(out, first_lanes(n), _mm512_maskz_compress_epi32(picked, rows));
    return n;
}

static inline uint32_t part_lanes(const uint8_t *bytes, uint32_t width, const uint8_t left[256],
                                  bool all, uint32_t *rows, uint32_t n, uint32_t *scratch)
{
    const __m512i step = _mm512_set1_epi32(LANES), wide = _mm512_set1_epi32((int)width);
    const __m512i sides = bits_of_sides(left);
    __m512i next = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    uint32_t n_left = 0, n_right = 0;
    for (uint32_t i = 0; i < n; i += LANES) {
        __mmask16 lanes = first_lanes(n - i);
        __m512i some = all ? next : _mm512_maskz_loadu_epi32(lanes, rows + i);
        __mmask16 lefts = sides_of(bytes, wide, sides, some, lanes);
        n_left += press(some, lefts, rows + n_left);
        n_right += press(some, (__mmask16)(lanes & ~lefts), scratch + n_right);
        next = _mm512_add_epi32(next, step);
    }
    memcpy(rows + n_left, scratch, n_right * sizeof *rows);
    return n_left;
}

/* Places of bytes are numbers of 32 bits with a sign. */
static bool within_reach(uint32_t last_row, uint32_t width)
{
    return ((uint64_t)last_row + 1) * width < INT32_MAX;
}

static uint32_t part_some_lanes(const uint8_t *bytes, uint32_t width, const uint8_t left[256],
                                uint32_t *rows, uint32_t n, uint32_t *scratch)
{
    if (n && !within_reach(rows[n - 1], width))
        return part(bytes, width, left, rows, n, scratch);
    return part_lanes(bytes, width, left, false, rows, n, scratch);
}

static uint32_t part_all_lanes(const uint8_t *bytes, uint32_t width, const uint8_t left[256],
                               uint32_t *rows, uint32_t n, uint32_t *scratch)
{
    if (!within_reach(n, width))
        return part_all(bytes, width, left, rows, n, scratch);
    return part_lanes(bytes, width, left, true, rows, n, scratch);
}

const struct qn_boost_kernels qn_boost_kernels_avx512 = {.add_rows = add_rows,
                                                         .derive = derive,
                                                         .part = part_some_lanes,
                                                         .part_all = part_all_lanes,
                                                         .gains = gains_of};

#endif
