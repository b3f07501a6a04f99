#include "parquet/bits.h"

#include "base/simd.h"

enum { MIN_VECTORS = 16 }; /* fewer numbers are not worth it */

/* With a constant width all places and shifts are constants too. */
static inline __attribute__((always_inline)) void unpack_eights(const uint8_t *in, unsigned width,
                                                                uint32_t n, uint32_t *out)
{
    const uint32_t kept = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
    for (uint32_t i = 0; i + 8 <= n; i += 8, in += width)
        for (unsigned k = 0; k < 8; k++)
            out[i + k] = (uint32_t)(qn_pq_load64(in + k * width / 8) >> (k * width % 8)) & kept;
    if (n % 8) {
        uint32_t *rest = out + (n & ~UINT32_C(7));
        for (unsigned k = 0; k < n % 8; k++)
            rest[k] = (uint32_t)(qn_pq_load64(in + k * width / 8) >> (k * width % 8)) & kept;
    }
}

static void unpack_by_width(const uint8_t *in, unsigned width, uint32_t n, uint32_t *out)
{
#define WIDTH(w)                                                                                   \
    case w:                                                                                        \
        unpack_eights(in, w, n, out);                                                              \
        break;
#define WIDTHS(w) WIDTH(w) WIDTH(w + 1) WIDTH(w + 2) WIDTH(w + 3)
    switch (width) {
    case 0:
        memset(out, 0, n * sizeof *out);
        break;
        WIDTHS(1)
        WIDTHS(5)
        WIDTHS(9)
        WIDTHS(13)
        WIDTHS(17)
        WIDTHS(21)
        WIDTHS(25)
        WIDTHS(29)
    default: break;
    }
#undef WIDTHS
#undef WIDTH
}

void qn_pq_unpack32(const uint8_t *in, unsigned width, uint32_t n, uint32_t *out)
{
#if defined(__x86_64__)
    if (n >= MIN_VECTORS && width && width <= QN_PQ_AVX2_BITS && qn_simd_level() >= QN_SIMD_AVX2) {
        uint32_t done = n & ~UINT32_C(7);
        qn_pq_unpack32_avx2(in, width, done, out);
        in += (size_t)done / 8 * width;
        out += done;
        n -= done;
    }
#endif
    unpack_by_width(in, width, n, out);
}

void qn_pq_unpack64(const uint8_t *in, uint64_t bit, unsigned width, uint32_t n, uint64_t *out)
{
    const uint64_t kept = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
    for (uint32_t i = 0; i < n; i++, bit += width) {
        const uint8_t *at = in + bit / 8;
        unsigned shift = bit % 8;
        uint64_t value = qn_pq_load64(at) >> shift;
        if (shift + width > 64)
            value |= (uint64_t)at[8] << (64 - shift);
        out[i] = value & kept;
    }
}
