#include <stdlib.h>

#include "sources/text_time.h"
#include "tests/support/sources.h"

static const struct qn_source_ops *ops;

static struct qn_strv lit(const char *text)
{
    return qn_strv_from(text);
}

/* --- numbers --------------------------------------------------------------------------------- */

static uint64_t dice = 42;

static uint32_t roll(uint32_t sides)
{
    dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(dice >> 33) % sides;
}

/* A text with what a file may have around it. */
static struct qn_strv spell(char room[80], const char *letters, uint32_t common, uint32_t longest)
{
    for (unsigned i = 0; i < 80; i++)
        room[i] = "0123456789.,-\n"[roll(14)];
    size_t len = roll(longest + 1), n_letters = strlen(letters);
    for (size_t k = 0; k < len; k++)
        room[16 + k] = letters[roll(k % 4 == 3 ? (uint32_t)n_letters : common)];
    return (struct qn_strv){room + 16, len};
}

static void compare(const char *what, struct qn_strv s, bool fast, int64_t a, bool slow, int64_t b)
{
    if (fast && (!slow || a != b))
        fail_msg("%s '%.*s': %lld, expected %s %lld", what, QN_STRV_ARG(s), (long long)a,
                 slow ? "" : "none, not", (long long)b);
}

/* What the fast parsers take means what flow/value.h says; and they take what is usual. */
static void test_fast_numbers_mean_the_same(void **state)
{
    (void)state;
    unsigned taken[3] = {0};
    for (unsigned i = 0; i < 300000; i++) {
        char room[80];
        struct qn_strv s = spell(room, "0123456789.-+e ", i % 3 ? 10 : 11, 22);
        struct qn_type type = {.id = QN_DECIMAL, .precision = (uint8_t)(1 + roll(18))};
        type.scale = (uint8_t)roll(type.precision + 1U);
        int64_t a = 0, b = 0;
        double number = 0;
        if (s.len == 0)
            continue;
        bool fast = qn_text_parse_integer(s, &a), slow = qn_strv_to_i64(s, &b);
        compare("integer", s, fast, a, slow, b);
        taken[0] += fast;
        fast = qn_text_parse_decimal(type, s, &a);
        slow = qn_parse_decimal(s, type.precision, type.scale, &b);
        compare("decimal", s, fast, a, slow, b);
        taken[1] += fast;
        fast = qn_text_parse_double(s, &a);
        slow = qn_parse_double(s, &number);
        memcpy(&b, &number, sizeof b);
        compare("double", s, fast, a, slow, b);
        taken[2] += fast;
    }
    for (unsigned i = 0; i < 3; i++)
        assert_true(taken[i] > 10000);
}

static void test_fast_times_mean_the_same(void **state)
{
    (void)state;
    struct qn_text_day day = {0};
    unsigned taken = 0;
    char before[16] = {0};
    for (unsigned i = 0; i < 300000; i++) {
        char room[80];
        struct qn_strv s = spell(room, "0123456789-: T.Z", 10, 0);
        s.len = (size_t)sprintf(room + 16, "%04u-%02u-%02u%c%02u:%02u:%02u%c%0*u", roll(3) * 1000,
                                roll(14), roll(33), roll(9) ? ' ' : 'T', roll(26), roll(62),
                                roll(62), roll(9) ? '.' : 'Z', (int)(1 + roll(7)), roll(100));
        s.len = roll(3) ? 19 : roll(2) ? 10 : s.len;
        if (roll(2)) /* the same minute again: tables are often sorted by time */
            memcpy(room + 16, before, sizeof before);
        memcpy(before, room + 16, sizeof before);
        if (roll(8) == 0)
            room[16 + roll((uint32_t)s.len)] = "0123456789-: T.Z"[roll(16)];
        int64_t a = 0, b = 0;
        bool fast = qn_text_parse_date(s, &day, &a), slow = qn_parse_date(s, &b);
        compare("date", s, fast, a, slow, b);
        fast = qn_text_parse_timestamp(s, &day, &a);
        slow = qn_parse_timestamp(s, &b);
        compare("timestamp", s, fast, a, slow, b);
        taken += fast;
    }
    assert_true(taken > 10000);
}

/* --- whole readings -------------------------------------------------------------------------- */

