/* A worker's rows of one chunk under boosting. What a round asks for follows from the rows and the
 * round's state alone; scores and places that earlier rounds left behind only save the way there.
 *
 * A round is read from the log, and what it asks of rows is laid down once: which places part, and
 * where. Then all pieces are gone through. */
#include <stdlib.h>
#include <string.h>

#include "jobs/learn/boost_piece.h"
#include "jobs/learn/boost_slab.h"
#include "jobs/learn/split.h"

/* Places of a tree. They are the same in all pieces: what differs is which rows are in them. */
struct place {
    uint32_t left; /* 0: not split */
    struct qn_tree_split split;
};
struct shape {
    struct place *places;
    uint32_t n, capacity;
};

struct qn_boost_rows {
    struct qn_bins bins;
    struct qn_binner binner;
    struct qn_boost_frame frame;
    uint32_t piece_rows;
    struct qn_boost_piece *pieces;
    uint32_t n_pieces, capacity;
    struct shape shapes[QN_BOOST_GROUPS];
    struct qn_histogram_maker *maker;
    struct qn_boost_state state; /* as far as the log was read */
    struct qn_arena arena;       /* of a round */
    uint32_t n_trees;            /* in the scores */
    struct qn_boost_slab slab;   /* of all pieces, when they are complete */
};

qn_code qn_boost_rows_new(const struct qn_boost_params *params, struct qn_strv bins,
                          uint32_t piece_rows, struct qn_boost_rows **out, struct qn_err *err)
{
    struct qn_boost_rows *rows = calloc(1, sizeof *rows);
    *out = rows;
    if (!rows)
        return qn_err_nomem(err, "rows to boost");
    rows->frame = (struct qn_boost_frame){.params = params, .bins = &rows->bins};
    rows->binner.bins = &rows->bins;
    qn_bins_init(&rows->bins);
    qn_arena_init(&rows->arena);
    qn_code code = qn_boost_state_init(&rows->state, params, err);
    if (code == QN_OK)
        code = qn_bins_unpack(bins, &rows->bins, err);
    if (code == QN_OK)
        code = qn_binner_init(&rows->binner, &rows->bins, err);
    if (code == QN_OK)
        code = qn_histogram_maker_new(&rows->bins, &rows->maker, err);
    if (code != QN_OK) {
        qn_boost_rows_free(rows);
        *out = NULL;
        return code;
    }
    rows->piece_rows = piece_rows ? piece_rows : qn_boost_piece_rows(&rows->bins);
    qn_boost_scale_of(params, &rows->bins, &rows->frame.scale);
    return QN_OK;
}

void qn_boost_rows_free(struct qn_boost_rows *rows)
{
    if (!rows)
        return;
    for (uint32_t i = 0; i < rows->n_pieces; i++)
        qn_boost_piece_fini(&rows->pieces[i]);
    free(rows->pieces);
    qn_boost_slab_drop(&rows->slab);
    for (int g = 0; g < QN_BOOST_GROUPS; g++)
        free(rows->shapes[g].places);
    free(rows->frame.scratch);
    qn_boost_state_fini(&rows->state);
    qn_arena_fini(&rows->arena);
    qn_histogram_maker_free(rows->maker);
    qn_binner_fini(&rows->binner);
    qn_bins_fini(&rows->bins);
    free(rows);
}

uint64_t qn_boost_rows_bytes(const struct qn_boost_rows *rows)
{
    uint64_t bytes = rows->piece_rows * sizeof *rows->frame.scratch;
    for (uint32_t i = 0; i < rows->n_pieces; i++)
        bytes += rows->pieces[i].capacity *
                 qn_boost_piece_row_bytes(rows->pieces[i].held_out, &rows->frame);
    return bytes;
}

uint64_t qn_boost_rows_shrink(struct qn_boost_rows *rows, const char *folder)
{
    struct qn_err err;
    if (rows->slab.at && qn_boost_slab_put_away(&rows->slab, folder, rows->pieces, rows->n_pieces,
                                                &rows->frame, &err) != QN_OK)
        return qn_boost_rows_bytes(rows);
    /* What is left does not grow with the rows. */
    return rows->slab.file.at ? 0 : qn_boost_rows_bytes(rows);
}

