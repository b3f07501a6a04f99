/* Records through the index and layout, and one by one: the same rows, whatever the instructions;
 * and what they are when keys move, vanish and come twice. */
#include "base/simd.h"
#include "sources/jsonl_rows.h"
#include "tests/support/sources.h"

/* Lines with the same keys; every `odd`-th has something in it that the layout does not know. */
static void put_lines(struct qn_buf *out, uint32_t n, uint32_t odd, const char *line)
{
    for (uint32_t i = 0; i < n; i++)
        if (odd && i % odd == odd - 1)
            qn_buf_printf(out, "%s\n", line);
        else
            qn_buf_printf(out, "{\"id\":%u,\"name\":\"n%u\",\"x\":{\"y\":%u.5},\"z\":%s}\n", i,
                          i % 7, i, i % 3 ? "true" : "null");
}

static void read_all(const struct qn_buf *text, struct reading *out)
{
    const struct qn_source_ops *ops = qn_source_find("jsonl");
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_source_info info;
    char *path = make_file(".jsonl", qn_buf_strv(text));
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    qn_arena_init(&arena);
    reading_init(out);
    assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
    assert_ok(read_source(ops, options, &info, 1 << 30, true, out, &err), &err);
    drop_file(path);
    qn_arena_fini(&arena);
}

static void test_instructions(void **state)
{
    (void)state;
    static const char *const odd[] = {"{\"id\":1}",
                                      "{\"name\":\"b\",\"id\":2}",
                                      "{\"id\":01,\"name\":\"n1\",\"x\":{\"y\":0.5},\"z\":true}",
                                      "{\"id\":1,\"name\":\"n\" \"\",\"x\":{\"y\":0.5},\"z\":true}",
                                      "{\"id\":1,\"name\":\"a\\\"b\",\"x\":{\"y\":0.5},\"z\":true}",
                                      "{\"id\":1,\"name\":\"a\\qb\",\"x\":{\"y\":0.5},\"z\":true}",
                                      "{\"id\":1,\"name\":\"a\tb\",\"x\":{\"y\":0.5},\"z\":true}",
                                      "{\"id\":1,\"name\":\"\xFF\",\"x\":{\"y\":0.5},\"z\":true}",
                                      "{\"id\":1,\"nam\":\"ab\",\"x\":{\"y\":0.5},\"z\":true}",
                                      "{\"id\":1,\"name\":[1,2],\"x\":{\"y\":0.5},\"z\":true}",
                                      "{\"id\":1,\"name\":\"a\",\"x\":{\"y\":0.5},\"z\":true}}",
                                      ""};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct qn_buf text;
        struct reading scalar;
        qn_buf_init(&text);
        put_lines(&text, 900, 1 + 97 * (uint32_t)(i % 3), odd[i]);
        put_lines(&text, 900, 200, odd[i]);
        (void)qn_simd_limit(QN_SIMD_SCALAR);
        read_all(&text, &scalar);
        assert_true(scalar.n_records > 900);
        for (int level = QN_SIMD_SSE2; level <= (int)qn_simd_available(); level++) {
            struct reading other;
            (void)qn_simd_limit((enum qn_simd)level);
            read_all(&text, &other);
            assert_same_reading(&scalar, &other, odd[i], 1 << 30);
            reading_fini(&other);
        }
        reading_fini(&scalar);
        qn_buf_fini(&text);
    }
}

/* Every line one by one: a layout is learnt only from a record before. */
static void test_layout_changes_nothing(void **state)
{
    (void)state;
    struct qn_buf text, rows;
    struct reading whole;
    qn_buf_init(&text);
    qn_buf_init(&rows);
    put_lines(&text, 500, 9, "{\"z\":false,\"id\":7,\"id\":8}");
    read_all(&text, &whole);
    assert_int_equal(whole.n_rows, 500);
    assert_int_equal(whole.n_rejects, 0);
    for (uint32_t i = 0, seen = 0; i < 500; i++) {
        char line[200];
        if (i % 9 == 8)
            snprintf(line, sizeof line, "> |8| NULL NULL |false|\n");
        else
            snprintf(line, sizeof line, "> |%u| |n%u| |%u.5| %s\n", i, i % 7, i,
                     i % 3 ? "|true|" : "NULL");
        const char *at = strstr(reading_text(&whole.rows) + seen, line);
        assert_non_null(at);
        seen = (uint32_t)(at - (const char *)whole.rows.data);
    }
    reading_fini(&whole);
    qn_buf_fini(&rows);
    qn_buf_fini(&text);
}

/* That the layout is used at all: places are found without the parser. */
static void test_layout_is_used(void **state)
{
    (void)state;
    struct qn_buf text;
    qn_buf_init(&text);
    put_lines(&text, 300, 0, NULL);
    for (unsigned i = 0; i < 64; i++)
        qn_buf_put_u8(&text, 0);
    struct qn_strv keys[] = {QN_STRV_LIT("id"), QN_STRV_LIT("name"), QN_STRV_LIT("x"),
                             QN_STRV_LIT("y"), QN_STRV_LIT("z")};
    struct qn_jsonl_column columns[] = {{.path = {1, &keys[0]}},
                                        {.path = {1, &keys[1]}},
                                        {.path = {2, &keys[2]}},
                                        {.path = {1, &keys[4]}}};
    struct qn_jsonl_dialect dialect = {.n_columns = 4, .columns = columns};
    struct qn_arena arena;
    struct qn_err err = {0};
    struct qn_jsonl_rows rows;
    qn_arena_init(&arena);
    assert_ok(qn_jsonl_rows_init(&rows, &dialect, NULL, 256, &arena, &err), &err);
    qn_jsonl_rows_over(&rows, (const char *)text.data, text.len - 64, SIZE_MAX, true);
    assert_int_equal(qn_jsonl_rows_next(&rows, 256), QN_JSONL_FULL);
    assert_int_equal(rows.n, 256);
    assert_int_equal(rows.layout.n, 4);
    assert_int_equal(rows.break_at, 255); /* of the index from the second record on */
    struct qn_jsonl_cell cell = qn_jsonl_rows_column(&rows, 1)[255];
    assert_int_equal(qn_jsonl_cell_kind(cell), QN_JSONL_STRING);
    assert_memory_equal(text.data + cell.at, "n3", cell.is & QN_JSONL_LENGTH);
    qn_jsonl_rows_fini(&rows);
    qn_arena_fini(&arena);
    qn_buf_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_instructions),
                                       cmocka_unit_test(test_layout_changes_nothing),
                                       cmocka_unit_test(test_layout_is_used)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
