/* cache: what an executor keeps between tasks because it is dear to make: a design matrix per
 * (job, unit), a model per job. A worker owns nothing: all of it can be made again. */
#ifndef QN_WORKER_CACHE_H
#define QN_WORKER_CACHE_H

#include "flow/job.h"

struct qn_cache;

QN_CHECK qn_code qn_cache_new(struct qn_cache **out, struct qn_err *err);
void qn_cache_free(struct qn_cache *cache);

#define QN_CACHE_WHOLE_JOB UINT32_MAX
/* The entry of a unit, or of the job as a whole; made empty at first. Good until the cache is
 * freed. NULL when out of memory. */
struct qn_task_cache *qn_cache_get(struct qn_cache *cache, uint32_t job, uint32_t unit);

#endif
