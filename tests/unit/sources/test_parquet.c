/* What becomes of values: declared types, quarantine and its words, bytes without a meaning,
 * several files, long texts. Files are written by hand, so that nothing but the reader is told. */
#include "tests/support/parquet_file.h"
#include "tests/support/sources.h"

static const struct qn_source_ops *ops;

/* --- files ----------------------------------------------------------------------------------- */

struct maker {
    struct qn_buf out, body;
    struct hand_file file;
};

static void begin(struct maker *m, const struct hand_column *columns, uint32_t n)
{
    qn_buf_init(&m->out);
    qn_buf_init(&m->body);
    hand_begin(&m->file, &m->out, columns, n);
}

static void integers(struct maker *m, uint32_t column, const int64_t *values, uint32_t n)
{
    qn_buf_clear(&m->body);
    for (uint32_t i = 0; i < n; i++)
        qn_buf_put_i64(&m->body, values[i]);
    hand_page(&m->file, column, n, QN_PQ_PLAIN, qn_buf_strv(&m->body));
}

static void texts(struct maker *m, uint32_t column, const char *const *values, uint32_t n)
{
    qn_buf_clear(&m->body);
    for (uint32_t i = 0; i < n; i++)
        qn_buf_put_str(&m->body, qn_strv_from(values[i]));
    hand_page(&m->file, column, n, QN_PQ_PLAIN, qn_buf_strv(&m->body));
}

static char *finish(struct maker *m, int64_t rows)
{
    hand_group(&m->file, rows);
    hand_end(&m->file);
    char *path = make_file(".parquet", qn_buf_strv(&m->out));
    qn_buf_fini(&m->out);
    qn_buf_fini(&m->body);
    return path;
}

/* --- reading --------------------------------------------------------------------------------- */

struct outcome {
    struct reading reading;
    struct qn_arena arena;
    struct qn_source_info info;
    struct qn_err err;
    qn_code code;
};

static void read_files(struct outcome *o, struct qn_source_options options, bool locate)
{
    memset(&o->err, 0, sizeof o->err);
    qn_arena_init(&o->arena);
    reading_init(&o->reading);
    o->code = ops->inspect(&options, &o->arena, &o->info, &o->err);
    if (o->code == QN_OK)
        o->code = read_source(ops, options, &o->info, 1 << 30, locate, &o->reading, &o->err);
}

static void done(struct outcome *o)
{
    reading_fini(&o->reading);
    qn_arena_fini(&o->arena);
}

static void expect_rows(struct outcome *o, const char *rows, const char *rejects)
{
    assert_ok(o->code, &o->err);
    assert_string_equal(reading_text(&o->reading.rows), rows);
    if (strcmp(rejects, reading_text(&o->reading.rejects)) != 0) { /* the file's name is random */
        const char *got = reading_text(&o->reading.rejects);
        fail_msg("expected rejects\n%s, got\n%s", rejects, got);
    }
}

/* --- tests ----------------------------------------------------------------------------------- */

static const struct hand_column id_note[] = {
    {"id", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_NONE},
    {"note", QN_PQ_BYTE_ARRAY, QN_PQ_REQUIRED, QN_PQ_CONVERTED_UTF8}};
static const int64_t ids[] = {1, 2, 3};
static const char *const notes[] = {"12", "x", "-"};

static char *small_file(void)
{
    struct maker m;
    begin(&m, id_note, 2);
    integers(&m, 0, ids, 3);
    texts(&m, 1, notes, 3);
    return finish(&m, 3);
}

static void test_declared_types(void **state)
{
    (void)state;
    static const char *const nulls[] = {"-"};
    static const struct qn_column_decl columns[] = {
        {.name = "note", .type = {.id = QN_INT64}, .null_values = nulls, .n_null_values = 1},
        {.name = "id", .type = {QN_DECIMAL, 6, 2}}};
    char *path = small_file();
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    struct outcome o;
    options.columns = columns;
    options.n_columns = 2;
    read_files(&o, options, false);
    expect_rows(&o, "0:0 |1.00| |12|\n0:2 |3.00| NULL\n",
                "0:1 line 2 (note) type: expected integer, got 'x' <{\"id\":2,\"note\":\"x\"}>\n");
    done(&o);
    drop_file(path);
}

