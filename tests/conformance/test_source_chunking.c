/* Every format of the registry: any chunking gives the same rows, origins, lines and rejects as one
 * chunk, and texts the same compressed. Files are generated from seeds; a new format adds its
 * generator to the table below. */
#include <sqlite3.h>

#include "base/hash.h"
#include "tests/support/compress.h"
#include "tests/support/parquet_file.h"
#include "tests/support/sources.h"

enum { SEEDS = 150, SIZES_PER_SEED = 4 };

struct dice {
    uint64_t state;
};

static uint32_t roll(struct dice *dice, uint32_t sides)
{
    dice->state += UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(qn_mix64(dice->state) >> 33) % sides;
}

/* --- csv ------------------------------------------------------------------------------------- */

static void csv_field(struct dice *dice, struct qn_buf *out, bool wild)
{
    static const char *const plain[] = {"a",    "12",         "-3.5", "x y", "",
                                        "true", "2024-02-29", "ü",    " "};
    static const char *const inside[] = {"\n", "\r\n", "\r", ",",    "\"\"",
                                         "q",  "1",    " ",  "\n\n", "é"};
    static const char *const broken[] = {"\"open", "a\"b", "\"x\"y", "\xFF", "5\"", "\"\"\"", "#"};
    uint32_t kind = roll(dice, wild ? 12 : 8);
    if (kind < 5) {
        const char *text = plain[roll(dice, 9)];
        qn_buf_put(out, text, strlen(text));
    } else if (kind < 11) {
        qn_buf_put_u8(out, '"');
        for (uint32_t i = roll(dice, 6); i > 0; i--) {
            const char *text = inside[roll(dice, 10)];
            qn_buf_put(out, text, strlen(text));
        }
        qn_buf_put_u8(out, '"');
    } else {
        const char *text = broken[roll(dice, 7)];
        qn_buf_put(out, text, strlen(text));
    }
}

static void csv_generate(struct dice *dice, struct qn_buf *out, struct qn_source_options *options)
{
    static const char *const ends[] = {"\n", "\r\n", "\r", "\n"};
    uint32_t columns = 1 + roll(dice, 4), records = roll(dice, 40), style = roll(dice, 6);
    bool wild = roll(dice, 2);
    options->header = (int)roll(dice, 2);
    options->delimiter = ',';
    options->quote = '"';
    options->comment = roll(dice, 4) == 0 ? '#' : '\0';
    options->skip_rows = roll(dice, 5) == 0;
    if (roll(dice, 4) == 0)
        qn_buf_put(out, "\xEF\xBB\xBF", 3);
    if (options->skip_rows)
        qn_buf_put(out, "a \"title\n", 9);
    for (uint32_t c = 0; options->header && c < columns; c++)
        qn_buf_printf(out, "%sname%u", c ? "," : "", c);
    if (options->header)
        qn_buf_put_u8(out, '\n');
    for (uint32_t r = 0; r < records; r++) {
        uint32_t fields = wild && roll(dice, 12) == 0 ? 1 + roll(dice, 5) : columns;
        for (uint32_t c = 0; c < fields; c++) {
            if (c)
                qn_buf_put_u8(out, ',');
            csv_field(dice, out, wild);
        }
        if (r + 1 == records && roll(dice, 2))
            break;
        const char *end = ends[style < 4 ? style : roll(dice, 4)];
        for (uint32_t i = roll(dice, 8) == 0 ? 3 : 1; i > 0; i--)
            qn_buf_put(out, end, strlen(end));
    }
    if (!options->header && out->len == 0)
        qn_buf_put(out, "x\n", 2);
}

/* --- jsonl ----------------------------------------------------------------------------------- */

static void jsonl_value(struct dice *dice, struct qn_buf *out, unsigned depth, bool wild)
{
    static const char *const plain[] = {
        "1",
        "-20",
        "3.5",
        "1e3",
        "true",
        "null",
        "\"\"",
        "\"a, b\"",
        "\"\xC3\xBC\"",
        "\"2024-02-29\"",
        "\"q\\\"}\\u00e9\"",
        "[]",
        "[1,{\"a\":2}]",
        "\"long enough for more than one block of sixty-four bytes, surely so\""};
    static const char *const broken[] = {"01",      "\"open", "\xFF", "tru",
                                         "\"\\x\"", "\"\t\"", "}",    "1 2"};
    if (wild && roll(dice, 30) == 0) {
        const char *text = broken[roll(dice, 8)];
        qn_buf_put(out, text, strlen(text));
    } else if (depth < 3 && roll(dice, 6) == 0) {
        uint32_t n = roll(dice, 3);
        qn_buf_put_u8(out, '{');
        for (uint32_t i = 0; i < n; i++) {
            qn_buf_printf(out, "%s\"k%u\":", i ? "," : "", i);
            jsonl_value(dice, out, depth + 1, wild);
        }
        qn_buf_put_u8(out, '}');
    } else {
        const char *text = plain[roll(dice, 14)];
        qn_buf_put(out, text, strlen(text));
    }
}

