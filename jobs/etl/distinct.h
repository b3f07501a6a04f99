/* distinct: which rows repeat a key. Two stages: "distinct" sends (key hash, order, row id) of
 * every row to the partition of its key, "duplicates" finds there which rows a key could do
 * without; the state is their ids, sorted. Keys are compared by 128 bits of hash. */
#ifndef QN_JOBS_ETL_DISTINCT_H
#define QN_JOBS_ETL_DISTINCT_H

#include "jobs/etl/build.h"
#include "jobs/etl/step.h"

/* One key whose repeats are looked for; a step may have several (unique tests), which must then
 * have no order. */
struct qn_distinct_set {
    const uint32_t *columns;
    uint32_t n_columns;
    bool skip_nulls; /* rows with a NULL in the key repeat nothing (unique); else NULLs are equal */
    bool keep_last;  /* the last of equal keys stays instead of the first */
    int32_t order_by; /* first and last by this column, NULLs lowest; -1: as rows are read */
    bool listed;      /* all ids are wanted; else their number and the first one */
};

struct qn_distinct {
    struct qn_distinct_set *sets;
    uint32_t n_sets;
    struct qn_schema schema; /* of the partitions */
    uint32_t n_partitions;
};

extern const struct qn_fit_ops qn_distinct_fit;

/* Completes a step's distinct: the partition schema. False: no memory (and build->nomem). */
bool qn_distinct_init(struct qn_etl_build *build, struct qn_distinct *distinct,
                      struct qn_distinct_set *sets, uint32_t n_sets);

/* A set's refused rows, walked in the order of the rows of one task. */
struct qn_distinct_cursor {
    const uint8_t *ids; /* borrowed from the state */
    uint32_t at, n;
};

QN_CHECK qn_code qn_distinct_open(const struct qn_etl_step *step, const struct qn_etl_step_ctx *ctx,
                                  struct qn_distinct_cursor *cursors, struct qn_err *err);
/* Whether the row is among them; ids must come ascending. */
bool qn_distinct_refuses(struct qn_distinct_cursor *cursor, struct qn_row_id id);

/* How many rows a set refuses in all. */
QN_CHECK qn_code qn_distinct_failures(const struct qn_etl_step *step, const struct qn_strv *states,
                                      uint32_t set, uint64_t *out, struct qn_err *err);

#endif
