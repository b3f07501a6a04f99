/* Seeded mutations of public Parquet files, of their metadata and of their pages: no crash, no more
 * memory than there is reason for, complaints that blame the file, and the same rows whatever the
 * chunks. */
#include <sys/resource.h>
#include <time.h>

#include "tests/support/corpus.h"
#include "tests/support/fuzz.h"
#include "tests/support/sources.h"

enum {
    MAX_BYTES = 9000,
    ROUNDS = 1000,
    MAX_ROWS = 20000, /* of a file that says it has more: enough was seen */
    MAX_SECONDS = 20, /* for one file */
};

static bool is_parquet(const char *path)
{
    return strstr(path, ".parquet");
}

static size_t footer_begin(const struct qn_buf *file)
{
    uint32_t n = 0;
    if (file->len > 12)
        memcpy(&n, file->data + file->len - 8, 4);
    return n < file->len - 12 ? file->len - 8 - n : 0;
}

/* Bytes of [from, to) changed; numbers that mean much more often than others. */
static void damage(struct qn_buf *file, size_t from, size_t to)
{
    static const uint8_t spice[] = {0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x15, 0x19, 0x1c, 0xfe, 0x40};
    for (uint32_t n = 1 + roll(4); n > 0 && to > from; n--) {
        size_t at = from + roll((uint32_t)(to - from));
        uint32_t kind = roll(5);
        if (kind == 0)
            file->data[at] = (uint8_t)roll(256);
        else if (kind == 1)
            file->data[at] ^= (uint8_t)(1U << roll(8));
        else if (kind == 2)
            file->data[at] = spice[roll(sizeof spice)];
        else if (kind == 3)
            for (size_t i = at; i < to && i < at + 1 + roll(9); i++)
                file->data[i] = 0xff;
        else { /* from elsewhere */
            size_t other = from + roll((uint32_t)(to - from));
            size_t rest = to - (at > other ? at : other);
            memmove(file->data + at, file->data + other, rest < 16 ? rest : 16);
        }
    }
}

struct seen {
    uint64_t rows, refused, digest;
    bool cut; /* there are more rows */
};

static void see_batch(const struct qn_batch *batch, struct seen *seen, struct qn_buf *text)
{
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        qn_buf_clear(text);
        for (uint32_t c = 0; c < batch->schema->n_fields; c++) {
            qn_buf_put_u8(text, qn_is_valid(&batch->columns[c], row) ? '|' : '0');
            if (qn_is_valid(&batch->columns[c], row))
                qn_value_format(text, &batch->columns[c], row);
        }
        seen->digest = qn_hash64(text->data, text->len, seen->digest);
    }
    seen->rows += batch->n_rows;
    seen->cut |= seen->rows > MAX_ROWS;
}

/* Rows that the reader is told are wanted; NULL: all. */
static const struct qn_condition *asked;

static const struct qn_condition *any_condition(const struct qn_schema *schema,
                                                struct qn_arena *arena)
{
    uint32_t column = roll(schema->n_fields);
    struct qn_condition *condition = qn_condition_new(arena, QN_CONDITION_LT + roll(8), column);
    struct qn_type type = schema->fields[column].type;
    struct qn_column *values = &condition->values;
    values->type = type.id == QN_BOOL ? (struct qn_type){.id = QN_INT64} : type;
    values->i64 = QN_NEW_ARRAY(arena, int64_t, 2);
    condition->n_values = 2;
    if (type.id == QN_TEXT) {
        values->offsets = QN_NEW_ARRAY(arena, uint32_t, 3);
        values->offsets[1] = roll(5);
        values->offsets[2] = values->offsets[1] + roll(10);
    }
    if (type.id == QN_DOUBLE)
        values->f64[roll(2)] = roll(1000);
    else
        memset(values->i64, (int)roll(256), 2 * roll(9));
    return condition;
}

static qn_code read_one(const struct qn_source_ops *ops, const struct qn_source_info *info,
                        const struct qn_chunk *chunk, struct seen *seen, struct qn_rejects *rejects,
                        struct qn_err *err)
{
    struct qn_reader *reader = NULL;
    struct qn_batch batch = {0};
    struct qn_location at;
    struct qn_buf text;
    qn_buf_init(&text);
    qn_code code = ops->open(info, chunk, NULL, &reader, err);
    if (code == QN_OK && asked)
        code = reader->ops->only(reader, asked, err);
    while (code == QN_OK && !seen->cut &&
           (code = reader->ops->next(reader, &batch, rejects, err)) == QN_OK && batch.n_rows) {
        see_batch(&batch, seen, &text);
        if (roll(4) == 0)
            code = reader->ops->locate(reader, batch.origin[batch.n_rows - 1], &at, err);
        if (code == QN_OK && roll(4) == 0)
            seen->cut |= qn_rejects_count(rejects) > MAX_ROWS;
    }
    if (reader)
        reader->ops->close(reader);
    qn_buf_fini(&text);
    return code;
}

