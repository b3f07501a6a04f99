/* A reader that is told which rows are wanted leaves out none of them: the files of
 * apache/parquet-testing (QUERN_DATA) and files of our own, under random filters. */
#include <dirent.h>

#include <math.h>

#include "tests/support/only.h"
#include "tests/support/sources.h"
#include "tests/support/written.h"

enum { FILTERS = 25, ROWS = 3000, GROUP_ROWS = 128, MANY_ROWS = 22000 };

static bool check_path(const char *path, uint64_t chunk_bytes, uint64_t seed,
                       struct only_tally *tally)
{
    const struct qn_source_ops *ops = qn_source_find("parquet");
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    struct qn_source_info info;
    struct qn_arena arena;
    struct qn_err err = {0};
    bool same = true;
    qn_arena_init(&arena);
    options.chunk_bytes = chunk_bytes;
    if (ops->inspect(&options, &arena, &info, &err) == QN_OK)
        same = only_check(ops, &options, &info, FILTERS, seed, tally);
    qn_arena_fini(&arena);
    return same;
}

static void public_files(void **state)
{
    (void)state;
    char folder[1024], path[1400];
    const char *data = getenv("QUERN_DATA");
    struct only_tally tally = {0};
    uint64_t seed = 1;
    snprintf(folder, sizeof folder, "%s/parquet-testing/data", data ? data : "");
    DIR *dir = opendir(folder);
    if (!dir)
        skip();
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!strstr(entry->d_name, ".parquet"))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        assert_true(check_path(path, UINT64_C(1) << 30, seed++, &tally));
    }
    closedir(dir);
    printf("%llu filters, %llu of them conditions, %llu rows not read\n",
           (unsigned long long)tally.filters, (unsigned long long)tally.with_condition,
           (unsigned long long)tally.left_out);
    assert_true(tally.with_condition > 500 && tally.left_out > 1000);
}

/* --- files of our own ------------------------------------------------------------------------ */

static const struct qn_field fields[] = {
    {"id", {.id = QN_INT64}},
    {"near", {.id = QN_INT64}},
    {"price", {.id = QN_DECIMAL, .precision = 9, .scale = 2}},
    {"wide", {.id = QN_DECIMAL, .precision = 18, .scale = 6}},
    {"real", {.id = QN_DOUBLE}},
    {"name", {.id = QN_TEXT}},
    {"long", {.id = QN_TEXT}},
    {"day", {.id = QN_DATE}},
    {"moment", {.id = QN_TIMESTAMP}},
    {"flag", {.id = QN_BOOL}},
};
enum { N_FIELDS = sizeof fields / sizeof *fields };
static const struct qn_schema schema = {fields, N_FIELDS};

/* Values go up with the rows, more or less; NULLs come in stretches. */
static void add_row(struct qn_batch_builder *rows, uint32_t i, uint64_t seed)
{
    static const double extremes[] = {INFINITY, -INFINITY, -0.0, 0.0};
    uint64_t h = qn_mix64(i + seed * 77777);
    int64_t drift = (int64_t)i - ROWS / 2;
    char text[200];
    for (uint32_t c = 0; c < N_FIELDS; c++) {
        if (qn_mix64(i / 200 + c * 991 + seed) % 5 == 0 && qn_mix64(h + c) % 8)
            continue;
        switch (c) {
        case 0: qn_builder_i64(rows, c, drift); break;
        case 1: qn_builder_i64(rows, c, drift / 40 + (int64_t)(h % 9)); break;
        case 2: qn_builder_i64(rows, c, drift * 7 + (int64_t)(h % 300)); break;
        case 3: qn_builder_i64(rows, c, drift * 123456 + (int64_t)(h % 1000000)); break;
        case 4: qn_builder_f64(rows, c, h % 61 ? (double)drift / 3 : extremes[h / 61 % 4]); break;
        case 5:
            snprintf(text, sizeof text, "%c-%03u", (char)('a' + i / 200 % 26), (unsigned)(h % 50));
            qn_builder_text(rows, c, qn_strv_from(text));
            break;
        case 6:
            snprintf(text, sizeof text, "%080u\xc3\xa9%u", i / 100, (unsigned)(h % 3));
            qn_builder_text(rows, c, qn_strv_from(h % 17 ? text : ""));
            break;
        case 7: qn_builder_i64(rows, c, 19000 + drift / 10); break;
        case 8:
            qn_builder_i64(rows, c,
                           INT64_C(1700000000000000) + drift * 3600000000 + (int64_t)(h % 5));
            break;
        default: qn_builder_bool(rows, c, i / 500 % 2); break;
        }
    }
    assert_int_equal(qn_builder_row(rows, NULL), QN_OK);
}

static void write_rows(uint64_t seed, uint32_t n, const struct qn_writer_options *options,
                       struct qn_buf *file)
{
    struct qn_batch_builder *rows;
    struct qn_batch batch;
    assert_int_equal(qn_builder_new(&schema, &rows, NULL), QN_OK);
    for (uint32_t i = 0; i < n; i++)
        add_row(rows, i, seed);
    qn_builder_batch(rows, &batch);
    write_batch(qn_writer_find("parquet"), options, &batch, file);
    qn_builder_free(rows);
}

static void check_own(const struct qn_writer_options *options, uint32_t n, uint64_t n_seeds,
                      uint64_t chunk_bytes, struct only_tally *tally)
{
    for (uint64_t seed = 1; seed <= n_seeds; seed++) {
        struct qn_buf file;
        qn_buf_init(&file);
        write_rows(seed, n, options, &file);
        char *path = make_file(".parquet", qn_buf_strv(&file));
        assert_true(check_path(path, chunk_bytes, seed, tally));
        drop_file(path);
        qn_buf_fini(&file);
    }
    printf("%llu filters, %llu of them conditions, %llu rows not read\n",
           (unsigned long long)tally->filters, (unsigned long long)tally->with_condition,
           (unsigned long long)tally->left_out);
}

/* By statistics, in chunks that end within groups, and by bloom filters too. */
static void own_files(void **state)
{
    static const char *const names[] = {"near", "price", "wide", "real",
                                        "name", "long",  "day",  "moment"};
    struct qn_writer_options options = {.group_rows = GROUP_ROWS};
    struct only_tally plain = {0}, small = {0}, bloom = {0};
    (void)state;
    check_own(&options, ROWS, 4, UINT64_C(1) << 30, &plain);
    check_own(&options, ROWS, 4, 5000, &small);
    options.bloom = names;
    options.n_bloom = sizeof names / sizeof *names;
    check_own(&options, ROWS, 4, UINT64_C(1) << 30, &bloom);
    assert_true(plain.with_condition > 50 && plain.left_out > 30000);
    assert_true(bloom.left_out >= plain.left_out);
}

/* Of a group of several batches: columns that the filter does not read come after the others. */
static void large_groups(void **state)
{
    struct qn_writer_options options = {.group_rows = MANY_ROWS};
    struct only_tally whole = {0}, cut = {0};
    (void)state;
    check_own(&options, MANY_ROWS, 1, UINT64_C(1) << 30, &whole);
    check_own(&options, MANY_ROWS, 1, 100000, &cut);
    assert_true(whole.left_out > MANY_ROWS && cut.left_out > MANY_ROWS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(public_files), cmocka_unit_test(own_files),
                                       cmocka_unit_test(large_groups)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
