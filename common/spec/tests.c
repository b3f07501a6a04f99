#include "spec/tests.h"

#include <stdio.h>
#include <string.h>

#include "spec/keys.h"
#include "spec/test_keys.h"

static const char *const severities[] = {"error", "warn", NULL};
static const char *const on_fails[] = {"fail", "quarantine", "warn", NULL};

#define SHARED_KEYS                                                                                \
    {.name = "severity",                                                                           \
     .shape = QN_SHAPE_ENUM,                                                                       \
     .values = severities,                                                                         \
     .doc = "error (default) stops the job when the test fails; warn only reports it"},            \
        {.name = "on_fail",                                                                        \
         .shape = QN_SHAPE_ENUM,                                                                   \
         .values = on_fails,                                                                       \
         .doc = "what becomes of the rows that fail: fail (default), quarantine or warn"},         \
    {                                                                                              \
        .name = "mostly", .shape = QN_SHAPE_ANY, .unsupported = true                               \
    }

static const struct qn_key column_shared[] = {SHARED_KEYS};
static const struct qn_key job_shared[] = {
    {.name = "column", .shape = QN_SHAPE_TEXT, .required = true, .doc = "the column to test"},
    SHARED_KEYS};

static const struct qn_key values_keys[] = {
    {.name = "values",
     .shape = QN_SHAPE_LIST,
     .item = QN_SHAPE_SCALAR,
     .required = true,
     .doc = "the values that are allowed; NULL always passes"}};
static const struct qn_key range_keys[] = {
    {.name = "min_value", .shape = QN_SHAPE_SCALAR, .doc = "number, date or timestamp"},
    {.name = "max_value", .shape = QN_SHAPE_SCALAR, .doc = "number, date or timestamp"},
    {.name = "inclusive",
     .shape = QN_SHAPE_BOOL,
     .doc = "whether min_value and max_value themselves pass; default true"}};
static const struct qn_key row_count_keys[] = {
    {.name = "min", .shape = QN_SHAPE_INT, .min = 0, .max = 0x1p53, .doc = "rows at least"},
    {.name = "max", .shape = QN_SHAPE_INT, .min = 0, .max = 0x1p53, .doc = "rows at most"}};

static const struct qn_spec_keys shared_of_column = QN_KEYS("data test", column_shared);
static const struct qn_spec_keys shared_of_job = QN_KEYS("data test", job_shared);

static const struct qn_test_form forms[] = {
    [QN_TEST_NOT_NULL] = {.keys = {.what = "not_null"}, .doc = "no NULL in the column"},
    [QN_TEST_UNIQUE] = {.keys = {.what = "unique"},
                        .doc = "no value twice in the column (NULLs are no values)"},
    [QN_TEST_ACCEPTED_VALUES] = {.keys = QN_KEYS("accepted_values", values_keys),
                                 .needs_arguments = true,
                                 .doc = "every value is one of `values`"},
    [QN_TEST_ACCEPTED_RANGE] = {.keys = QN_KEYS("accepted_range", range_keys),
                                .needs_arguments = true,
                                .doc = "every value lies within the range"},
    [QN_TEST_ROW_COUNT] = {.keys = QN_KEYS("row_count", row_count_keys),
                           .needs_arguments = true,
                           .of_rows = true,
                           .doc = "how many rows the job gives"},
};
enum { N_FORMS = sizeof forms / sizeof forms[0] };

/* Of the contract, not run by this version. */
static const char *const later[] = {"relationships", "matches",    "length",
                                    "freshness",     "expression", "psi"};

const struct qn_test_form *qn_test_forms(size_t *n)
{
    *n = N_FORMS;
    return forms;
}

const struct qn_spec_keys *qn_test_shared_keys(bool under_column)
{
    return under_column ? &shared_of_column : &shared_of_job;
}

const char *qn_test_name(enum qn_test_kind kind)
{
    return forms[kind].keys.what;
}

/* A test as written: its name, and its arguments (NULL: none). */
struct written {
    struct qn_strv name;
    struct qn_span span;
    const struct qn_node *arguments;
};

