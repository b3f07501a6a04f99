/* The coordinator's side of boosting: from the histograms of a round to what the next one makes. */
#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "jobs/learn/boost.h"

struct qn_boost_grower {
    const struct qn_boost_params *params;
    struct qn_boost_sums sums; /* of the round under way */
    /* Of nodes of the tree that grows, by number; cells NULL: there is none. */
    struct qn_histogram *of;
    uint32_t n_of;
    uint32_t tree; /* which tree that is */
    /* Of the first step on. */
    struct qn_bins bins;
    struct qn_boost_state state;
    bool *drawn;
    bool begun;
};

static void drop_kept(struct qn_boost_grower *grower)
{
    for (uint32_t i = 0; i < grower->n_of; i++)
        qn_histogram_fini(&grower->of[i]);
    free(grower->of);
    grower->of = NULL;
    grower->n_of = 0;
}

void qn_boost_grower_free(struct qn_boost_grower *grower)
{
    if (!grower)
        return;
    qn_boost_sums_clear(&grower->sums);
    drop_kept(grower);
    qn_boost_state_fini(&grower->state);
    qn_bins_fini(&grower->bins);
    free(grower->drawn);
    free(grower);
}

qn_code qn_boost_grower_new(const struct qn_boost_params *params, struct qn_boost_grower **out,
                            struct qn_err *err)
{
    struct qn_boost_grower *grower = calloc(1, sizeof *grower);
    *out = grower;
    if (!grower)
        return qn_err_nomem(err, "growing trees");
    grower->params = params;
    qn_bins_init(&grower->bins);
    qn_code code = qn_boost_state_init(&grower->state, params, err);
    if (code != QN_OK) {
        qn_boost_grower_free(grower);
        *out = NULL;
    }
    return code;
}

struct qn_boost_sums *qn_boost_grower_sums(struct qn_boost_grower *grower)
{
    return &grower->sums;
}

/* --- histograms of nodes --------------------------------------------------------------------- */

static qn_code keep_room(struct qn_boost_grower *grower, uint32_t n, struct qn_err *err)
{
    if (n <= grower->n_of)
        return QN_OK;
    struct qn_histogram *grown = realloc(grower->of, n * sizeof *grown);
    if (!grown)
        return qn_err_nomem(err, "histograms");
    memset(grown + grower->n_of, 0, (n - grower->n_of) * sizeof *grown);
    grower->of = grown;
    grower->n_of = n;
    return QN_OK;
}

static qn_code take_merged(struct qn_boost_grower *grower, const struct qn_boost_state *state,
                           struct qn_err *err)
{
    struct qn_boost_sums *sums = &grower->sums;
    if (sums->n != state->n_wanted)
        return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "%u histograms came, %u were wanted",
                          sums->n, state->n_wanted);
    for (uint32_t i = 0; i < state->n_wanted; i++) {
        struct qn_histogram *place = &grower->of[state->wanted[i]];
        if (sums->histograms[i].n_cells != grower->bins.n_cells)
            return qn_err_set(err, QN_EWIRE, QN_BLAME_WORKER, "a histogram of other bins");
        qn_histogram_fini(place);
        *place = sums->histograms[i];
        sums->histograms[i] = (struct qn_histogram){0};
    }
    return QN_OK;
}

/* What the parent has left over when one child is known is the other child's. */
static void subtract_siblings(struct qn_boost_grower *grower, const struct qn_boost_state *state)
{
    for (uint32_t i = 1; i < state->n_nodes; i++) {
        uint32_t sibling = i % 2 ? i + 1 : i - 1;
        struct qn_histogram *parent = &grower->of[state->nodes[i].parent];
        if (!state->nodes[i].awaited || grower->of[i].cells || !grower->of[sibling].cells ||
            !parent->cells)
            continue;
        qn_histogram_subtract(parent, &grower->of[sibling]);
        grower->of[i] = *parent;
        *parent = (struct qn_histogram){0};
    }
}

/* --- splits ---------------------------------------------------------------------------------- */

