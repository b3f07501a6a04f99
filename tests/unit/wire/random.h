/* Repeatable random numbers for the tests of this room. */
#ifndef QN_TESTS_RANDOM_H
#define QN_TESTS_RANDOM_H

#include "base/hash.h"

struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    return qn_mix64(random->state += UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t random_below(struct random *random, uint64_t n)
{
    return random_next(random) % n;
}

/* All magnitudes alike: small numbers take other forms on the wire than large ones. */
static inline uint64_t random_u64(struct random *random)
{
    return random_next(random) >> random_below(random, 64);
}

static inline uint32_t random_u32(struct random *random)
{
    return (uint32_t)(random_next(random) >> (32 + random_below(random, 32)));
}

#endif
