/* jsonl_index with 64-byte vectors: a block is one of them. */
#include "sources/jsonl_index.h"

#if defined(__AVX512VBMI2__)

#include <immintrin.h>

#include "sources/index_flatten.h"

struct marks {
    uint64_t quote, backslash, comma, lf, control, past_ascii;
};

static inline void look(const char *at, struct marks *m)
{
    const __m512i v = _mm512_loadu_si512(at);
    m->quote = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"'));
    m->backslash = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\'));
    m->comma = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(','));
    m->lf = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\n'));
    m->control = _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(0x20));
    m->past_ascii = _mm512_movepi8_mask(v);
}

#define flatten qn_index_flatten
#include "sources/jsonl_index_loop.h"

void qn_jsonl_index_fill_avx512(struct qn_jsonl_index *index, const char *bytes, size_t from,
                                size_t len)
{
    fill(index, bytes, from, len);
}

#endif
