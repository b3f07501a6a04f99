/* csv_index with the 16-byte vectors that every x86-64 processor has. */
#include "sources/csv_index.h"

#if defined(__x86_64__)

#include <emmintrin.h>

#include "sources/csv_index_block.h"

static inline __m128i piece(const char *at, unsigned i)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
}

static inline uint64_t bits(__m128i v, unsigned i)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(v) << (16 * i);
}

static inline uint64_t mask_of(const char *at, char c)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 4; i++)
        mask |= bits(_mm_cmpeq_epi8(piece(at, i), _mm_set1_epi8(c)), i);
    return mask;
}

static inline uint64_t past_ascii_of(const char *at)
{
    return bits(piece(at, 0), 0) | bits(piece(at, 1), 1) | bits(piece(at, 2), 2) |
           bits(piece(at, 3), 3);
}

struct needles {
    __m128i delimiter, quote, comment;
};

static inline struct needles needles_of(const struct qn_csv_dialect *d)
{
    return (struct needles){_mm_set1_epi8(d->delimiter), _mm_set1_epi8(d->quote ? d->quote : '\r'),
                            _mm_set1_epi8(d->comment ? d->comment : '\r')};
}

static inline void look(const struct needles *needles, const char *at, struct block *block)
{
    const __m128i cr = _mm_set1_epi8('\r'), zero = _mm_setzero_si128();
    __m128i strange = zero;
    *block = (struct block){0};
    for (unsigned i = 0; i < 4; i++) {
        __m128i v = piece(at, i), lf = _mm_cmpeq_epi8(v, _mm_set1_epi8('\n'));
        block->breaks |= bits(lf, i);
        block->ends |= bits(_mm_or_si128(lf, _mm_cmpeq_epi8(v, needles->delimiter)), i);
        __m128i odd = _mm_or_si128(v, _mm_cmpeq_epi8(v, zero)); /* sign bits: past ASCII, NUL */
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, needles->quote));
        odd = _mm_or_si128(odd, _mm_cmpeq_epi8(v, needles->comment));
        strange = _mm_or_si128(strange, _mm_or_si128(odd, _mm_cmpeq_epi8(v, cr)));
    }
    block->rare = bits(strange, 0);
}

#define flatten qn_index_flatten
#include "sources/csv_index_loop.h"

void qn_csv_index_fill_sse2(struct qn_csv_index *index, const struct qn_csv_dialect *dialect,
                            const char *bytes, size_t from, size_t len)
{
    fill(index, dialect, bytes, from, len);
}

#endif
