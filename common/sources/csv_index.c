#include "sources/csv_index.h"

#include <string.h>

#include "base/simd.h"
#include "sources/csv_index_block.h"

/* --- eight bytes at a time, anywhere --------------------------------------------------------- */

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (uint64_t)(uint8_t)(byte))

struct words {
    uint64_t at[8];
};

static inline struct words words_of(const char *at)
{
    struct words w;
    memcpy(&w, at, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (unsigned i = 0; i < 8; i++)
        w.at[i] = __builtin_bswap64(w.at[i]);
#endif
    return w;
}

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

static inline uint64_t mask_of(const char *at, char c)
{
    const struct words w = words_of(at);
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++)
        mask |= gather(zeros(w.at[i] ^ EVERY(c))) << (8 * i);
    return mask;
}

static inline uint64_t past_ascii_of(const char *at)
{
    const struct words w = words_of(at);
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++)
        mask |= gather(w.at[i] & EVERY(0x80)) << (8 * i);
    return mask;
}

struct needles {
    uint64_t delimiter, quote, comment;
};

static inline struct needles needles_of(const struct qn_csv_dialect *d)
{
    return (struct needles){EVERY(d->delimiter), EVERY(d->quote ? d->quote : '\r'),
                            EVERY(d->comment ? d->comment : '\r')};
}

static inline void look(const struct needles *needles, const char *at, struct block *block)
{
    const struct words w = words_of(at);
    *block = (struct block){0};
    for (unsigned i = 0; i < 8; i++) {
        uint64_t x = w.at[i], lf = gather(zeros(x ^ EVERY('\n')));
        block->breaks |= lf << (8 * i);
        block->ends |= (lf | gather(zeros(x ^ needles->delimiter))) << (8 * i);
        block->rare |= zeros(x ^ needles->quote) | zeros(x ^ EVERY('\r')) |
                       zeros(x ^ needles->comment) | zeros(x) | (x & EVERY(0x80));
    }
}

#define flatten qn_index_flatten
#include "sources/csv_index_loop.h"

static void fill_scalar(struct qn_csv_index *index, const struct qn_csv_dialect *dialect,
                        const char *bytes, size_t from, size_t len)
{
    fill(index, dialect, bytes, from, len);
}

/* --- the best of them ------------------------------------------------------------------------ */

void qn_csv_index_fill(struct qn_csv_index *index, const struct qn_csv_dialect *dialect,
                       const char *bytes, size_t from, size_t len)
{
    index->n_ends = index->n_breaks = 0;
    index->quoted = index->doubled = index->crlf = false;
    index->lines_inside = index->past_ascii = false;
    switch (qn_simd_level()) {
#if defined(__x86_64__)
    case QN_SIMD_AVX512: qn_csv_index_fill_avx512(index, dialect, bytes, from, len); break;
    case QN_SIMD_AVX2: qn_csv_index_fill_avx2(index, dialect, bytes, from, len); break;
    case QN_SIMD_SSE2: qn_csv_index_fill_sse2(index, dialect, bytes, from, len); break;
#endif
    default: fill_scalar(index, dialect, bytes, from, len); break;
    }
}
