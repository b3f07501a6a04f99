/* A worker's rows of one chunk under boosting. What a round asks for follows from the rows and the
 * round's state alone; scores and nodes that earlier rounds left behind only save the way there. */
#include <stdlib.h>

#include "jobs/learn/boost.h"
#include "jobs/learn/boost_kernels.h"
#include "jobs/learn/math.h"
#include "jobs/learn/split.h"
#include "wire/mapping.h"

/* --- rows ------------------------------------------------------------------------------------ */

struct block {
    uint32_t n, capacity;
    uint8_t *bytes, *labels;
    uint64_t *hashes; /* of training rows that bags are drawn from; NULL: none are */
    double *scores;
};

/* Rows dealt to the nodes of a tree: those of a node lie together, as they come in the block. */
struct place {
    uint32_t begin, end, left; /* left 0: not split */
    struct qn_tree_split split;
};
struct parting {
    struct block *block;
    uint32_t *order, n; /* rows of the block */
    bool whole;         /* all its rows, in order */
    struct place *places;
    uint32_t n_places, capacity;
};

enum { TRAIN, HELD_OUT, N_BLOCKS };
enum { IN_BAG, OUT_OF_BAG, VALIDATION, N_PARTINGS };

struct qn_boost_rows {
    const struct qn_boost_params *params;
    struct qn_bins bins;
    struct qn_binner binner;
    struct qn_boost_scale scale;
    struct block blocks[N_BLOCKS];
    struct parting partings[N_PARTINGS];
    struct qn_gradient *gradients; /* of TRAIN */
    uint32_t *scratch;
    struct qn_histogram_maker *maker;
    struct qn_boost_state state; /* as far as the log was read */
    struct qn_arena scratch_arena;
    uint32_t *at;           /* in the arena, of the round: places by node of the state */
    uint32_t n_trees;       /* in the scores */
    bool started;           /* partings and gradients are of tree n_trees */
    struct qn_mapping file; /* arrays of all rows, once they were too large for memory */
};

qn_code qn_boost_rows_new(const struct qn_boost_params *params, struct qn_strv bins,
                          struct qn_boost_rows **out, struct qn_err *err)
{
    struct qn_boost_rows *rows = calloc(1, sizeof *rows);
    *out = rows;
    if (!rows)
        return qn_err_nomem(err, "rows to boost");
    rows->params = params;
    rows->binner.bins = &rows->bins;
    qn_bins_init(&rows->bins);
    rows->partings[IN_BAG].block = rows->partings[OUT_OF_BAG].block = &rows->blocks[TRAIN];
    rows->partings[VALIDATION].block = &rows->blocks[HELD_OUT];
    qn_arena_init(&rows->scratch_arena);
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
    qn_boost_scale_of(params, &rows->bins, &rows->scale);
    return QN_OK;
}

static bool draws_bags(const struct qn_boost_params *params)
{
    return params->bagging_freq && params->bagging_fraction < 1;
}

/* --- where they are --------------------------------------------------------------------------- */

struct array {
    void **at;
    size_t bytes; /* that rounds read or write */
};
enum { MOST_ARRAYS = 4 * N_BLOCKS + N_PARTINGS + 2, ARRAY_ALIGNMENT = 64 };

/* Rows that a parting may have. */
static uint32_t ordered_rows(const struct qn_boost_rows *rows, int parting)
{
    bool none = parting == OUT_OF_BAG && !draws_bags(rows->params);
    return none ? 0 : rows->partings[parting].block->n;
}

static uint32_t list_arrays(struct qn_boost_rows *rows, struct array *out)
{
    uint32_t n = 0, width = rows->bins.n_columns, most = 1;
    for (int i = 0; i < N_BLOCKS; i++) {
        struct block *block = &rows->blocks[i];
        size_t rows_of = block->n;
        out[n++] = (struct array){(void **)&block->bytes, rows_of * width};
        out[n++] = (struct array){(void **)&block->labels, rows_of};
        out[n++] = (struct array){(void **)&block->hashes, rows_of * sizeof *block->hashes};
        out[n++] = (struct array){(void **)&block->scores, rows_of * sizeof *block->scores};
        most = block->n > most ? block->n : most;
    }
    for (int i = 0; i < N_PARTINGS; i++)
        out[n++] = (struct array){(void **)&rows->partings[i].order,
                                  (ordered_rows(rows, i) + (size_t)1) * sizeof(uint32_t)};
    out[n++] = (struct array){(void **)&rows->gradients,
                              (rows->blocks[TRAIN].n + (size_t)1) * sizeof *rows->gradients};
    out[n++] = (struct array){(void **)&rows->scratch, (most + (size_t)1) * sizeof *rows->scratch};
    return n;
}

