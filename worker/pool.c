#include "worker/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"

/* A work that takes less is never told to have started. */
enum { UNTOLD_MS = 2 };

struct slot {
    struct qn_pool *pool;
    pthread_t thread;
    uint32_t number;
    struct qn_work *running; /* guarded by the pool's lock */
};

struct work_queue {
    struct qn_work *first, *last;
};

struct qn_pool {
    pthread_mutex_t lock;
    pthread_cond_t work_there;
    struct work_queue queue, finished; /* guarded by lock */
    uint32_t n_running;                /* guarded by lock */
    bool closing;                      /* guarded by lock */
    int wake_fd;
    qn_pool_fn run;
    void *context;
    struct slot *slots;
    uint32_t n_slots, n_started;
};

static void queue_put(struct work_queue *queue, struct qn_work *work)
{
    work->next = NULL;
    if (queue->last)
        queue->last->next = work;
    else
        queue->first = work;
    queue->last = work;
}

static struct qn_work *queue_take(struct work_queue *queue)
{
    struct qn_work *work = queue->first;
    if (!work)
        return NULL;
    queue->first = work->next;
    if (!queue->first)
        queue->last = NULL;
    work->next = NULL;
    return work;
}

static void wake(struct qn_pool *pool)
{
    uint64_t one = 1;
    if (write(pool->wake_fd, &one, sizeof one) < 0)
        return; /* the counter is full: the session thread is awake anyway */
}

static struct qn_work *wait_for_work(struct slot *slot)
{
    struct qn_pool *pool = slot->pool;
    while (!pool->queue.first && !pool->closing)
        pthread_cond_wait(&pool->work_there, &pool->lock);
    return pool->closing ? NULL : queue_take(&pool->queue);
}

