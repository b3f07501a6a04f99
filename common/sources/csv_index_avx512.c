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

#define flatten qn_index_flatten
#include "sources/csv_index_loop.h"

void qn_csv_index_fill_avx512(struct qn_csv_index *index, const struct qn_csv_dialect *dialect,
                              const char *bytes, size_t from, size_t len)
{
    fill(index, dialect, bytes, from, len);
}

#endif
