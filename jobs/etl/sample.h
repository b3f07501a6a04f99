/* sample: the k entries with the smallest hashes. Which rows are in it depends on the rows and the
 * seed alone, never on their order or on how they were split, so samples merge in any order. */
#ifndef QN_JOBS_ETL_SAMPLE_H
#define QN_JOBS_ETL_SAMPLE_H

#include "base/buf.h"
#include "jobs/etl/keys.h"
#include "jobs/etl/step.h"

struct qn_sample_entry {
    uint64_t hash; /* of (seed, row): the smallest stay */
    uint64_t value;
};

struct qn_sample {
    struct qn_sample_entry *entries; /* unordered; sorted by qn_sample_sort */
    uint32_t n, capacity, k;
    uint64_t limit; /* entries above it cannot stay */
};

void qn_sample_init(struct qn_sample *sample, uint32_t k);
void qn_sample_fini(struct qn_sample *sample);

/* False without a look at the value: it would not stay. */
static inline bool qn_sample_wants(const struct qn_sample *sample, uint64_t hash)
{
    return hash <= sample->limit;
}

QN_CHECK qn_code qn_sample_add(struct qn_sample *sample, uint64_t hash, uint64_t value,
                               struct qn_err *err);

/* Cuts to k entries, ascending by (hash, value). */
void qn_sample_sort(struct qn_sample *sample);

void qn_sample_pack(struct qn_sample *sample, struct qn_buf *buf);
QN_CHECK qn_code qn_sample_merge(struct qn_sample *sample, struct qn_unpack *in,
                                 struct qn_err *err);

static inline uint64_t qn_row_hash(uint64_t seed, struct qn_row_id id)
{
    uint64_t place = qn_hash_u64((uint64_t)id.file << 32 | id.copy);
    return qn_mix64(qn_hash_u64(seed ^ place) ^ id.position);
}

#endif
