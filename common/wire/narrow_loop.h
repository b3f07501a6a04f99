/* narrow_loop: the loops of narrow.h, which the compiler makes into vector instructions of the file
 * that includes this. That file fills its qn_narrow_ops with QN_NARROW_OPS. */
#ifndef QN_WIRE_NARROW_LOOP_H
#define QN_WIRE_NARROW_LOOP_H

#include <string.h>

#include "wire/narrow.h"

static void range_of(const int64_t *values, uint32_t n, int64_t *least, int64_t *most)
{
    int64_t low = values[0], high = values[0];
    for (uint32_t i = 0; i < n; i++) {
        low = values[i] < low ? values[i] : low;
        high = values[i] > high ? values[i] : high;
    }
    *least = low;
    *most = high;
}

/* A multiple times the inverse of the odd part is the quotient, shifted left by the twos; what is
 * no multiple has bits below those, or becomes more than any quotient can be. */
static bool quotients_of(const int64_t *values, uint32_t n, int64_t base, uint64_t unit,
                         unsigned twos, uint64_t inverse, int64_t *out)
{
    const uint64_t most = UINT64_MAX / unit;
    uint64_t wrong = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t product = ((uint64_t)values[i] - (uint64_t)base) * inverse;
        uint64_t quotient = product >> twos | product << (64 - twos);
        wrong |= quotient > most;
        out[i] = (int64_t)quotient;
    }
    return !wrong;
}

#define QN_NARROW(type)                                                                            \
    for (uint32_t i = 0; i < n; i++) {                                                             \
        type one = (type)((uint64_t)values[i] - (uint64_t)base);                                   \
        memcpy((char *)out + i * sizeof one, &one, sizeof one);                                    \
    }

static void narrow_to(const int64_t *values, uint32_t n, int64_t base, unsigned width, void *out)
{
    if (width == 1)
        QN_NARROW(uint8_t)
    else if (width == 2)
        QN_NARROW(uint16_t)
    else
        QN_NARROW(uint32_t)
}

#define QN_WIDEN(type)                                                                             \
    for (uint32_t i = 0; i < n; i++) {                                                             \
        type one;                                                                                  \
        memcpy(&one, (const char *)narrow + i * sizeof one, sizeof one);                           \
        out[i] = (int64_t)((uint64_t)base + unit * one);                                           \
    }

static void widen_from(const void *narrow, uint32_t n, unsigned width, int64_t base, uint64_t unit,
                       int64_t *out)
{
    if (width == 1)
        QN_WIDEN(uint8_t)
    else if (width == 2)
        QN_WIDEN(uint16_t)
    else
        QN_WIDEN(uint32_t)
}

#define QN_NARROW_OPS                                                                              \
    {                                                                                              \
        .range = range_of, .quotients = quotients_of, .narrow = narrow_to, .widen = widen_from     \
    }

#endif
