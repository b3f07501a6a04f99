/* The table of groups: which group a key's rows belong to. */
#include <stdlib.h>
#include <string.h>

#include "jobs/etl/group.h"
#include "jobs/etl/keys.h"

enum { FIRST_GROUPS = 64, PREFETCH_ROWS = 16, LINE_BYTES = 64 };

qn_code qn_groups_init(struct qn_groups *groups, const struct qn_group_plan *plan,
                       struct qn_err *err)
{
    *groups = (struct qn_groups){.plan = plan};
    qn_arena_init(&groups->arena);
    groups->keys = calloc(plan->n_keys + 1, sizeof *groups->keys);
    groups->bags = calloc(plan->n_slots + 1, sizeof *groups->bags);
    if (!groups->keys || !groups->bags)
        return qn_err_nomem(err, "groups");
    for (uint32_t s = 0; s < plan->n_slots; s++)
        qn_bag_init(&groups->bags[s]);
    for (uint32_t k = 0; k < plan->n_keys; k++)
        qn_colstore_init(&groups->keys[k], plan->schema.fields[k].type);
    return QN_OK;
}

void qn_groups_fini(struct qn_groups *groups)
{
    for (uint32_t k = 0; groups->keys && k < groups->plan->n_keys; k++)
        qn_colstore_fini(&groups->keys[k]);
    for (uint32_t s = 0; groups->bags && s < groups->plan->n_slots; s++)
        qn_bag_fini(&groups->bags[s]);
    free(groups->keys);
    free(groups->bags);
    free(groups->states);
    free(groups->hashes);
    free(groups->entries);
    free(groups->group_of_code);
    qn_arena_fini(&groups->arena);
    *groups = (struct qn_groups){0};
}

void qn_groups_clear(struct qn_groups *groups)
{
    for (uint32_t k = 0; k < groups->plan->n_keys; k++)
        qn_colstore_clear(&groups->keys[k]);
    for (uint32_t s = 0; s < groups->plan->n_slots; s++)
        qn_bag_clear(&groups->bags[s]);
    if (groups->n_entries)
        memset(groups->entries, 0, groups->n_entries * sizeof *groups->entries);
    qn_arena_clear(&groups->arena);
    groups->n = 0;
    groups->dictionary = 0;
    groups->full = false;
}

/* --- the table ------------------------------------------------------------------------------- */

static bool grow_array(void **at, size_t n, size_t size)
{
    void *grown = realloc(*at, n * size + 1);
    if (grown)
        *at = grown;
    return grown != NULL;
}

static inline uint32_t tag_of(uint64_t hash)
{
    return (uint32_t)(hash >> 32); /* the bits that do not place it */
}

static void enter(struct qn_groups *groups, uint32_t group)
{
    uint64_t hash = groups->hashes[group];
    uint32_t mask = groups->n_entries - 1, at = (uint32_t)hash & mask;
    while (groups->entries[at].group)
        at = (at + 1) & mask;
    groups->entries[at] = (struct qn_group_entry){.tag = tag_of(hash), .group = group + 1};
}

static qn_code grow(struct qn_groups *groups, struct qn_err *err)
{
    if (groups->capacity > UINT32_MAX / 4)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "more than 2^30 groups in one task");
    size_t capacity = groups->capacity ? (size_t)groups->capacity * 2 : FIRST_GROUPS;
    void *states = groups->states, *hashes = groups->hashes;
    bool grown = grow_array(&states, capacity, groups->plan->state_bytes) &&
                 grow_array(&hashes, capacity, sizeof *groups->hashes);
    groups->states = states;
    groups->hashes = hashes;
    free(groups->entries); /* first: they are made anew from the hashes */
    groups->n_entries = 0;
    groups->entries = grown ? calloc(capacity * 2, sizeof *groups->entries) : NULL;
    if (!groups->entries)
        return qn_err_nomem(err, "groups");
    groups->n_entries = (uint32_t)(capacity * 2);
    groups->capacity = (uint32_t)capacity;
    for (uint32_t g = 0; g < groups->n; g++)
        enter(groups, g);
    return QN_OK;
}

uint64_t qn_groups_bytes(const struct qn_groups *groups)
{
    uint64_t bytes =
        groups->arena.used_bytes +
        (uint64_t)groups->capacity * (groups->plan->state_bytes + sizeof *groups->hashes) +
        (uint64_t)groups->n_entries * sizeof *groups->entries;
    for (uint32_t k = 0; k < groups->plan->n_keys; k++)
        bytes += qn_colstore_bytes(&groups->keys[k]);
    for (uint32_t b = 0; b < groups->plan->n_slots; b++)
        bytes += qn_bag_bytes(&groups->bags[b]);
    return bytes;
}

