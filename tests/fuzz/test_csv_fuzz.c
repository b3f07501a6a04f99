/* Seeded mutations of public CSV files, in every encoding: no crash, every record accounted for,
 * and the same rows at another chunk size and with other instructions. */

#include "base/simd.h"
#include "tests/support/corpus.h"
#include "tests/support/fuzz.h"
#include "tests/support/sources.h"

enum { MAX_BYTES = 3000, ROUNDS = 1500 };

static bool is_csv(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcmp(dot, ".csv") == 0;
}

static void mutate(struct qn_buf *text)
{
    static const char *const spice[] = {"\"", "\"\"", ",",    "\n",          "\r\n", "\r",
                                        "\\", "'",    "\xC3", ";",           "\t",   "#",
                                        "|",  "\"\n", ",\"",  "\xEF\xBB\xBF"};
    const struct qn_buf *from = &corpus[roll(n_corpus)];
    qn_buf_put(text, from->data, from->len);
    for (uint32_t n = 1 + roll(6); n > 0; n--) {
        size_t at = text->len ? roll((uint32_t)text->len) : 0;
        uint32_t kind = roll(4);
        if (kind == 0 && text->len) {
            text->data[at] = (uint8_t)roll(256);
        } else if (kind == 1) {
            text->len = at;
        } else if (kind == 2) {
            const struct qn_buf *other = &corpus[roll(n_corpus)];
            qn_buf_put(text, other->data, other->len);
        } else {
            const char *bit = spice[roll(16)];
            size_t len = strlen(bit), tail = text->len - at;
            if (!qn_buf_reserve(text, len))
                return;
            memmove(text->data + at + len, text->data + at, tail);
            memcpy(text->data + at, bit, len);
            text->len += len;
        }
    }
}

/* The text as Latin-1 files have it is any bytes; as UTF-16 every byte is made a unit, but for some
 * that become letters of other planes or halves of them. */
static const char *encode(struct qn_buf *text)
{
    static const char *const bytewise[] = {NULL, NULL, NULL, "latin-1", "windows-1252"};
    if (roll(4))
        return bytewise[roll(5)];
    bool big = roll(2);
    struct qn_buf wide;
    qn_buf_init(&wide);
    if (roll(2))
        qn_buf_put(&wide, big ? "\xFE\xFF" : "\xFF\xFE", 2);
    for (size_t i = 0; i < text->len; i++) {
        unsigned unit = text->data[i];
        if (roll(50) == 0)
            unit = roll(3) ? 0x2600 + unit : 0xD800 + roll(0x800);
        qn_buf_put_u8(&wide, (uint8_t)(big ? unit >> 8 : unit));
        qn_buf_put_u8(&wide, (uint8_t)(big ? unit : unit >> 8));
        if (unit >= 0xD800 && unit < 0xDC00 && roll(2)) {
            qn_buf_put_u8(&wide, big ? 0xDC : 0x42);
            qn_buf_put_u8(&wide, big ? 0x42 : 0xDC);
        }
    }
    if (roll(10) == 0)
        qn_buf_put_u8(&wide, 'x');
    qn_buf_fini(text);
    *text = wide;
    return big ? "utf-16be" : "utf-16le";
}

static bool check(const struct qn_source_ops *ops, struct qn_buf *text, uint64_t seed)
{
    const char *encoding = encode(text);
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    char *path = make_file(".csv", qn_buf_strv(text));
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    options.header = (int)roll(3) - 1;
    options.encoding = encoding && roll(4) ? encoding : NULL;
    struct qn_source_info info;
    bool readable = ops->inspect(&options, &arena, &info, &err) == QN_OK;
    if (readable) {
        struct reading whole, parts;
        reading_init(&whole);
        reading_init(&parts);
        uint64_t size = 1 + roll(roll(2) ? 64 : 1000);
        char what[64];
        snprintf(what, sizeof what, "seed %llu (%s)", (unsigned long long)seed, path);
        (void)qn_simd_limit(QN_SIMD_SCALAR);
        assert_ok(read_source(ops, options, &info, 1 << 30, true, &whole, &err), &err);
        (void)qn_simd_limit((enum qn_simd)(1 + roll(3)));
        assert_ok(read_source(ops, options, &info, size, true, &parts, &err), &err);
        assert_same_reading(&whole, &parts, what, size);
        reading_fini(&whole);
        reading_fini(&parts);
    } else {
        assert_int_equal(err.blame, QN_BLAME_INPUT);
    }
    drop_file(path);
    qn_arena_fini(&arena);
    return readable;
}

static void test_mutations(void **state)
{
    (void)state;
    static const char *const folders[] = {"csv-duckdb", "csv-spectrum", "csv-test-data"};
    corpus_takes = is_csv;
    corpus_most = MAX_BYTES;
    for (size_t i = 0; i < 3; i++)
        if (!corpus_gather(folders[i]))
            skip();
    struct fuzz_run run = {0};
    uint64_t readable = 0;
    while (fuzz_next(&run, ROUNDS)) {
        struct qn_buf text;
        qn_buf_init(&text);
        dice = run.seed;
        mutate(&text);
        readable += check(qn_source_find("csv"), &text, run.seed);
        qn_buf_fini(&text);
    }
    printf("%llu files from %u seeds, %llu readable\n", (unsigned long long)run.rounds, n_corpus,
           (unsigned long long)readable);
    assert_true(n_corpus > 100 && readable > run.rounds / 3);
    corpus_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mutations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
