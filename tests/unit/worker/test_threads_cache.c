/* What a task takes from the cache no other task has; what it gives back the next one finds. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "tests/support/test.h"
#include "worker/cache.h"

enum { THREADS = 4, ROUNDS = 2000, UNITS = 5 };

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
    assert_ok(qn_cache_new(&scene.cache, &err), &err);
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
    assert_ok(qn_cache_new(&cache, &err), &err);
    struct qn_task_cache *job = qn_cache_take(cache, 1, QN_CACHE_WHOLE_JOB);
    struct qn_task_cache *unit = qn_cache_take(cache, 1, 0), *same = qn_cache_take(cache, 1, 0);
    assert_ptr_not_equal(unit, same);
    assert_ptr_not_equal(unit, job);
    qn_cache_give(cache, unit);
    assert_ptr_equal(qn_cache_take(cache, 1, 0), unit);
    assert_ptr_not_equal(qn_cache_take(cache, 2, 0), unit);
    qn_cache_free(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken_by_one),
        cmocka_unit_test(test_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