uint64_t qn_boost_rows_bytes(const struct qn_boost_rows *rows)
{
    const struct block *train = &rows->blocks[TRAIN], *held = &rows->blocks[HELD_OUT];
    uint64_t a_row = rows->bins.n_columns + sizeof *train->labels + sizeof *train->scores;
    uint64_t a_round = 2 * sizeof(uint32_t); /* order and scratch */
    uint64_t trained = a_round + sizeof *rows->gradients;
    if (draws_bags(rows->params))
        trained += sizeof *train->hashes + sizeof(uint32_t);
    return ((uint64_t)train->capacity + held->capacity) * a_row + train->n * trained +
           held->n * a_round;
}

static size_t room_for(const struct array *array)
{
    size_t bytes = *array->at ? array->bytes + QN_BOOST_SLACK : 0;
    return (bytes + ARRAY_ALIGNMENT - 1) / ARRAY_ALIGNMENT * ARRAY_ALIGNMENT;
}

uint64_t qn_boost_rows_shrink(struct qn_boost_rows *rows, const char *folder)
{
    struct array arrays[MOST_ARRAYS];
    struct qn_err err;
    uint32_t n = list_arrays(rows, arrays);
    size_t bytes = 0;
    if (rows->file.at)
        return 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += room_for(&arrays[i]);
    if (!rows->scratch || qn_mapping_grow(&rows->file, folder, bytes, &err) != QN_OK)
        return qn_boost_rows_bytes(rows);
    uint8_t *to = rows->file.at;
    for (uint32_t i = 0; i < n; i++) {
        size_t room = room_for(&arrays[i]);
        if (*arrays[i].at) {
            memcpy(to, *arrays[i].at, arrays[i].bytes);
            free(*arrays[i].at);
            *arrays[i].at = to;
        }
        to += room;
    }
    qn_mapping_rest(&rows->file);
    return 0; /* what is left does not grow with the rows */
}

void qn_boost_rows_free(struct qn_boost_rows *rows)
{
    if (!rows)
        return;
    struct array arrays[MOST_ARRAYS];
    uint32_t n = list_arrays(rows, arrays);
    for (uint32_t i = 0; i < n && !rows->file.at; i++)
        free(*arrays[i].at);
    qn_mapping_drop(&rows->file);
    for (int i = 0; i < N_PARTINGS; i++)
        free(rows->partings[i].places);
    qn_boost_state_fini(&rows->state);
    qn_arena_fini(&rows->scratch_arena);
    qn_histogram_maker_free(rows->maker);
    qn_binner_fini(&rows->binner);
    qn_bins_fini(&rows->bins);
    free(rows);
}

static bool resize(void **block, size_t n, size_t bytes)
{
    void *grown = realloc(*block, n * bytes + 1 + QN_BOOST_SLACK);
    if (grown)
        *block = grown;
    return grown != NULL;
}

/* Room for n rows. */
static qn_code make_room(struct qn_boost_rows *rows, struct block *block, uint32_t n,
                         struct qn_err *err)
{
    bool hashed = block == &rows->blocks[TRAIN] && draws_bags(rows->params);
    void *bytes = block->bytes, *labels = block->labels, *hashes = block->hashes,
         *scores = block->scores;
    bool made = resize(&bytes, n, rows->bins.n_columns) && resize(&labels, n, 1) &&
                (!hashed || resize(&hashes, n, sizeof *block->hashes)) &&
                resize(&scores, n, sizeof *block->scores);
    block->bytes = bytes;
    block->labels = labels;
    block->hashes = hashes;
    block->scores = scores;
    if (!made)
        return qn_err_nomem(err, "rows to boost");
    block->capacity = n;
    return QN_OK;
}

