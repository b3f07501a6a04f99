/* Files that trip CSV readers: each gives a table or an error that names the place; every record is
 * accounted for; and any chunk size gives the same. */
#include <ftw.h>

#include "tests/support/sources.h"

enum { MAX_BYTES = 400 << 10, SMALL_BYTES = 2048, MAX_CHUNKS = 1024 };

static const struct qn_source_ops *ops;
static unsigned n_files, n_tables, n_refused;

static void read_at_sizes(const char *path, const struct qn_source_options *options,
                          const struct qn_source_info *info, uint64_t bytes)
{
    static const uint64_t sizes[] = {1, 2, 3, 7, 16, 64, 1000, 4096, 65536};
    struct qn_err err = {0};
    bool locate = bytes <= SMALL_BYTES;
    struct reading whole;
    reading_init(&whole);
    assert_ok(read_source(ops, *options, info, 1 << 30, locate, &whole, &err), &err);
    assert_int_equal(whole.n_records, whole.n_rows + whole.n_rejects + whole.n_skipped);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (bytes / sizes[i] > MAX_CHUNKS)
            continue; /* a chunk a byte of a large file tells no more and takes long */
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
    printf("  %llu rows, %llu refused, %u columns\n", (unsigned long long)whole.n_rows,
           (unsigned long long)whole.n_rejects, info->schema.n_fields);
    reading_fini(&skipped);
    reading_fini(&whole);
}

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    const char *dot = strrchr(path, '.');
    (void)ftw;
    if (kind != FTW_F || !dot || strcmp(dot, ".csv") != 0 || st->st_size > MAX_BYTES)
        return 0;
    n_files++;
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    for (int header = -1; header <= 1; header++) {
        struct qn_source_options options = options_for(&path, 1);
        options.header = header;
        struct qn_source_info info;
        qn_code code = ops->inspect(&options, &arena, &info, &err);
        if (code == QN_OK) {
            printf("%s (header %d)\n", path, header);
            n_tables++;
            read_at_sizes(path, &options, &info, (uint64_t)st->st_size);
        } else {
            char text[1024];
            qn_err_format(&err, text, sizeof text);
            printf("%s (header %d)\n  %s\n", path, header, text);
            assert_int_equal(err.blame, QN_BLAME_INPUT);
            assert_non_null(strstr(text, path));
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
    assert_int_equal(nftw(folder, visit, 16, FTW_PHYS), 0);
    printf("%u files: %u readings, %u refused by name\n", n_files, n_tables, n_refused);
    assert_true(n_files >= 100 && n_tables >= 280);
}

int main(void)
{
    ops = qn_source_find("csv");
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_awkward_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