/* --- adding rows ----------------------------------------------------------------------------- */

static qn_code add_piece(struct qn_boost_rows *rows, bool held_out, uint32_t *number,
                         struct qn_err *err)
{
    if (rows->n_pieces == rows->capacity) {
        uint32_t capacity = rows->capacity ? rows->capacity * 2 : 4;
        struct qn_boost_piece *grown = realloc(rows->pieces, capacity * sizeof *grown);
        if (!grown)
            return qn_err_nomem(err, "rows to boost");
        rows->pieces = grown;
        rows->capacity = capacity;
    }
    *number = rows->n_pieces++;
    rows->pieces[*number] = (struct qn_boost_piece){.held_out = held_out};
    return QN_OK;
}

/* The piece that rows of a side are added to: the last one of that side, when it has room. */
static qn_code open_piece(struct qn_boost_rows *rows, bool held_out, uint32_t *number,
                          struct qn_err *err)
{
    for (*number = rows->n_pieces; *number > 0;) {
        const struct qn_boost_piece *piece = &rows->pieces[--*number];
        if (piece->held_out == held_out && piece->n < rows->piece_rows)
            return QN_OK;
        if (piece->held_out == held_out)
            break;
    }
    return add_piece(rows, held_out, number, err);
}

/* Room for n more rows of a piece, of which there are no more than it may have. */
static qn_code reserve(struct qn_boost_rows *rows, struct qn_boost_piece *piece, uint32_t n,
                       struct qn_err *err)
{
    uint32_t wanted = piece->n + n, twice = piece->capacity * 2;
    if (wanted <= piece->capacity)
        return QN_OK;
    twice = twice < rows->piece_rows ? twice : rows->piece_rows;
    return qn_boost_piece_resize(piece, &rows->frame, twice > wanted ? twice : wanted, err);
}

/* Rows of one side, as many of them as the open piece takes; returns in *taken how many. */
static qn_code fill_piece(struct qn_boost_rows *rows, bool held_out,
                          const struct qn_column *const *columns, const uint32_t *picked,
                          uint32_t n, const uint8_t *labels, const uint64_t *hashes,
                          uint32_t *taken, struct qn_err *err)
{
    uint32_t number = 0;
    QN_TRY(open_piece(rows, held_out, &number, err));
    struct qn_boost_piece *piece = &rows->pieces[number];
    uint32_t room = rows->piece_rows - piece->n;
    *taken = n = n < room ? n : room;
    QN_TRY(reserve(rows, piece, n, err));
    QN_TRY(qn_binner_take(&rows->binner, columns, picked, n,
                          piece->bytes + (size_t)piece->n * rows->bins.n_columns, err));
    memcpy(piece->labels + piece->n, labels, n);
    if (piece->hashes)
        memcpy(piece->hashes + piece->n, hashes, n * sizeof *hashes);
    for (uint32_t i = 0; i < n; i++)
        piece->scores[piece->n + i] = rows->frame.scale.base_score;
    piece->n += n;
    return QN_OK;
}

qn_code qn_boost_rows_add(struct qn_boost_rows *rows, const struct qn_column *const *columns,
                          const uint32_t *picked, uint32_t n, const uint8_t *labels,
                          const uint8_t *sides, const uint64_t *hashes, struct qn_err *err)
{
    bool stops_early = rows->frame.params->early_stopping_rounds > 0;
    for (uint32_t at = 0, taken; at < n; at += taken) { /* runs of one side: most are long */
        uint32_t end = at + 1;
        while (end < n && sides[end] == sides[at])
            end++;
        bool held_out = sides[at] == QN_SIDE_VALIDATION;
        taken = end - at;
        if (sides[at] == QN_SIDE_TRAIN || (held_out && stops_early))
            QN_TRY(fill_piece(rows, held_out, columns, picked + at, end - at, labels + at,
                              hashes + at, &taken, err));
    }
    return QN_OK;
}

