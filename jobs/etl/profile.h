/* profile: what the columns of a job's result look like, gathered on the way out.
 *
 * Counts, extremes, moments and distinct values see every cell, and so do top values while the
 * distinct ones are few. Quantiles, and top values past that, come from the rows with the
 * smallest hash of (seed, row), at most QN_PROFILE_ROWS of them: exact for small results, a fixed
 * sample of large ones. Nothing depends on how rows were cut or on the order of merging. */
#ifndef QN_JOBS_ETL_PROFILE_H
#define QN_JOBS_ETL_PROFILE_H

#include "flow/job.h"
#include "jobs/etl/profile_column.h"
#include "jobs/etl/row_sample.h"

enum {
    QN_PROFILE_ROWS = 2048,
    QN_PROFILE_CELLS = 1 << 18, /* of the sample, and of values: wide tables keep fewer */
};

struct qn_profile {
    const struct qn_schema *schema;
    uint64_t rows;
    struct qn_column_profile *columns;
    struct qn_row_sample sample;
    struct qn_arena arena; /* of sums */
};

QN_CHECK qn_code qn_profile_init(struct qn_profile *profile, const struct qn_schema *schema,
                                 struct qn_err *err);
void qn_profile_fini(struct qn_profile *profile);

/* Rows on their way out. `ctx` names them and knows what was imputed (imputed[i] of column names
 * etl->imputed[i]). */
QN_CHECK qn_code qn_profile_add(struct qn_profile *profile, struct qn_etl_step_ctx *ctx,
                                const struct qn_batch *batch, struct qn_err *err);

QN_CHECK qn_code qn_profile_pack(struct qn_profile *profile, struct qn_buf *buf,
                                 struct qn_err *err);
QN_CHECK qn_code qn_profile_merge(struct qn_profile *profile, struct qn_unpack *in,
                                  struct qn_err *err);

/* One finding per column. (profile_report.c) */
QN_CHECK qn_code qn_profile_report(struct qn_profile *profile, struct qn_findings *findings,
                                   struct qn_err *err);

#endif
