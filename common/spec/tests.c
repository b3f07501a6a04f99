#include "spec/tests.h"

#include <stdio.h>

#include "spec/keys.h"

static const char *const severities[] = {"error", "warn", NULL};
static const char *const on_fails[] = {"fail", "quarantine", "warn", NULL};

#define COMMON_KEYS                                                                                \
    {.name = "column", .shape = QN_SHAPE_TEXT, .doc = "the column it is about"},                   \
        {.name = "severity",                                                                       \
         .shape = QN_SHAPE_ENUM,                                                                   \
         .values = severities,                                                                     \
         .doc = "error (default) or warn"},                                                        \
    {                                                                                              \
        .name = "on_fail", .shape = QN_SHAPE_ENUM, .values = on_fails,                             \
        .doc = "fail the run, quarantine the row, or warn"                                         \
    }

static const struct qn_key plain_keys[] = {COMMON_KEYS};
static const struct qn_key values_keys[] = {COMMON_KEYS,
                                            {.name = "values",
                                             .shape = QN_SHAPE_LIST,
                                             .item = QN_SHAPE_SCALAR,
                                             .required = true,
                                             .doc = "what may stand in the column"}};
static const struct qn_key range_keys[] = {
    COMMON_KEYS,
    {.name = "min_value", .shape = QN_SHAPE_SCALAR, .doc = "the least that is fine"},
    {.name = "max_value", .shape = QN_SHAPE_SCALAR, .doc = "the most that is fine"},
    {.name = "inclusive", .shape = QN_SHAPE_BOOL, .doc = "whether the bounds are fine (true)"}};
static const struct qn_key count_keys[] = {
    {.name = "severity", .shape = QN_SHAPE_ENUM, .values = severities, .doc = "error or warn"},
    {.name = "on_fail", .shape = QN_SHAPE_ENUM, .values = on_fails, .doc = "fail or warn"},
    {.name = "min", .shape = QN_SHAPE_INT, .max = 9e18, .doc = "the fewest rows"},
    {.name = "max", .shape = QN_SHAPE_INT, .max = 9e18, .doc = "the most rows"}};

static const struct kind {
    const char *name;
    struct qn_spec_keys keys;
} kinds[] = {
    [QN_TEST_NOT_NULL] = {"not_null", QN_KEYS("test not_null", plain_keys)},
    [QN_TEST_UNIQUE] = {"unique", QN_KEYS("test unique", plain_keys)},
    [QN_TEST_ACCEPTED_VALUES] = {"accepted_values", QN_KEYS("test accepted_values", values_keys)},
    [QN_TEST_ACCEPTED_RANGE] = {"accepted_range", QN_KEYS("test accepted_range", range_keys)},
    [QN_TEST_ROW_COUNT] = {"row_count", QN_KEYS("test row_count", count_keys)},
};

enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

/* Names of the contract that this version does not run. */
static const char *const later[] = {"relationships", "matches", "length", "freshness",
                                    "expression",    "psi",     NULL};

const char *qn_test_name(enum qn_test_kind kind)
{
    return kinds[kind].name;
}

/* A test's name and body ("not_null", or {accepted_values: {...}}). */
static bool split(const struct qn_node *item, struct qn_strv *name, struct qn_span *span,
                  const struct qn_node **body, struct qn_diags *diags)
{
    if (item->kind == QN_NODE_SCALAR) {
        *name = item->text;
        *span = item->span;
        *body = NULL;
        return true;
    }
    if (item->kind == QN_NODE_MAP && item->n == 1) {
        *name = item->pairs[0].key;
        *span = item->pairs[0].key_span;
        *body = item->pairs[0].value.kind == QN_NODE_NULL ? NULL : &item->pairs[0].value;
        return true;
    }
    qn_diags_add(diags, item->span, "not_null, or accepted_range: {min_value: 0}", NULL,
                 "a data test is %s", qn_node_what(item));
    return false;
}

