#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/split_json.h"
#include "tests/support/test.h"

static struct qn_split_counts counts;
static struct qn_split split;

static uint64_t hash_of(uint64_t key, uint64_t seed)
{
    struct qn_column column = {.type = {QN_INT64, 0, 0}, .i64 = (int64_t *)&key};
    return qn_split_hash(&column, 0, seed);
}

/* Skewed classes: about one in `rarity` keys is positive. */
static bool positive(uint64_t key, uint64_t rarity)
{
    return qn_mix64(key + 77) % rarity == 0;
}

static void deal(uint64_t n, uint64_t rarity, double test, double validation, uint64_t rows[3][2])
{
    memset(&counts, 0, sizeof counts);
    for (uint64_t key = 0; key < n; key++)
        qn_split_count(&counts, hash_of(key, 42), positive(key, rarity));
    qn_split_init(&split, test, validation, 0);
    qn_split_stratify(&split, &counts);
    memset(rows, 0, 6 * sizeof(uint64_t));
    for (uint64_t key = 0; key < n; key++)
        rows[qn_split_side(&split, hash_of(key, 42))][positive(key, rarity)]++;
}

static void test_plain_shares(void **state)
{
    (void)state;
    qn_split_init(&split, 0.2, 0.1, 0);
    uint64_t rows[3] = {0};
    for (uint64_t key = 0; key < 100000; key++)
        rows[qn_split_side(&split, hash_of(key, 42))]++;
    assert_in_range(rows[QN_SIDE_TEST], 19500, 20500);
    assert_in_range(rows[QN_SIDE_VALIDATION], 9600, 10400);
    uint64_t moved = 0;
    for (uint64_t key = 0; key < 1000; key++)
        moved += qn_split_side(&split, hash_of(key, 42)) != qn_split_side(&split, hash_of(key, 43));
    assert_true(moved > 100); /* the seed matters */
    qn_split_init(&split, 0, 0, 0);
    for (uint64_t key = 0; key < 1000; key++)
        assert_int_equal(qn_split_side(&split, hash_of(key, 42)), QN_SIDE_TRAIN);
}

static void check_share(uint64_t got, uint64_t total, double share, double slack)
{
    if (fabs((double)got - share * (double)total) > slack)
        fail_msg("%llu of %llu is not %.2f", (unsigned long long)got, (unsigned long long)total,
                 share);
}