static bool split_item(const struct qn_node *item, struct qn_diags *diags, struct written *out)
{
    if (item->kind == QN_NODE_SCALAR) {
        *out = (struct written){item->text, item->span, NULL};
        return true;
    }
    if (item->kind != QN_NODE_MAP || item->n == 0) {
        qn_diags_add(diags, item->span, "a test such as not_null, or row_count: {min: 1}", NULL,
                     "a data test cannot be %s",
                     item->kind == QN_NODE_MAP ? "an empty mapping" : qn_node_what(item));
        return false;
    }
    if (item->n > 1) {
        qn_diags_add(diags, item->pairs[1].key_span, NULL,
                     "indent it further when it belongs to the test above, else start it with '- '",
                     "'%.*s' stands beside the test '%.*s'", QN_STRV_ARG(item->pairs[1].key),
                     QN_STRV_ARG(item->pairs[0].key));
        return false;
    }
    const struct qn_pair *pair = &item->pairs[0];
    *out = (struct written){pair->key, pair->key_span,
                            pair->value.kind == QN_NODE_NULL ? NULL : &pair->value};
    return true;
}

static void complain_name(const struct written *written, struct qn_diags *diags)
{
    static const char supported[] =
        "one of: not_null, unique, accepted_values, accepted_range, row_count";
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (qn_strv_is(written->name, later[i])) {
            qn_diags_add(diags, written->span, supported, NULL,
                         "data test '%s' is not supported by this version", later[i]);
            return;
        }
    const char *names[N_FORMS];
    for (size_t i = 0; i < N_FORMS; i++)
        names[i] = forms[i].keys.what;
    char hint[QN_HINT_BYTES];
    qn_diags_add(diags, written->span, supported,
                 qn_did_you_mean(written->name, names, N_FORMS, hint), "unknown data test '%.*s'",
                 QN_STRV_ARG(written->name));
}

static bool find_kind(const struct written *written, enum qn_test_kind *out)
{
    for (size_t i = 0; i < N_FORMS; i++)
        if (qn_strv_is(written->name, forms[i].keys.what)) {
            *out = (enum qn_test_kind)i;
            return true;
        }
    return false;
}

/* Lower bound above the upper, where both are numbers. */
static bool bounds_cross(const struct qn_node *low, const struct qn_node *high)
{
    double min, max;
    return qn_node_is_f64(low, &min) && qn_node_is_f64(high, &max) && min > max;
}

static bool check_bounds(const struct written *written, const char *low, const char *high,
                         struct qn_diags *diags)
{
    const struct qn_node *min = qn_node_get(written->arguments, low);
    const struct qn_node *max = qn_node_get(written->arguments, high);
    if (!min && !max) {
        qn_diags_add(diags, written->span, NULL, NULL, "%.*s needs %s or %s",
                     QN_STRV_ARG(written->name), low, high);
        return false;
    }
    if (!bounds_cross(min, max))
        return true;
    qn_diags_add(diags, min->span, NULL, NULL, "%s is above %s: nothing could pass", low, high);
    return false;
}

static bool check_row_count(const struct written *written, struct qn_diags *diags)
{
    const struct qn_node *on_fail = qn_node_get(written->arguments, "on_fail");
    if (on_fail && qn_strv_is(on_fail->text, "quarantine")) {
        qn_diags_add(diags, on_fail->span, "fail or warn", NULL,
                     "row_count cannot quarantine: no single row is wrong");
        return false;
    }
    return check_bounds(written, "min", "max", diags);
}

/* Arguments left out altogether: `- accepted_range`, or `- not_null` with no column to test. */
static bool check_no_arguments(const struct written *written, const struct qn_test_form *form,
                               bool under_column, struct qn_diags *diags)
{
    bool column = !under_column && !form->of_rows;
    if (!form->needs_arguments && !column)
        return true;
    const char *name = form->keys.what;
    const char *wanted = form->of_rows                    ? "row_count: {min: 1}"
                         : form->keys.keys == values_keys ? "accepted_values: {values: [...]}"
                         : form->keys.keys == range_keys  ? "accepted_range: {min_value: 0}"
                                                          : NULL;
    char example[96];
    if (!wanted)
        snprintf(example, sizeof example, "%s: {column: NAME}", name);
    qn_diags_add(diags, written->span, wanted ? wanted : example, NULL, "%s needs %s", name,
                 form->needs_arguments ? "arguments" : "the column to test");
    return false;
}

