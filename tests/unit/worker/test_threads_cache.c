/* What a task takes from the cache no other task has; what it gives back the next one finds. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/support/test.h"
#include "worker/cache.h"

enum { THREADS = 4, ROUNDS = 2000, UNITS = 5, MOST_BYTES = 1000 };

struct scene {
    struct qn_cache *cache;
    atomic_uint made;
};

struct thing {
    uint32_t unit, uses; /* not atomic: one task at a time has it */
};

static void *use(void *context)
{
    struct scene *scene = context;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t unit = round % UNITS;
        struct qn_task_cache *taken = qn_cache_take(scene->cache, 3, unit);
        if (!taken->data) {
            struct thing *fresh = calloc(1, sizeof *fresh);
            fresh->unit = unit;
            *taken = (struct qn_task_cache){.data = fresh, .free = free};
            atomic_fetch_add(&scene->made, 1);
        }
        struct thing *thing = taken->data;
        thing->uses++;
        if (thing->unit != unit)
            abort();
        qn_cache_give(scene->cache, taken);
    }
    return NULL;
}

static void test_taken_by_one(void **state)
{
    (void)state;
    struct scene scene = {0};
    struct qn_err err = {0};
    pthread_t threads[THREADS];
    assert_ok(qn_cache_new(MOST_BYTES, NULL, &scene.cache, &err), &err);
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use, &scene), 0);
    for (uint32_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint32_t made = atomic_load(&scene.made), uses = 0;
    assert_true(made >= UNITS && made <= UNITS * THREADS);
    for (uint32_t unit = 0; unit < UNITS; unit++)
        for (struct qn_task_cache *taken; (taken = qn_cache_take(scene.cache, 3, unit))
                                              ->data;) /* all there are, then a new one */
            uses += ((struct thing *)taken->data)->uses;
    assert_int_equal(uses, THREADS * ROUNDS);
    qn_cache_free(scene.cache);
}

static void test_found_again(void **state)
{
    (void)state;
    struct qn_cache *cache;
    struct qn_err err = {0};
    assert_ok(qn_cache_new(MOST_BYTES, NULL, &cache, &err), &err);
    struct qn_task_cache *job = qn_cache_take(cache, 1, QN_CACHE_WHOLE_JOB);
    struct qn_task_cache *unit = qn_cache_take(cache, 1, 0), *same = qn_cache_take(cache, 1, 0);
    assert_ptr_not_equal(unit, same);
    assert_ptr_not_equal(unit, job);
    qn_cache_give(cache, unit);
    assert_ptr_equal(qn_cache_take(cache, 1, 0), unit);
    assert_ptr_not_equal(qn_cache_take(cache, 2, 0), unit);
    qn_cache_free(cache);
}

static uint32_t n_held;

static void free_counted(void *data)
{
    free(data);
    n_held--;
}

/* Whether the unit had to be made. */
static bool visit(struct qn_cache *cache, uint32_t job, uint32_t unit, uint64_t bytes)
{
    struct qn_task_cache *taken = qn_cache_take(cache, job, unit);
    bool made = !taken->data;
    if (made) {
        *taken = (struct qn_task_cache){.data = malloc(1), .free = free_counted, .bytes = bytes};
        n_held++;
    }
    qn_cache_give(cache, taken);
    assert_in_range(qn_cache_bytes(cache), 0, MOST_BYTES);
    return made;
}

/* Fifteen units of which ten fit: ten are found in every round, not none. */
static void test_rounds_find_what_fits(void **state)
{
    (void)state;
    struct qn_cache *cache;
    struct qn_err err = {0};
    assert_ok(qn_cache_new(MOST_BYTES, NULL, &cache, &err), &err);
    for (uint32_t round = 0; round < 10; round++) {
        uint32_t made = 0;
        for (uint32_t unit = 0; unit < 15; unit++)
            made += visit(cache, 1, unit, 100);
        assert_int_equal(made, round ? 5 : 15);
        assert_int_equal(n_held, 10);
    }
    qn_cache_free(cache);
    assert_int_equal(n_held, 0);
}

