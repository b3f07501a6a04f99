/* csv_mask: which of 64 bytes matter, as bits. */
#ifndef QN_SOURCES_CSV_MASK_H
#define QN_SOURCES_CSV_MASK_H

#include <stdint.h>
#include <string.h>

#include "sources/csv_dialect.h"

#if defined(__SSE2__)
#include <emmintrin.h>

static inline uint64_t qn_csv_mask(const struct qn_csv_dialect *d, const char *at, bool *odd)
{
    __m128i delimiter = _mm_set1_epi8(d->delimiter);
    __m128i quote = _mm_set1_epi8(d->quote ? d->quote : d->delimiter);
    __m128i escape = _mm_set1_epi8(d->escape ? d->escape : d->delimiter);
    __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r'), zero = _mm_setzero_si128();
    __m128i strange = zero;
    uint64_t mask = 0;
    for (unsigned i = 0; i < 4; i++) {
        __m128i v;
        memcpy(&v, at + 16 * i, sizeof v);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(v, cr));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, delimiter));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, quote));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(v, escape));
        mask |= (uint64_t)(unsigned)_mm_movemask_epi8(hit) << (16 * i);
        strange = _mm_or_si128(strange, _mm_or_si128(v, _mm_cmpeq_epi8(v, zero)));
    }
    *odd = _mm_movemask_epi8(strange) != 0;
    return mask;
}

#else

static inline uint64_t qn_csv_mask(const struct qn_csv_dialect *d, const char *at, bool *odd)
{
    uint64_t mask = 0;
    char strange = 0;
    for (unsigned i = 0; i < 64; i++) {
        char c = at[i];
        bool hit = c == '\n' || c == '\r' || c == d->delimiter || (c == d->quote && d->quote) ||
                   (c == d->escape && d->escape);
        mask |= (uint64_t)hit << i;
        strange |= (char)(c == 0 ? -128 : c);
    }
    *odd = (strange & -128) != 0;
    return mask;
}

#endif

#endif
