#include <stdlib.h>

#include "base/limits.h"
#include "tests/support/sources.h"

static const struct qn_source_ops *ops;

struct fixture {
    struct qn_arena arena;
    struct qn_err err;
    struct qn_source_options options;
    struct qn_source_info info;
    char *path;
    const char *paths[1];
};

static void begin(struct fixture *f, struct qn_strv text)
{
    *f = (struct fixture){.options = options_for(NULL, 1)};
    f->path = make_file(".csv", text);
    f->paths[0] = f->path;
    f->options.paths = f->paths;
    qn_arena_init(&f->arena);
}

static void inspect(struct fixture *f)
{
    assert_ok(ops->inspect(&f->options, &f->arena, &f->info, &f->err), &f->err);
}

static void end(struct fixture *f)
{
    drop_file(f->path);
    qn_arena_fini(&f->arena);
}

/* The error's line is the file's, whichever chunk meets it, and a chunk that begins inside a quoted
 * text does not fail a good file. */
static void test_fail(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, QN_STRV_LIT("n,t\n1,\"a\nb,c\nd\"\n2,e\n3,\"f\nx,y\n\"\n"));
    f.options.on_malformed = QN_MALFORMED_FAIL;
    inspect(&f);
    for (uint64_t size = 1; size < 40; size++) {
        struct reading reading;
        reading_init(&reading);
        assert_ok(read_source(ops, f.options, &f.info, size, true, &reading, &f.err), &f.err);
        assert_int_equal(reading.n_rows, 3);
        reading_fini(&reading);
    }
    end(&f);
    begin(&f, QN_STRV_LIT("n,t\n1,\"a\nb,c\nd\"\n2,e\n3,\"f\"\n\"\n\",1\n"));
    static const struct qn_column_decl columns[] = {{.name = "n", .type = {.id = QN_INT64}}};
    f.options.columns = columns;
    f.options.n_columns = 1;
    f.options.on_malformed = QN_MALFORMED_FAIL;
    inspect(&f);
    for (uint64_t size = 1; size < 40; size++) {
        struct reading reading;
        reading_init(&reading);
        f.err = (struct qn_err){0};
        assert_int_equal(read_source(ops, f.options, &f.info, size, false, &reading, &f.err),
                         QN_OK); /* the last record is NULL, 1: blanks of a number are NULL */
        reading_fini(&reading);
    }
    end(&f);
}

static void test_fail_names_the_place(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, QN_STRV_LIT("t,n\n\"a\nb\",1\nü,12x\nd,2\n"));
    static const struct qn_column_decl columns[] = {{.name = "n", .type = {.id = QN_INT64}}};
    f.options.columns = columns;
    f.options.n_columns = 1;
    f.options.on_malformed = QN_MALFORMED_FAIL;
    inspect(&f);
    for (uint64_t size = 1; size < 30; size++) {
        struct reading reading;
        reading_init(&reading);
        f.err = (struct qn_err){0};
        assert_int_equal(read_source(ops, f.options, &f.info, size, false, &reading, &f.err),
                         QN_EINPUT);
        char got[400], expected[400];
        qn_err_format(&f.err, got, sizeof got);
        snprintf(expected, sizeof expected, "%s:4:3: expected integer, got '12x' (column n)",
                 f.path);
        assert_string_equal(got, expected);
        assert_int_equal(f.err.blame, QN_BLAME_INPUT);
        reading_fini(&reading);
    }
    end(&f);
}

/* Numbers as other programs write them, where no digit is lost. */
static void test_spellings(void **state)
{
    (void)state;
    struct fixture f;
    struct reading reading;
    begin(&f, QN_STRV_LIT("n,d,r\n12.0,1E-4,inf\n-7.00,-25.5e-1,-Infinity\n0.0,0E-18,nan\n"
                          "100,1e3,5\n1.5,1,1\n1e3,1,1\n1.,1E-5,1\n.0,1e99,x\n"));
    static const struct qn_column_decl columns[] = {
        {.name = "n", .type = {.id = QN_INT64}},
        {.name = "d", .type = {.id = QN_DECIMAL, .precision = 9, .scale = 4}},
        {.name = "r", .type = {.id = QN_DOUBLE}}};
    f.options.columns = columns;
    f.options.n_columns = 3;
    inspect(&f);
    reading_init(&reading);
    assert_ok(read_source(ops, f.options, &f.info, 1 << 20, false, &reading, &f.err), &f.err);
    const char *at = reading_text(&reading.rows);
    static const char *const rows[] = {"|12| |0.0001| |inf|\n", "|-7| |-2.5500| |-inf|\n",
                                       "|0| |0.0000| NULL\n", "|100| |1000.0000| |5|\n"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++, at = strchr(at, '\n') + 1)
        assert_memory_equal(strchr(at, '|'), rows[i], strlen(rows[i]));
    assert_int_equal(*at, 0); /* the other four are refused */
    reading_fini(&reading);
    end(&f);
}