static void test_on_malformed(void **state)
{
    (void)state;
    static const struct qn_column_decl columns[] = {{.name = "note", .type = {.id = QN_INT64}}};
    char *path = small_file();
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    struct outcome o;
    options.columns = columns;
    options.n_columns = 1;
    options.on_malformed = QN_MALFORMED_FAIL;
    read_files(&o, options, false);
    assert_int_equal(o.code, QN_EINPUT);
    assert_string_equal(o.err.message, "expected integer, got 'x' (column note)");
    assert_string_equal(o.err.file, path);
    assert_int_equal(o.err.line, 2);
    done(&o);
    options.on_malformed = QN_MALFORMED_SKIP;
    read_files(&o, options, false);
    expect_rows(&o, "0:0 |1| |12|\n", "");
    assert_int_equal(o.reading.n_skipped, 2);
    done(&o);
    drop_file(path);
}

/* No two values look alike, and text stays as it is. */
static void test_bytes(void **state)
{
    (void)state;
    static const struct hand_column columns[] = {
        {"b", QN_PQ_BYTE_ARRAY, QN_PQ_REQUIRED, QN_PQ_NONE}};
    static const char *const values[] = {"plain", "a\\b", "\xFF\\", "\\x41", "\xC3\xBC\x80"};
    struct maker m;
    struct outcome o;
    begin(&m, columns, 1);
    texts(&m, 0, values, 5);
    char *path = finish(&m, 5);
    const char *const paths[] = {path};
    read_files(&o, options_for(paths, 1), false);
    expect_rows(&o,
                "0:0 |plain|\n0:1 |a\\b|\n0:2 |\\xFF\\x5C|\n0:3 |\\x5Cx41|\n"
                "0:4 |\xC3\xBC\\x80|\n",
                "");
    done(&o);
    drop_file(path);
}

static void test_unsigned(void **state)
{
    (void)state;
    static const struct hand_column columns[] = {
        {"u", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_CONVERTED_UINT_64}};
    static const int64_t values[] = {7, -1};
    static const struct qn_column_decl declared[] = {{.name = "u", .type = {.id = QN_INT64}}};
    struct maker m;
    struct outcome o;
    begin(&m, columns, 1);
    integers(&m, 0, values, 2);
    char *path = finish(&m, 2);
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    read_files(&o, options, false);
    expect_rows(&o, "0:0 |7|\n0:1 |18446744073709551615|\n", "");
    assert_int_equal(o.info.schema.fields[0].type.id, QN_TEXT);
    done(&o);
    options.columns = declared;
    options.n_columns = 1;
    read_files(&o, options, false);
    expect_rows(&o, "0:0 |7|\n",
                "0:1 line 2 (u) type: expected integer, got '18446744073709551615' "
                "<{\"u\":18446744073709551615}>\n");
    done(&o);
    drop_file(path);
}

/* INT96: a nanosecond more than a microsecond holds. */
static void test_nanoseconds(void **state)
{
    (void)state;
    static const struct hand_column columns[] = {{"t", QN_PQ_INT96, QN_PQ_REQUIRED, QN_PQ_NONE}};
    static const struct qn_column_decl text[] = {{.name = "t", .type = {.id = QN_TEXT}}};
    static const struct qn_column_decl integer[] = {{.name = "t", .type = {.id = QN_INT64}}};
    struct maker m;
    struct outcome o;
    begin(&m, columns, 1);
    for (uint32_t i = 0; i < 2; i++) {
        qn_buf_put_u64(&m.body, 1000 + i); /* of the day */
        qn_buf_put_u32(&m.body, 2440588 + 1);
    }
    hand_page(&m.file, 0, 2, QN_PQ_PLAIN, qn_buf_strv(&m.body));
    char *path = finish(&m, 2);
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    read_files(&o, options, false);
    expect_rows(&o, "0:0 |1970-01-02 00:00:00.000001|\n",
                "0:1 line 2 (t) type: expected timestamp, got '1970-01-02 00:00:00.000001001'; "
                "declare the column text, or integer for its nanoseconds since 1970, to keep them "
                "<{\"t\":\"1970-01-02 00:00:00.000001001\"}>\n");
    done(&o);
    options.n_columns = 1;
    options.columns = text;
    read_files(&o, options, false);
    expect_rows(&o, "0:0 |1970-01-02 00:00:00.000001000|\n0:1 |1970-01-02 00:00:00.000001001|\n",
                "");
    done(&o);
    options.columns = integer;
    read_files(&o, options, false);
    expect_rows(&o, "0:0 |86400000001000|\n0:1 |86400000001001|\n", "");
    done(&o);
    drop_file(path);
}

