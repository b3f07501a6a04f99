#include "jobs/learn/forest.h"

#include <string.h>

enum { AT_ONCE = 8 }; /* rows */
enum { MOST_MASK_BYTES = 64 << 20 };

/* Of a tree: its nodes, then those that further pages of its splits need, in pairs. */
struct making {
    const struct qn_bins *bins;
    struct qn_forest_node *nodes;
    uint32_t n;
};

static void go_always(struct qn_forest_node *node, uint32_t to)
{
    *node = (struct qn_forest_node){.left = to};
    memset(node->left_bytes, 0xff, sizeof node->left_bytes);
}

static void ask_page(const struct making *self, const struct qn_tree_split *split, uint32_t page,
                     struct qn_forest_node *node)
{
    uint8_t left[QN_BIN_CODES];
    qn_tree_split_table(split, self->bins, page, left);
    *node = (struct qn_forest_node){.column =
                                        qn_bin_column(&self->bins->features[split->feature], page)};
    for (uint32_t byte = 0; byte < QN_BIN_CODES; byte++)
        node->left_bytes[byte / 64] |= (uint64_t)left[byte] << (byte % 64);
}

/* What one page does not send left the next one is asked of: the left of such a pair leads to where
 * the split leads. */
static void make_node(struct making *self, const struct qn_tree_node *from, uint32_t number)
{
    uint32_t pages[QN_BIN_PAGES], at = number;
    if (from->left == 0) {
        go_always(&self->nodes[number], number);
        return;
    }
    uint32_t n = qn_tree_split_pages(&from->split, self->bins, pages);
    for (uint32_t i = 0; i < n; i++) {
        ask_page(self, &from->split, pages[i], &self->nodes[at]);
        self->nodes[at].left = i + 1 < n ? self->n : from->left;
        if (i + 1 == n)
            return;
        go_always(&self->nodes[self->n], from->left);
        at = self->n + 1;
        self->n += 2;
    }
}

/* How many nodes a tree comes to, and on its longest way. */
static uint32_t count_nodes(const struct qn_tree *tree, const struct qn_bins *bins,
                            uint32_t *depths, uint32_t *deepest)
{
    uint32_t pages[QN_BIN_PAGES], n = tree->n;
    depths[0] = *deepest = 0;
    for (uint32_t i = 0; i < tree->n; i++) { /* children come after their parents */
        uint32_t left = tree->nodes[i].left;
        *deepest = depths[i] > *deepest ? depths[i] : *deepest;
        if (left == 0)
            continue;
        uint32_t asked = qn_tree_split_pages(&tree->nodes[i].split, bins, pages);
        n += 2 * (asked - 1);
        depths[left] = depths[left + 1] = depths[i] + asked;
    }
    return n;
}

static void make_tree(const struct qn_tree *tree, const struct qn_bins *bins, uint32_t first,
                      struct qn_forest *out)
{
    struct making self = {.bins = bins, .nodes = out->nodes + first, .n = tree->n};
    for (uint32_t i = 0; i < tree->n; i++) {
        make_node(&self, &tree->nodes[i], i);
        out->values[first + i] = tree->nodes[i].value;
    }
}

qn_code qn_forest_make(const struct qn_tree *trees, uint32_t n_trees, const struct qn_bins *bins,
                       struct qn_arena *arena, struct qn_forest *out, struct qn_err *err)
{
    uint32_t n = 0, most = 1;
    size_t mask_bytes = 0;
    for (uint32_t t = 0; t < n_trees; t++)
        most = trees[t].n > most ? trees[t].n : most;
    out->n_trees = n_trees;
    out->trees = QN_NEW_ARRAY(arena, struct qn_forest_tree, n_trees);
    uint32_t *depths = QN_NEW_ARRAY(arena, uint32_t, most);
    if (!out->trees || !depths)
        return qn_err_nomem(err, "a model");
    for (uint32_t t = 0; t < n_trees; t++) {
        struct qn_forest_tree *tree = &out->trees[t];
        if (mask_bytes < MOST_MASK_BYTES)
            QN_TRY(qn_leaf_masks_make(&trees[t], bins, arena, &tree->masks, err));
        mask_bytes += tree->masks.n_columns * sizeof *tree->masks.masks;
        tree->first = n;
        if (tree->masks.n_columns == 0)
            n += count_nodes(&trees[t], bins, depths, &tree->depth);
    }
    out->nodes = QN_NEW_ARRAY(arena, struct qn_forest_node, n);
    out->values = QN_NEW_ARRAY(arena, double, n);
    if (!out->nodes || !out->values)
        return qn_err_nomem(err, "a model");
    for (uint32_t t = 0; t < n_trees; t++)
        if (out->trees[t].masks.n_columns == 0)
            make_tree(&trees[t], bins, out->trees[t].first, out);
    return QN_OK;
}

static inline uint32_t step_down(const struct qn_forest_node *nodes, uint32_t at,
                                 const uint8_t *bytes)
{
    const struct qn_forest_node *node = &nodes[at];
    uint32_t byte = bytes[node->column];
    return node->left + 1 - (uint32_t)(node->left_bytes[byte / 64] >> (byte % 64) & 1);
}

static void add_tree(const struct qn_forest_node *nodes, const double *values, uint32_t depth,
                     const uint8_t *bytes, uint32_t width, uint32_t n, double *scores)
{
    uint32_t row = 0;
    for (; row + AT_ONCE <= n; row += AT_ONCE, bytes += (size_t)AT_ONCE * width) {
        uint32_t at[AT_ONCE] = {0};
        for (uint32_t step = 0; step < depth; step++)
            for (uint32_t i = 0; i < AT_ONCE; i++)
                at[i] = step_down(nodes, at[i], bytes + (size_t)i * width);
        for (uint32_t i = 0; i < AT_ONCE; i++)
            scores[row + i] += values[at[i]];
    }
    for (; row < n; row++, bytes += width) {
        uint32_t at = 0;
        for (uint32_t step = 0; step < depth; step++)
            at = step_down(nodes, at, bytes);
        scores[row] += values[at];
    }
}

void qn_forest_add(const struct qn_forest *forest, const uint8_t *bytes, uint32_t width, uint32_t n,
                   double *scores)
{
    for (uint32_t t = 0; t < forest->n_trees; t++) {
        const struct qn_forest_tree *tree = &forest->trees[t];
        if (tree->masks.n_columns)
            qn_leaf_masks_add(&tree->masks, bytes, width, n, scores);
        else
            add_tree(forest->nodes + tree->first, forest->values + tree->first, tree->depth, bytes,
                     width, n, scores);
    }
}
