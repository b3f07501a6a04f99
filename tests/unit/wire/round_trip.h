/* round_trip: room for what is encoded and for what comes back, new for each test when setup and
 * teardown are given to cmocka. */
#ifndef QN_TESTS_UNIT_WIRE_ROUND_TRIP_H
#define QN_TESTS_UNIT_WIRE_ROUND_TRIP_H

#include "base/arena.h"
#include "base/buf.h"

static struct qn_arena arena, other;
static struct qn_buf buf, again;

static int setup(void **state)
{
    (void)state;
    qn_arena_init(&arena);
    qn_arena_init(&other);
    qn_buf_init(&buf);
    qn_buf_init(&again);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    qn_arena_fini(&arena);
    qn_arena_fini(&other);
    qn_buf_fini(&buf);
    qn_buf_fini(&again);
    return 0;
}

#endif
