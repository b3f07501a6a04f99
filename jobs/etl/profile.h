/* profile: what the columns of a job's result look like, gathered on the way out.
 *
 * Counts, extremes and distinct values see every cell. Quantiles and top values come from the rows
 * with the smallest hash of (seed, row), at most QN_PROFILE_ROWS of them, so they are exact for
 * small results and a fixed sample of large ones. Mean and squared distance are taken a batch at a
 * time and merged in chunk order. */
#ifndef QN_JOBS_ETL_PROFILE_H
#define QN_JOBS_ETL_PROFILE_H

#include "flow/job.h"
#include "jobs/etl/bottom.h"
#include "jobs/etl/colstore.h"
#include "jobs/etl/sketch.h"
#include "jobs/etl/step.h"

enum {
    QN_PROFILE_ROWS = 2048,
    QN_PROFILE_CELLS = 1 << 18, /* of the sample: wide tables keep fewer rows */
    QN_PROFILE_TEXT = 128,      /* bytes of a text that the sample keeps */
};

struct qn_column_profile {
    uint64_t nulls, imputed;
    uint64_t n; /* numbers that mean and m2 saw */
    double mean, m2;
    bool any; /* min and max are there */
    union {
        struct {
            int64_t min_i64, max_i64;
        };
        struct {
            double min_f64, max_f64;
        };
        struct {
            uint64_t min_head, max_head;
        }; /* TEXT: first 8 bytes, to compare by */
    };
    struct qn_buf min_text, max_text;
    struct qn_sketch distinct;
};

struct qn_profile {
    const struct qn_schema *schema;
    uint64_t rows;
    struct qn_column_profile *columns;
    struct qn_bottom sample; /* value: row of `sampled` */
    struct qn_colstore *sampled;
    uint32_t n_sampled;
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
