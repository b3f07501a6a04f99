#include "coordinator/id_map.h"

#include <assert.h>
#include <stdlib.h>

#include "base/hash.h"

enum { SMALLEST = 16 };

void qn_id_map_init(struct qn_id_map *map)
{
    *map = (struct qn_id_map){NULL, 0, 0};
}

void qn_id_map_fini(struct qn_id_map *map)
{
    free(map->entries);
    qn_id_map_init(map);
}

static uint32_t place_of(const struct qn_id_map *map, uint64_t id)
{
    return (uint32_t)qn_mix64(id) & (map->capacity - 1);
}

/* Where `id` is, or the free place where it would go. The table always has a free place. */
static uint32_t find(const struct qn_id_map *map, uint64_t id)
{
    uint32_t at = place_of(map, id);
    while (map->entries[at].value && map->entries[at].id != id)
        at = (at + 1) & (map->capacity - 1);
    return at;
}

void *qn_id_map_get(const struct qn_id_map *map, uint64_t id)
{
    return map->capacity ? map->entries[find(map, id)].value : NULL;
}

static qn_code grow(struct qn_id_map *map, struct qn_err *err)
{
    if (map->capacity > UINT32_MAX / 2)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_COORDINATOR, "too many ids in one table");
    struct qn_id_map wider = {NULL, map->n, map->capacity ? map->capacity * 2 : SMALLEST};
    wider.entries = calloc(wider.capacity, sizeof *wider.entries);
    if (!wider.entries)
        return qn_err_nomem(err, "a table of ids");
    for (uint32_t i = 0; i < map->capacity; i++)
        if (map->entries[i].value)
            wider.entries[find(&wider, map->entries[i].id)] = map->entries[i];
    free(map->entries);
    *map = wider;
    return QN_OK;
}

qn_code qn_id_map_put(struct qn_id_map *map, uint64_t id, void *value, struct qn_err *err)
{
    assert(value);
    if (map->n + 1 > map->capacity / 4 * 3)
        QN_TRY(grow(map, err));
    uint32_t at = find(map, id);
    assert(!map->entries[at].value);
    map->entries[at] = (struct qn_id_entry){id, value};
    map->n++;
    return QN_OK;
}

void qn_id_map_remove(struct qn_id_map *map, uint64_t id)
{
    if (!map->capacity)
        return;
    uint32_t mask = map->capacity - 1, hole = find(map, id);
    if (!map->entries[hole].value)
        return;
    map->n--;
    /* Pull back what probed past the hole, so that no tombstones pile up. */
    for (uint32_t at = (hole + 1) & mask; map->entries[at].value; at = (at + 1) & mask) {
        uint32_t wanted = place_of(map, map->entries[at].id);
        if (((at - wanted) & mask) >= ((at - hole) & mask)) {
            map->entries[hole] = map->entries[at];
            hole = at;
        }
    }
    map->entries[hole] = (struct qn_id_entry){0, NULL};
}
