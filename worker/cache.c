#include "worker/cache.h"

#include <stdlib.h>

#include "base/hash.h"

struct entry {
    struct entry *next;
    uint32_t job, unit;
    struct qn_task_cache slot;
};

enum { BUCKETS = 256 };

struct qn_cache {
    struct entry *buckets[BUCKETS];
};

qn_code qn_cache_new(struct qn_cache **out, struct qn_err *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? QN_OK : qn_err_nomem(err, "an executor's cache");
}

void qn_cache_free(struct qn_cache *cache)
{
    for (size_t i = 0; cache && i < BUCKETS; i++) {
        struct entry *entry = cache->buckets[i];
        while (entry) {
            struct entry *next = entry->next;
            if (entry->slot.data && entry->slot.free)
                entry->slot.free(entry->slot.data);
            free(entry);
            entry = next;
        }
    }
    free(cache);
}

struct qn_task_cache *qn_cache_get(struct qn_cache *cache, uint32_t job, uint32_t unit)
{
    struct entry **bucket =
        &cache->buckets[qn_mix64(((uint64_t)job << 32) | unit) % (uint64_t)BUCKETS];
    for (struct entry *entry = *bucket; entry; entry = entry->next)
        if (entry->job == job && entry->unit == unit)
            return &entry->slot;
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return NULL;
    *entry = (struct entry){.next = *bucket, .job = job, .unit = unit};
    *bucket = entry;
    return &entry->slot;
}