/* All rows are there. */
static qn_code complete(struct qn_boost_rows *rows, struct qn_err *err)
{
    if (rows->slab.at || rows->slab.file.at)
        return QN_OK;
    if (!rows->frame.scratch)
        rows->frame.scratch = malloc(rows->piece_rows * sizeof *rows->frame.scratch);
    if (!rows->frame.scratch)
        return qn_err_nomem(err, "rows to boost");
    QN_TRY(qn_boost_slab_fill(&rows->slab, rows->pieces, rows->n_pieces, &rows->frame, err));
    for (uint32_t i = 0; i < rows->n_pieces; i++)
        rows->pieces[i].capacity = rows->pieces[i].n;
    return QN_OK;
}

/* --- places ---------------------------------------------------------------------------------- */

/* A node of a tree as far as rows care. */
struct branch {
    uint32_t left; /* 0: not split, or nobody asks for what is below */
    const struct qn_tree_split *split;
};

static qn_code add_places(struct shape *shape, uint32_t n, struct qn_err *err)
{
    if (shape->n + n > shape->capacity) {
        uint32_t capacity = shape->capacity ? shape->capacity * 2 : 64;
        struct place *grown = realloc(shape->places, capacity * sizeof *grown);
        if (!grown)
            return qn_err_nomem(err, "rows to boost");
        shape->places = grown;
        shape->capacity = capacity;
    }
    memset(shape->places + shape->n, 0, n * sizeof *shape->places);
    shape->n += n;
    return QN_OK;
}

/* Nothing but the root. */
static qn_code clear_shape(struct shape *shape, struct qn_err *err)
{
    shape->n = 0;
    return add_places(shape, 1, err);
}

static qn_code split_place(struct qn_boost_rows *rows, struct shape *shape, uint32_t number,
                           const struct qn_tree_split *split, struct qn_boost_move *move,
                           struct qn_err *err)
{
    uint32_t pages[QN_BIN_PAGES], n = qn_tree_split_pages(split, &rows->bins, pages);
    uint32_t first = shape->n;
    struct qn_boost_test *tests = QN_NEW_ARRAY(&rows->arena, struct qn_boost_test, n);
    if (!tests)
        return qn_err_nomem(err, "rows to boost");
    QN_TRY(add_places(shape, 2, err));
    shape->places[number] = (struct place){.left = first, .split = *split};
    for (uint32_t i = 0; i < n; i++) {
        tests[i].column = qn_bin_column(&rows->bins.features[split->feature], pages[i]);
        qn_tree_split_table(split, &rows->bins, pages[i], tests[i].sides.left);
        qn_boost_sides_pack(&tests[i].sides);
    }
    *move = (struct qn_boost_move){.place = number, .first = first, .tests = tests, .n_tests = n};
    return QN_OK;
}

/* The moves that bring rows to the nodes of a tree: at[i] becomes the place of node i. Splits that
 * were made before stay; when one of them was another, all rows start from the root again. */
static qn_code route(struct qn_boost_rows *rows, struct shape *shape, const struct branch *branches,
                     uint32_t n, uint32_t *at, struct qn_boost_moves *moves, struct qn_err *err)
{
    at[0] = 0;
    moves->n = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct branch *branch = &branches[i];
        if (branch->left == 0)
            continue;
        const struct place *place = &shape->places[at[i]];
        if (place->left == 0) {
            QN_TRY(split_place(rows, shape, at[i], branch->split, &moves->list[moves->n++], err));
        } else if (!qn_tree_split_eq(&place->split, branch->split)) {
            moves->anew = true;
            QN_TRY(clear_shape(shape, err));
            return route(rows, shape, branches, n, at, moves, err);
        }
        at[branch->left] = shape->places[at[i]].left;
        at[branch->left + 1] = shape->places[at[i]].left + 1;
    }
    moves->n_places = shape->n;
    return QN_OK;
}

