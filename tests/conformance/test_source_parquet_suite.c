/* The files of apache/parquet-testing (QUERN_DATA): every good one equals what pyarrow, or DuckDB,
 * finds in it (parquet_expected.txt, written by parquet_expected.py), whatever the chunks; the
 * others are refused by name. Bad ones never take more than 256 MiB. */
#include <dirent.h>
#include <math.h>
#include <sys/resource.h>

#include "tests/support/sources.h"

static const struct qn_source_ops *ops;

enum { MAX_FILE_COLUMNS = 256, SHOWN = 40 };

/* Files that are refused, and the words that say why. */
static const struct refused {
    const char *file, *why;
} refused[] = {
    {"data/datapage_v1-corrupt-checksum.parquet", "checksum"},
    {"data/rle-dict-uncompressed-corrupt-checksum.parquet", "checksum"},
    {"data/large_string_map.brotli.parquet", "Brotli"},
    {"data/encrypt_columns_plaintext_footer.parquet.encrypted", "encrypted"},
    {"data/uniform_encryption.parquet.encrypted", "encrypted"},
    {"bad_data/ARROW-GH-41317.parquet", "elements of another type"},
    {"bad_data/ARROW-GH-41321.parquet", "codes of more than 32 bits"},
    {"bad_data/ARROW-GH-45185.parquet", "begins in the middle of a list"},
    {"bad_data/ARROW-GH-47662.parquet", "fewer values than it says"},
    {"bad_data/ARROW-RS-GH-6229-DICTHEADER.parquet", "outside the file"},
    {"bad_data/ARROW-RS-GH-6229-LEVELS.parquet", "more values than it has"},
    {"bad_data/PARQUET-1481.parquet", "physical type"},
};

static const char *data_folder(void)
{
    static char path[1024];
    const char *data = getenv("QUERN_DATA");
    snprintf(path, sizeof path, "%s/parquet-testing", data ? data : "");
    DIR *dir = opendir(path);
    if (dir)
        closedir(dir);
    else
        printf("skipped: no parquet-testing in QUERN_DATA\n");
    return dir ? path : NULL;
}

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        fail_msg("no %s", path);
    char *text = calloc(1, 1 << 20);
    size_t n = fread(text, 1, (1 << 20) - 1, file);
    assert_true(n > 0);
    fclose(file);
    return text;
}

/* --- what we find in a file ------------------------------------------------------------------ */

struct found {
    uint64_t rows, nulls, sum;
    struct qn_buf shown;
};

static uint64_t fnv(struct qn_strv text)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (unsigned char)text.data[i]) * UINT64_C(0x100000001B3);
    return h;
}

static void put_cell(struct qn_buf *out, const struct qn_column *column, uint32_t row)
{
    if (column->type.id == QN_DOUBLE) {
        uint64_t bits;
        memcpy(&bits, &column->f64[row], 8);
        qn_buf_printf(out, "%016llx", (unsigned long long)bits);
    } else {
        qn_value_format(out, column, row);
    }
}

/* The first 40 characters, as the table has them. */
static void show(struct found *found, struct qn_strv text)
{
    size_t at = 0;
    if (found->rows > 3)
        return;
    qn_buf_printf(&found->shown, "%s'", found->rows > 1 ? " " : "");
    for (unsigned n = 0; n < SHOWN && at < text.len; n++) {
        do
            qn_buf_put_u8(&found->shown, text.data[at] == '\n' ? ' ' : (uint8_t)text.data[at]);
        while (++at < text.len && ((unsigned char)text.data[at] & 0xC0) == 0x80);
    }
    qn_buf_put_u8(&found->shown, '\'');
}

static void add_batch(const struct qn_batch *batch, struct found *found)
{
    struct qn_buf text;
    qn_buf_init(&text);
    for (uint32_t c = 0; c < batch->schema->n_fields; c++)
        for (uint32_t row = 0; row < batch->n_rows; row++) {
            struct found *f = &found[c];
            f->rows++;
            if (!qn_is_valid(&batch->columns[c], row)) {
                f->nulls++;
                if (f->rows <= 3)
                    qn_buf_printf(&f->shown, "%sNULL", f->rows > 1 ? " " : "");
                continue;
            }
            qn_buf_clear(&text);
            put_cell(&text, &batch->columns[c], row);
            f->sum += f->rows * fnv(qn_buf_strv(&text));
            show(f, qn_buf_strv(&text));
        }
    qn_buf_fini(&text);
}

/* Moments of these files lie past the year 9999: they are read as integers. */
static qn_code inspect(struct qn_source_options *options, const char *name, struct qn_arena *arena,
                       struct qn_source_info *info, struct qn_err *err)
{
    QN_TRY(ops->inspect(options, arena, info, err));
    if (strcmp(name, "nested_structs.rust.parquet") != 0)
        return QN_OK;
    struct qn_column_decl *columns =
        QN_NEW_ARRAY(arena, struct qn_column_decl, info->schema.n_fields);
    for (uint32_t i = 0; i < info->schema.n_fields; i++)
        if (info->schema.fields[i].type.id == QN_TIMESTAMP)
            columns[options->n_columns++] = (struct qn_column_decl){
                .name = info->schema.fields[i].name, .type = {.id = QN_INT64}};
    options->columns = columns;
    return ops->inspect(options, arena, info, err);
}

