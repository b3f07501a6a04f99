#include "sources/jsonl_index.h"

#include <string.h>

#include "base/simd.h"
#include "sources/index_flatten.h"

/* --- eight bytes at a time, anywhere --------------------------------------------------------- */

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (uint64_t)(uint8_t)(byte))

/* 64 bytes, a bit each; of those past ASCII only whether there are any. */
struct marks {
    uint64_t quote, backslash, comma, lf, control, past_ascii;
};

/* The high bit of every byte that is zero, exactly. */
static inline uint64_t zeros(uint64_t x)
{
    const uint64_t low = EVERY(0x7F);
    return ~(((x & low) + low) | x | low);
}

/* The high bits of eight bytes, as the low bits of the result. */
static inline uint64_t gather(uint64_t high)
{
    return (high >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static inline void look(const char *at, struct marks *m)
{
    *m = (struct marks){0};
    for (unsigned i = 0; i < 8; i++) {
        uint64_t x;
        memcpy(&x, at + 8 * i, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        x = __builtin_bswap64(x);
#endif
        m->quote |= gather(zeros(x ^ EVERY('"'))) << (8 * i);
        m->backslash |= gather(zeros(x ^ EVERY('\\'))) << (8 * i);
        m->comma |= gather(zeros(x ^ EVERY(','))) << (8 * i);
        m->lf |= gather(zeros(x ^ EVERY('\n'))) << (8 * i);
        m->control |= gather(zeros(x & EVERY(0xE0))) << (8 * i);
        m->past_ascii |= x & EVERY(0x80);
    }
}

#define flatten qn_index_flatten
#include "sources/jsonl_index_loop.h"

static void fill_scalar(struct qn_jsonl_index *index, const char *bytes, size_t from, size_t len)
{
    fill(index, bytes, from, len);
}

/* --- the best of them ------------------------------------------------------------------------ */

void qn_jsonl_index_fill(struct qn_jsonl_index *index, const char *bytes, size_t from, size_t len)
{
    switch (qn_simd_level()) {
#if defined(__x86_64__)
    case QN_SIMD_AVX512: qn_jsonl_index_fill_avx512(index, bytes, from, len); break;
    case QN_SIMD_AVX2: qn_jsonl_index_fill_avx2(index, bytes, from, len); break;
    case QN_SIMD_SSE2: qn_jsonl_index_fill_sse2(index, bytes, from, len); break;
#endif
    default: fill_scalar(index, bytes, from, len); break;
    }
}
