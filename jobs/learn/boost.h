/* boost: gradient-boosted trees for a binary label, over rows that are spread out.
 *
 * Trees are grown leaf by leaf, the leaf of the highest gain first, to num_leaves. A node's best
 * split does not depend on when it is looked for, so every round looks for those of all nodes that
 * the order could still come to; when none is left, the order is played through and the tree is
 * exactly the one that splitting one leaf at a time gives. A tree takes about as many rounds as it
 * is deep.
 *
 *   boost.c         what a round hands to the next: the trees so far and the one that grows
 *   boost_rows.c    a worker's rows of a chunk, and what a round asks of them
 *   boost_piece.c   some of them: their bytes, scores, gradients and the nodes they are in; a
 *                   cache, since the trees say how to make them again
 *   boost_sums.c    what of them goes from the one to the other
 *   boost_grow.c    the coordinator's side of a round
 *   best_split.c    the best split of one node's histogram
 *   boost_model.c   the model file and scoring
 *
 * Parameters have LightGBM's names, meanings and defaults. */
#ifndef QN_JOBS_LEARN_BOOST_H
#define QN_JOBS_LEARN_BOOST_H

#include "flow/job.h"
#include "jobs/learn/bins.h"
#include "jobs/learn/histogram.h"
#include "jobs/learn/tree.h"

enum { QN_BOOST_MAX_LEAVES = 4096, QN_BOOST_MAX_TREES = 100000 };

struct qn_boost_params {
    double learning_rate;
    uint32_t num_leaves, num_rounds;
    uint32_t early_stopping_rounds; /* 0: never stops early */
    uint32_t max_depth;             /* UINT32_MAX: any */
    uint32_t min_data_in_leaf;
    double min_sum_hessian, lambda_l1, lambda_l2, min_gain_to_split;
    double feature_fraction, bagging_fraction;
    uint32_t bagging_freq; /* trees that share a sample of rows; 0: all rows */
    double positive_weight;
    bool balanced; /* the rarer class weighs as much as the other; positive_weight is 1 then */
    double cat_smooth, cat_l2;
    uint32_t max_cat_threshold, max_cat_to_onehot, min_data_per_group;
    struct qn_bin_params bins;
    const int8_t *monotone; /* [features]: 1 rising, -1 falling, 0 free */
    uint64_t seed;
};

/* Weights of the classes, and the shift that their derivatives are rounded with (histogram.h). */
struct qn_boost_scale {
    double weight[2];
    uint32_t shift;
    double g_unit, h_unit; /* what 1 in a sum of g or h stands for */
    double base_score;     /* where all scores start: the log-odds of the training rows */
};
void qn_boost_scale_of(const struct qn_boost_params *params, const struct qn_bins *bins,
                       struct qn_boost_scale *out);

/* Whether a tree sees a row, of whose key `hash` is the hash, and a feature. */
bool qn_boost_in_bag(const struct qn_boost_params *params, uint32_t tree, uint64_t hash);
/* Marks the tree's share of features. */
void qn_boost_draw_features(const struct qn_boost_params *params, uint32_t tree, uint32_t n,
                            bool *drawn);

/* --- between rounds ------------------------------------------------------------------------- */

/* The stage's state is a log: every round adds a record of what it changed, so that whoever has
 * read up to somewhere reads on from there:
 *
 *     u32 bytes of the rest | u8 flags | u32 n_trees | u32 best_trees | u64 best_loss |
 *     u64 best_rows | (a tree, with which the nodes start anew) | u32 n_nodes |
 *     u32 changed, and each: u32 number, node | u32 n_wanted, and each: u32 number */

/* A node of the tree that grows. */
struct qn_boost_node {
    uint32_t parent, left; /* left 0: not split yet; the other child is left + 1 */
    uint32_t depth;
    bool changed; /* since the last record */
    bool awaited; /* its histogram is asked for, or had by subtraction */
    bool splits;  /* its best split is known */
    struct qn_sums sums;
    double value;     /* of the leaf it would be, before shrinkage */
    double low, high; /* monotone: bounds of values below it */
    /* when it splits: */
    struct qn_tree_split split;
    double gain;
    struct qn_sums left_sums;
    double left_value, right_value;
};

struct qn_boost_state {
    struct qn_arena arena;
    size_t read; /* bytes of the log that are in here */
    uint32_t n_trees, max_trees;
    struct qn_tree *trees;       /* only of those who read all records: [n_trees] */
    struct qn_boost_node *nodes; /* of the tree that grows; n_nodes 0: none does */
    uint32_t n_nodes, max_nodes;
    uint32_t *wanted; /* [n_wanted]: nodes whose histograms the round makes */
    uint32_t n_wanted;
    bool measures;       /* the round measures the validation loss of the trees so far */
    uint32_t best_trees; /* how many trees had the least loss so far; with `done`, all there are */
    uint64_t best_loss, best_rows; /* that loss in QN_BOOST_LOSS_UNIT, and of how many rows */
    bool done;
};
/* Nothing grown yet: what an empty log says. */
QN_CHECK qn_code qn_boost_state_init(struct qn_boost_state *state,
                                     const struct qn_boost_params *params, struct qn_err *err);
void qn_boost_state_fini(struct qn_boost_state *state);
/* Back to an empty log. */
void qn_boost_state_clear(struct qn_boost_state *state);

