/* notes: what is under way in the simulated network and machines, as a heap by time. */
#ifndef QN_TESTS_SIM_NOTES_H
#define QN_TESTS_SIM_NOTES_H

#include <stdlib.h>

#include "coordinator/schedule.h"

enum note_kind { TO_SCHEDULER, TASK_ARRIVES, RECALL_ARRIVES, CANCEL_ARRIVES, TASK_ENDS, PULSE };
struct note {
    int64_t at_ms;
    uint64_t n; /* ties: in the order made */
    enum note_kind kind;
    struct qn_event event; /* worker and token for every kind */
};

struct notes {
    struct note *heap;
    uint32_t n, capacity;
    uint64_t n_made;
};

static inline bool earlier(const struct note *a, const struct note *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->n < b->n;
}

static inline void note_swap(struct note *a, struct note *b)
{
    struct note kept = *a;
    *a = *b;
    *b = kept;
}

static inline void note_put(struct notes *notes, int64_t at_ms, enum note_kind kind,
                            struct qn_event event)
{
    if (notes->n == notes->capacity) {
        notes->capacity = notes->capacity ? notes->capacity * 2 : 256;
        notes->heap = realloc(notes->heap, notes->capacity * sizeof *notes->heap);
        assert_non_null(notes->heap);
    }
    uint32_t at = notes->n++;
    notes->heap[at] = (struct note){at_ms, notes->n_made++, kind, event};
    for (; at && earlier(&notes->heap[at], &notes->heap[(at - 1) / 2]); at = (at - 1) / 2)
        note_swap(&notes->heap[at], &notes->heap[(at - 1) / 2]);
}

static inline struct note note_take(struct notes *notes)
{
    struct note first = notes->heap[0];
    notes->heap[0] = notes->heap[--notes->n];
    for (uint32_t at = 0;;) {
        uint32_t least = at;
        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < notes->n; child++)
            if (earlier(&notes->heap[child], &notes->heap[least]))
                least = child;
        if (least == at)
            return first;
        note_swap(&notes->heap[at], &notes->heap[least]);
        at = least;
    }
}

#endif
