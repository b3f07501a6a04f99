#include "jobs/learn/boost.h"

#include <math.h>
#include <stdlib.h>

#include "base/hash.h"
#include "jobs/learn/math.h"

/* --- weights and draws ----------------------------------------------------------------------- */

void qn_boost_scale_of(const struct qn_boost_params *params, const struct qn_bins *bins,
                       struct qn_boost_scale *out)
{
    double negative = (double)bins->rows[0], positive = (double)bins->rows[1];
    *out = (struct qn_boost_scale){.weight = {1, params->positive_weight}};
    if (params->balanced)
        out->weight[positive < negative] =
            positive < negative ? negative / positive : positive / negative;
    double most = out->weight[0] > out->weight[1] ? out->weight[0] : out->weight[1];
    while (most > (double)(UINT64_C(1) << out->shift))
        out->shift++;
    out->g_unit = ldexp(1, (int)out->shift - 30);
    out->h_unit = ldexp(1, (int)out->shift - 32);
    out->base_score = qn_ln(positive) - qn_ln(negative);
}

/* 2^64 x share, which is below 1. */
static uint64_t share_of_hashes(double share)
{
    return (uint64_t)(share * 0x1p64);
}

enum { DRAW_ROWS = 0x526f7773, DRAW_FEATURES = 0x436f6c73 };

bool qn_boost_in_bag(const struct qn_boost_params *params, uint32_t tree, uint64_t hash)
{
    if (params->bagging_freq == 0 || params->bagging_fraction >= 1)
        return true;
    uint64_t draw = qn_mix64(params->seed + DRAW_ROWS) + tree / params->bagging_freq;
    return qn_mix64(hash ^ qn_mix64(draw)) < share_of_hashes(params->bagging_fraction);
}

void qn_boost_draw_features(const struct qn_boost_params *params, uint32_t tree, uint32_t n,
                            bool *drawn)
{
    uint32_t wanted = (uint32_t)((double)n * params->feature_fraction + 0.5);
    uint64_t draw = qn_mix64(qn_mix64(params->seed + DRAW_FEATURES) + tree);
    wanted = wanted ? wanted : 1;
    for (uint32_t f = 0; f < n; f++) { /* the lowest hashes are drawn */
        uint64_t mine = qn_mix64(draw + f);
        uint32_t lower = 0;
        for (uint32_t other = 0; wanted < n && other < n && lower < wanted; other++)
            lower += qn_mix64(draw + other) < mine;
        drawn[f] = lower < wanted;
    }
}

/* --- state ----------------------------------------------------------------------------------- */

static qn_code make_room(struct qn_boost_state *state, uint32_t n_nodes, struct qn_err *err)
{
    state->max_nodes = n_nodes;
    state->nodes = QN_NEW_ARRAY(&state->arena, struct qn_boost_node, n_nodes);
    state->wanted = QN_NEW_ARRAY(&state->arena, uint32_t, n_nodes);
    return state->nodes && state->wanted ? QN_OK : qn_err_nomem(err, "boosting");
}

/* Every round adds fewer splits than a tree has, and a tree has fewer rounds than leaves; most have
 * far fewer, so nodes move to larger room when they need it. */
enum { NODES_AT_FIRST = 64 };

qn_code qn_boost_state_init(struct qn_boost_state *state, const struct qn_boost_params *params,
                            struct qn_err *err)
{
    *state = (struct qn_boost_state){.max_trees = params->num_rounds};
    qn_arena_init(&state->arena);
    state->trees = QN_NEW_ARRAY(&state->arena, struct qn_tree, params->num_rounds);
    if (!state->trees)
        return qn_err_nomem(err, "boosting");
    QN_TRY(make_room(state, NODES_AT_FIRST, err));
    qn_boost_state_clear(state);
    return QN_OK;
}

void qn_boost_state_clear(struct qn_boost_state *state)
{
    *state = (struct qn_boost_state){.arena = state->arena,
                                     .max_trees = state->max_trees,
                                     .trees = state->trees,
                                     .nodes = state->nodes,
                                     .n_nodes = 1,
                                     .max_nodes = state->max_nodes,
                                     .wanted = state->wanted,
                                     .n_wanted = 1};
    state->nodes[0] = (struct qn_boost_node){.awaited = true, .low = -HUGE_VAL, .high = HUGE_VAL};
    state->wanted[0] = 0;
}

void qn_boost_state_fini(struct qn_boost_state *state)
{
    qn_arena_fini(&state->arena);
    *state = (struct qn_boost_state){0};
    qn_arena_init(&state->arena);
}

