/* Keys that share a hash: what an enemy would send to a hash table. */
#ifndef QN_TESTS_SUPPORT_TWIN_KEYS_H
#define QN_TESTS_SUPPORT_TWIN_KEYS_H

#include "jobs/etl/keys.h"

static inline uint64_t unmix(uint64_t x) /* what qn_mix64 made into x */
{
    x = (x ^ x >> 31 ^ x >> 62) * UINT64_C(0x319642b2d24d8ec3);
    x = (x ^ x >> 27 ^ x >> 54) * UINT64_C(0x96de1b173f119089);
    return x ^ x >> 30 ^ x >> 60;
}

static inline uint64_t hash_of(int64_t a, int64_t b)
{
    struct qn_column columns_of[2] = {{.type.id = QN_INT64, .i64 = &a},
                                      {.type.id = QN_INT64, .i64 = &b}};
    uint64_t hash;
    qn_keys_hash(columns_of, 2, 1, &hash);
    return hash;
}

/* The b that gives (a, b) this hash: the last step of qn_keys_hash undone. */
static inline int64_t twin(int64_t a, uint64_t hash)
{
    struct qn_column column = {.type.id = QN_INT64, .i64 = &a};
    uint64_t tuple;
    qn_keys_hash(&column, 1, 1, &tuple);
    uint64_t value = unmix(hash) ^ (tuple << 5 | tuple >> 59);
    return (int64_t)(unmix(value) - UINT64_C(0x9e3779b97f4a7c15));
}

#endif
