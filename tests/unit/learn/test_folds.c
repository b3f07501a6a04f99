/* Folds are of one size and one share of positives, never divide a group, and do not depend on the
 * order of rows. */
#include "jobs/learn/folds.h"

#include "base/hash.h"
#include "base/limits.h"
#include "tests/support/test.h"

enum { GROUPS = 20000, FOLDS = 5 };

static struct qn_split_counts counts;
static struct qn_folds folds;

static uint64_t hash_of(uint64_t group)
{
    struct qn_column column = {.type = {.id = QN_INT64}, .i64 = (int64_t *)&group};
    return qn_folds_hash(&column, 0, 7);
}

static bool is_positive(uint64_t row)
{
    return qn_mix64(row + 1) % 4 == 0;
}

static void deal(bool backwards)
{
    memset(&counts, 0, sizeof counts);
    for (uint64_t i = 0; i < GROUPS; i++) {
        uint64_t group = backwards ? GROUPS - 1 - i : i;
        for (uint64_t row = 0; row <= group % 3; row++)
            qn_split_count(&counts, hash_of(group), is_positive(group * 3 + row));
    }
    qn_folds_deal(&folds, FOLDS, &counts);
}

static void folds_are_alike(void **state)
{
    (void)state;
    uint64_t rows[FOLDS][2] = {{0}}, all[2] = {0};
    deal(false);
    for (uint64_t group = 0; group < GROUPS; group++)
        for (uint64_t row = 0; row <= group % 3; row++) {
            bool positive = is_positive(group * 3 + row);
            rows[qn_folds_of(&folds, hash_of(group))][positive]++;
            all[positive]++;
        }
    for (int f = 0; f < FOLDS; f++)
        for (int c = 0; c < 2; c++) {
            double share = (double)rows[f][c] / (double)all[c];
            assert_true(share > 0.198 && share < 0.202);
        }
}

static void order_of_rows_does_not_matter(void **state)
{
    (void)state;
    static struct qn_folds before;
    deal(false);
    before = folds;
    deal(true);
    assert_memory_equal(&before, &folds, sizeof folds);
}

static void one_positive_a_fold_is_enough(void **state)
{
    (void)state;
    uint32_t seen = 0;
    memset(&counts, 0, sizeof counts);
    for (uint64_t group = 0; group < 500; group++)
        qn_split_count(&counts, hash_of(group), group < FOLDS);
    qn_folds_deal(&folds, FOLDS, &counts);
    for (uint64_t group = 0; group < FOLDS; group++)
        seen |= 1u << qn_folds_of(&folds, hash_of(group));
    assert_int_equal(seen, (1u << FOLDS) - 1);
}

static void samples_hold_smaller_ones(void **state)
{
    (void)state;
    uint32_t third = 0, ninth = 0;
    for (uint64_t group = 0; group < GROUPS; group++) {
        bool small = qn_folds_sampled(hash_of(group), 1.0 / 9);
        bool large = qn_folds_sampled(hash_of(group), 1.0 / 3);
        assert_true(!small || large);
        assert_true(qn_folds_sampled(hash_of(group), 1));
        ninth += small;
        third += large;
    }
    assert_true(third > GROUPS / 3 - 300 && third < GROUPS / 3 + 300);
    assert_true(ninth > GROUPS / 9 - 200 && ninth < GROUPS / 9 + 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_are_alike),
        cmocka_unit_test(order_of_rows_does_not_matter),
        cmocka_unit_test(one_positive_a_fold_is_enough),
        cmocka_unit_test(samples_hold_smaller_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
