/* delta: integers as differences to the one before, in blocks of packed bits
 * (DELTA_BINARY_PACKED). */
#ifndef QN_PARQUET_DELTA_H
#define QN_PARQUET_DELTA_H

#include <stdbool.h>

#include "base/strv.h"
#include "parquet/bits.h"

struct qn_pq_delta {
    const uint8_t *at, *end;
    uint32_t block_values, mini_values; /* of a block, of one of its parts */
    uint32_t n_minis;
    uint64_t left;         /* values that were not taken, the first included */
    uint64_t value;        /* the one before the next */
    uint64_t min;          /* what all differences of the block have in common */
    const uint8_t *widths; /* of the block's parts */
    uint32_t mini;         /* part of the block */
    uint32_t taken;        /* differences taken of the part */
    bool started;          /* the first value was taken */
};

/* False when the bytes do not begin with readable sizes. QN_PQ_SLACK readable bytes follow. */
bool qn_pq_delta_open(struct qn_pq_delta *delta, struct qn_strv bytes);

/* n values, modulo 2^64; false when there are fewer or the bytes end. */
bool qn_pq_delta_take(struct qn_pq_delta *delta, uint32_t n, int64_t *out);

/* Passes over all that is left: `at` is where the next thing begins. */
bool qn_pq_delta_pass(struct qn_pq_delta *delta);

#endif
