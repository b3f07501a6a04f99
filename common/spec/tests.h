/* tests: the data_tests of a spec, read into one form.
 *
 * Written under a column (`data_tests: [not_null, {accepted_range: {min_value: 0}}]`) or under a
 * job with `column:` inside (`- accepted_values: {column: Contract, values: [...]}`). */
#ifndef QN_SPEC_TESTS_H
#define QN_SPEC_TESTS_H

#include "base/arena.h"
#include "spec/node.h"

enum qn_test_kind {
    QN_TEST_NOT_NULL,
    QN_TEST_UNIQUE,
    QN_TEST_ACCEPTED_VALUES,
    QN_TEST_ACCEPTED_RANGE,
    QN_TEST_ROW_COUNT,
};

enum qn_severity { QN_SEVERITY_ERROR, QN_SEVERITY_WARN };
enum qn_on_fail { QN_ON_FAIL_FAIL, QN_ON_FAIL_QUARANTINE, QN_ON_FAIL_WARN };

struct qn_test {
    enum qn_test_kind kind;
    const char *column;              /* NULL: row_count */
    const struct qn_node *values;    /* ACCEPTED_VALUES: a LIST of scalars */
    const struct qn_node *min, *max; /* ACCEPTED_RANGE, ROW_COUNT: scalars or NULL */
    bool inclusive;                  /* ACCEPTED_RANGE; default true */
    enum qn_severity severity;       /* default error */
    enum qn_on_fail on_fail;         /* default fail (warn when severity is warn) */
    struct qn_span span;
};

const char *qn_test_name(enum qn_test_kind kind); /* "not_null" */

/* Checks and reads a data_tests list. `column` is set when it stands under a column. Complaints go
 * to diags (the tests that were fine are still given). Results live in the arena. */
bool qn_tests_read(const struct qn_node *list, const char *column, struct qn_arena *arena,
                   struct qn_diags *diags, struct qn_test **out, uint32_t *n);

/* The shape check alone, for qn_keys_check. */
bool qn_tests_check(const struct qn_node *list, bool under_column, struct qn_diags *diags);

#endif