static bool check_test(const struct written *written, enum qn_test_kind kind, bool under_column,
                       struct qn_diags *diags)
{
    const struct qn_test_form *form = &forms[kind];
    if (form->of_rows && under_column) {
        qn_diags_add(diags, written->span, NULL, "move it to the data_tests of a job",
                     "%s tests all rows of a job, not a column", form->keys.what);
        return false;
    }
    if (!written->arguments)
        return check_no_arguments(written, form, under_column, diags);
    const struct qn_pair *column = qn_node_pair(written->arguments, "column");
    if (column && under_column) {
        qn_diags_add(diags, column->key_span, NULL, "leave it out",
                     "%s stands under the column it tests", form->keys.what);
        return false;
    }
    const struct qn_spec_keys *shared = qn_test_shared_keys(under_column || form->of_rows);
    if (qn_keys_check_with(&form->keys, shared, written->arguments, NULL, diags) != QN_FORM_GOOD)
        return false;
    if (kind == QN_TEST_ACCEPTED_RANGE)
        return check_bounds(written, "min_value", "max_value", diags);
    return kind != QN_TEST_ROW_COUNT || check_row_count(written, diags);
}

static void fill_test(const struct written *written, enum qn_test_kind kind, const char *column,
                      struct qn_test *out)
{
    const struct qn_node *arguments = written->arguments;
    bool rows = kind == QN_TEST_ROW_COUNT;
    const char *severity = qn_node_text(qn_node_get(arguments, "severity"), "error");
    bool warn = strcmp(severity, "warn") == 0;
    const char *on_fail = qn_node_text(qn_node_get(arguments, "on_fail"), warn ? "warn" : "fail");
    *out = (struct qn_test){
        .kind = kind,
        .column = rows ? NULL : qn_node_text(qn_node_get(arguments, "column"), column),
        .values = qn_node_get(arguments, "values"),
        .min = qn_node_get(arguments, rows ? "min" : "min_value"),
        .max = qn_node_get(arguments, rows ? "max" : "max_value"),
        .inclusive = qn_node_bool(qn_node_get(arguments, "inclusive"), true),
        .severity = warn ? QN_SEVERITY_WARN : QN_SEVERITY_ERROR,
        .on_fail = strcmp(on_fail, "quarantine") == 0 ? QN_ON_FAIL_QUARANTINE
                   : strcmp(on_fail, "warn") == 0     ? QN_ON_FAIL_WARN
                                                      : QN_ON_FAIL_FAIL,
        .span = written->span,
    };
}

/* Checks one item; `out` (may be NULL) is filled when it is good. */
static bool read_item(const struct qn_node *item, const char *column, bool under_column,
                      struct qn_diags *diags, struct qn_test *out)
{
    struct written written;
    enum qn_test_kind kind;
    if (!split_item(item, diags, &written))
        return false;
    if (!find_kind(&written, &kind)) {
        complain_name(&written, diags);
        return false;
    }
    if (!check_test(&written, kind, under_column, diags))
        return false;
    if (out)
        fill_test(&written, kind, column, out);
    return true;
}

static bool check_is_list(const struct qn_node *list, struct qn_diags *diags)
{
    if (list->kind == QN_NODE_LIST)
        return true;
    qn_diags_add(diags, list->span, "a list: [not_null, unique]", NULL, "'data_tests' %s%s",
                 list->kind == QN_NODE_NULL ? "has no value" : "cannot be ",
                 list->kind == QN_NODE_NULL ? "" : qn_node_what(list));
    return false;
}

bool qn_tests_check(const struct qn_node *list, bool under_column, struct qn_diags *diags)
{
    if (!check_is_list(list, diags))
        return false;
    bool good = true;
    for (uint32_t i = 0; i < list->n; i++)
        good &= read_item(&list->items[i], NULL, under_column, diags, NULL);
    return good;
}

bool qn_tests_read(const struct qn_node *list, const char *column, struct qn_arena *arena,
                   struct qn_diags *diags, struct qn_test **out, uint32_t *n)
{
    *out = NULL;
    *n = 0;
    if (!list)
        return true;
    if (!check_is_list(list, diags))
        return false;
    bool good = true;
    struct qn_test *tests = QN_NEW_ARRAY(arena, struct qn_test, list->n ? list->n : 1);
    if (!tests) {
        qn_diags_add(diags, list->span, NULL, NULL, "no memory for the data tests");
        return false;
    }
    for (uint32_t i = 0; i < list->n; i++) {
        if (read_item(&list->items[i], column, column != NULL, diags, &tests[*n]))
            (*n)++;
        else
            good = false;
    }
    *out = tests;
    return good;
}