static qn_code read_chunks(const struct qn_source_ops *ops, struct qn_source_options options,
                           const struct qn_source_info *info, uint64_t chunk_bytes,
                           struct seen *seen, struct qn_err *err)
{
    struct qn_arena arena;
    struct qn_chunk *chunks = NULL;
    struct qn_rejects rejects;
    uint32_t n = 0;
    qn_arena_init(&arena);
    *seen = (struct seen){0};
    options.chunk_bytes = chunk_bytes;
    assert_ok(qn_rejects_init(&rejects, err), err);
    qn_code code = ops->chunks(&options, info, 0, &arena, &chunks, &n, err);
    for (uint32_t k = 0; k < n && code == QN_OK; k++)
        code = read_one(ops, info, &chunks[k], seen, &rejects, err);
    seen->refused = qn_rejects_count(&rejects);
    qn_rejects_fini(&rejects);
    qn_arena_fini(&arena);
    return code;
}

/* True when the file was read. */
static bool check(const struct qn_buf *file, uint64_t seed)
{
    const struct qn_source_ops *ops = qn_source_find("parquet");
    struct qn_err err = {0};
    struct qn_arena arena;
    struct seen whole, parts;
    qn_arena_init(&arena);
    char *path = make_file(".parquet", qn_buf_strv(file));
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    struct qn_source_info info;
    time_t begin = time(NULL);
    qn_code code = ops->inspect(&options, &arena, &info, &err);
    if (code == QN_OK)
        code = read_chunks(ops, options, &info, UINT64_C(1) << 30, &whole, &err);
    if (code == QN_OK && !whole.cut) {
        assert_ok(read_chunks(ops, options, &info, 1 + roll(2000), &parts, &err), &err);
        if (whole.rows != parts.rows || whole.digest != parts.digest ||
            whole.refused != parts.refused)
            fail_msg("seed %llu (%s): %llu rows or %llu, %llu refused or %llu",
                     (unsigned long long)seed, path, (unsigned long long)whole.rows,
                     (unsigned long long)parts.rows, (unsigned long long)whole.refused,
                     (unsigned long long)parts.refused);
    }
    if (code == QN_OK && !whole.cut) { /* statistics may lie now: fewer rows, but no others */
        asked = any_condition(&info.schema, &arena);
        qn_code told = read_chunks(ops, options, &info, 1 + roll(2000), &parts, &err);
        asked = NULL;
        assert_ok(told, &err);
        assert_true(parts.rows <= whole.rows && parts.refused <= whole.refused);
    }
    if (code != QN_OK && code != QN_ENOMEM && err.blame != QN_BLAME_INPUT)
        fail_msg("seed %llu (%s): %s, and not the file is blamed: %s", (unsigned long long)seed,
                 path, qn_code_name(code), err.message);
    if (time(NULL) - begin > MAX_SECONDS)
        fail_msg("seed %llu (%s) took too long", (unsigned long long)seed, path);
    drop_file(path);
    qn_arena_fini(&arena);
    return code == QN_OK;
}

static void try_mutations(bool pages)
{
    struct fuzz_run run = {0};
    uint64_t readable = 0;
    if (!n_corpus)
        skip();
    while (fuzz_next(&run, ROUNDS)) {
        struct qn_buf file;
        qn_buf_init(&file);
        dice = run.seed;
        const struct qn_buf *from = &corpus[roll(n_corpus)];
        qn_buf_put(&file, from->data, from->len);
        size_t footer = footer_begin(&file);
        damage(&file, pages ? 4 : footer, pages ? footer : file.len);
        readable += check(&file, run.seed);
        qn_buf_fini(&file);
    }
    printf("%llu of %llu mutations of %u files were read\n", (unsigned long long)readable,
           (unsigned long long)run.rounds, n_corpus);
    assert_true(readable > 0 && readable < run.rounds);
}

static void test_metadata(void **state)
{
    (void)state;
    try_mutations(false);
}

static void test_pages(void **state)
{
    (void)state;
    try_mutations(true);
}

static int set_up(void **state)
{
    struct rlimit most = {UINT64_C(256) << 20, UINT64_C(256) << 20};
    (void)state;
    if (!getenv("QUERN_SANITIZED")) /* sanitizers reserve terabytes */
        assert_int_equal(setrlimit(RLIMIT_AS, &most), 0);
    corpus_takes = is_parquet;
    corpus_most = MAX_BYTES;
    (void)corpus_gather("parquet-testing"); /* the tests skip when it is empty */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    corpus_drop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_metadata),
                                       cmocka_unit_test(test_pages)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