/* Moves and places of n nodes, in the arena of the round. */
static qn_code lay_route(struct qn_boost_rows *rows, enum qn_boost_group group,
                         const struct branch *branches, uint32_t n, uint32_t **at,
                         struct qn_boost_moves *moves, struct qn_err *err)
{
    uint32_t n_splits = 0;
    for (uint32_t i = 0; i < n; i++)
        n_splits += branches[i].left != 0;
    *moves = (struct qn_boost_moves){
        .list = QN_NEW_ARRAY(&rows->arena, struct qn_boost_move, n_splits + 1)};
    *at = QN_NEW_ARRAY(&rows->arena, uint32_t, n + 1);
    if (!moves->list || !*at)
        return qn_err_nomem(err, "rows to boost");
    if (rows->shapes[group].n == 0)
        QN_TRY(clear_shape(&rows->shapes[group], err));
    return route(rows, &rows->shapes[group], branches, n, *at, moves, err);
}

/* --- what a round asks of every piece -------------------------------------------------------- */

struct pass {
    /* A tree that is grown; NULL: there is none. */
    const struct qn_tree *tree;
    uint32_t *leaves[QN_BOOST_GROUPS]; /* places of its nodes */
    struct qn_boost_moves to_leaves[QN_BOOST_GROUPS];
    /* The nodes that are wanted of the next; NULL: none is looked at yet. */
    const uint32_t *places;
    struct qn_boost_moves to_places;
};

static qn_code lay_tree(struct qn_boost_rows *rows, const struct qn_tree *tree, struct pass *pass,
                        struct qn_err *err)
{
    struct branch *branches = QN_NEW_ARRAY(&rows->arena, struct branch, tree->n);
    if (!branches)
        return qn_err_nomem(err, "rows to boost");
    for (uint32_t i = 0; i < tree->n; i++)
        branches[i] = (struct branch){tree->nodes[i].left, &tree->nodes[i].split};
    for (int g = 0; g < QN_BOOST_GROUPS; g++) {
        QN_TRY(lay_route(rows, (enum qn_boost_group)g, branches, tree->n, &pass->leaves[g],
                         &pass->to_leaves[g], err));
        QN_TRY(clear_shape(&rows->shapes[g], err));
    }
    pass->tree = tree;
    return QN_OK;
}

static qn_code lay_wanted(struct qn_boost_rows *rows, struct pass *pass, struct qn_err *err)
{
    const struct qn_boost_state *state = &rows->state;
    struct branch *branches = QN_NEW_ARRAY(&rows->arena, struct branch, state->n_nodes + 1);
    uint32_t *at;
    if (!branches)
        return qn_err_nomem(err, "rows to boost");
    for (uint32_t i = 0; i < state->n_wanted; i++)
        for (uint32_t node = state->wanted[i]; node; node = state->nodes[node].parent) {
            const struct qn_boost_node *parent = &state->nodes[state->nodes[node].parent];
            branches[state->nodes[node].parent] = (struct branch){parent->left, &parent->split};
        }
    QN_TRY(lay_route(rows, QN_BOOST_LEARNS, branches, state->n_nodes, &at, &pass->to_places, err));
    pass->places = at;
    return QN_OK;
}

static qn_code add_tree(struct qn_boost_piece *piece, struct qn_boost_frame *frame, uint32_t number,
                        const struct pass *pass, struct qn_err *err)
{
    QN_TRY(qn_boost_piece_start(piece, frame, number, err));
    for (int g = 0; g < QN_BOOST_GROUPS; g++)
        QN_TRY(qn_boost_piece_move(piece, frame, (enum qn_boost_group)g, &pass->to_leaves[g], err));
    qn_boost_piece_score(piece, pass->tree, pass->leaves);
    return QN_OK;
}

static qn_code sum_piece(struct qn_boost_rows *rows, struct qn_boost_piece *piece,
                         const struct pass *pass, struct qn_histogram_maker *maker,
                         struct qn_boost_sums *sums, struct qn_err *err)
{
    QN_TRY(qn_boost_piece_start(piece, &rows->frame, rows->n_trees, err));
    QN_TRY(qn_boost_piece_move(piece, &rows->frame, QN_BOOST_LEARNS, &pass->to_places, err));
    if (piece->held_out && rows->state.measures) {
        sums->loss += qn_boost_piece_loss(piece);
        sums->loss_rows += piece->n;
    }
    for (uint32_t w = 0; !piece->held_out && w < sums->n; w++)
        qn_boost_piece_sum(piece, pass->places[rows->state.wanted[w]], maker, w,
                           &sums->histograms[w]);
    return QN_OK;
}

