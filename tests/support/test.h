/* What every cmocka program includes, in the order cmocka asks for. */
#ifndef QN_TESTS_SUPPORT_TEST_H
#define QN_TESTS_SUPPORT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"

/* Fails the test with the error's own words. */
#define assert_ok(call, err)                                                                       \
    do {                                                                                           \
        if ((call) != QN_OK) {                                                                     \
            char assert_ok_text[1024];                                                             \
            qn_err_format((err), assert_ok_text, sizeof assert_ok_text);                           \
            fail_msg("%s: %s", #call, assert_ok_text);                                             \
        }                                                                                          \
    } while (0)

#endif