static uint64_t shrink_counted(void *data, const char *folder)
{
    assert_string_equal(folder, "somewhere");
    ++*(uint32_t *)data;
    return 0;
}

/* What does not fit is shrunk, once, and all are found in every round. */
static void test_what_does_not_fit_shrinks(void **state)
{
    (void)state;
    struct qn_cache *cache;
    struct qn_err err = {0};
    assert_ok(qn_cache_new(MOST_BYTES, "somewhere", &cache, &err), &err);
    for (uint32_t round = 0; round < 3; round++)
        for (uint32_t unit = 0; unit < 19; unit++) {
            struct qn_task_cache *taken = qn_cache_take(cache, 1, unit);
            assert_true((taken->data == NULL) == (round == 0));
            if (!taken->data)
                *taken = (struct qn_task_cache){.data = calloc(1, sizeof(uint32_t)),
                                                .free = free,
                                                .shrink = shrink_counted,
                                                .bytes = 100};
            assert_in_range(*(uint32_t *)taken->data, 0, 1);
            qn_cache_give(cache, taken);
            assert_in_range(qn_cache_bytes(cache), 0, MOST_BYTES);
        }
    qn_cache_free(cache);
}

/* A later stage has no use for the units of the one before; what is in use stays until it is given
 * back. */
static void test_units_are_forgotten(void **state)
{
    (void)state;
    struct qn_cache *cache;
    struct qn_err err = {0};
    assert_ok(qn_cache_new(MOST_BYTES, NULL, &cache, &err), &err);
    visit(cache, 1, QN_CACHE_WHOLE_JOB, 100);
    visit(cache, 1, 0, 100);
    visit(cache, 2, 0, 100);
    visit(cache, 1, 1, 100);
    struct qn_task_cache *taken = qn_cache_take(cache, 1, 1);
    qn_cache_forget_units(cache, 1);
    assert_int_equal(n_held, 3);
    assert_non_null(taken->data);
    qn_cache_give(cache, taken);
    assert_int_equal(qn_cache_bytes(cache), 300);
    assert_false(visit(cache, 1, QN_CACHE_WHOLE_JOB, 100));
    assert_false(visit(cache, 2, 0, 100));
    assert_true(visit(cache, 1, 0, 100));
    qn_cache_free(cache);
    assert_int_equal(n_held, 0);
}

/* What another job left goes first, and units that this worker no longer gets. */
static void test_what_nobody_uses_goes_first(void **state)
{
    (void)state;
    struct qn_cache *cache;
    struct qn_err err = {0};
    assert_ok(qn_cache_new(MOST_BYTES, NULL, &cache, &err), &err);
    for (uint32_t unit = 0; unit < 10; unit++)
        visit(cache, 1, unit, 100);
    for (uint32_t round = 0; round < 2; round++)
        for (uint32_t unit = 0; unit < 4; unit++)
            assert_int_equal(visit(cache, 2, unit, 100), round == 0);
    assert_true(visit(cache, 1, 0, 100)); /* the longest unused of them made room */
    for (uint32_t round = 0; round < 20; round++)
        for (uint32_t unit = 100; unit < 108; unit++)
            visit(cache, 1, unit, 100);
    for (uint32_t unit = 100; unit < 108; unit++)
        assert_false(visit(cache, 1, unit, 100));      /* in the place of units 0..9 */
    assert_true(visit(cache, 1, 200, MOST_BYTES + 1)); /* more than there may be */
    assert_true(visit(cache, 1, 200, MOST_BYTES + 1));
    qn_cache_free(cache);
    assert_int_equal(n_held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_find_what_fits),
        cmocka_unit_test(test_what_does_not_fit_shrinks),
        cmocka_unit_test(test_units_are_forgotten),
        cmocka_unit_test(test_what_nobody_uses_goes_first),
        cmocka_unit_test(test_taken_by_one),
        cmocka_unit_test(test_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
