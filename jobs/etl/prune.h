/* prune: which rows of a source need not be read, since the job's filter is true for none of them.
 *
 * The filter is a row of conditions joined by AND. Each that reads columns alone which have one
 * value in a file, as those that its folders name, is worked out once per file; and what it says of
 * single columns is held against what is known of the values of a file or of a part of it. */
#ifndef QN_JOBS_ETL_PRUNE_H
#define QN_JOBS_ETL_PRUNE_H

#include "expr/expr.h"
#include "jobs/etl/build.h"

struct qn_prune {
    const struct qn_schema *schema; /* the input's, under the names that the filter sees */
    struct qn_expr **conditions;
    uint32_t n;
    const struct qn_condition *only; /* what the filter says of single columns; NULL: nothing */
};

/* Of a filter that compiled; NULL: no memory (said in build). */
const struct qn_prune *qn_prune_build(struct qn_etl_build *build, struct qn_strv filter,
                                      const struct qn_expr *whole);

/* qn_job_ops.may_pass of an etl job. */
QN_CHECK qn_code qn_prune_may_pass(const struct qn_prune *prune, const struct qn_facts *facts,
                                   struct qn_arena *arena, bool *out, struct qn_err *err);

#endif