static qn_code more_room(struct qn_boost_state *state, struct qn_err *err)
{
    const struct qn_boost_node *nodes = state->nodes;
    const uint32_t *wanted = state->wanted;
    uint32_t n = state->max_nodes;
    QN_TRY(make_room(state, n * 2, err));
    memcpy(state->nodes, nodes, n * sizeof *nodes);
    memcpy(state->wanted, wanted, n * sizeof *wanted);
    return QN_OK;
}

struct qn_boost_node *qn_boost_state_add_node(struct qn_boost_state *state)
{
    if (state->n_nodes == state->max_nodes && more_room(state, NULL) != QN_OK)
        return NULL;
    struct qn_boost_node *node = &state->nodes[state->n_nodes++];
    *node = (struct qn_boost_node){0};
    return node;
}

/* --- bytes ----------------------------------------------------------------------------------- */

static void sums_pack(struct qn_buf *out, struct qn_sums sums)
{
    qn_buf_put_i64(out, sums.g);
    qn_buf_put_u64(out, sums.h);
    qn_buf_put_u64(out, sums.n);
}

static struct qn_sums sums_unpack(struct qn_unpack *in)
{
    struct qn_sums sums;
    sums.g = qn_unpack_i64(in);
    sums.h = qn_unpack_u64(in);
    sums.n = qn_unpack_u64(in);
    return sums;
}

enum { AWAITED = 1, SPLITS = 2 };

static void node_pack(struct qn_buf *out, const struct qn_boost_node *node)
{
    qn_buf_put_u32(out, node->parent);
    qn_buf_put_u32(out, node->left);
    qn_buf_put_u32(out, node->depth);
    qn_buf_put_u8(out, (uint8_t)((node->awaited ? AWAITED : 0) | (node->splits ? SPLITS : 0)));
    sums_pack(out, node->sums);
    qn_buf_put_f64(out, node->value);
    qn_buf_put_f64(out, node->low);
    qn_buf_put_f64(out, node->high);
    if (!node->splits)
        return;
    qn_tree_split_pack(out, &node->split);
    qn_buf_put_f64(out, node->gain);
    sums_pack(out, node->left_sums);
    qn_buf_put_f64(out, node->left_value);
    qn_buf_put_f64(out, node->right_value);
}

static void node_unpack(struct qn_unpack *in, const struct qn_bins *bins,
                        struct qn_boost_node *node)
{
    node->parent = qn_unpack_u32(in);
    node->left = qn_unpack_u32(in);
    node->depth = qn_unpack_u32(in);
    uint8_t flags = qn_unpack_u8(in);
    node->awaited = flags & AWAITED;
    node->splits = flags & SPLITS;
    node->sums = sums_unpack(in);
    node->value = qn_unpack_f64(in);
    node->low = qn_unpack_f64(in);
    node->high = qn_unpack_f64(in);
    in->failed |= flags > (AWAITED | SPLITS);
    if (!node->splits || in->failed)
        return;
    qn_tree_split_unpack(in, bins, &node->split);
    node->gain = qn_unpack_f64(in);
    node->left_sums = sums_unpack(in);
    node->left_value = qn_unpack_f64(in);
    node->right_value = qn_unpack_f64(in);
    in->failed |= !isfinite(node->gain);
}

enum { DONE = 1, MEASURES = 2, GROWN = 4 };

void qn_boost_state_put(struct qn_buf *out, struct qn_boost_state *state,
                        const struct qn_tree *grown)
{
    size_t before = out->len;
    uint32_t n_changed = 0;
    qn_buf_put_u32(out, 0);
    qn_buf_put_u8(out, (uint8_t)((state->done ? DONE : 0) | (state->measures ? MEASURES : 0) |
                                 (grown ? GROWN : 0)));
    qn_buf_put_u32(out, state->n_trees);
    qn_buf_put_u32(out, state->best_trees);
    qn_buf_put_u64(out, state->best_loss);
    qn_buf_put_u64(out, state->best_rows);
    if (grown)
        qn_tree_pack(out, grown);
    for (uint32_t i = 0; i < state->n_nodes; i++)
        n_changed += state->nodes[i].changed;
    qn_buf_put_u32(out, state->n_nodes);
    qn_buf_put_u32(out, n_changed);
    for (uint32_t i = 0; i < state->n_nodes; i++) {
        if (!state->nodes[i].changed)
            continue;
        qn_buf_put_u32(out, i);
        node_pack(out, &state->nodes[i]);
        state->nodes[i].changed = false;
    }
    qn_buf_put_u32(out, state->n_wanted);
    for (uint32_t i = 0; i < state->n_wanted; i++)
        qn_buf_put_u32(out, state->wanted[i]);
    uint32_t bytes = (uint32_t)(out->len - before - 4);
    for (unsigned b = 0; !out->failed && b < 4; b++)
        out->data[before + b] = (uint8_t)(bytes >> (8 * b));
    state->read += bytes + 4;
}

