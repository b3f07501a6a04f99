/* group: group_by and aggregate. A map task folds its rows into groups (hash table, in the order
 * groups first appear) and sends them, by key hash, to partitions; a reduce task merges the groups
 * of its partition in chunk order and makes the final rows.
 *
 * Sums and means of integers and decimals are exact in 128 bits and so do not depend on the order
 * of rows; those of doubles add in row order within a chunk and chunk order across, as do mean and
 * squared distance (n, mean, M2) for variance and stddev. */
#ifndef QN_JOBS_ETL_GROUP_H
#define QN_JOBS_ETL_GROUP_H

#include "expr/expr.h"
#include "flow/value.h"
#include "jobs/etl/build.h"
#include "jobs/etl/colstore.h"

/* How an aggregate's state is kept and sent. */
enum qn_agg_class {
    QN_AGG_OF_COUNT,   /* n */
    QN_AGG_OF_SUM,     /* n, sum as 128 bits: integers, decimals, booleans */
    QN_AGG_OF_SUM_F64, /* n, sum */
    QN_AGG_OF_MOMENTS, /* n, mean, M2 */
    QN_AGG_OF_EXTREME, /* n, the value */
};

struct qn_agg {
    const char *name;
    struct qn_agg_call call;
    enum qn_agg_class class;
    struct qn_type argument;
    uint32_t first_field; /* of its state in the partition schema */
};

struct qn_group_plan {
    const uint32_t *keys; /* columns of the input */
    uint32_t n_keys;
    struct qn_agg *aggs;
    uint32_t n_aggs;
    const struct qn_schema *in;
    struct qn_schema schema;    /* of the result: keys, aggregates */
    struct qn_schema partition; /* keys, rows, states */
    uint32_t n_partitions;
};

/* State of one aggregate of one group. */
struct qn_agg_state {
    int64_t n; /* rows that counted */
    union {
        qn_i128 sum;
        struct {
            double f64, m2; /* sum; or mean and M2; or an extreme double */
        };
        int64_t i64;         /* extreme */
        struct qn_strv text; /* extreme; in the groups' arena */
    };
};

struct qn_groups {
    const struct qn_group_plan *plan;
    struct qn_arena arena;       /* texts of extremes */
    struct qn_colstore *keys;    /* [n_keys] */
    struct qn_agg_state *states; /* [n x n_aggs], a group's together */
    int64_t *rows;               /* [n] folded into the group */
    uint64_t *hashes;            /* [n] */
    uint64_t *slots;             /* upper hash half | 1 + group; 0: free */
    uint32_t n, capacity, n_slots;
};

QN_CHECK qn_code qn_groups_init(struct qn_groups *groups, const struct qn_group_plan *plan,
                                struct qn_err *err);
void qn_groups_fini(struct qn_groups *groups);

/* Folds rows of the plan's input; scratch in the arena. */
QN_CHECK qn_code qn_groups_add(struct qn_groups *groups, const struct qn_batch *batch,
                               struct qn_arena *arena, struct qn_err *err);
/* Folds groups of a partition batch. */
QN_CHECK qn_code qn_groups_merge(struct qn_groups *groups, const struct qn_batch *batch,
                                 struct qn_arena *arena, struct qn_err *err);
/* Makes sure the one group of a job without group_by is there, rows or not. */
QN_CHECK qn_code qn_groups_need_one(struct qn_groups *groups, struct qn_err *err);

/* The partition of each group, into out[n]. */
void qn_groups_partitions(const struct qn_groups *groups, uint32_t *out);

/* Groups picked[0..n) as a batch of plan->partition, in the arena. */
QN_CHECK qn_code qn_groups_pack(const struct qn_groups *groups, const uint32_t *picked, uint32_t n,
                                struct qn_arena *arena, struct qn_batch *out, struct qn_err *err);
/* Groups [first, first + n) as rows of plan->schema. QN_EINPUT when a sum does not fit. */
QN_CHECK qn_code qn_groups_rows(const struct qn_groups *groups, uint32_t first, uint32_t n,
                                struct qn_arena *arena, struct qn_batch *out, struct qn_err *err);

/* Folds argument values of rows (rows[i], or all when NULL) into their groups. (aggregate.c) */
QN_CHECK qn_code qn_agg_fold(const struct qn_agg *agg, uint32_t index, struct qn_groups *groups,
                             const struct qn_column *values, const uint32_t *rows, uint32_t n,
                             const uint32_t *group_of, struct qn_err *err);
QN_CHECK qn_code qn_agg_fold_states(const struct qn_agg *agg, uint32_t index,
                                    struct qn_groups *groups, const struct qn_batch *batch,
                                    const uint32_t *group_of, struct qn_err *err);
/* How many fields of a partition the state takes, and their names and types. */
uint32_t qn_agg_fields(const struct qn_agg *agg, struct qn_field out[3]);
QN_CHECK qn_code qn_agg_pack(const struct qn_agg *agg, uint32_t index,
                             const struct qn_groups *groups, const uint32_t *picked, uint32_t n,
                             struct qn_arena *arena, struct qn_column *out, struct qn_err *err);
QN_CHECK qn_code qn_agg_result(const struct qn_agg *agg, uint32_t index,
                               const struct qn_groups *groups, uint32_t first, uint32_t n,
                               struct qn_arena *arena, struct qn_column *out, struct qn_err *err);

/* Reads group_by and aggregate; sets etl->group and the schema. */
void qn_etl_build_group(struct qn_etl_build *build, const struct qn_node *group_by,
                        const struct qn_node *aggregate);
void qn_group_needs(const struct qn_group_plan *plan, bool *before);

#endif