/* Appends a record of what changed since the last; `grown` NULL: no tree was finished. */
void qn_boost_state_put(struct qn_buf *out, struct qn_boost_state *state,
                        const struct qn_tree *grown);
/* Takes in the next record of a log that has more of them. A tree that it brings goes to `grown`
 * and the arena; grown->n 0: none. */
QN_CHECK qn_code qn_boost_state_next(struct qn_boost_state *state, struct qn_strv log,
                                     const struct qn_bins *bins, struct qn_arena *arena,
                                     struct qn_tree *grown, struct qn_err *err);
/* Takes in all there are, and keeps their trees. */
QN_CHECK qn_code qn_boost_state_read(struct qn_boost_state *state, struct qn_strv log,
                                     const struct qn_bins *bins, struct qn_err *err);

/* A node for the tree that grows; NULL when there is no room. */
struct qn_boost_node *qn_boost_state_add_node(struct qn_boost_state *state);

/* Loss of a row, -log of its label's probability, in units of 2^-32 and rounded; exact sums. */
#define QN_BOOST_LOSS_UNIT 0x1p-32

/* --- what a round gathers -------------------------------------------------------------------- */

/* Of some rows: the loss that the round measures, and the histograms that it wants, in the order of
 * the state's `wanted`. Zeros when it is new. */
struct qn_boost_sums {
    bool any; /* else nothing is in it */
    uint64_t loss, loss_rows;
    struct qn_histogram *histograms;
    uint32_t n, n_cells;
};
/* Room for n histograms of zeros; nothing when some have come. QN_EWIRE: they are not so many, or
 * of others. */
QN_CHECK qn_code qn_boost_sums_begin(struct qn_boost_sums *sums, uint32_t n, uint32_t n_cells,
                                     struct qn_err *err);
void qn_boost_sums_clear(struct qn_boost_sums *sums);
/* sums := sums + more, which is cleared. */
QN_CHECK qn_code qn_boost_sums_join(struct qn_boost_sums *sums, struct qn_boost_sums *more,
                                    struct qn_err *err);
void qn_boost_sums_pack(struct qn_buf *out, const struct qn_boost_sums *sums);
/* Adds what another process packed. */
QN_CHECK qn_code qn_boost_sums_merge(struct qn_boost_sums *sums, struct qn_strv packed,
                                     struct qn_err *err);

/* --- a worker's rows ------------------------------------------------------------------------- */

struct qn_boost_rows;
/* piece_rows: of a piece of them, at most 2^16; 0: as many as fit a core's cache. */
QN_CHECK qn_code qn_boost_rows_new(const struct qn_boost_params *params, struct qn_strv bins,
                                   uint32_t piece_rows, struct qn_boost_rows **out,
                                   struct qn_err *err);
void qn_boost_rows_free(struct qn_boost_rows *rows);
uint64_t qn_boost_rows_bytes(const struct qn_boost_rows *rows); /* that they hold in rounds */
/* After a round: to a file without a name in the folder, where rounds find them. Returns what they
 * hold in memory then. */
uint64_t qn_boost_rows_shrink(struct qn_boost_rows *rows, const char *folder);
/* sides: enum qn_side; rows of the test side are left out. */
QN_CHECK qn_code qn_boost_rows_add(struct qn_boost_rows *rows,
                                   const struct qn_column *const *columns, const uint32_t *picked,
                                   uint32_t n, const uint8_t *labels, const uint8_t *sides,
                                   const uint64_t *hashes, struct qn_err *err);
/* Their part of the round, of all[0..n) that have the same bins: what the state wants is added. The
 * same whatever rounds these rows have seen before. */
QN_CHECK qn_code qn_boost_rows_round(struct qn_boost_rows *const *all, uint32_t n,
                                     struct qn_strv log, struct qn_boost_sums *sums,
                                     struct qn_err *err);

/* --- the coordinator ------------------------------------------------------------------------- */

/* Histograms of nodes whose children may be asked for, and of the round that is under way. It can
 * be made anew at any time (a coordinator that starts again has none): nodes that would be had by
 * subtraction are then asked for one by one. */
struct qn_boost_grower;
QN_CHECK qn_code qn_boost_grower_new(const struct qn_boost_params *params,
                                     struct qn_boost_grower **out, struct qn_err *err);
void qn_boost_grower_free(struct qn_boost_grower *grower);
/* Of the round under way. */
struct qn_boost_sums *qn_boost_grower_sums(struct qn_boost_grower *grower);
/* All rows are in the sums: the next record of the log. *verdict: ANEW where a tree is
 * finished, for the next one needs no histograms of it; NEXT when there are no more. */
QN_CHECK qn_code qn_boost_grower_step(struct qn_boost_grower *grower, struct qn_strv bins,
                                      struct qn_strv log, struct qn_buf *out,
                                      enum qn_verdict *verdict, struct qn_err *err);

/* --- one node -------------------------------------------------------------------------------- */

/* What splits are found with: the same for all nodes of a tree. */
struct qn_split_finder {
    const struct qn_boost_params *params;
    const struct qn_bins *bins;
    struct qn_boost_scale scale;
    const bool *drawn; /* [features] */
};
/* Fills `splits` and what follows from it. */
void qn_split_find(const struct qn_split_finder *finder, const struct qn_histogram *histogram,
                   struct qn_boost_node *node);
/* Value of a leaf of these sums within bounds. */
double qn_split_value(const struct qn_split_finder *finder, struct qn_sums sums, double l2,
                      double low, double high);

#endif
