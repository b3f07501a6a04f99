/* waiting: tasks that were leased before what they need was here: the plan, their brief, the state
 * of their round. In the order leased; linked by work.next. */
#ifndef QN_WORKER_WAITING_H
#define QN_WORKER_WAITING_H

#include "worker/task.h"

struct qn_waiting {
    struct qn_task *first, *last;
};

void qn_waiting_put(struct qn_waiting *waiting, struct qn_task *task);
/* The first of them; NULL: there is none. */
struct qn_task *qn_waiting_take(struct qn_waiting *waiting);
/* The one with this token; NULL: it is not here. */
struct qn_task *qn_waiting_take_back(struct qn_waiting *waiting, const struct qn_token *token);
/* Frees all that wait for this brief; with an empty hash all there are. */
void qn_waiting_drop(struct qn_waiting *waiting, struct qn_strv brief);

#endif
