/* csv_index with 64-byte vectors: a block is one of them. */
#include "sources/csv_index.h"

#if defined(__AVX512VBMI2__)

#include <immintrin.h>

#include "sources/csv_index_block.h"

static inline __m512i whole(const char *at)
{
    return _mm512_loadu_si512(at);
}

static inline uint64_t mask_of(const char *at, char c)
{
    return _mm512_cmpeq_epi8_mask(whole(at), _mm512_set1_epi8(c));
}

static inline uint64_t past_ascii_of(const char *at)
{
    return _mm512_movepi8_mask(whole(at));
}

struct needles {
    __m512i delimiter, quote, comment;
};

static inline struct needles needles_of(const struct qn_csv_dialect *d)
{
    return (struct needles){_mm512_set1_epi8(d->delimiter),
                            _mm512_set1_epi8(d->quote ? d->quote : '\r'),
                            _mm512_set1_epi8(d->comment ? d->comment : '\r')};
}

static inline void look(const struct needles *needles, const char *at, struct block *block)
{
    const __m512i v = whole(at), cr = _mm512_set1_epi8('\r');
    block->breaks = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n'));
    block->ends = block->breaks | _mm512_cmpeq_epi8_mask(v, needles->delimiter);
    block->rare = _mm512_movepi8_mask(v) | _mm512_testn_epi8_mask(v, v) |
                  _mm512_cmpeq_epi8_mask(v, needles->quote) | _mm512_cmpeq_epi8_mask(v, cr) |
                  _mm512_cmpeq_epi8_mask(v, needles->comment);
}

/* Sixteen places at a stride: the numbers of the set bits, moved together. */
static inline uint32_t *flatten(uint32_t *out, uint64_t mask, uint32_t base)
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

#include "sources/csv_index_loop.h"

void qn_csv_index_fill_avx512(struct qn_csv_index *index, const struct qn_csv_dialect *dialect,
                              const char *bytes, size_t from, size_t len)
{
    fill(index, dialect, bytes, from, len);
}

#endif
