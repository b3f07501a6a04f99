/* group: group_by and aggregate.
 *
 *     map      rows -> evaluated rows (keys, arguments, filter bits) -> groups or, where folding
 *              would shrink nothing, the evaluated rows as they are -> partitions by key hash
 *     reduce   a range of partitions -> groups -> rows
 *
 * Whatever is folded is exact, so the same groups come out however rows were cut, folded or sent.
 * Groups go out by partition and, within one, in the order in which they first appeared. */
#ifndef QN_JOBS_ETL_GROUP_H
#define QN_JOBS_ETL_GROUP_H

#include "expr/expr.h"
#include "flow/value.h"
#include "jobs/etl/bag.h"
#include "jobs/etl/build.h"
#include "jobs/etl/colstore.h"
#include "jobs/etl/scatter.h"
#include "jobs/etl/slot.h"
#include "jobs/etl/step.h"

struct qn_pipeline;

struct qn_agg {
    const char *name;
    struct qn_agg_call call;
    struct qn_type argument;
    int32_t slot; /* where its result comes from; -1: the group's number of rows */
};

struct qn_group_plan {
    const struct qn_schema *in;
    const uint32_t *keys; /* columns of `in` */
    uint32_t n_keys;
    struct qn_expr_scope *scope; /* of all expressions below */
    struct qn_expr **inputs;     /* arguments of aggregates, each once */
    uint32_t n_inputs;
    struct qn_expr **filters; /* and their filters */
    uint32_t n_filters;
    struct qn_slot *slots;
    uint32_t n_slots;
    struct qn_agg *aggs;
    uint32_t n_aggs;
    uint32_t state_bytes;       /* of a group: int64_t rows, then the slots' states */
    struct qn_schema schema;    /* of the result: keys, aggregates */
    struct qn_schema evaluated; /* keys, inputs, filter bits (63 filters an integer), places */
    struct qn_schema partition; /* keys, rows, fields of the slots */
    struct qn_partitioning by;  /* of rows of `evaluated`, and of groups alike */
    bool has_places;            /* some slot asks where a row stands in the input */
};

/* --- the table of groups --- */

struct qn_group_entry {
    uint32_t tag;   /* of its hash */
    uint32_t group; /* 1 + group; 0: free */
};

#define QN_NO_GROUP UINT32_MAX

struct qn_groups {
    const struct qn_group_plan *plan;
    struct qn_arena arena;    /* what states point to */
    struct qn_colstore *keys; /* [n_keys] */
    struct qn_bag *bags;      /* [n_slots]: of those that have one */
    char *states;             /* [n x state_bytes] */
    uint64_t *hashes;         /* [n] */
    struct qn_group_entry *entries;
    uint32_t n, capacity, n_entries; /* n_entries: a power of two */
    uint64_t dictionary;             /* whose codes are known; 0: none */
    uint32_t *group_of_code;         /* [QN_DICTIONARY_TEXTS]; QN_NO_GROUP: not met yet */
    uint64_t most_bytes;             /* past them no group is made any more; 0: no such limit */
    bool full;                       /* that happened; until cleared */
};

QN_CHECK qn_code qn_groups_init(struct qn_groups *groups, const struct qn_group_plan *plan,
                                struct qn_err *err);
void qn_groups_fini(struct qn_groups *groups);
void qn_groups_clear(struct qn_groups *groups); /* keeps the memory; to be filled again */

/* The group of every row of a batch of plan->evaluated or plan->partition, made where its key is
 * new, in the arena; QN_NO_GROUP where the table is full. Groups that are found must be folded into
 * or forgotten. */
QN_CHECK qn_code qn_groups_find(struct qn_groups *groups, const struct qn_batch *batch,
                                struct qn_arena *arena, uint32_t **group_of, struct qn_err *err);
/* As if groups from n on had not been met. */
void qn_groups_forget(struct qn_groups *groups, uint32_t n);
/* Folds the rows into their groups; every row has one. */
QN_CHECK qn_code qn_groups_fold(struct qn_groups *groups, const struct qn_batch *batch,
                                const uint32_t *group_of, struct qn_err *err);
