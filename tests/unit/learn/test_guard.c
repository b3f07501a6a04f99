/* Each trap is found and named; rows that set none are left alone; pieces merge. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "jobs/learn/guard.h"
#include "tests/support/test.h"

enum { ROW_ID, CODE, AMOUNT, ANSWER, HINT, GAPPY, PLAN, VISITS, N_FEATURES };

static const struct qn_prepare_feature features[N_FEATURES] = {
    {"row", {.id = QN_INT64}, false},     {"code_id", {.id = QN_INT64}, false},
    {"amount", {.id = QN_DOUBLE}, false}, {"answer", {.id = QN_DOUBLE}, false},
    {"hint", {.id = QN_TEXT}, true},      {"gappy", {.id = QN_DOUBLE}, false},
    {"plan", {.id = QN_TEXT}, true},      {"visits", {.id = QN_INT64}, false},
};
static const struct qn_field fields[N_FEATURES + 4] = {
    {"row", {.id = QN_INT64}},     {"code_id", {.id = QN_INT64}},    {"amount", {.id = QN_DOUBLE}},
    {"answer", {.id = QN_DOUBLE}}, {"hint", {.id = QN_TEXT}},        {"gappy", {.id = QN_DOUBLE}},
    {"plan", {.id = QN_TEXT}},     {"visits", {.id = QN_INT64}},     {"key", {.id = QN_TEXT}},
    {"told", {.id = QN_DATE}},     {"called", {.id = QN_TIMESTAMP}}, {"joined", {.id = QN_DATE}},
};
static const struct qn_schema schema = {fields, N_FEATURES + 4};
static const char *const dates[] = {"called", "joined"};
static const struct qn_guard_plan plan = {features, N_FEATURES, dates, 2, false};

enum { N = 4000 };

/* Which traps are set. */
struct traps {
    bool row, code, answer, hint, gappy, twins, late;
};

static struct qn_batch_builder *builder;
static struct qn_batch batch;
static uint8_t labels[N], sides[N];
static uint64_t hashes[N];

static uint64_t draw(uint64_t row, uint64_t what)
{
    return qn_mix64(row * 131 + what);
}

static double uniform(uint64_t row, uint64_t what)
{
    return (double)(draw(row, what) >> 11) * 0x1p-53;
}

static void make_row(uint64_t i, const struct traps *traps)
{
    char key[16];
    uint64_t who = traps->twins && i % 10 == 1 ? i - 1 : i; /* a tenth come twice, under two keys */
    bool label = draw(who, 1) % 3 == 0;
    bool noise = draw(who, 2) % 1000 < 4;
    snprintf(key, sizeof key, "k%05u", (unsigned)i);
    labels[i] = label;
    sides[i] = draw(i, 3) % 4 ? QN_SIDE_TRAIN : QN_SIDE_TEST;
    hashes[i] = draw(i, 4);
    qn_builder_i64(builder, ROW_ID, traps->row ? (int64_t)i * 3 + 7 : (int64_t)(draw(who, 5) % 90));
    qn_builder_i64(builder, CODE,
                   traps->code ? (int64_t)(draw(i, 6) >> 8) : (int64_t)(draw(who, 6) % 500));
    qn_builder_f64(builder, AMOUNT, uniform(who, 7));
    qn_builder_f64(builder, ANSWER, traps->answer ? (label != noise) + uniform(who, 8) / 2 : 1);
    qn_builder_text(builder, HINT,
                    traps->hint && label != noise ? QN_STRV_LIT("gone") : QN_STRV_LIT("here"));
    if (!traps->gappy || label != noise)
        qn_builder_f64(builder, GAPPY, uniform(who, 9));
    qn_builder_text(builder, PLAN, draw(who, 10) % 2 ? QN_STRV_LIT("a") : QN_STRV_LIT("b"));
    qn_builder_i64(builder, VISITS, (int64_t)(draw(who, 11) % 12) + label);
    qn_builder_text(builder, N_FEATURES, qn_strv_from(key));
    qn_builder_i64(builder, N_FEATURES + 1, 20000);
    qn_builder_i64(builder, N_FEATURES + 2,
                   (traps->late && i >= 10 && i < 13 ? 20000 : 19000) * INT64_C(86400000000) + 1);
    qn_builder_i64(builder, N_FEATURES + 3, 18000);
}

static void make_rows(const struct traps *traps)
{
    struct qn_err err;
    assert_ok(qn_builder_new(&schema, &builder, &err), &err);
    for (uint64_t i = 0; i < N; i++) {
        make_row(i, traps);
        assert_ok(qn_builder_row(builder, &err), &err);
    }
    qn_builder_batch(builder, &batch);
}

static void add(struct qn_guard *guard, uint32_t begin, uint32_t end)
{
    const struct qn_column *columns[N_FEATURES], *times[2];
    uint32_t *rows = malloc((end - begin) * sizeof *rows);
    struct qn_err err;
    for (uint32_t f = 0; f < N_FEATURES; f++)
        columns[f] = &batch.columns[f];
    times[0] = &batch.columns[N_FEATURES + 2];
    times[1] = &batch.columns[N_FEATURES + 3];
    for (uint32_t i = begin; i < end; i++)
        rows[i - begin] = i;
    const struct qn_guard_rows what = {.features = columns,
                                       .key = &batch.columns[N_FEATURES],
                                       .label_time = &batch.columns[N_FEATURES + 1],
                                       .dates = times,
                                       .rows = rows,
                                       .labels = labels + begin,
                                       .sides = sides + begin,
                                       .hashes = hashes + begin,
                                       .n = end - begin};
    assert_ok(qn_guard_add(guard, &what, &err), &err);
    free(rows);
}

