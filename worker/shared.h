/* shared: what all executors of a worker read and none changes: made once by the first that asks,
 * while others wait for it. Kept until the run ends. */
#ifndef QN_WORKER_SHARED_H
#define QN_WORKER_SHARED_H

#include "flow/job.h"

struct qn_shared;

QN_CHECK qn_code qn_shared_new(struct qn_shared **out, struct qn_err *err);
void qn_shared_free(struct qn_shared *shared);

/* The thing of this job and number. When making it fails, that is the caller's failure alone:
 * another one that waited tries itself. */
QN_CHECK qn_code qn_shared_get(struct qn_shared *shared, uint32_t job, uint32_t number,
                               qn_make_fn make, void *context, const void **data,
                               struct qn_err *err);
/* Memory of all things together. */
uint64_t qn_shared_bytes(struct qn_shared *shared);

#endif
