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
    state->n_nodes = 1;
    state->nodes[0] = (struct qn_boost_node){.awaited = true, .low = -HUGE_VAL, .high = HUGE_VAL};
    state->n_wanted = 1;
    return QN_OK;
}

void qn_boost_state_fini(struct qn_boost_state *state)
{
    qn_arena_fini(&state->arena);
    *state = (struct qn_boost_state){0};
    qn_arena_init(&state->arena);
}

struct qn_boost_node *qn_boost_state_add_node(struct qn_boost_state *state)
{
    if (state->n_nodes == state->max_nodes) {
        const struct qn_boost_node *nodes = state->nodes;
        const uint32_t *wanted = state->wanted;
        if (make_room(state, state->max_nodes * 2, NULL) != QN_OK)
            return NULL;
        memcpy(state->nodes, nodes, state->n_nodes * sizeof *nodes);
        memcpy(state->wanted, wanted, state->n_wanted * sizeof *wanted);
    }
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

void qn_boost_state_pack(struct qn_buf *out, const struct qn_boost_state *state)
{
    qn_buf_put_u8(out, state->done);
    qn_buf_put_u8(out, state->measures);
    qn_buf_put_u32(out, state->best_trees);
    qn_buf_put_u64(out, state->best_loss);
    qn_buf_put_u64(out, state->best_rows);
    qn_buf_put_u32(out, state->n_trees);
    for (uint32_t i = 0; i < state->n_trees; i++) {
        size_t before = out->len;
        qn_buf_put_u32(out, 0);
        qn_tree_pack(out, &state->trees[i]);
        uint32_t bytes = (uint32_t)(out->len - before - 4);
        for (unsigned b = 0; !out->failed && b < 4; b++)
            out->data[before + b] = (uint8_t)(bytes >> (8 * b));
    }
    qn_buf_put_u32(out, state->n_nodes);
    for (uint32_t i = 0; i < state->n_nodes; i++)
        node_pack(out, &state->nodes[i]);
    qn_buf_put_u32(out, state->n_wanted);
    for (uint32_t i = 0; i < state->n_wanted; i++)
        qn_buf_put_u32(out, state->wanted[i]);
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

static qn_code trees_unpack(struct qn_unpack *in, const struct qn_bins *bins, uint32_t skip,
                            struct qn_boost_state *state, struct qn_err *err)
{
    state->n_trees = qn_unpack_count(in, 4);
    in->failed |= state->n_trees > state->max_trees;
    for (uint32_t i = 0; i < state->n_trees && !in->failed; i++) {
        struct qn_strv bytes = qn_unpack_str(in);
        if (i < skip)
            continue;
        struct qn_unpack tree = qn_unpack_from(bytes);
        QN_TRY(qn_tree_unpack(&tree, bins, &state->arena, &state->trees[i], err));
        in->failed |= tree.failed || tree.at != tree.end;
    }
    return QN_OK;
}

static qn_code growth_unpack(struct qn_unpack *in, const struct qn_bins *bins,
                             struct qn_boost_state *state, struct qn_err *err)
{
    uint32_t n = qn_unpack_count(in, 61);
    if (n > state->max_nodes)
        QN_TRY(make_room(state, n, err));
    state->n_nodes = n;
    for (uint32_t i = 0; i < n && !in->failed; i++)
        node_unpack(in, bins, &state->nodes[i]);
    in->failed = in->failed || !nodes_are_sound(state);
    state->n_wanted = qn_unpack_count(in, 4);
    in->failed |= state->n_wanted > state->n_nodes;
    for (uint32_t i = 0; i < state->n_wanted && !in->failed; i++) {
        state->wanted[i] = qn_unpack_u32(in);
        in->failed |= state->wanted[i] >= state->n_nodes;
    }
    return QN_OK;
}

qn_code qn_boost_state_unpack(struct qn_strv bytes, const struct qn_bins *bins, uint32_t skip,
                              struct qn_boost_state *state, struct qn_err *err)
{
    struct qn_unpack in = qn_unpack_from(bytes);
    uint8_t done = qn_unpack_u8(&in), measures = qn_unpack_u8(&in);
    state->done = done;
    state->measures = measures;
    state->best_trees = qn_unpack_u32(&in);
    state->best_loss = qn_unpack_u64(&in);
    state->best_rows = qn_unpack_u64(&in);
    in.failed |= done > 1 || measures > 1;
    QN_TRY(trees_unpack(&in, bins, skip, state, err));
    if (!in.failed)
        QN_TRY(growth_unpack(&in, bins, state, err));
    in.failed |= state->best_trees > state->n_trees;
    return qn_unpack_end(&in, "the state of boosting", err);
}
