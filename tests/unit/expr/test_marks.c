/* Many conditions at once: the same rows as one by one, with codes and without. */
#include "tests/support/test.h"

#include <string.h>

#include "base/hash.h"
#include "expr/expr.h"

enum { ROWS = 1000, KINDS = 3 };

static const struct qn_field fields[] = {
    {"kind", {.id = QN_TEXT}}, {"other", {.id = QN_TEXT}}, {"x", {.id = QN_INT64}}};
static const struct qn_schema schema = {fields, 3};
static const char *const kinds[KINDS] = {"call", "sms", "data"};
static const char *const conditions[] = {
    "kind = 'call'", "kind = 'sms' or kind is null",  "x > 20",         "kind = other",
    "1 = 1",         "kind like '%a%' and x is null", "other = 'data'", "kind <> 'data'",
    "null",
};
enum { N_CONDITIONS = sizeof conditions / sizeof *conditions };

static struct qn_arena arena;
static struct qn_err err;

/* As a reader's dictionary would number the texts. */
static void encode(struct qn_column *column, uint64_t id)
{
    struct qn_dictionary *dictionary = QN_NEW(&arena, struct qn_dictionary);
    struct qn_strv *texts = QN_NEW_ARRAY(&arena, struct qn_strv, KINDS + 1);
    uint16_t *codes = QN_NEW_ARRAY(&arena, uint16_t, ROWS);
    for (uint32_t k = 0; k < KINDS; k++)
        texts[k + 1] = qn_strv_from(kinds[k]);
    for (uint32_t row = 0; row < ROWS; row++)
        for (uint32_t k = 0; k < KINDS && qn_is_valid(column, row); k++)
            if (qn_strv_eq(qn_text_at(column, row), texts[k + 1]))
                codes[row] = (uint16_t)(k + 1);
    *dictionary = (struct qn_dictionary){.id = id, .n = KINDS + 1, .texts = texts};
    column->codes = codes;
    column->dictionary = dictionary;
}

static void fill(struct qn_batch_builder *builder, bool nulls)
{
    for (uint64_t row = 0; row < ROWS; row++) {
        uint64_t h = qn_mix64(row);
        if (h % 11 || !nulls)
            qn_builder_text(builder, 0, qn_strv_from(kinds[h % KINDS]));
        qn_builder_text(builder, 1, qn_strv_from(kinds[h / 64 % KINDS]));
        if (h % 7)
            qn_builder_i64(builder, 2, (int64_t)(h >> 32) % 40);
        assert_ok(qn_builder_row(builder, &err), &err);
    }
}

/* What was said of the same conditions before. */
static struct qn_expr_marks known[N_CONDITIONS][N_CONDITIONS + 1];

/* Of conditions [first, first + n). */
static void check(struct qn_expr_scope *scope, struct qn_expr **compiled, uint32_t first,
                  uint32_t n, const struct qn_batch *batch)
{
    static uint64_t marks[ROWS];
    static uint32_t rows[ROWS];
    struct qn_expr_memo *memo;
    memset(marks, 0xA5, sizeof marks);
    assert_ok(qn_expr_memo_new(scope, batch, &arena, &memo, &err), &err);
    assert_ok(qn_expr_marks_in(compiled + first, n, memo, &known[first][n], marks, &err), &err);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t n_rows, at = 0;
        assert_ok(qn_expr_filter(compiled[first + i], batch, &arena, rows, &n_rows, &err), &err);
        for (uint32_t row = 0; row < ROWS; row++) {
            bool expected = at < n_rows && rows[at] == row;
            at += expected;
            assert_int_equal(marks[row] >> i & 1, expected);
        }
    }
    for (uint32_t row = 0; row < ROWS; row++)
        assert_true(marks[row] >> n == 0);
}

/* Each set of conditions twice, and alone: what is known of texts is used then. */
static void check_all(struct qn_expr_scope *scope, struct qn_expr **compiled,
                      const struct qn_batch *batch)
{
    for (uint32_t first = 0; first < N_CONDITIONS; first++)
        for (int again = 0; again < 2; again++) {
            check(scope, compiled, first, N_CONDITIONS - first, batch);
            check(scope, compiled, first, 1, batch);
        }
}

static void marks_are_what_filters_take(void **state)
{
    (void)state;
    struct qn_batch_builder *builder;
    struct qn_batch batch;
    struct qn_expr *compiled[N_CONDITIONS];
    struct qn_expr_complaint complaint;
    qn_arena_init(&arena);
    struct qn_expr_scope *scope = qn_expr_scope_new(&arena, &schema);
    for (uint32_t i = 0; i < N_CONDITIONS; i++)
        assert_int_equal(
            qn_expr_compile_in(scope, qn_strv_from(conditions[i]), &compiled[i], &complaint),
            QN_OK);
    for (int nulls = 0; nulls < 3; nulls++) { /* none, some, none */
        assert_ok(qn_builder_new(&schema, &builder, &err), &err);
        fill(builder, nulls == 1);
        qn_builder_batch(builder, &batch);
        batch.columns[0].validity = nulls == 1 ? batch.columns[0].validity : NULL;
        for (int coded = 0; coded < 3; coded++) {
            if (coded)
                encode(&batch.columns[coded - 1], (uint64_t)coded);
            check_all(scope, compiled, &batch);
        }
        qn_builder_free(builder);
    }
    qn_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(marks_are_what_filters_take)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
