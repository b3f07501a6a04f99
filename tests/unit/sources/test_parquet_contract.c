/* Files of one source that differ: what schema_contract makes of it. */
#include "tests/support/sources.h"
#include "tests/support/written.h"

static const struct qn_source_ops *ops;
static char *paths[2];

/* a: id 1, 2 (integers), v; b: id 3.0, 2.5 (doubles), v and w. */
static char *write_one(bool second)
{
    static const struct qn_field fields[2][3] = {
        {{"id", {.id = QN_INT64}}, {"v", {.id = QN_TEXT}}},
        {{"id", {.id = QN_DOUBLE}}, {"v", {.id = QN_TEXT}}, {"w", {.id = QN_TEXT}}}};
    const struct qn_schema schema = {fields[second], second ? 3 : 2};
    const struct qn_writer_options options = {0};
    struct qn_batch_builder *rows;
    struct qn_batch batch;
    struct qn_buf file;
    assert_int_equal(qn_builder_new(&schema, &rows, NULL), QN_OK);
    for (int i = 0; i < 2; i++) {
        if (second)
            qn_builder_f64(rows, 0, i ? 2.5 : 3);
        else
            qn_builder_i64(rows, 0, i + 1);
        qn_builder_text(rows, 1, qn_strv_from("x"));
        assert_int_equal(qn_builder_row(rows, NULL), QN_OK);
    }
    qn_builder_batch(rows, &batch);
    qn_buf_init(&file);
    write_batch(qn_writer_find("parquet"), &options, &batch, &file);
    char *path = make_file(".parquet", qn_buf_strv(&file));
    qn_buf_fini(&file);
    qn_builder_free(rows);
    return path;
}

/* Rows and rejects of both files; or the error. */
static qn_code read_both(enum qn_contract columns, enum qn_contract data_type,
                         struct reading *reading, struct qn_type *id, struct qn_err *err)
{
    const char *const both[] = {paths[0], paths[1]};
    struct qn_source_options options = options_for(both, 2);
    struct qn_source_info info;
    struct qn_arena arena;
    options.columns_contract = columns;
    options.data_type_contract = data_type;
    qn_arena_init(&arena);
    reading_init(reading);
    qn_code code = ops->inspect(&options, &arena, &info, err);
    if (code == QN_OK) {
        *id = info.schema.fields[0].type;
        code = read_source(ops, options, &info, UINT64_C(1) << 30, false, reading, err);
    }
    reading_fini(reading);
    qn_arena_fini(&arena);
    return code;
}

static void evolving_unites(void **state)
{
    struct reading reading;
    struct qn_type id;
    struct qn_err err = {0};
    (void)state;
    assert_ok(read_both(QN_CONTRACT_EVOLVE, QN_CONTRACT_NONE, &reading, &id, &err), &err);
    assert_int_equal(id.id, QN_DOUBLE);
    assert_int_equal(reading.n_rows, 4);
}

static void frozen_is_as_the_first(void **state)
{
    struct reading reading;
    struct qn_type id;
    struct qn_err err = {0};
    (void)state;
    assert_int_equal(read_both(QN_CONTRACT_FREEZE, QN_CONTRACT_NONE, &reading, &id, &err),
                     QN_EINPUT);
    assert_non_null(strstr(err.message, "column 'w' is not in"));
    assert_int_equal(read_both(QN_CONTRACT_NONE, QN_CONTRACT_FREEZE, &reading, &id, &err),
                     QN_EINPUT);
    assert_non_null(strstr(err.message, "column 'id' is double here and integer elsewhere"));
    assert_int_equal(read_both(QN_CONTRACT_QUARANTINE, QN_CONTRACT_NONE, &reading, &id, &err),
                     QN_ENOTSUP);
}

static void what_does_not_fit_is_quarantined(void **state)
{
    struct reading reading;
    struct qn_type id;
    struct qn_err err = {0};
    (void)state;
    assert_ok(read_both(QN_CONTRACT_NONE, QN_CONTRACT_QUARANTINE, &reading, &id, &err), &err);
    assert_int_equal(id.id, QN_INT64);
    assert_int_equal(reading.n_rows + reading.n_rejects, 4);
    assert_int_equal(reading.n_rejects, 1); /* 2.5; 3.0 is an integer */
}

static int set_up(void **state)
{
    (void)state;
    ops = qn_source_find("parquet");
    paths[0] = write_one(false);
    paths[1] = write_one(true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    drop_file(paths[0]);
    drop_file(paths[1]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(evolving_unites),
                                       cmocka_unit_test(frozen_is_as_the_first),
                                       cmocka_unit_test(what_does_not_fit_is_quarantined)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
