/* Orders of rows: of any cut the same, and every one as likely as another; drops of a metric. */
#include "tests/support/test.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/permute.h"

enum { N = 500 };

static void rank_places(const uint64_t *places, uint32_t *order, uint64_t *ids)
{
    struct qn_err err = {0};
    assert_ok(qn_permute_rank(places, N, order, ids, &err), &err);
}

/* Three rows a key: they stay together in the order they have, and have ids of their own. */
static void rows_of_a_key_are_told_apart(void **state)
{
    uint64_t places[N], ids[N];
    uint32_t order[N];
    (void)state;
    for (uint32_t i = 0; i < N; i++)
        places[i] = qn_permute_place(i % 167);
    rank_places(places, order, ids);
    for (uint32_t i = 1; i < N; i++) {
        assert_true(places[order[i]] >= places[order[i - 1]]);
        if (places[order[i]] == places[order[i - 1]])
            assert_true(order[i] > order[i - 1]);
        for (uint32_t j = 0; j < i; j++)
            assert_true(ids[i] != ids[j]);
    }
}

/* Rows that come in another order, as other chunks bring them, are ranked and dealt alike. */
static void orders_do_not_depend_on_how_rows_come(void **state)
{
    uint64_t places[2][N], ids[2][N];
    uint32_t order[2][N], from[2][N];
    struct qn_err err = {0};
    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        places[0][i] = qn_permute_place(i);
        places[1][i] = qn_permute_place((i * 7 + 11) % N);
    }
    for (int way = 0; way < 2; way++) {
        rank_places(places[way], order[way], ids[way]);
        assert_ok(qn_permute_deal(ids[way], N, 9, 3, 1, from[way], &err), &err);
    }
    assert_memory_equal(ids[0], ids[1], sizeof ids[0]);
    assert_memory_equal(from[0], from[1], sizeof from[0]);
}

/* Every row gets one value; a place gets each of them about as often; features, repeats and seeds
 * have orders of their own. */
static void orders_are_fair(void **state)
{
    enum { ROWS = 8, DEALS = 8000 };
    uint64_t ids[ROWS];
    uint32_t from[ROWS], seen[ROWS][ROWS] = {0}, same = 0, before[ROWS] = {0};
    struct qn_err err = {0};
    (void)state;
    for (uint32_t i = 0; i < ROWS; i++)
        ids[i] = qn_mix64(i + 1);
    for (uint32_t d = 0; d < DEALS; d++) {
        uint32_t there = 0;
        assert_ok(qn_permute_deal(ids, ROWS, d % 10, d / 10 % 20, d / 200, from, &err), &err);
        for (uint32_t i = 0; i < ROWS; i++) {
            seen[i][from[i]]++;
            there |= 1U << from[i];
        }
        assert_int_equal(there, (1U << ROWS) - 1);
        same += memcmp(from, before, sizeof from) == 0;
        memcpy(before, from, sizeof from);
    }
    assert_true(same <= 2); /* of 40320 orders */
    for (uint32_t i = 0; i < ROWS; i++)
        for (uint32_t j = 0; j < ROWS; j++) /* 1000, with a deviation of 30 */
            assert_in_range(seen[i][j], 850, 1150);
}

static void a_share_is_drawn(void **state)
{
    uint32_t drawn = 0;
    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        bool quarter = qn_permute_draws(qn_permute_place(i), 0.25);
        drawn += quarter;
        assert_true(!quarter || qn_permute_draws(qn_permute_place(i), 0.5));
        assert_true(qn_permute_draws(qn_permute_place(i), 1));
    }
    assert_in_range(drawn, 24500, 25500);
}

static void drops_are_summed_up(void **state)
{
    (void)state;
    const double drops[] = {0.25, 0.75, 0.5, 0.5};
    struct qn_permute_drops sum = qn_permute_sum(drops, 4);
    assert_true(sum.value == 0.5);
    assert_true(fabs(sum.spread - sqrt(0.125 / 4)) < 1e-15);
    sum = qn_permute_sum(drops, 1);
    assert_true(sum.value == 0.25 && sum.spread == 0);
    assert_int_equal(qn_permute_sign("roc_auc"), 1);
    assert_int_equal(qn_permute_sign("brier"), -1);
    assert_int_equal(qn_permute_sign("recall"), 0);
}

static void one_class_has_no_metric(void **state)
{
    struct qn_scores scores;
    struct qn_err err = {0};
    double value;
    (void)state;
    qn_scores_init(&scores);
    for (int i = 0; i < 5; i++)
        assert_ok(qn_scores_add(&scores, 0.1 * i, true, &err), &err);
    assert_ok(qn_permute_metric("log_loss", &scores, &value, &err), &err);
    assert_true(isnan(value));
    assert_ok(qn_scores_add(&scores, 0.15, false, &err), &err);
    assert_ok(qn_permute_metric("roc_auc", &scores, &value, &err), &err);
    assert_true(value == 0.6);
    qn_scores_fini(&scores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_a_key_are_told_apart),
        cmocka_unit_test(orders_do_not_depend_on_how_rows_come),
        cmocka_unit_test(orders_are_fair),
        cmocka_unit_test(a_share_is_drawn),
        cmocka_unit_test(drops_are_summed_up),
        cmocka_unit_test(one_class_has_no_metric),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