static bool may_split(const struct qn_split_finder *finder, const struct qn_boost_node *node)
{
    const struct qn_boost_params *params = finder->params;
    return node->depth < params->max_depth && node->sums.n >= 2 * params->min_data_in_leaf &&
           node->sums.n >= 2 &&
           (double)node->sums.h * finder->scale.h_unit >= 2 * params->min_sum_hessian;
}

/* Splits of nodes whose histograms came; those still awaited without one are wanted. */
static void find_splits(struct qn_boost_grower *grower, const struct qn_split_finder *finder,
                        struct qn_boost_state *state)
{
    state->n_wanted = 0;
    for (uint32_t i = 0; i < state->n_nodes; i++) {
        struct qn_boost_node *node = &state->nodes[i];
        if (!node->awaited)
            continue;
        if (!grower->of[i].cells) {
            state->wanted[state->n_wanted++] = i;
            continue;
        }
        node->awaited = false;
        node->changed = true;
        if (i == 0) {
            node->sums = qn_histogram_total(&grower->of[0], finder->bins);
            node->value = qn_split_value(finder, node->sums, finder->params->lambda_l2, node->low,
                                         node->high);
        }
        if (may_split(finder, node))
            qn_split_find(finder, &grower->of[i], node);
        if (!node->splits)
            qn_histogram_fini(&grower->of[i]);
    }
}

static struct qn_boost_node child_of(const struct qn_boost_node *parent, uint32_t number,
                                     struct qn_sums sums, double value)
{
    return (struct qn_boost_node){.parent = number,
                                  .changed = true,
                                  .depth = parent->depth + 1,
                                  .sums = sums,
                                  .value = value,
                                  .low = parent->low,
                                  .high = parent->high};
}

/* Values on both sides of a split on a monotone feature stay apart below it too. */
static void bound_children(const struct qn_boost_params *params, const struct qn_boost_node *parent,
                           struct qn_boost_node *left, struct qn_boost_node *right)
{
    int monotone = params->monotone ? params->monotone[parent->split.feature] : 0;
    double middle = (left->value + right->value) / 2;
    struct qn_boost_node *lower = monotone > 0 ? left : right;
    struct qn_boost_node *upper = monotone > 0 ? right : left;
    if (monotone == 0)
        return;
    lower->high = middle < lower->high ? middle : lower->high;
    upper->low = middle > upper->low ? middle : upper->low;
}

/* Splits a node. `last`: the tree can take no split after this one, so that nobody asks for its
 * children's. */
static qn_code expand(const struct qn_boost_grower *grower, const struct qn_split_finder *finder,
                      struct qn_boost_state *state, uint32_t number, bool last, struct qn_err *err)
{
    uint32_t first = state->n_nodes;
    for (uint32_t side = 0; side < 2; side++)
        if (!qn_boost_state_add_node(state))
            return qn_err_nomem(err, "growing trees");
    struct qn_boost_node *node = &state->nodes[number];
    struct qn_boost_node *left = &state->nodes[first], *right = &state->nodes[first + 1];
    struct qn_sums rest = {(int64_t)((uint64_t)node->sums.g - (uint64_t)node->left_sums.g),
                           node->sums.h - node->left_sums.h, node->sums.n - node->left_sums.n};
    *left = child_of(node, number, node->left_sums, node->left_value);
    *right = child_of(node, number, rest, node->right_value);
    bound_children(finder->params, node, left, right);
    node->left = first;
    node->changed = true;
    left->awaited = !last && may_split(finder, left);
    right->awaited = !last && may_split(finder, right);
    bool left_is_smaller = left->sums.n <= right->sums.n;
    if (!left->awaited && !right->awaited)
        return QN_OK;
    if (number < grower->n_of && grower->of[number].cells) {
        /* Made for both, whichever of them is awaited. */
        struct qn_boost_node *smaller = left_is_smaller ? left : right;
        smaller->awaited = true;
        state->wanted[state->n_wanted++] = left_is_smaller ? first : first + 1;
        return QN_OK;
    }
    if (left->awaited)
        state->wanted[state->n_wanted++] = first;
    if (right->awaited)
        state->wanted[state->n_wanted++] = first + 1;
    return QN_OK;
}

/* --- the order ------------------------------------------------------------------------------- */

