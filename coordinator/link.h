/* link: an intrusive doubly linked ring. Whatever sits in a list holds a qn_link; adding, removing
 * and moving are O(1) and allocate nothing. A link that is in no list points at itself. */
#ifndef QN_COORDINATOR_LINK_H
#define QN_COORDINATOR_LINK_H

#include <stdbool.h>
#include <stddef.h>

struct qn_link {
    struct qn_link *next, *prev;
};

/* The struct of `type` whose `member` is this link. */
#define QN_LINK_OWNER(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void qn_link_init(struct qn_link *link)
{
    link->next = link->prev = link;
}

/* For a list's head: holds nothing. For a member: is in no list. */
static inline bool qn_link_alone(const struct qn_link *link)
{
    return link->next == link;
}

static inline void qn_link_remove(struct qn_link *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    qn_link_init(link);
}

/* Puts `link` (in whatever list it was) before `place`; before the head is the end of the list. */
static inline void qn_link_put_before(struct qn_link *link, struct qn_link *place)
{
    qn_link_remove(link);
    link->prev = place->prev;
    link->next = place;
    place->prev->next = link;
    place->prev = link;
}

static inline void qn_link_put_first(struct qn_link *link, struct qn_link *head)
{
    qn_link_remove(link);
    qn_link_put_before(link, head->next);
}

#endif