/* Records alike, with keys left out, in another order, or new. */
static void jsonl_record(struct dice *dice, struct qn_buf *out, uint32_t columns, bool wild)
{
    bool drift = roll(dice, 3) == 0, first = true;
    qn_buf_put_u8(out, '{');
    for (uint32_t c = 0; c < columns; c++) {
        if (drift && roll(dice, 6) == 0)
            continue;
        uint32_t name = drift && roll(dice, 8) == 0 ? roll(dice, columns + 1) : c;
        qn_buf_printf(out, "%s\"name%u\":%s", first ? "" : ", ", name, drift ? " " : "");
        if (wild)
            jsonl_value(dice, out, 0, true);
        else
            qn_buf_printf(out, c % 2 ? "\"t%u\"" : "%u", roll(dice, 1000));
        first = false;
    }
    qn_buf_put_u8(out, '}');
}

static void jsonl_generate(struct dice *dice, struct qn_buf *out, struct qn_source_options *options)
{
    static const char *const ends[] = {"\n", "\r\n", "\n\n", "\n \t\n"};
    uint32_t columns = 1 + roll(dice, 5), records = roll(dice, 60), style = roll(dice, 5);
    bool wild = roll(dice, 2), document = roll(dice, 6) == 0;
    options->columns_contract = (enum qn_contract)(roll(dice, 3) ? QN_CONTRACT_EVOLVE : 0);
    options->raw = roll(dice, 4) == 0 ? "raw" : NULL;
    options->records = roll(dice, 8) == 0 ? "name1" : NULL;
    if (roll(dice, 4) == 0)
        qn_buf_put(out, "\xEF\xBB\xBF", 3);
    if (document)
        qn_buf_put_u8(out, '[');
    for (uint32_t r = 0; r < records; r++) {
        jsonl_record(dice, out, columns, wild && !document);
        if (r + 1 == records && roll(dice, 2))
            break;
        const char *end =
            document ? (r + 1 < records ? ",\n" : "\n") : ends[style < 4 ? style : roll(dice, 4)];
        qn_buf_put(out, end, strlen(end));
    }
    if (document)
        qn_buf_put_u8(out, ']');
}

/* --- parquet --------------------------------------------------------------------------------- */

/* Levels and values of n rows: numbers, or texts of which some are no UTF-8. */
static void parquet_page(struct dice *dice, struct hand_file *file, uint32_t column, uint32_t n)
{
    static const char *const texts[] = {"", "a", "some text", "\xC3\xBC", "\xFF", "x\"y"};
    struct qn_buf body, levels, values;
    qn_buf_init(&body);
    qn_buf_init(&levels);
    qn_buf_init(&values);
    for (uint32_t i = 0; i < n; i++) {
        bool valid = file->columns[column].repetition == QN_PQ_REQUIRED || roll(dice, 4);
        put_varint(&levels, 2); /* a run of one */
        qn_buf_put_u8(&levels, valid);
        if (valid && file->columns[column].type == QN_PQ_INT64)
            qn_buf_put_i64(&values, roll(dice, 1000));
        else if (valid)
            qn_buf_put_str(&values, qn_strv_from(texts[roll(dice, 6)]));
    }
    if (file->columns[column].repetition != QN_PQ_REQUIRED)
        qn_buf_put_str(&body, qn_buf_strv(&levels));
    qn_buf_put(&body, values.data, values.len);
    hand_page(file, column, n, QN_PQ_PLAIN, qn_buf_strv(&body));
    qn_buf_fini(&body);
    qn_buf_fini(&levels);
    qn_buf_fini(&values);
}

