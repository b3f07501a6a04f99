/* What is in groups: rows on their way into them, and their way out. (The table: group_table.c) */
#include "jobs/etl/group.h"

#include <string.h>

#include "jobs/etl/scatter.h"
#include "jobs/etl/slot_pick.h"

enum { FOLD_ROWS = 128 };

/* --- folding --------------------------------------------------------------------------------- */

static void count_rows(const struct qn_slot_fold *fold)
{
    const struct qn_slot_fold at = *fold; /* stores to states do not touch it */
    for (uint32_t row = at.first; row < at.n_rows; row++)
        ++*(int64_t *)(void *)(at.states + at.group_of[row] * at.stride);
}

/* Slots that count rows under a filter of one column of bits, all at once: few bits of a row are
 * set, and each is one addition. With the first column the rows themselves. */
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
    const struct qn_slot_fold at = *fold; /* stores to states do not touch it */
    const int64_t one = column == 0;
    for (uint32_t row = at.first; (counted || one) && row < at.n_rows; row++) {
        char *state = at.states + at.group_of[row] * at.stride;
        *(int64_t *)(void *)state += one;
        for (uint64_t set = (uint64_t)bits[row] & counted; set; set &= set - 1)
            ++*(int64_t *)(void *)(state + offset_of[__builtin_ctzll(set)]);
    }
}

static qn_code fold_slots(struct qn_groups *groups, struct qn_slot_fold *fold,
                          const struct qn_batch *batch, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    const struct qn_column *inputs = batch->columns + plan->n_keys;
    const struct qn_column *bits = inputs + plan->n_inputs;
    if (plan->n_filters == 0)
        count_rows(fold);
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

/* Some rows at a time: their states are in the nearest cache when the next slot asks for them. */
static qn_code fold_evaluated(struct qn_groups *groups, struct qn_slot_fold *fold,
                              const struct qn_batch *batch, struct qn_err *err)
{
    const struct qn_group_plan *plan = groups->plan;
    fold->places =
        plan->has_places ? batch->columns + plan->evaluated.n_fields - QN_PLACE_FIELDS : NULL;
    for (uint32_t first = 0; first < batch->n_rows; first = fold->n_rows) {
        fold->first = first;
        fold->n_rows = batch->n_rows - first < FOLD_ROWS ? batch->n_rows : first + FOLD_ROWS;
        QN_TRY(fold_slots(groups, fold, batch, err));
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
    QN_TRY(qn_groups_reserve(groups, err));
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
        partition_of[g] = qn_partition_of(&groups->plan->by, groups->hashes[g]);
    qn_partition_order(partition_of, groups->n, groups->plan->by.n_partitions, starts, order);
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