/* Whether node a comes before b from left to right and from the root down. */
static bool comes_first(const struct qn_boost_state *state, uint32_t a, uint32_t b)
{
    const struct qn_boost_node *nodes = state->nodes;
    if (nodes[a].depth != nodes[b].depth)
        return nodes[a].depth < nodes[b].depth;
    while (nodes[a].parent != nodes[b].parent) {
        a = nodes[a].parent;
        b = nodes[b].parent;
    }
    return a < b;
}

/* The nodes that are split, best first, as far as their gains are known: into order[0..n). A leaf
 * whose split is not known yet only delays others, so none that is missing here is ever split. */
static uint32_t play(const struct qn_boost_state *state, uint32_t num_leaves, uint32_t *order,
                     uint32_t *leaves)
{
    uint32_t n = 0, n_leaves = state->nodes[0].splits;
    leaves[0] = 0;
    while (n + 1 < num_leaves && n_leaves) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < n_leaves; i++) {
            double gain = state->nodes[leaves[i]].gain, most = state->nodes[leaves[best]].gain;
            if (gain > most || (gain == most && comes_first(state, leaves[i], leaves[best])))
                best = i;
        }
        uint32_t node = leaves[best], left = state->nodes[node].left;
        order[n++] = node;
        leaves[best] = leaves[--n_leaves];
        for (uint32_t child = left; left && child < left + 2; child++)
            if (state->nodes[child].splits)
                leaves[n_leaves++] = child;
    }
    return n;
}

/* The splits of order[0..n) as a tree: numbered as they were made. */
static qn_code build(const struct qn_boost_params *params, const struct qn_split_finder *finder,
                     const struct qn_boost_state *state, const uint32_t *order, uint32_t n,
                     struct qn_arena *arena, struct qn_tree *tree, struct qn_err *err)
{
    uint32_t *place = QN_NEW_ARRAY(arena, uint32_t, state->n_nodes);
    tree->n = 2 * n + 1;
    tree->nodes = QN_NEW_ARRAY(arena, struct qn_tree_node, tree->n);
    uint32_t *from = QN_NEW_ARRAY(arena, uint32_t, tree->n);
    if (!place || !tree->nodes || !from)
        return qn_err_nomem(err, "a tree");
    for (uint32_t i = 0; i < n; i++) {
        const struct qn_boost_node *node = &state->nodes[order[i]];
        struct qn_tree_node *split = &tree->nodes[place[order[i]]];
        split->left = 2 * i + 1;
        split->split = node->split;
        split->gain = node->gain;
        for (uint32_t side = 0; side < 2; side++) {
            place[node->left + side] = split->left + side;
            from[split->left + side] = node->left + side;
        }
    }
    for (uint32_t i = 0; i < tree->n; i++) {
        const struct qn_boost_node *node = &state->nodes[from[i]];
        tree->nodes[i].rows = node->sums.n;
        tree->nodes[i].weight = (double)node->sums.h * finder->scale.h_unit;
        if (tree->nodes[i].left == 0)
            tree->nodes[i].value = node->value * params->learning_rate;
    }
    return QN_OK;
}

/* --- a step ---------------------------------------------------------------------------------- */

/* The validation loss of the trees so far; true when it has stopped to fall for long enough. */
static bool judge(const struct qn_boost_grower *grower, struct qn_boost_state *state)
{
    if (!state->measures)
        return false;
    if (state->best_trees == 0 || grower->sums.loss < state->best_loss) {
        state->best_trees = state->n_trees;
        state->best_loss = grower->sums.loss;
        state->best_rows = grower->sums.loss_rows;
    }
    return state->n_trees >= grower->params->num_rounds ||
           state->n_trees - state->best_trees >= grower->params->early_stopping_rounds;
}

static void start_tree(struct qn_boost_grower *grower, struct qn_boost_state *state)
{
    bool stops_early = grower->params->early_stopping_rounds > 0;
    bool full = state->n_trees == grower->params->num_rounds;
    state->measures = stops_early && state->n_trees > 0;
    state->done = full && !stops_early;
    state->n_nodes = state->n_wanted = 0;
    drop_kept(grower);
    if (full)
        return;
    state->n_nodes = state->n_wanted = 1;
    state->wanted[0] = 0;
    state->nodes[0] = (struct qn_boost_node){
        .changed = true, .awaited = true, .low = -HUGE_VAL, .high = HUGE_VAL};
}

