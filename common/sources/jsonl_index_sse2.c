/* jsonl_index with the 16-byte vectors that every x86-64 processor has. */
#include "sources/jsonl_index.h"

#if defined(__x86_64__)

#include <emmintrin.h>

#include "sources/index_flatten.h"

struct marks {
    uint64_t quote, backslash, comma, lf, control, past_ascii;
};

static inline uint64_t bits(__m128i v, unsigned i)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8(v) << (16 * i);
}

static inline void look(const char *at, struct marks *m)
{
    const __m128i control = _mm_set1_epi8(0x1F);
    *m = (struct marks){0};
    for (unsigned i = 0; i < 4; i++) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i));
        m->quote |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), i);
        m->backslash |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8('\\')), i);
        m->comma |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8(',')), i);
        m->lf |= bits(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')), i);
        m->control |= bits(_mm_cmpeq_epi8(_mm_min_epu8(v, control), v), i);
        m->past_ascii |= bits(v, i);
    }
}

#define flatten qn_index_flatten
#include "sources/jsonl_index_loop.h"

void qn_jsonl_index_fill_sse2(struct qn_jsonl_index *index, const char *bytes, size_t from,
                              size_t len)
{
    fill(index, bytes, from, len);
}

#endif
