/* lead: rounds of a repeating stage that a worker runs on its own, from the state it was handed on,
 * because it has the rows of every unit. Units, merges and ends come as the coordinator would order
 * them, so the rounds give what they would have given; only nobody is asked in between. */
#ifndef QN_WORKER_LEAD_H
#define QN_WORKER_LEAD_H

#include "worker/task.h"

/* Appends what rounds gave from the task's round on, one after the other (flow/round.h), until
 * there are no more or some time has passed. The last one settles all before it
 * (qn_verdict_settles): whatever stops a round is left for the coordinator to find out by running
 * it; so there may be none, as when the cache lacks a unit. QN_ECANCEL: nobody wants them. */
QN_CHECK qn_code qn_lead_run(struct qn_task *task, const struct qn_executor *executor,
                             struct qn_buf *rounds, struct qn_err *err);

#endif