static void parquet_generate(struct dice *dice, struct qn_buf *out,
                             struct qn_source_options *options)
{
    static const struct hand_column columns[] = {
        {"id", QN_PQ_INT64, QN_PQ_REQUIRED, QN_PQ_NONE},
        {"qty", QN_PQ_INT64, QN_PQ_OPTIONAL, QN_PQ_NONE},
        {"note", QN_PQ_BYTE_ARRAY, QN_PQ_OPTIONAL, QN_PQ_CONVERTED_UTF8}};
    struct hand_file file;
    (void)options;
    hand_begin(&file, out, columns, 3);
    for (uint32_t groups = roll(dice, 4); groups > 0; groups--) {
        uint32_t rows = roll(dice, 30);
        for (uint32_t c = 0; c < 3; c++)
            for (uint32_t left = rows, n; left > 0; left -= n) {
                n = 1 + roll(dice, left);
                parquet_page(dice, &file, c, n);
            }
        hand_group(&file, rows);
    }
    hand_end(&file);
}

/* --- sqlite ---------------------------------------------------------------------------------- */

/* Rowids with gaps, some below zero, some far apart; values of any storage class. */
static void sqlite_generate(struct dice *dice, struct qn_buf *out,
                            struct qn_source_options *options)
{
    static const char *const values[] = {
        "1",    "-7",           "2.5",  "'x'",     "''",
        "NULL", "'2024-02-30'", "'12'", "X'00FF'", "CAST(X'FF' AS TEXT)"};
    static const char *const tables[] = {"CREATE TABLE t (a INTEGER, b, c TEXT)",
                                         "CREATE TABLE t (k INTEGER PRIMARY KEY, a REAL, b DATE)",
                                         "CREATE TABLE t (a PRIMARY KEY, b INTEGER) WITHOUT ROWID"};
    uint32_t shape = roll(dice, 3), columns = shape == 2 ? 2 : 3;
    sqlite3 *db;
    char sql[400];
    unsigned char *image;
    sqlite3_int64 bytes = 0, key = (int64_t)roll(dice, 20) - 10;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, tables[shape], NULL, NULL, NULL), SQLITE_OK);
    for (uint32_t i = roll(dice, 60); i > 0; i--) {
        key += roll(dice, 10) ? 1 + roll(dice, 5) : INT64_C(6000000000);
        int n = shape == 0
                    ? snprintf(sql, sizeof sql, "INSERT INTO t (rowid, a, b, c) VALUES (%lld", key)
                    : snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%lld", key);
        for (uint32_t c = shape == 0 ? 0 : 1; c < columns; c++)
            n += snprintf(sql + n, sizeof sql - (size_t)n, ", %s", values[roll(dice, 10)]);
        snprintf(sql + n, sizeof sql - (size_t)n, ")");
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    }
    image = sqlite3_serialize(db, "main", &bytes, 0);
    qn_buf_put(out, image, (size_t)bytes);
    sqlite3_free(image);
    sqlite3_close(db);
    options->table = roll(dice, 2) ? "t" : NULL;
}

/* --- any format ------------------------------------------------------------------------------ */

static const struct generator {
    const char *format, *suffix;
    void (*generate)(struct dice *dice, struct qn_buf *out, struct qn_source_options *options);
    bool is_text;   /* and so may be compressed */
    uint32_t scale; /* sizes of chunks are times this */
} generators[] = {{"csv", ".csv", csv_generate, true, 1},
                  {"jsonl", ".jsonl", jsonl_generate, true, 1},
                  {"parquet", ".parquet", parquet_generate, false, 1},
                  {"sqlite", ".db", sqlite_generate, false, 300}};

static uint64_t chunks_read, chunks_misguessed, rows_read, rows_refused, chunks_compressed;

/* The same text compressed, in frames and chunks of any size. */
static void check_compressed(const struct qn_source_ops *ops, struct qn_source_options options,
                             struct dice *dice, struct qn_strv text, struct reading *whole,
                             uint64_t seed)
{
    enum packing how = (enum packing)(seed % PACKINGS);
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_source_info info;
    struct reading parts;
    struct qn_buf packed;
    uint64_t size = 1 + roll(dice, 60), frame = 1 + roll(dice, 60);
    qn_arena_init(&arena);
    reading_init(&parts);
    qn_buf_init(&packed);
    pack(&packed, how, text, frame);
    char *path = make_file(packing_suffixes[how], qn_buf_strv(&packed));
    const char *const paths[] = {path};
    options.paths = paths;
    assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
    assert_non_null(info.compression);
    assert_ok(read_source(ops, options, &info, size, true, &parts, &err), &err);
    char what[80];
    snprintf(what, sizeof what, "%s seed %llu, packing %d in frames of %llu", ops->format,
             (unsigned long long)seed, (int)how, (unsigned long long)frame);
    assert_same_reading(whole, &parts, what, size);
    chunks_compressed += parts.n_chunks;
    drop_file(path);
    qn_buf_fini(&packed);
    reading_fini(&parts);
    qn_arena_fini(&arena);
}