static qn_code reserve(struct qn_boost_rows *rows, struct block *block, uint32_t more,
                       struct qn_err *err)
{
    uint64_t wanted = (uint64_t)block->n + more;
    if (wanted <= block->capacity)
        return QN_OK;
    if (wanted > UINT32_MAX / 2)
        return qn_err_set(err, QN_ELIMIT, QN_BLAME_JOB, "a chunk has too many rows to train on");
    uint32_t n = block->capacity * 2 > wanted ? block->capacity * 2 : (uint32_t)wanted;
    return make_room(rows, block, n, err);
}

static qn_code add_to_block(struct qn_boost_rows *rows, struct block *block,
                            const struct qn_column *const *columns, const uint32_t *picked,
                            uint32_t n, const uint8_t *labels, const uint64_t *hashes,
                            struct qn_err *err)
{
    uint32_t width = rows->bins.n_columns;
    QN_TRY(reserve(rows, block, n, err));
    QN_TRY(qn_binner_take(&rows->binner, columns, picked, n,
                          block->bytes + (size_t)block->n * width, err));
    memcpy(block->labels + block->n, labels, n);
    if (block->hashes)
        memcpy(block->hashes + block->n, hashes, n * sizeof *hashes);
    for (uint32_t i = 0; i < n; i++)
        block->scores[block->n + i] = rows->scale.base_score;
    block->n += n;
    return QN_OK;
}

qn_code qn_boost_rows_add(struct qn_boost_rows *rows, const struct qn_column *const *columns,
                          const uint32_t *picked, uint32_t n, const uint8_t *labels,
                          const uint8_t *sides, const uint64_t *hashes, struct qn_err *err)
{
    for (uint32_t at = 0; at < n;) { /* runs of one side: most often they are long */
        uint32_t end = at + 1;
        while (end < n && sides[end] == sides[at])
            end++;
        bool held_out = sides[at] == QN_SIDE_VALIDATION;
        bool used =
            sides[at] == QN_SIDE_TRAIN || (held_out && rows->params->early_stopping_rounds > 0);
        if (used)
            QN_TRY(add_to_block(rows, &rows->blocks[held_out ? HELD_OUT : TRAIN], columns,
                                picked + at, end - at, labels + at, hashes + at, err));
        at = end;
    }
    return QN_OK;
}

/* --- nodes ----------------------------------------------------------------------------------- */

static qn_code add_places(struct parting *parting, uint32_t n, struct qn_err *err)
{
    if (parting->n_places + n > parting->capacity) {
        void *places = parting->places;
        uint32_t capacity = parting->capacity ? parting->capacity * 2 : 64;
        bool grown = resize(&places, capacity, sizeof *parting->places);
        parting->places = places;
        if (!grown)
            return qn_err_nomem(err, "rows to boost");
        parting->capacity = capacity;
    }
    memset(parting->places + parting->n_places, 0, n * sizeof *parting->places);
    parting->n_places += n;
    return QN_OK;
}

/* All rows in the root. */
static qn_code gather(struct parting *parting, struct qn_err *err)
{
    parting->n_places = 0;
    QN_TRY(add_places(parting, 1, err));
    parting->places[0].end = parting->n;
    return QN_OK;
}

/* Rows of a block that `in` names, or that it does not. Where all are, their order is made when the
 * root is split. */
static void pick_rows(struct qn_boost_rows *rows, bool in, struct parting *parting)
{
    const struct block *train = &rows->blocks[TRAIN];
    parting->n = 0;
    for (uint32_t i = 0; i < train->n; i++) {
        parting->order[parting->n] = i;
        parting->n += qn_boost_in_bag(rows->params, rows->n_trees, train->hashes[i]) == in;
    }
}

