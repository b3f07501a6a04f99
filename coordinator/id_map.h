/* id_map: 64-bit ids to pointers, by open addressing. Lookup, put and remove are O(1); only put
 * may allocate. Memory follows the number of ids held, not the number ever seen. */
#ifndef QN_COORDINATOR_ID_MAP_H
#define QN_COORDINATOR_ID_MAP_H

#include <stdint.h>

#include "base/err.h"

struct qn_id_entry {
    uint64_t id;
    void *value; /* NULL: free place */
};

struct qn_id_map {
    struct qn_id_entry *entries;
    uint32_t n, capacity; /* capacity: a power of two, or 0 */
};

void qn_id_map_init(struct qn_id_map *map);
void qn_id_map_fini(struct qn_id_map *map); /* does not touch the values */

/* NULL when there is none. */
void *qn_id_map_get(const struct qn_id_map *map, uint64_t id);
/* `value` is not NULL and `id` is not in the map. On failure the map is unchanged. */
QN_CHECK qn_code qn_id_map_put(struct qn_id_map *map, uint64_t id, void *value, struct qn_err *err);
/* Nothing happens when there is none. */
void qn_id_map_remove(struct qn_id_map *map, uint64_t id);

#endif
