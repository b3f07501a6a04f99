#include "sources/csv_scan.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/test.h"

static struct qn_csv_dialect commas = {.delimiter = ',', .quote = '"', .n_fields = 2};

/* Text with the readable bytes a scanner needs behind it; the slack looks like content. */
static const char *slacked(const char *text, size_t len)
{
    static char bytes[4096];
    assert_true(len + QN_TEXT_SLACK <= sizeof bytes);
    memset(bytes, ',', sizeof bytes);
    memcpy(bytes, text, len);
    return bytes;
}

/* "[a][b] [c]!quote" : fields in brackets, faults by number, then where the scan stopped. */
static void scan(const struct qn_csv_dialect *dialect, const char *text, bool final, char *out)
{
    struct qn_csv_scanner scanner;
    struct qn_csv_record record;
    struct qn_csv_field fields[8];
    enum qn_csv_step step;
    size_t len = strlen(text);
    qn_csv_scanner_init(&scanner, dialect, slacked(text, len), len, final);
    out[0] = '\0';
    while ((step = qn_csv_scanner_next(&scanner, fields, 8, &record)) == QN_CSV_RECORD) {
        out += sprintf(out, "%u:", record.line);
        for (uint32_t i = 0; i < record.n_fields && i < 8 && !record.fault; i++)
            out +=
                sprintf(out, "[%.*s]%s", (int)(fields[i].flags & QN_CSV_LENGTH),
                        scanner.bytes + fields[i].at, fields[i].flags & QN_CSV_ESCAPED ? "e" : "");
        if (record.fault)
            out += sprintf(out, "!%d@%u<%.*s>", (int)record.fault, record.fault_at,
                           (int)(record.end - record.at), scanner.bytes + record.at);
        out += sprintf(out, " ");
    }
    sprintf(out, "%s %zu %u", step == QN_CSV_STOP ? "stop" : "more", scanner.pos, scanner.lines);
}

static void expect(const char *text, const char *expected)
{
    char got[4096];
    scan(&commas, text, true, got);
    assert_string_equal(got, expected);
}

static void test_fields(void **state)
{
    (void)state;
    expect("", "stop 0 0");
    expect("a,b\nc,d\n", "0:[a][b] 1:[c][d] stop 8 2");
    expect("a,b\r\nc,d", "0:[a][b] 1:[c][d] stop 8 1");
    expect("a,b\rc,d\r", "0:[a][b] 1:[c][d] stop 8 2");
    expect("a,\n,b\n", "0:[a][] 1:[][b] stop 6 2");
    expect("\n\r\n\ra,b\n\n", "3:[a][b] stop 9 5");
    expect("a,b,c,d,e,f,g,h,i,j\n", "0:[a][b][c][d][e][f][g][h] stop 20 1");
}

static void test_quotes(void **state)
{
    (void)state;
    expect("\"a\",\"\"\n", "0:[a][] stop 7 1");
    expect("\"a,\nb\",c\nd,e", "0:[a,\nb][c] 2:[d][e] stop 12 2");
    expect("\"a\r\nb\rc\nd\",e\n\"\",f", "0:[a\r\nb\rc\nd][e] 4:[][f] stop 17 4");
    expect("\"say \"\"hi\"\"\",b", "0:[say \"\"hi\"\"]e[b] stop 14 0");
    expect("\"\"\"\",x\n", "0:[\"\"]e[x] stop 7 1");
    expect("5\",37.8\"N\n", "0:[5\"][37.8\"N] stop 10 1"); /* inches and seconds */
}

static void test_faults(void **state)
{
    (void)state;
    char expected[200];
    sprintf(expected, "0:!%d@3<a,b\"c> 1:[d][e] stop 10 2", QN_CSV_STRAY_QUOTE);
    expect("a,b\"c\nd,e\n", expected);
    sprintf(expected, "0:!%d@3<\"a\"x,b> 1:[d][e] stop 11 2", QN_CSV_JUNK);
    expect("\"a\"x,b\nd,e\n", expected);
    sprintf(expected, "0:!%d@2<a,\"b\nc,d> stop 9 2", QN_CSV_UNTERMINATED);
    expect("a,\"b\nc,d\n", expected);
    sprintf(expected, "0:[ü][é] 1:!%d@8<a,\xC3> 2:[b][c] stop 14 3", QN_CSV_NOT_UTF8);
    expect("ü,é\na,\xC3\nb,c\n", expected);
}

