#include <string.h>

#include "flow/job.h"

#define QN_JOB(symbol) extern const struct qn_job_ops symbol;
#include "jobs/jobs.def"
#undef QN_JOB

#define QN_JOB(symbol) &symbol,
static const struct qn_job_ops *const all[] = {
#include "jobs/jobs.def"
    NULL};
#undef QN_JOB

const struct qn_job_ops *const *qn_job_all(void)
{
    return all;
}

const struct qn_job_ops *qn_job_find(const char *kind)
{
    for (size_t i = 0; all[i]; i++)
        if (strcmp(all[i]->kind, kind) == 0)
            return all[i];
    return NULL;
}
