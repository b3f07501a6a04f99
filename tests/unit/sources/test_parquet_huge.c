/* Texts as long as texts may be: pages are cut so that they are read again; longer ones are not
 * written. */
#include "base/limits.h"
#include "tests/support/sources.h"
#include "tests/support/written.h"

enum { ROWS = 24 };

static const struct qn_field field = {"t", {.id = QN_TEXT}};
static const struct qn_schema schema = {&field, 1};
static char *bytes;
static uint32_t offsets[ROWS + 1];
static uint64_t validity[1];

/* Rows 8 to 19 are huge but for a NULL, the others short. */
static void make_rows(struct qn_column *column)
{
    uint32_t at = 0;
    bytes = malloc((size_t)12 * QN_MAX_FIELD_BYTES + ROWS * 8);
    assert_non_null(bytes);
    validity[0] = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        uint32_t n = row >= 8 && row < 20 ? QN_MAX_FIELD_BYTES : row % 5;
        bool is_null = row == 3 || row == 18 || row == 21;
        offsets[row] = at;
        memset(bytes + at, 'a' + (int)row, n);
        at += is_null ? 0 : n;
        if (!is_null)
            qn_valid_set(validity, row);
    }
    offsets[ROWS] = at;
    *column = (struct qn_column){
        .type = field.type, .validity = validity, .bytes = bytes, .offsets = offsets};
}

static void check_rows(const char *path, const struct qn_column *column)
{
    const struct qn_source_ops *ops = qn_source_find("parquet");
    struct qn_source_options options = options_for(&path, 1);
    struct qn_source_info info;
    struct qn_chunk *chunks = NULL;
    struct qn_reader *reader;
    struct qn_rejects rejects;
    struct qn_batch batch;
    struct qn_arena arena;
    struct qn_err err = {0};
    uint32_t n = 0, row = 0;
    options.chunk_bytes = UINT64_C(1) << 40;
    qn_arena_init(&arena);
    assert_ok(qn_rejects_init(&rejects, &err), &err);
    assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
    assert_ok(ops->chunks(&options, &info, 0, &arena, &chunks, &n, &err), &err);
    assert_int_equal(n, 1);
    assert_ok(ops->open(&info, &chunks[0], NULL, &reader, &err), &err);
    for (;;) {
        assert_ok(reader->ops->next(reader, &batch, &rejects, &err), &err);
        if (batch.n_rows == 0)
            break;
        for (uint32_t i = 0; i < batch.n_rows; i++, row++) {
            assert_int_equal(qn_is_valid(&batch.columns[0], i), qn_is_valid(column, row));
            if (qn_is_valid(column, row))
                assert_true(qn_strv_eq(qn_text_at(&batch.columns[0], i), qn_text_at(column, row)));
        }
    }
    assert_int_equal(row, ROWS);
    assert_int_equal(qn_rejects_count(&rejects), 0);
    reader->ops->close(reader);
    qn_rejects_fini(&rejects);
    qn_arena_fini(&arena);
}

static void huge_texts_are_read_again(void **state)
{
    struct qn_column column;
    struct qn_buf file;
    (void)state;
    qn_buf_init(&file);
    make_rows(&column);
    const struct qn_writer_options options = {0};
    const struct qn_batch batch = {.schema = &schema, .columns = &column, .n_rows = ROWS};
    write_batch(qn_writer_find("parquet"), &options, &batch, &file);
    char *path = make_file(".parquet", qn_buf_strv(&file));
    qn_buf_fini(&file);
    check_rows(path, &column);
    drop_file(path);
    free(bytes);
}

static void longer_ones_are_not_written(void **state)
{
    const struct qn_writer_ops *ops = qn_writer_find("parquet");
    struct qn_writer_options options = {0};
    struct qn_writer *writer;
    struct qn_buf file, meta;
    struct qn_err err = {0};
    (void)state;
    bytes = calloc(1, QN_MAX_FIELD_BYTES + 1);
    offsets[1] = QN_MAX_FIELD_BYTES + 1;
    struct qn_column column = {.type = field.type, .bytes = bytes, .offsets = offsets};
    struct qn_batch batch = {.schema = &schema, .columns = &column, .n_rows = 1};
    qn_buf_init(&file);
    qn_buf_init(&meta);
    assert_ok(ops->open(&schema, &options, &writer, &err), &err);
    assert_ok(ops->write(writer, &batch, &file, &err), &err);
    assert_int_equal(ops->finish(writer, &file, &meta, &err), QN_EINPUT);
    assert_non_null(strstr(err.message, "too long"));
    ops->close(writer);
    qn_buf_fini(&meta);
    qn_buf_fini(&file);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(huge_texts_are_read_again),
                                       cmocka_unit_test(longer_ones_are_not_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