/* Finds and folds; scratch in the arena. Rows whose group is not there once the table is full are
 * left out and come back in *rest, in the arena (n_rows 0: none was). */
QN_CHECK qn_code qn_groups_add(struct qn_groups *groups, const struct qn_batch *batch,
                               struct qn_arena *arena, struct qn_batch *rest, struct qn_err *err);
/* Room for one more group. */
QN_CHECK qn_code qn_groups_reserve(struct qn_groups *groups, struct qn_err *err);
/* Memory held. */
uint64_t qn_groups_bytes(const struct qn_groups *groups);
/* Makes sure the one group of a job without group_by is there, rows or not. */
QN_CHECK qn_code qn_groups_need_one(struct qn_groups *groups, struct qn_err *err);

/* Pairs in the largest bag: they are sent like groups. */
uint32_t qn_groups_pairs(const struct qn_groups *groups);
/* Ends the adding: what follows is giving out, until the groups are cleared. */
QN_CHECK qn_code qn_groups_seal(struct qn_groups *groups, struct qn_err *err);

static inline int64_t qn_groups_rows(const struct qn_groups *groups, uint32_t group)
{
    return *(const int64_t *)(const void *)(groups->states +
                                            (size_t)group * groups->plan->state_bytes);
}

/* How many rows a sealed group is packed into: as many as its largest bag has values, at least one.
 * Merging all of them gives the group. */
uint32_t qn_groups_pieces(const struct qn_groups *groups, uint32_t group);
/* Pieces pieces[0..n) of groups picked[0..n) as a batch of plan->partition, in the arena. */
QN_CHECK qn_code qn_groups_pack(const struct qn_groups *groups, const uint32_t *picked,
                                const uint32_t *pieces, uint32_t n, struct qn_arena *arena,
                                struct qn_batch *out, struct qn_err *err);
/* Groups picked[0..n) as rows of plan->schema; out->columns has room for them. QN_EINPUT when a sum
 * does not fit. */
QN_CHECK qn_code qn_groups_result(const struct qn_groups *groups, const uint32_t *picked,
                                  uint32_t n, struct qn_arena *arena, struct qn_batch *out,
                                  struct qn_err *err);
/* One aggregate's column of it. (agg_result.c) */
QN_CHECK qn_code qn_agg_result(const struct qn_group_plan *plan, const struct qn_agg *agg,
                               const struct qn_slot_view *view, struct qn_column *out,
                               struct qn_err *err);
/* Of one that is told from a bag. (agg_bag.c) */
QN_CHECK qn_code qn_agg_bag_result(const struct qn_agg *agg, const struct qn_slot *slot,
                                   const struct qn_slot_view *view, struct qn_column *out,
                                   struct qn_err *err);

/* All groups, partition after partition, each in the order they first appeared; starts[p] is where
 * partition p begins (room for QN_MAX_PARTITIONS + 1). NULL: no memory. */
const uint32_t *qn_groups_order(const struct qn_groups *groups, struct qn_arena *arena,
                                uint32_t *starts);

/* --- compiling --- */

/* Reads group_by and aggregate; sets etl->group and the schema. */
void qn_etl_build_group(struct qn_etl_build *build, const struct qn_node *group_by,
                        const struct qn_node *aggregate);
void qn_group_needs(const struct qn_group_plan *plan, bool *before);
uint32_t qn_group_bit_columns(const struct qn_group_plan *plan);
/* Keys, arguments, filter bits and places of a batch of plan->in, in ctx->arena. `known`: by column
 * of bits, what its filters said before. */
QN_CHECK qn_code qn_group_evaluate(const struct qn_group_plan *plan, struct qn_etl_step_ctx *ctx,
                                   struct qn_copy_counter *copies, struct qn_expr_marks *known,
                                   const struct qn_batch *batch, struct qn_batch *out,
                                   struct qn_err *err);

/* --- tasks --- */

QN_CHECK qn_code qn_group_map(struct qn_pipeline *pipeline, struct qn_err *err);
QN_CHECK qn_code qn_group_reduce(struct qn_pipeline *pipeline, struct qn_err *err);

#endif
