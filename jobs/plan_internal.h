/* The plan's inside, for jobs/plan*.c only. */
#ifndef QN_JOBS_PLAN_INTERNAL_H
#define QN_JOBS_PLAN_INTERNAL_H

#include "jobs/plan.h"

/* Finds a source's files and looks into them. Mistakes go to the spec's complaints; the source is
 * not ready after one. */
void qn_plan_inspect(struct qn_plan *plan, uint32_t index);

/* Compiles all jobs, needs first. QN_EINPUT when the spec has complaints. */
QN_CHECK qn_code qn_plan_compile(struct qn_plan *plan, struct qn_err *err);

#endif