qn_code qn_groups_reserve(struct qn_groups *groups, struct qn_err *err)
{
    return groups->n < groups->capacity ? QN_OK : grow(groups, err);
}

/* Room for one more group, or the table is full. A few there are always room for, so that every
 * pass over rows that were left out gets on. */
static qn_code make_room(struct qn_groups *groups, struct qn_err *err)
{
    if (groups->full || groups->n < groups->capacity)
        return QN_OK;
    groups->full =
        groups->most_bytes && groups->n && qn_groups_bytes(groups) * 2 > groups->most_bytes;
    return groups->full ? QN_OK : grow(groups, err);
}

/* A group for the row's key, which has none; QN_NO_GROUP when the table is full. */
static qn_code add_group(struct qn_groups *groups, const struct qn_column *keys, uint32_t row,
                         uint64_t hash, uint32_t *group, struct qn_err *err)
{
    QN_TRY(make_room(groups, err));
    *group = QN_NO_GROUP;
    if (groups->full)
        return QN_OK;
    for (uint32_t k = 0; k < groups->plan->n_keys; k++)
        QN_TRY(qn_colstore_add(&groups->keys[k], &keys[k], row, err));
    size_t bytes = groups->plan->state_bytes;
    memset(groups->states + groups->n * bytes, 0, bytes);
    groups->hashes[groups->n] = hash;
    enter(groups, groups->n);
    *group = groups->n++;
    return QN_OK;
}

static inline void expect_fold(const char *state, size_t bytes)
{
    __builtin_prefetch(state, 1);
    __builtin_prefetch(state + (bytes < 2 * LINE_BYTES ? bytes - 1 : LINE_BYTES), 1);
}

/* First by hash alone, which is right but for one key in 2^32 and more: are_right() looks
 * afterwards, a column at a time, so that no row waits for another one's bytes. */
static qn_code find_by_hash(struct qn_groups *groups, const struct qn_column *keys, uint32_t n_rows,
                            const uint64_t *hashes, uint32_t *group_of, struct qn_err *err)
{
    if (!groups->n_entries)
        QN_TRY(grow(groups, err));
    const struct qn_group_entry *entries = groups->entries;
    const char *states = groups->states;
    const size_t bytes = groups->plan->state_bytes;
    uint32_t mask = groups->n_entries - 1;
    for (uint32_t row = 0; row < n_rows; row++) {
        uint32_t ahead = row + PREFETCH_ROWS < n_rows ? row + PREFETCH_ROWS : row;
        __builtin_prefetch(&entries[(uint32_t)hashes[ahead] & mask]);
        uint32_t at = (uint32_t)hashes[row] & mask, tag = tag_of(hashes[row]);
        while (entries[at].group && entries[at].tag != tag)
            at = (at + 1) & mask;
        group_of[row] = entries[at].group - 1;
        if (entries[at].group) {
            expect_fold(states + group_of[row] * bytes, bytes);
            continue;
        }
        QN_TRY(add_group(groups, keys, row, hashes[row], &group_of[row], err));
        entries = groups->entries;
        states = groups->states;
        mask = groups->n_entries - 1;
    }
    return QN_OK;
}

static bool is_group(const struct qn_groups *groups, uint32_t group, const struct qn_column *keys,
                     uint32_t row)
{
    for (uint32_t k = 0; k < groups->plan->n_keys; k++)
        if (!qn_key_equal(&groups->keys[k].column, group, &keys[k], row))
            return false;
    return true;
}

/* One row, by its key too. */
static qn_code find_by_key(struct qn_groups *groups, const struct qn_column *keys, uint32_t row,
                           uint64_t hash, uint32_t *group, struct qn_err *err)
{
    uint32_t mask = groups->n_entries - 1, at = (uint32_t)hash & mask;
    for (; groups->n_entries && groups->entries[at].group; at = (at + 1) & mask) {
        *group = groups->entries[at].group - 1;
        if (groups->hashes[*group] == hash && is_group(groups, *group, keys, row))
            return QN_OK;
    }
    return add_group(groups, keys, row, hash, group, err);
}

