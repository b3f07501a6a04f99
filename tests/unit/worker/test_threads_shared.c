/* What executors share is made once, however many ask at a time; failing is one's own affair. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"
#include "worker/shared.h"

enum { THREADS = 8, NUMBERS = 3 };

struct scene {
    struct qn_shared *shared;
    atomic_uint made, freed, failures; /* failures: how many makers shall fail first */
};

struct asker {
    struct scene *scene;
    uint32_t first;
    uint64_t sum;
    uint32_t refused;
};

struct thing {
    struct scene *scene;
    uint64_t values[1000];
};

static void free_thing(void *data)
{
    struct thing *thing = data;
    atomic_fetch_add(&thing->scene->freed, 1);
    free(thing);
}

static qn_code make_thing(void *context, struct qn_task_cache *made, struct qn_err *err)
{
    struct scene *scene = context;
    uint32_t left = atomic_load(&scene->failures);
    usleep(1000); /* so that others come to wait */
    while (left && !atomic_compare_exchange_weak(&scene->failures, &left, left - 1))
        continue;
    if (left)
        return qn_err_set(err, QN_ECANCEL, QN_BLAME_NONE, "cancelled");
    struct thing *thing = calloc(1, sizeof *thing);
    thing->scene = scene;
    for (uint32_t i = 0; i < 1000; i++)
        thing->values[i] = i;
    atomic_fetch_add(&scene->made, 1);
    *made = (struct qn_task_cache){.data = thing, .free = free_thing, .bytes = sizeof *thing};
    return QN_OK;
}

static void *ask(void *context)
{
    struct asker *asker = context;
    for (uint32_t round = 0; round < 50; round++) {
        const void *data;
        struct qn_err err = {0};
        uint32_t number = (asker->first + round) % NUMBERS;
        if (qn_shared_get(asker->scene->shared, number, 7, make_thing, asker->scene, &data, &err) !=
            QN_OK) {
            asker->refused++;
            continue;
        }
        const struct thing *thing = data;
        for (uint32_t i = 0; i < 1000; i++)
            asker->sum += thing->values[i];
    }
    return NULL;
}

static void check(uint32_t failures)
{
    struct scene scene = {0};
    struct asker askers[THREADS] = {0};
    pthread_t threads[THREADS];
    struct qn_err err = {0};
    uint64_t sum = 0;
    uint32_t refused = 0;
    atomic_store(&scene.failures, failures);
    assert_ok(qn_shared_new(&scene.shared, &err), &err);
    for (uint32_t i = 0; i < THREADS; i++) {
        askers[i] = (struct asker){.scene = &scene, .first = i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &askers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        sum += askers[i].sum;
        refused += askers[i].refused;
    }
    assert_int_equal(atomic_load(&scene.made), NUMBERS);
    assert_int_equal(refused, failures);
    assert_int_equal(sum, (uint64_t)(THREADS * 50 - failures) * 499500);
    assert_int_equal(qn_shared_bytes(scene.shared), NUMBERS * sizeof(struct thing));
    qn_shared_free(scene.shared);
    assert_int_equal(atomic_load(&scene.freed), NUMBERS);
}

static void test_made_once(void **state)
{
    (void)state;
    check(0);
}

static void test_a_maker_that_fails(void **state)
{
    (void)state;
    check(5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_once),
        cmocka_unit_test(test_a_maker_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
