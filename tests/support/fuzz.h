/* fuzz: where a fuzz test begins and how long it goes on. By default a number of rounds, the same
 * on every machine; QUERN_FUZZ_SECONDS=600 gives every test of the file that long instead, and
 * QUERN_FUZZ_SEED another beginning. `./dev fuzz` sets both. */
#ifndef QN_TESTS_SUPPORT_FUZZ_H
#define QN_TESTS_SUPPORT_FUZZ_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

struct fuzz_run {
    uint64_t seed;   /* of this round; 1 and up unless asked otherwise */
    uint64_t rounds; /* begun */
    int64_t end_ms;  /* 0: not begun */
};

static inline uint64_t fuzz_setting(const char *name, uint64_t missing)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : missing;
}

static inline uint64_t fuzz_first_seed(void)
{
    return fuzz_setting("QUERN_FUZZ_SEED", 1);
}

/* Begins the next round, if there is to be one. */
static inline bool fuzz_next(struct fuzz_run *run, uint64_t quick_rounds)
{
    uint64_t seconds = fuzz_setting("QUERN_FUZZ_SECONDS", 0);
    if (!run->end_ms) {
        run->end_ms = qn_clock_ms() + (int64_t)seconds * 1000 + 1;
        run->seed = fuzz_first_seed();
    } else {
        run->seed++;
    }
    bool more = seconds ? qn_clock_ms() < run->end_ms : run->rounds < quick_rounds;
    run->rounds += more;
    return more;
}

#endif
