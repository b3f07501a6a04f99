/* csv_index with 32-byte vectors. */
#include "sources/csv_index.h"

#if defined(__AVX2__)

#include <immintrin.h>

#include "sources/csv_index_block.h"

static inline __m256i half(const char *at, unsigned i)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(at + 32 * i));
}

static inline uint64_t bits(__m256i low, __m256i high)
{
    return (uint64_t)(unsigned)_mm256_movemask_epi8(low) |
           (uint64_t)(unsigned)_mm256_movemask_epi8(high) << 32;
}

static inline uint64_t mask_of(const char *at, char c)
{
    const __m256i needle = _mm256_set1_epi8(c);
    return bits(_mm256_cmpeq_epi8(half(at, 0), needle), _mm256_cmpeq_epi8(half(at, 1), needle));
}

static inline uint64_t past_ascii_of(const char *at)
{
    return bits(half(at, 0), half(at, 1));
}

struct needles {
    __m256i delimiter, quote, comment;
};

static inline struct needles needles_of(const struct qn_csv_dialect *d)
{
    return (struct needles){_mm256_set1_epi8(d->delimiter),
                            _mm256_set1_epi8(d->quote ? d->quote : '\r'),
                            _mm256_set1_epi8(d->comment ? d->comment : '\r')};
}

/* Sign bits of what is not plain: NUL, past ASCII, a quote, a CR, a comment. */
static inline __m256i strange(const struct needles *needles, __m256i v)
{
    __m256i odd = _mm256_or_si256(v, _mm256_cmpeq_epi8(v, _mm256_setzero_si256()));
    odd = _mm256_or_si256(odd, _mm256_cmpeq_epi8(v, needles->quote));
    odd = _mm256_or_si256(odd, _mm256_cmpeq_epi8(v, needles->comment));
    return _mm256_or_si256(odd, _mm256_cmpeq_epi8(v, _mm256_set1_epi8('\r')));
}

static inline void look(const struct needles *needles, const char *at, struct block *block)
{
    const __m256i lf = _mm256_set1_epi8('\n'), low = half(at, 0), high = half(at, 1);
    __m256i low_lf = _mm256_cmpeq_epi8(low, lf), high_lf = _mm256_cmpeq_epi8(high, lf);
    block->breaks = bits(low_lf, high_lf);
    block->ends = bits(_mm256_or_si256(low_lf, _mm256_cmpeq_epi8(low, needles->delimiter)),
                       _mm256_or_si256(high_lf, _mm256_cmpeq_epi8(high, needles->delimiter)));
    __m256i odd = _mm256_or_si256(strange(needles, low), strange(needles, high));
    block->rare = (uint64_t)(unsigned)_mm256_movemask_epi8(odd);
}

#define flatten qn_index_flatten
#include "sources/csv_index_loop.h"

void qn_csv_index_fill_avx2(struct qn_csv_index *index, const struct qn_csv_dialect *dialect,
                            const char *bytes, size_t from, size_t len)
{
    fill(index, dialect, bytes, from, len);
}

#endif
