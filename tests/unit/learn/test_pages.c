/* A feature of more categories than a byte tells apart: its pages as bytes, in histograms and in
 * forests say what its codes do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/boost_kernels.h"
#include "jobs/learn/forest.h"
#include "jobs/learn/histogram.h"
#include "tests/support/test.h"

enum { ROWS = 40000, TEXT = 4, CATEGORIES = 630, FEATURES = 3 };

static char texts[ROWS * TEXT + 1];
static int64_t small[ROWS];
static uint32_t offsets[ROWS + 1], all[ROWS], chosen[ROWS];
static uint8_t labels[ROWS];
static uint64_t hashes[ROWS], valid[ROWS / 64 + 1];

static const struct qn_prepare_feature features[FEATURES] = {{"visits", {.id = QN_INT64}, false},
                                                             {"shop", {.id = QN_TEXT}, true},
                                                             {"again", {.id = QN_INT64}, false}};
static const struct qn_prepare_plan plan = {.features = features,
                                            .n_features = FEATURES,
                                            .numeric_impute = QN_FILL_MEDIAN,
                                            .only_samples = true};
static struct qn_column columns[FEATURES];
static const struct qn_column *const by_feature[] = {&columns[0], &columns[1], &columns[2]};
static struct qn_bins bins;

static uint64_t draw(uint64_t what, uint64_t below)
{
    return qn_mix64(what + 77) % below;
}

/* Category i in about twice the rows of category 2 i, so that there are frequent and rare ones. */
static int make_rows(void **state)
{
    struct qn_err err = {0};
    struct qn_fit *fit;
    const struct qn_bin_params params = {.max_bins = 60, .min_data_in_bin = 3};
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++) {
        chosen[i] = (uint32_t)draw(i, 1 + draw(i + UINT64_C(1000000), CATEGORIES));
        snprintf(texts + (size_t)i * TEXT, TEXT + 1, "%04u", chosen[i]);
        small[i] = (int64_t)draw(i + UINT64_C(3000000), 5);
        labels[i] = chosen[i] % 3 == 0;
        hashes[i] = qn_mix64(i);
        offsets[i + 1] = (i + 1) * TEXT;
        all[i] = i;
        if (i % 9)
            valid[i / 64] |= UINT64_C(1) << (i % 64);
    }
    columns[0] = columns[2] = (struct qn_column){.type = features[0].type, .i64 = small};
    columns[1] = (struct qn_column){
        .type = features[1].type, .bytes = texts, .offsets = offsets, .validity = valid};
    assert_ok(qn_fit_new(&plan, &fit, &err), &err);
    assert_ok(qn_fit_add(fit, by_feature, all, ROWS, labels, hashes, &err), &err);
    qn_bins_init(&bins);
    assert_ok(qn_bins_fit(fit, &params, &bins, &err), &err);
    qn_fit_free(fit);
    return 0;
}

static int drop_rows(void **state)
{
    (void)state;
    qn_bins_fini(&bins);
    return 0;
}

static uint8_t *bytes_of(const struct qn_bins *of)
{
    struct qn_err err = {0};
    struct qn_binner binner;
    uint8_t *bytes = malloc((size_t)ROWS * of->n_columns + QN_BOOST_SLACK);
    assert_non_null(bytes);
    assert_ok(qn_binner_init(&binner, of, &err), &err);
    assert_ok(qn_binner_take(&binner, by_feature, all, ROWS, bytes, &err), &err);
    qn_binner_fini(&binner);
    return bytes;
}

/* max_bins is 60, but those would be too few rows. */
static void codes_cover_nearly_all_rows(void **state)
{
    (void)state;
    const struct qn_bin_feature *shop = &bins.features[1];
    uint8_t *bytes = bytes_of(&bins);
    uint32_t with_value = 0, without_code = 0;
    assert_in_range(shop->n_codes, 2 * QN_BIN_PAGE + 2, CATEGORIES - 20);
    assert_int_equal(qn_bin_pages(shop), 3);
    assert_int_equal(bins.features[0].column, 2); /* in what the last page leaves */
    for (uint32_t i = 0; i < ROWS; i++) {
        uint32_t code = qn_bin_code(shop, bytes + (size_t)i * bins.n_columns);
        bool there = i % 9 != 0;
        with_value += there;
        without_code += there && code == QN_BIN_MISSING;
        assert_true(there || code == QN_BIN_MISSING);
        if (code)
            assert_memory_equal(shop->categories[code - 1].data, texts + (size_t)i * TEXT, TEXT);
        assert_int_equal(qn_bin_code(&bins.features[2], bytes + (size_t)i * bins.n_columns),
                         small[i] + 1);
    }
    assert_in_range(without_code, 1, with_value / 100);
    free(bytes);
}

