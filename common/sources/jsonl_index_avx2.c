/* jsonl_index with 32-byte vectors. */
#include "sources/jsonl_index.h"

#if defined(__AVX2__)

#include <immintrin.h>

#include "sources/index_flatten.h"

struct marks {
    uint64_t quote, backslash, comma, lf, control, past_ascii;
};

static inline uint64_t bits(__m256i low, __m256i high)
{
    return (uint64_t)(unsigned)_mm256_movemask_epi8(low) |
           (uint64_t)(unsigned)_mm256_movemask_epi8(high) << 32;
}

static inline uint64_t mask_of(__m256i low, __m256i high, char c)
{
    const __m256i needle = _mm256_set1_epi8(c);
    return bits(_mm256_cmpeq_epi8(low, needle), _mm256_cmpeq_epi8(high, needle));
}

static inline void look(const char *at, struct marks *m)
{
    const __m256i control = _mm256_set1_epi8(0x1F);
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)at);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(at + 32));
    m->quote = mask_of(low, high, '"');
    m->backslash = mask_of(low, high, '\\');
    m->comma = mask_of(low, high, ',');
    m->lf = mask_of(low, high, '\n');
    m->control = bits(_mm256_cmpeq_epi8(_mm256_min_epu8(low, control), low),
                      _mm256_cmpeq_epi8(_mm256_min_epu8(high, control), high));
    m->past_ascii = bits(low, high);
}

#define flatten qn_index_flatten
#include "sources/jsonl_index_loop.h"

void qn_jsonl_index_fill_avx2(struct qn_jsonl_index *index, const char *bytes, size_t from,
                              size_t len)
{
    fill(index, bytes, from, len);
}

#endif
