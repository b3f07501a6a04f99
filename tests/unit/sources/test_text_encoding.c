#include "sources/text_encoding.h"

#include "tests/support/sources.h"

static const struct qn_source_ops *ops;

static void expect_turned(enum qn_text_encoding encoding, struct qn_strv from, bool final,
                          const char *expected, size_t expected_used)
{
    char out[256];
    size_t used = 0, len = qn_text_encoding_turn(encoding, from, final, out, &used);
    assert_true(len <= qn_text_encoding_room(encoding, from.len));
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
    assert_int_equal(used, expected_used);
}

static void test_to_utf8(void **state)
{
    (void)state;
    expect_turned(QN_TEXT_LATIN1, QN_STRV_LIT("plain text and \xE9\x80"), true,
                  "plain text and é\xC2\x80", 17);
    expect_turned(QN_TEXT_WINDOWS_1252, QN_STRV_LIT("\x80 \x93q\x94 \x81\xFF"), true,
                  "€ “q” \xC2\x81ÿ", 8);
    expect_turned(QN_TEXT_UTF16_LE, QN_STRV_LIT("a\0\xE9\0\xAC\x20\x3D\xD8\x00\xDE"), true, "aé€😀",
                  10);
    expect_turned(QN_TEXT_UTF16_BE, QN_STRV_LIT("\0a\0\xE9\x20\xAC\xD8\x3D\xDE\x00"), true, "aé€😀",
                  10);
    /* Cut within a pair and within a unit: left out, or wrong at the file's end. */
    expect_turned(QN_TEXT_UTF16_LE, QN_STRV_LIT("a\0\x3D\xD8"), false, "a", 2);
    expect_turned(QN_TEXT_UTF16_LE, QN_STRV_LIT("a\0\x3D\xD8"), true, "a\xED\xA0\xBD", 4);
    expect_turned(QN_TEXT_UTF16_LE, QN_STRV_LIT("a\0b"), false, "a", 2);
    expect_turned(QN_TEXT_UTF16_LE, QN_STRV_LIT("a\0b"), true, "a\xC0", 3);
    expect_turned(QN_TEXT_UTF16_LE, QN_STRV_LIT("\x00\xDE,\0"), true, "\xED\xB8\x80,", 4);
}

static void test_places(void **state)
{
    (void)state;
    const char *text = "aé€😀b";
    static const struct {
        size_t position;
        uint64_t bytes, units;
    } places[] = {{0, 0, 0}, {1, 1, 2}, {3, 2, 4}, {6, 3, 6}, {10, 4, 10}, {11, 5, 12}};
    for (size_t i = 0; i < 6; i++) {
        size_t at = places[i].position;
        assert_int_equal(qn_text_encoding_span(QN_TEXT_UTF16_BE, text, at), places[i].units);
        assert_int_equal(qn_text_encoding_span(QN_TEXT_LATIN1, text, at), places[i].bytes);
        assert_int_equal(qn_text_encoding_reach(QN_TEXT_UTF16_BE, text, 11, places[i].units), at);
        assert_int_equal(qn_text_encoding_reach(QN_TEXT_LATIN1, text, 11, places[i].bytes), at);
    }
    /* Within a character means behind it. */
    assert_int_equal(qn_text_encoding_reach(QN_TEXT_UTF16_LE, text, 11, 3), 3);
    assert_int_equal(qn_text_encoding_reach(QN_TEXT_UTF16_LE, text, 11, 8), 10);
}

static void test_sniffing(void **state)
{
    (void)state;
    assert_int_equal(qn_text_encoding_sniff("a,b\n1,2\n", 8), QN_TEXT_UTF8);
    assert_int_equal(qn_text_encoding_sniff("\xFF\xFE", 2), QN_TEXT_UTF16_LE);
    assert_int_equal(qn_text_encoding_sniff("\xFE\xFF\0a", 4), QN_TEXT_UTF16_BE);
    assert_int_equal(qn_text_encoding_sniff("a\0,\0\x31\x04\n\0", 8), QN_TEXT_UTF16_LE);
    assert_int_equal(qn_text_encoding_sniff("\0a\0,\x04\x31\0\n", 8), QN_TEXT_UTF16_BE);
    assert_int_equal(qn_text_encoding_sniff("a,\0b\nc,d\n", 9), QN_TEXT_UTF8); /* one stray NUL */
    enum qn_text_encoding found;
    bool either;
    assert_true(qn_text_encoding_find(QN_STRV_LIT("CP1252"), &found, &either));
    assert_int_equal(found, QN_TEXT_WINDOWS_1252);
    assert_true(qn_text_encoding_find(QN_STRV_LIT("UTF-16"), &found, &either) && either);
    assert_false(qn_text_encoding_find(QN_STRV_LIT("utf-32"), &found, &either));
}

