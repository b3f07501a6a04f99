/* Boosting: growth held to a grower that splits one leaf at a time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/boost.h"
#include "jobs/learn/boost_kernels.h"
#include "jobs/learn/math.h"
#include "jobs/learn/split.h"
#include "tests/support/test.h"

enum { ROWS = 2500, FEATURES = 4, CHUNKS = 3 };

static int64_t values[FEATURES][ROWS];
static uint64_t valid[ROWS / 64 + 1];
static char texts[ROWS];
static uint32_t offsets[ROWS + 1], all[ROWS];
static uint8_t labels[ROWS], sides[ROWS];
static uint64_t hashes[ROWS];
static struct qn_column columns[FEATURES];
static const struct qn_column *by_feature[FEATURES];
static struct qn_prepare_feature features[FEATURES] = {
    {"a", {.id = QN_INT64}, false},
    {"b", {.id = QN_INT64}, false},
    {"c", {.id = QN_INT64}, false},
    {"d", {.id = QN_TEXT}, true},
};
static struct qn_buf packed; /* bins of all training rows */
static struct qn_bins bins;

static int make_rows(void **state)
{
    struct qn_err err = {0};
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++) {
        uint64_t draw = qn_mix64(i + 5);
        values[0][i] = (int64_t)(draw % 90);
        values[1][i] = (int64_t)(qn_mix64(draw) % 7);
        values[2][i] = values[0][i] / 2; /* ties between features */
        texts[i] = (char)('a' + qn_mix64(draw + 1) % 9);
        double eta = (double)values[0][i] / 30 - (double)values[1][i] / 2 + (texts[i] % 3 == 0);
        labels[i] = (double)(qn_mix64(draw + 2) >> 11) * 0x1p-53 < qn_expit(eta - 0.5);
        sides[i] = draw % 7 == 0 ? QN_SIDE_VALIDATION : QN_SIDE_TRAIN;
        hashes[i] = qn_mix64(i + 777);
        offsets[i + 1] = i + 1;
        all[i] = i;
        if (i % 13)
            valid[i / 64] |= UINT64_C(1) << (i % 64);
    }
    for (int f = 0; f < FEATURES - 1; f++)
        columns[f] = (struct qn_column){.type = features[f].type, .i64 = values[f]};
    columns[0].validity = valid;
    columns[3] = (struct qn_column){.type = features[3].type, .bytes = texts, .offsets = offsets};
    static struct qn_prepare_plan plan = {.features = features,
                                          .n_features = FEATURES,
                                          .numeric_impute = QN_FILL_MEDIAN,
                                          .only_samples = true};
    const struct qn_bin_params params = {.max_bins = 40, .min_data_in_bin = 3};
    struct qn_fit *fit;
    for (int f = 0; f < FEATURES; f++)
        by_feature[f] = &columns[f];
    assert_ok(qn_fit_new(&plan, &fit, &err), &err);
    for (uint32_t i = 0; i < ROWS; i++)
        if (sides[i] == QN_SIDE_TRAIN)
            assert_ok(qn_fit_add(fit, by_feature, &all[i], 1, &labels[i], &hashes[i], &err), &err);
    struct qn_bins made;
    qn_bins_init(&made);
    assert_ok(qn_bins_fit(fit, &params, &made, &err), &err);
    qn_buf_init(&packed);
    qn_bins_pack(&packed, &made);
    qn_bins_fini(&made);
    qn_fit_free(fit);
    qn_bins_init(&bins);
    assert_ok(qn_bins_unpack(qn_buf_strv(&packed), &bins, &err), &err);
    return 0;
}

static int drop_rows(void **state)
{
    (void)state;
    qn_bins_fini(&bins);
    qn_buf_fini(&packed);
    return 0;
}

static struct qn_boost_params plain_params(void)
{
    return (struct qn_boost_params){.learning_rate = 0.2,
                                    .num_leaves = 9,
                                    .num_rounds = 6,
                                    .max_depth = UINT32_MAX,
                                    .min_data_in_leaf = 10,
                                    .min_sum_hessian = 1e-3,
                                    .lambda_l2 = 0.5,
                                    .feature_fraction = 1,
                                    .bagging_fraction = 1,
                                    .positive_weight = 1,
                                    .cat_smooth = 10,
                                    .cat_l2 = 10,
                                    .max_cat_threshold = 32,
                                    .max_cat_to_onehot = 4,
                                    .min_data_per_group = 20,
                                    .seed = 42};
}

