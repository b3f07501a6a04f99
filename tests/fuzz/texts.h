/* texts: the frame of fuzz tests of text formats: files are mutated, and what comes of each is read
 * twice, in one chunk without SIMD and in small ones with it. */
#ifndef QN_TESTS_FUZZ_TEXTS_H
#define QN_TESTS_FUZZ_TEXTS_H

#include "base/simd.h"
#include "tests/support/corpus.h"
#include "tests/support/fuzz.h"
#include "tests/support/sources.h"

enum { TEXT_BYTES = 3000, TEXT_ROUNDS = 1500 };

struct fuzz_texts {
    const char *format, *suffix;
    const char *folders[3]; /* of the test data */
    bool (*takes)(const char *path);
    void (*mutate)(struct qn_buf *text); /* makes one from the corpus */
    void (*choose)(struct qn_buf *text, struct qn_source_options *options);
    bool reads_on; /* no mistake in the text ends the reading, but under on_malformed: fail */
};

/* The same rows and refusals twice, or the same failure. */
static void read_twice(const struct fuzz_texts *texts, const struct qn_source_options *options,
                       const struct qn_source_info *info, uint64_t seed)
{
    const struct qn_source_ops *ops = qn_source_find(texts->format);
    struct reading whole, parts;
    struct qn_err first = {0}, second = {0};
    char what[80];
    uint64_t size = 1 + roll(roll(2) ? 64 : 1000);
    snprintf(what, sizeof what, "seed %llu (%s)", (unsigned long long)seed, options->paths[0]);
    reading_init(&whole);
    reading_init(&parts);
    (void)qn_simd_limit(QN_SIMD_SCALAR);
    qn_code code = read_source(ops, *options, info, 1 << 30, true, &whole, &first);
    (void)qn_simd_limit((enum qn_simd)(1 + roll(3)));
    qn_code again = read_source(ops, *options, info, size, true, &parts, &second);
    if (code != again || first.line != second.line || strcmp(first.message, second.message) != 0)
        fail_msg("%s: '%s' (line %llu), then '%s' (line %llu)", what, first.message,
                 (unsigned long long)first.line, second.message, (unsigned long long)second.line);
    if (code == QN_OK)
        assert_same_reading(&whole, &parts, what, size);
    else if (texts->reads_on && options->on_malformed != QN_MALFORMED_FAIL)
        fail_msg("%s: %s", what, first.message);
    else
        assert_int_equal(first.blame, QN_BLAME_INPUT);
    reading_fini(&whole);
    reading_fini(&parts);
}

/* Whether the text can be read at all. */
static bool check_text(const struct fuzz_texts *texts, struct qn_buf *text, uint64_t seed)
{
    const char *path;
    struct qn_err err = {0};
    struct qn_arena arena;
    struct qn_source_info info;
    qn_arena_init(&arena);
    struct qn_source_options options = options_for(&path, 1);
    texts->choose(text, &options);
    char *made = make_file(texts->suffix, qn_buf_strv(text));
    path = made;
    bool readable = qn_source_find(texts->format)->inspect(&options, &arena, &info, &err) == QN_OK;
    if (readable)
        read_twice(texts, &options, &info, seed);
    else
        assert_true(err.blame == QN_BLAME_INPUT || err.blame == QN_BLAME_JOB);
    drop_file(made);
    qn_arena_fini(&arena);
    return readable;
}

static void fuzz_texts(const struct fuzz_texts *texts)
{
    struct fuzz_run run = {0};
    uint64_t readable = 0;
    corpus_takes = texts->takes;
    corpus_most = TEXT_BYTES;
    for (size_t i = 0; i < 3; i++)
        if (!corpus_gather(texts->folders[i]))
            skip();
    while (fuzz_next(&run, TEXT_ROUNDS)) {
        struct qn_buf text;
        qn_buf_init(&text);
        dice = run.seed;
        texts->mutate(&text);
        readable += check_text(texts, &text, run.seed);
        qn_buf_fini(&text);
    }
    printf("%llu files from %u seeds, %llu readable\n", (unsigned long long)run.rounds, n_corpus,
           (unsigned long long)readable);
    assert_true(n_corpus > 100 && readable > run.rounds / 3);
    corpus_drop();
}

#endif