static void expect_reading(const char *text, struct qn_source_options options, const char *rows,
                           const char *rejects)
{
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    char *path = make_file(".csv", lit(text));
    const char *const paths[] = {path};
    options.paths = paths;
    options.n_paths = 1;
    struct qn_source_info info;
    assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
    static const uint64_t sizes[] = {1, 5, 1 << 20};
    for (unsigned i = 0; i < 3; i++) {
        struct reading reading;
        reading_init(&reading);
        assert_ok(read_source(ops, options, &info, sizes[i], false, &reading, &err), &err);
        assert_string_equal(reading_text(&reading.rows), rows);
        assert_string_equal(reading_text(&reading.rejects), rejects);
        reading_fini(&reading);
    }
    drop_file(path);
    qn_arena_fini(&arena);
}

#define INTEGER                                                                                    \
    {                                                                                              \
        .id = QN_INT64                                                                             \
    }
#define TEXT                                                                                       \
    {                                                                                              \
        .id = QN_TEXT                                                                              \
    }

static void test_default_nulls(void **state)
{
    (void)state;
    static const struct qn_column_decl columns[] = {{.name = "n", .type = INTEGER},
                                                    {.name = "t", .type = TEXT}};
    struct qn_source_options options = options_for(NULL, 0);
    options.columns = columns;
    options.n_columns = 2;
    expect_reading("n,t\n,\n\"\",\"\"\n  , \n 7\t,x\n\" 8 \",NULL\n", options,
                   "0:4 NULL NULL\n0:6 NULL ||\n0:12 NULL | |\n0:17 |7| |x|\n0:23 |8| |NULL|\n",
                   "");
}

static void test_declared_nulls(void **state)
{
    (void)state;
    static const char *const own[] = {"NA", "-"}, *const shared[] = {"", "none"};
    static const struct qn_column_decl columns[] = {
        {.name = "n", .type = INTEGER, .null_values = own, .n_null_values = 2},
        {.name = "t", .type = TEXT}};
    struct qn_source_options options = options_for(NULL, 0);
    options.columns = columns;
    options.n_columns = 2;
    options.null_values = shared;
    options.n_null_values = 2;
    expect_reading("n,t\nNA,none\n -,\n\"NA\",\"\"\n,\"none\"\n", options,
                   "0:4 NULL NULL\n0:12 NULL NULL\n0:16 NULL ||\n",
                   "0:24 line 5 (n) type: expected integer, got '' <,\"none\">\n");
}

static void test_types(void **state)
{
    (void)state;
    static const struct qn_column_decl columns[] = {
        {.name = "b", .type = {.id = QN_BOOL}},
        {.name = "d", .type = {.id = QN_DECIMAL, .precision = 6, .scale = 2}},
        {.name = "f", .type = {.id = QN_DOUBLE}},
        {.name = "day", .type = {.id = QN_DATE}},
        {.name = "at", .type = {.id = QN_TIMESTAMP}}};
    struct qn_source_options options = options_for(NULL, 0);
    options.columns = columns;
    options.n_columns = 5;
    expect_reading("b,d,f,day,at\n"
                   "yes,-1.5,1e3,2024-02-29,2024-02-29T01:02:03\n"
                   "0,1234.56,-0.1,1970-01-01,1970-01-01\n"
                   "maybe,x,,,\n"
                   ",1.555,,,\n"
                   ",,,2023-02-29,\n",
                   options,
                   "0:13 |true| |-1.50| |1000| |2024-02-29| |2024-02-29 01:02:03|\n"
                   "0:57 |false| |1234.56| |-0.1| |1970-01-01| |1970-01-01 00:00:00|\n",
                   "0:94 line 4 (b) type: expected boolean, got 'maybe' <maybe,x,,,>\n"
                   "0:105 line 5 (d) type: expected decimal(6,2), got '1.555' <,1.555,,,>\n"
                   "0:115 line 6 (day) type: expected date, got '2023-02-29' <,,,2023-02-29,>\n");
}

/* Refused rows of both kinds stay in file order, and their NULLs are not inherited. */
static void test_refused_between(void **state)
{
    (void)state;
    static const struct qn_column_decl columns[] = {{.name = "a", .type = INTEGER},
                                                    {.name = "b", .type = INTEGER},
                                                    {.name = "t", .type = TEXT}};
    struct qn_source_options options = options_for(NULL, 0);
    options.columns = columns;
    options.n_columns = 3;
    expect_reading("a,b,t\n1,2,u\n,x,v\n3\n4,,w\n\"5\"!,5,y\n6,z,\n7,8,\"q\"\"q\"\n", options,
                   "0:6 |1| |2| |u|\n0:19 |4| NULL |w|\n0:38 |7| |8| |q\"q|\n",
                   "0:12 line 3 (b) type: expected integer, got 'x' <,x,v>\n"
                   "0:17 line 4 () columns: expected 3 fields, got 1 <3>\n"
                   "0:24 line 6 () quote: text after a closing quote <\"5\"!,5,y>\n"
                   "0:33 line 7 (b) type: expected integer, got 'z' <6,z,>\n");
}

