/* cache: what executors keep between tasks because it is dear to make: a design matrix per (job,
 * unit), a model per job. A task takes what nobody else has taken, so that whichever executor runs
 * a unit again finds what the last one made. A worker owns nothing: all can be made again, and what
 * is too much is let go when it is given back: first what other jobs left, longest unused first,
 * and units that went elsewhere; then the one that came last goes to a file, where it can, or is
 * let go, so that the rounds of a fit whose units do not all fit find at least the others. */
#ifndef QN_WORKER_CACHE_H
#define QN_WORKER_CACHE_H

#include "flow/job.h"

struct qn_cache;

/* most_bytes: of all entries together, by what they say of themselves. Files go to the folder
 * `scratch`, borrowed; NULL: none are made. */
QN_CHECK qn_code qn_cache_new(uint64_t most_bytes, const char *scratch, struct qn_cache **out,
                              struct qn_err *err);
void qn_cache_free(struct qn_cache *cache);

#define QN_CACHE_WHOLE_JOB UINT32_MAX
/* An entry of a unit, or of the job as a whole, until it is given back; a new one, empty, when all
 * are taken. NULL when out of memory. */
struct qn_task_cache *qn_cache_take(struct qn_cache *cache, uint32_t job, uint32_t unit);
void qn_cache_give(struct qn_cache *cache, struct qn_task_cache *taken); /* NULL: nothing to give */
/* Lets go what is kept of the job's units, but for what is taken. */
void qn_cache_forget_units(struct qn_cache *cache, uint32_t job);
uint64_t qn_cache_bytes(struct qn_cache *cache); /* of entries that are not taken */

#endif