/* --- a fit ----------------------------------------------------------------------------------- */

struct fitting {
    struct qn_boost_rows *rows[CHUNKS];
    struct qn_boost_grower *grower;
    struct qn_buf log;
    uint32_t rounds;
};

/* Of pieces of different sizes, the last of them larger than the chunk. */
static struct qn_boost_rows *new_rows(const struct qn_boost_params *params, uint32_t chunk)
{
    const uint32_t piece_rows[CHUNKS] = {64, 333, 0};
    struct qn_err err = {0};
    struct qn_boost_rows *rows;
    uint32_t at = chunk * ROWS / CHUNKS, end = (chunk + 1) * ROWS / CHUNKS;
    assert_ok(qn_boost_rows_new(params, qn_buf_strv(&packed), piece_rows[chunk], &rows, &err),
              &err);
    assert_ok(qn_boost_rows_add(rows, by_feature, all + at, end - at, labels + at, sides + at,
                                hashes + at, &err),
              &err);
    return rows;
}

/* Chunk by chunk and packed, or some together with what others have joined to it. */
static void gather(struct fitting *fitting)
{
    struct qn_err err = {0};
    struct qn_boost_sums *sums = qn_boost_grower_sums(fitting->grower), other = {.any = false};
    struct qn_strv log = qn_buf_strv(&fitting->log);
    uint32_t together = (uint32_t)(qn_mix64(fitting->rounds) % (CHUNKS + 1));
    assert_ok(qn_boost_rows_round(fitting->rows, together, log, sums, &err), &err);
    assert_ok(
        qn_boost_rows_round(fitting->rows + together, (CHUNKS - together) / 2, log, &other, &err),
        &err);
    assert_ok(qn_boost_sums_join(sums, &other, &err), &err);
    for (uint32_t c = together + (CHUNKS - together) / 2; c < CHUNKS; c++) {
        struct qn_buf partial;
        qn_buf_init(&partial);
        assert_ok(qn_boost_rows_round(&fitting->rows[c], 1, log, &other, &err), &err);
        qn_boost_sums_pack(&partial, &other);
        qn_boost_sums_clear(&other);
        assert_ok(qn_boost_sums_merge(sums, qn_buf_strv(&partial), &err), &err);
        qn_buf_fini(&partial);
    }
}

/* What happens to caches by chance. */
enum fate { STAY, LOST, IN_FILES };

/* Runs to the end. LOST: on either side. */
static void run(struct fitting *fitting, const struct qn_boost_params *params, enum fate fate)
{
    struct qn_err err = {0};
    enum qn_verdict verdict = QN_VERDICT_REPEAT;
    *fitting = (struct fitting){0};
    qn_buf_init(&fitting->log);
    assert_ok(qn_boost_grower_new(params, &fitting->grower, &err), &err);
    for (uint32_t c = 0; c < CHUNKS; c++)
        fitting->rows[c] = new_rows(params, c);
    for (; verdict != QN_VERDICT_NEXT; fitting->rounds++) {
        assert_true(fitting->rounds < 1000);
        if (fate == LOST && qn_mix64(fitting->rounds) % 4 == 0) {
            qn_boost_grower_free(fitting->grower);
            assert_ok(qn_boost_grower_new(params, &fitting->grower, &err), &err);
        }
        for (uint32_t c = 0; c < CHUNKS; c++) {
            bool now = qn_mix64(fitting->rounds * 3 + c) % 3 == 0;
            if (fate == LOST && now) {
                qn_boost_rows_free(fitting->rows[c]);
                fitting->rows[c] = new_rows(params, c);
            }
            if (fate == IN_FILES && fitting->rounds && now)
                assert_int_equal(qn_boost_rows_shrink(fitting->rows[c], "/tmp"), 0);
        }
        gather(fitting);
        struct qn_buf record;
        qn_buf_init(&record);
        assert_ok(qn_boost_grower_step(fitting->grower, qn_buf_strv(&packed),
                                       qn_buf_strv(&fitting->log), &record, &verdict, &err),
                  &err);
        qn_buf_put(&fitting->log, record.data, record.len);
        qn_buf_fini(&record);
    }
}

