#include "jobs/learn/forest.h"

enum { AT_ONCE = 8 }; /* rows */

static void make_node(const struct qn_tree_node *from, uint32_t number, struct qn_forest_node *out)
{
    *out = (struct qn_forest_node){.left = from->left ? from->left : number,
                                   .feature = from->left ? from->split.feature : 0};
    for (uint32_t code = 0; code < QN_BIN_CODES; code++)
        if (from->left == 0 || qn_tree_goes_left(&from->split, code))
            out->left_codes[code / 64] |= UINT64_C(1) << (code % 64);
}

qn_code qn_forest_make(const struct qn_tree *trees, uint32_t n_trees, struct qn_arena *arena,
                       struct qn_forest *out, struct qn_err *err)
{
    uint32_t n = 0, most = 1;
    for (uint32_t t = 0; t < n_trees; t++) {
        n += trees[t].n;
        most = trees[t].n > most ? trees[t].n : most;
    }
    out->n_trees = n_trees;
    out->nodes = QN_NEW_ARRAY(arena, struct qn_forest_node, n);
    out->values = QN_NEW_ARRAY(arena, double, n);
    out->trees = QN_NEW_ARRAY(arena, struct qn_forest_tree, n_trees);
    uint32_t *depths = QN_NEW_ARRAY(arena, uint32_t, most);
    if (!out->nodes || !out->values || !out->trees || !depths)
        return qn_err_nomem(err, "a model");
    for (uint32_t t = 0, at = 0; t < n_trees; at += trees[t].n, t++) {
        out->trees[t] = (struct qn_forest_tree){at, qn_tree_depth(&trees[t], depths)};
        for (uint32_t i = 0; i < trees[t].n; i++) {
            make_node(&trees[t].nodes[i], i, &out->nodes[at + i]);
            out->values[at + i] = trees[t].nodes[i].value;
        }
    }
    return QN_OK;
}

static inline uint32_t step_down(const struct qn_forest_node *nodes, uint32_t at,
                                 const uint8_t *codes)
{
    const struct qn_forest_node *node = &nodes[at];
    uint32_t code = codes[node->feature];
    return node->left + 1 - (uint32_t)(node->left_codes[code / 64] >> (code % 64) & 1);
}

static void add_tree(const struct qn_forest_node *nodes, const double *values, uint32_t depth,
                     const uint8_t *codes, uint32_t width, uint32_t n, double *scores)
{
    uint32_t row = 0;
    for (; row + AT_ONCE <= n; row += AT_ONCE, codes += (size_t)AT_ONCE * width) {
        uint32_t at[AT_ONCE] = {0};
        for (uint32_t step = 0; step < depth; step++)
            for (uint32_t i = 0; i < AT_ONCE; i++)
                at[i] = step_down(nodes, at[i], codes + (size_t)i * width);
        for (uint32_t i = 0; i < AT_ONCE; i++)
            scores[row + i] += values[at[i]];
    }
    for (; row < n; row++, codes += width) {
        uint32_t at = 0;
        for (uint32_t step = 0; step < depth; step++)
            at = step_down(nodes, at, codes);
        scores[row] += values[at];
    }
}

void qn_forest_add(const struct qn_forest *forest, const uint8_t *codes, uint32_t width, uint32_t n,
                   double *scores)
{
    for (uint32_t t = 0; t < forest->n_trees; t++) {
        uint32_t first = forest->trees[t].first;
        add_tree(forest->nodes + first, forest->values + first, forest->trees[t].depth, codes,
                 width, n, scores);
    }
}
