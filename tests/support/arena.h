/* arena: what a test allocates from, new for each when setup and teardown are given to cmocka. */
#ifndef QN_TESTS_SUPPORT_ARENA_H
#define QN_TESTS_SUPPORT_ARENA_H

#include "base/arena.h"

static struct qn_arena arena;

static int setup(void **state)
{
    (void)state;
    qn_arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qn_arena_fini(&arena);
    return 0;
}

#endif
