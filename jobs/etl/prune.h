/* prune: which files of a source need not be read, since the job's filter is true for none of their
 * rows: by the columns that their folders name.
 *
 * The filter is a row of conditions joined by AND. Each that reads such columns alone is worked out
 * once per file; where one is false or NULL, no row of the file would stay. */
#ifndef QN_JOBS_ETL_PRUNE_H
#define QN_JOBS_ETL_PRUNE_H

#include "expr/expr.h"
#include "jobs/etl/build.h"

struct qn_prune {
    const struct qn_schema *schema; /* the input's, under the names that the filter sees */
    struct qn_expr **conditions;
    uint32_t n;
};

/* The conditions of a filter that compiled; NULL: no memory (said in build). */
const struct qn_prune *qn_prune_build(struct qn_etl_build *build, struct qn_strv filter);

/* qn_job_ops.may_pass of an etl job. */
QN_CHECK qn_code qn_prune_may_pass(const struct qn_prune *prune, const struct qn_batch *row,
                                   const bool *known, struct qn_arena *arena, bool *out,
                                   struct qn_err *err);

#endif
