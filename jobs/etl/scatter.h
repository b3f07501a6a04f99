/* scatter: rows to partitions, by the hash of their first columns. Every partition has room for a
 * run of rows, a column at a time; a run that is long enough goes out. */
#ifndef QN_JOBS_ETL_SCATTER_H
#define QN_JOBS_ETL_SCATTER_H

#include "base/int128.h"
#include "flow/job.h"

struct qn_scatter_column;

/* Which partition a row belongs to. */
struct qn_partitioning {
    const struct qn_schema *schema; /* of the rows; the first n_keys columns are the key */
    uint32_t n_keys, n_partitions;  /* without keys all rows go to partition 0 */
    uint64_t factor;                /* 2^64 / n_partitions, rounded up */
};

static inline struct qn_partitioning qn_partitioning_of(const struct qn_schema *schema,
                                                        uint32_t n_keys, uint32_t n_partitions)
{
    return (struct qn_partitioning){schema, n_keys, n_partitions, UINT64_MAX / n_partitions + 1};
}

/* The partition of a key's hash: other bits than those that place it in a table, modulo the number
 * of partitions; by multiplication, for what is left over of bits / n_partitions stands in the
 * fraction of bits * (1 / n_partitions). */
static inline uint32_t qn_partition_of(const struct qn_partitioning *by, uint64_t hash)
{
    uint64_t fraction = (hash >> 40) * by->factor;
    return by->n_keys ? (uint32_t)((qn_u128)fraction * by->n_partitions >> 64) : 0;
}

struct qn_scatter {
    struct qn_partitioning by;
    struct qn_scatter_column *columns;
    uint32_t *n;           /* rows by partition */
    struct qn_column *run; /* what goes out */
};

/* The schema is borrowed. fini in any case, also of one that is all zeros. */
QN_CHECK qn_code qn_scatter_init(struct qn_scatter *scatter, const struct qn_partitioning *by,
                                 struct qn_err *err);
void qn_scatter_fini(struct qn_scatter *scatter);

/* Rows of by.schema; scratch in the arena. */
QN_CHECK qn_code qn_scatter_add(struct qn_scatter *scatter, const struct qn_batch *batch,
                                struct qn_task_out *out, struct qn_arena *arena,
                                struct qn_err *err);
/* Gives out what is left. */
QN_CHECK qn_code qn_scatter_flush(struct qn_scatter *scatter, struct qn_task_out *out,
                                  struct qn_err *err);

/* The order that puts rows 0..n with these partitions into partition order, each in its own order,
 * into order[n]; starts[p] is where partition p begins, starts[n_partitions] is n. */
void qn_partition_order(const uint32_t *partition_of, uint32_t n, uint32_t n_partitions,
                        uint32_t *starts, uint32_t *order);

#endif
