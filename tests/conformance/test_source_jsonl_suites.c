/* Public suites: every file of JSONTestSuite is accepted or refused as its name says, and the files
 * of the JSON samples read as Python reads them (jsonl_expected.py) or are refused where they are
 * wrong, at every chunk size and with all kinds of instructions. */
#include <dirent.h>

#include "base/hash.h"
#include "base/simd.h"
#include "tests/conformance/jsonl_expected.h"
#include "tests/support/sources.h"

static const uint64_t chunk_sizes[] = {1, 7, 64, 1 << 20};

static const char *data_folder(const char *name)
{
    static char path[600];
    const char *root = getenv("QUERN_DATA");
    snprintf(path, sizeof path, "%s/%s", root ? root : "", name);
    if (!root || access(path, R_OK) != 0) {
        fprintf(stderr, "SKIPPED: no %s (QUERN_DATA is the folder of test data)\n", path);
        return NULL;
    }
    return path;
}

/* --- JSONTestSuite --------------------------------------------------------------------------- */

struct outcome {
    uint64_t rows, rejects;
    bool failed; /* with blame on the input, */
    bool empty;  /* as there is no record to tell columns from */
};

/* `declared`: as a column that records which are no objects have, so that inspecting is no end. */
static struct outcome read_as(const char *path, bool declared, uint64_t chunk_bytes)
{
    static const struct qn_column_decl value = {.name = "value", .type = {.id = QN_TEXT}};
    const struct qn_source_ops *ops = qn_source_find("jsonl");
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_source_info info;
    struct reading reading;
    struct qn_source_options options = options_for(&path, 1);
    options.columns = declared ? &value : NULL;
    options.n_columns = declared;
    qn_arena_init(&arena);
    reading_init(&reading);
    qn_code code = ops->inspect(&options, &arena, &info, &err);
    if (code == QN_OK)
        code = read_source(ops, options, &info, chunk_bytes, true, &reading, &err);
    if (code != QN_OK)
        assert_int_equal(err.blame, QN_BLAME_INPUT);
    bool empty = strstr(err.message, "no record and no columns are declared") != NULL;
    struct outcome out = {reading.n_rows, reading.n_rejects, code != QN_OK, empty};
    reading_fini(&reading);
    qn_arena_fini(&arena);
    return out;
}

static void check_case(const char *path, const char *name, unsigned counts[3])
{
    for (size_t i = 0; i < 2 * sizeof chunk_sizes / sizeof chunk_sizes[0]; i++) {
        struct outcome out = read_as(path, i % 2, chunk_sizes[i / 2]);
        if (name[0] == 'y' && ((out.failed && !out.empty) || out.rejects))
            fail_msg("%s is refused", name);
        if (name[0] == 'n' && (out.rows || (!out.failed && !out.rejects)) &&
            strcmp(name, "n_structure_no_data.json") != 0 &&
            strcmp(name, "n_single_space.json") != 0 &&
            strcmp(name, "n_structure_UTF8_BOM_no_data.json") != 0)
            fail_msg("%s is accepted: %llu rows", name, (unsigned long long)out.rows);
        if (i == 0)
            counts[2] += name[0] == 'i' && !out.failed && !out.rejects;
    }
    counts[name[0] == 'n'] += name[0] != 'i';
}

static void test_parsing_suite(void **state)
{
    (void)state;
    const char *folder = data_folder("json-test-suite/test_parsing");
    if (!folder)
        skip();
    unsigned counts[3] = {0};
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[900];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        check_case(path, entry->d_name, counts);
    }
    closedir(dir);
    printf("%u accepted, %u refused, %u of the others accepted\n", counts[0], counts[1], counts[2]);
    assert_int_equal(counts[0], 95);
    assert_int_equal(counts[1], 188);
}

/* --- samples --------------------------------------------------------------------------------- */

static void put_types(struct qn_buf *out, const struct qn_schema *schema)
{
    for (uint32_t i = 0; i < schema->n_fields; i++) {
        char type[QN_TYPE_NAME];
        qn_buf_printf(out, "%s%s:%s", i ? " " : "", schema->fields[i].name,
                      qn_type_name(schema->fields[i].type, type));
    }
    qn_buf_put_u8(out, '\n');
}

