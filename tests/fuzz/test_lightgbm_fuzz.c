/* Text models that were tampered with: what is taken can be scored with and written again, all else
 * is refused with its place, and nothing crashes. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/exchange/exchange.h"
#include "tests/support/fuzz.h"
#include "tests/unit/wire/random.h"

static const char good[] = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\n"
                           "label_index=0\nmax_feature_idx=2\nobjective=binary sigmoid:1\n"
                           "feature_names=usage plan tenure\nfeature_infos=[0:90] 0:2:1 none\n\n"
                           "Tree=0\nnum_leaves=4\nnum_cat=1\nsplit_feature=0 1 0\n"
                           "split_gain=9 4 2\nthreshold=12.5 0 30.25\ndecision_type=10 1 2\n"
                           "left_child=1 -1 -2\nright_child=2 -3 -4\nleaf_value=0.5 -1 0.25 2\n"
                           "leaf_weight=1 2 3 4\nleaf_count=10 20 30 40\n"
                           "internal_value=0 0 0\ninternal_weight=10 4 6\n"
                           "internal_count=100 40 60\ncat_boundaries=0 1\ncat_threshold=5\n"
                           "is_linear=0\nshrinkage=0.1\n\n\n"
                           "Tree=1\nnum_leaves=1\nnum_cat=0\nleaf_value=0.125\nleaf_weight=\n"
                           "leaf_count=100\n\n\nend of trees\n\nfeature_importances:\n\n"
                           "pandas_categorical:[[\"basic\",\"gold\",\"free\"]]\n";

/* Text of the good model with one part replaced. */
static qn_code read_with(const char *from, const char *to, struct qn_err *err)
{
    struct qn_buf text, out, params;
    qn_buf_init(&text);
    qn_buf_init(&out);
    qn_buf_init(&params);
    const char *at = strstr(good, from);
    assert_non_null(at);
    qn_buf_put(&text, good, (size_t)(at - good));
    qn_buf_printf(&text, "%s%s", to, at + strlen(from));
    qn_code code = qn_exchange_read_lightgbm("m.txt", qn_buf_strv(&text), (struct qn_strv){0}, &out,
                                             &params, err);
    qn_buf_fini(&text);
    qn_buf_fini(&out);
    qn_buf_fini(&params);
    return code;
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *said;
        qn_code code;
    } cases[] = {
        {"version=v4", "version=v9", "m.txt:2: version v9", QN_ENOTSUP},
        {"num_class=1", "num_class=3", "m.txt:3: num_class is 3", QN_ENOTSUP},
        {"objective=binary sigmoid:1", "objective=regression", "'regression' is not read",
         QN_ENOTSUP},
        {"sigmoid:1", "sigmoid:2", "'binary sigmoid:2' is not read", QN_ENOTSUP},
        {"label_index=0", "average_output", "random forests", QN_ENOTSUP},
        {"is_linear=0", "is_linear=1", "linear trees", QN_ENOTSUP},
        {"decision_type=10 1 2", "decision_type=6 1 2", "zero_as_missing", QN_ENOTSUP},
        {"left_child=1 -1 -2", "left_child=0 -1 -2", "left_child", QN_EINPUT},
        {"left_child=1 -1 -2", "left_child=2 -1 -2", "two parents", QN_EINPUT},
        {"left_child=1 -1 -2\nright_child=2 -3 -4", "left_child=-1 2 -2\nright_child=-3 1 -4",
         "from the root", QN_EINPUT},
        {"left_child=1 -1 -2\nright_child=2 -3 -4", "left_child=-1 2 1\nright_child=-2 -3 -4",
         "from the root", QN_EINPUT},
        {"left_child=1", "left_child=9", "left_child", QN_EINPUT},
        {"right_child=2 -3 -4", "right_child=2 -3 -9", "right_child", QN_EINPUT},
        {"split_feature=0 1 0", "split_feature=0 1 3", "split_feature", QN_EINPUT},
        {"split_feature=0 1 0", "split_feature=0 0 0", "by categories, which is numeric",
         QN_EINPUT},
        {"threshold=12.5 0", "threshold=12.5 1", "split by categories", QN_EINPUT},
        {"threshold=12.5 0 30.25", "threshold=12.5 0 nan", "expected a number", QN_EINPUT},
        {"threshold=12.5 0 30.25", "threshold=12.5 0", "more numbers", QN_EINPUT},
        {"threshold=12.5 0 30.25", "threshold=1 0 3 4", "fewer numbers", QN_EINPUT},
        {"cat_boundaries=0 1", "cat_boundaries=0 1e15", "cat_boundaries", QN_EINPUT},
        {"cat_boundaries=0 1", "cat_boundaries=1 1", "cat_boundaries", QN_EINPUT},
        {"cat_threshold=5", "cat_threshold=5000000000", "cat_threshold", QN_EINPUT},
        {"cat_boundaries=0 1\n", "", "cat_boundaries before it", QN_EINPUT},
        {"num_cat=1\n", "num_cat=1\nnum_leaves=4000\n", "each once", QN_EINPUT},
        {"num_leaves=4", "num_leaves=9999999", "num_leaves", QN_EINPUT},
        {"num_leaves=4\n", "", "num_leaves before it", QN_EINPUT},
        {"max_feature_idx=2", "max_feature_idx=1", "as many words", QN_EINPUT},
        {"end of trees", "end of", "cut short", QN_EINPUT},
        {"tree\n", "three\n", "the first line", QN_EINPUT},
        {"\"free\"", "\"gold\"", "not sound", QN_EINPUT},
        {"\"free\"]", "\"free\"],[]", "--columns", QN_EINPUT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct qn_err err = {0};
        qn_code code = read_with(cases[i].from, cases[i].to, &err);
        char said[2048];
        qn_err_format(&err, said, sizeof said);
        if (code != cases[i].code || !strstr(said, cases[i].said))
            fail_msg("'%s' gave %d: %s", cases[i].to, (int)code, said);
    }
}

