#include "jobs/etl/group.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/keys.h"
#include "jobs/etl/scatter.h"
#include "jobs/etl/slot_pick.h"

enum { FIRST_GROUPS = 64, PREFETCH_ROWS = 16 };

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

/* --- the table ------------------------------------------------------------------------------- */

static bool grow_array(void **at, size_t n, size_t size)
{
    void *grown = realloc(*at, n * size + 1);
    if (grown)
        *at = grown;
    return grown != NULL;
}

static void enter(struct qn_groups *groups, uint32_t group)
{
    uint32_t mask = groups->n_entries - 1, at = (uint32_t)groups->hashes[group] & mask;
    while (groups->entries[at].group)
        at = (at + 1) & mask;
    groups->entries[at] =
        (struct qn_group_entry){.hash = groups->hashes[group], .group = group + 1};
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

/* The caller has seen to room for it, and enters it. */
static qn_code append(struct qn_groups *groups, const struct qn_column *keys, uint32_t row,
                      uint64_t hash, struct qn_err *err)
{
    for (uint32_t k = 0; k < groups->plan->n_keys; k++)
        QN_TRY(qn_colstore_add(&groups->keys[k], &keys[k], row, err));
    size_t bytes = groups->plan->state_bytes;
    memset(groups->states + groups->n * bytes, 0, bytes);
    groups->hashes[groups->n++] = hash;
    return QN_OK;
}

/* First by hash alone, which is right but for one key in 2^64: are_right() looks afterwards, a
 * column at a time, so that no row waits for another one's bytes. */
static qn_code find_by_hash(struct qn_groups *groups, const struct qn_column *keys, uint32_t n_rows,
                            const uint64_t *hashes, uint32_t *group_of, struct qn_err *err)
{
    for (uint32_t row = 0; row < n_rows; row++) {
        if (groups->n >= groups->capacity)
            QN_TRY(make_room(groups, err));
        uint32_t mask = groups->n_entries - 1;
        uint32_t ahead = row + PREFETCH_ROWS < n_rows ? row + PREFETCH_ROWS : row;
        __builtin_prefetch(&groups->entries[(uint32_t)hashes[ahead] & mask]);
        uint64_t hash = hashes[row];
        struct qn_group_entry *entry = &groups->entries[(uint32_t)hash & mask];
        while (entry->group && entry->hash != hash)
            entry = entry == groups->entries + mask ? groups->entries : entry + 1;
        if (!entry->group && !groups->full) {
            QN_TRY(append(groups, keys, row, hash, err));
            *entry = (struct qn_group_entry){.hash = hash, .group = groups->n};
        }
        group_of[row] = entry->group - 1; /* QN_NO_GROUP of a free one */
        if (entry->group)
            __builtin_prefetch(groups->states + group_of[row] * (size_t)groups->plan->state_bytes);
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
    QN_TRY(make_room(groups, err));
    uint32_t mask = groups->n_entries - 1;
    struct qn_group_entry *entry = &groups->entries[(uint32_t)hash & mask];
    while (entry->group && (entry->hash != hash || !is_group(groups, entry->group - 1, keys, row)))
        entry = entry == groups->entries + mask ? groups->entries : entry + 1;
    if (!entry->group && !groups->full) {
        QN_TRY(append(groups, keys, row, hash, err));
        *entry = (struct qn_group_entry){.hash = hash, .group = groups->n};
    }
    *group = entry->group - 1;
    return QN_OK;
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
        if (qn_keys_mismatch(&stored, group_of, &keys[k], 0, n_rows) < n_rows)
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

/* --- folding --------------------------------------------------------------------------------- */

/* Slots that count rows under a filter of one column of bits, all at once: few bits of a row are
 * set, and each is one addition. */
static void count_bits(const struct qn_group_plan *plan, const struct qn_slot_fold *fold,
                       const int64_t *bits, uint32_t column)
{
    uint32_t offset_of[QN_FILTERS_A_COLUMN];
    uint64_t counted = 0;
    for (uint32_t s = 0; s < plan->n_slots; s++) {
        const struct qn_slot *slot = &plan->slots[s];
        if (!qn_slot_counts_bits(slot) || (uint32_t)slot->filter / QN_FILTERS_A_COLUMN != column)
            continue;
        offset_of[slot->filter % QN_FILTERS_A_COLUMN] = slot->offset;
        counted |= UINT64_C(1) << slot->filter % QN_FILTERS_A_COLUMN;
    }
    for (uint32_t row = 0; counted && row < fold->n_rows; row++) {
        char *state = fold->states + fold->group_of[row] * fold->stride;
        for (uint64_t set = (uint64_t)bits[row] & counted; set; set &= set - 1)
            ++*(int64_t *)(void *)(state + offset_of[__builtin_ctzll(set)]);
    }
}

static qn_code fold_evaluated(struct qn_groups *groups, struct qn_slot_fold *fold,
                              const struct qn_batch *batch, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    const struct qn_column *inputs = batch->columns + plan->n_keys;
    const struct qn_column *bits = inputs + plan->n_inputs;
    fold->places =
        plan->has_places ? batch->columns + plan->evaluated.n_fields - QN_PLACE_FIELDS : NULL;
    for (uint32_t row = 0; row < batch->n_rows; row++)
        ++*(int64_t *)(void *)(fold->states + fold->group_of[row] * fold->stride);
    for (uint32_t c = 0; c * QN_FILTERS_A_COLUMN < plan->n_filters; c++)
        count_bits(plan, fold, bits[c].i64, c);
    for (uint32_t s = 0; s < plan->n_slots; s++) {
        const struct qn_slot *slot = &plan->slots[s];
        if (qn_slot_counts_bits(slot))
            continue;
        fold->values = slot->input < 0 ? NULL : &inputs[slot->input];
        fold->order = slot->order < 0 ? NULL : &inputs[slot->order];
        fold->bag = &groups->bags[s];
        fold->bits = slot->filter < 0 ? NULL : bits[slot->filter / QN_FILTERS_A_COLUMN].i64;
        fold->bit = (uint8_t)(slot->filter < 0 ? 0 : slot->filter % QN_FILTERS_A_COLUMN);
        QN_TRY(slot->ops->fold(slot, fold, err));
    }
    return QN_OK;
}

static qn_code fold_partition(struct qn_groups *groups, struct qn_slot_fold *fold,
                              const struct qn_batch *batch, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    const int64_t *rows = batch->columns[plan->n_keys].i64;
    for (uint32_t row = 0; row < batch->n_rows; row++)
        *(int64_t *)(void *)(fold->states + fold->group_of[row] * fold->stride) += rows[row];
    for (uint32_t s = 0; s < plan->n_slots; s++) {
        const struct qn_slot *slot = &plan->slots[s];
        fold->values = &batch->columns[slot->first_field];
        fold->bag = &groups->bags[s];
        QN_TRY(slot->ops->merge(slot, fold, err));
    }
    return QN_OK;
}

/* Cuts a batch in two: the rows that have a group, whose groups move to the front of group_of, and
 * the rest. */
static qn_code cut(const struct qn_batch *batch, uint32_t *group_of, struct qn_arena *arena,
                   struct qn_batch *known, struct qn_batch *rest, struct qn_err *err)
{
    uint32_t *rows = qn_arena_alloc(arena, batch->n_rows * sizeof *rows);
    uint32_t *left_out = qn_arena_alloc(arena, batch->n_rows * sizeof *left_out);
    uint32_t n_known = 0, n_rest = 0;
    if (!rows || !left_out)
        return qn_err_nomem(err, "group keys");
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        if (group_of[row] == QN_NO_GROUP) {
            left_out[n_rest++] = row;
            continue;
        }
        rows[n_known] = row;
        group_of[n_known++] = group_of[row];
    }
    if (n_rest == 0)
        return QN_OK; /* *known is the batch */
    QN_TRY(qn_batch_take(arena, batch, left_out, n_rest, rest, err));
    return qn_batch_take(arena, batch, rows, n_known, known, err);
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

qn_code qn_groups_fold(struct qn_groups *groups, const struct qn_batch *batch,
                       const uint32_t *group_of, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    struct qn_slot_fold fold = {.states = groups->states,
                                .stride = plan->state_bytes,
                                .arena = &groups->arena,
                                .group_of = group_of,
                                .n_rows = batch->n_rows};
    return batch->schema->fields == plan->evaluated.fields
               ? fold_evaluated(groups, &fold, batch, err)
               : fold_partition(groups, &fold, batch, err);
}

qn_code qn_groups_add(struct qn_groups *groups, const struct qn_batch *batch,
                      struct qn_arena *arena, struct qn_batch *rest, struct qn_err *err)
{
    struct qn_batch known = *batch;
    uint32_t *group_of;
    QN_TRY(qn_groups_find(groups, batch, arena, &group_of, err));
    *rest = (struct qn_batch){0};
    if (groups->full)
        QN_TRY(cut(batch, group_of, arena, &known, rest, err));
    return qn_groups_fold(groups, &known, group_of, err);
}

/* --- giving out ------------------------------------------------------------------------------ */

uint32_t qn_groups_pairs(const struct qn_groups *groups)
{
    uint32_t most = 0;
    for (uint32_t s = 0; s < groups->plan->n_slots; s++)
        if (groups->bags[s].n > most)
            most = groups->bags[s].n;
    return most;
}

/* Past the last group there is one of no value, for pieces that are not the first. */
qn_code qn_groups_seal(struct qn_groups *groups, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    if (groups->n >= groups->capacity)
        QN_TRY(grow(groups, err));
    memset(groups->states + (size_t)groups->n * plan->state_bytes, 0, plan->state_bytes);
    for (uint32_t s = 0; s < plan->n_slots; s++)
        if (plan->slots[s].ops->has_bag)
            QN_TRY(qn_bag_seal(&groups->bags[s], groups->n, plan->slots[s].sorted, err));
    return QN_OK;
}

uint32_t qn_groups_pieces(const struct qn_groups *groups, uint32_t group)
{
    uint32_t most = 1;
    for (uint32_t s = 0; s < groups->plan->n_slots; s++)
        if (groups->plan->slots[s].ops->has_bag && qn_bag_pairs(&groups->bags[s], group) > most)
            most = qn_bag_pairs(&groups->bags[s], group);
    return most;
}

const uint32_t *qn_groups_order(const struct qn_groups *groups, struct qn_arena *arena,
                                uint32_t *starts)
{
    uint32_t *partition_of = qn_arena_alloc(arena, groups->n * sizeof *partition_of);
    uint32_t *order = qn_arena_alloc(arena, groups->n * sizeof *order);
    if (!partition_of || !order)
        return NULL;
    for (uint32_t g = 0; g < groups->n; g++)
        partition_of[g] = qn_group_partition(groups->plan, groups->hashes[g]);
    qn_partition_order(partition_of, groups->n, groups->plan->n_partitions, starts, order);
    return order;
}

static struct qn_slot_view view_of(const struct qn_groups *groups, const uint32_t *picked,
                                   uint32_t n, struct qn_arena *arena)
{
    return (struct qn_slot_view){.states = groups->states,
                                 .stride = groups->plan->state_bytes,
                                 .picked = picked,
                                 .n = n,
                                 .arena = arena};
}

static qn_code take_keys(const struct qn_groups *groups, const uint32_t *picked, uint32_t n,
                         struct qn_arena *arena, struct qn_column *out, struct qn_err *err)
{
    for (uint32_t k = 0; k < groups->plan->n_keys; k++) {
        struct qn_column view = qn_colstore_view(&groups->keys[k]);
        QN_TRY(qn_column_take(arena, &view, groups->n, picked, n, &out[k], err));
    }
    return QN_OK;
}

/* The groups whose states go out: that of no value for pieces that are not the first. */
static qn_code state_groups(const struct qn_groups *groups, const uint32_t *picked,
                            const uint32_t *pieces, uint32_t n, struct qn_arena *arena,
                            uint32_t **out, struct qn_err *err)
{
    *out = qn_arena_alloc(arena, n * sizeof **out);
    if (!*out)
        return qn_err_nomem(err, "groups");
    for (uint32_t i = 0; i < n; i++)
        (*out)[i] = pieces[i] ? groups->n : picked[i];
    return QN_OK;
}

qn_code qn_groups_pack(const struct qn_groups *groups, const uint32_t *picked,
                       const uint32_t *pieces, uint32_t n, struct qn_arena *arena,
                       struct qn_batch *out, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    uint32_t *states;
    *out = (struct qn_batch){.schema = &plan->partition, .n_rows = n};
    out->columns = QN_NEW_ARRAY(arena, struct qn_column, plan->partition.n_fields);
    if (!out->columns)
        return qn_err_nomem(err, "groups");
    QN_TRY(take_keys(groups, picked, n, arena, out->columns, err));
    QN_TRY(state_groups(groups, picked, pieces, n, arena, &states, err));
    struct qn_column *rows = &out->columns[plan->n_keys];
    QN_TRY(qn_column_new(arena, plan->partition.fields[plan->n_keys].type, n, rows, err));
    for (uint32_t i = 0; i < n; i++)
        rows->i64[i] = qn_groups_rows(groups, states[i]);
    struct qn_slot_view view = view_of(groups, states, n, arena);
    view.bag_groups = picked;
    view.pieces = pieces;
    for (uint32_t s = 0; s < plan->n_slots; s++) {
        const struct qn_slot *slot = &plan->slots[s];
        view.bag = &groups->bags[s];
        QN_TRY(slot->ops->pack(slot, &view, &out->columns[slot->first_field], err));
    }
    return QN_OK;
}

qn_code qn_groups_result(const struct qn_groups *groups, const uint32_t *picked, uint32_t n,
                         struct qn_arena *arena, struct qn_batch *out, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    *out = (struct qn_batch){.schema = &plan->schema, .columns = out->columns, .n_rows = n};
    QN_TRY(take_keys(groups, picked, n, arena, out->columns, err));
    struct qn_slot_view view = view_of(groups, picked, n, arena);
    for (uint32_t a = 0; a < plan->n_aggs; a++) {
        const struct qn_agg *agg = &plan->aggs[a];
        view.bag = agg->slot < 0 ? NULL : &groups->bags[agg->slot];
        QN_TRY(qn_agg_result(plan, agg, &view, &out->columns[plan->n_keys + a], err));
    }
    return QN_OK;
}
