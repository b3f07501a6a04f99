/* Files that trip CSV readers: each gives the table or the error that csv_expected.h says; every
 * record is accounted for; and any chunk size and kind of instructions gives the same. */
#include <ftw.h>

#include "base/simd.h"
#include "tests/conformance/csv_expected.h"
#include "tests/support/sources.h"

enum { MAX_BYTES = 400 << 10, SMALL_BYTES = 2048, MAX_CHUNKS = 1024 };

static const struct qn_source_ops *ops;
static unsigned n_files, n_tables, n_refused;
static size_t folder_bytes; /* of the suite's path, with its slash */

static const struct csv_expected *expectation(const char *path)
{
    for (size_t i = 0; i < sizeof csv_expected / sizeof csv_expected[0]; i++)
        if (strcmp(path + folder_bytes, csv_expected[i].file) == 0)
            return &csv_expected[i];
    fail_msg("%s is not in csv_expected.h", path);
    return NULL;
}

/* `expected` NULL: the readings are only compared. */
static void read_at_sizes(const char *path, const struct qn_source_options *options,
                          const struct qn_source_info *info, uint64_t bytes,
                          const struct csv_expected *expected)
{
    static const uint64_t sizes[] = {1, 2, 3, 7, 16, 64, 1000, 4096, 65536};
    struct qn_err err = {0};
    bool locate = bytes <= SMALL_BYTES;
    struct reading whole;
    reading_init(&whole);
    (void)qn_simd_limit(QN_SIMD_SCALAR);
    assert_ok(read_source(ops, *options, info, 1 << 30, locate, &whole, &err), &err);
    for (int level = 1; level < QN_SIMD_LEVELS; level++) {
        struct reading same;
        reading_init(&same);
        (void)qn_simd_limit((enum qn_simd)level);
        assert_ok(read_source(ops, *options, info, 1 << 30, locate, &same, &err), &err);
        assert_same_reading(&whole, &same, path, (uint64_t)level);
        reading_fini(&same);
    }
    assert_int_equal(whole.n_records, whole.n_rows + whole.n_rejects + whole.n_skipped);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (bytes / sizes[i] > MAX_CHUNKS)
            continue; /* a chunk a byte of a large file tells no more and takes long */
        (void)qn_simd_limit((enum qn_simd)(i % QN_SIMD_LEVELS));
        struct reading parts;
        reading_init(&parts);
        assert_ok(read_source(ops, *options, info, sizes[i], locate, &parts, &err), &err);
        assert_same_reading(&whole, &parts, path, sizes[i]);
        reading_fini(&parts);
    }
    struct qn_source_info skipping = *info;
    skipping.on_malformed = QN_MALFORMED_SKIP;
    struct reading skipped;
    reading_init(&skipped);
    assert_ok(read_source(ops, *options, &skipping, 4096, false, &skipped, &err), &err);
    assert_int_equal(skipped.n_skipped, whole.n_rejects);
    assert_int_equal(skipped.n_rows, whole.n_rows);
    if (expected &&
        (expected->message || whole.n_rows != expected->rows ||
         whole.n_rejects != expected->refused || info->schema.n_fields != expected->columns))
        fail_msg("%s: %llu rows, %llu refused, %u columns", path, (unsigned long long)whole.n_rows,
                 (unsigned long long)whole.n_rejects, info->schema.n_fields);
    reading_fini(&skipped);
    reading_fini(&whole);
}

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    const char *dot = strrchr(path, '.');
    (void)ftw;
    bool packed = dot && strcmp(dot, ".gz") == 0;
    if (kind != FTW_F || !dot || (strcmp(dot, ".csv") != 0 && !packed) || st->st_size > MAX_BYTES)
        return 0;
    n_files++;
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    for (int header = -1; header <= 1; header++) {
        struct qn_source_options options = options_for(&path, 1);
        options.header = header;
        const struct csv_expected *expected = header < 0 ? expectation(path) : NULL;
        struct qn_source_info info;
        qn_code code = ops->inspect(&options, &arena, &info, &err);
        if (code == QN_OK) {
            n_tables++;
            read_at_sizes(path, &options, &info, (uint64_t)st->st_size, expected);
        } else {
            char text[1024];
            qn_err_format(&err, text, sizeof text);
            assert_int_equal(err.blame, QN_BLAME_INPUT);
            if (strncmp(text, path, strlen(path)) != 0 ||
                (expected && (!expected->message || !strstr(text, expected->message))))
                fail_msg("%s: %s", path, text);
            n_refused++;
        }
        qn_arena_clear(&arena);
    }
    qn_arena_fini(&arena);
    return 0;
}

static void test_awkward_files(void **state)
{
    (void)state;
    char folder[600];
    const char *root = getenv("QUERN_DATA");
    snprintf(folder, sizeof folder, "%s/csv-duckdb", root ? root : "");
    if (!root || access(folder, R_OK) != 0) {
        fprintf(stderr, "SKIPPED: no %s (QUERN_DATA is the folder of test data)\n", folder);
        skip();
    }
    folder_bytes = strlen(folder) + 1;
    assert_int_equal(nftw(folder, visit, 16, FTW_PHYS), 0);
    printf("%u files: %u readings, %u refused by name\n", n_files, n_tables, n_refused);
    assert_int_equal(n_files, sizeof csv_expected / sizeof csv_expected[0]);
    assert_true(n_tables >= 280);
}

int main(void)
{
    ops = qn_source_find("csv");
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_awkward_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