static void test_stratified_shares_of_both_classes(void **state)
{
    (void)state;
    static const struct {
        uint64_t n, rarity;
        double test, validation, slack;
    } cases[] = {{7043, 4, 0.2, 0, 3},       {7043, 4, 0.2, 0.1, 3}, {300, 3, 0.25, 0.25, 3},
                 {400000, 50, 0.2, 0.1, 30}, {20, 2, 0.5, 0, 2},     {7043, 4, 0.9, 0.05, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t rows[3][2];
        deal(cases[i].n, cases[i].rarity, cases[i].test, cases[i].validation, rows);
        for (int c = 0; c < 2; c++) {
            uint64_t total = rows[0][c] + rows[1][c] + rows[2][c];
            check_share(rows[QN_SIDE_TEST][c], total, cases[i].test, cases[i].slack);
            check_share(rows[QN_SIDE_VALIDATION][c], total, cases[i].validation, cases[i].slack);
        }
    }
}

static void test_one_class_only(void **state)
{
    (void)state;
    uint64_t rows[3][2];
    deal(1000, UINT64_MAX, 0.2, 0.1, rows);
    check_share(rows[QN_SIDE_TEST][0], 1000, 0.2, 3);
    memset(&counts, 0, sizeof counts);
    qn_split_stratify(&split, &counts); /* no rows at all */
}

/* Few keys change side when rows are added: only those in the window around the share's place. */
static void test_sides_are_sticky(void **state)
{
    (void)state;
    uint64_t rows[3][2], moved = 0;
    deal(100000, 5, 0.2, 0, rows);
    struct qn_split before = split;
    deal(105000, 5, 0.2, 0, rows);
    for (uint64_t key = 0; key < 100000; key++)
        moved +=
            qn_split_side(&before, hash_of(key, 42)) != qn_split_side(&split, hash_of(key, 42));
    assert_true(moved < 2000);
}

static void test_merge_is_order_free_and_checked(void **state)
{
    (void)state;
    struct qn_buf whole, odd, even;
    qn_buf_init(&whole);
    qn_buf_init(&odd);
    qn_buf_init(&even);
    struct qn_err err;
    for (int part = 0; part < 3; part++) {
        memset(&counts, 0, sizeof counts);
        for (uint64_t key = 0; key < 5000; key++)
            if (part == 0 || (key & 1) == (part == 1))
                qn_split_count(&counts, hash_of(key, 1), key % 3 == 0);
        qn_split_pack(part == 0 ? &whole : part == 1 ? &odd : &even, &counts);
    }
    for (int order = 0; order < 2; order++) {
        memset(&counts, 0, sizeof counts);
        assert_ok(qn_split_merge(&counts, qn_buf_strv(order ? &odd : &even), &err), &err);
        assert_ok(qn_split_merge(&counts, qn_buf_strv(order ? &even : &odd), &err), &err);
        struct qn_buf again;
        qn_buf_init(&again);
        qn_split_pack(&again, &counts);
        assert_int_equal(again.len, whole.len);
        assert_memory_equal(again.data, whole.data, whole.len);
        qn_buf_fini(&again);
    }
    whole.data[6] = 0xff; /* a bucket that is none */
    assert_int_equal(qn_split_merge(&counts, qn_buf_strv(&whole), &err), QN_EWIRE);
    odd.len--;
    assert_int_equal(qn_split_merge(&counts, qn_buf_strv(&odd), &err), QN_EWIRE);
    qn_buf_fini(&whole);
    qn_buf_fini(&odd);
    qn_buf_fini(&even);
}

static void test_state_round_trips(void **state)
{
    (void)state;
    uint64_t rows[3][2];
    deal(1000, 3, 0.2, 0.1, rows);
    struct qn_buf buf;
    qn_buf_init(&buf);
    struct qn_split back;
    struct qn_err err;
    qn_split_state_pack(&buf, &split);
    assert_ok(qn_split_state_unpack(qn_buf_strv(&buf), &back, &err), &err);
    assert_memory_equal(back.sides, split.sides, sizeof back.sides);
    buf.data[24] = 2; /* neither stratified nor not */
    assert_int_equal(qn_split_state_unpack(qn_buf_strv(&buf), &back, &err), QN_EWIRE);
    qn_buf_fini(&buf);
}

/* A model file tells any key's side again, whether or not it was seen. */
/* Written and read again, into the arena; false: the file does not say enough. */
static bool read_again(const json_t *json, struct qn_arena *arena, struct qn_model_rows *back)
{
    struct qn_err err;
    *back = (struct qn_model_rows){0};
    assert_ok(qn_split_from_json(json, arena, back, &err), &err);
    return back->split != NULL;
}

static void test_file_round_trips(void **state)
{
    (void)state;
    uint64_t rows[3][2];
    struct qn_arena arena;
    struct qn_model_rows from = {.key_type = {.id = QN_TEXT}, .seed = 42, .split = &split}, back;
    qn_arena_init(&arena);
    for (int stratified = 0; stratified < 2; stratified++) {
        deal(2000, 3, 0.2, 0.1, rows);
        split.stratified = stratified;
        json_t *json = qn_split_to_json(&from);
        assert_true(read_again(json, &arena, &back));
        assert_int_equal(back.seed, 42);
        assert_int_equal(back.key_type.id, QN_TEXT);
        assert_null(back.by);
        for (uint64_t key = 0; key < 5000; key++)
            assert_int_equal(qn_split_side(back.split, hash_of(key, 42)),
                             qn_split_side(&split, hash_of(key, 42)));
        json_decref(json);
    }
    static const char *const bad[] = {"t65535", "t65537", "x65536", "t65536v1", "t", "65536", ""};
    deal(2000, 3, 0.2, 0.1, rows);
    json_t *json = qn_split_to_json(&from);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_object_set_new(json, "sides", json_string(bad[i]));
        assert_false(read_again(json, &arena, &back));
    }
    json_decref(json);
    qn_arena_fini(&arena);
}

/* --- time and values -------------------------------------------------------------------------- */

static void test_sides_by_time(void **state)
{
    (void)state;
    static struct qn_split by_time;
    int64_t days[] = {-1, 19, 20, 29, 30, 39, 40, 99};
    const enum qn_side want[] = {QN_SIDE_TRAIN,      QN_SIDE_TRAIN,       QN_SIDE_VALIDATION,
                                 QN_SIDE_VALIDATION, QN_SIDE_CALIBRATION, QN_SIDE_CALIBRATION,
                                 QN_SIDE_TEST,       QN_SIDE_TEST};
    uint64_t valid = 0xff;
    struct qn_column column = {.type = {.id = QN_DATE}, .i64 = days, .validity = &valid};
    by_time = (struct qn_split){
        .method = QN_SPLIT_TIME,
        .begins = {false, true, true, true},
        .from = {[QN_SIDE_VALIDATION] = 20, [QN_SIDE_CALIBRATION] = 30, [QN_SIDE_TEST] = 40}};
    struct qn_model_rows from = {.key_type = {.id = QN_TEXT},
                                 .by = "day",
                                 .by_type = {.id = QN_DATE},
                                 .split = &by_time},
                         back;
    struct qn_arena arena;
    qn_arena_init(&arena);
    json_t *json = qn_split_to_json(&from);
    assert_true(read_again(json, &arena, &back));
    assert_string_equal(back.by, "day");
    for (uint32_t row = 0; row < 8; row++) {
        assert_int_equal(qn_split_deal(&by_time, &column, row, 1), want[row]);
        assert_int_equal(qn_split_deal(back.split, &column, row, 1), want[row]);
    }
    valid = 0;
    assert_int_equal(qn_split_deal(&by_time, &column, 0, 1), QN_SIDE_NONE);
    json_object_set_new(json_object_get(json, "from"), "test", json_string("2026-02-30"));
    assert_false(read_again(json, &arena, &back));
    json_decref(json);
    qn_arena_fini(&arena);
}

