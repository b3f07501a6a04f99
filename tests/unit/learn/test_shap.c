/* Contributions of random trees beside Shapley's definition, by all orders of few features. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "jobs/learn/shap.h"
#include "tests/unit/wire/random.h"

enum { FEATURES = 5, CODES = 6 };

static struct random draws;

/* A byte a feature. */
static struct qn_bin_feature plain_features[FEATURES];
static const struct qn_bins plain_bins = {.features = plain_features, .n_features = FEATURES};

static int make_bins(void **state)
{
    (void)state;
    for (uint32_t f = 0; f < FEATURES; f++)
        plain_features[f] = (struct qn_bin_feature){.n_codes = CODES, .column = f, .factor = 1};
    return 0;
}

/* The first n of them. */
static struct qn_bins first_bins(uint32_t n)
{
    struct qn_bins bins = plain_bins;
    bins.n_features = n;
    return bins;
}

/* A tree of up to `splits` splits; the same feature may come again and again below itself. */
static void random_tree(struct qn_tree *tree, struct qn_tree_node *nodes, uint32_t splits)
{
    memset(nodes, 0, (2 * splits + 1) * sizeof *nodes);
    tree->nodes = nodes;
    tree->n = 1;
    nodes[0].rows = 1000000;
    while (splits--) {
        uint32_t at = (uint32_t)random_below(&draws, tree->n);
        if (nodes[at].left || nodes[at].rows < 2)
            continue;
        struct qn_tree_split *split = &nodes[at].split;
        split->feature = (uint32_t)random_below(&draws, FEATURES);
        split->categorical = split->feature == 0;
        split->missing_left = random_below(&draws, 2);
        split->bin = (uint8_t)(1 + random_below(&draws, CODES - 1));
        split->set[0] = random_below(&draws, 1 << CODES) & ~UINT64_C(1);
        nodes[at].left = tree->n;
        nodes[tree->n].rows = 1 + random_below(&draws, nodes[at].rows - 1);
        nodes[tree->n + 1].rows = nodes[at].rows - nodes[tree->n].rows;
        tree->n += 2;
    }
    for (uint32_t i = 0; i < tree->n; i++)
        nodes[i].value = nodes[i].left ? 0 : (double)random_below(&draws, 2000) / 500 - 2;
}

/* The mean of the tree where only features in `known` are. */
static double mean_of(const struct qn_tree *tree, uint32_t at, uint32_t known, const uint8_t *codes)
{
    const struct qn_tree_node *node = &tree->nodes[at];
    if (node->left == 0)
        return node->value;
    if (known >> node->split.feature & 1) {
        bool left = qn_tree_goes_left(&node->split, codes[node->split.feature]);
        return mean_of(tree, node->left + !left, known, codes);
    }
    double share = (double)tree->nodes[node->left].rows / (double)node->rows;
    return share * mean_of(tree, node->left, known, codes) +
           (1 - share) * mean_of(tree, node->left + 1, known, codes);
}

static double by_definition(const struct qn_tree *tree, uint32_t feature, const uint8_t *codes)
{
    static const double factorial[] = {1, 1, 2, 6, 24, 120};
    double sum = 0;
    for (uint32_t known = 0; known < 1u << FEATURES; known++) {
        if (known >> feature & 1)
            continue;
        uint32_t n = (uint32_t)__builtin_popcount(known);
        sum += factorial[n] * factorial[FEATURES - n - 1] / factorial[FEATURES] *
               (mean_of(tree, 0, known | 1u << feature, codes) - mean_of(tree, 0, known, codes));
    }
    return sum;
}

static void test_definition(void **state)
{
    (void)state;
    draws.state = 11;
    for (int round = 0; round < 300; round++) {
        struct qn_tree_node nodes[2][2 * 24 + 1];
        struct qn_tree trees[2];
        struct qn_arena arena;
        struct qn_shap shap;
        struct qn_err err;
        uint8_t codes[FEATURES];
        double parts[FEATURES + 1] = {0};
        for (int t = 0; t < 2; t++)
            random_tree(&trees[t], nodes[t], (uint32_t)random_below(&draws, 25));
        for (int f = 0; f < FEATURES; f++)
            codes[f] = (uint8_t)random_below(&draws, CODES);
        qn_arena_init(&arena);
        assert_int_equal(qn_shap_make(trees, 2, &plain_bins, &arena, &shap, &err), QN_OK);
        qn_shap_add(&shap, codes, parts);
        for (uint32_t f = 0; f < FEATURES; f++) {
            double expected =
                by_definition(&trees[0], f, codes) + by_definition(&trees[1], f, codes);
            assert_true(fabs(parts[f] - expected) < 1e-11);
        }
        double bias = mean_of(&trees[0], 0, 0, codes) + mean_of(&trees[1], 0, 0, codes);
        assert_true(fabs(parts[FEATURES] - bias) < 1e-12);
        qn_arena_fini(&arena);
    }
}

/* Splits on one feature over and over, as deep as a tree gets: the path stays short. */
static void test_deep(void **state)
{
    (void)state;
    enum { DEPTH = 4000 };
    static struct qn_tree_node nodes[2 * DEPTH + 1];
    const struct qn_tree tree = {nodes, 2 * DEPTH + 1};
    struct qn_arena arena;
    struct qn_shap shap;
    struct qn_err err;
    for (uint32_t i = 0; i < DEPTH; i++) {
        uint32_t at = i ? 2 * i : 0; /* the right child goes on */
        nodes[at].left = 2 * i + 1;
        nodes[at].rows = DEPTH + 1 - i;
        nodes[at].split = (struct qn_tree_split){.feature = i % 2, .bin = 3};
        nodes[2 * i + 1].rows = 1;
        nodes[2 * i + 1].value = i;
    }
    nodes[2 * DEPTH].rows = 1;
    nodes[2 * DEPTH].value = -5;
    const uint8_t codes[2] = {5, 5};
    const struct qn_bins bins = first_bins(2);
    double parts[3] = {0};
    qn_arena_init(&arena);
    assert_int_equal(qn_shap_make(&tree, 1, &bins, &arena, &shap, &err), QN_OK);
    qn_shap_add(&shap, codes, parts);
    assert_true(fabs(parts[0] + parts[1] + parts[2] + 5) < 1e-7);
    qn_arena_fini(&arena);
}

/* Children without rows (LightGBM has such) share alike. */
static void test_no_rows(void **state)
{
    (void)state;
    struct qn_tree_node nodes[3] = {{.left = 1, .split = {.bin = 1}}, {.value = 1}, {.value = 3}};
    const struct qn_tree tree = {nodes, 3};
    struct qn_arena arena;
    struct qn_shap shap;
    struct qn_err err;
    const uint8_t code = 1;
    const struct qn_bins bins = first_bins(1);
    double parts[2] = {0};
    qn_arena_init(&arena);
    assert_int_equal(qn_shap_make(&tree, 1, &bins, &arena, &shap, &err), QN_OK);
    qn_shap_add(&shap, &code, parts);
    assert_true(parts[1] == 2 && parts[0] == -1);
    qn_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_no_rows),
    };
    return cmocka_run_group_tests(tests, make_bins, NULL);
}