static qn_code deal_rows(struct qn_boost_rows *rows, struct qn_err *err)
{
    struct parting *in = &rows->partings[IN_BAG], *out = &rows->partings[OUT_OF_BAG],
                   *held = &rows->partings[VALIDATION];
    in->n = in->block->n;
    out->n = 0;
    held->n = held->block->n;
    if (draws_bags(rows->params)) {
        pick_rows(rows, true, in);
        pick_rows(rows, false, out);
    }
    for (int i = 0; i < N_PARTINGS; i++) {
        struct parting *parting = &rows->partings[i];
        parting->whole = parting->n == parting->block->n;
        QN_TRY(gather(parting, err));
    }
    return QN_OK;
}

static qn_code make_scratch(struct qn_boost_rows *rows, struct qn_err *err)
{
    uint32_t most = 1;
    if (rows->scratch)
        return QN_OK;
    for (int i = 0; i < N_BLOCKS; i++) /* all are there: they need no more room */
        QN_TRY(make_room(rows, &rows->blocks[i], rows->blocks[i].n, err));
    for (int i = 0; i < N_PARTINGS; i++) {
        struct parting *parting = &rows->partings[i];
        uint32_t n = ordered_rows(rows, i);
        parting->order = malloc(((size_t)n + 1) * sizeof *parting->order);
        if (!parting->order)
            return qn_err_nomem(err, "rows to boost");
        most = n > most ? n : most;
    }
    rows->gradients = malloc(((size_t)rows->blocks[TRAIN].n + 1) * sizeof *rows->gradients);
    rows->scratch = malloc(((size_t)most + 1) * sizeof *rows->scratch);
    return rows->gradients && rows->scratch ? QN_OK : qn_err_nomem(err, "rows to boost");
}

/* By several pages of a feature; otherwise as the kernels do it. */
static uint32_t part_by_pages(const struct qn_boost_rows *rows, const uint8_t *bytes,
                              const struct qn_tree_split *split, const uint32_t *pages,
                              uint32_t n_pages, uint32_t *order, uint32_t n)
{
    const struct qn_bin_feature *feature = &rows->bins.features[split->feature];
    uint8_t left[QN_BIN_PAGES][QN_BIN_CODES];
    uint32_t columns[QN_BIN_PAGES], n_left = 0;
    for (uint32_t p = 0; p < n_pages; p++) {
        qn_tree_split_table(split, &rows->bins, pages[p], left[p]);
        columns[p] = qn_bin_column(feature, pages[p]);
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *row = bytes + (size_t)order[i] * rows->bins.n_columns;
        uint32_t number = order[i], goes_left = 0;
        for (uint32_t p = 0; p < n_pages; p++)
            goes_left |= left[p][row[columns[p]]];
        order[n_left] = number;
        rows->scratch[i - n_left] = number;
        n_left += goes_left;
    }
    memcpy(order + n_left, rows->scratch, (n - n_left) * sizeof *order);
    return n_left;
}

/* Puts those of order[0..n) first that go left, and returns how many they are. `all`: they are all
 * rows of the block, and need not stand there yet. */
static uint32_t part_rows(const struct qn_boost_rows *rows, const struct block *block,
                          const struct qn_tree_split *split, bool all, uint32_t *order, uint32_t n)
{
    uint8_t left[QN_BIN_CODES];
    uint32_t pages[QN_BIN_PAGES], n_pages = qn_tree_split_pages(split, &rows->bins, pages);
    for (uint32_t i = 0; all && n_pages > 1 && i < n; i++)
        order[i] = i;
    if (n_pages > 1)
        return part_by_pages(rows, block->bytes, split, pages, n_pages, order, n);
    const struct qn_boost_kernels *kernels = qn_boost_kernels();
    uint32_t column = qn_bin_column(&rows->bins.features[split->feature], pages[0]);
    qn_tree_split_table(split, &rows->bins, pages[0], left);
    return (all ? kernels->part_all : kernels->part)(block->bytes + column, rows->bins.n_columns,
                                                     left, order, n, rows->scratch);
}

