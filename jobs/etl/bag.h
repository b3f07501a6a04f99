/* bag: the different values of groups, each with how often it came: what exact distinct counts,
 * quantiles and modes are told from. One table for all groups of a slot, so a million small groups
 * cost no more than one large one: 21 to 43 bytes a pair of group and value, at most 3 x 2^28 of
 * them.
 *
 * Values are 64-bit keys that order as the values do (qn_bag_key_f64); texts are numbered and have
 * no order here. A bag is filled, sealed, and then read by group. */
#ifndef QN_JOBS_ETL_BAG_H
#define QN_JOBS_ETL_BAG_H

#include <string.h>

#include "jobs/etl/texts.h"

enum { QN_BAG_BLOCK = 256 };

struct qn_bag_entry {
    int64_t value;
    uint32_t group;
    uint32_t count; /* 0: free; what is past 32 bits is carried */
};

/* One value of one group that came more often than an entry can say. */
struct qn_bag_carry {
    int64_t value;
    uint32_t group;
    uint64_t times; /* UINT32_MAX each */
};

struct qn_bag {
    struct qn_bag_entry *entries; /* sealed: the first n, by group */
    uint32_t n, n_entries;        /* pairs; room, a power of two */
    uint32_t *starts;             /* sealed: where a group's entries begin; [n_groups + 1] */
    struct qn_bag_carry *carries;
    uint32_t n_carries;
    struct qn_texts texts; /* of values that are texts */
};

void qn_bag_init(struct qn_bag *bag);
void qn_bag_fini(struct qn_bag *bag);
void qn_bag_clear(struct qn_bag *bag); /* keeps the memory; to be filled again */
size_t qn_bag_bytes(const struct qn_bag *bag);

/* Adds n <= QN_BAG_BLOCK pairs, counts[i] > 0 times each (NULL: once). fresh[i] (or NULL) says
 * whether the pair is new. */
QN_CHECK qn_code qn_bag_add(struct qn_bag *bag, const uint32_t *groups, const int64_t *values,
                            const int64_t *counts, uint32_t n, bool *fresh, struct qn_err *err);

/* Puts the entries in order of their groups 0..n_groups; `sorted`: and of their values. */
QN_CHECK qn_code qn_bag_seal(struct qn_bag *bag, uint32_t n_groups, bool sorted,
                             struct qn_err *err);

/* --- of a sealed bag --- */

static inline uint32_t qn_bag_pairs(const struct qn_bag *bag, uint32_t group)
{
    return bag->starts[group + 1] - bag->starts[group];
}

static inline const struct qn_bag_entry *qn_bag_at(const struct qn_bag *bag, uint32_t group)
{
    return bag->entries + bag->starts[group];
}

uint64_t qn_bag_carried(const struct qn_bag *bag, const struct qn_bag_entry *entry);
static inline uint64_t qn_bag_count(const struct qn_bag *bag, const struct qn_bag_entry *entry)
{
    return entry->count + (bag->n_carries ? qn_bag_carried(bag, entry) : 0);
}

/* The values of entries, NULL where there is none, as a column of the type. */
QN_CHECK qn_code qn_bag_column(const struct qn_bag *bag, const struct qn_bag_entry *const *entries,
                               uint32_t n, struct qn_type type, struct qn_arena *arena,
                               struct qn_column *out, struct qn_err *err);

/* --- doubles --- */

static inline int64_t qn_bag_key_f64(double value)
{
    int64_t bits;
    value += 0.0; /* -0.0 is 0.0 */
    memcpy(&bits, &value, sizeof bits);
    return bits ^ ((bits >> 63) & INT64_MAX);
}

static inline double qn_bag_f64(int64_t key)
{
    double value;
    key ^= (key >> 63) & INT64_MAX;
    memcpy(&value, &key, sizeof value);
    return value;
}

#endif
