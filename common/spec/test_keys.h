/* test_keys: the tables behind data_tests, for the reader and for the JSON Schema. */
#ifndef QN_SPEC_TEST_KEYS_H
#define QN_SPEC_TEST_KEYS_H

#include "spec/keys.h"

struct qn_test_form {
    struct qn_spec_keys keys; /* `what` is the test's name; the shared keys come on top */
    bool needs_arguments;     /* a bare name is not enough */
    bool of_rows;             /* tests all rows of a job, not a column */
    const char *doc;
};

/* By enum qn_test_kind. */
const struct qn_test_form *qn_test_forms(size_t *n);

/* severity, on_fail, and column where the test does not stand under one. */
const struct qn_spec_keys *qn_test_shared_keys(bool under_column);

#endif
