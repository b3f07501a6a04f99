#include "jobs/learn/boost_piece.h"

#include <stdlib.h>

#include "jobs/learn/math.h"

/* --- room ------------------------------------------------------------------------------------ */

/* Of bytes, derivatives and orders, which every level of a tree needs, so that what else a core
 * works with has room beside them. */
enum { PIECE_BYTES = 512 << 10, LEAST_ROWS = 1 << 10 };

uint32_t qn_boost_piece_rows(const struct qn_bins *bins)
{
    uint32_t a_row = bins->n_columns + sizeof(struct qn_gradient) + 2 * sizeof(uint16_t);
    uint32_t n = PIECE_BYTES / a_row;
    return n < LEAST_ROWS ? LEAST_ROWS : n < QN_BOOST_PIECE_ROWS ? n : QN_BOOST_PIECE_ROWS;
}

bool qn_boost_draws_bags(const struct qn_boost_params *params)
{
    return params->bagging_freq && params->bagging_fraction < 1;
}

void qn_boost_piece_fini(struct qn_boost_piece *piece)
{
    void *const arrays[] = {piece->bytes,  piece->labels,    piece->hashes,
                            piece->scores, piece->gradients, piece->order};
    for (size_t i = 0; i < QN_BOOST_PIECE_ARRAYS && !piece->settled; i++)
        free(arrays[i]);
    for (int g = 0; g < QN_BOOST_GROUPS; g++)
        free(piece->places[g].ranges);
    *piece = (struct qn_boost_piece){0};
}

static bool resize(void **block, size_t n, size_t bytes)
{
    void *grown = realloc(*block, n * bytes + 1 + QN_BOOST_SLACK);
    if (grown)
        *block = grown;
    return grown != NULL;
}

qn_code qn_boost_piece_resize(struct qn_boost_piece *piece, const struct qn_boost_frame *frame,
                              uint32_t n, struct qn_err *err)
{
    bool hashed = !piece->held_out && qn_boost_draws_bags(frame->params);
    void *bytes = piece->bytes, *labels = piece->labels, *hashes = piece->hashes,
         *scores = piece->scores;
    bool made = resize(&bytes, n, frame->bins->n_columns) && resize(&labels, n, 1) &&
                (!hashed || resize(&hashes, n, sizeof *piece->hashes)) &&
                resize(&scores, n, sizeof *piece->scores);
    piece->bytes = bytes;
    piece->labels = labels;
    piece->hashes = hashes;
    piece->scores = scores;
    if (!made)
        return qn_err_nomem(err, "rows to boost");
    piece->capacity = n;
    return QN_OK;
}

void qn_boost_piece_arrays(struct qn_boost_piece *piece, const struct qn_boost_frame *frame,
                           struct qn_boost_array out[QN_BOOST_PIECE_ARRAYS])
{
    size_t n = piece->n, trained = piece->held_out ? 0 : n;
    size_t drawn = qn_boost_draws_bags(frame->params) ? trained : 0;
    out[0] = (struct qn_boost_array){(void **)&piece->bytes, n * frame->bins->n_columns};
    out[1] = (struct qn_boost_array){(void **)&piece->labels, n};
    out[2] = (struct qn_boost_array){(void **)&piece->hashes, drawn * sizeof *piece->hashes};
    out[3] = (struct qn_boost_array){(void **)&piece->scores, n * sizeof *piece->scores};
    out[4] =
        (struct qn_boost_array){(void **)&piece->gradients, trained * sizeof *piece->gradients};
    out[5] = (struct qn_boost_array){(void **)&piece->order, n * sizeof *piece->order};
}

uint64_t qn_boost_piece_row_bytes(bool held_out, const struct qn_boost_frame *frame)
{
    const struct qn_boost_piece *piece = NULL;
    uint64_t bytes = frame->bins->n_columns + sizeof *piece->labels + sizeof *piece->scores +
                     sizeof *piece->order;
    if (!held_out)
        bytes += sizeof *piece->gradients;
    if (!held_out && qn_boost_draws_bags(frame->params))
        bytes += sizeof *piece->hashes;
    return bytes;
}

static qn_code make_places(struct qn_boost_piece *piece, enum qn_boost_group group, uint32_t n,
                           struct qn_err *err)
{
    void *ranges = piece->places[group].ranges;
    uint32_t capacity = piece->places[group].capacity;
    if (n <= capacity)
        return QN_OK;
    while (capacity < n)
        capacity = capacity ? capacity * 2 : 64;
    bool made = resize(&ranges, capacity, sizeof(struct qn_boost_range));
    piece->places[group].ranges = ranges;
    if (!made)
        return qn_err_nomem(err, "rows to boost");
    piece->places[group].capacity = capacity;
    return QN_OK;
}

/* --- a tree ---------------------------------------------------------------------------------- */

static void gather(struct qn_boost_piece *piece, enum qn_boost_group group)
{
    piece->places[group].ranges[0] = group == QN_BOOST_LEARNS
                                         ? (struct qn_boost_range){0, piece->n_learning}
                                         : (struct qn_boost_range){piece->n_learning, piece->n};
}

/* Whether the range is the piece in the order it came in, which need not be written then. */
static bool is_whole(const struct qn_boost_piece *piece, uint32_t place,
                     struct qn_boost_range range)
{
    return place == 0 && range.end - range.begin == piece->n;
}