static void test_texts_may_be_times(void **state)
{
    (void)state;
    char bytes[] = "2026-01-02soon2026-01-02 00:00:01";
    uint32_t offsets[] = {0, 10, 14, 33};
    struct qn_column column = {.type = {.id = QN_TEXT}, .bytes = bytes, .offsets = offsets};
    int64_t day, second;
    assert_true(qn_split_time(&column, 0, &day));
    assert_false(qn_split_time(&column, 1, &second));
    assert_true(qn_split_time(&column, 2, &second));
    assert_int_equal(second - day, 1000000);
}

static void test_sides_by_value(void **state)
{
    (void)state;
    static struct qn_split by_value;
    struct qn_strv held[] = {{"7", 1}, {"-3", 2}}, used[] = {{"1", 1}};
    int64_t values[] = {1, 7, -3, 2, 0};
    uint64_t valid = 0xf;
    struct qn_column column = {.type = {.id = QN_INT64}, .i64 = values, .validity = &valid};
    for (int rest = 0; rest < 2; rest++) {
        by_value = (struct qn_split){.method = QN_SPLIT_COLUMN, .rest_trains = rest};
        by_value.values[QN_SIDE_TEST] = (struct qn_split_values){held, 2};
        by_value.values[QN_SIDE_TRAIN] = (struct qn_split_values){used, rest ? 0 : 1};
        struct qn_model_rows from = {.key_type = {.id = QN_TEXT},
                                     .by = "n",
                                     .by_type = {.id = QN_INT64},
                                     .split = &by_value};
        struct qn_model_rows back;
        struct qn_arena arena;
        qn_arena_init(&arena);
        json_t *json = qn_split_to_json(&from);
        assert_true(read_again(json, &arena, &back));
        const enum qn_side want[] = {QN_SIDE_TRAIN, QN_SIDE_TEST, QN_SIDE_TEST,
                                     rest ? QN_SIDE_TRAIN : QN_SIDE_NONE, QN_SIDE_NONE};
        for (uint32_t row = 0; row < 5; row++) {
            assert_int_equal(qn_split_deal(&by_value, &column, row, 1), want[row]);
            assert_int_equal(qn_split_deal(back.split, &column, row, 1), want[row]);
        }
        json_decref(json);
        qn_arena_fini(&arena);
    }
    assert_true(qn_split_holds(&by_value, QN_SIDE_TEST));
    assert_false(qn_split_holds(&by_value, QN_SIDE_VALIDATION));
}

static void test_calibration_takes_from_training_alone(void **state)
{
    (void)state;
    static struct qn_split with;
    qn_split_init(&split, 0.2, 0.1, 0);
    qn_split_init(&with, 0.2, 0.1, 0.15);
    uint64_t taken = 0;
    for (uint64_t key = 0; key < 10000; key++) {
        enum qn_side before = qn_split_side(&split, hash_of(key, 42));
        enum qn_side after = qn_split_side(&with, hash_of(key, 42));
        taken += after == QN_SIDE_CALIBRATION;
        assert_true(after == before || (before == QN_SIDE_TRAIN && after == QN_SIDE_CALIBRATION));
    }
    assert_in_range(taken, 1350, 1650);
}

static void test_hash_is_of_the_value(void **state)
{
    (void)state;
    double zeros[] = {0.0, -0.0};
    struct qn_column f = {.type = {QN_DOUBLE, 0, 0}, .f64 = zeros};
    assert_true(qn_split_hash(&f, 0, 9) == qn_split_hash(&f, 1, 9));
    char text[] = "abab";
    uint32_t offsets[] = {0, 2, 4, 4};
    uint64_t validity = 3;
    struct qn_column t = {
        .type = {QN_TEXT, 0, 0}, .bytes = text, .offsets = offsets, .validity = &validity};
    assert_true(qn_split_hash(&t, 0, 9) == qn_split_hash(&t, 1, 9));
    assert_true(qn_split_hash(&t, 0, 9) != qn_split_hash(&t, 0, 10));
    assert_true(qn_split_hash(&t, 2, 9) == qn_hash64("", 0, 9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_shares),
        cmocka_unit_test(test_stratified_shares_of_both_classes),
        cmocka_unit_test(test_one_class_only),
        cmocka_unit_test(test_sides_are_sticky),
        cmocka_unit_test(test_merge_is_order_free_and_checked),
        cmocka_unit_test(test_state_round_trips),
        cmocka_unit_test(test_file_round_trips),
        cmocka_unit_test(test_sides_by_time),
        cmocka_unit_test(test_texts_may_be_times),
        cmocka_unit_test(test_sides_by_value),
        cmocka_unit_test(test_calibration_takes_from_training_alone),
        cmocka_unit_test(test_hash_is_of_the_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
