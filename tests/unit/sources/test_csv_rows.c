/* The table of rows says what the scanner says record by record, whatever the instructions. */
#include "sources/csv_rows.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/simd.h"
#include "tests/support/test.h"

enum { LONGEST = 3000, ROUNDS = 4000 };

static uint64_t dice;

static uint32_t roll(uint32_t sides)
{
    dice += UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(qn_mix64(dice) >> 33) % sides;
}

/* One record as text: place, line, fields with their marks, fault. */
static size_t put(char *out, const char *bytes, const struct qn_csv_record *record,
                  const struct qn_csv_field *fields)
{
    char *at = out;
    at += sprintf(at, "%u-%u", record->at, record->end);
    for (uint32_t i = 0; i < record->n_fields && !record->fault; i++)
        at += sprintf(at, " %u+%u%s%s", fields[i].at, fields[i].flags & QN_CSV_LENGTH,
                      fields[i].flags & QN_CSV_QUOTED ? "q" : "",
                      fields[i].flags & QN_CSV_ESCAPED &&
                              memchr(bytes + fields[i].at, '"', fields[i].flags & QN_CSV_LENGTH)
                          ? "e"
                          : "");
    if (record->fault)
        at += sprintf(at, " line %u fault %d at %u, %u fields", record->line, (int)record->fault,
                      record->fault_at, record->n_fields);
    at += sprintf(at, "\n");
    return (size_t)(at - out);
}

static struct qn_buf by_record(const struct qn_csv_dialect *dialect, const char *bytes, size_t len,
                               size_t stop, bool final)
{
    struct qn_buf out;
    qn_buf_init(&out);
    struct qn_csv_scanner scanner;
    struct qn_csv_record record;
    struct qn_csv_field fields[8];
    enum qn_csv_step step;
    qn_csv_scanner_init(&scanner, dialect, bytes, len, final);
    scanner.stop = stop;
    while ((step = qn_csv_scanner_next(&scanner, fields, 8, &record)) == QN_CSV_RECORD) {
        if (!record.fault && record.n_fields != dialect->n_fields) {
            record.fault = QN_CSV_COLUMNS;
            record.fault_at = record.at;
        }
        char text[512];
        qn_buf_put(&out, text, put(text, bytes, &record, fields));
    }
    qn_buf_printf(&out, "step %d at %zu line %u", (int)step, scanner.pos, scanner.lines);
    return out;
}

static struct qn_buf by_rows(struct qn_csv_rows *rows, const struct qn_csv_dialect *dialect,
                             const char *bytes, size_t len, size_t stop, bool final)
{
    struct qn_buf out;
    qn_buf_init(&out);
    enum qn_csv_step step = QN_CSV_FULL;
    qn_csv_rows_over(rows, dialect, bytes, len, stop, final);
    while (step == QN_CSV_FULL) {
        step = qn_csv_rows_next(rows, 1 + roll(rows->capacity));
        uint32_t faulty = 0;
        for (uint32_t r = 0; r <= rows->n; r++) {
            char text[512];
            for (; faulty < rows->n_faulty && rows->before[faulty] == r; faulty++)
                qn_buf_put(&out, text, put(text, bytes, &rows->faulty[faulty], NULL));
            if (r == rows->n)
                break;
            struct qn_csv_field fields[8];
            for (uint32_t i = 0; i < dialect->n_fields; i++)
                fields[i] = qn_csv_rows_field(rows, r, i);
            struct qn_csv_record record = qn_csv_rows_record(rows, r);
            qn_buf_put(&out, text, put(text, bytes, &record, fields));
        }
    }
    qn_buf_printf(&out, "step %d at %zu line %u", (int)step, rows->scanner.pos,
                  rows->scanner.lines);
    return out;
}

/* Regular records with a little of everything among them. */
static size_t make_text(char *text, const struct qn_csv_dialect *d)
{
    static const char *const regular[] = {"a", "", "12.5", "some more words", "-7", "x y"};
    static const char *const odd[] = {"\"q\"",
                                      "\"a,b\"",
                                      "\"say \"\"hi\"\"\"",
                                      "\"line\nend\"",
                                      "\"\"",
                                      "\xC3\xBC",
                                      "5\"",
                                      "\xFF",
                                      "\"open",
                                      "\"x\"y",
                                      "a\"b",
                                      "#",
                                      "\"\r\"",
                                      "\"a\\\"b\"",
                                      "\"\"\"\"",
                                      "|"};
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n\n"};
    uint32_t oddity = roll(3) ? 1 + roll(40) : 0, style = roll(4);
    size_t len = 0, want = roll(roll(2) ? LONGEST - 200 : 300);
    while (len < want) {
        uint32_t n = oddity && roll(200) < oddity ? 1 + roll(5) : d->n_fields;
        for (uint32_t i = 0; i < n; i++) {
            const char *field = oddity && roll(100) < oddity ? odd[roll(16)] : regular[roll(6)];
            len += (size_t)sprintf(text + len, "%s%s", i ? "," : "", field);
        }
        if (oddity && roll(300) < oddity)
            text[len++] = '\0';
        const char *end = ends[style < 3 ? style : roll(4)];
        len += (size_t)sprintf(text + len, "%s", roll(30) || !oddity ? end : ends[roll(4)]);
    }
    return want && roll(2) ? len - roll(3) % (uint32_t)(len + 1) : len;
}

