/* tree: a decision tree over the codes of bins.h, and how it travels.
 *
 * Node 0 is the root; the children of a split are nodes `left` and `left + 1`, so both come after
 * their parent. A row goes left by its code of the split's feature:
 *
 *   numeric      code 0 (missing): missing_left; else code <= bin. The last code as bin parts what
 *                is missing from all that is not.
 *   categorical  code in `set`; code 0 (missing, unseen) is in no set */
#ifndef QN_JOBS_LEARN_TREE_H
#define QN_JOBS_LEARN_TREE_H

#include "base/arena.h"
#include "base/buf.h"
#include "jobs/learn/bins.h"

struct qn_tree_split {
    uint32_t feature;
    bool categorical;
    bool missing_left;              /* numeric */
    uint8_t bin;                    /* numeric */
    uint64_t set[QN_BIN_SET_WORDS]; /* categorical */
};

struct qn_tree_node {
    uint32_t left; /* 0: a leaf */
    struct qn_tree_split split;
    double gain;   /* of the split */
    double value;  /* of a leaf: what it adds to the score */
    uint64_t rows; /* training rows that came here */
    double weight; /* the sum of their second derivatives */
};

struct qn_tree {
    struct qn_tree_node *nodes;
    uint32_t n;
};

static inline bool qn_tree_goes_left(const struct qn_tree_split *split, uint32_t code)
{
    if (split->categorical)
        return split->set[code / 64] >> (code % 64) & 1;
    return code == QN_BIN_MISSING ? split->missing_left : code <= split->bin;
}

bool qn_tree_split_eq(const struct qn_tree_split *a, const struct qn_tree_split *b);

/* Splits on the longest way from the root to a leaf. depths[]: room for one a node. */
uint32_t qn_tree_depth(const struct qn_tree *tree, uint32_t *depths);

/* The pages of the feature that hold some of a set, in order; of all other splits the first page.
 * Returns how many they are, one at least. */
uint32_t qn_tree_split_pages(const struct qn_tree_split *split, const struct qn_bins *bins,
                             uint32_t pages[QN_BIN_PAGES]);
/* Where the bytes of a page's column go: left[byte] is 1 or 0. A row goes left where one of the
 * split's pages says so. */
void qn_tree_split_table(const struct qn_tree_split *split, const struct qn_bins *bins,
                         uint32_t page, uint8_t left[QN_BIN_CODES]);

void qn_tree_split_pack(struct qn_buf *out, const struct qn_tree_split *split);
void qn_tree_split_unpack(struct qn_unpack *in, const struct qn_bins *bins,
                          struct qn_tree_split *split);

void qn_tree_pack(struct qn_buf *out, const struct qn_tree *tree);
/* Nodes go to the arena; in->failed on bytes that no pack wrote for such bins. */
QN_CHECK qn_code qn_tree_unpack(struct qn_unpack *in, const struct qn_bins *bins,
                                struct qn_arena *arena, struct qn_tree *tree, struct qn_err *err);
/* What every reader of a tree must hold to: children after their parents, each of one parent,
 * splits that fit the bins, finite numbers. */
bool qn_tree_is_sound(const struct qn_tree *tree, const struct qn_bins *bins);

#endif