/* locate() answers in any order, for any batch of the past. */
static void test_locate(void **state)
{
    (void)state;
    enum { ROWS = 20000 };
    struct qn_buf text;
    qn_buf_init(&text);
    qn_buf_printf(&text, "id,t\n");
    for (unsigned i = 0; i < ROWS; i++)
        qn_buf_printf(&text, "%u,\"%s\"\r\n", i, i % 3 ? "x" : "y\r\nz\n");
    struct fixture f;
    begin(&f, qn_buf_strv(&text));
    inspect(&f);
    struct qn_chunk chunk = {
        .path = f.path, .end = text.len, .start = QN_START_UNKNOWN, .file_bytes = text.len};
    struct qn_reader *reader;
    assert_ok(ops->open(&f.info, &chunk, NULL, &reader, &f.err), &f.err);
    struct qn_rejects rejects;
    assert_ok(qn_rejects_init(&rejects, &f.err), &f.err);
    uint32_t *origins = calloc(ROWS, sizeof *origins), n = 0;
    struct qn_batch batch;
    do {
        assert_ok(reader->ops->next(reader, &batch, &rejects, &f.err), &f.err);
        for (uint32_t i = 0; i < batch.n_rows; i++)
            origins[n++] = batch.origin[i];
    } while (batch.n_rows);
    assert_int_equal(n, ROWS);
    for (uint32_t k = 0; k < 3000; k++) {
        uint32_t i = k < 1000 ? k : k < 2000 ? ROWS - 1 - k : k * 7919 % ROWS;
        struct qn_location at;
        assert_ok(reader->ops->locate(reader, origins[i], &at, &f.err), &f.err);
        char start[16];
        size_t len = (size_t)snprintf(start, sizeof start, "%u,", i);
        assert_memory_equal(at.raw.data, start, len);
        assert_int_equal(at.line, 1 + i + 2 * ((i + 2) / 3)); /* 1: the header, chunk 0 counts it */
    }
    struct qn_location at;
    assert_int_equal(reader->ops->locate(reader, UINT32_MAX, &at, &f.err), QN_ESTATE);
    struct qn_chunk_result result;
    reader->ops->result(reader, &result);
    assert_int_equal(result.first_start, 0);
    assert_int_equal(result.next_start, text.len);
    assert_int_equal(result.lines, 1 + ROWS + 2 * ((ROWS + 2) / 3));
    free(origins);
    qn_rejects_fini(&rejects);
    reader->ops->close(reader);
    end(&f);
    qn_buf_fini(&text);
}

/* A quote left open early in a large file costs its line, not the file. */
static void test_open_quote(void **state)
{
    (void)state;
    struct qn_buf text;
    qn_buf_init(&text);
    qn_buf_printf(&text, "id,t\n1,a\n2,\"open\n");
    unsigned rows = 1;
    for (; text.len < QN_MAX_RECORD_BYTES + (1U << 20); rows++)
        qn_buf_printf(&text, "%u,%0200u\n", rows, rows);
    struct fixture f;
    begin(&f, qn_buf_strv(&text));
    f.options.header = 1;
    f.options.delimiter = ',';
    inspect(&f);
    static const uint64_t sizes[] = {1 << 30, 5 << 20};
    for (unsigned i = 0; i < 2; i++) {
        struct reading reading;
        reading_init(&reading);
        assert_ok(read_source(ops, f.options, &f.info, sizes[i], false, &reading, &f.err), &f.err);
        assert_int_equal(reading.n_rows, rows);
        assert_string_equal(reading_text(&reading.rejects),
                            "0:9 line 3 () limit: record longer than 67108864 bytes <2,\"open>\n");
        reading_fini(&reading);
    }
    end(&f);
    qn_buf_fini(&text);
}

static void test_changed_file(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, QN_STRV_LIT("id,t\n1,a\n2,b\n"));
    inspect(&f);
    struct qn_chunk *chunks = NULL;
    uint32_t n = 0;
    assert_ok(ops->chunks(&f.options, &f.info, 0, &f.arena, &chunks, &n, &f.err), &f.err);
    assert_int_equal(truncate(f.path, 8), 0);
    struct qn_reader *reader;
    assert_int_equal(ops->open(&f.info, &chunks[0], NULL, &reader, &f.err), QN_EINPUT);
    assert_non_null(strstr(f.err.message, "file changed: it had 13 bytes"));
    assert_int_equal(unlink(f.path), 0);
    assert_int_equal(ops->open(&f.info, &chunks[0], NULL, &reader, &f.err), QN_ENOTFOUND);
    end(&f);
}

static void test_chunks(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, QN_STRV_LIT("id,t\n1,a\n2,b\n"));
    struct qn_chunk *chunks = NULL;
    uint32_t n = 0;
    f.options.chunk_bytes = 5;
    for (uint32_t round = 0; round < 10; round++)
        assert_ok(ops->chunks(&f.options, &f.info, 0, &f.arena, &chunks, &n, &f.err), &f.err);
    assert_int_equal(n, 30);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(chunks[i].begin, i % 3 * 5);
        assert_int_equal(chunks[i].end, i % 3 == 2 ? 13 : i % 3 * 5 + 5);
        assert_int_equal(chunks[i].file_bytes, 13);
    }
    f.options.chunk_bytes = UINT64_C(1) << 40;
    assert_int_equal(ops->chunks(&f.options, &f.info, 0, &f.arena, &chunks, &n, &f.err), QN_ELIMIT);
    end(&f);
}

int main(void)
{
    ops = qn_source_find("csv");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail),       cmocka_unit_test(test_fail_names_the_place),
        cmocka_unit_test(test_spellings),  cmocka_unit_test(test_locate),
        cmocka_unit_test(test_open_quote), cmocka_unit_test(test_changed_file),
        cmocka_unit_test(test_chunks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