static void stop(const struct qn_boost_grower *grower, struct qn_boost_state *state)
{
    if (grower->params->early_stopping_rounds && state->best_trees)
        state->n_trees = state->best_trees;
    state->done = true;
    state->measures = false;
    state->n_nodes = state->n_wanted = 0;
}

/* Splits what the order comes to; where that asks for no histogram, the tree is finished (*grown)
 * and the next one begins. */
static qn_code grow(struct qn_boost_grower *grower, const struct qn_split_finder *finder,
                    uint32_t *order, const struct qn_tree **grown, struct qn_err *err)
{
    struct qn_boost_state *state = &grower->state;
    uint32_t *leaves = order + grower->params->num_leaves;
    for (;;) {
        uint32_t num_leaves = grower->params->num_leaves;
        uint32_t n = play(state, num_leaves, order, leaves), expanded = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (state->nodes[order[i]].left)
                continue;
            QN_TRY(expand(grower, finder, state, order[i], i + 2 == num_leaves, err));
            expanded++;
        }
        if (state->n_wanted)
            return QN_OK;
        if (expanded)
            continue; /* leaves that nothing has to be known of */
        if (n == 0) {
            stop(grower, state);
            return QN_OK;
        }
        struct qn_tree *tree = &state->trees[state->n_trees];
        QN_TRY(build(grower->params, finder, state, order, n, &state->arena, tree, err));
        *grown = tree;
        state->n_trees++;
        start_tree(grower, state);
        return QN_OK;
    }
}

static qn_code step(struct qn_boost_grower *grower, const struct qn_tree **grown,
                    struct qn_err *err)
{
    struct qn_boost_state *state = &grower->state;
    struct qn_split_finder finder = {
        .params = grower->params, .bins = &grower->bins, .drawn = grower->drawn};
    qn_boost_scale_of(grower->params, &grower->bins, &finder.scale);
    qn_boost_draw_features(grower->params, state->n_trees, grower->bins.n_features, grower->drawn);
    if (judge(grower, state)) {
        stop(grower, state);
        return QN_OK;
    }
    QN_TRY(keep_room(grower, state->n_nodes, err));
    QN_TRY(take_merged(grower, state, err));
    subtract_siblings(grower, state);
    find_splits(grower, &finder, state);
    if (state->n_wanted)
        return QN_OK; /* a coordinator that started again lacks their parents */
    uint32_t *order = malloc(2 * (size_t)grower->params->num_leaves * sizeof *order);
    if (!order)
        return qn_err_nomem(err, "growing trees");
    qn_code code = grow(grower, &finder, order, grown, err);
    free(order);
    return code;
}

static qn_code begin(struct qn_boost_grower *grower, struct qn_strv bins, struct qn_err *err)
{
    if (grower->begun)
        return QN_OK;
    QN_TRY(qn_bins_unpack(bins, &grower->bins, err));
    grower->drawn = calloc(grower->bins.n_features + 1, sizeof *grower->drawn);
    grower->begun = grower->drawn != NULL;
    return grower->drawn ? QN_OK : qn_err_nomem(err, "growing trees");
}

qn_code qn_boost_grower_step(struct qn_boost_grower *grower, struct qn_strv bins,
                             struct qn_strv log, struct qn_buf *out, enum qn_verdict *verdict,
                             struct qn_err *err)
{
    const struct qn_tree *grown = NULL;
    QN_TRY(begin(grower, bins, err));
    QN_TRY(qn_boost_state_read(&grower->state, log, &grower->bins, err));
    qn_code code = step(grower, &grown, err);
    if (code == QN_OK)
        qn_boost_state_put(out, &grower->state, grown);
    *verdict = grower->state.done ? QN_VERDICT_NEXT : grown ? QN_VERDICT_ANEW : QN_VERDICT_REPEAT;
    qn_boost_sums_clear(&grower->sums);
    return code;
}
