/* forest: trees made ready to score many rows. Small trees are masks of leaves. The others are
 * walked, by several rows at once and for as many steps as a tree is deep, so that nothing waits
 * for a guess: every split is a bit a byte, and a split by a set over several pages of a feature is
 * a node for each of them. */
#ifndef QN_JOBS_LEARN_FOREST_H
#define QN_JOBS_LEARN_FOREST_H

#include "jobs/learn/leaf_masks.h"

struct qn_forest_node {
    uint64_t left_bytes[QN_BIN_CODES / 64]; /* a leaf: all of them, and it is its own child */
    uint32_t left;
    uint32_t column;
};

struct qn_forest_tree {
    struct qn_leaf_masks masks;
    uint32_t first, depth; /* of its nodes, when it is walked */
};

struct qn_forest {
    struct qn_forest_node *nodes; /* of those that are walked */
    double *values;               /* by node */
    struct qn_forest_tree *trees;
    uint32_t n_trees;
};

/* From trees that are sound; memory is the arena's. */
QN_CHECK qn_code qn_forest_make(const struct qn_tree *trees, uint32_t n_trees,
                                const struct qn_bins *bins, struct qn_arena *arena,
                                struct qn_forest *out, struct qn_err *err);

/* Adds the trees' values, in order, to scores[0..n); `bytes` has `width` bytes a row, as binners of
 * the bins give them. */
void qn_forest_add(const struct qn_forest *forest, const uint8_t *bytes, uint32_t width, uint32_t n,
                   double *scores);

#endif
