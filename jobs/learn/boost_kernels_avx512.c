/* The kernels of boosting with 64-byte vectors, which find the bytes of 32 rows at a time and press
 * together those that go to one side. */
#include "jobs/learn/boost_kernels.h"

#if defined(__AVX512VBMI2__)

#include <immintrin.h>

#include "jobs/learn/boost_kernels_loop.h"

enum { LANES = 32 };

static __mmask32 first_lanes(uint32_t n)
{
    return n < LANES ? (UINT32_C(1) << n) - 1 : UINT32_MAX;
}

/* Which of 16 rows, of those in `lanes`, go left. */
static inline __mmask16 sides_of(const uint8_t *bytes, __m512i width, __m512i sides, __m256i rows,
                                 __mmask16 lanes)
{
    __m512i at = _mm512_mullo_epi32(_mm512_cvtepu16_epi32(rows), width);
    __m512i words = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), lanes, at, bytes, 1);
    __m512i byte = _mm512_and_si512(words, _mm512_set1_epi32(UINT8_MAX));
    __m512i bits = _mm512_permutexvar_epi32(_mm512_srli_epi32(byte, 5), sides);
    __m512i bit = _mm512_srlv_epi32(bits, _mm512_and_si512(byte, _mm512_set1_epi32(31)));
    return _mm512_mask_test_epi32_mask(lanes, bit, _mm512_set1_epi32(1));
}

/* The lanes that are picked, to `out`; returns how many. */
static inline uint32_t press(__m512i rows, __mmask32 picked, uint16_t *out)
{
    uint32_t n = (uint32_t)__builtin_popcount(picked);
    _mm512_mask_storeu_epi16(out, first_lanes(n), _mm512_maskz_compress_epi16(picked, rows));
    return n;
}

static inline uint32_t part_lanes(const uint8_t *bytes, uint32_t width,
                                  const struct qn_boost_sides *side_of, bool all, uint16_t *rows,
                                  uint32_t n, uint16_t *scratch, struct qn_boost_ahead *ahead)
{
    const __m512i step = _mm512_set1_epi16(LANES), wide = _mm512_set1_epi32((int)width);
    const __m512i sides =
        _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(const void *)side_of->bits));
    __m512i next = _mm512_cvtepi8_epi16(_mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                                         13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
                                                         24, 25, 26, 27, 28, 29, 30, 31));
    const uint32_t n_lines = lines_of(LANES, width);
    struct qn_boost_ahead near = *ahead;
    uint32_t n_left = 0, n_right = 0;
    for (uint32_t i = 0; i < n; i += LANES) {
        __mmask32 lanes = first_lanes(n - i);
        __m512i some = all ? next : _mm512_maskz_loadu_epi16(lanes, rows + i);
        __mmask16 low =
            sides_of(bytes, wide, sides, _mm512_castsi512_si256(some), (__mmask16)lanes);
        __mmask16 high = sides_of(bytes, wide, sides, _mm512_extracti64x4_epi64(some, 1),
                                  (__mmask16)(lanes >> 16));
        __mmask32 lefts = low | (__mmask32)high << 16;
        n_left += press(some, lefts, rows + n_left);
        n_right += press(some, lanes & ~lefts, scratch + n_right);
        next = _mm512_add_epi16(next, step);
        fetch(&near, n_lines);
    }
    memcpy(rows + n_left, scratch, n_right * sizeof *rows);
    *ahead = near;
    return n_left;
}

static uint32_t part_some_lanes(const uint8_t *bytes, uint32_t width,
                                const struct qn_boost_sides *sides, uint16_t *rows, uint32_t n,
                                uint16_t *scratch, struct qn_boost_ahead *ahead)
{
    return part_lanes(bytes, width, sides, false, rows, n, scratch, ahead);
}

static uint32_t part_all_lanes(const uint8_t *bytes, uint32_t width,
                               const struct qn_boost_sides *sides, uint16_t *rows, uint32_t n,
                               uint16_t *scratch, struct qn_boost_ahead *ahead)
{
    return part_lanes(bytes, width, sides, true, rows, n, scratch, ahead);
}

const struct qn_boost_kernels qn_boost_kernels_avx512 = {.add_rows = add_rows,
                                                         .derive = derive,
                                                         .part = part_some_lanes,
                                                         .part_all = part_all_lanes,
                                                         .gains = gains_of};

#endif