/* Rows that the bag holds or does not hold, to the order from `at` on; returns how many. */
static uint32_t pick_rows(struct qn_boost_piece *piece, const struct qn_boost_frame *frame,
                          uint32_t tree, bool in, uint16_t *at)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < piece->n; i++) {
        bool picked = qn_boost_in_bag(frame->params, tree, piece->hashes[i]) == in;
        if (picked)
            at[n++] = (uint16_t)i;
    }
    return n;
}

qn_code qn_boost_piece_start(struct qn_boost_piece *piece, const struct qn_boost_frame *frame,
                             uint32_t tree, struct qn_err *err)
{
    if (piece->started)
        return QN_OK;
    for (int g = 0; g < QN_BOOST_GROUPS; g++)
        QN_TRY(make_places(piece, (enum qn_boost_group)g, 1, err));
    piece->n_learning = piece->held_out ? 0 : piece->n;
    if (piece->hashes) {
        piece->n_learning = pick_rows(piece, frame, tree, true, piece->order);
        pick_rows(piece, frame, tree, false, piece->order + piece->n_learning);
    }
    for (int g = 0; g < QN_BOOST_GROUPS; g++)
        gather(piece, (enum qn_boost_group)g);
    if (!piece->held_out)
        qn_boost_kernels()->derive(piece->scores, piece->labels, piece->n, frame->scale.weight,
                                   1 / frame->scale.g_unit, 1 / frame->scale.h_unit,
                                   piece->gradients);
    piece->started = true;
    return QN_OK;
}

/* Rows of the range that a move sends left to its begin; returns how many. */
static uint32_t part(struct qn_boost_piece *piece, struct qn_boost_frame *frame,
                     const struct qn_boost_move *move, struct qn_boost_range range)
{
    const struct qn_boost_kernels *kernels = qn_boost_kernels();
    uint32_t n_left = 0, n = range.end - range.begin;
    for (uint32_t t = 0; t < move->n_tests && n_left < n; t++) { /* of those not left yet */
        const struct qn_boost_test *test = &move->tests[t];
        bool whole = t == 0 && is_whole(piece, move->place, range);
        n_left += (whole ? kernels->part_all : kernels->part)(
            piece->bytes + test->column, frame->bins->n_columns, &test->sides,
            piece->order + range.begin + n_left, n - n_left, frame->scratch, &frame->ahead);
    }
    return n_left;
}

qn_code qn_boost_piece_move(struct qn_boost_piece *piece, struct qn_boost_frame *frame,
                            enum qn_boost_group group, const struct qn_boost_moves *moves,
                            struct qn_err *err)
{
    QN_TRY(make_places(piece, group, moves->n_places, err));
    struct qn_boost_range *ranges = piece->places[group].ranges;
    if (moves->anew)
        gather(piece, group);
    for (uint32_t i = 0; i < moves->n; i++) {
        const struct qn_boost_move *move = &moves->list[i];
        struct qn_boost_range range = ranges[move->place];
        uint32_t middle = range.begin + part(piece, frame, move, range);
        ranges[move->first] = (struct qn_boost_range){range.begin, middle};
        ranges[move->first + 1] = (struct qn_boost_range){middle, range.end};
    }
    return QN_OK;
}

static void score_places(struct qn_boost_piece *piece, enum qn_boost_group group,
                         const struct qn_tree *tree, const uint32_t *at)
{
    for (uint32_t i = 0; i < tree->n; i++) {
        struct qn_boost_range range = piece->places[group].ranges[at[i]];
        double value = tree->nodes[i].value;
        for (uint32_t k = range.begin; tree->nodes[i].left == 0 && k < range.end; k++)
            piece->scores[piece->order[k]] += value;
    }
}

void qn_boost_piece_score(struct qn_boost_piece *piece, const struct qn_tree *tree,
                          uint32_t *const at[QN_BOOST_GROUPS])
{
    for (int g = 0; g < QN_BOOST_GROUPS; g++)
        score_places(piece, (enum qn_boost_group)g, tree, at[g]);
    piece->started = false;
}

void qn_boost_piece_sum(const struct qn_boost_piece *piece, uint32_t place,
                        struct qn_histogram_maker *maker, uint32_t i, struct qn_histogram *out)
{
    struct qn_boost_range range = piece->places[QN_BOOST_LEARNS].ranges[place];
    qn_histogram_add(maker, i, piece->bytes, piece->gradients,
                     is_whole(piece, place, range) ? NULL : piece->order + range.begin,
                     range.end - range.begin, out);
}

/* -log of the probability of a row's label. */
static uint64_t loss_of(double score, uint8_t label)
{
    double margin = label ? score : -score;
    double loss = margin > 0 ? qn_log1p(qn_exp(-margin)) : qn_log1p(qn_exp(margin)) - margin;
    return (uint64_t)(loss / QN_BOOST_LOSS_UNIT + 0.5);
}

uint64_t qn_boost_piece_loss(const struct qn_boost_piece *piece)
{
    uint64_t loss = 0;
    for (uint32_t i = 0; i < piece->n; i++)
        loss += loss_of(piece->scores[i], piece->labels[i]);
    return loss;
}

void qn_boost_piece_forget(struct qn_boost_piece *piece, const struct qn_boost_frame *frame)
{
    for (uint32_t i = 0; i < piece->n; i++)
        piece->scores[i] = frame->scale.base_score;
    piece->started = false;
}
