/* training: train jobs over one churn table of 900 rows, which make_table and drop_table give and
 * take for a group of tests. */
#ifndef QN_TESTS_SUPPORT_TRAINING_H
#define QN_TESTS_SUPPORT_TRAINING_H

#include "tests/support/learning.h"

#define TRAIN(algorithm) "kind: train\nfrom: rows\nlabel: left\nkey: id\nalgorithm: " algorithm "\n"
#define HEAD TRAIN("logistic_regression")
#define BOOSTING TRAIN("gradient_boosting")
#define SOME "features: {exclude: [copy, since]}\n"
#define SPLIT "split: {method: hash, test: 0.2, validation: 0.1, stratify: true}\n"
#define INTO "into: predictions\n"
#define REGISTER "register: {model: m}\n"
#define PROMOTE(rules) "register: {model: m, promote: {alias: champion, when: [" rules "]}}\n"

static struct qn_batch table;
static struct qn_batch_builder *builder;
static struct qn_buf spec;

static int make_table(void **state)
{
    (void)state;
    builder = churn_table(900, &table);
    return 0;
}

static int drop_table(void **state)
{
    (void)state;
    qn_builder_free(builder);
    return 0;
}

static inline void start(struct qn_runner *runner, const char *yaml)
{
    learning_init(runner, &spec, yaml, NULL, &table);
    if (runner->compiled != QN_OK)
        fail_msg("%s", runner_mistakes(runner));
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* All of the words are in the text. */
static inline void assert_says(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (!strstr(text, *words))
            fail_msg("'%s' is not in:\n%s", *words, text);
}

/* The job is refused with all of these words. */
static inline void complains(const char *yaml, const char *const *words)
{
    struct qn_runner runner;
    learning_init(&runner, &spec, yaml, NULL, &table);
    assert_int_equal(runner.compiled, QN_EINPUT);
    assert_says(runner_mistakes(&runner), words);
    learning_fini(&runner, &spec);
}

#endif
