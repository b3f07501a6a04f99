/* data_tests read into one form, wherever they stand. (What is said of wrong ones: golden/spec.) */
#include "tests/support/test.h"

#include <string.h>

#include "spec/tests.h"
#include "tests/support/spec.h"

struct read {
    struct qn_arena arena;
    struct qn_diags diags;
    struct qn_test *tests;
    uint32_t n;
    bool good;
};

static struct read read_tests(const char *text, const char *column)
{
    struct read read = {0};
    struct qn_strv bytes = qn_strv_from(text);
    const struct qn_node *root;
    qn_arena_init(&read.arena);
    qn_diags_init(&read.diags, "spec.yaml", bytes);
    assert_int_equal(qn_node_read(bytes, &read.arena, &read.diags, &root, NULL), QN_OK);
    read.good = qn_tests_read(root, column, &read.arena, &read.diags, &read.tests, &read.n);
    return read;
}

static void finish(struct read *read)
{
    qn_diags_fini(&read->diags);
    qn_arena_fini(&read->arena);
}

static void reads_tests_under_a_column(void **state)
{
    (void)state;
    struct read read = read_tests("- not_null\n"
                                  "- unique:\n"
                                  "- accepted_values: {values: [a, b], on_fail: quarantine}\n"
                                  "- accepted_range: {min_value: 0, inclusive: false}\n",
                                  "id");
    assert_true(read.good);
    assert_int_equal(read.n, 4);
    for (uint32_t i = 0; i < read.n; i++) {
        assert_string_equal(read.tests[i].column, "id");
        assert_int_equal(read.tests[i].severity, QN_SEVERITY_ERROR);
    }
    assert_int_equal(read.tests[0].kind, QN_TEST_NOT_NULL);
    assert_int_equal(read.tests[0].on_fail, QN_ON_FAIL_FAIL);
    assert_int_equal(read.tests[1].kind, QN_TEST_UNIQUE);
    assert_int_equal(read.tests[2].values->n, 2);
    assert_int_equal(read.tests[2].on_fail, QN_ON_FAIL_QUARANTINE);
    assert_int_equal(read.tests[2].span.line, 3);
    assert_true(qn_node_i64(read.tests[3].min, -1) == 0);
    assert_null(read.tests[3].max);
    assert_false(read.tests[3].inclusive);
    finish(&read);
}

static void reads_tests_of_a_job(void **state)
{
    (void)state;
    struct read read = read_tests("- row_count: {min: 1, max: 10}\n"
                                  "- not_null: {column: id, severity: warn}\n"
                                  "- unique: {column: id, severity: warn, on_fail: fail}\n",
                                  NULL);
    assert_true(read.good);
    assert_int_equal(read.n, 3);
    assert_null(read.tests[0].column);
    assert_int_equal(qn_node_i64(read.tests[0].max, 0), 10);
    assert_string_equal(read.tests[1].column, "id");
    assert_int_equal(read.tests[1].severity, QN_SEVERITY_WARN);
    assert_int_equal(read.tests[1].on_fail, QN_ON_FAIL_WARN);
    assert_int_equal(read.tests[2].on_fail, QN_ON_FAIL_FAIL);
    assert_string_equal(qn_test_name(QN_TEST_ROW_COUNT), "row_count");
    finish(&read);
}

/* The good ones are given, and reading twice says nothing twice. */
static void goes_on_past_wrong_ones(void **state)
{
    (void)state;
    struct read read =
        read_tests("[not_null, psi, {accepted_values: {}}, unique, {unique: {on_fail: no}}]", "id");
    assert_false(read.good);
    assert_int_equal(read.n, 2);
    assert_int_equal(read.tests[1].kind, QN_TEST_UNIQUE);
    assert_int_equal(read.diags.n, 3);
    finish(&read);
}

static void an_absent_list_is_fine(void **state)
{
    (void)state;
    struct qn_test *tests;
    uint32_t n = 1;
    assert_true(qn_tests_read(NULL, NULL, NULL, NULL, &tests, &n));
    assert_int_equal(n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_tests_under_a_column),
        cmocka_unit_test(reads_tests_of_a_job),
        cmocka_unit_test(goes_on_past_wrong_ones),
        cmocka_unit_test(an_absent_list_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
