/* bottom: a sample, the k entries with the smallest hashes. Which rows are in it depends on the
 * rows and the seed alone, never on order or on how rows were split, so samples merge freely. */
#ifndef QN_JOBS_ETL_BOTTOM_H
#define QN_JOBS_ETL_BOTTOM_H

#include "base/buf.h"
#include "jobs/etl/keys.h"
#include "jobs/etl/step.h"

struct qn_bottom_entry {
    uint64_t hash; /* of (seed, row): the smallest stay */
    uint64_t value;
};

struct qn_bottom {
    struct qn_bottom_entry *entries; /* unordered; sorted by qn_bottom_sort */
    uint32_t n, capacity, k;
    uint64_t limit; /* entries above it cannot stay */
};

void qn_bottom_init(struct qn_bottom *sample, uint32_t k);
void qn_bottom_fini(struct qn_bottom *sample);

/* False without a look at the value: it would not stay. */
static inline bool qn_bottom_wants(const struct qn_bottom *sample, uint64_t hash)
{
    return hash <= sample->limit;
}

QN_CHECK qn_code qn_bottom_add(struct qn_bottom *sample, uint64_t hash, uint64_t value,
                               struct qn_err *err);

/* Cuts to k entries, in no order. */
void qn_bottom_cut(struct qn_bottom *sample);
/* Cuts to k entries, ascending by (hash, value). */
void qn_bottom_sort(struct qn_bottom *sample);

void qn_bottom_pack(struct qn_bottom *sample, struct qn_buf *buf);
QN_CHECK qn_code qn_bottom_merge(struct qn_bottom *sample, struct qn_unpack *in,
                                 struct qn_err *err);

/* The part of a row's hash that rows of one place have in common, and the rest. */
static inline uint64_t qn_place_hash(uint64_t seed, uint32_t file, uint32_t copy)
{
    return qn_hash_u64(seed ^ qn_hash_u64((uint64_t)file << 32 | copy));
}
static inline uint64_t qn_place_row_hash(uint64_t place, uint64_t position)
{
    return qn_mix64(place ^ position);
}

static inline uint64_t qn_row_hash(uint64_t seed, struct qn_row_id id)
{
    return qn_place_row_hash(qn_place_hash(seed, id.file, id.copy), id.position);
}

#endif
