/* The best split of one node. Of splits of equal gain the one of the first feature and the lowest
 * bin is taken, so the answer does not depend on the order in which they were tried. */
#include <math.h>
#include <stdlib.h>

#include "jobs/learn/boost.h"
#include "jobs/learn/boost_kernels.h"

/* A node under examination. */
struct search {
    const struct qn_split_finder *finder;
    struct qn_boost_node *node;
    double floor; /* a gain must exceed it: that of the node unsplit, plus min_gain_to_split */
};

static inline struct qn_sums add(struct qn_sums a, struct qn_sums b)
{
    return (struct qn_sums){(int64_t)((uint64_t)a.g + (uint64_t)b.g), a.h + b.h, a.n + b.n};
}

static inline struct qn_sums minus(struct qn_sums a, struct qn_sums b)
{
    return (struct qn_sums){(int64_t)((uint64_t)a.g - (uint64_t)b.g), a.h - b.h, a.n - b.n};
}

/* --- gain ------------------------------------------------------------------------------------ */

/* G with the penalty lambda_l1 taken off. */
static inline double shrunk(const struct qn_split_finder *finder, int64_t sum)
{
    double g = (double)sum * finder->scale.g_unit, l1 = finder->params->lambda_l1;
    double size = fabs(g) - l1;
    return size <= 0 ? 0 : g < 0 ? -size : size;
}

static inline double weight_of(const struct qn_split_finder *finder, struct qn_sums sums)
{
    return (double)sums.h * finder->scale.h_unit;
}

double qn_split_value(const struct qn_split_finder *finder, struct qn_sums sums, double l2,
                      double low, double high)
{
    double g = shrunk(finder, sums.g), weight = weight_of(finder, sums) + l2;
    double value = weight > 0 ? -g / weight : 0;
    return value < low ? low : value > high ? high : value;
}

static inline double gain_of(const struct qn_split_finder *finder, struct qn_sums sums, double l2)
{
    double g = shrunk(finder, sums.g), weight = weight_of(finder, sums) + l2;
    return weight > 0 ? g * g / weight : 0;
}

/* The gain of a leaf that is kept at a value which need not be its best. */
static double gain_at(const struct qn_split_finder *finder, struct qn_sums sums, double l2,
                      double value)
{
    double g = shrunk(finder, sums.g), weight = weight_of(finder, sums) + l2;
    return -(2 * g * value + weight * value * value);
}

static inline bool large_enough(const struct qn_split_finder *finder, struct qn_sums sums)
{
    return sums.n >= finder->params->min_data_in_leaf && sums.n > 0 &&
           weight_of(finder, sums) >= finder->params->min_sum_hessian;
}

/* Takes the split when it is better than what was found so far. */
static bool try_split(struct search *search, struct qn_sums left, double l2, int monotone,
                      const struct qn_tree_split *split)
{
    const struct qn_split_finder *finder = search->finder;
    struct qn_boost_node *node = search->node;
    struct qn_sums right = minus(node->sums, left);
    double gain;
    if (!finder->params->monotone) {
        gain = gain_of(finder, left, l2) + gain_of(finder, right, l2) - search->floor;
    } else {
        double low = qn_split_value(finder, left, l2, node->low, node->high);
        double high = qn_split_value(finder, right, l2, node->low, node->high);
        if ((monotone > 0 && low > high) || (monotone < 0 && low < high))
            return false;
        gain = gain_at(finder, left, l2, low) + gain_at(finder, right, l2, high) - search->floor;
    }
    if (!(gain > 0) || (node->splits && !(gain > node->gain)))
        return false;
    node->splits = true;
    node->gain = gain;
    node->split = *split;
    node->left_sums = left;
    node->left_value = qn_split_value(finder, left, l2, node->low, node->high);
    node->right_value = qn_split_value(finder, right, l2, node->low, node->high);
    return true;
}

/* --- numbers --------------------------------------------------------------------------------- */

/* Splits of a feature that leave enough on both sides, in the order in which they are tried. */
struct candidates {
    uint32_t n;
    struct qn_gain_sums sums;
    struct qn_sums left[QN_GAINS];
    uint8_t bin[QN_GAINS];
    bool missing_left[QN_GAINS];
};

/* A split after `bin`. False: what is left for the right side is too small, as it will be for all
 * bins that follow. */
static bool add_candidate(struct candidates *all, const struct search *search, struct qn_sums left,
                          uint32_t bin, bool missing_left)
{
    const struct qn_split_finder *finder = search->finder;
    struct qn_sums right = minus(search->node->sums, left);
    if (!large_enough(finder, right))
        return false;
    if (!large_enough(finder, left))
        return true;
    uint32_t i = all->n++;
    all->sums.g[0][i] = (double)left.g;
    all->sums.h[0][i] = (double)left.h;
    all->sums.g[1][i] = (double)right.g;
    all->sums.h[1][i] = (double)right.h;
    all->left[i] = left;
    all->bin[i] = (uint8_t)bin;
    all->missing_left[i] = missing_left;
    return true;
}

static void list_candidates(struct candidates *all, const struct search *search,
                            const struct qn_bin_feature *feature, const struct qn_sums *cells)
{
    struct qn_sums missing = cells[QN_BIN_MISSING], left = {0};
    bool more = true;
    all->n = 0;
    for (uint32_t code = 1; code < feature->n_codes && more; code++) {
        if (cells[code].n == 0)
            continue;
        left = add(left, cells[code]);
        /* Where gaps go was not learned when there are none: to where most rows go. */
        bool either = missing.n == 0 && left.n * 2 >= search->node->sums.n;
        more = add_candidate(all, search, left, code, either);
        if (missing.n)
            (void)add_candidate(all, search, add(left, missing), code, true);
    }
}

