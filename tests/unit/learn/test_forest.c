/* Forests: scores of trees of all sizes and shapes, as a walk from node to node has them. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/forest.h"
#include "tests/support/bins.h"

enum { FEATURES = 5, ROWS = 1003, MOST_LEAVES = 200, TREES = 24 };

static struct qn_bins bins;
static uint8_t bytes[ROWS * FEATURES];

static int make_rows(void **state)
{
    const uint32_t n_codes[FEATURES] = {256, 2, 17, 100, 3};
    struct qn_err err = {0};
    (void)state;
    make_features(&bins, n_codes, FEATURES);
    bins.features[2].categorical = true;
    assert_ok(qn_bins_lay_out(&bins, true, &err), &err);
    for (uint32_t i = 0; i < ROWS * FEATURES; i++)
        bytes[i] = (uint8_t)(qn_mix64(i) % n_codes[i % FEATURES]);
    return 0;
}

static int drop_rows(void **state)
{
    (void)state;
    qn_bins_fini(&bins);
    return 0;
}

static struct qn_tree_split draw_split(uint64_t draw)
{
    struct qn_tree_split split = {.feature = (uint32_t)(draw % FEATURES),
                                  .missing_left = draw & 64};
    const struct qn_bin_feature *feature = &bins.features[split.feature];
    split.categorical = feature->categorical;
    if (split.categorical)
        split.set[0] = qn_mix64(draw) & ((UINT64_C(1) << feature->n_codes) - 2);
    else
        split.bin = (uint8_t)(1 + qn_mix64(draw) % (feature->n_codes - 1));
    return split;
}

/* Splits a leaf that is drawn, or the last one, until there are so many. */
static struct qn_tree grow(uint32_t n_leaves, bool deep, uint64_t seed)
{
    struct qn_tree tree = {.nodes = calloc(2 * MOST_LEAVES, sizeof *tree.nodes), .n = 1};
    for (uint32_t leaves = 1; leaves < n_leaves; leaves++) {
        uint64_t draw = qn_mix64(seed * 1000 + leaves);
        uint32_t at = deep ? tree.n - 1 : 0;
        while (tree.nodes[at].left)
            at = tree.nodes[at].left + (uint32_t)(draw >> (at % 60) & 1);
        tree.nodes[at].split = draw_split(draw);
        tree.nodes[at].left = tree.n;
        tree.n += 2;
    }
    for (uint32_t i = 0; i < tree.n; i++)
        tree.nodes[i].value = (double)(qn_mix64(seed + i) >> 40) / 1024;
    return tree;
}

static double walk(const struct qn_tree *tree, const uint8_t *row)
{
    uint32_t at = 0;
    while (tree->nodes[at].left) {
        const struct qn_tree_split *split = &tree->nodes[at].split;
        at = tree->nodes[at].left + !qn_tree_goes_left(split, row[split->feature]);
    }
    return tree->nodes[at].value;
}

static void scores_are_those_of_a_walk(void **state)
{
    (void)state;
    const uint32_t n_leaves[] = {1, 2, 3, 31, 32, 63, 64, 65, MOST_LEAVES};
    struct qn_err err = {0};
    struct qn_tree trees[TREES];
    struct qn_forest forest;
    static double scores[ROWS];
    for (uint32_t t = 0; t < TREES; t++) {
        trees[t] = grow(n_leaves[t % (sizeof n_leaves / sizeof *n_leaves)], t % 5 == 4, t);
        assert_true(qn_tree_is_sound(&trees[t], &bins));
    }
    assert_ok(qn_forest_make(trees, TREES, &bins, &bins.arena, &forest, &err), &err);
    qn_forest_add(&forest, bytes, FEATURES, ROWS, scores);
    for (uint32_t i = 0; i < ROWS; i++) {
        double wanted = 0;
        for (uint32_t t = 0; t < TREES; t++)
            wanted += walk(&trees[t], bytes + (size_t)i * FEATURES);
        assert_true(scores[i] == wanted);
    }
    for (uint32_t t = 0; t < TREES; t++)
        free(trees[t].nodes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_a_walk),
    };
    return cmocka_run_group_tests(tests, make_rows, drop_rows);
}
