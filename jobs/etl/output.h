/* output: rows that leave an etl job, profiled and counted on their way out, and the partial that
 * says so at the end. */
#ifndef QN_JOBS_ETL_OUTPUT_H
#define QN_JOBS_ETL_OUTPUT_H

#include "jobs/etl/pipeline.h"
#include "jobs/etl/profile.h"

struct qn_output {
    struct qn_profile profile;
};

/* What leaves the pipeline's last step goes to the output from now on. */
QN_CHECK qn_code qn_output_init(struct qn_output *output, struct qn_pipeline *pipeline,
                                struct qn_err *err);
QN_CHECK qn_code qn_output_end(struct qn_output *output, struct qn_pipeline *pipeline,
                               struct qn_err *err);
void qn_output_fini(struct qn_output *output);

/* The partial of a stage that gives partitions: rows out, tallies of tests, no profile. */
QN_CHECK qn_code qn_output_tallies(struct qn_pipeline *pipeline, struct qn_err *err);

#endif
