/* task_queue: waiting tasks, lowest first: by stage in the order they were added, then by unit.
 * An intrusive pairing heap: push is O(1), removal of any task O(log n) amortised, and nothing is
 * allocated, so that taking a task back can never fail. */
#ifndef QN_COORDINATOR_TASK_QUEUE_H
#define QN_COORDINATOR_TASK_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct qn_task;

/* A task's place in one queue. */
struct qn_task_place {
    struct qn_task *task;
    uint64_t order; /* of the stage */
    uint32_t unit;
    struct qn_task_place *child, *next, *prev; /* prev: sibling, or the parent of a first child */
};

struct qn_task_queue {
    struct qn_task_place *root; /* NULL: empty */
};

void qn_task_queue_push(struct qn_task_queue *queue, struct qn_task_place *place);
/* `place` is in this queue. */
void qn_task_queue_remove(struct qn_task_queue *queue, struct qn_task_place *place);

/* The lowest task; NULL when empty. */
static inline struct qn_task *qn_task_queue_first(const struct qn_task_queue *queue)
{
    return queue->root ? queue->root->task : NULL;
}

#endif
