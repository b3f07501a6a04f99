#include "jobs/etl/group.h"

#include <stdlib.h>
#include <string.h>

#include "jobs/etl/keys.h"

enum { FIRST_GROUPS = 64 };

qn_code qn_groups_init(struct qn_groups *groups, const struct qn_group_plan *plan,
                       struct qn_err *err)
{
    *groups = (struct qn_groups){.plan = plan};
    qn_arena_init(&groups->arena);
    groups->keys = calloc(plan->n_keys + 1, sizeof *groups->keys);
    if (!groups->keys)
        return qn_err_nomem(err, "groups");
    for (uint32_t k = 0; k < plan->n_keys; k++)
        qn_colstore_init(&groups->keys[k], plan->schema.fields[k].type);
    return QN_OK;
}

void qn_groups_fini(struct qn_groups *groups)
{
    for (uint32_t k = 0; groups->keys && k < groups->plan->n_keys; k++)
        qn_colstore_fini(&groups->keys[k]);
    free(groups->keys);
    free(groups->states);
    free(groups->rows);
    free(groups->hashes);
    free(groups->slots);
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

static qn_code grow_groups(struct qn_groups *groups, struct qn_err *err)
{
    if (groups->capacity > UINT32_MAX / 4)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_INPUT, "more than 2^30 groups in one task");
    size_t capacity = groups->capacity ? (size_t)groups->capacity * 2 : FIRST_GROUPS;
    size_t state_bytes = groups->plan->n_aggs * sizeof *groups->states;
    void *states = groups->states, *rows = groups->rows, *hashes = groups->hashes;
    bool grown = grow_array(&states, capacity, state_bytes) &&
                 grow_array(&rows, capacity, sizeof *groups->rows) &&
                 grow_array(&hashes, capacity, sizeof *groups->hashes);
    groups->states = states;
    groups->rows = rows;
    groups->hashes = hashes;
    if (!grown)
        return qn_err_nomem(err, "groups");
    uint64_t *slots = calloc(capacity * 2, sizeof *slots);
    if (!slots)
        return qn_err_nomem(err, "groups");
    free(groups->slots);
    groups->slots = slots;
    groups->n_slots = (uint32_t)(capacity * 2);
    groups->capacity = (uint32_t)capacity;
    for (uint32_t g = 0; g < groups->n; g++) {
        uint32_t at = (uint32_t)groups->hashes[g] & (groups->n_slots - 1);
        while (slots[at])
            at = (at + 1) & (groups->n_slots - 1);
        slots[at] = (groups->hashes[g] >> 32 << 32) | (g + 1);
    }
    return QN_OK;
}

static qn_code new_group(struct qn_groups *groups, const struct qn_column *keys, uint32_t row,
                         uint64_t hash, uint64_t *slot, struct qn_err *err)
{
    for (uint32_t k = 0; k < groups->plan->n_keys; k++)
        QN_TRY(qn_colstore_add(&groups->keys[k], &keys[k], row, err));
    uint32_t g = groups->n++;
    memset(groups->states + (size_t)g * groups->plan->n_aggs, 0,
           groups->plan->n_aggs * sizeof *groups->states);
    groups->rows[g] = 0;
    groups->hashes[g] = hash;
    *slot = (hash >> 32 << 32) | groups->n;
    return QN_OK;
}

static bool is_group(const struct qn_groups *groups, uint32_t g, const struct qn_column *keys,
                     uint32_t row)
{
    for (uint32_t k = 0; k < groups->plan->n_keys; k++)
        if (!qn_key_equal(&groups->keys[k].column, g, &keys[k], row))
            return false;
    return true;
}

