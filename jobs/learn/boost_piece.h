/* boost_piece: rows of a chunk that the second-level cache of a core holds together.
 *
 * A round goes through the rows of a worker piece by piece and does all that it asks of a piece
 * while that is near, so memory is read once a round, from its beginning to its end. */
#ifndef QN_JOBS_LEARN_BOOST_PIECE_H
#define QN_JOBS_LEARN_BOOST_PIECE_H

#include "jobs/learn/boost.h"
#include "jobs/learn/boost_kernels.h"

enum { QN_BOOST_PIECE_ROWS = 1 << 16 }; /* at most: their numbers have 16 bits */

/* Rows a tree learns from, and those which only follow: out of its bag, or held out. */
enum qn_boost_group { QN_BOOST_LEARNS, QN_BOOST_FOLLOWS, QN_BOOST_GROUPS };

/* Rows dealt to the nodes of a tree: those of a place lie together in the order. Place 0 is the
 * root. */
struct qn_boost_range {
    uint32_t begin, end;
};

struct qn_boost_piece {
    bool held_out;
    bool settled; /* its arrays are in a slab: there are all, and they are not its own */
    uint32_t n, capacity;
    uint8_t *bytes, *labels; /* bytes: n rows of bins->n_columns */
    uint64_t *hashes;        /* that bags are drawn from; NULL: none are, or it is held out */
    double *scores;
    /* Of the tree that grows, from when it is started: */
    bool started;
    struct qn_gradient *gradients; /* NULL when it is held out */
    uint16_t *order;               /* first those that learn, then those that follow */
    uint32_t n_learning;
    struct {
        struct qn_boost_range *ranges;
        uint32_t capacity;
    } places[QN_BOOST_GROUPS];
};

/* What is the same for all pieces of a worker's rows. */
struct qn_boost_frame {
    const struct qn_boost_params *params;
    const struct qn_bins *bins;
    struct qn_boost_scale scale;
    uint16_t *scratch;           /* room for a piece */
    struct qn_boost_ahead ahead; /* of the piece that comes next */
};

/* Rows of `place` to the places `first` and `first` + 1: to the first where one of the tests sends
 * them left. */
struct qn_boost_test {
    uint32_t column;
    struct qn_boost_sides sides;
};
struct qn_boost_move {
    uint32_t place, first;
    const struct qn_boost_test *tests;
    uint32_t n_tests;
};
struct qn_boost_moves {
    bool anew; /* all are in the root before the first */
    struct qn_boost_move *list;
    uint32_t n, n_places; /* places there are after the last */
};

bool qn_boost_draws_bags(const struct qn_boost_params *params);
/* Rows of a piece. */
uint32_t qn_boost_piece_rows(const struct qn_bins *bins);

void qn_boost_piece_fini(struct qn_boost_piece *piece);
/* Room for n rows. */
QN_CHECK qn_code qn_boost_piece_resize(struct qn_boost_piece *piece,
                                       const struct qn_boost_frame *frame, uint32_t n,
                                       struct qn_err *err);
/* An array of a piece, and the bytes that rounds need of it. */
struct qn_boost_array {
    void **at;
    size_t bytes;
};
enum { QN_BOOST_PIECE_ARRAYS = 6 };
void qn_boost_piece_arrays(struct qn_boost_piece *piece, const struct qn_boost_frame *frame,
                           struct qn_boost_array out[QN_BOOST_PIECE_ARRAYS]);
/* Bytes a row takes in rounds. */
uint64_t qn_boost_piece_row_bytes(bool held_out, const struct qn_boost_frame *frame);

/* Of one that is settled: all rows to the root of tree `tree`, and their derivatives; nothing when
 * it is started. */
QN_CHECK qn_code qn_boost_piece_start(struct qn_boost_piece *piece,
                                      const struct qn_boost_frame *frame, uint32_t tree,
                                      struct qn_err *err);
QN_CHECK qn_code qn_boost_piece_move(struct qn_boost_piece *piece, struct qn_boost_frame *frame,
                                     enum qn_boost_group group, const struct qn_boost_moves *moves,
                                     struct qn_err *err);
/* The tree is grown: its leaves' values to the scores of rows, which are in places at[][node]. */
void qn_boost_piece_score(struct qn_boost_piece *piece, const struct qn_tree *tree,
                          uint32_t *const at[QN_BOOST_GROUPS]);
/* Adds the rows of a place that learn to histogram i of the maker. */
void qn_boost_piece_sum(const struct qn_boost_piece *piece, uint32_t place,
                        struct qn_histogram_maker *maker, uint32_t i, struct qn_histogram *out);
/* Loss of all its rows in QN_BOOST_LOSS_UNIT. */
uint64_t qn_boost_piece_loss(const struct qn_boost_piece *piece);
/* Back to no trees. */
void qn_boost_piece_forget(struct qn_boost_piece *piece, const struct qn_boost_frame *frame);

#endif