static void histograms_are_by_code(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_histogram_maker *maker;
    struct qn_histogram found, wanted;
    uint8_t *bytes = bytes_of(&bins);
    struct qn_gradient *gradients = malloc(ROWS * sizeof *gradients);
    assert_non_null(gradients);
    assert_ok(qn_histogram_init(&found, bins.n_cells, &err), &err);
    assert_ok(qn_histogram_init(&wanted, bins.n_cells, &err), &err);
    assert_ok(qn_histogram_maker_new(&bins, &maker, &err), &err);
    for (uint32_t i = 0; i < ROWS; i++) {
        int32_t g = (int32_t)draw(i, 2000) - 1000;
        gradients[i].halves = (uint32_t)g | (uint64_t)i << 32;
        for (uint32_t f = 0; f < FEATURES; f++) {
            uint32_t code = qn_bin_code(&bins.features[f], bytes + (size_t)i * bins.n_columns);
            struct qn_sums *cell = &wanted.cells[bins.features[f].first + code];
            cell->g += g;
            cell->h += i;
            cell->n++;
        }
    }
    assert_ok(qn_histogram_maker_reserve(maker, 1, &err), &err);
    qn_histogram_add(maker, 0, bytes, gradients, NULL, ROWS, &found);
    qn_histogram_drain(maker, 0, &found);
    assert_memory_equal(found.cells, wanted.cells, bins.n_cells * sizeof *found.cells);
    qn_histogram_maker_free(maker);
    qn_histogram_fini(&found);
    qn_histogram_fini(&wanted);
    free(gradients);
    free(bytes);
}

/* A tree of splits by a number, and by sets over one page or several. */
static void grow(struct qn_tree_node *nodes, struct qn_tree *tree, uint64_t seed)
{
    uint32_t n_codes = bins.features[1].n_codes;
    *tree = (struct qn_tree){nodes, 1};
    memset(nodes, 0, 31 * sizeof *nodes);
    for (uint32_t at = 0; at < 15; at++) {
        struct qn_tree_split *split = &nodes[at].split;
        *split = (struct qn_tree_split){.feature = at % 4 == 3 ? 0 : 1, .bin = 2};
        split->categorical = split->feature == 1;
        uint32_t page = (uint32_t)draw(seed + at, 4); /* 3: all */
        for (uint32_t code = 1; split->categorical && code < n_codes; code++)
            if (draw(seed * 100000 + at * 1000 + code, 3) == 0 &&
                (page == 3 || (code - 1) / QN_BIN_PAGE == page))
                split->set[code / 64] |= UINT64_C(1) << (code % 64);
        nodes[at].left = tree->n;
        tree->n += 2;
    }
    for (uint32_t i = 15; i < tree->n; i++)
        nodes[i].value = i;
}

static void forests_go_by_code(void **state)
{
    (void)state;
    enum { TREES = 6 };
    struct qn_err err = {0};
    struct qn_tree trees[TREES];
    struct qn_forest forest;
    static struct qn_tree_node nodes[TREES][31];
    static double found[ROWS];
    assert_ok(qn_bins_lay_out(&bins, true, &err), &err);
    uint8_t *bytes = bytes_of(&bins);
    for (uint32_t t = 0; t < TREES; t++) {
        grow(nodes[t], &trees[t], t + 1);
        assert_true(qn_tree_is_sound(&trees[t], &bins));
    }
    memset(found, 0, sizeof found);
    assert_ok(qn_forest_make(trees, TREES, &bins, &bins.arena, &forest, &err), &err);
    qn_forest_add(&forest, bytes, bins.n_columns, ROWS, found);
    for (uint32_t i = 0; i < ROWS; i++) {
        const uint8_t *row = bytes + (size_t)i * bins.n_columns;
        double wanted = 0;
        for (uint32_t t = 0; t < TREES; t++) {
            uint32_t at = 0;
            while (nodes[t][at].left) {
                const struct qn_tree_split *split = &nodes[t][at].split;
                uint32_t code = qn_bin_code(&bins.features[split->feature], row);
                at = nodes[t][at].left + !qn_tree_goes_left(split, code);
            }
            wanted += nodes[t][at].value;
        }
        assert_true(found[i] == wanted);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_cover_nearly_all_rows),
        cmocka_unit_test(histograms_are_by_code),
        cmocka_unit_test(forests_go_by_code),
    };
    return cmocka_run_group_tests(tests, make_rows, drop_rows);
}