/* Whether every row that has a group has its key too. */
static bool are_right(const struct qn_groups *groups, const struct qn_column *keys, uint32_t n_rows,
                      const uint32_t *group_of)
{
    for (uint32_t row = 0; groups->full && row < n_rows; row++)
        if (group_of[row] != QN_NO_GROUP && !is_group(groups, group_of[row], keys, row))
            return false;
    for (uint32_t k = 0; !groups->full && k < groups->plan->n_keys; k++) {
        struct qn_column stored = qn_colstore_view(&groups->keys[k]);
        if (qn_keys_mismatch(&stored, groups->keys[k].width, group_of, &keys[k], n_rows) < n_rows)
            return false;
    }
    return true;
}

void qn_groups_forget(struct qn_groups *groups, uint32_t n)
{
    for (uint32_t k = 0; k < groups->plan->n_keys; k++)
        qn_colstore_truncate(&groups->keys[k], n);
    groups->n = n;
    groups->dictionary = 0;
    memset(groups->entries, 0, groups->n_entries * sizeof *groups->entries);
    for (uint32_t g = 0; g < n; g++)
        enter(groups, g);
}

static qn_code know_dictionary(struct qn_groups *groups, const struct qn_dictionary *dictionary,
                               struct qn_err *err)
{
    if (groups->dictionary == dictionary->id)
        return QN_OK;
    size_t bytes = QN_DICTIONARY_TEXTS * sizeof *groups->group_of_code;
    if (!groups->group_of_code)
        groups->group_of_code = malloc(bytes);
    if (!groups->group_of_code)
        return qn_err_nomem(err, "groups of a dictionary");
    memset(groups->group_of_code, 0xff, bytes); /* QN_NO_GROUP each */
    groups->dictionary = dictionary->id;
    return QN_OK;
}

/* A key with a dictionary: a text is hashed and looked for once. */
static qn_code find_by_code(struct qn_groups *groups, const struct qn_column *key, uint32_t n_rows,
                            uint32_t *group_of, struct qn_err *err)
{
    QN_TRY(know_dictionary(groups, key->dictionary, err));
    for (uint32_t row = 0; row < n_rows; row++) {
        uint32_t *group = &groups->group_of_code[key->codes[row]];
        if (*group == QN_NO_GROUP) {
            uint64_t hash = qn_keys_hash_row(key, 1, row);
            QN_TRY(find_by_key(groups, key, row, hash, group, err));
        }
        group_of[row] = *group;
    }
    return QN_OK;
}

/* The group of each row, made when it is new; QN_NO_GROUP when the table is full. New ones are in
 * the order of rows even where two keys share a hash: then all is done again, row by row. */
static qn_code find_groups(struct qn_groups *groups, const struct qn_column *keys, uint32_t n_rows,
                           uint64_t *hashes, uint32_t *group_of, struct qn_err *err)
{
    if (groups->plan->n_keys == 1 && keys->codes)
        return find_by_code(groups, keys, n_rows, group_of, err);
    uint32_t n = groups->n;
    bool full = groups->full;
    qn_keys_hash(keys, groups->plan->n_keys, n_rows, hashes);
    QN_TRY(find_by_hash(groups, keys, n_rows, hashes, group_of, err));
    if (are_right(groups, keys, n_rows, group_of))
        return QN_OK;
    qn_groups_forget(groups, n);
    groups->full = full;
    for (uint32_t row = 0; row < n_rows; row++)
        QN_TRY(find_by_key(groups, keys, row, hashes[row], &group_of[row], err));
    return QN_OK;
}

qn_code qn_groups_need_one(struct qn_groups *groups, struct qn_err *err)
{
    uint64_t hash;
    uint32_t group;
    if (groups->n)
        return QN_OK;
    return find_groups(groups, NULL, 1, &hash, &group, err);
}

qn_code qn_groups_find(struct qn_groups *groups, const struct qn_batch *batch,
                       struct qn_arena *arena, uint32_t **group_of, struct qn_err *err)
{
    uint64_t *hashes = qn_arena_alloc(arena, batch->n_rows * sizeof *hashes);
    *group_of = qn_arena_alloc(arena, batch->n_rows * sizeof **group_of);
    if (!hashes || !*group_of)
        return qn_err_nomem(err, "group keys");
    if (groups->most_bytes && groups->n && qn_groups_bytes(groups) > groups->most_bytes)
        groups->full = true; /* what states point to has grown past it */
    return find_groups(groups, batch->columns, batch->n_rows, hashes, *group_of, err);
}