static void run_fini(struct fitting *fitting)
{
    for (uint32_t c = 0; c < CHUNKS; c++)
        qn_boost_rows_free(fitting->rows[c]);
    qn_boost_grower_free(fitting->grower);
    qn_buf_fini(&fitting->log);
}

static void trees_of(const struct fitting *fitting, const struct qn_boost_params *params,
                     struct qn_boost_state *state)
{
    struct qn_err err = {0};
    assert_ok(qn_boost_state_init(state, params, &err), &err);
    assert_ok(qn_boost_state_read(state, qn_buf_strv(&fitting->log), &bins, &err), &err);
    assert_true(state->done);
}

static void pack_trees(const struct qn_boost_state *state, struct qn_buf *out)
{
    for (uint32_t t = 0; t < state->n_trees; t++)
        qn_tree_pack(out, &state->trees[t]);
}

/* --- a grower of one leaf at a time ---------------------------------------------------------- */

struct slow {
    const struct qn_boost_params *params;
    struct qn_boost_scale scale;
    uint8_t codes[ROWS][FEATURES];
    uint32_t rows[ROWS], n; /* training rows */
    double scores[ROWS];
    struct qn_gradient gradients[ROWS];
    bool drawn[FEATURES];
};

static void slow_begin(struct slow *slow, const struct qn_boost_params *params)
{
    struct qn_err err = {0};
    struct qn_binner binner;
    struct qn_bins apart;
    qn_bins_init(&apart);
    assert_ok(qn_bins_unpack(qn_buf_strv(&packed), &apart, &err), &err);
    assert_ok(qn_bins_lay_out(&apart, true, &err), &err);
    assert_ok(qn_binner_init(&binner, &apart, &err), &err);
    assert_ok(qn_binner_take(&binner, by_feature, all, ROWS, slow->codes[0], &err), &err);
    qn_binner_fini(&binner);
    qn_bins_fini(&apart);
    slow->params = params;
    slow->n = 0;
    qn_boost_scale_of(params, &bins, &slow->scale);
    for (uint32_t i = 0; i < ROWS; i++) {
        slow->scores[i] = slow->scale.base_score;
        if (sides[i] == QN_SIDE_TRAIN)
            slow->rows[slow->n++] = i;
    }
}

static void slow_histogram(const struct slow *slow, const uint32_t *node_of, uint32_t node,
                           struct qn_histogram *out)
{
    memset(out->cells, 0, out->n_cells * sizeof *out->cells);
    for (uint32_t k = 0; k < slow->n; k++) {
        uint32_t i = slow->rows[k];
        for (uint32_t f = 0; node_of[i] == node && f < FEATURES; f++) {
            struct qn_sums *cell = &out->cells[bins.features[f].first + slow->codes[i][f]];
            cell->g += (int32_t)(uint32_t)slow->gradients[i].halves;
            cell->h += slow->gradients[i].halves >> 32;
            cell->n++;
        }
    }
}

static void slow_look(const struct slow *slow, const uint32_t *node_of, uint32_t number,
                      struct qn_boost_node *node)
{
    struct qn_err err = {0};
    struct qn_histogram histogram;
    const struct qn_split_finder finder = {slow->params, &bins, slow->scale, slow->drawn};
    assert_ok(qn_histogram_init(&histogram, bins.n_cells, &err), &err);
    slow_histogram(slow, node_of, number, &histogram);
    node->sums = qn_histogram_total(&histogram, &bins);
    node->low = -HUGE_VAL;
    node->high = HUGE_VAL;
    if (node->depth < slow->params->max_depth && node->sums.n >= 2 * slow->params->min_data_in_leaf)
        qn_split_find(&finder, &histogram, node);
    qn_histogram_fini(&histogram);
}

