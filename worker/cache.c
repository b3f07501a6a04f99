#include "worker/cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"

struct entry {
    struct qn_task_cache slot; /* first: it is what is taken and given */
    struct entry *next;
    uint32_t job, unit;
    bool taken;
};

enum { BUCKETS = 256 };

struct qn_cache {
    pthread_mutex_t lock;
    struct entry *buckets[BUCKETS]; /* guarded by lock, but for slots that are taken */
};

qn_code qn_cache_new(struct qn_cache **out, struct qn_err *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return qn_err_nomem(err, "the executors' cache");
    pthread_mutex_init(&(*out)->lock, NULL);
    return QN_OK;
}

void qn_cache_free(struct qn_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct entry *entry = cache->buckets[i];
        while (entry) {
            struct entry *next = entry->next;
            if (entry->slot.data && entry->slot.free)
                entry->slot.free(entry->slot.data);
            free(entry);
            entry = next;
        }
    }
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* Under the lock. */
static struct entry *find_free(struct qn_cache *cache, uint32_t job, uint32_t unit)
{
    struct entry **bucket =
        &cache->buckets[qn_mix64(((uint64_t)job << 32) | unit) % (uint64_t)BUCKETS];
    struct entry *entry = *bucket;
    while (entry && (entry->taken || entry->job != job || entry->unit != unit))
        entry = entry->next;
    if (!entry && (entry = calloc(1, sizeof *entry))) {
        *entry = (struct entry){.next = *bucket, .job = job, .unit = unit};
        *bucket = entry;
    }
    return entry;
}

struct qn_task_cache *qn_cache_take(struct qn_cache *cache, uint32_t job, uint32_t unit)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find_free(cache, job, unit);
    if (entry)
        entry->taken = true;
    pthread_mutex_unlock(&cache->lock);
    return entry ? &entry->slot : NULL;
}

void qn_cache_give(struct qn_cache *cache, struct qn_task_cache *taken)
{
    if (!taken)
        return;
    pthread_mutex_lock(&cache->lock);
    ((struct entry *)(void *)taken)->taken = false;
    pthread_mutex_unlock(&cache->lock);
}
