/* sketch: how many distinct values a column holds: exactly up to QN_SKETCH_EXACT, by HyperLogLog
 * with 4,096 registers (standard error 1.6 %) past that. Which form it has and what it says depend
 * on the set of hashes alone, so sketches merge in any order.
 *
 * Estimator: Flajolet and others, "HyperLogLog: the analysis of a near-optimal cardinality
 * estimation algorithm" (2007), with its linear counting for small ranges; with 64-bit hashes no
 * correction for large ones is needed. */
#ifndef QN_JOBS_ETL_SKETCH_H
#define QN_JOBS_ETL_SKETCH_H

#include "base/buf.h"

enum {
    QN_SKETCH_EXACT = 1024,
    QN_SKETCH_BITS = 12,
    QN_SKETCH_REGISTERS = 1 << QN_SKETCH_BITS,
};

struct qn_sketch {
    uint64_t *set;      /* exact: hashes (0 is kept as 1), 0: free; at most a quarter full */
    uint8_t *registers; /* NULL while exact */
    uint32_t n, n_slots;
};

/* One of zeros is empty and holds no memory: wide tables have thousands of them. */
void qn_sketch_fini(struct qn_sketch *sketch);

/* The slow half of qn_sketch_add: a hash that the exact set lacks. */
QN_CHECK qn_code qn_sketch_insert(struct qn_sketch *sketch, uint64_t hash, struct qn_err *err);

static inline void qn_sketch_register(struct qn_sketch *sketch, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> (64 - QN_SKETCH_BITS));
    uint64_t rest = hash << QN_SKETCH_BITS | (UINT64_C(1) << (QN_SKETCH_BITS - 1));
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    if (rank > sketch->registers[at])
        sketch->registers[at] = rank;
}

QN_CHECK static inline qn_code qn_sketch_add(struct qn_sketch *sketch, uint64_t hash,
                                             struct qn_err *err)
{
    if (sketch->registers) {
        qn_sketch_register(sketch, hash);
        return QN_OK;
    }
    if (sketch->n_slots && sketch->set[hash & (sketch->n_slots - 1)] == hash && hash)
        return QN_OK;
    return qn_sketch_insert(sketch, hash, err);
}

/* Many hashes at once. */
QN_CHECK qn_code qn_sketch_add_all(struct qn_sketch *sketch, const uint64_t *hashes, uint32_t n,
                                   struct qn_err *err);

uint64_t qn_sketch_count(const struct qn_sketch *sketch);
static inline bool qn_sketch_is_exact(const struct qn_sketch *sketch)
{
    return !sketch->registers;
}

void qn_sketch_pack(const struct qn_sketch *sketch, struct qn_buf *buf);
QN_CHECK qn_code qn_sketch_merge(struct qn_sketch *sketch, struct qn_unpack *in,
                                 struct qn_err *err);

#endif