/* Splits the leaf of the highest gain until there are num_leaves; of equal ones the first. */
static void slow_tree(struct slow *slow, uint32_t tree, struct qn_tree *out)
{
    static struct qn_boost_node nodes[64];
    static uint32_t node_of[ROWS];
    uint32_t n = 1;
    memset(nodes, 0, sizeof nodes);
    memset(node_of, 0, sizeof node_of);
    qn_boost_draw_features(slow->params, tree, FEATURES, slow->drawn);
    qn_boost_kernels_plain.derive(slow->scores, labels, ROWS, slow->scale.weight,
                                  1 / slow->scale.g_unit, 1 / slow->scale.h_unit, slow->gradients);
    slow_look(slow, node_of, 0, &nodes[0]);
    while (n < 2 * slow->params->num_leaves - 1) {
        uint32_t best = UINT32_MAX;
        for (uint32_t i = 0; i < n; i++)
            if (nodes[i].splits && !nodes[i].left &&
                (best == UINT32_MAX || nodes[i].gain > nodes[best].gain))
                best = i;
        if (best == UINT32_MAX)
            break;
        struct qn_boost_node *node = &nodes[best];
        node->left = n;
        for (uint32_t i = 0; i < ROWS; i++)
            if (node_of[i] == best)
                node_of[i] =
                    n + !qn_tree_goes_left(&node->split, slow->codes[i][node->split.feature]);
        for (uint32_t side = 0; side < 2; side++) {
            nodes[n + side] = (struct qn_boost_node){
                .depth = node->depth + 1, .value = side ? node->right_value : node->left_value};
            slow_look(slow, node_of, n + side, &nodes[n + side]);
        }
        n += 2;
    }
    out->n = n;
    for (uint32_t i = 0; i < n; i++) {
        out->nodes[i] =
            (struct qn_tree_node){.left = nodes[i].left,
                                  .rows = nodes[i].sums.n,
                                  .weight = (double)nodes[i].sums.h * slow->scale.h_unit};
        if (nodes[i].left) {
            out->nodes[i].split = nodes[i].split;
            out->nodes[i].gain = nodes[i].gain;
        } else {
            out->nodes[i].value = nodes[i].value * slow->params->learning_rate;
        }
    }
    for (uint32_t i = 0; i < ROWS; i++)
        slow->scores[i] += out->nodes[node_of[i]].value;
}

static void grows_as_one_leaf_at_a_time(void **state)
{
    (void)state;
    static struct slow slow;
    for (uint32_t trial = 0; trial < 12; trial++) {
        struct qn_boost_params params = plain_params();
        struct fitting fitting;
        struct qn_boost_state fitted;
        params.num_leaves = 2 + trial * 2;
        params.max_depth = trial % 3 == 2 ? 3 : UINT32_MAX;
        params.positive_weight = trial % 4 == 1 ? 3.3 : 1;
        params.lambda_l1 = trial % 5 == 3 ? 2 : 0;
        params.feature_fraction = trial % 4 == 3 ? 0.5 : 1;
        params.max_cat_to_onehot = trial % 2 ? 4 : 20;
        run(&fitting, &params, STAY);
        trees_of(&fitting, &params, &fitted);
        assert_int_equal(fitted.n_trees, params.num_rounds);
        slow_begin(&slow, &params);
        for (uint32_t t = 0; t < fitted.n_trees; t++) {
            struct qn_tree_node nodes[64];
            struct qn_tree tree = {.nodes = nodes};
            struct qn_buf want, got;
            qn_buf_init(&want);
            qn_buf_init(&got);
            slow_tree(&slow, t, &tree);
            qn_tree_pack(&want, &tree);
            qn_tree_pack(&got, &fitted.trees[t]);
            assert_true(qn_strv_eq(qn_buf_strv(&want), qn_buf_strv(&got)));
            qn_buf_fini(&want);
            qn_buf_fini(&got);
        }
        qn_boost_state_fini(&fitted);
        run_fini(&fitting);
    }
}

/* Rows and coordinators that come and go, and rows in files, leave no trace in the trees. */
static void lost_caches_do_not_show(void **state)
{
    (void)state;
    struct qn_boost_params params = plain_params();
    params.num_leaves = 14;
    params.early_stopping_rounds = 3;
    params.num_rounds = 40;
    params.bagging_fraction = 0.7;
    params.bagging_freq = 2;
    struct qn_buf want, got;
    qn_buf_init(&want);
    qn_buf_init(&got);
    for (enum fate fate = STAY; fate <= IN_FILES; fate++) {
        struct fitting fitting;
        struct qn_boost_state fitted;
        run(&fitting, &params, fate);
        trees_of(&fitting, &params, &fitted);
        qn_buf_clear(&got);
        pack_trees(&fitted, fate == STAY ? &want : &got);
        assert_true(fitted.n_trees > 3 && fitted.n_trees == fitted.best_trees);
        assert_true(fate == STAY || qn_strv_eq(qn_buf_strv(&want), qn_buf_strv(&got)));
        qn_boost_state_fini(&fitted);
        run_fini(&fitting);
    }
    qn_buf_fini(&want);
    qn_buf_fini(&got);
}