static void *serve(void *argument)
{
    struct slot *slot = argument;
    struct qn_pool *pool = slot->pool;
    pthread_mutex_lock(&pool->lock);
    struct qn_work *work;
    while ((work = wait_for_work(slot))) {
        slot->running = work;
        pool->n_running++;
        work->started_us = qn_clock_us();
        if (work->prompt)
            wake(pool);
        pthread_mutex_unlock(&pool->lock);
        pool->run(pool->context, slot->number, work);
        pthread_mutex_lock(&pool->lock);
        slot->running = NULL;
        pool->n_running--;
        queue_put(&pool->finished, work);
        wake(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static qn_code start_threads(struct qn_pool *pool, struct qn_err *err)
{
    for (uint32_t i = 0; i < pool->n_slots; i++) {
        pool->slots[i] = (struct slot){.pool = pool, .number = i};
        if (pthread_create(&pool->slots[i].thread, NULL, serve, &pool->slots[i]) != 0)
            return qn_err_set(err, QN_ENOMEM, QN_BLAME_WORKER, "cannot start executor thread %u",
                              i);
        pool->n_started++;
    }
    return QN_OK;
}

qn_code qn_pool_new(uint32_t slots, qn_pool_fn run, void *context, struct qn_pool **out,
                    struct qn_err *err)
{
    struct qn_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return qn_err_nomem(err, "a worker's slots");
    pool->run = run;
    pool->context = context;
    pool->n_slots = slots;
    pool->slots = calloc(slots, sizeof *pool->slots);
    pool->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work_there, NULL);
    qn_code code = pool->slots && pool->wake_fd >= 0 ? start_threads(pool, err)
                                                     : qn_err_nomem(err, "a worker's slots");
    if (code != QN_OK) {
        qn_pool_free(pool, NULL);
        return code;
    }
    *out = pool;
    return QN_OK;
}

void qn_pool_free(struct qn_pool *pool, void (*drop)(struct qn_work *work))
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    for (uint32_t i = 0; i < pool->n_started; i++)
        if (pool->slots[i].running)
            atomic_store(&pool->slots[i].running->cancelled, true);
    pthread_cond_broadcast(&pool->work_there);
    pthread_mutex_unlock(&pool->lock);
    for (uint32_t i = 0; i < pool->n_started; i++)
        pthread_join(pool->slots[i].thread, NULL);

    struct qn_work *work;
    while ((work = queue_take(&pool->queue)))
        drop(work);
    while ((work = queue_take(&pool->finished)))
        drop(work);
    pthread_cond_destroy(&pool->work_there);
    pthread_mutex_destroy(&pool->lock);
    if (pool->wake_fd >= 0)
        close(pool->wake_fd);
    free(pool->slots);
    free(pool);
}

void qn_pool_submit(struct qn_pool *pool, struct qn_work *work)
{
    pthread_mutex_lock(&pool->lock);
    queue_put(&pool->queue, work);
    pthread_cond_signal(&pool->work_there);
    pthread_mutex_unlock(&pool->lock);
}

struct qn_work *qn_pool_take_back(struct qn_pool *pool, const struct qn_token *token)
{
    pthread_mutex_lock(&pool->lock);
    struct work_queue kept = {0};
    struct qn_work *found = NULL, *work;
    while ((work = queue_take(&pool->queue))) {
        if (!found && qn_token_eq(&work->token, token))
            found = work;
        else
            queue_put(&kept, work);
    }
    pool->queue = kept;
    pthread_mutex_unlock(&pool->lock);
    return found;
}

bool qn_pool_cancel(struct qn_pool *pool, const struct qn_token *token)
{
    bool found = false;
    pthread_mutex_lock(&pool->lock);
    for (uint32_t i = 0; i < pool->n_slots && !found; i++) {
        struct qn_work *running = pool->slots[i].running;
        found = running && qn_token_eq(&running->token, token);
        if (found)
            atomic_store(&running->cancelled, true);
    }
    pthread_mutex_unlock(&pool->lock);
    return found;
}

int qn_pool_wake_fd(const struct qn_pool *pool)
{
    return pool->wake_fd;
}

struct qn_work *qn_pool_next_finished(struct qn_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct qn_work *work = queue_take(&pool->finished);
    uint64_t count;
    if (!work && read(pool->wake_fd, &count, sizeof count) < 0)
        count = 0; /* nothing was pending */
    pthread_mutex_unlock(&pool->lock);
    return work;
}

uint32_t qn_pool_started(struct qn_pool *pool, struct qn_token *tokens, uint32_t room)
{
    uint32_t n = 0;
    int64_t now_us = qn_clock_us();
    pthread_mutex_lock(&pool->lock);
    for (uint32_t i = 0; i < pool->n_slots && n < room; i++) {
        struct qn_work *work = pool->slots[i].running;
        if (!work || work->told ||
            (!work->prompt && now_us - work->started_us < (int64_t)UNTOLD_MS * 1000))
            continue;
        work->told = true;
        tokens[n++] = work->token;
    }
    pthread_mutex_unlock(&pool->lock);
    return n;
}

/* What waits beside an idle slot is about to start. */
int qn_pool_wait_ms(struct qn_pool *pool, int most_ms)
{
    pthread_mutex_lock(&pool->lock);
    bool soon = pool->queue.first && pool->n_running < pool->n_slots;
    for (uint32_t i = 0; i < pool->n_slots && !soon; i++)
        soon = pool->slots[i].running && !pool->slots[i].running->told;
    pthread_mutex_unlock(&pool->lock);
    return soon && UNTOLD_MS < most_ms ? UNTOLD_MS : most_ms;
}

uint32_t qn_pool_tokens(struct qn_pool *pool, struct qn_token *tokens, uint32_t room)
{
    uint32_t n = 0;
    pthread_mutex_lock(&pool->lock);
    for (uint32_t i = 0; i < pool->n_slots && n < room; i++)
        if (pool->slots[i].running)
            tokens[n++] = pool->slots[i].running->token;
    for (struct qn_work *work = pool->queue.first; work && n < room; work = work->next)
        tokens[n++] = work->token;
    pthread_mutex_unlock(&pool->lock);
    return n;
}