/* Takes the tree of the pass, and no more, to all pieces. */
static qn_code take_tree(struct qn_boost_rows *rows, struct pass *pass, struct qn_err *err)
{
    for (uint32_t i = 0; pass->tree && i < rows->n_pieces; i++)
        QN_TRY(add_tree(&rows->pieces[i], &rows->frame, rows->n_trees, pass, err));
    rows->n_trees += pass->tree != NULL;
    *pass = (struct pass){.tree = NULL};
    return QN_OK;
}

static void forget_trees(struct qn_boost_rows *rows)
{
    qn_boost_state_clear(&rows->state);
    for (uint32_t i = 0; i < rows->n_pieces; i++)
        qn_boost_piece_forget(&rows->pieces[i], &rows->frame);
    for (int g = 0; g < QN_BOOST_GROUPS; g++)
        rows->shapes[g].n = 0;
    rows->n_trees = 0;
}

/* Reads on from where the last round was. A tree that ends the log is left to the pass. */
static qn_code read_log(struct qn_boost_rows *rows, struct qn_strv log, struct pass *pass,
                        struct qn_err *err)
{
    if (log.len < rows->state.read) /* the coordinator is behind what it once was */
        forget_trees(rows);
    while (rows->state.read < log.len) {
        qn_arena_clear(&rows->arena);
        struct qn_tree *tree = QN_NEW(&rows->arena, struct qn_tree);
        if (!tree)
            return qn_err_nomem(err, "rows to boost");
        QN_TRY(qn_boost_state_next(&rows->state, log, &rows->bins, &rows->arena, tree, err));
        if (tree->n)
            QN_TRY(lay_tree(rows, tree, pass, err));
        if (rows->state.read < log.len)
            QN_TRY(take_tree(rows, pass, err));
    }
    return QN_OK;
}

/* Bytes of a piece are read here and there, which no processor foresees. */
static struct qn_boost_ahead bytes_of(const struct qn_boost_rows *rows, uint32_t piece)
{
    if (piece >= rows->n_pieces)
        return (struct qn_boost_ahead){NULL, NULL};
    const uint8_t *bytes = rows->pieces[piece].bytes;
    return (struct qn_boost_ahead){bytes,
                                   bytes + (size_t)rows->pieces[piece].n * rows->bins.n_columns};
}

static qn_code run_pass(struct qn_boost_rows *rows, struct qn_strv log,
                        struct qn_histogram_maker *maker, struct qn_boost_sums *sums,
                        struct qn_err *err)
{
    struct pass pass = {.tree = NULL};
    QN_TRY(complete(rows, err));
    QN_TRY(read_log(rows, log, &pass, err));
    QN_TRY(lay_wanted(rows, &pass, err));
    QN_TRY(qn_boost_sums_begin(sums, rows->state.n_wanted, rows->bins.n_cells, err));
    QN_TRY(qn_histogram_maker_reserve(maker, sums->n, err));
    uint32_t number = rows->n_trees;
    rows->n_trees += pass.tree != NULL;
    for (uint32_t i = 0; i < rows->n_pieces; i++) {
        rows->frame.ahead = bytes_of(rows, i + 1);
        if (pass.tree)
            QN_TRY(add_tree(&rows->pieces[i], &rows->frame, number, &pass, err));
        QN_TRY(sum_piece(rows, &rows->pieces[i], &pass, maker, sums, err));
    }
    return QN_OK;
}

qn_code qn_boost_rows_round(struct qn_boost_rows *const *all, uint32_t n, struct qn_strv log,
                            struct qn_boost_sums *sums, struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        qn_code code = run_pass(all[i], log, all[0]->maker, sums, err);
        qn_arena_clear(&all[i]->arena);
        qn_mapping_rest(&all[i]->slab.file);
        if (code != QN_OK) { /* pieces may be of different trees now */
            forget_trees(all[i]);
            qn_histogram_maker_clear(all[0]->maker);
            return code;
        }
    }
    for (uint32_t w = 0; n && w < sums->n; w++)
        qn_histogram_drain(all[0]->maker, w, &sums->histograms[w]);
    return QN_OK;
}