static int find_kind(struct qn_strv name, struct qn_span span, struct qn_diags *diags)
{
    const char *names[N_KINDS];
    char expected[160] = "one of: ", hint[96];
    for (int i = 0; i < N_KINDS; i++) {
        if (qn_strv_is(name, kinds[i].name))
            return i;
        names[i] = kinds[i].name;
        strncat(expected, i ? ", " : "", sizeof expected - strlen(expected) - 1);
        strncat(expected, kinds[i].name, sizeof expected - strlen(expected) - 1);
    }
    for (int i = 0; later[i]; i++)
        if (qn_strv_is(name, later[i])) {
            qn_diags_add(diags, span, expected, NULL,
                         "data test '%s' is not supported by this version", later[i]);
            return -1;
        }
    const char *near = qn_strv_closest(name, names, N_KINDS);
    if (near)
        snprintf(hint, sizeof hint, "did you mean '%s'?", near);
    qn_diags_add(diags, span, expected, near ? hint : NULL, "there is no data test '%.*s'",
                 QN_STRV_ARG(name));
    return -1;
}

static void read_policy(const struct qn_node *body, struct qn_test *test)
{
    test->severity = strcmp(qn_node_text(qn_node_get(body, "severity"), "error"), "warn") == 0
                         ? QN_SEVERITY_WARN
                         : QN_SEVERITY_ERROR;
    const char *on_fail = qn_node_text(qn_node_get(body, "on_fail"),
                                       test->severity == QN_SEVERITY_WARN ? "warn" : "fail");
    test->on_fail = strcmp(on_fail, "quarantine") == 0 ? QN_ON_FAIL_QUARANTINE
                    : strcmp(on_fail, "warn") == 0     ? QN_ON_FAIL_WARN
                                                       : QN_ON_FAIL_FAIL;
}

static bool read_test(const struct qn_node *item, const char *column, bool under_column,
                      struct qn_diags *diags, struct qn_test *out)
{
    struct qn_strv name;
    const struct qn_node *body;
    struct qn_span span;
    if (!split(item, &name, &span, &body, diags))
        return false;
    int kind = find_kind(name, span, diags);
    if (kind < 0 || (body && !qn_keys_check(&kinds[kind].keys, body, NULL, diags)))
        return false;
    *out =
        (struct qn_test){.kind = (enum qn_test_kind)kind,
                         .column = qn_node_text(qn_node_get(body, "column"), column),
                         .values = qn_node_get(body, "values"),
                         .min = qn_node_get(body, kind == QN_TEST_ROW_COUNT ? "min" : "min_value"),
                         .max = qn_node_get(body, kind == QN_TEST_ROW_COUNT ? "max" : "max_value"),
                         .inclusive = qn_node_bool(qn_node_get(body, "inclusive"), true),
                         .span = span};
    read_policy(body, out);
    if (kind == QN_TEST_ROW_COUNT) {
        out->column = NULL;
    } else if (!out->column && !under_column) {
        qn_diags_add(diags, span, "column: NAME", NULL, "test %s does not say its column",
                     kinds[kind].name);
        return false;
    }
    if (kind == QN_TEST_ACCEPTED_VALUES && !out->values) {
        qn_diags_add(diags, span, "values: [...]", NULL, "accepted_values has no values");
        return false;
    }
    return true;
}

bool qn_tests_read(const struct qn_node *list, const char *column, struct qn_arena *arena,
                   struct qn_diags *diags, struct qn_test **out, uint32_t *n)
{
    uint32_t n_items;
    const struct qn_node *items = qn_node_items(list, &n_items);
    struct qn_test *tests = QN_NEW_ARRAY(arena, struct qn_test, n_items);
    bool good = tests != NULL;
    *n = 0;
    for (uint32_t i = 0; tests && i < n_items; i++) {
        bool read = read_test(&items[i], column, column != NULL, diags, &tests[*n]);
        *n += read;
        good &= read;
    }
    *out = tests;
    return good;
}

bool qn_tests_check(const struct qn_node *list, bool under_column, struct qn_diags *diags)
{
    struct qn_test ignored;
    uint32_t n;
    bool good = true;
    if (list->kind != QN_NODE_LIST) {
        qn_diags_add(diags, list->span, "a list of tests", NULL, "data_tests is %s",
                     qn_node_what(list));
        return false;
    }
    const struct qn_node *items = qn_node_items(list, &n);
    for (uint32_t i = 0; i < n; i++)
        good &= read_test(&items[i], NULL, under_column, diags, &ignored);
    return good;
}
