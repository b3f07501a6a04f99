/* leaf_masks: a small tree that is not walked: each split clears the bits of the leaves that a row
 * cannot come to any more, and the lowest bit that is left is the row's leaf, when leaves are
 * counted from left to right (QuickScorer: Lucchese et al., SIGIR 2015). What all splits on a
 * column clear is looked up by its byte at once, so that a row costs one lookup for every column
 * that the tree asks, and no guess. */
#ifndef QN_JOBS_LEARN_LEAF_MASKS_H
#define QN_JOBS_LEARN_LEAF_MASKS_H

#include "jobs/learn/tree.h"

enum { QN_MASKED_LEAVES = 64 };

struct qn_leaf_masks {
    uint32_t n_columns;              /* that it asks; 0: the tree has to be walked */
    uint32_t *columns;               /* [n_columns] */
    uint64_t (*masks)[QN_BIN_CODES]; /* [n_columns]: leaves that are left, by byte */
    double values[QN_MASKED_LEAVES]; /* of leaves */
};

/* Of a tree that is sound; memory is the arena's. Trees of more leaves, of none but the root, or
 * with splits by sets over several pages of a feature have to be walked. */
QN_CHECK qn_code qn_leaf_masks_make(const struct qn_tree *tree, const struct qn_bins *bins,
                                    struct qn_arena *arena, struct qn_leaf_masks *out,
                                    struct qn_err *err);
/* Adds the values of n rows' leaves to scores[0..n); `bytes` has `width` bytes a row. */
void qn_leaf_masks_add(const struct qn_leaf_masks *masks, const uint8_t *bytes, uint32_t width,
                       uint32_t n, double *scores);

#endif
