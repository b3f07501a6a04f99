/* sketch: how many distinct values a column holds: exactly up to QN_SKETCH_EXACT, with how often
 * each occurs; by HyperLogLog with 4,096 registers (standard error 1.6 %) past that. Which form it
 * has and what it says depend on the hashes alone, so sketches merge in any order.
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

struct qn_sketch_entry {
    uint64_t hash, count;
};

struct qn_sketch {
    uint8_t *registers; /* NULL while exact */
    /* exact: entries as they first came, found by open addressing; a quarter of slots is used */
    struct qn_sketch_entry *entries;
    uint16_t *slots; /* number of the entry + 1; 0: free */
    uint32_t n, n_slots;
};

/* One of zeros is empty and holds no memory: wide tables have thousands of them. */
void qn_sketch_fini(struct qn_sketch *sketch);

/* The slow half of qn_sketch_add: a hash that is not where it should be. */
QN_CHECK qn_code qn_sketch_insert(struct qn_sketch *sketch, uint64_t hash, uint64_t times,
                                  struct qn_err *err);
/* Exact no more, however few there are. */
QN_CHECK qn_code qn_sketch_to_registers(struct qn_sketch *sketch, struct qn_err *err);

static inline void qn_sketch_register(struct qn_sketch *sketch, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> (64 - QN_SKETCH_BITS));
    uint64_t rest = hash << QN_SKETCH_BITS | (UINT64_C(1) << (QN_SKETCH_BITS - 1));
    uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
    if (rank > sketch->registers[at])
        sketch->registers[at] = rank;
}

QN_CHECK static inline qn_code qn_sketch_add(struct qn_sketch *sketch, uint64_t hash,
                                             uint64_t times, struct qn_err *err)
{
    if (sketch->registers) {
        qn_sketch_register(sketch, hash);
        return QN_OK;
    }
    uint16_t slot = sketch->n_slots ? sketch->slots[hash & (sketch->n_slots - 1)] : 0;
    if (!slot || sketch->entries[slot - 1].hash != hash)
        return qn_sketch_insert(sketch, hash, times, err);
    sketch->entries[slot - 1].count += times;
    return QN_OK;
}

uint64_t qn_sketch_count(const struct qn_sketch *sketch);
static inline bool qn_sketch_is_exact(const struct qn_sketch *sketch)
{
    return !sketch->registers;
}

#endif