/* Rows as put_row writes them, without their places; texts may hold line ends. */
static void put_values(struct qn_buf *out, const struct reading *reading)
{
    struct qn_strv rest = qn_buf_strv(&reading->rows);
    while (rest.len) {
        const char *value = memmem(rest.data, rest.len, " ", 1);
        const char *end = memmem(rest.data, rest.len, "\n0:", 3);
        const char *stop = end ? end + 1 : rest.data + rest.len;
        if (value && value < stop)
            qn_buf_put(out, value, (size_t)(stop - value));
        rest.len -= (size_t)(stop - rest.data);
        rest.data = stop;
    }
}

static void check_sample(const char *folder, size_t index)
{
    const struct qn_source_ops *ops = qn_source_find("jsonl");
    char path[900], sha[QN_SHA256_HEX];
    snprintf(path, sizeof path, "%s/%s", folder, jsonl_expected[index].file);
    const char *paths[] = {path};
    for (size_t i = 0; i < sizeof chunk_sizes / sizeof chunk_sizes[0]; i++) {
        struct qn_err err = {0};
        struct qn_arena arena;
        struct qn_source_info info;
        struct reading reading;
        struct qn_buf text;
        struct qn_source_options options = options_for(paths, 1);
        (void)qn_simd_limit((enum qn_simd)(i % QN_SIMD_LEVELS));
        qn_arena_init(&arena);
        qn_buf_init(&text);
        reading_init(&reading);
        assert_ok(ops->inspect(&options, &arena, &info, &err), &err);
        assert_ok(read_source(ops, options, &info, chunk_sizes[i], false, &reading, &err), &err);
        put_types(&text, &info.schema);
        put_values(&text, &reading);
        qn_sha256_of(qn_buf_strv(&text), sha);
        if (strcmp(sha, jsonl_expected[index].sha256) != 0 ||
            reading.n_rows != jsonl_expected[index].rows ||
            reading.n_rejects != jsonl_expected[index].refused)
            fail_msg("%s reads otherwise (python3 jsonl_expected.py DATA %s shows how):\n%.*s%s",
                     path, jsonl_expected[index].file, QN_STRV_ARG(qn_buf_strv(&text)),
                     reading_text(&reading.rejects));
        reading_fini(&reading);
        qn_buf_fini(&text);
        qn_arena_fini(&arena);
    }
}

static void test_samples(void **state)
{
    (void)state;
    const char *folder = data_folder("json-lines");
    if (!folder)
        skip();
    for (size_t i = 0; i < sizeof jsonl_expected / sizeof jsonl_expected[0]; i++)
        check_sample(folder, i);
}

static void expect_refused(const char *name, uint64_t rows, const char *message)
{
    const char *folder = data_folder("json-lines");
    const struct qn_source_ops *ops = qn_source_find("jsonl");
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_source_info info;
    struct reading reading;
    char path[900], said[2000];
    if (!folder)
        skip();
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const char *paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    qn_arena_init(&arena);
    reading_init(&reading);
    qn_code code = ops->inspect(&options, &arena, &info, &err);
    if (code == QN_OK)
        code = read_source(ops, options, &info, 16, true, &reading, &err);
    if (code != QN_OK)
        qn_err_format(&err, said, sizeof said);
    else
        snprintf(said, sizeof said, "%s", reading_text(&reading.rejects));
    assert_int_equal(reading.n_rows, rows);
    if (!strstr(said, message))
        fail_msg("%s: expected '%s', got: %s", name, message, said);
    reading_fini(&reading);
    qn_arena_fini(&arena);
}

static void test_bad_samples(void **state)
{
    (void)state;
    expect_refused("unterminated_quotes.ndjson", 4, "line 3 () syntax: string is never closed");
    expect_refused("trailing_content.ndjson", 2,
                   "line 2 () syntax: expected nothing behind the record, got 'TRAILER'");
    expect_refused("malformed/array_comma_malformed.json", 0, ":2:3: expected a value, got ','");
    expect_refused("empty.ndjson", 0, "no record and no columns are declared");
    expect_refused("whitespace_only.json", 0, "no record and no columns are declared");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_parsing_suite),
                                       cmocka_unit_test(test_samples),
                                       cmocka_unit_test(test_bad_samples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
