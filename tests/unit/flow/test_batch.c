#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "flow/batch.h"
#include "flow/reject.h"

static const struct qn_field fields[] = {
    {"id", {.id = QN_INT64}},
    {"name", {.id = QN_TEXT}},
    {"ok", {.id = QN_BOOL}},
    {"x", {.id = QN_DOUBLE}},
};
static const struct qn_schema schema = {fields, 4};

/* 100 rows; every seventh name and every fifth x is NULL. */
static struct qn_batch_builder *filled(struct qn_batch *batch)
{
    struct qn_err err;
    struct qn_batch_builder *builder;
    assert_ok(qn_builder_new(&schema, &builder, &err), &err);
    for (int i = 0; i < 100; i++) {
        char name[16];
        int n = snprintf(name, sizeof name, "n%d", i);
        qn_builder_i64(builder, 0, i * 10);
        if (i % 7)
            qn_builder_text(builder, 1, (struct qn_strv){name, (size_t)n});
        qn_builder_bool(builder, 2, i % 2);
        if (i % 5)
            qn_builder_f64(builder, 3, i / 4.0);
        assert_ok(qn_builder_row(builder, &err), &err);
    }
    qn_builder_batch(builder, batch);
    return builder;
}

static void builder_keeps_values_and_nulls(void **state)
{
    (void)state;
    struct qn_batch batch;
    struct qn_batch_builder *builder = filled(&batch);
    assert_int_equal(batch.n_rows, 100);
    assert_int_equal(batch.columns[0].i64[42], 420);
    assert_false(qn_is_valid(&batch.columns[1], 49));
    assert_true(qn_strv_is(qn_text_at(&batch.columns[1], 50), "n50"));
    assert_int_equal(qn_column_count_valid(&batch.columns[3], 100), 80);
    qn_builder_free(builder);
}

static void take_reorders_repeats_and_pads(void **state)
{
    (void)state;
    struct qn_batch batch, taken;
    struct qn_err err;
    struct qn_arena arena;
    qn_arena_init(&arena);
    struct qn_batch_builder *builder = filled(&batch);
    const uint32_t rows[] = {99, 3, 3, UINT32_MAX, 7};
    struct qn_column column;
    assert_ok(qn_column_take(&arena, &batch.columns[1], 100, rows, 5, &column, &err), &err);
    assert_true(qn_strv_is(qn_text_at(&column, 0), "n99"));
    assert_true(qn_strv_is(qn_text_at(&column, 2), "n3"));
    assert_false(qn_is_valid(&column, 3));
    assert_false(qn_is_valid(&column, 4));
    assert_ok(qn_batch_take(&arena, &batch, rows, 3, &taken, &err), &err);
    assert_int_equal(taken.n_rows, 3);
    assert_int_equal(taken.columns[0].i64[0], 990);
    assert_int_equal(taken.columns[2].bools[1], 1);
    qn_builder_free(builder);
    qn_arena_fini(&arena);
}

static void copies_outlive_what_they_copy(void **state)
{
    (void)state;
    struct qn_batch batch, copy;
    struct qn_err err;
    struct qn_arena arena;
    qn_arena_init(&arena);
    struct qn_batch_builder *builder = filled(&batch);
    assert_ok(qn_batch_copy(&arena, &batch, &copy, &err), &err);
    qn_builder_free(builder);
    assert_true(qn_strv_is(qn_text_at(&copy.columns[1], 99), "n99"));
    assert_false(qn_is_valid(&copy.columns[1], 98));
    qn_arena_fini(&arena);
}

static void rejects_read_back(void **state)
{
    (void)state;
    struct qn_err err;
    struct qn_rejects rejects;
    assert_ok(qn_rejects_init(&rejects, &err), &err);
    struct qn_reject reject = {.line = 3,
                               .byte_offset = 77,
                               .rule = QN_STRV_LIT("type"),
                               .file = QN_STRV_LIT("a.csv"),
                               .raw = QN_STRV_LIT("1,x")};
    assert_ok(qn_rejects_add(&rejects, &reject, &err), &err);
    assert_int_equal(qn_rejects_count(&rejects), 1);
    struct qn_batch batch;
    qn_builder_batch(rejects.rows, &batch);
    struct qn_reject again = qn_reject_at(&batch, 0);
    assert_int_equal(again.byte_offset, 77);
    assert_true(qn_strv_is(again.raw, "1,x"));
    assert_int_equal(again.column.len, 0);
    qn_rejects_fini(&rejects);
}

static void schemas_pack_and_refuse_damage(void **state)
{
    (void)state;
    struct qn_err err;
    struct qn_arena arena;
    struct qn_buf buf;
    struct qn_schema out;
    qn_arena_init(&arena);
    qn_buf_init(&buf);
    qn_schema_pack(&buf, &schema);
    for (size_t len = 0; len < buf.len; len++) {
        struct qn_unpack in = qn_unpack_from((struct qn_strv){(char *)buf.data, len});
        assert_int_not_equal(qn_schema_unpack(&in, &arena, &out, &err), QN_OK);
    }
    struct qn_unpack in = qn_unpack_from(qn_buf_strv(&buf));
    assert_ok(qn_schema_unpack(&in, &arena, &out, &err), &err);
    assert_ok(qn_unpack_end(&in, "schema", &err), &err);
    assert_int_equal(qn_schema_find(&out, QN_STRV_LIT("x")), 3);
    qn_buf_fini(&buf);
    qn_arena_fini(&arena);
}

static void codes_are_taken_along_and_not_copied(void **state)
{
    (void)state;
    struct qn_err err;
    struct qn_arena arena;
    qn_arena_init(&arena);
    const struct qn_strv texts[] = {{NULL, 0}, QN_STRV_LIT("n1"), QN_STRV_LIT("n2")};
    const struct qn_dictionary dictionary = {.id = 1, .n = 3, .texts = texts};
    const uint16_t codes[] = {QN_CODE_NULL, 1, 2};
    struct qn_batch batch, copy;
    struct qn_batch_builder *builder = filled(&batch);
    batch.n_rows = 3;
    batch.columns[1].codes = codes;
    batch.columns[1].dictionary = &dictionary;
    const uint32_t rows[] = {2, UINT32_MAX, 1};
    struct qn_column taken;
    assert_ok(qn_column_take(&arena, &batch.columns[1], 3, rows, 3, &taken, &err), &err);
    assert_ptr_equal(taken.dictionary, &dictionary);
    assert_int_equal(taken.codes[0], 2);
    assert_int_equal(taken.codes[1], QN_CODE_NULL);
    assert_int_equal(taken.codes[2], 1);
    assert_ok(qn_batch_copy(&arena, &batch, &copy, &err), &err);
    assert_null(copy.columns[1].codes);
    qn_arena_fini(&arena);
    qn_builder_free(builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builder_keeps_values_and_nulls),
        cmocka_unit_test(take_reorders_repeats_and_pads),
        cmocka_unit_test(codes_are_taken_along_and_not_copied),
        cmocka_unit_test(copies_outlive_what_they_copy),
        cmocka_unit_test(rejects_read_back),
        cmocka_unit_test(schemas_pack_and_refuse_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
