#include "worker/waiting.h"

void qn_waiting_put(struct qn_waiting *waiting, struct qn_task *task)
{
    task->work.next = NULL;
    if (waiting->last)
        waiting->last->work.next = &task->work;
    else
        waiting->first = task;
    waiting->last = task;
}

struct qn_task *qn_waiting_take(struct qn_waiting *waiting)
{
    struct qn_task *task = waiting->first;
    if (!task)
        return NULL;
    waiting->first = (struct qn_task *)(void *)task->work.next;
    if (!waiting->first)
        waiting->last = NULL;
    task->work.next = NULL;
    return task;
}

struct qn_task *qn_waiting_take_back(struct qn_waiting *waiting, const struct qn_token *token)
{
    struct qn_waiting kept = {0};
    struct qn_task *found = NULL, *task;
    while ((task = qn_waiting_take(waiting)))
        if (!found && qn_token_eq(&task->work.token, token))
            found = task;
        else
            qn_waiting_put(&kept, task);
    *waiting = kept;
    return found;
}

void qn_waiting_drop(struct qn_waiting *waiting, struct qn_strv brief)
{
    struct qn_waiting kept = {0};
    struct qn_task *task;
    while ((task = qn_waiting_take(waiting)))
        if (!brief.len || qn_strv_is(brief, task->brief_hash))
            qn_task_free(task);
        else
            qn_waiting_put(&kept, task);
    *waiting = kept;
}