/* A file read at any chunk size: offsets are the file's, lines and raw texts are right. */
static void expect_reading(struct qn_strv bytes, const char *encoding, const char *rows,
                           const char *rejects)
{
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    char *path = make_file(".csv", bytes);
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    options.encoding = encoding;
    struct qn_source_info info;
    assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
    static const uint64_t sizes[] = {1, 2, 3, 5, 16, 1 << 20};
    for (unsigned i = 0; i < 6; i++) {
        struct reading reading;
        reading_init(&reading);
        assert_ok(read_source(ops, options, &info, sizes[i], true, &reading, &err), &err);
        assert_string_equal(reading_text(&reading.rows), rows);
        assert_string_equal(reading_text(&reading.rejects), rejects);
        reading_fini(&reading);
    }
    drop_file(path);
    qn_arena_fini(&arena);
}

static void test_files(void **state)
{
    (void)state;
    static const char rows[] = "0:10 line 2 <1,é> |1| |é|\n0:18 line 3 <2,\"x\n€\"> |2| |x\n€|\n"
                               "0:40 line 6 <3,😀> |3| |😀|\n";
    static const char rejects[] = "0:34 line 5 () columns: expected 2 fields, got 1 <q>\n";
    expect_reading(QN_STRV_LIT("\xFF\xFEn\0,\0t\0\n\0"
                               "1\0,\0\xE9\0\n\0"
                               "2\0,\0\"\0x\0\n\0\xAC\x20\"\0\n\0"
                               "q\0\r\0\n\0"
                               "3\0,\0\x3D\xD8\x00\xDE"),
                   NULL, rows, rejects);
    expect_reading(QN_STRV_LIT("\xFE\xFF\0n\0,\0t\0\n\0"
                               "1\0,\0\xE9\0\n\0"
                               "2\0,\0\"\0x\0\n\x20\xAC\0\"\0\n"
                               "\0q\0\r\0\n\0"
                               "3\0,\xD8\x3D\xDE\x00"),
                   "utf-16", rows, rejects);
    expect_reading(QN_STRV_LIT("n,t\n1,\x80\n2\n3,\xE4\n"), "windows-1252",
                   "0:4 line 2 <1,€> |1| |€|\n0:10 line 4 <3,ä> |3| |ä|\n",
                   "0:8 line 3 () columns: expected 2 fields, got 1 <2>\n");
    /* Half a character costs its record, and says what it is. */
    expect_reading(QN_STRV_LIT("\xFF\xFEn\0,\0t\0\n\0"
                               "1\0,\0\x3D\xD8\n\0"
                               "2\0,\0b\0\n\0"),
                   NULL, "0:18 line 3 <2,b> |2| |b|\n",
                   "0:10 line 2 () encoding: not valid UTF-16 (half of a character) "
                   "<1,\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD>\n");
}

/* All files of a source have one encoding. */
static void test_files_of_two_kinds(void **state)
{
    (void)state;
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    char *first = make_file(".csv", QN_STRV_LIT("n,t\n1,a\n"));
    char *second = make_file(".csv", QN_STRV_LIT("\xFF\xFEn\0,\0t\0\n\0"
                                                 "1\0,\0b\0\n\0"));
    const char *const paths[] = {first, second}, *const turned[] = {second, first};
    struct qn_source_options options = options_for(paths, 2);
    struct qn_source_info info;
    assert_int_equal(ops->inspect(&options, &arena, &info, &err), QN_ENOTSUP);
    assert_non_null(strstr(err.message, "expected CSV text in UTF-8, found UTF-16 text"));
    options.paths = turned;
    assert_int_not_equal(ops->inspect(&options, &arena, &info, &err), QN_OK);
    drop_file(first);
    drop_file(second);
    qn_arena_fini(&arena);
}

int main(void)
{
    ops = qn_source_find("csv");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_utf8), cmocka_unit_test(test_places),
        cmocka_unit_test(test_sniffing), cmocka_unit_test(test_files),
        cmocka_unit_test(test_files_of_two_kinds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
