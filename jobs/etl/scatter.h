/* scatter: rows to partitions, by the hash of their first columns. Every partition has room for a
 * run of rows, a column at a time; a run that is long enough goes out. */
#ifndef QN_JOBS_ETL_SCATTER_H
#define QN_JOBS_ETL_SCATTER_H

#include "flow/job.h"

struct qn_group_plan;
struct qn_scatter_column;

struct qn_scatter {
    const struct qn_group_plan *plan;
    const struct qn_schema *schema;
    struct qn_scatter_column *columns;
    uint32_t *n;           /* rows by partition */
    struct qn_column *run; /* what goes out */
};

QN_CHECK qn_code qn_scatter_init(struct qn_scatter *scatter, const struct qn_group_plan *plan,
                                 struct qn_err *err);
void qn_scatter_fini(struct qn_scatter *scatter);

/* Rows of plan->evaluated; scratch in the arena. */
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
