/* narrow: 64-bit integers to as few bytes as they need above a base, and back: the loops of ints
 * (block.h), for the instructions that the processor has. All give the same. */
#ifndef QN_WIRE_NARROW_H
#define QN_WIRE_NARROW_H

#include <stdbool.h>
#include <stdint.h>

struct qn_narrow_ops {
    /* Of n > 0 values. */
    void (*range)(const int64_t *values, uint32_t n, int64_t *least, int64_t *most);
    /* (values[i] - base) / unit of a unit that 2^twos and an odd number make, whose inverse modulo
     * 2^64 is `inverse`; false when some are no multiples: what is in `out` means nothing then. */
    bool (*quotients)(const int64_t *values, uint32_t n, int64_t base, uint64_t unit, unsigned twos,
                      uint64_t inverse, int64_t *out);
    /* values[i] - base, which fits `width` bytes: 1, 2 or 4. */
    void (*narrow)(const int64_t *values, uint32_t n, int64_t base, unsigned width, void *out);
    /* base + unit * narrow[i], wrapping around. */
    void (*widen)(const void *narrow, uint32_t n, unsigned width, int64_t base, uint64_t unit,
                  int64_t *out);
};

extern const struct qn_narrow_ops qn_narrow_plain, qn_narrow_avx2, qn_narrow_avx512;

/* The best of them, or what QUERN_SIMD allows. */
const struct qn_narrow_ops *qn_narrow(void);

#endif