/* Children after their parents, in pairs, each of one parent that splits. */
static bool nodes_are_sound(const struct qn_boost_state *state)
{
    uint32_t next = 1;
    for (uint32_t i = 0; i < state->n_nodes; i++) {
        const struct qn_boost_node *node = &state->nodes[i];
        if (i && (node->parent >= i || state->nodes[node->parent].left != i - (i - 1) % 2))
            return false;
        if (node->left == 0)
            continue;
        if (!node->splits || node->left <= i || node->left % 2 == 0 ||
            node->left + 1 >= state->n_nodes)
            return false;
        next += 2;
    }
    return state->n_nodes == 0 || next == state->n_nodes;
}

static qn_code growth_unpack(struct qn_unpack *in, const struct qn_bins *bins, bool anew,
                             struct qn_boost_state *state, struct qn_err *err)
{
    uint32_t n = qn_unpack_u32(in), known = anew ? 0 : state->n_nodes;
    uint32_t n_changed = qn_unpack_count(in, 61);
    in->failed |= n > known + n_changed;
    if (in->failed)
        return QN_OK;
    while (state->max_nodes < n)
        QN_TRY(more_room(state, err));
    state->n_nodes = n;
    for (uint32_t i = 0; i < n_changed && !in->failed; i++) {
        uint32_t number = qn_unpack_u32(in);
        /* Those that are new come one after the other. */
        in->failed |= number >= n || number > known;
        if (in->failed)
            break;
        known += number == known;
        state->nodes[number] = (struct qn_boost_node){0};
        node_unpack(in, bins, &state->nodes[number]);
    }
    in->failed = in->failed || known < n || !nodes_are_sound(state);
    state->n_wanted = qn_unpack_count(in, 4);
    in->failed |= state->n_wanted > state->n_nodes;
    for (uint32_t i = 0; i < state->n_wanted && !in->failed; i++) {
        state->wanted[i] = qn_unpack_u32(in);
        in->failed |= state->wanted[i] >= state->n_nodes;
    }
    return QN_OK;
}

static qn_code record_unpack(struct qn_unpack *in, const struct qn_bins *bins,
                             struct qn_boost_state *state, struct qn_arena *arena,
                             struct qn_tree *grown, struct qn_err *err)
{
    uint8_t flags = qn_unpack_u8(in);
    uint32_t n_trees = qn_unpack_u32(in);
    state->done = flags & DONE;
    state->measures = flags & MEASURES;
    state->best_trees = qn_unpack_u32(in);
    state->best_loss = qn_unpack_u64(in);
    state->best_rows = qn_unpack_u64(in);
    uint32_t most = state->n_trees + (flags & GROWN ? 1 : 0);
    in->failed |= flags > (DONE | MEASURES | GROWN) || most > state->max_trees ||
                  (state->done ? n_trees > most : n_trees != most);
    state->n_trees = n_trees;
    if (flags & GROWN && !in->failed)
        QN_TRY(qn_tree_unpack(in, bins, arena, grown, err));
    in->failed |= flags & GROWN && grown->n < 3; /* every tree has a split */
    return in->failed ? QN_OK : growth_unpack(in, bins, flags & GROWN, state, err);
}

qn_code qn_boost_state_next(struct qn_boost_state *state, struct qn_strv log,
                            const struct qn_bins *bins, struct qn_arena *arena,
                            struct qn_tree *grown, struct qn_err *err)
{
    struct qn_strv rest = {log.data + state->read, log.len - state->read};
    struct qn_unpack all = qn_unpack_from(rest);
    struct qn_strv record = qn_unpack_str(&all);
    struct qn_unpack in = qn_unpack_from(record);
    *grown = (struct qn_tree){0};
    in.failed |= all.failed;
    if (!in.failed)
        QN_TRY(record_unpack(&in, bins, state, arena, grown, err));
    state->read += record.len + 4;
    return qn_unpack_end(&in, "the log of boosting", err);
}

qn_code qn_boost_state_read(struct qn_boost_state *state, struct qn_strv log,
                            const struct qn_bins *bins, struct qn_err *err)
{
    while (state->read < log.len) {
        uint32_t before = state->n_trees;
        struct qn_tree tree;
        QN_TRY(qn_boost_state_next(state, log, bins, &state->arena, &tree, err));
        if (tree.n)
            state->trees[before] = tree;
    }
    return QN_OK;
}