/* Columns go by name; one that is not there is NULL. */
static void test_several_files(void **state)
{
    (void)state;
    static const struct hand_column more[] = {{"extra", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_NONE},
                                              {"id", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_NONE}};
    static const struct hand_column other[] = {
        {"id", QN_PQ_BYTE_ARRAY, QN_PQ_REQUIRED, QN_PQ_CONVERTED_UTF8}};
    struct maker m;
    struct outcome o;
    char *first = small_file();
    begin(&m, more, 2);
    integers(&m, 0, ids, 1);
    integers(&m, 1, ids + 1, 1);
    char *second = finish(&m, 1);
    begin(&m, other, 1);
    texts(&m, 0, notes, 1);
    char *third = finish(&m, 1);
    const char *const paths[] = {first, second, third};
    read_files(&o, options_for(paths, 2), false);
    expect_rows(&o,
                "0:0 |1| |12| NULL\n0:1 |2| |x| NULL\n0:2 |3| |-| NULL\n"
                "1:0 |2| NULL |1|\n",
                "");
    done(&o);
    read_files(&o, options_for(paths, 3), false);
    assert_int_equal(o.code, QN_EINPUT);
    assert_string_equal(o.err.file, third);
    assert_non_null(strstr(o.err.message, "column 'id' is text here and integer in "));
    done(&o);
    drop_file(first);
    drop_file(second);
    drop_file(third);
}

/* 8 bytes a value at least, and what the pages take where that is more. */
static void test_plain_bytes(void **state)
{
    (void)state;
    enum { ROWS = 100 };
    static const int64_t numbers[ROWS] = {0};
    struct maker m;
    struct outcome o;
    const char *values[ROWS];
    for (int i = 0; i < ROWS; i++)
        values[i] = "";
    begin(&m, id_note, 2);
    integers(&m, 0, numbers, ROWS);
    texts(&m, 1, values, ROWS);
    char *path = finish(&m, ROWS);
    const char *const paths[] = {path, path};
    read_files(&o, options_for(paths, 1), false);
    assert_ok(o.code, &o.err);
    uint64_t once = o.info.plain_bytes;
    assert_in_range(once, 2 * 8 * ROWS + 1, 2 * 8 * ROWS + 100); /* one page header */
    done(&o);
    read_files(&o, options_for(paths, 2), false);
    assert_ok(o.code, &o.err);
    assert_int_equal(o.info.plain_bytes, 2 * once);
    done(&o);
    drop_file(path);
}

/* Long texts make short batches; the columns beside them wait. */
static void test_long_texts(void **state)
{
    (void)state;
    enum { LONG = 3 << 20, ROWS = 7 };
    static const int64_t numbers[ROWS] = {10, 20, 30, 40, 50, 60, 70};
    struct maker m;
    struct outcome o;
    char *text = malloc(LONG + 1);
    memset(text, 'a', LONG);
    text[LONG] = '\0';
    const char *const values[ROWS] = {text, "b", text, text, "", text, "c"};
    begin(&m, id_note, 2);
    integers(&m, 0, numbers, ROWS);
    texts(&m, 1, values, 3);
    texts(&m, 1, values + 3, 4);
    char *path = finish(&m, ROWS);
    const char *const paths[] = {path};
    read_files(&o, options_for(paths, 1), false);
    assert_ok(o.code, &o.err);
    assert_int_equal(o.reading.n_rows, ROWS);
    const char *at = reading_text(&o.reading.rows);
    for (uint32_t i = 0; i < ROWS; i++) {
        char expected[32];
        snprintf(expected, sizeof expected, "0:%u |%lld| |", i, (long long)numbers[i]);
        assert_memory_equal(at, expected, strlen(expected));
        at += strlen(expected);
        assert_memory_equal(at, values[i], strlen(values[i]));
        at += strlen(values[i]);
        assert_memory_equal(at, "|\n", 2);
        at += 2;
    }
    done(&o);
    drop_file(path);
    free(text);
}

