/* compile: the keys of an etl job and its compiler. */
#ifndef QN_JOBS_ETL_COMPILE_H
#define QN_JOBS_ETL_COMPILE_H

#include "flow/job.h"
#include "spec/keys.h"

extern const struct qn_spec_keys qn_etl_keys;

QN_CHECK qn_code qn_etl_compile(const struct qn_job_env *env, struct qn_job *job,
                                struct qn_err *err);

#endif
