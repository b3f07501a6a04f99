#include "flow/findings.h"

#include <string.h>

struct qn_test_finding *qn_findings_add_test(struct qn_findings *findings)
{
    if (findings->n_tests >= findings->most_tests) {
        uint32_t most = findings->n_tests < 8 ? 16 : 2 * findings->n_tests;
        struct qn_test_finding *tests = QN_NEW_ARRAY(findings->arena, struct qn_test_finding, most);
        if (!tests)
            return NULL;
        if (findings->n_tests)
            memcpy(tests, findings->tests, findings->n_tests * sizeof *tests);
        findings->tests = tests;
        findings->most_tests = most;
    }
    return &findings->tests[findings->n_tests++];
}