static qn_code read_all(const struct qn_source_options *options, const struct qn_source_info *info,
                        struct found *found, struct qn_err *err)
{
    struct qn_arena arena;
    struct qn_chunk *chunks = NULL;
    struct qn_rejects rejects;
    uint32_t n = 0;
    qn_arena_init(&arena);
    assert_ok(qn_rejects_init(&rejects, err), err);
    qn_code code = ops->chunks(options, info, 0, &arena, &chunks, &n, err);
    for (uint32_t k = 0; k < n && code == QN_OK; k++) {
        struct qn_reader *reader = NULL;
        struct qn_batch batch = {0};
        code = ops->open(info, &chunks[k], NULL, &reader, err);
        while (code == QN_OK &&
               (code = reader->ops->next(reader, &batch, &rejects, err)) == QN_OK && batch.n_rows)
            add_batch(&batch, found);
        if (reader)
            reader->ops->close(reader);
    }
    qn_rejects_fini(&rejects);
    qn_arena_fini(&arena);
    return code;
}

/* --- against the table ----------------------------------------------------------------------- */

/* The table's lines of one file; `*at` moves past them. */
static uint32_t check_file(const char *folder, const char **at, uint64_t chunk_bytes)
{
    static struct found found[MAX_FILE_COLUMNS];
    char name[200], path[1400];
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(*at, " "), *at);
    snprintf(path, sizeof path, "%s/data/%s", folder, name);
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    options.chunk_bytes = chunk_bytes;
    struct qn_source_info info;
    assert_ok(inspect(&options, name, &arena, &info, &err), &err);
    assert_true(info.schema.n_fields <= MAX_FILE_COLUMNS);
    memset(found, 0, sizeof found);
    assert_ok(read_all(&options, &info, found, &err), &err);
    struct qn_buf line;
    qn_buf_init(&line);
    for (uint32_t c = 0; c < info.schema.n_fields; c++) {
        size_t n = strcspn(*at, "\n");
        qn_buf_clear(&line);
        qn_buf_printf(&line, "%s | %s | %llu | %llu | %016llx | ", name, info.schema.fields[c].name,
                      (unsigned long long)found[c].rows, (unsigned long long)found[c].nulls,
                      (unsigned long long)found[c].sum);
        qn_buf_put(&line, found[c].shown.data, found[c].shown.len);
        if (line.len != n || memcmp(line.data, *at, n) != 0)
            fail_msg("expected %.*s\n   found %.*s", (int)n, *at, (int)line.len,
                     (const char *)line.data);
        *at += n + 1;
        qn_buf_fini(&found[c].shown);
    }
    qn_buf_fini(&line);
    qn_arena_fini(&arena);
    return 1;
}

static void test_good_files(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {UINT64_C(1) << 30, 4096, 700};
    const char *folder = data_folder();
    if (!folder)
        skip();
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/conformance/parquet_expected.txt", getenv("QUERN_ROOT"));
    char *table = read_text(path);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint32_t n = 0;
        for (const char *at = table; *at;)
            if (*at == '#')
                at += strcspn(at, "\n") + 1;
            else
                n += check_file(folder, &at, sizes[i]);
        assert_int_equal(n, 62);
    }
    free(table);
}

/* --- what is refused ------------------------------------------------------------------------- */

static qn_code read_whole(const char *path, struct qn_err *err)
{
    struct qn_arena arena;
    struct reading reading;
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    struct qn_source_info info;
    qn_arena_init(&arena);
    reading_init(&reading);
    qn_code code = ops->inspect(&options, &arena, &info, err);
    if (code == QN_OK)
        code = read_source(ops, options, &info, UINT64_C(1) << 30, false, &reading, err);
    reading_fini(&reading);
    qn_arena_fini(&arena);
    return code;
}

static void test_refused_files(void **state)
{
    (void)state;
    const char *folder = data_folder();
    if (!folder)
        skip();
    struct rlimit before, less;
    getrlimit(RLIMIT_AS, &before);
    less = before;
    less.rlim_cur = 256 << 20;
    if (!getenv("QUERN_SANITIZED")) /* sanitizers reserve terabytes */
        assert_int_equal(setrlimit(RLIMIT_AS, &less), 0);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char path[1400];
        struct qn_err err = {0};
        snprintf(path, sizeof path, "%s/%s", folder, refused[i].file);
        qn_code code = read_whole(path, &err);
        if (code == QN_OK || err.blame != QN_BLAME_INPUT || !strstr(err.message, refused[i].why))
            fail_msg("%s: expected '%s', got %s '%s'", refused[i].file, refused[i].why,
                     qn_code_name(code), err.message);
        assert_string_equal(err.file, path);
    }
    setrlimit(RLIMIT_AS, &before);
}

/* Codes of no bits name the only entry of the dictionary: odd, and nothing is wrong with it. */
static void test_codes_of_no_bits(void **state)
{
    (void)state;
    const char *folder = data_folder();
    if (!folder)
        skip();
    char path[1400];
    struct qn_err err = {0};
    snprintf(path, sizeof path, "%s/bad_data/ARROW-GH-43605.parquet", folder);
    assert_ok(read_whole(path, &err), &err);
}

int main(void)
{
    ops = qn_source_find("parquet");
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good_files),
                                       cmocka_unit_test(test_refused_files),
                                       cmocka_unit_test(test_codes_of_no_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