static void check_text(struct qn_csv_rows *rows, uint64_t seed)
{
    static char room[QN_TEXT_SLACK + LONGEST + 200 + QN_TEXT_SLACK];
    char *text = room + QN_TEXT_SLACK;
    dice = seed;
    memset(room, roll(2) ? '\n' : ',', sizeof room);
    struct qn_csv_dialect d = {.delimiter = ',', .quote = roll(8) ? '"' : '\0', .n_fields = 3};
    d.escape = d.quote && roll(4) == 0 ? '\\' : '\0';
    d.comment = roll(4) == 0 ? '#' : '\0';
    rows->n_fields = d.n_fields = 1 + roll(4);
    size_t len = make_text(text, &d), stop = roll(3) ? len : roll((uint32_t)len + 1);
    bool final = roll(2);
    text[len] = '\0'; /* as a window ends */
    struct qn_buf expected = by_record(&d, text, len, stop, final);
    for (int level = 0; level <= (int)qn_simd_available(); level++) {
        assert_int_equal(qn_simd_limit((enum qn_simd)level), level);
        struct qn_buf got = by_rows(rows, &d, text, len, stop, final);
        if (!qn_strv_eq(qn_buf_strv(&got), qn_buf_strv(&expected)))
            fail_msg("seed %llu, %s:\n%.*s\nexpected\n%.*s\ngot\n%.*s", (unsigned long long)seed,
                     qn_simd_name((enum qn_simd)level), (int)len, text,
                     QN_STRV_ARG(qn_buf_strv(&expected)), QN_STRV_ARG(qn_buf_strv(&got)));
        qn_buf_fini(&got);
    }
    qn_buf_fini(&expected);
}

static void test_rows_and_scanner_agree(void **state)
{
    (void)state;
    struct qn_err err;
    struct qn_arena arena;
    struct qn_csv_rows rows;
    qn_arena_init(&arena);
    assert_ok(qn_csv_rows_init(&rows, 4, 50, &arena, &err), &err);
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        check_text(&rows, seed);
    qn_arena_fini(&arena);
}

static void test_rows_and_faults(void **state)
{
    (void)state;
    struct qn_err err;
    struct qn_arena arena;
    struct qn_csv_rows rows;
    qn_arena_init(&arena);
    assert_ok(qn_csv_rows_init(&rows, 2, 3, &arena, &err), &err);
    const struct qn_csv_dialect commas = {.delimiter = ',', .quote = '"', .n_fields = 2};
    char bytes[QN_TEXT_SLACK + 21 + QN_TEXT_SLACK] = {0}, *text = bytes + QN_TEXT_SLACK;
    memcpy(text, "a,b\nc\nd,e\nf,g,h\ni,j\n", 20);
    qn_csv_rows_over(&rows, &commas, text, 20, 20, true);
    assert_int_equal(qn_csv_rows_next(&rows, 2), QN_CSV_FULL);
    assert_int_equal(rows.n, 2);
    assert_int_equal(rows.n_faulty, 1);
    assert_int_equal(rows.before[0], 1);
    assert_int_equal(rows.faulty[0].fault, QN_CSV_COLUMNS);
    assert_int_equal(rows.faulty[0].n_fields, 1);
    assert_int_equal(text[qn_csv_rows_field(&rows, 1, 0).at], 'd');
    assert_int_equal(qn_csv_rows_next(&rows, 3), QN_CSV_STOP);
    assert_int_equal(rows.n, 1);
    assert_int_equal(rows.faulty[0].n_fields, 3);
    assert_int_equal(rows.faulty[0].line, 3);
    qn_arena_fini(&arena);
}

/* More places than the index holds at a time. */
static void test_more_than_an_index(void **state)
{
    (void)state;
    enum { RECORDS = 40000 };
    struct qn_err err;
    struct qn_arena arena;
    struct qn_csv_rows rows;
    qn_arena_init(&arena);
    assert_ok(qn_csv_rows_init(&rows, 3, 1000, &arena, &err), &err);
    const struct qn_csv_dialect commas = {.delimiter = ',', .n_fields = 3};
    char *bytes = qn_arena_zalloc(&arena, 1, 2 * QN_TEXT_SLACK + 3 * RECORDS);
    for (uint32_t i = 0; i < RECORDS; i++)
        memcpy(bytes + QN_TEXT_SLACK + 3 * i, ",,\n", 3);
    for (int level = 0; level <= (int)qn_simd_available(); level++) {
        (void)qn_simd_limit((enum qn_simd)level);
        uint32_t n = 0;
        qn_csv_rows_over(&rows, &commas, bytes + QN_TEXT_SLACK, 3 * RECORDS, 3 * RECORDS, true);
        while (qn_csv_rows_next(&rows, 1000) == QN_CSV_FULL) {
            for (uint32_t r = 0; r < rows.n; r++)
                assert_int_equal(qn_csv_rows_field(&rows, r, 2).at, 3 * (n + r) + 2);
            n += rows.n;
        }
        assert_int_equal(n + rows.n, RECORDS);
    }
    qn_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows_and_scanner_agree),
                                       cmocka_unit_test(test_rows_and_faults),
                                       cmocka_unit_test(test_more_than_an_index)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
