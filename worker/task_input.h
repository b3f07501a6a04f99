/* task_input: what a job is handed of a task: the way to what it reads, from the lease and the
 * stage's brief. */
#ifndef QN_WORKER_TASK_INPUT_H
#define QN_WORKER_TASK_INPUT_H

#include "worker/task.h"

struct qn_task_input {
    struct qn_task_in in; /* first: callbacks are handed &in */
    const struct qn_job *job;
    const struct qn_task *task;
    struct qn_shared *shared;
};

/* Of a unit of the task's stage. Caches are the caller's to fill in. */
void qn_task_input_init(struct qn_task_input *input, struct qn_task *task, uint32_t unit,
                        const struct qn_executor *executor);
/* Opens the rows that the task is of, if they are not open. */
QN_CHECK qn_code qn_task_input_open(struct qn_task_input *input, struct qn_err *err);
void qn_task_input_fini(struct qn_task_input *input); /* closes them */

#endif