static struct random draws;

static void tamper(struct qn_buf *text)
{
    static const char telling[] = "0123456789-. =\nnaif[]:\"";
    for (uint64_t n = 1 + random_below(&draws, 4); n && text->len; n--) {
        size_t at = (size_t)random_below(&draws, text->len);
        size_t run = 1 + (size_t)random_below(&draws, 20);
        run = run > text->len - at ? text->len - at : run;
        switch (random_below(&draws, 4)) {
        case 0: text->data[at] = (uint8_t)telling[random_below(&draws, sizeof telling - 1)]; break;
        case 1: text->data[at] = (uint8_t)random_below(&draws, 256); break;
        case 2:
            memmove(text->data + at, text->data + at + run, text->len - at - run);
            text->len -= run;
            break;
        default: {
            size_t to = (size_t)random_below(&draws, text->len - run + 1);
            memmove(text->data + to, text->data + at, run);
        }
        }
    }
}

static void test_tampered(void **state)
{
    (void)state;
    static const char *const formats[] = {"lightgbm", "xgboost", "c", "json"};
    struct fuzz_run run = {0};
    uint64_t taken = 0;
    struct qn_buf text, out, params, columns;
    qn_buf_init(&text), qn_buf_init(&out), qn_buf_init(&params), qn_buf_init(&columns);
    while (fuzz_next(&run, 4000)) {
        struct qn_err err = {0};
        draws.state = run.seed;
        qn_buf_clear(&text), qn_buf_clear(&out), qn_buf_clear(&params), qn_buf_clear(&columns);
        qn_buf_put(&text, good, sizeof good - 1);
        tamper(&text);
        if (qn_exchange_read_lightgbm("m.txt", qn_buf_strv(&text), (struct qn_strv){0}, &out,
                                      &params, &err) != QN_OK) {
            assert_true(err.message[0] != '\0');
            continue;
        }
        taken++;
        for (int i = 0; i < 4; i++) {
            qn_buf_clear(&text);
            const char *left_out;
            qn_code code = qn_exchange_write(qn_exchange_format_find(formats[i]), "m",
                                             qn_buf_strv(&out), &text, &columns, &left_out, &err);
            assert_true(code == QN_OK || code == QN_ENOTSUP);
        }
    }
    fprintf(stderr, "%llu tampered, %llu of them taken\n", (unsigned long long)run.rounds,
            (unsigned long long)taken);
    qn_buf_fini(&text), qn_buf_fini(&out), qn_buf_fini(&params), qn_buf_fini(&columns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_tampered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
