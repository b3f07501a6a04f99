#include "coordinator/task_queue.h"

#include <stdbool.h>
#include <stddef.h>

static bool before(const struct qn_task_place *a, const struct qn_task_place *b)
{
    return a->order != b->order ? a->order < b->order : a->unit < b->unit;
}

/* Two roots (or NULL) become one. */
static struct qn_task_place *join(struct qn_task_place *a, struct qn_task_place *b)
{
    if (!a || !b)
        return a ? a : b;
    if (before(b, a)) {
        struct qn_task_place *swap = a;
        a = b;
        b = swap;
    }
    b->prev = a;
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    a->child = b;
    a->next = a->prev = NULL;
    return a;
}

/* The children of a removed place become one heap: in pairs first, then all pairs. Both passes are
 * loops: a heap of a million siblings must not recurse. */
static struct qn_task_place *join_siblings(struct qn_task_place *first)
{
    struct qn_task_place *pairs = NULL; /* linked by next */
    while (first) {
        struct qn_task_place *a = first, *b = a->next;
        first = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = join(a, b);
        a->next = pairs;
        pairs = a;
    }
    struct qn_task_place *root = NULL;
    while (pairs) {
        struct qn_task_place *next = pairs->next;
        pairs->next = NULL;
        root = join(root, pairs);
        pairs = next;
    }
    return root;
}

void qn_task_queue_push(struct qn_task_queue *queue, struct qn_task_place *place)
{
    place->child = place->next = place->prev = NULL;
    queue->root = join(queue->root, place);
}

void qn_task_queue_remove(struct qn_task_queue *queue, struct qn_task_place *place)
{
    struct qn_task_place *rest = join_siblings(place->child);
    if (queue->root == place) {
        queue->root = rest;
    } else {
        if (place->prev->child == place)
            place->prev->child = place->next;
        else
            place->prev->next = place->next;
        if (place->next)
            place->next->prev = place->prev;
        queue->root = join(queue->root, rest);
    }
    place->child = place->next = place->prev = NULL;
}
