#include "parquet/pack.h"

#include <string.h>

#define QN_INLINE static inline __attribute__((always_inline))

/* With a constant width all that depends on it is worked out by the compiler. */
#define QN_PACK(name, type)                                                                        \
    QN_INLINE void name(uint8_t *to, const type *values, const unsigned width)                     \
    {                                                                                              \
        uint64_t gathered = 0;                                                                     \
        unsigned n_bits = 0;                                                                       \
        _Pragma("GCC unroll 32") for (unsigned i = 0; i < QN_PQ_PACK; i++)                         \
        {                                                                                          \
            uint64_t value = values[i];                                                            \
            gathered |= value << n_bits;                                                           \
            n_bits += width;                                                                       \
            if (n_bits < 64)                                                                       \
                continue;                                                                          \
            memcpy(to, &gathered, 8);                                                              \
            to += 8;                                                                               \
            n_bits -= 64;                                                                          \
            gathered = n_bits ? value >> (width - n_bits) : 0;                                     \
        }                                                                                          \
        if (n_bits) /* 32 x an odd width: half a word is left */                                   \
            memcpy(to, &gathered, 4);                                                              \
    }
QN_PACK(pack_narrow, uint32_t)
QN_PACK(pack_wide, uint64_t)

#define QN_CASES8(of, w) of(w) of(w + 1) of(w + 2) of(w + 3) of(w + 4) of(w + 5) of(w + 6) of(w + 7)
#define QN_CASES32(of, w)                                                                          \
    QN_CASES8(of, w) QN_CASES8(of, w + 8) QN_CASES8(of, w + 16) QN_CASES8(of, w + 24)

void qn_pq_pack32(uint8_t *to, const uint32_t values[QN_PQ_PACK], unsigned width)
{
#define QN_NARROW(w)                                                                               \
    case w: pack_narrow(to, values, w); break;
    switch (width) {
        QN_CASES32(QN_NARROW, 1)
    default: break;
    }
#undef QN_NARROW
}

void qn_pq_pack64(uint8_t *to, const uint64_t values[QN_PQ_PACK], unsigned width)
{
#define QN_WIDE(w)                                                                                 \
    case w: pack_wide(to, values, w); break;
    switch (width) {
        QN_CASES32(QN_WIDE, 1)
        QN_CASES32(QN_WIDE, 33)
    default: break;
    }
#undef QN_WIDE
}
