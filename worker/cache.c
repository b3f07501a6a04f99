#include "worker/cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"

struct entry {
    struct qn_task_cache slot; /* first: it is what is taken and given */
    struct entry *next;
    uint32_t job, unit;
    bool taken;
    bool shrunk;       /* as far as it can be */
    uint64_t bytes;    /* as counted in the sum */
    uint64_t given_at; /* by the cache's count of gives */
};

enum { BUCKETS = 256 };

struct qn_cache {
    pthread_mutex_t lock;
    struct entry *buckets[BUCKETS]; /* guarded by lock, but for slots that are taken */
    uint64_t bytes, most_bytes;     /* guarded by lock */
    uint64_t n_given, n_entries;    /* guarded by lock */
    const char *scratch;
};

qn_code qn_cache_new(uint64_t most_bytes, const char *scratch, struct qn_cache **out,
                     struct qn_err *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return qn_err_nomem(err, "the executors' cache");
    pthread_mutex_init(&(*out)->lock, NULL);
    (*out)->most_bytes = most_bytes;
    (*out)->scratch = scratch;
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
        cache->n_entries++;
    }
    return entry;
}

struct qn_task_cache *qn_cache_take(struct qn_cache *cache, uint32_t job, uint32_t unit)
{
    pthread_mutex_lock(&cache->lock);
    struct entry *entry = find_free(cache, job, unit);
    if (entry) {
        entry->taken = true;
        cache->bytes -= entry->bytes;
        entry->bytes = 0;
    }
    pthread_mutex_unlock(&cache->lock);
    return entry ? &entry->slot : NULL;
}

/* Under the lock. */
static void let_go(struct qn_cache *cache, struct entry *entry)
{
    cache->bytes -= entry->bytes;
    entry->bytes = 0;
    if (entry->slot.free)
        entry->slot.free(entry->slot.data);
    entry->slot = (struct qn_task_cache){0};
    entry->shrunk = false;
}

/* Under the lock. Whether it takes less memory than before: once at most. */
static bool shrink(struct qn_cache *cache, struct entry *entry)
{
    uint64_t before = entry->bytes;
    if (entry->shrunk || !entry->slot.shrink || !cache->scratch)
        return false;
    entry->shrunk = true;
    entry->slot.bytes = entry->slot.shrink(entry->slot.data, cache->scratch);
    entry->bytes = entry->slot.bytes;
    cache->bytes = cache->bytes - before + entry->bytes;
    return entry->bytes < before;
}

/* Under the lock. What can best be spared beside the one that was given last: NULL when all others
 * are in use, round after round. */
static struct entry *find_stale(const struct qn_cache *cache, const struct entry *last)
{
    struct entry *stale = NULL;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry *entry = cache->buckets[i]; entry; entry = entry->next) {
            bool unused = last->given_at - entry->given_at > 2 * cache->n_entries;
            if (entry->bytes && !entry->taken && (entry->job != last->job || unused) &&
                (!stale || entry->given_at < stale->given_at))
                stale = entry;
        }
    return stale;
}

void qn_cache_give(struct qn_cache *cache, struct qn_task_cache *taken)
{
    struct entry *entry = (struct entry *)(void *)taken;
    if (!taken)
        return;
    pthread_mutex_lock(&cache->lock);
    entry->taken = false;
    entry->given_at = ++cache->n_given;
    entry->bytes = entry->slot.data ? entry->slot.bytes : 0;
    cache->bytes += entry->bytes;
    while (cache->bytes > cache->most_bytes && entry->bytes) {
        struct entry *stale = find_stale(cache, entry);
        if (stale)
            let_go(cache, stale);
        else if (!shrink(cache, entry))
            let_go(cache, entry);
    }
    pthread_mutex_unlock(&cache->lock);
}

void qn_cache_forget_units(struct qn_cache *cache, uint32_t job)
{
    pthread_mutex_lock(&cache->lock);
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct entry *entry = cache->buckets[i]; entry; entry = entry->next)
            if (entry->job == job && entry->unit != QN_CACHE_WHOLE_JOB && !entry->taken)
                let_go(cache, entry);
    pthread_mutex_unlock(&cache->lock);
}

uint64_t qn_cache_bytes(struct qn_cache *cache)
{
    pthread_mutex_lock(&cache->lock);
    uint64_t bytes = cache->bytes;
    pthread_mutex_unlock(&cache->lock);
    return bytes;
}