static qn_code split_place(struct qn_boost_rows *rows, struct parting *parting, uint32_t number,
                           const struct qn_tree_split *split, struct qn_err *err)
{
    uint32_t first = parting->n_places;
    QN_TRY(add_places(parting, 2, err));
    struct place *place = &parting->places[number];
    bool all = number == 0 && parting->whole;
    uint32_t n = part_rows(rows, parting->block, split, all, parting->order + place->begin,
                           place->end - place->begin);
    place->left = first;
    place->split = *split;
    parting->places[first] = (struct place){.begin = place->begin, .end = place->begin + n};
    parting->places[first + 1] = (struct place){.begin = place->begin + n, .end = place->end};
    return QN_OK;
}

/* A node of a tree as far as rows care. */
struct branch {
    uint32_t left; /* 0: not split, or nobody asks for what is below */
    const struct qn_tree_split *split;
};

/* Brings rows to the nodes of a tree: at[i] becomes the place of node i. Splits that were made
 * before stay; when one of them was another, all rows start from the root again. */
static qn_code route(struct qn_boost_rows *rows, struct parting *parting,
                     const struct branch *branches, uint32_t n, uint32_t *at, struct qn_err *err)
{
    at[0] = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct branch *branch = &branches[i];
        if (branch->left == 0)
            continue;
        if (parting->places[at[i]].left == 0) {
            QN_TRY(split_place(rows, parting, at[i], branch->split, err));
        } else if (!qn_tree_split_eq(&parting->places[at[i]].split, branch->split)) {
            QN_TRY(gather(parting, err));
            return route(rows, parting, branches, n, at, err);
        }
        at[branch->left] = parting->places[at[i]].left;
        at[branch->left + 1] = parting->places[at[i]].left + 1;
    }
    return QN_OK;
}

/* --- trees ----------------------------------------------------------------------------------- */

static qn_code start_tree(struct qn_boost_rows *rows, struct qn_err *err)
{
    if (rows->started)
        return QN_OK;
    QN_TRY(make_scratch(rows, err));
    QN_TRY(deal_rows(rows, err));
    const struct block *train = &rows->blocks[TRAIN];
    qn_boost_kernels()->derive(train->scores, train->labels, train->n, rows->scale.weight,
                               1 / rows->scale.g_unit, 1 / rows->scale.h_unit, rows->gradients);
    rows->started = true;
    return QN_OK;
}

static qn_code add_tree(struct qn_boost_rows *rows, const struct qn_tree *tree,
                        struct qn_arena *arena, struct qn_err *err)
{
    struct branch *branches = QN_NEW_ARRAY(arena, struct branch, tree->n);
    uint32_t *at = QN_NEW_ARRAY(arena, uint32_t, tree->n);
    if (!branches || !at)
        return qn_err_nomem(err, "rows to boost");
    for (uint32_t i = 0; i < tree->n; i++)
        branches[i] = (struct branch){tree->nodes[i].left, &tree->nodes[i].split};
    QN_TRY(start_tree(rows, err));
    for (int p = 0; p < N_PARTINGS; p++) {
        struct parting *parting = &rows->partings[p];
        QN_TRY(route(rows, parting, branches, tree->n, at, err));
        for (uint32_t i = 0; i < tree->n; i++) {
            const struct place *place = &parting->places[at[i]];
            double *scores = parting->block->scores, value = tree->nodes[i].value;
            for (uint32_t k = place->begin; tree->nodes[i].left == 0 && k < place->end; k++)
                scores[parting->order[k]] += value;
        }
    }
    rows->n_trees++;
    rows->started = false;
    return QN_OK;
}

static void forget_trees(struct qn_boost_rows *rows)
{
    for (int b = 0; b < N_BLOCKS; b++)
        for (uint32_t i = 0; i < rows->blocks[b].n; i++)
            rows->blocks[b].scores[i] = rows->scale.base_score;
    rows->n_trees = 0;
    rows->started = false;
}

/* --- a round --------------------------------------------------------------------------------- */