/* An empty name is columnN, as in CSV; the second of two gets a number. */
static void test_odd_names(void **state)
{
    (void)state;
    static const struct hand_column odd[] = {{"", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_NONE},
                                             {"a", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_NONE},
                                             {"A", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_NONE},
                                             {"a", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_NONE},
                                             {"column0", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_NONE}};
    static const char *const names[] = {"column0", "a", "A", "a_1", "column0_1"};
    struct maker m;
    struct outcome o;
    begin(&m, odd, 5);
    for (uint32_t i = 0; i < 5; i++)
        integers(&m, i, ids + i % 3, 1);
    char *path = finish(&m, 1);
    const char *const paths[] = {path};
    read_files(&o, options_for(paths, 1), false);
    expect_rows(&o, "0:0 |1| |2| |3| |1| |2|\n", "");
    for (uint32_t i = 0; i < 5; i++)
        assert_string_equal(o.info.schema.fields[i].name, names[i]);
    done(&o);
    drop_file(path);
}

/* A file without values does not say what type a column has, whichever comes first. */
static void test_void_columns(void **state)
{
    (void)state;
    static const struct hand_column other[] = {
        {"id", QN_PQ_BYTE_ARRAY, QN_PQ_REQUIRED, QN_PQ_CONVERTED_UTF8},
        {"note", QN_PQ_BOOLEAN, QN_PQ_REQUIRED, QN_PQ_NONE}};
    struct maker m;
    struct outcome o;
    char *some = small_file();
    begin(&m, other, 2);
    texts(&m, 0, notes, 0);
    texts(&m, 1, notes, 0);
    char *none = finish(&m, 0);
    for (int last = 0; last < 2; last++) {
        const char *const paths[] = {last ? some : none, last ? none : some};
        read_files(&o, options_for(paths, 2), false);
        expect_rows(&o,
                    last ? "0:0 |1| |12|\n0:1 |2| |x|\n0:2 |3| |-|\n"
                         : "1:0 |1| |12|\n1:1 |2| |x|\n1:2 |3| |-|\n",
                    "");
        assert_int_equal(o.info.schema.fields[0].type.id, QN_INT64);
        assert_int_equal(o.info.schema.fields[1].type.id, QN_TEXT);
        done(&o);
    }
    drop_file(some);
    drop_file(none);
}

/* Two lengths, in DELTA_BINARY_PACKED. */
static void put_lengths(struct qn_buf *out, uint64_t first, uint64_t second)
{
    put_varint(out, 128);
    put_varint(out, 1);
    put_varint(out, 2);
    put_zigzag(out, (int64_t)first);
    put_zigzag(out, (int64_t)(second - first));
    qn_buf_put_u8(out, 0); /* bits of the differences above the least one */
}

/* A text that is too long costs its row, in the encoding that builds texts, too: the next one is
 * its first bytes and one more. */
static void test_long_prefixes(void **state)
{
    (void)state;
    enum { LONG = (16 << 20) + 1 };
    struct maker m;
    struct outcome o;
    begin(&m, id_note, 2);
    integers(&m, 0, ids, 2);
    qn_buf_clear(&m.body);
    put_lengths(&m.body, 0, 2);
    put_lengths(&m.body, LONG, 1);
    memset(qn_buf_reserve(&m.body, LONG), 'a', LONG);
    m.body.len += LONG;
    qn_buf_put_u8(&m.body, 'b');
    hand_page(&m.file, 1, 2, QN_PQ_DELTA_BYTE_ARRAY, qn_buf_strv(&m.body));
    char *path = finish(&m, 2);
    const char *const paths[] = {path};
    read_files(&o, options_for(paths, 1), false);
    assert_ok(o.code, &o.err);
    assert_string_equal(reading_text(&o.reading.rows), "0:1 |2| |aab|\n");
    assert_non_null(strstr(reading_text(&o.reading.rejects), "field longer than 16777216 bytes"));
    done(&o);
    drop_file(path);
}

int main(void)
{
    ops = qn_source_find("parquet");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_declared_types), cmocka_unit_test(test_on_malformed),
        cmocka_unit_test(test_bytes),          cmocka_unit_test(test_unsigned),
        cmocka_unit_test(test_nanoseconds),    cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_plain_bytes),    cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_odd_names),      cmocka_unit_test(test_void_columns),
        cmocka_unit_test(test_long_prefixes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