static double score_of(const struct qn_boost_state *fitted, const uint8_t codes[FEATURES])
{
    double score = 0;
    for (uint32_t t = 0; t < fitted->n_trees; t++) {
        const struct qn_tree_node *nodes = fitted->trees[t].nodes, *node = nodes;
        while (node->left)
            node =
                nodes + node->left + !qn_tree_goes_left(&node->split, codes[node->split.feature]);
        score += node->value;
    }
    return score;
}

/* The score never falls as a rises, whatever else a row has; without the constraint it does. */
static void monotone_features_are(void **state)
{
    (void)state;
    static const int8_t rising[FEATURES] = {1, 0, 0, 0};
    uint32_t falls[2] = {0, 0};
    for (int held = 0; held < 2; held++) {
        struct qn_boost_params params = plain_params();
        struct fitting fitting;
        struct qn_boost_state fitted;
        params.num_leaves = 20;
        params.num_rounds = 30;
        params.min_data_in_leaf = 5;
        params.monotone = held ? rising : NULL;
        run(&fitting, &params, STAY);
        trees_of(&fitting, &params, &fitted);
        for (uint32_t trial = 0; trial < 300; trial++) {
            uint8_t codes[FEATURES];
            double last = -HUGE_VAL;
            for (uint32_t f = 0; f < FEATURES; f++)
                codes[f] = (uint8_t)(qn_mix64(trial * 9 + f) % bins.features[f].n_codes);
            for (uint32_t a = 1; a < bins.features[0].n_codes; a++) {
                codes[0] = (uint8_t)a;
                double score = score_of(&fitted, codes);
                falls[held] += score < last - 1e-12;
                last = score;
            }
        }
        qn_boost_state_fini(&fitted);
        run_fini(&fitting);
    }
    assert_true(falls[0] > 0);
    assert_int_equal(falls[1], 0);
}

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    struct qn_boost_params params = plain_params();
    struct fitting fitting;
    params.num_rounds = 2;
    run(&fitting, &params, STAY);
    uint32_t refused = 0;
    for (size_t at = 0; at < fitting.log.len; at++) {
        struct qn_err err = {0};
        struct qn_boost_state read;
        fitting.log.data[at] ^= 0x15;
        assert_ok(qn_boost_state_init(&read, &params, &err), &err);
        refused += qn_boost_state_read(&read, qn_buf_strv(&fitting.log), &bins, &err) != QN_OK;
        qn_boost_state_fini(&read);
        fitting.log.data[at] ^= 0x15;
    }
    assert_true(refused > fitting.log.len / 10);
    struct qn_buf partial;
    struct qn_err err = {0};
    struct qn_boost_sums sums = {.any = false}, others = {.any = false};
    qn_buf_init(&partial);
    assert_ok(qn_boost_rows_round(fitting.rows, 1, (struct qn_strv){0}, &sums, &err), &err);
    qn_boost_sums_pack(&partial, &sums);
    for (size_t len = 0; len < partial.len; len += 5) {
        struct qn_boost_sums cut = {.any = false};
        assert_int_not_equal(
            qn_boost_sums_merge(&cut, (struct qn_strv){(const char *)partial.data, len}, &err),
            QN_OK);
        qn_boost_sums_clear(&cut);
    }
    assert_ok(qn_boost_sums_begin(&others, sums.n + 1, sums.n_cells, &err), &err);
    assert_int_equal(qn_boost_sums_join(&sums, &others, &err), QN_EWIRE);
    qn_boost_sums_clear(&sums);
    qn_boost_sums_clear(&others);
    qn_buf_fini(&partial);
    run_fini(&fitting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_as_one_leaf_at_a_time),
        cmocka_unit_test(lost_caches_do_not_show),
        cmocka_unit_test(monotone_features_are),
        cmocka_unit_test(damaged_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, make_rows, drop_rows);
}