/* The group of each row, made when it is new. */
static qn_code find_groups(struct qn_groups *groups, const struct qn_column *keys, uint32_t n_rows,
                           uint64_t *hashes, uint32_t *group_of, struct qn_err *err)
{
    qn_keys_hash(keys, groups->plan->n_keys, n_rows, hashes);
    for (uint32_t row = 0; row < n_rows; row++) {
        if (groups->n >= groups->capacity)
            QN_TRY(grow_groups(groups, err));
        uint64_t hash = hashes[row];
        uint32_t mask = groups->n_slots - 1, at = (uint32_t)hash & mask;
        for (;; at = (at + 1) & mask) {
            uint64_t slot = groups->slots[at];
            if (!slot) {
                QN_TRY(new_group(groups, keys, row, hash, &groups->slots[at], err));
                group_of[row] = groups->n - 1;
                break;
            }
            uint32_t g = (uint32_t)slot - 1;
            if (slot >> 32 == hash >> 32 && is_group(groups, g, keys, row)) {
                group_of[row] = g;
                break;
            }
        }
    }
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

static qn_code fold_agg(struct qn_groups *groups, uint32_t index, const struct qn_batch *batch,
                        const uint32_t *group_of, struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_agg *agg = &groups->plan->aggs[index];
    uint32_t *rows = NULL, n = batch->n_rows;
    if (agg->call.filter) {
        rows = qn_arena_alloc(arena, batch->n_rows * sizeof *rows);
        if (!rows)
            return qn_err_nomem(err, "an aggregate's filter");
        QN_TRY(qn_expr_filter(agg->call.filter, batch, arena, rows, &n, err));
    }
    struct qn_column values = {0};
    if (agg->call.argument)
        QN_TRY(qn_expr_eval(agg->call.argument, batch, arena, &values, err));
    return qn_agg_fold(agg, index, groups, agg->call.argument ? &values : NULL, rows, n, group_of,
                       err);
}

qn_code qn_groups_add(struct qn_groups *groups, const struct qn_batch *batch,
                      struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    struct qn_column *keys = QN_NEW_ARRAY(arena, struct qn_column, plan->n_keys);
    uint64_t *hashes = qn_arena_alloc(arena, batch->n_rows * sizeof *hashes);
    uint32_t *group_of = qn_arena_alloc(arena, batch->n_rows * sizeof *group_of);
    if (!keys || !hashes || !group_of)
        return qn_err_nomem(err, "group keys");
    for (uint32_t k = 0; k < plan->n_keys; k++)
        keys[k] = batch->columns[plan->keys[k]];
    QN_TRY(find_groups(groups, keys, batch->n_rows, hashes, group_of, err));
    for (uint32_t row = 0; row < batch->n_rows; row++)
        groups->rows[group_of[row]]++;
    for (uint32_t a = 0; a < plan->n_aggs; a++)
        QN_TRY(fold_agg(groups, a, batch, group_of, arena, err));
    return QN_OK;
}

qn_code qn_groups_merge(struct qn_groups *groups, const struct qn_batch *batch,
                        struct qn_arena *arena, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    uint64_t *hashes = qn_arena_alloc(arena, batch->n_rows * sizeof *hashes);
    uint32_t *group_of = qn_arena_alloc(arena, batch->n_rows * sizeof *group_of);
    if (!hashes || !group_of)
        return qn_err_nomem(err, "group keys");
    QN_TRY(find_groups(groups, batch->columns, batch->n_rows, hashes, group_of, err));
    const struct qn_column *rows = &batch->columns[plan->n_keys];
    for (uint32_t row = 0; row < batch->n_rows; row++)
        groups->rows[group_of[row]] += rows->i64[row];
    for (uint32_t a = 0; a < plan->n_aggs; a++)
        QN_TRY(qn_agg_fold_states(&plan->aggs[a], a, groups, batch, group_of, err));
    return QN_OK;
}

/* --- giving out ------------------------------------------------------------------------------ */

void qn_groups_partitions(const struct qn_groups *groups, uint32_t *out)
{
    uint32_t n = groups->plan->n_keys ? groups->plan->n_partitions : 1;
    for (uint32_t g = 0; g < groups->n; g++)
        out[g] = (uint32_t)((groups->hashes[g] >> 40) % n); /* other bits than the slots' */
}

qn_code qn_groups_pack(const struct qn_groups *groups, const uint32_t *picked, uint32_t n,
                       struct qn_arena *arena, struct qn_batch *out, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    *out = (struct qn_batch){.schema = &plan->partition, .n_rows = n};
    out->columns = QN_NEW_ARRAY(arena, struct qn_column, plan->partition.n_fields);
    if (!out->columns)
        return qn_err_nomem(err, "groups");
    for (uint32_t k = 0; k < plan->n_keys; k++) {
        struct qn_column view = qn_colstore_view(&groups->keys[k]);
        QN_TRY(qn_column_take(arena, &view, groups->n, picked, n, &out->columns[k], err));
    }
    struct qn_column *rows = &out->columns[plan->n_keys];
    QN_TRY(qn_column_new(arena, plan->partition.fields[plan->n_keys].type, n, rows, err));
    for (uint32_t i = 0; i < n; i++)
        rows->i64[i] = groups->rows[picked[i]];
    for (uint32_t a = 0; a < plan->n_aggs; a++)
        QN_TRY(qn_agg_pack(&plan->aggs[a], a, groups, picked, n, arena,
                           &out->columns[plan->aggs[a].first_field], err));
    return QN_OK;
}

qn_code qn_groups_rows(const struct qn_groups *groups, uint32_t first, uint32_t n,
                       struct qn_arena *arena, struct qn_batch *out, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    uint32_t *picked = qn_arena_alloc(arena, n * sizeof *picked);
    if (!picked)
        return qn_err_nomem(err, "groups");
    for (uint32_t i = 0; i < n; i++)
        picked[i] = first + i;
    *out = (struct qn_batch){.schema = &plan->schema, .columns = out->columns, .n_rows = n};
    for (uint32_t k = 0; k < plan->n_keys; k++) {
        struct qn_column view = qn_colstore_view(&groups->keys[k]);
        QN_TRY(qn_column_take(arena, &view, groups->n, picked, n, &out->columns[k], err));
    }
    for (uint32_t a = 0; a < plan->n_aggs; a++)
        QN_TRY(qn_agg_result(&plan->aggs[a], a, groups, first, n, arena,
                             &out->columns[plan->n_keys + a], err));
    return QN_OK;
}