/* Reads on from where the last round was. */
static qn_code read_log(struct qn_boost_rows *rows, struct qn_strv log, struct qn_err *err)
{
    if (log.len < rows->state.read) { /* the coordinator is behind what it once was */
        qn_boost_state_clear(&rows->state);
        forget_trees(rows);
    }
    while (rows->state.read < log.len) {
        struct qn_tree tree;
        qn_arena_clear(&rows->scratch_arena);
        QN_TRY(
            qn_boost_state_next(&rows->state, log, &rows->bins, &rows->scratch_arena, &tree, err));
        if (tree.n)
            QN_TRY(add_tree(rows, &tree, &rows->scratch_arena, err));
    }
    qn_arena_clear(&rows->scratch_arena);
    return QN_OK;
}

/* Rows to the nodes that are wanted, whose places are in rows->at then. */
static qn_code reach_nodes(struct qn_boost_rows *rows, struct qn_err *err)
{
    const struct qn_boost_state *state = &rows->state;
    struct qn_arena *arena = &rows->scratch_arena;
    struct branch *branches = QN_NEW_ARRAY(arena, struct branch, state->n_nodes + 1);
    rows->at = QN_NEW_ARRAY(arena, uint32_t, state->n_nodes + 1);
    if (!branches || !rows->at)
        return qn_err_nomem(err, "rows to boost");
    for (uint32_t i = 0; i < state->n_wanted; i++)
        for (uint32_t node = state->wanted[i]; node; node = state->nodes[node].parent) {
            const struct qn_boost_node *parent = &state->nodes[state->nodes[node].parent];
            branches[state->nodes[node].parent] = (struct branch){parent->left, &parent->split};
        }
    QN_TRY(start_tree(rows, err));
    return route(rows, &rows->partings[IN_BAG], branches, state->n_nodes, rows->at, err);
}

static void add_node(struct qn_boost_rows *rows, uint32_t node, struct qn_histogram_maker *maker,
                     struct qn_histogram *out)
{
    const struct parting *parting = &rows->partings[IN_BAG];
    const struct place *place = &parting->places[rows->at[node]];
    bool whole = parting->whole && place->end - place->begin == parting->n;
    qn_histogram_add(maker, parting->block->bytes, rows->gradients,
                     whole ? NULL : parting->order + place->begin, place->end - place->begin, out);
}

/* -log of the probability of a row's label, in units of 2^-32. */
static uint64_t loss_of(double score, uint8_t label)
{
    double margin = label ? score : -score;
    double loss = margin > 0 ? qn_log1p(qn_exp(-margin)) : qn_log1p(qn_exp(margin)) - margin;
    return (uint64_t)(loss / QN_BOOST_LOSS_UNIT + 0.5);
}

static qn_code begin_round(struct qn_boost_rows *rows, struct qn_strv log,
                           struct qn_boost_sums *sums, struct qn_err *err)
{
    const struct block *held = &rows->blocks[HELD_OUT];
    QN_TRY(read_log(rows, log, err));
    QN_TRY(reach_nodes(rows, err));
    QN_TRY(qn_boost_sums_begin(sums, rows->state.n_wanted, rows->bins.n_cells, err));
    if (!rows->state.measures)
        return QN_OK;
    for (uint32_t i = 0; i < held->n; i++)
        sums->loss += loss_of(held->scores[i], held->labels[i]);
    sums->loss_rows += held->n;
    return QN_OK;
}

/* What the round wants of those that are in files, or of those that are not. */
static void add_nodes(struct qn_boost_rows *const *all, uint32_t n, bool in_files,
                      struct qn_boost_sums *sums)
{
    for (uint32_t w = 0; n && w < sums->n; w++) {
        for (uint32_t i = 0; i < n; i++)
            if ((all[i]->file.at != NULL) == in_files)
                add_node(all[i], all[i]->state.wanted[w], all[0]->maker, &sums->histograms[w]);
        qn_histogram_drain(all[0]->maker, &sums->histograms[w]);
    }
}

qn_code qn_boost_rows_round(struct qn_boost_rows *const *all, uint32_t n, struct qn_strv log,
                            struct qn_boost_sums *sums, struct qn_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        QN_TRY(begin_round(all[i], log, sums, err));
        if (all[i]->file.at) { /* one at a time, and then out of the way */
            add_nodes(&all[i], 1, true, sums);
            qn_mapping_rest(&all[i]->file);
        }
    }
    add_nodes(all, n, false, sums);
    return QN_OK;
}
