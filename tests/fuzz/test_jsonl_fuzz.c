/* Seeded mutations of public JSON files and of records made alike: no crash, every record accounted
 * for, and the same rows at another chunk size and with other instructions. */

#include "base/simd.h"
#include "tests/support/corpus.h"
#include "tests/support/fuzz.h"
#include "tests/support/sources.h"

enum { MAX_BYTES = 3000, ROUNDS = 1500 };

static bool is_json(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strstr(dot, "json");
}

/* Lines that have the same keys in the same order, as most files do, but for some values. */
static void put_alike(struct qn_buf *text)
{
    static const char *const values[] = {"1",    "-2.5",    "\"a\"",        "\"b, c\"",
                                         "null", "\"\\n\"", "\"\xC3\xA9\"", "true"};
    uint32_t columns = 1 + roll(5), lines = 20 + roll(80), nested = roll(3);
    for (uint32_t i = 0; i < lines; i++) {
        qn_buf_put_u8(text, '{');
        for (uint32_t c = 0; c < columns; c++)
            qn_buf_printf(text, nested && c == 1 ? "%s\"k%u\":{\"x\":%s}" : "%s\"k%u\":%s",
                          c ? "," : "", c, values[roll(12) ? c % 8 : roll(8)]);
        qn_buf_put(text, "}\n", 2);
    }
}

static void mutate(struct qn_buf *text)
{
    static const char *const spice[] = {"\"",   "\\",   ",",    "\n",      "{",    "}",
                                        "[",    "]",    ":",    "\xC3",    "0",    "\t",
                                        "\r\n", "\\\"", "\"\"", "\\ud800", "null", "e"};
    if (roll(2)) {
        put_alike(text);
    } else {
        const struct qn_buf *from = &corpus[roll(n_corpus)];
        qn_buf_put(text, from->data, from->len);
    }
    for (uint32_t n = roll(6); n > 0; n--) {
        size_t at = text->len ? roll((uint32_t)text->len) : 0;
        uint32_t kind = roll(5);
        if (kind == 0 && text->len) {
            text->data[at] = (uint8_t)roll(256);
        } else if (kind == 1 && roll(3) == 0) {
            text->len = at;
        } else if (kind == 2) {
            const struct qn_buf *other = &corpus[roll(n_corpus)];
            qn_buf_put(text, other->data, other->len);
        } else {
            const char *bit = spice[roll(18)];
            size_t len = strlen(bit), tail = text->len - at;
            if (!qn_buf_reserve(text, len))
                return;
            memmove(text->data + at + len, text->data + at, tail);
            memcpy(text->data + at, bit, len);
            text->len += len;
        }
    }
}

/* Read twice; a document that breaks off fails both times, in the same words. */
static void compare(const struct qn_source_ops *ops, struct qn_source_options options,
                    const struct qn_source_info *info, const char *what)
{
    struct reading whole, parts;
    struct qn_err first = {0}, second = {0};
    uint64_t size = 1 + roll(roll(2) ? 64 : 1000);
    reading_init(&whole);
    reading_init(&parts);
    (void)qn_simd_limit(QN_SIMD_SCALAR);
    qn_code code = read_source(ops, options, info, 1 << 30, true, &whole, &first);
    (void)qn_simd_limit((enum qn_simd)(1 + roll(3)));
    qn_code again = read_source(ops, options, info, size, true, &parts, &second);
    if (code != again || first.line != second.line || strcmp(first.message, second.message) != 0)
        fail_msg("%s: '%s' (line %llu), then '%s' (line %llu)", what, first.message,
                 (unsigned long long)first.line, second.message, (unsigned long long)second.line);
    if (code == QN_OK)
        assert_same_reading(&whole, &parts, what, size);
    else
        assert_int_equal(first.blame, QN_BLAME_INPUT);
    reading_fini(&whole);
    reading_fini(&parts);
}

static bool check(const struct qn_source_ops *ops, const struct qn_buf *text, uint64_t seed)
{
    struct qn_err err = {0};
    struct qn_arena arena;
    qn_arena_init(&arena);
    char *path = make_file(".jsonl", qn_buf_strv(text));
    const char *const paths[] = {path};
    struct qn_source_options options = options_for(paths, 1);
    options.columns_contract = (enum qn_contract)roll(3);
    options.on_malformed = roll(5) ? QN_MALFORMED_QUARANTINE : QN_MALFORMED_FAIL;
    options.raw = roll(3) ? NULL : "raw";
    options.records = roll(6) ? NULL : "k1";
    struct qn_source_info info;
    bool readable = ops->inspect(&options, &arena, &info, &err) == QN_OK;
    char what[64];
    snprintf(what, sizeof what, "seed %llu (%s)", (unsigned long long)seed, path);
    if (readable)
        compare(ops, options, &info, what);
    else
        assert_true(err.blame == QN_BLAME_INPUT || err.blame == QN_BLAME_JOB);
    drop_file(path);
    qn_arena_fini(&arena);
    return readable;
}

static void test_mutations(void **state)
{
    (void)state;
    static const char *const folders[] = {"json-lines", "json-test-suite", "flight-summary"};
    corpus_takes = is_json;
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
        readable += check(qn_source_find("jsonl"), &text, run.seed);
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