static void check_seed(const struct qn_source_ops *ops, const struct generator *generator,
                       uint64_t seed)
{
    struct dice dice = {seed};
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    struct qn_source_options options = options_for(NULL, 1);
    struct qn_buf text;
    qn_buf_init(&text);
    generator->generate(&dice, &text, &options);
    char *path = make_file(generator->suffix, qn_buf_strv(&text));
    const char *const paths[] = {path};
    options.paths = paths;
    struct qn_source_info info;
    /* A generated header or first record can be beyond reading: then it is an error at any size. */
    bool readable = ops->inspect(&options, &arena, &info, &err) == QN_OK;
    struct reading whole;
    reading_init(&whole);
    if (readable)
        assert_ok(read_source(ops, options, &info, 1 << 30, true, &whole, &err), &err);
    for (uint32_t i = 0; readable && i < SIZES_PER_SEED; i++) {
        uint64_t size = i == 0 ? 1 : 1 + roll(&dice, i == 1 ? 16 : 200);
        size *= generator->scale;
        struct reading parts;
        reading_init(&parts);
        assert_ok(read_source(ops, options, &info, size, true, &parts, &err), &err);
        char what[64];
        snprintf(what, sizeof what, "%s seed %llu", generator->format, (unsigned long long)seed);
        assert_same_reading(&whole, &parts, what, size);
        chunks_read += parts.n_chunks;
        chunks_misguessed += parts.n_misguessed;
        reading_fini(&parts);
    }
    if (readable && generator->is_text)
        check_compressed(ops, options, &dice, qn_buf_strv(&text), &whole, seed);
    rows_read += whole.n_rows;
    rows_refused += whole.n_rejects;
    reading_fini(&whole);
    drop_file(path);
    qn_buf_fini(&text);
    qn_arena_fini(&arena);
}

static void test_any_chunking(void **state)
{
    (void)state;
    for (const struct qn_source_ops *const *ops = qn_source_all(); *ops; ops++) {
        const struct generator *generator = NULL;
        for (size_t i = 0; i < sizeof generators / sizeof generators[0]; i++)
            if (strcmp(generators[i].format, (*ops)->format) == 0)
                generator = &generators[i];
        if (!generator)
            fail_msg("format %s has no generator in %s", (*ops)->format, __FILE__);
        chunks_read = chunks_misguessed = rows_read = rows_refused = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++)
            check_seed(*ops, generator, seed);
        printf("%s: %llu rows, %llu refused, %llu chunks of which %llu were guessed wrong, %llu "
               "compressed chunks\n",
               (*ops)->format, (unsigned long long)rows_read, (unsigned long long)rows_refused,
               (unsigned long long)chunks_read, (unsigned long long)chunks_misguessed,
               (unsigned long long)chunks_compressed);
        assert_true(rows_read > SEEDS && rows_refused > 0);
    }
}

/* Wrong starts and lying chunks are refused, not read. */
static void test_bad_chunks(void **state)
{
    (void)state;
    char *path = make_file(".csv", QN_STRV_LIT("a,b\n1,2\n3,4\n"));
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    struct qn_arena arena;
    qn_arena_init(&arena);
    struct qn_err err = {0};
    struct qn_source_info info;
    const struct qn_source_ops *ops = qn_source_find("csv");
    assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
    struct qn_chunk bad[] = {{.path = path, .begin = 8, .end = 4, .file_bytes = 12},
                             {.path = path, .begin = 4, .end = 13, .file_bytes = 12},
                             {.path = path, .begin = 4, .end = 12, .start = 2, .file_bytes = 12},
                             {.path = path, .begin = 4, .end = 12, .start = 99, .file_bytes = 12},
                             {.path = path, .begin = 0, .end = 24, .file_bytes = 24}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct qn_reader *reader;
        assert_int_not_equal(ops->open(&info, &bad[i], NULL, &reader, &err), QN_OK);
    }
    drop_file(path);
    qn_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_chunking),
                                       cmocka_unit_test(test_bad_chunks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