static void try_candidate(struct search *search, uint32_t feature, const struct candidates *all,
                          uint32_t i)
{
    const struct qn_boost_params *params = search->finder->params;
    const struct qn_tree_split split = {
        .feature = feature, .bin = all->bin[i], .missing_left = all->missing_left[i]};
    (void)try_split(search, all->left[i], params->lambda_l2,
                    params->monotone ? params->monotone[feature] : 0, &split);
}

/* Where values have no bounds, all gains are had at once and the first of the best is tried. */
static void search_numeric(struct search *search, uint32_t f, const struct qn_sums *cells)
{
    const struct qn_split_finder *finder = search->finder;
    const struct qn_gain_terms terms = {.g_unit = finder->scale.g_unit,
                                        .h_unit = finder->scale.h_unit,
                                        .l1 = finder->params->lambda_l1,
                                        .l2 = finder->params->lambda_l2,
                                        .floor = search->floor};
    struct candidates all;
    double gains[QN_GAINS];
    list_candidates(&all, search, &finder->bins->features[f], cells);
    if (finder->params->monotone) {
        for (uint32_t i = 0; i < all.n; i++)
            try_candidate(search, f, &all, i);
        return;
    }
    qn_boost_kernels()->gains(&all.sums, all.n, &terms, gains);
    uint32_t best = 0;
    for (uint32_t i = 1; i < all.n; i++)
        best = gains[i] > gains[best] ? i : best;
    if (all.n)
        try_candidate(search, f, &all, best);
}

/* --- categories ------------------------------------------------------------------------------ */

static void search_single(struct search *search, uint32_t f, const struct qn_sums *cells)
{
    const struct qn_split_finder *finder = search->finder;
    for (uint32_t code = 1; code < finder->bins->features[f].n_codes; code++) {
        if (!large_enough(finder, cells[code]) ||
            !large_enough(finder, minus(search->node->sums, cells[code])))
            continue;
        struct qn_tree_split split = {.feature = f, .categorical = true};
        split.set[code / 64] = UINT64_C(1) << (code % 64);
        (void)try_split(search, cells[code], finder->params->lambda_l2, 0, &split);
    }
}

struct ranked {
    double ratio; /* g / (h + cat_smooth) */
    uint32_t code;
};

static int by_ratio(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->ratio != y->ratio)
        return (x->ratio > y->ratio) - (x->ratio < y->ratio);
    return (x->code > y->code) - (x->code < y->code);
}

static uint32_t rank_categories(const struct qn_split_finder *finder, uint32_t f,
                                const struct qn_sums *cells, struct ranked *out)
{
    double smooth = finder->params->cat_smooth;
    uint32_t n = 0;
    for (uint32_t code = 1; code < finder->bins->features[f].n_codes; code++) {
        if (cells[code].n == 0 || (double)cells[code].n < smooth)
            continue;
        double g = (double)cells[code].g * finder->scale.g_unit;
        out[n++] = (struct ranked){g / (weight_of(finder, cells[code]) + smooth), code};
    }
    qsort(out, n, sizeof *out, by_ratio);
    return n;
}

/* Sets of the first categories of the ranking, from one of its ends. */
static void search_ranked(struct search *search, uint32_t f, const struct qn_sums *cells,
                          const struct ranked *ranked, uint32_t n, bool from_end)
{
    const struct qn_split_finder *finder = search->finder;
    const struct qn_boost_params *params = finder->params;
    uint32_t most =
        (n + 1) / 2 < params->max_cat_threshold ? (n + 1) / 2 : params->max_cat_threshold;
    struct qn_tree_split split = {.feature = f, .categorical = true};
    struct qn_sums left = {0};
    uint64_t in_group = 0;
    for (uint32_t i = 0; i < most; i++) {
        uint32_t code = ranked[from_end ? n - 1 - i : i].code;
        split.set[code / 64] |= UINT64_C(1) << (code % 64);
        left = add(left, cells[code]);
        in_group += cells[code].n;
        struct qn_sums right = minus(search->node->sums, left);
        if (!large_enough(finder, right) || right.n < params->min_data_per_group)
            return;
        if (!large_enough(finder, left) || in_group < params->min_data_per_group)
            continue;
        in_group = 0;
        (void)try_split(search, left, params->lambda_l2 + params->cat_l2, 0, &split);
    }
}

static void search_categories(struct search *search, uint32_t f, const struct qn_sums *cells)
{
    const struct qn_split_finder *finder = search->finder;
    if (finder->bins->features[f].n_codes <= finder->params->max_cat_to_onehot) {
        search_single(search, f, cells);
        return;
    }
    struct ranked ranked[QN_BIN_MOST_CODES];
    uint32_t n = rank_categories(finder, f, cells, ranked);
    search_ranked(search, f, cells, ranked, n, false);
    search_ranked(search, f, cells, ranked, n, true);
}

/* --- all ------------------------------------------------------------------------------------- */

void qn_split_find(const struct qn_split_finder *finder, const struct qn_histogram *histogram,
                   struct qn_boost_node *node)
{
    struct search search = {.finder = finder, .node = node};
    search.floor =
        gain_of(finder, node->sums, finder->params->lambda_l2) + finder->params->min_gain_to_split;
    node->splits = false;
    for (uint32_t f = 0; f < finder->bins->n_features; f++) {
        const struct qn_bin_feature *feature = &finder->bins->features[f];
        if (!finder->drawn[f])
            continue;
        if (feature->categorical)
            search_categories(&search, f, histogram->cells + feature->first);
        else
            search_numeric(&search, f, histogram->cells + feature->first);
    }
}
