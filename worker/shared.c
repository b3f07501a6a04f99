#include "worker/shared.h"

#include <pthread.h>
#include <stdlib.h>

struct thing {
    struct thing *next;
    uint32_t job, number;
    bool being_made;
    struct qn_task_cache made; /* data NULL: not there */
};

struct qn_shared {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct thing *first; /* all of it is guarded by lock */
    uint64_t bytes;
};

qn_code qn_shared_new(struct qn_shared **out, struct qn_err *err)
{
    struct qn_shared *shared = calloc(1, sizeof *shared);
    if (!shared)
        return qn_err_nomem(err, "what executors share");
    pthread_mutex_init(&shared->lock, NULL);
    pthread_cond_init(&shared->changed, NULL);
    *out = shared;
    return QN_OK;
}

void qn_shared_free(struct qn_shared *shared)
{
    if (!shared)
        return;
    while (shared->first) {
        struct thing *next = shared->first->next;
        if (shared->first->made.data)
            shared->first->made.free(shared->first->made.data);
        free(shared->first);
        shared->first = next;
    }
    pthread_cond_destroy(&shared->changed);
    pthread_mutex_destroy(&shared->lock);
    free(shared);
}

/* Under the lock. */
static struct thing *find(struct qn_shared *shared, uint32_t job, uint32_t number)
{
    struct thing *thing = shared->first;
    while (thing && (thing->job != job || thing->number != number))
        thing = thing->next;
    if (!thing && (thing = calloc(1, sizeof *thing))) {
        *thing = (struct thing){.next = shared->first, .job = job, .number = number};
        shared->first = thing;
    }
    return thing;
}

/* Under the lock, but for making. */
static qn_code make_it(struct qn_shared *shared, struct thing *thing, qn_make_fn make,
                       void *context, struct qn_err *err)
{
    struct qn_task_cache made = {0};
    thing->being_made = true;
    pthread_mutex_unlock(&shared->lock);
    qn_code code = make(context, &made, err);
    pthread_mutex_lock(&shared->lock);
    thing->being_made = false;
    if (code == QN_OK) {
        thing->made = made;
        shared->bytes += made.bytes;
    }
    pthread_cond_broadcast(&shared->changed);
    return code;
}

/* Under the lock. */
static qn_code get(struct qn_shared *shared, uint32_t job, uint32_t number, qn_make_fn make,
                   void *context, const void **data, struct qn_err *err)
{
    struct thing *thing = find(shared, job, number);
    if (!thing)
        return qn_err_nomem(err, "what executors share");
    while (thing->being_made)
        pthread_cond_wait(&shared->changed, &shared->lock);
    if (!thing->made.data)
        QN_TRY(make_it(shared, thing, make, context, err));
    *data = thing->made.data;
    return QN_OK;
}

qn_code qn_shared_get(struct qn_shared *shared, uint32_t job, uint32_t number, qn_make_fn make,
                      void *context, const void **data, struct qn_err *err)
{
    pthread_mutex_lock(&shared->lock);
    qn_code code = get(shared, job, number, make, context, data, err);
    pthread_mutex_unlock(&shared->lock);
    return code;
}

uint64_t qn_shared_bytes(struct qn_shared *shared)
{
    pthread_mutex_lock(&shared->lock);
    uint64_t bytes = shared->bytes;
    pthread_mutex_unlock(&shared->lock);
    return bytes;
}
