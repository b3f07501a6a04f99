/* csv_index_block: what all kinds of csv_index loops share. */
#ifndef QN_SOURCES_CSV_INDEX_BLOCK_H
#define QN_SOURCES_CSV_INDEX_BLOCK_H

#include <stdint.h>

/* 64 bytes. */
struct block {
    uint64_t ends;   /* delimiters and LFs */
    uint64_t breaks; /* LFs */
    uint64_t rare;   /* not 0: a quote, CR, comment character, NUL or byte past ASCII */
};

/* Writes the places of the set bits, and up to 63 words of no meaning behind them. */
static inline uint32_t *qn_csv_flatten(uint32_t *out, uint64_t mask, uint32_t base)
{
    unsigned n = (unsigned)__builtin_popcountll(mask);
    for (unsigned i = 0; i < n; i += 4) {
        for (unsigned k = 0; k < 4; k++) {
            /* The set bit keeps what stands past the last one defined. */
            out[i + k] = base + (uint32_t)__builtin_ctzll(mask | UINT64_C(1) << 63);
            mask &= mask - 1;
        }
    }
    return out + n;
}

#endif