static void test_latin1(void **state)
{
    (void)state;
    static const char *const nulls[] = {"k\xC3\xA9", "€"};
    struct qn_source_options options = options_for(NULL, 0);
    options.encoding = "latin-1";
    options.null_values = nulls;
    options.n_null_values = 2;
    expect_reading("n\xE9,t\n1,k\xE9\n2,\"\xFC\"\"\xDF\"\nx\xE4,3,4\n", options,
                   "0:5 |1| NULL\n0:10 |2| |ü\"ß|\n",
                   "0:19 line 4 () columns: expected 2 fields, got 3 <xä,3,4>\n");
}

static void test_projection(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    char *path = make_file(".csv", lit("a,b,c\n1,x,2.5\n2,y,3.5\n3,z\n"));
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    struct qn_source_info info;
    assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
    static const bool wanted[][3] = {{false, true, false}, {true, false, true}, {0}};
    static const char *const rows[] = {"0:6 |x|\n0:14 |y|\n", "0:6 |1| |2.5|\n0:14 |2| |3.5|\n",
                                       "0:6\n0:14\n"};
    for (unsigned i = 0; i < 3; i++) {
        struct reading reading;
        reading_init(&reading);
        assert_ok(read_file(ops, &options, &info, 0, wanted[i], false, &reading, &err), &err);
        assert_string_equal(reading_text(&reading.rows), rows[i]);
        assert_int_equal(reading.n_rejects, 1); /* structure does not depend on what is wanted */
        reading_fini(&reading);
    }
    drop_file(path);
    qn_arena_fini(&arena);
}

/* Many batches, many windows, long texts: every value arrives where it belongs. */
static void test_many_rows(void **state)
{
    (void)state;
    enum { ROWS = 30000 };
    struct qn_err err = {0};
    struct qn_buf text;
    qn_buf_init(&text);
    for (uint32_t i = 0; i < ROWS; i++) {
        qn_buf_printf(&text, "%u,\"t%u", i, i);
        for (uint32_t k = i % 977 == 0 ? 20000 : i % 37; k > 0; k--)
            qn_buf_put(&text, "\n\"\"", i % 2 ? 1 : 3);
        qn_buf_printf(&text, "\",%u.25\n", i);
    }
    char *path = make_file(".csv", qn_buf_strv(&text));
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    options.header = 0;
    struct qn_arena arena;
    qn_arena_init(&arena);
    struct qn_source_info info;
    assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
    struct qn_chunk chunk = {
        .path = path, .end = text.len, .start = QN_START_UNKNOWN, .file_bytes = text.len};
    struct qn_reader *reader;
    assert_ok(ops->open(&info, &chunk, NULL, &reader, &err), &err);
    struct qn_rejects rejects;
    assert_ok(qn_rejects_init(&rejects, &err), &err);
    struct qn_batch batch;
    uint32_t at = 0;
    do {
        assert_ok(reader->ops->next(reader, &batch, &rejects, &err), &err);
        for (uint32_t i = 0; i < batch.n_rows; i++, at++) {
            assert_int_equal(batch.columns[0].i64[i], at);
            assert_int_equal(batch.columns[2].i64[i], at * 100 + 25);
            uint32_t lines = at % 977 == 0 ? 20000 : at % 37;
            struct qn_strv t = qn_text_at(&batch.columns[1], i);
            char start[16];
            size_t n = (size_t)snprintf(start, sizeof start, "t%u", at);
            assert_int_equal(t.len, n + lines * (at % 2 ? 1 : 2));
            assert_memory_equal(t.data, start, n);
        }
    } while (batch.n_rows);
    assert_int_equal(at, ROWS);
    assert_int_equal(qn_rejects_count(&rejects), 0);
    qn_rejects_fini(&rejects);
    reader->ops->close(reader);
    drop_file(path);
    qn_arena_fini(&arena);
    qn_buf_fini(&text);
}

int main(void)
{
    ops = qn_source_find("csv");
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fast_numbers_mean_the_same),
                                       cmocka_unit_test(test_fast_times_mean_the_same),
                                       cmocka_unit_test(test_default_nulls),
                                       cmocka_unit_test(test_declared_nulls),
                                       cmocka_unit_test(test_types),
                                       cmocka_unit_test(test_refused_between),
                                       cmocka_unit_test(test_latin1),
                                       cmocka_unit_test(test_projection),
                                       cmocka_unit_test(test_many_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