/* All that is said, a line a note, however rows are cut. */
static void said(uint32_t piece, struct qn_buf *out)
{
    struct qn_guard *whole;
    struct qn_err err;
    struct qn_arena arena;
    struct qn_fit_note *notes;
    uint32_t n;
    qn_arena_init(&arena);
    assert_ok(qn_guard_new(&plan, &whole, &err), &err);
    for (uint32_t begin = 0; begin < N; begin += piece) {
        struct qn_guard *guard;
        struct qn_buf bytes;
        qn_buf_init(&bytes);
        assert_ok(qn_guard_new(&plan, &guard, &err), &err);
        uint32_t end = begin + piece < N ? begin + piece : N;
        for (uint32_t at = begin; at < end; at += 700)
            add(guard, at, at + 700 < end ? at + 700 : end);
        qn_guard_pack(&bytes, guard);
        assert_ok(qn_guard_merge(whole, qn_buf_strv(&bytes), &err), &err);
        bytes.len--;
        struct qn_guard *other;
        assert_ok(qn_guard_new(&plan, &other, &err), &err);
        assert_int_equal(qn_guard_merge(other, qn_buf_strv(&bytes), &err), QN_EWIRE);
        qn_guard_free(other);
        qn_guard_free(guard);
        qn_buf_fini(&bytes);
    }
    assert_ok(qn_guard_finish(whole, &arena, &notes, &n, &err), &err);
    for (uint32_t i = 0; i < n; i++)
        qn_buf_printf(out, "%s(%s): %s\n", notes[i].test, notes[i].feature, notes[i].message);
    qn_buf_put_u8(out, 0);
    qn_guard_free(whole);
    qn_arena_fini(&arena);
}

/* `want`: the beginning of the only note, and words in it; NULL: nothing is said. */
static void finds(const struct traps *traps, const char *want, const char *words)
{
    struct qn_buf first, other;
    qn_buf_init(&first);
    make_rows(traps);
    said(N, &first);
    const char *text = (const char *)first.data;
    if (want ? strncmp(text, want, strlen(want)) != 0 || !strstr(text, words) ||
                   strchr(text, '\n')[1] != '\0'
             : text[0] != '\0')
        fail_msg("not %s ... %s, but:\n%s", want ? want : "nothing", words, text);
    for (uint32_t piece = 100; piece < N; piece = piece * 3 + 1) {
        qn_buf_init(&other);
        said(piece, &other);
        assert_string_equal((const char *)other.data, text);
        qn_buf_fini(&other);
    }
    qn_buf_fini(&first);
    qn_builder_free(builder);
}

static void nothing_is_said_of_honest_rows(void **state)
{
    (void)state;
    finds(&(struct traps){0}, NULL, "");
}

static void numbers_that_rise_with_the_rows(void **state)
{
    (void)state;
    finds(&(struct traps){.row = true}, "identifier(row)", "rise from row to row");
}

static void numbers_that_are_called_an_id(void **state)
{
    (void)state;
    finds(&(struct traps){.code = true}, "identifier(code_id)", "called an id");
}

static void a_number_that_is_the_label_in_disguise(void **state)
{
    (void)state;
    finds(&(struct traps){.answer = true}, "leak(answer)", "with an AUC of 0.99");
}

static void a_category_that_is_the_label_in_disguise(void **state)
{
    (void)state;
    finds(&(struct traps){.hint = true}, "leak(hint)", "with an AUC of 0.99");
}

static void gaps_that_are_the_label_in_disguise(void **state)
{
    (void)state;
    finds(&(struct traps){.gappy = true}, "leak(gappy)", "whether 'gappy' is missing");
}

static void entities_under_two_keys(void **state)
{
    (void)state;
    finds(&(struct traps){.twins = true}, "twins()", "such as 'k");
}

static void dates_after_the_labels_time(void **state)
{
    (void)state;
    finds(&(struct traps){.late = true}, "late(called)",
          "in 3 of 4000 rows, first in that of 'k00010'");
}

static void noise_is_refused(void **state)
{
    (void)state;
    for (uint64_t trial = 0; trial < 3000; trial++) {
        struct qn_guard *guard;
        struct qn_err err;
        uint8_t bytes[400];
        size_t n = trial % sizeof bytes;
        for (size_t i = 0; i < n; i++) /* mostly small numbers, so that counts are believed */
            bytes[i] = (uint8_t)(draw(trial, i) % (trial % 3 ? 4 : 256));
        assert_ok(qn_guard_new(&plan, &guard, &err), &err);
        assert_int_equal(qn_guard_merge(guard, (struct qn_strv){(const char *)bytes, n}, &err),
                         QN_EWIRE);
        qn_guard_free(guard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_of_honest_rows),
        cmocka_unit_test(numbers_that_rise_with_the_rows),
        cmocka_unit_test(numbers_that_are_called_an_id),
        cmocka_unit_test(a_number_that_is_the_label_in_disguise),
        cmocka_unit_test(a_category_that_is_the_label_in_disguise),
        cmocka_unit_test(gaps_that_are_the_label_in_disguise),
        cmocka_unit_test(entities_under_two_keys),
        cmocka_unit_test(dates_after_the_labels_time),
        cmocka_unit_test(noise_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