static void test_nul(void **state)
{
    (void)state;
    struct qn_csv_scanner scanner;
    struct qn_csv_record record;
    qn_csv_scanner_init(&scanner, &commas, slacked("a,\0b\nc,d\n", 9), 9, true);
    assert_int_equal(qn_csv_scanner_next(&scanner, NULL, 0, &record), QN_CSV_RECORD);
    assert_int_equal(record.fault, QN_CSV_NUL);
    assert_int_equal(record.fault_at, 2);
    assert_int_equal(qn_csv_scanner_next(&scanner, NULL, 0, &record), QN_CSV_RECORD);
    assert_int_equal(record.fault, QN_CSV_GOOD);
}

/* What is cut off is taken whole or left for when there is more; never half. */
static void test_incomplete(void **state)
{
    (void)state;
    const char *text = "a,b\r\n\"c\r\n\"\"\",d\r\ne,\"f\"";
    char whole[4096], got[4096];
    scan(&commas, text, true, whole);
    for (size_t cut = 0; cut < strlen(text); cut++) {
        char part[64];
        memcpy(part, text, cut);
        part[cut] = '\0';
        scan(&commas, part, false, got);
        size_t same = 0;
        while (got[same] && got[same] == whole[same])
            same++;
        assert_true(strncmp(got + same, "more", 4) == 0 || strncmp(got + same, "stop", 4) == 0);
    }
}

static void test_dialects(void **state)
{
    (void)state;
    char got[4096];
    struct qn_csv_dialect d = {.delimiter = '|', .quote = '\'', .escape = '\\', .n_fields = 2};
    scan(&d, "'a\\'b'|\\c\n'\\\\'|'d\\n'\n", true, got);
    assert_string_equal(got, "0:[a\\'b]e[\\c] 1:[\\\\]e[d\\n] stop 21 2");
    d = (struct qn_csv_dialect){.delimiter = ',', .comment = '#', .n_fields = 2};
    scan(&d, "# \"x\na,\"b\n#", true, got); /* no quotes at all */
    assert_string_equal(got, "1:[a][\"b] stop 11 2");
    d = (struct qn_csv_dialect){.delimiter = ',', .quote = '"', .n_fields = 1};
    scan(&d, "a\n\n\"\"\n", true, got); /* one column: an empty line is a value */
    assert_string_equal(got, "0:[a] 1:[] 2:[] stop 6 3");
}

static void test_stop(void **state)
{
    (void)state;
    struct qn_csv_scanner scanner;
    struct qn_csv_record record;
    const char *text = "a,b\n\n\nc,d\n";
    for (size_t stop = 0; stop <= 10; stop++) {
        qn_csv_scanner_init(&scanner, &commas, slacked(text, 10), 10, true);
        scanner.stop = stop;
        unsigned n = 0;
        while (qn_csv_scanner_next(&scanner, NULL, 0, &record) == QN_CSV_RECORD)
            n++;
        assert_int_equal(n, (stop > 0) + (stop > 6));
        assert_int_equal(scanner.pos, stop == 0 ? 0 : stop <= 4 ? 4 : stop <= 6 ? stop : 10);
    }
}

/* Hits on both sides of block edges. */
static void test_long_lines(void **state)
{
    (void)state;
    for (size_t len = 55; len < 200; len++) {
        char text[512], expected[600];
        memset(text, 'x', len);
        sprintf(text + len, ",\"%0*d\"\ny,z\n", (int)len, 7);
        sprintf(expected, "0:[%.*s][%0*d] 1:[y][z] stop %zu 2", (int)len, text, (int)len, 7,
                strlen(text));
        expect(text, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),     cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_faults),     cmocka_unit_test(test_nul),
        cmocka_unit_test(test_incomplete), cmocka_unit_test(test_dialects),
        cmocka_unit_test(test_stop),       cmocka_unit_test(test_long_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
